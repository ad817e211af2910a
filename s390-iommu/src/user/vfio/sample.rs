// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Measurement of a function by VFIO: begun, ended, read.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::{ByteOrder, SwapBytes};
use crate::format::measurement::{Measurement, Transfers};

/// The data of VFIO_DEVICE_FEATURE for [`identifier::FEATURE_MEASURE`](super::identifier::FEATURE_MEASURE): whether a
/// function is measured.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct MeasurementSwitch {
    /// 1 to begin, with counters of 0, 0 to end. VMM.
    pub enable: u32,
    /// Zero.
    pub reserved: u32,
}

const_assert_eq!(size_of::<MeasurementSwitch>(), 8);

layout! {
    /// The fields of [`MeasurementSwitch`].
    pub static MEASUREMENT_SWITCH: MeasurementSwitch = "VFIO_DEVICE_FEATURE measure", "", Order::Native;
    enable: Kind::Count, "", "1 to begin, 0 to end";
    reserved: Kind::Reserved, "", "Zero", rule Rule::Zero;
}

debug_by_layout!(MeasurementSwitch, MEASUREMENT_SWITCH);

/// The data of VFIO_DEVICE_FEATURE for [`identifier::FEATURE_SAMPLE`](super::identifier::FEATURE_SAMPLE): a whole sample of
/// the measurement block of a function.
///
/// It has no version: it may become longer, and the ioctl has the length of both sides.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct MeasurementSample {
    /// Milliseconds from one sample to the next. Function.
    pub interval: u32,
    /// Number of the sample. Function.
    pub sample: u32,
    /// Format of the block, 0 to 3, and what [`Self::transfers`] are. Function.
    pub format: u8,
    /// [`Self::TRANSFERS`]. Function.
    pub flags: u8,
    /// Zero.
    pub reserved: [u8; 6],
    /// When the sample was taken, as the machine says it; another one has another time. Function.
    pub last_update: u64,
    /// Loads (PCILG). Function.
    pub loads: u64,
    /// Stores (PCISTG). Function.
    pub stores: u64,
    /// Block stores (PCISTB). Function.
    pub block_stores: u64,
    /// Refreshes (RPCIT). Function.
    pub refreshes: u64,
    /// Counters of the format, in its order, and zeros; all zeros without [`Self::TRANSFERS`]. Function.
    pub transfers: [u64; 4],
}

const_assert_eq!(size_of::<MeasurementSample>(), 88);
const_assert_eq!(core::mem::offset_of!(MeasurementSample, last_update), 16);
const_assert_eq!(core::mem::offset_of!(MeasurementSample, transfers), 56);

/// The bits of the flags of [`MeasurementSample`].
pub static SAMPLE_FLAGS: Word =
    Word { title: "flags", width: 8, parts: &[Part::new(8, (0, 1), "transfers", "", "counters of the format")] };

layout! {
    /// The fields of [`MeasurementSample`].
    pub static MEASUREMENT_SAMPLE: MeasurementSample = "VFIO_DEVICE_FEATURE sample", "", Order::Native;
    interval: Kind::Count, "", "Milliseconds from one sample to the next";
    sample: Kind::Count, "", "Number of the sample";
    format: Kind::Number, "", "Format of the block";
    flags: Kind::Bits, "", "Flags", word &SAMPLE_FLAGS;
    reserved: Kind::Reserved, "", "Zero", rule Rule::Zero;
    last_update: Kind::Number, "", "When the sample was taken";
    loads: Kind::Count, "", "Loads (PCILG)";
    stores: Kind::Count, "", "Stores (PCISTG)";
    block_stores: Kind::Count, "", "Block stores (PCISTB)";
    refreshes: Kind::Count, "", "Refreshes (RPCIT)";
    transfers[]: Kind::Count, "", "Counters of the format";
}

debug_by_layout!(MeasurementSample, MEASUREMENT_SAMPLE);

impl SwapBytes for MeasurementSample {
    fn swap_bytes(self) -> Self {
        Self {
            interval: self.interval.swap_bytes(),
            sample: self.sample.swap_bytes(),
            last_update: self.last_update.swap_bytes(),
            loads: self.loads.swap_bytes(),
            stores: self.stores.swap_bytes(),
            block_stores: self.block_stores.swap_bytes(),
            refreshes: self.refreshes.swap_bytes(),
            transfers: self.transfers.map(u64::swap_bytes),
            ..self
        }
    }
}

