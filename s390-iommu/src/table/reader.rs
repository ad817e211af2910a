// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Proof that tables stay while somebody walks over them.

use core::fmt;
use core::marker::PhantomData;

use crate::format::address::{AbsoluteAddress, Iova};
use crate::format::frame::{FrameSize, Protection};
use crate::format::range::IovaRange;
use crate::format::table_type::page_index;
use crate::table::cell::Segment;
use crate::table::seam::TableAllocator;
use crate::table::translation_table::TranslationTable;
use crate::table::walk::{Runs, Walk};

/// Proof that no table which was reachable when the proof was made is freed before the proof ends.
///
/// Who maps and unmaps owns the addresses, and nobody takes tables away from an owner. A walk over addresses of
/// others has no such right: it holds this. In Linux it stands for an RCU read-side section, elsewhere for an epoch, or
/// for the fact that nobody reclaims at all.
#[derive(Debug)]
pub struct ReadSide<'a> {
    /// Neither sent to nor shared with another thread: a read-side section belongs to who entered it.
    held: PhantomData<*const &'a ()>,
}

impl ReadSide<'_> {
    /// The proof.
    ///
    /// # Safety
    ///
    /// As long as it exists, [`Reclaimed::free`](crate::Reclaimed::free) must not be called for a table that was taken
    /// out of a tree after the proof was made.
    #[inline]
    pub const unsafe fn new() -> Self {
        Self { held: PhantomData }
    }
}

/// A table as it is seen by who owns none of its addresses.
pub struct Reader<'a, M: TableAllocator> {
    table: &'a TranslationTable<M>,
}

impl<M: TableAllocator> TranslationTable<M> {
    /// Looks at the table while others may map, unmap and reclaim.
    #[inline]
    pub const fn reader<'a>(&'a self, _proof: &'a ReadSide<'_>) -> Reader<'a, M> {
        Reader { table: self }
    }

    /// Looks at the table while nobody else can use it.
    #[inline]
    pub const fn exclusive_reader(&mut self) -> Reader<'_, M> {
        Reader { table: self }
    }
}

impl<'a, M: TableAllocator> Reader<'a, M> {
    /// Follows `iova` to the byte.
    ///
    /// Returns `None` if no frame is mapped, or if the table does not span the address.
    #[doc(alias = "s390_iommu_iova_to_phys")]
    #[inline]
    pub fn translate(&self, iova: Iova) -> Option<Translation> {
        let tree = self.table.tree();
        if iova > tree.kind().last() {
            return None;
        }
        let translation = |frame: AbsoluteAddress, protection, size: FrameSize| {
            let absolute = AbsoluteAddress::new(frame.get() | iova.get() & (size.bytes() - 1));
            Some(Translation { absolute, protection, frame: size })
        };
        match tree.cell(iova).ok()?.get() {
            Segment::Empty => None,
            Segment::Frame(frame, protection) => translation(frame, protection, FrameSize::Size1M),
            Segment::Pages(pages) => {
                let entry = pages[page_index(iova)].page();
                if entry.invalid() {
                    return None;
                }
                translation(entry.frame(), entry.protection(), FrameSize::Size4K)
            }
        }
    }

    /// Follows `iova` to the byte where there is a page table for it: `Some(None)` if the page is not mapped.
    ///
    /// Returns `None` if there is no page table; [`translate`](Self::translate) tells whether it is in a frame of 1 MiB.
    #[inline(always)]
    pub fn translate_page(&self, iova: Iova) -> Option<Option<Translation>> {
        let tree = self.table.tree();
        if iova > tree.kind().last() {
            return None;
        }
        let entry = tree.page(iova)?.page();
        Some((!entry.invalid()).then(|| Translation {
            absolute: AbsoluteAddress::new(entry.frame().get() | iova.get() & (FrameSize::Size4K.bytes() - 1)),
            protection: entry.protection(),
            frame: FrameSize::Size4K,
        }))
    }

    /// What is mapped in `range`, in the order of the addresses.
    ///
    /// Neighbours that lead to consecutive storage with the same protection and frame size are one mapping. What
    /// changes during the walk is seen or not.
    pub fn walk(&self, range: IovaRange) -> Walk<'a, M> {
        Walk::new(self.table, range)
    }

    /// The addresses that are mapped in `range`, in their order and in runs that each lie within one segment: unlike a
    /// mapping, one is found in a time that does not depend on how much is mapped.
    pub(crate) fn runs(&self, range: IovaRange) -> Runs<'a, M> {
        Runs::new(self.table, range)
    }

    /// The table.
    pub(super) const fn table(&self) -> &'a TranslationTable<M> {
        self.table
    }
}

/// Where an I/O virtual address leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Translation {
    /// Absolute address of the byte.
    pub absolute: AbsoluteAddress,
    /// What the device may do there.
    pub protection: Protection,
    /// Size of the frame that holds the byte.
    pub frame: FrameSize,
}

impl fmt::Display for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.absolute, self.protection)
    }
}
