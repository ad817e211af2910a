// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where a function's addresses are mapped to storage of this process.

use std::io;
use std::os::fd::AsRawFd;

use s390_iommu::Protection;
use vfio_bindings::bindings::vfio::{
    vfio_iommu_type1_dma_map, vfio_iommu_type1_dma_unmap, VFIO_DMA_MAP_FLAG_READ, VFIO_DMA_MAP_FLAG_WRITE,
};

use crate::files::{Container, Iommufd};
use crate::ioctl;

/// The I/O virtual addresses of a function of the host.
pub trait AddressSpace {
    /// Maps `size` bytes at `iova`, at which nothing is mapped, to those at `storage`. All three are multiples of the
    /// page.
    ///
    /// # Errors
    ///
    /// That of the kernel, with nothing mapped: `ENOSPC` or `ENOMEM` where it can map or pin no more.
    ///
    /// # Safety
    ///
    /// A device reads and writes the storage until it is unmapped: it is storage of a guest, of which nobody has a
    /// reference.
    unsafe fn map(&self, iova: u64, storage: *mut u8, size: u64, protection: Protection) -> io::Result<()>;

    /// Unmaps the whole mappings that make up the `size` bytes at `iova`. No device reaches anything there afterwards.
    ///
    /// # Errors
    ///
    /// That of the kernel; what is mapped then is not known.
    fn unmap(&self, iova: u64, size: u64) -> io::Result<()>;
}

impl<S: AddressSpace + ?Sized> AddressSpace for &S {
    unsafe fn map(&self, iova: u64, storage: *mut u8, size: u64, protection: Protection) -> io::Result<()> {
        // SAFETY: by the contract, which is the same.
        unsafe { (**self).map(iova, storage, size, protection) }
    }

    fn unmap(&self, iova: u64, size: u64) -> io::Result<()> {
        (**self).unmap(iova, size)
    }
}

/// `vfio-ioctls` maps for reading and writing alone, so the call is made here.
impl<F: AsRawFd> AddressSpace for Container<F> {
    unsafe fn map(&self, iova: u64, storage: *mut u8, size: u64, protection: Protection) -> io::Result<()> {
        let write = if protection == Protection::ReadWrite { VFIO_DMA_MAP_FLAG_WRITE } else { 0 };
        let mut map = vfio_iommu_type1_dma_map {
            argsz: size_of::<vfio_iommu_type1_dma_map>() as u32,
            flags: VFIO_DMA_MAP_FLAG_READ | write,
            vaddr: storage.expose_provenance() as u64,
            iova,
            size,
        };
        // SAFETY: the structure says its own size; by the contract the storage is a device's to use.
        unsafe { ioctl::by_pointer(self.0.as_raw_fd(), ioctl::IOMMU_MAP_DMA, &mut map) }.map(drop)
    }

    fn unmap(&self, iova: u64, size: u64) -> io::Result<()> {
        let mut unmap = vfio_iommu_type1_dma_unmap {
            argsz: size_of::<vfio_iommu_type1_dma_unmap>() as u32,
            iova,
            size,
            ..Default::default()
        };
        // SAFETY: the structure says its own size.
        unsafe { ioctl::by_pointer(self.0.as_raw_fd(), ioctl::IOMMU_UNMAP_DMA, &mut unmap) }?;
        all_of(size, unmap.size)
    }
}

/// An address space of an iommufd (IOAS).
#[derive(Clone, Copy, Debug)]
pub struct Ioas<F> {
    /// The iommufd.
    pub iommufd: Iommufd<F>,
    /// What it calls the address space.
    pub id: u32,
}

/// Linux: `struct iommu_ioas_map`, `include/uapi/linux/iommufd.h`.
#[derive(Debug)]
#[repr(C)]
struct IoasMap {
    size: u32,
    flags: u32,
    ioas: u32,
    reserved: u32,
    storage: u64,
    length: u64,
    iova: u64,
}

/// Linux: `struct iommu_ioas_unmap`, `include/uapi/linux/iommufd.h`.
#[derive(Debug)]
#[repr(C)]
struct IoasUnmap {
    size: u32,
    ioas: u32,
    iova: u64,
    length: u64,
}

const _: () = assert!(size_of::<IoasMap>() == 40 && size_of::<IoasUnmap>() == 24);

impl IoasMap {
    const FIXED_IOVA: u32 = 1;
    const WRITEABLE: u32 = 2;
    const READABLE: u32 = 4;
}

impl<F: AsRawFd> AddressSpace for Ioas<F> {
    unsafe fn map(&self, iova: u64, storage: *mut u8, size: u64, protection: Protection) -> io::Result<()> {
        let write = if protection == Protection::ReadWrite { IoasMap::WRITEABLE } else { 0 };
        let mut map = IoasMap {
            size: size_of::<IoasMap>() as u32,
            flags: IoasMap::FIXED_IOVA | IoasMap::READABLE | write,
            ioas: self.id,
            reserved: 0,
            storage: storage.expose_provenance() as u64,
            length: size,
            iova,
        };
        // SAFETY: the structure says its own size; by the contract the storage is a device's to use.
        unsafe { ioctl::by_pointer(self.iommufd.0.as_raw_fd(), ioctl::IOAS_MAP, &mut map) }.map(drop)
    }

    fn unmap(&self, iova: u64, size: u64) -> io::Result<()> {
        let mut unmap = IoasUnmap { size: size_of::<IoasUnmap>() as u32, ioas: self.id, iova, length: size };
        // SAFETY: the structure says its own size.
        unsafe { ioctl::by_pointer(self.iommufd.0.as_raw_fd(), ioctl::IOAS_UNMAP, &mut unmap) }?;
        all_of(size, unmap.length)
    }
}

/// Whether as much was unmapped as was to be.
fn all_of(wanted: u64, unmapped: u64) -> io::Result<()> {
    if wanted == unmapped {
        Ok(())
    } else {
        Err(io::Error::other(format!("{unmapped:#x} bytes were unmapped instead of {wanted:#x}")))
    }
}
