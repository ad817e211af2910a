// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Ranges of I/O virtual addresses.

use core::fmt;

use crate::format::address::{Iova, PAGE_SIZE};

/// Whole pages from `start` to `last`, both inclusive, never empty.
///
/// `start` is the first byte of a page and `last` the last byte of one, so that all of 2^64 has a name.
#[doc(alias("PBA", "PAL"))]
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Bounds"))]
pub struct IovaRange {
    start: Iova,
    last: Iova,
}

/// A range as it is read, before it is known to be one.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "IovaRange")]
struct Bounds {
    start: Iova,
    last: Iova,
}

#[cfg(feature = "serde")]
impl TryFrom<Bounds> for IovaRange {
    type Error = RangeError;

    fn try_from(bounds: Bounds) -> Result<Self, RangeError> {
        Self::new(bounds.start, bounds.last)
    }
}

impl IovaRange {
    /// Everything a device can address.
    pub const ALL: Self = Self { start: Iova::new(0), last: Iova::new(u64::MAX) };

    /// The range from `start` to `last`, both inclusive.
    ///
    /// # Errors
    ///
    /// * [`RangeError::Empty`] if `last` lies before `start`.
    /// * [`RangeError::Unaligned`] if `start` is not the first or `last` not the last byte of a page; nothing is
    ///   rounded, since a rounded range would give a device storage that nobody named.
    pub const fn new(start: Iova, last: Iova) -> Result<Self, RangeError> {
        if last.get() < start.get() {
            return Err(RangeError::Empty { start, last });
        }
        if !(start.get() | last.get().wrapping_add(1)).is_multiple_of(PAGE_SIZE) {
            return Err(RangeError::Unaligned { start, last });
        }
        Ok(Self { start, last })
    }

    /// The range of `bytes` bytes from `start`.
    ///
    /// # Errors
    ///
    /// * [`RangeError::Empty`] if `bytes` is zero.
    /// * [`RangeError::Overflow`] if the range would pass 2^64.
    /// * [`RangeError::Unaligned`] if `start` or `bytes` is not a multiple of [`PAGE_SIZE`].
    pub const fn with_size(start: Iova, bytes: u64) -> Result<Self, RangeError> {
        if bytes == 0 {
            return Err(RangeError::Empty { start, last: start });
        }
        match start.checked_add(bytes - 1) {
            Some(last) => Self::new(start, last),
            None => Err(RangeError::Overflow { start, bytes }),
        }
    }

    /// The range from 0 to the end of the page that holds `last`.
    pub const fn up_to(last: Iova) -> Self {
        Self { start: Iova::new(0), last: Iova::new(last.get() | (PAGE_SIZE - 1)) }
    }

    /// The page that holds `iova`.
    pub const fn page(iova: Iova) -> Self {
        Self::around(iova, PAGE_SIZE - 1)
    }

    /// The naturally aligned range that holds `iova`; `mask` is its size less one, at least that of a page.
    pub(crate) const fn around(iova: Iova, mask: u64) -> Self {
        Self { start: Iova::new(iova.get() & !mask), last: Iova::new(iova.get() | mask) }
    }

    /// The whole pages between the bytes `first` and `last`, both inclusive; `None` if there is none.
    pub const fn within(first: Iova, last: Iova) -> Option<Self> {
        let Some(start) = first.get().checked_next_multiple_of(PAGE_SIZE) else {
            return None;
        };
        // One past the last whole page; 0 stands for 2^64.
        let end = last.get().wrapping_add(1) & !(PAGE_SIZE - 1);
        if end == 0 && last.get() != u64::MAX {
            return None;
        }
        match Self::new(Iova::new(start), Iova::new(end.wrapping_sub(1))) {
            Ok(range) => Some(range),
            Err(_) => None,
        }
    }

    /// Whether the range is one page.
    #[inline]
    pub const fn is_page(self) -> bool {
        self.last.get() == self.start.get() | (PAGE_SIZE - 1)
    }

    /// First byte.
    pub const fn start(self) -> Iova {
        self.start
    }

    /// Last byte, inclusive.
    pub const fn last(self) -> Iova {
        self.last
    }

    /// Size in bytes less one, since the size of everything does not fit.
    pub const fn size_less_one(self) -> u64 {
        self.last.get() - self.start.get()
    }

    /// Number of pages, at most 2^52.
    pub const fn pages(self) -> u64 {
        self.size_less_one() / PAGE_SIZE + 1
    }

    /// Whether all of `other` lies in this range.
    pub const fn contains(self, other: Self) -> bool {
        self.start.get() <= other.start.get() && other.last.get() <= self.last.get()
    }

    /// Whether `iova` lies in this range.
    pub const fn contains_iova(self, iova: Iova) -> bool {
        self.start.get() <= iova.get() && iova.get() <= self.last.get()
    }

