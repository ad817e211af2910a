// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Features of a device: its measurement, and its errors.

use std::io;
use std::os::fd::AsRawFd;

use clp::zerocopy::{FromBytes, FromZeros};
use s390_iommu::vfio::{identifier, MeasurementSample, MeasurementSwitch};
use s390_iommu::ErrorEvent;
use vfio_bindings::bindings::vfio::{VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_SET};

use crate::files::Device;
use crate::ioctl;

/// Bytes that no error event has more of: it comes in a block of the machine, which is a page.
const ERROR_EVENT_ROOM: usize = 4096;

/// `struct vfio_device_feature` with its data behind it.
#[repr(C)]
struct Feature<T> {
    argsz: u32,
    flags: u32,
    data: T,
}

impl<F: AsRawFd> Device<F> {
    /// Begins measurement of the function, with counters of 0, or ends it.
    ///
    /// A reset of the function ends it, that of the kernel when the device is opened among them.
    ///
    /// # Errors
    ///
    /// That of the call: `ENOTTY` from a kernel without this project's driver, `EIO` if the machine refuses or is busy for 30 s.
    pub fn measure(&self, enable: bool) -> io::Result<()> {
        let switch = MeasurementSwitch { enable: enable.into(), reserved: 0 };
        self.call(VFIO_DEVICE_FEATURE_SET | identifier::FEATURE_MEASURE, switch).map(drop)
    }

    /// Returns the last sample of what the function did, whole; `None` if no measurement was begun, or it was ended.
    ///
    /// # Errors
    ///
    /// That of the call: `ENOTTY` from a kernel without this project's driver, `EAGAIN` if the machine was writing the
    /// sample each time that the kernel looked.
    pub fn sample(&self) -> io::Result<Option<MeasurementSample>> {
        let flags = VFIO_DEVICE_FEATURE_GET | identifier::FEATURE_SAMPLE;
        match self.call(flags, MeasurementSample::new_zeroed()) {
            Ok(sample) => Ok(Some(sample)),
            Err(error) if error.raw_os_error() == Some(libc::ENODATA) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the oldest error of the function that the kernel keeps, which forgets it; `None` if there is none.
    ///
    /// # Errors
    ///
    /// That of the call: `ENOTTY` from a kernel before Linux 7.3.
    pub fn error_event(&self) -> io::Result<Option<ErrorEvent>> {
        let mut room = [0_u8; ERROR_EVENT_ROOM];
        let address = room.as_mut_ptr().expose_provenance() as u64;
        match self.call(VFIO_DEVICE_FEATURE_GET | identifier::FEATURE_ERROR_EVENT, address) {
            Ok(_) => Ok(ErrorEvent::read_from_prefix(&room).ok().map(|(event, _)| event)),
            Err(error) if error.raw_os_error() == Some(libc::ENOMSG) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// VFIO_DEVICE_FEATURE with `data`; returns what the data is then.
    fn call<T: FromBytes>(&self, flags: u32, data: T) -> io::Result<T> {
        let mut feature = Feature { argsz: 0, flags, data };
        feature.argsz = u32::try_from(size_of_val(&feature)).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: the structure says its own size; the one pointer that is data anywhere here, of `error_event`, leads to
        // more bytes than any kernel writes there, which live until the call has returned.
        unsafe { ioctl::by_pointer(self.0.as_raw_fd(), ioctl::DEVICE_FEATURE, &mut feature) }?;
        Ok(feature.data)
    }
}