impl MeasurementSample {
    /// The counters of the format are valid.
    pub const TRANSFERS: u8 = 1 << 0;

    /// Encodes `measured`, of a function whose samples are `interval` milliseconds apart.
    pub fn new(measured: &Measurement, interval: u32) -> Self {
        let transfers = match measured.transfers {
            Transfers::Dma { read_bytes, written_bytes } => Some([read_bytes, written_bytes, 0, 0]),
            Transfers::Packets { received_bytes, received_packets, sent_bytes, sent_packets } => {
                Some([received_bytes, received_packets, sent_bytes, sent_packets])
            }
            Transfers::Work { consumed, maximum } => Some([consumed, maximum, 0, 0]),
            Transfers::Sent { bytes } => Some([bytes, 0, 0, 0]),
            Transfers::None => None,
        };
        Self {
            interval,
            sample: measured.sample,
            format: measured.format,
            flags: if transfers.is_some() { Self::TRANSFERS } else { 0 },
            reserved: [0; 6],
            last_update: measured.last_update,
            loads: measured.loads,
            stores: measured.stores,
            block_stores: measured.block_stores,
            refreshes: measured.refreshes,
            transfers: transfers.unwrap_or_default(),
        }
    }

    /// The sample for a guest: what [`Measurement::write`] takes.
    pub fn measurement(&self) -> Measurement {
        let [first, second, third, fourth] = self.transfers;
        let transfers = match self.format {
            _ if self.flags & Self::TRANSFERS == 0 => Transfers::None,
            0 => Transfers::Dma { read_bytes: first, written_bytes: second },
            1 => Transfers::Packets {
                received_bytes: first,
                received_packets: second,
                sent_bytes: third,
                sent_packets: fourth,
            },
            2 => Transfers::Work { consumed: first, maximum: second },
            3 => Transfers::Sent { bytes: first },
            _ => Transfers::None,
        };
        Measurement {
            format: self.format,
            indicators: 0,
            sample: self.sample,
            last_update: self.last_update,
            loads: self.loads,
            stores: self.stores,
            block_stores: self.block_stores,
            refreshes: self.refreshes,
            transfers,
        }
    }

    /// Reads the structure, whose numbers are in `order`; `None` if `bytes` are too few. What follows it is not looked
    /// at.
    pub fn read(bytes: &[u8], order: ByteOrder) -> Option<Self> {
        let (value, _) = Self::read_from_prefix(bytes).ok()?;
        Some(order.convert(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a machine of the other kind wrote: a sample of a network function.
    const BLOCK: [u64; 10] = [0x0100_0000_0000_000d, 0x2468, 5, 6, 7, 8, 1500, 1, 3000, 2];

    fn sample() -> MeasurementSample {
        let measured = Measurement::read(80, 1, |offset| Some(BLOCK[usize::from(offset) / 8])).unwrap();
        MeasurementSample::new(&measured, 4000)
    }

    #[test]
    fn every_counter_has_its_place() {
        let words = [4000_u32, 13].map(u32::to_be_bytes).concat();
        let bytes = [1, 1, 0, 0, 0, 0, 0, 0];
        let counters = [0x2468_u64, 5, 6, 7, 8, 1500, 1, 3000, 2].map(u64::to_be_bytes).concat();
        let expected = [&words[..], &bytes, &counters].concat();
        let big = ByteOrder::Big.convert(sample());
        assert_eq!(big.as_bytes(), expected);
        assert_eq!(MeasurementSample::read(&expected, ByteOrder::Big), Some(sample()));
        assert_eq!(MeasurementSample::read(&expected[..87], ByteOrder::Big), None);
    }

    #[test]
    fn a_guest_gets_the_same_block() {
        let mut block = [0; 10];
        let stored: Result<(), core::convert::Infallible> = sample().measurement().write(80, 0, |offset, value| {
            block[usize::from(offset) / 8] = value;
            Ok(())
        });
        let Ok(()) = stored;
        assert_eq!(block, BLOCK);
    }

    #[test]
    fn without_counters_of_the_format_there_are_zeros() {
        let measured = Measurement::read(48, 1, |offset| Some(BLOCK[usize::from(offset) / 8])).unwrap();
        let sample = MeasurementSample::new(&measured, 4000);
        assert_eq!((sample.flags, sample.transfers), (0, [0; 4]));
        assert_eq!(sample.measurement(), measured);
    }
}
