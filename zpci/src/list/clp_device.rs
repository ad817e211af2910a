// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `/dev/clp` of Linux: commands that change nothing, for root.
//!
//! Linux: `arch/s390/include/uapi/asm/clp.h`, `arch/s390/pci/pci_clp.c`.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use clp::{Clp, Command, ConditionCode, LogicalProcessor};

/// `CLP_SYNC`: `_IOWR('c', 0xc1, struct clp_req)`.
const CLP_SYNC: u32 = 0xc010_63c1;

/// The device, open.
#[derive(Debug)]
pub(crate) struct ClpDevice {
    file: File,
    /// Why the last call was refused: the number of the error.
    refusal: Cell<Option<i32>>,
}

impl ClpDevice {
    /// Opens the device at `path`.
    ///
    /// # Errors
    ///
    /// Why it cannot be opened.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self { file, refusal: Cell::new(None) })
    }

    /// Why the last call was refused, if it was and nobody has asked since.
    pub(crate) fn refusal(&self) -> Option<io::Error> {
        self.refusal.take().map(io::Error::from_raw_os_error)
    }
}

/// `struct clp_req` for a command with a block, in the order of bytes of s390x.
fn request(processor: LogicalProcessor, block: u64) -> [u8; 16] {
    let mut request = [0; 16];
    request[0] = processor.0 & 0x3f;
    request[8..].copy_from_slice(&block.to_be_bytes());
    request
}

impl Clp for ClpDevice {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        let block: *mut u8 = command.as_mut_ptr();
        let mut request = request(processor, block.expose_provenance() as u64);
        // SAFETY: the kernel reads a request of 16 bytes, and reads and writes the page of the block at the address in
        // it.
        let result = unsafe { libc::ioctl(self.file.as_raw_fd(), CLP_SYNC.into(), request.as_mut_ptr()) };
        if result == 0 {
            return ConditionCode::Zero;
        }
        self.refusal.set(io::Error::last_os_error().raw_os_error());
        // None is known; that there is no answer is what it stands for. `Self::refusal` says why.
        ConditionCode::Three
    }

    /// Not used: the device has it, and a list needs none.
    fn immediate(&self, _: u64) -> Result<u64, ConditionCode> {
        Err(ConditionCode::Three)
    }

    /// Nothing is ever busy that the device lets through.
    fn pause(&self, _: u32) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_bytes_of_the_header() {
        assert_eq!(
            request(LogicalProcessor::PCI, 0x0102_0304_0506_7000),
            [2, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0x70, 0]
        );
    }

    #[test]
    fn a_file_that_is_no_device_refuses() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let device = ClpDevice::open(file.path()).unwrap();
        let error = crate::list::read_live(&device, &[]).unwrap_err();
        assert!(error.starts_with("LIST PCI: "), "{error}");
        assert_eq!(device.refusal().and_then(|error| error.raw_os_error()), Some(libc::ENOTTY));
    }
}
