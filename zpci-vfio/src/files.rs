// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The files of VFIO and iommufd, whoever opened them.

use std::io;
use std::os::fd::AsRawFd;

use crate::ask::ask;
use crate::hardware::HardwareData;
use crate::ioctl;

/// The file of a device.
#[derive(Clone, Copy, Debug)]
pub struct Device<F>(pub F);

impl<F: AsRawFd> Device<F> {
    /// Returns the answer to VFIO_DEVICE_GET_INFO with all capabilities, what
    /// [`HostFunction::read`](s390_iommu::vfio::HostFunction::read) takes.
    ///
    /// # Errors
    ///
    /// That of the call.
    pub fn information(&self) -> io::Result<Vec<u8>> {
        information(&self.0, ioctl::DEVICE_GET_INFO)
    }
}

/// The file of a container of type 1.
#[derive(Clone, Copy, Debug)]
pub struct Container<F>(pub F);

impl<F: AsRawFd> Container<F> {
    /// Returns the answer to VFIO_IOMMU_GET_INFO with all capabilities, what
    /// [`Capabilities`](s390_iommu::vfio::Capabilities) reads.
    ///
    /// # Errors
    ///
    /// That of the call.
    pub fn information(&self) -> io::Result<Vec<u8>> {
        information(&self.0, ioctl::IOMMU_GET_INFO)
    }
}

/// An open `/dev/iommu`.
#[derive(Clone, Copy, Debug)]
pub struct Iommufd<F>(pub F);

impl<F: AsRawFd> Iommufd<F> {
    /// Returns what IOMMU_GET_HW_INFO tells of the function that is bound as `device`.
    ///
    /// # Errors
    ///
    /// That of the call: `ENOENT` if there is no such device, `EOPNOTSUPP` from kernels before 6.6.
    pub fn hardware_information(&self, device: u32) -> io::Result<HardwareData> {
        HardwareData::ask(
            |question| {
                // SAFETY: the structure says its own size, and its pointer leads to as many bytes as it says, or to
                // none.
                unsafe { ioctl::by_pointer(self.0.as_raw_fd(), ioctl::GET_HW_INFO, question) }.map(drop)
            },
            device,
        )
    }
}

fn information(file: &impl AsRawFd, request: libc::Ioctl) -> io::Result<Vec<u8>> {
    ask(|buffer| {
        // SAFETY: the buffer starts with its size, and the kernel writes no more than that.
        unsafe { ioctl::by_pointer(file.as_raw_fd(), request, buffer) }.map(drop)
    })
}
