// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Looking at tables that nobody reclaims meanwhile.

use s390_iommu::{ReadSide, Reader, TableAllocator, TranslationTable};

/// Lets `look` see `table`.
pub fn read<M: TableAllocator, R>(table: &TranslationTable<M>, look: impl FnOnce(Reader<'_, M>) -> R) -> R {
    // SAFETY: a case and a trial free reclaimed tables in the thread that looks at them, and `look` frees none.
    let section = unsafe { ReadSide::new() };
    look(table.reader(&section))
}
