// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Storage behind the image.

use qemu_s390x::machine::Region;
use s390_iommu::AbsoluteAddress;

extern "C" {
    // Only the addresses mean something; the linker script sets them.
    static tables_start: u8;
    static tables_end: u8;
    static frames_start: u8;
    static frames_end: u8;
}

/// Storage for translation tables: 8 MiB.
pub(crate) fn tables() -> Region {
    region(&raw const tables_start, &raw const tables_end)
}

/// Storage that devices may write: 48 MiB.
pub(crate) fn frames() -> Region {
    region(&raw const frames_start, &raw const frames_end)
}

/// The region is no object of the program: whatever lies there is reached by its address.
fn region(start: *const u8, end: *const u8) -> Region {
    let (start, end) = (start.expose_provenance(), end.expose_provenance());
    Region { start: AbsoluteAddress::new(start as u64), bytes: end - start, base: 0 }
}
