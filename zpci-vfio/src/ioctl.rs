// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The calls themselves.

use std::io;
use std::os::fd::RawFd;

/// A call that has `number`. Those of VFIO and iommufd have no size and no direction in it.
///
/// Linux: `_IO(';', ...)`, `include/uapi/linux/vfio.h`, `include/uapi/linux/iommufd.h`.
///
/// Its type depends on the C library.
const fn request(number: u32) -> libc::Ioctl {
    ((vfio_bindings::bindings::vfio::VFIO_TYPE as u32) << 8 | number) as libc::Ioctl
}

pub(crate) const GET_API_VERSION: libc::Ioctl = request(100);
pub(crate) const CHECK_EXTENSION: libc::Ioctl = request(101);
pub(crate) const SET_IOMMU: libc::Ioctl = request(102);
pub(crate) const GROUP_GET_STATUS: libc::Ioctl = request(103);
pub(crate) const GROUP_SET_CONTAINER: libc::Ioctl = request(104);
pub(crate) const GROUP_GET_DEVICE_FD: libc::Ioctl = request(106);
pub(crate) const DEVICE_GET_INFO: libc::Ioctl = request(107);
pub(crate) const IOMMU_GET_INFO: libc::Ioctl = request(112);
pub(crate) const IOMMU_MAP_DMA: libc::Ioctl = request(113);
pub(crate) const IOMMU_UNMAP_DMA: libc::Ioctl = request(114);
pub(crate) const DEVICE_GET_REGION_INFO: libc::Ioctl = request(108);
pub(crate) const DEVICE_GET_IRQ_INFO: libc::Ioctl = request(109);
pub(crate) const DEVICE_SET_IRQS: libc::Ioctl = request(110);
pub(crate) const DEVICE_RESET: libc::Ioctl = request(111);
pub(crate) const DEVICE_FEATURE: libc::Ioctl = request(117);
pub(crate) const DEVICE_BIND_IOMMUFD: libc::Ioctl = request(118);
pub(crate) const DEVICE_ATTACH_IOMMUFD_PT: libc::Ioctl = request(119);
pub(crate) const IOAS_ALLOC: libc::Ioctl = request(129);
pub(crate) const IOAS_MAP: libc::Ioctl = request(133);
pub(crate) const IOAS_UNMAP: libc::Ioctl = request(134);
pub(crate) const GET_HW_INFO: libc::Ioctl = request(138);

/// Calls with a pointer to `argument`; returns what the call does, which is not negative.
///
/// # Safety
///
/// As the call defines it, `argument` is what it reads and writes: a structure that says its own size, or one of the
/// size that all kernels have for this call. No pointer in it leads to anything but storage that lives as long as the
/// kernel uses it.
pub(crate) unsafe fn by_pointer<T: ?Sized>(fd: RawFd, request: libc::Ioctl, argument: &mut T) -> io::Result<i32> {
    let argument: *mut T = argument;
    // SAFETY: by the contract.
    check(unsafe { libc::ioctl(fd, request, argument.cast::<libc::c_void>()) })
}

/// Calls with a number; returns what the call does, which is not negative.
///
/// # Safety
///
/// The call takes a number, not a pointer.
pub(crate) unsafe fn by_value(fd: RawFd, request: libc::Ioctl, argument: libc::c_ulong) -> io::Result<i32> {
    // SAFETY: by the contract.
    check(unsafe { libc::ioctl(fd, request, argument) })
}

/// Reads all of `buffer` at `offset`.
pub(crate) fn read_at(fd: RawFd, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let offset = i64::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the kernel writes into the buffer, and no more than it has.
    let read = unsafe { libc::pread64(fd, buffer.as_mut_ptr().cast(), buffer.len(), offset) };
    match usize::try_from(read) {
        Ok(read) if read == buffer.len() => Ok(()),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

fn check(result: i32) -> io::Result<i32> {
    match result {
        0.. => Ok(result),
        _ => Err(io::Error::last_os_error()),
    }
}
