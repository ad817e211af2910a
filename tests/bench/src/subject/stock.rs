// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The tables of the kernel's own driver, in the byte order of the host.

use super::{Subject, PAGE};

#[repr(C)]
struct Domain {
    opaque: [u8; 0],
}

unsafe extern "C" {
    static zpci_stock_warnings: u64;
    fn zpci_stock_new(origin_type: u8) -> *mut Domain;
    fn zpci_stock_free(domain: *mut Domain);
    fn zpci_stock_root(domain: *const Domain) -> u64;
    fn zpci_stock_map(domain: *mut Domain, iova: u64, paddr: u64, pages: usize) -> usize;
    fn zpci_stock_unmap(domain: *mut Domain, iova: u64, pages: usize) -> usize;
    fn zpci_stock_translate(domain: *mut Domain, iova: u64) -> u64;
}

/// A domain with a root of designation type `ROOT`.
pub(crate) struct Stock<const ROOT: u8>(*mut Domain);

impl<const ROOT: u8> Stock<ROOT> {
    /// Absolute address of the root.
    pub(crate) fn root(&self) -> u64 {
        // SAFETY: the domain lives as long as `self`.
        unsafe { zpci_stock_root(self.0) }
    }
}

impl<const ROOT: u8> Subject for Stock<ROOT> {
    fn new() -> Self {
        // The kernel names a root by the type bits of its entries.
        // SAFETY: the type is one that the code knows.
        let domain = unsafe { zpci_stock_new(ROOT << 2) };
        assert!(!domain.is_null(), "no storage for a domain");
        Self(domain)
    }

    #[inline(never)]
    fn map(&mut self, iova: u64, storage: u64, pages: u64) {
        // SAFETY: the domain lives as long as `self`.
        let mapped = unsafe { zpci_stock_map(self.0, iova, storage, pages as usize) };
        assert_eq!(mapped as u64, pages * PAGE);
    }

    #[inline(never)]
    fn unmap(&mut self, iova: u64, pages: u64) {
        // SAFETY: the domain lives as long as `self`.
        let unmapped = unsafe { zpci_stock_unmap(self.0, iova, pages as usize) };
        assert_eq!(unmapped as u64, pages * PAGE);
    }

    #[inline(never)]
    fn translate(&mut self, iova: u64) -> u64 {
        // SAFETY: the domain lives as long as `self`.
        unsafe { zpci_stock_translate(self.0, iova) }
    }
}

impl<const ROOT: u8> Drop for Stock<ROOT> {
    fn drop(&mut self) {
        // SAFETY: the domain came from `zpci_stock_new`, and this is its last use.
        unsafe { zpci_stock_free(self.0) };
    }
}

/// How often the stock code warned, in a program that gives it no reason to.
pub(crate) fn warnings() -> u64 {
    // SAFETY: the program has one thread that measures.
    unsafe { zpci_stock_warnings }
}
