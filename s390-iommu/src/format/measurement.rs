// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The function measurement block, and how it is read while the machine writes it.

use core::fmt;
use core::sync::atomic::{fence, Ordering};

/// A sample of a function measurement block (FMB): what a function did since measurement was set.
///
/// In storage the block is big-endian, in doublewords:
///
/// | byte | field |
/// |---|---|
/// | 0 | format |
/// | 1 | indicators, three bytes; 0x800000: the counters of format 0 are valid |
/// | 4 | number of the sample |
/// | 8 | time of the last update; the last bit (U) is 1 while the machine writes the block |
/// | 16, 24, 32, 40 | loads, stores, block stores, refreshes |
/// | 48 | as the format says: [`Transfers`] |
///
/// How long the block is the function says ([`Function::fmb_length`](clp::Function)); counters behind its end are not
/// there. Linux: `struct zpci_fmb`, `arch/s390/include/asm/pci.h`; QEMU: `include/hw/s390x/s390-pci-inst.h`.
///
/// # Torn samples
///
/// The machine sets U, writes the counters, and clears U by the store of a new time. A sample is whole if U was 0 and the
/// time the same before and after the counters were read: [`Self::read`]. Who gets no more than copies of the block, made
/// by somebody else, cannot see that from one: [`Self::from_copies`] takes three.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Measurement {
    /// Format, 0 to 3; any other has no counters of its own that are known.
    pub format: u8,
    /// Indicators, 24 bits.
    pub indicators: u32,
    /// Number of the sample; QEMU starts with 0.
    pub sample: u32,
    /// When the sample was taken: the doubleword without U. QEMU stores a TOD clock value times 2.
    pub last_update: u64,
    /// Loads (PCILG).
    pub loads: u64,
    /// Stores (PCISTG).
    pub stores: u64,
    /// Block stores (PCISTB).
    pub block_stores: u64,
    /// Refreshes (RPCIT).
    pub refreshes: u64,
    /// What the format has beyond that.
    pub transfers: Transfers,
}

/// The counters that depend on the format; a counter behind the end of the block is 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transfers {
    /// Format 0, with the indicator for it: bytes read and written by DMA.
    Dma {
        /// Bytes read from storage.
        read_bytes: u64,
        /// Bytes written to storage.
        written_bytes: u64,
    },
    /// Format 1: a network function.
    Packets {
        /// Bytes received.
        received_bytes: u64,
        /// Packets received.
        received_packets: u64,
        /// Bytes sent.
        sent_bytes: u64,
        /// Packets sent.
        sent_packets: u64,
    },
    /// Format 2: an accelerator.
    Work {
        /// Units of work consumed.
        consumed: u64,
        /// Most units of work.
        maximum: u64,
    },
    /// Format 3: internal shared memory.
    Sent {
        /// Bytes sent.
        bytes: u64,
    },
    /// Format 0 without the indicator, another format, or a block without room for one.
    None,
}

/// Update indicator (U), in the doubleword with the time.
const UPDATING: u64 = 1;

/// Bit of the indicators: the counters of format 0 are valid.
const DMA_VALID: u32 = 1 << 23;

/// Where the common counters end and those of the format start.
const COMMON: u16 = 48;

/// Offset of the time.
const LAST_UPDATE: u16 = 8;

/// Bytes of a doubleword.
const SIZE: u16 = 8;

impl Measurement {
    /// Bytes of the longest block that is known: format 1.
    pub const MAX_LENGTH: u16 = 80;

    /// Reads a whole sample from a block of `length` bytes that the machine may be writing.
    ///
    /// `load` returns the doubleword at an offset in bytes, a multiple of eight; as a load that is neither torn nor left
    /// out (volatile or atomic). A sample that is not whole is read again, `attempts` times in all; an update takes the
    /// machine less than it takes to read one, and comes once in an interval of seconds.
    ///
    /// # Errors
    ///
    /// * [`MeasurementError::Length`] if the common counters are not in the block.
    /// * [`MeasurementError::Torn`] if each attempt met an update.
    /// * [`MeasurementError::Load`] if `load` returned `None`.
    pub fn read(
        length: u16,
        attempts: u32,
        mut load: impl FnMut(u16) -> Option<u64>,
    ) -> Result<Self, MeasurementError> {
        for _ in 0..attempts {
            let before = load(LAST_UPDATE).ok_or(MeasurementError::Load { offset: LAST_UPDATE })?;
            fence(Ordering::Acquire);
            let sample = Self::decode(length, before, &mut load)?;
            fence(Ordering::Acquire);
            let after = load(LAST_UPDATE).ok_or(MeasurementError::Load { offset: LAST_UPDATE })?;
            if before & UPDATING == 0 && before == after {
                return Ok(sample);
            }
        }
        Err(MeasurementError::Torn)
    }

    /// Reads a sample from three copies of a block, made one after the other; the second is what is read.
    ///
    /// Of one copy nobody knows in which order it was made, and an update may have been half done. If the times of all
    /// three are the same, without U, there was no update between the first and the third, where the second was made.
    ///
    /// # Errors
    ///
    /// * [`MeasurementError::Length`] if the common counters are not in each copy.
    /// * [`MeasurementError::Torn`] if an update was seen; make three others.
    pub fn from_copies(copies: [&[u8]; 3]) -> Result<Self, MeasurementError> {
        let doubleword = |bytes: &[u8], offset: u16| {
            let rest = bytes.get(usize::from(offset)..)?;
            Some(u64::from_be_bytes(*rest.first_chunk()?))
        };
        let [first, second, third] = copies;
        let length = u16::try_from(second.len()).unwrap_or(u16::MAX);
        let [Some(before), Some(time), Some(after)] =
            [first, second, third].map(|bytes| doubleword(bytes, LAST_UPDATE))
        else {
            return Err(MeasurementError::Length(length));
        };
        if time & UPDATING != 0 || before != time || after != time {
            return Err(MeasurementError::Torn);
        }
        Self::decode(length, time, &mut |offset| doubleword(second, offset))
    }

