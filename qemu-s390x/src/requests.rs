// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A device that is given one request at a time, and says by an interrupt that it is done.

use s390_iommu::Iova;

use crate::device::DeviceError;

/// What all drivers do alike where the request itself does not matter.
pub trait Requests {
    /// Resets the device and brings it up, so that it interrupts by entry `vector` of its MSI-X table when a request is done;
    /// without one, never.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong.
    fn start(&mut self, vector: Option<u16>) -> Result<(), DeviceError>;

    /// Hands the device a request, which makes it write to `target`, at most a page; without one, to storage that it shares
    /// with the driver.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong.
    fn submit(&mut self, target: Option<Iova>) -> Result<(), DeviceError>;

    /// Whether the device is done with the request; asked again after that, it is not.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] if the device says that it failed.
    fn is_done(&mut self) -> Result<bool, DeviceError>;
}
