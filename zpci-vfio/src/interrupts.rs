// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The interrupts of a function, and what else the kernel notifies of, by eventfds; and its reset.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use vfio_bindings::bindings::vfio::{
    vfio_irq_info, VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_DATA_EVENTFD, VFIO_IRQ_SET_DATA_NONE,
    VFIO_PCI_ERR_IRQ_INDEX, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX, VFIO_PCI_REQ_IRQ_INDEX,
};

use crate::files::Device;
use crate::ioctl;

/// What an eventfd is notified of.
///
/// Linux: `VFIO_PCI_*_IRQ_INDEX`, `include/uapi/linux/vfio.h`. Functions of s390x have no interrupts by lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[repr(u32)]
pub enum Notification {
    /// Message-signalled interrupts, 1.
    Msi = VFIO_PCI_MSI_IRQ_INDEX,
    /// The same by MSI-X, 2.
    MsiX = VFIO_PCI_MSIX_IRQ_INDEX,
    /// An error of the function, 3: [`Device::error_event`] has it, and [`Device::reset`] ends the error state.
    Error = VFIO_PCI_ERR_IRQ_INDEX,
    /// The kernel asks for the function back, 4: it is to be closed.
    Request = VFIO_PCI_REQ_IRQ_INDEX,
}

/// `struct vfio_irq_set` without data, in words: `argsz`, `flags`, `index`, `start`, `count`.
const HEADER: usize = 5;

impl<F: AsRawFd> Device<F> {
    /// Resets the function, VFIO_DEVICE_RESET; its mappings stay.
    ///
    /// In an error state it is disabled and enabled, which ends that and a measurement. In any other the kernel resets a
    /// function by itself (FLR) where it can.
    ///
    /// # Errors
    ///
    /// That of the call: `EINVAL` if the function has no reset, `EAGAIN` if somebody else does something to it, `EIO` or
    /// `ENOTTY` if the machine refuses.
    pub fn reset(&self) -> io::Result<()> {
        // SAFETY: the call takes nothing.
        unsafe { ioctl::by_value(self.0.as_raw_fd(), ioctl::DEVICE_RESET, 0) }.map(drop)
    }

    /// Returns how many eventfds `of` takes, VFIO_DEVICE_GET_IRQ_INFO: as many as there are vectors, or 1; 0 if the
    /// function has none of it.
    ///
    /// # Errors
    ///
    /// That of the call.
    pub fn notifications(&self, of: Notification) -> io::Result<u32> {
        let mut info =
            vfio_irq_info { argsz: size_of::<vfio_irq_info>() as u32, index: of as u32, ..vfio_irq_info::default() };
        // SAFETY: the structure says its own size.
        unsafe { ioctl::by_pointer(self.0.as_raw_fd(), ioctl::DEVICE_GET_IRQ_INFO, &mut info) }?;
        Ok(info.count)
    }

    /// Has each of `events` notified, VFIO_DEVICE_SET_IRQS: that with number n of vector `first` + n. Nobody is notified of a
    /// vector with `None`. Vectors of before stay as they are.
    ///
    /// The kernel enables as many vectors as the first call names; for more, [`stop`](Self::stop) comes in between. MSI and
    /// MSI-X exclude each other. An eventfd may be closed afterwards: the kernel keeps its own.
    ///
    /// # Errors
    ///
    /// That of the call: `EINVAL` for more than there are or for none. One of the kind [`io::ErrorKind::Other`] if the kernel
    /// has fewer vectors for the function, which it says; none is enabled then. Nobody is notified of the vectors of a call
    /// that failed.
    pub fn notify<E: AsRawFd>(&self, of: Notification, first: u32, events: &[Option<&E>]) -> io::Result<()> {
        let descriptors: Vec<RawFd> = events.iter().map(|event| event.map_or(-1, E::as_raw_fd)).collect();
        let mut set = irq_set(VFIO_IRQ_SET_DATA_EVENTFD, of, first, &descriptors)?;
        // SAFETY: the structure says its own size, and the kernel takes file descriptors from it.
        let had = unsafe { ioctl::by_pointer(self.0.as_raw_fd(), ioctl::DEVICE_SET_IRQS, set.as_mut_slice()) }?;
        all_or_error(had)
    }

    /// Has nobody notified, and disables the vectors.
    ///
    /// # Errors
    ///
    /// That of the call: `EINVAL` if nobody was to be notified.
    pub fn stop(&self, of: Notification) -> io::Result<()> {
        let mut set = irq_set(VFIO_IRQ_SET_DATA_NONE, of, 0, &[])?;
        // SAFETY: the structure says its own size.
        unsafe { ioctl::by_pointer(self.0.as_raw_fd(), ioctl::DEVICE_SET_IRQS, set.as_mut_slice()) }.map(drop)
    }
}

/// The call returns how many vectors there could be if that is fewer than were asked for, and enables none of them.
fn all_or_error(had: i32) -> io::Result<()> {
    match had {
        0 => Ok(()),
        had => Err(io::Error::other(format!("the kernel has {had} vectors for the function, and none is enabled"))),
    }
}

/// `struct vfio_irq_set` with file descriptors; -1 is none.
fn irq_set(data: u32, of: Notification, first: u32, descriptors: &[RawFd]) -> io::Result<Vec<u32>> {
    let too_many = |_| io::ErrorKind::InvalidInput;
    let count = u32::try_from(descriptors.len()).map_err(too_many)?;
    let size = u32::try_from((HEADER + descriptors.len()) * size_of::<u32>()).map_err(too_many)?;
    let mut set = vec![size, data | VFIO_IRQ_SET_ACTION_TRIGGER, of as u32, first, count];
    set.extend(descriptors.iter().map(|descriptor| descriptor.cast_unsigned()));
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_vectors_are_none() {
        assert!(all_or_error(0).is_ok());
        let error = all_or_error(8).unwrap_err();
        assert_eq!(error.to_string(), "the kernel has 8 vectors for the function, and none is enabled");
    }

    #[test]
    fn words_of_vfio_irq_set() {
        let set = irq_set(VFIO_IRQ_SET_DATA_EVENTFD, Notification::MsiX, 3, &[7, -1, 9]).unwrap();
        assert_eq!(set, [32, 0x24, 2, 3, 3, 7, 0xffff_ffff, 9]);
        let set = irq_set(VFIO_IRQ_SET_DATA_NONE, Notification::Error, 0, &[]).unwrap();
        assert_eq!(set, [20, 0x21, 3, 0, 0]);
    }
}