    /// Reads everything but the time.
    fn decode(
        length: u16,
        last_update: u64,
        load: &mut impl FnMut(u16) -> Option<u64>,
    ) -> Result<Self, MeasurementError> {
        if length < COMMON {
            return Err(MeasurementError::Length(length));
        }
        let mut field = |offset: u16| match offset.saturating_add(SIZE) > length {
            true => Ok(0),
            false => load(offset).ok_or(MeasurementError::Load { offset }),
        };
        let head = field(0)?;
        let (format, indicators) = ((head >> 56) as u8, (head >> 32) as u32 & 0xff_ffff);
        let transfers = match format {
            _ if length < COMMON.saturating_add(SIZE) => Transfers::None,
            0 if indicators & DMA_VALID != 0 => Transfers::Dma { read_bytes: field(48)?, written_bytes: field(56)? },
            1 => Transfers::Packets {
                received_bytes: field(48)?,
                received_packets: field(56)?,
                sent_bytes: field(64)?,
                sent_packets: field(72)?,
            },
            2 => Transfers::Work { consumed: field(48)?, maximum: field(56)? },
            3 => Transfers::Sent { bytes: field(48)? },
            _ => Transfers::None,
        };
        Ok(Self {
            format,
            indicators,
            sample: head as u32,
            last_update: last_update & !UPDATING,
            loads: field(16)?,
            stores: field(24)?,
            block_stores: field(32)?,
            refreshes: field(40)?,
            transfers,
        })
    }

    /// Writes the sample into a block of `length` bytes of which `before` is the last time, so that no reader takes a half
    /// of it for whole.
    ///
    /// `store` stores a doubleword, big-endian, at an offset in bytes, at once. Format and indicators are those of
    /// [`Self::transfers`]. A VMM writes each [measurement interval](clp::FunctionGroup::measurement_interval_ms), with the
    /// next number and another time than before; Linux takes a block whose time does not change for one that is not
    /// updated.
    ///
    /// # Errors
    ///
    /// The error of `store`; the guest gets an event with
    /// [`EventCode::MEASUREMENT_ACCESS`](crate::EventCode::MEASUREMENT_ACCESS), and measurement ends.
    pub fn write<E>(
        &self,
        length: u16,
        before: u64,
        mut store: impl FnMut(u16, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut put = |offset: u16, value: u64| match offset.saturating_add(SIZE) > length {
            true => Ok(()),
            false => store(offset, value),
        };
        put(LAST_UPDATE, before | UPDATING)?;
        fence(Ordering::Release);
        put(0, self.head())?;
        for (offset, value) in [(16, self.loads), (24, self.stores), (32, self.block_stores), (40, self.refreshes)] {
            put(offset, value)?;
        }
        let own = match self.transfers {
            Transfers::Dma { read_bytes, written_bytes } => [read_bytes, written_bytes, 0, 0],
            Transfers::Packets { received_bytes, received_packets, sent_bytes, sent_packets } => {
                [received_bytes, received_packets, sent_bytes, sent_packets]
            }
            Transfers::Work { consumed, maximum } => [consumed, maximum, 0, 0],
            Transfers::Sent { bytes } => [bytes, 0, 0, 0],
            Transfers::None => [0; 4],
        };
        let count = match self.transfers {
            Transfers::None => 0,
            Transfers::Sent { .. } => 1,
            Transfers::Dma { .. } | Transfers::Work { .. } => 2,
            Transfers::Packets { .. } => 4,
        };
        for (value, offset) in own.into_iter().take(count).zip((COMMON..).step_by(usize::from(SIZE))) {
            put(offset, value)?;
        }
        fence(Ordering::Release);
        put(LAST_UPDATE, self.last_update & !UPDATING)
    }

    /// The first doubleword.
    const fn head(&self) -> u64 {
        let (format, indicators) = match self.transfers {
            Transfers::Dma { .. } => (0, self.indicators | DMA_VALID),
            Transfers::Packets { .. } => (1, self.indicators),
            Transfers::Work { .. } => (2, self.indicators),
            Transfers::Sent { .. } => (3, self.indicators),
            Transfers::None => (self.format, self.indicators),
        };
        (format as u64) << 56 | ((indicators & 0xff_ffff) as u64) << 32 | self.sample as u64
    }
}

/// Why there is no sample.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MeasurementError {
    /// A block of so many bytes, too short for the common counters.
    Length(u16),
    /// The machine was writing the block.
    Torn,
    /// The doubleword at this offset in bytes could not be read.
    Load {
        /// The offset.
        offset: u16,
    },
}

impl fmt::Display for MeasurementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => write!(f, "measurement block of {length} bytes, {COMMON} at least"),
            Self::Torn => f.write_str("the measurement block was being updated"),
            Self::Load { offset } => write!(f, "byte {offset} of the measurement block could not be read"),
        }
    }
}

impl core::error::Error for MeasurementError {}
