// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is measured: somebody's tables, behind the same few calls.

pub(crate) mod aarch64;
#[cfg(target_arch = "x86_64")]
pub(crate) mod multiarch;
pub(crate) mod ours;
pub(crate) mod stock;
pub(crate) mod x86;

/// Size of a page.
pub(crate) const PAGE: u64 = 0x1000;

/// Tables of one kind.
///
/// No implementation is inlined into what measures it, so that each operation costs one call for everybody.
pub(crate) trait Subject {
    /// Empty tables.
    fn new() -> Self;

    /// Maps `pages` pages from `iova` to storage from `storage`, read-write.
    fn map(&mut self, iova: u64, storage: u64, pages: u64);

    /// Unmaps `pages` pages from `iova`.
    fn unmap(&mut self, iova: u64, pages: u64);

    /// Where `iova` leads.
    fn translate(&mut self, iova: u64) -> u64;
}
