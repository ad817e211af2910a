// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Capabilities on their way to C, which puts them into a chain of VFIO, and makes their headers.

use core::ffi::c_void;

use s390_iommu::vfio::{Bytes, Capability, Sink};

use crate::kernel;

/// A chain of C.
#[derive(Debug)]
pub(crate) struct KernelChain {
    chain: *mut c_void,
}

impl KernelChain {
    /// Wraps what C passed for the capabilities.
    ///
    /// # Safety
    ///
    /// `chain` must be what C takes capabilities with, as long as this value is used.
    pub(crate) const unsafe fn new(chain: *mut c_void) -> Self {
        Self { chain }
    }
}

/// Errors are negative errno, as C returned them.
impl Sink for KernelChain {
    type Error = i32;

    fn append_with<C: Capability, E: Bytes>(
        &mut self,
        capability: C,
        mut entries: impl Iterator<Item = E> + Clone,
    ) -> Result<(), i32> {
        let header = capability.header();
        // SAFETY: `new` was promised that C takes capabilities with `chain`.
        unsafe { kernel::add_capability(self.chain, header.id, header.version, capability.data()) }?;
        // SAFETY: as above; the capability was taken.
        entries.try_for_each(|entry| unsafe { kernel::add_entry(self.chain, entry.as_bytes()) })
    }
}
