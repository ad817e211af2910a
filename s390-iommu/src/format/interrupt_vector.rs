// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Adapter interruption bit vectors: where the bits of a function are, and how they are set and taken.

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::format::address::{AbsoluteAddress, PAGE_SIZE};
use crate::format::fib::{InterruptParameters, InterruptWord};

/// Where the interrupts of a function are noted in storage, from the parameters that MPCIFC registers.
///
/// Interrupt n has bit AIBVO + n of the vector at AIBV, counted from the most significant bit of its first byte. When the
/// machine sets one it sets the summary bit too, bit AISBO from AISB on, and presents an adapter interruption of the
/// subclass if that was 0. Neither the vector nor the summary bit lies in more than one page, as Linux lays them out, but
/// [`Self::across_pages`].
///
/// QEMU: `hw/s390x/s390-pci-bus.c`; Linux: `arch/s390/pci/pci_irq.c`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InterruptVector {
    word: InterruptWord,
    vector: AbsoluteAddress,
    summary: AbsoluteAddress,
}

/// A bit in storage.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct BitLocation {
    /// The byte.
    pub byte: AbsoluteAddress,
    /// The bit in it, as a mask of one bit.
    pub mask: u8,
}

impl InterruptVector {
    /// Reads and checks `parameters` of format 0.
    ///
    /// # Errors
    ///
    /// [`InterruptVectorError::CrossesPage`] if the vector or the summary bit is not in one page.
    pub const fn new(parameters: &InterruptParameters) -> Result<Self, InterruptVectorError> {
        let made = Self::across_pages(parameters);
        let Self { word, vector, summary } = made;
        let last = (word.vector_offset() as u64 + word.count() as u64).saturating_sub(1);
        if !in_one_page(vector, last) {
            return Err(InterruptVectorError::CrossesPage(vector));
        }
        if word.has_summary() && !in_one_page(summary, word.summary_offset() as u64) {
            return Err(InterruptVectorError::CrossesPage(summary));
        }
        Ok(made)
    }

    /// Reads `parameters` of format 0, wherever the vector and the summary bit end: as QEMU takes them, which finds the byte of
    /// each bit by itself.
    pub const fn across_pages(parameters: &InterruptParameters) -> Self {
        Self {
            word: InterruptWord::from_bits(parameters.word.get()),
            vector: AbsoluteAddress::new(parameters.vector.get()),
            summary: AbsoluteAddress::new(parameters.summary.get()),
        }
    }

    /// The parameters of a vector at `vector` for `count` interrupts, from bit `vector_offset` on, with the summary bit
    /// `summary_offset` from `summary` on, presented with `subclass`.
    ///
    /// # Errors
    ///
    /// * [`InterruptVectorError::Field`] if `subclass` is above 7, `count` above 4095, or an offset above 63.
    /// * As for [`Self::new`].
    pub fn parameters(
        subclass: u8,
        count: u16,
        (vector, vector_offset): (AbsoluteAddress, u8),
        (summary, summary_offset): (AbsoluteAddress, u8),
    ) -> Result<InterruptParameters, InterruptVectorError> {
        if subclass > 7 || count > 0xfff || vector_offset > 63 || summary_offset > 63 {
            return Err(InterruptVectorError::Field);
        }
        let word = InterruptWord::new()
            .with_subclass(subclass)
            .with_count(count)
            .with_vector_offset(vector_offset)
            .with_has_summary(true)
            .with_summary_offset(summary_offset);
        let parameters = InterruptParameters {
            word: word.into_bits().into(),
            directed_vector_offset: 0.into(),
            reserved_46: 0.into(),
            vector: vector.get().into(),
            summary: summary.get().into(),
        };
        Self::new(&parameters).map(|_| parameters)
    }

    /// Number of interrupts (NOI).
    pub const fn count(&self) -> u16 {
        self.word.count()
    }

    /// Interruption subclass (ISC), 0 to 7.
    pub const fn subclass(&self) -> u8 {
        self.word.subclass()
    }

    /// Where the bit of interrupt `message` is; `None` if it is not below [`Self::count`].
    ///
    /// Without this check a guest that programs a message number of its own lets its device set any bit behind the vector.
    pub const fn bit(&self, message: u16) -> Option<BitLocation> {
        if message >= self.count() {
            return None;
        }
        Some(locate(self.vector, self.word.vector_offset() as u64 + message as u64))
    }

    /// Where the summary bit is; `None` if there is none.
    pub const fn summary(&self) -> Option<BitLocation> {
        if !self.word.has_summary() {
            return None;
        }
        Some(locate(self.summary, self.word.summary_offset() as u64))
    }
}

/// Whether the bytes from `address` to that of bit `last` lie in one page.
const fn in_one_page(address: AbsoluteAddress, last: u64) -> bool {
    address.get() % PAGE_SIZE + last / 8 < PAGE_SIZE
}

const fn locate(address: AbsoluteAddress, bit: u64) -> BitLocation {
    // A checked vector does not leave its page, and the byte of another one is looked up as any address.
    BitLocation { byte: AbsoluteAddress::new(address.get().wrapping_add(bit / 8)), mask: 0x80 >> (bit % 8) }
}

/// Why parameters describe no vector.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InterruptVectorError {
    /// The bits from this address on are not all in one page.
    CrossesPage(AbsoluteAddress),
    /// A value that its field does not hold.
    Field,
}

impl fmt::Display for InterruptVectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrossesPage(address) => write!(f, "interruption bit vector at {address} crosses the end of a page"),
            Self::Field => f.write_str("a value that its field of the interrupt parameters does not hold"),
        }
    }
}

impl core::error::Error for InterruptVectorError {}

/// The bits of a vector in storage that a program can reach, bit 0 the most significant of the first byte.
///
/// The same for who sets the bits and for who takes them: each change of a bit is atomic and leaves the others alone.
#[derive(Clone, Copy, Debug)]
pub struct InterruptBits<'a>(pub &'a [AtomicU8]);

impl InterruptBits<'_> {
    /// Sets bit `bit`; returns whether it was set before, `None` if there is no such bit.
    ///
    /// Whoever finds the summary bit not set presents the interruption.
    pub fn set(&self, bit: usize) -> Option<bool> {
        let mask = 0x80 >> (bit % 8);
        let byte = self.0.get(bit / 8)?;
        Some(byte.fetch_or(mask, Ordering::AcqRel) & mask != 0)
    }

    /// Clears bit `bit`; returns whether it was set, `None` if there is no such bit.
    pub fn take(&self, bit: usize) -> Option<bool> {
        let mask = 0x80 >> (bit % 8);
        let byte = self.0.get(bit / 8)?;
        Some(byte.fetch_and(!mask, Ordering::AcqRel) & mask != 0)
    }

    /// Takes every bit that is set, in ascending order. A bit that is set again behind its back is taken the next time.
    pub fn take_all(&self) -> impl Iterator<Item = usize> + '_ {
        let bits = self.0.iter().zip((0_usize..).step_by(8)).flat_map(|(byte, first)| {
            let taken = byte.swap(0, Ordering::AcqRel);
            (0..8_usize).filter(move |bit| taken & (0x80 >> bit) != 0).map(move |bit| first.wrapping_add(bit))
        });
        bits
    }
}
