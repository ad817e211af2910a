// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is counted, each as one call.

use s390_iommu::{
    AbsoluteAddress, Change, FrameSizes, Iova, IovaRange, Protection, ReadSide, Reclaimed, Root, TranslationTable,
    PAGE_SIZE,
};

use super::reserve::Reserve;

/// A table that no function uses.
pub(super) type Table<'r> = TranslationTable<&'r Reserve>;

#[inline(never)]
pub(super) fn new(root: Root, frames: FrameSizes, reserve: &Reserve) -> Option<Table<'_>> {
    Table::new(root, frames, reserve)
}

#[inline(never)]
pub(super) fn drop(table: Table<'_>) {
    core::mem::drop(table);
}

/// Returns whether it could be mapped.
#[inline(never)]
pub(super) fn map(table: &Table<'_>, range: IovaRange, origin: AbsoluteAddress) -> bool {
    table.map(range, origin, Protection::ReadWrite).map(Change::unseen).is_ok()
}

/// Returns how many pages were mapped.
#[inline(never)]
pub(super) fn unmap(table: &Table<'_>, range: IovaRange) -> Option<u64> {
    let unmapped = table.unmap(range).ok()?;
    unmapped.change.unseen();
    Some(unmapped.pages)
}

/// Translates each page by a call of its own, and returns the sum of the addresses that are found.
#[inline(never)]
pub(super) fn translate(table: &Table<'_>, start: Iova, pages: u64) -> u64 {
    let page = |number| Iova::new(start.get() + number * PAGE_SIZE);
    // SAFETY: nothing is reclaimed meanwhile.
    let section = unsafe { ReadSide::new() };
    let table = table.reader(&section);
    (0..pages).filter_map(|number| table.translate(page(number))).map(|found| found.absolute.get()).sum()
}

#[inline(never)]
pub(super) fn reclaim(table: &Table<'_>, range: IovaRange) -> Reclaimed {
    // SAFETY: nobody else uses the table.
    unsafe { table.reclaim(range) }
}

/// Gives back what was reclaimed from `table`.
#[inline(never)]
pub(super) fn free(table: &Table<'_>, reclaimed: Reclaimed) {
    // SAFETY: The storage is that of the table, which no function and no other processor uses.
    unsafe { reclaimed.free(table.memory()) };
}
