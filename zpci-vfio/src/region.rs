// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The regions of a function, and its BARs by them.

use std::io;
use std::os::fd::AsRawFd;

use clp::Bar;
use vfio_bindings::bindings::vfio::{vfio_region_info, VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX};

use crate::files::Device;
use crate::ioctl;

/// Where the first BAR is in the configuration space.
const FIRST: u64 = 0x10;

/// A region of a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Region {
    /// Where it starts in the device's file.
    pub offset: u64,
    /// Size in bytes, 0 if the device has no such region.
    pub size: u64,
}

/// The bits of a BAR that say what it is.
const KIND: u8 = 0xf;

impl<F: AsRawFd> Device<F> {
    /// Returns the BARs without addresses, as [`Host::with_bars`](crate::Host::with_bars) takes them.
    ///
    /// # Errors
    ///
    /// That of VFIO_DEVICE_GET_REGION_INFO or of reading the configuration space.
    pub fn bars(&self) -> io::Result<[Bar; 6]> {
        let configuration = self.region(VFIO_PCI_CONFIG_REGION_INDEX)?.offset;
        let mut bars = [Bar::ABSENT; 6];
        let mut registers = [0; 24];
        let first = configuration.checked_add(FIRST).ok_or(io::ErrorKind::InvalidData)?;
        ioctl::read_at(self.0.as_raw_fd(), &mut registers, first)?;
        for ((bar, register), index) in bars.iter_mut().zip(registers.chunks_exact(4)).zip(0..) {
            let size = self.region(VFIO_PCI_BAR0_REGION_INDEX + index)?.size;
            *bar = from_region(register, size);
        }
        Ok(bars)
    }

    /// Returns where region `index` is in the file, VFIO_DEVICE_GET_REGION_INFO: BARs 0 to 5, and 7 the configuration
    /// space.
    ///
    /// # Errors
    ///
    /// That of the call.
    pub fn region(&self, index: u32) -> io::Result<Region> {
        let mut info =
            vfio_region_info { argsz: size_of::<vfio_region_info>() as u32, index, ..vfio_region_info::default() };
        // SAFETY: the structure says its own size.
        unsafe { ioctl::by_pointer(self.0.as_raw_fd(), ioctl::DEVICE_GET_REGION_INFO, &mut info) }?;
        Ok(Region { offset: info.offset, size: info.size })
    }
}

/// The BAR whose register is `register`, with a region of `size` bytes; absent if there is none.
fn from_region(register: &[u8], size: u64) -> Bar {
    let low = register.first().copied().unwrap_or(0);
    let log2 = size.checked_next_power_of_two().map_or(0, u64::trailing_zeros) as u8;
    match size {
        0 => Bar::ABSENT,
        _ => Bar::new([low & KIND, 0, 0, 0], log2).unwrap_or(Bar::ABSENT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_kinds_without_addresses() {
        let nvme = from_region(&[0x04, 0x00, 0x00, 0xe0], 0x4000);
        assert_eq!((nvme.register_bytes(), nvme.size_log2()), ([4, 0, 0, 0], 14));
        let prefetchable = from_region(&[0x0c, 0x00, 0x10, 0x00], 1 << 32);
        assert_eq!((prefetchable.register_bytes(), prefetchable.size_log2()), ([0xc, 0, 0, 0], 32));
        assert_eq!(from_region(&[0x12, 0x34, 0x56, 0x78], 0), Bar::ABSENT);
    }
}