    /// What both ranges have in common.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let start = self.start.max(other.start);
        let last = self.last.min(other.last);
        (start <= last).then_some(Self { start, last })
    }

    /// Cuts the range after the byte `cut`, the last of a page and not before `start`.
    ///
    /// The second part is `None` if the range ends at `cut` or before.
    pub(crate) const fn split_after(self, cut: Iova) -> (Self, Option<Self>) {
        if self.last.get() <= cut.get() {
            return (self, None);
        }
        let head = Self { start: self.start, last: cut };
        // `cut` lies before `last`, so there is a byte after it.
        let rest = Self { start: Iova::new(cut.get().wrapping_add(1)), last: self.last };
        (head, Some(rest))
    }

    /// The smallest range that holds both.
    pub fn hull(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), last: self.last.max(other.last) }
    }
}

impl fmt::Debug for IovaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for IovaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..={}", self.start, self.last)
    }
}

/// Why two numbers are no [`IovaRange`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RangeError {
    /// The range would hold no byte.
    Empty {
        /// First byte asked for.
        start: Iova,
        /// Last byte asked for.
        last: Iova,
    },
    /// An end lies within a page.
    Unaligned {
        /// First byte asked for.
        start: Iova,
        /// Last byte asked for.
        last: Iova,
    },
    /// The range would pass 2^64.
    Overflow {
        /// First byte asked for.
        start: Iova,
        /// Size asked for.
        bytes: u64,
    },
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { start, last } => write!(f, "range {start}..={last} is empty"),
            Self::Unaligned { start, last } => write!(f, "range {start}..={last} does not consist of whole pages"),
            Self::Overflow { start, bytes } => write!(f, "range of {bytes:#x} bytes from {start} passes 2^64"),
        }
    }
}

impl core::error::Error for RangeError {}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(iova: u64) -> Iova {
        Iova::new(iova)
    }

    #[test]
    fn only_whole_pages_make_a_range() {
        assert_eq!(IovaRange::new(at(0), at(u64::MAX)), Ok(IovaRange::ALL));
        assert_eq!(IovaRange::ALL.pages(), 1 << 52);
        let (start, last) = (at(0x1001), at(0x1fff));
        assert_eq!(IovaRange::new(start, last), Err(RangeError::Unaligned { start, last }));
        let (start, last) = (at(0x1000), at(0x1ffe));
        assert_eq!(IovaRange::new(start, last), Err(RangeError::Unaligned { start, last }));
        let (start, last) = (at(0x2000), at(0x1fff));
        assert_eq!(IovaRange::new(start, last), Err(RangeError::Empty { start, last }));
    }

    #[test]
    fn sizes_are_not_rounded_and_do_not_wrap() {
        let start = at(0xffff_ffff_ffff_f000);
        let top = IovaRange::with_size(start, 0x1000).unwrap();
        assert_eq!((top.start(), top.last()), (start, at(u64::MAX)));
        assert_eq!(IovaRange::with_size(start, 0x2000), Err(RangeError::Overflow { start, bytes: 0x2000 }));
        assert!(matches!(IovaRange::with_size(start, 0), Err(RangeError::Empty { .. })));
        assert!(matches!(IovaRange::with_size(at(0), 0x1800), Err(RangeError::Unaligned { .. })));
    }

    #[test]
    fn within_rounds_inwards() {
        let within = |first, last| IovaRange::within(at(first), at(last)).map(|r| (r.start().get(), r.last().get()));
        assert_eq!(within(0x1_0000_0000, 0x1ff_ffff_ffff_ffff), Some((0x1_0000_0000, 0x1ff_ffff_ffff_ffff)));
        assert_eq!(within(1, 0x2ffe), Some((0x1000, 0x1fff)));
        assert_eq!(within(0, u64::MAX), Some((0, u64::MAX)));
        assert_eq!(within(1, u64::MAX), Some((0x1000, u64::MAX)));
        assert_eq!(within(0, u64::MAX - 1), Some((0, 0xffff_ffff_ffff_efff)));
        assert_eq!(within(0x1001, 0x2ffe), None);
        assert_eq!(within(0, 0xffe), None);
        assert_eq!(within(0xffff_ffff_ffff_f001, u64::MAX), None);
        assert_eq!(within(0x3000, 0x2fff), None);
    }

    #[test]
    fn cuts() {
        let range = IovaRange::new(at(0x1000), at(0x4fff)).unwrap();
        let (head, rest) = range.split_after(at(0x2fff));
        assert_eq!(head, IovaRange::new(at(0x1000), at(0x2fff)).unwrap());
        assert_eq!(rest, Some(IovaRange::new(at(0x3000), at(0x4fff)).unwrap()));
        assert_eq!(range.split_after(at(0x4fff)), (range, None));
        assert_eq!(IovaRange::ALL.split_after(at(u64::MAX)), (IovaRange::ALL, None));
    }
}
