// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A disk, whatever drives it.

use heapless::String;
use s390_iommu::IovaRange;

use crate::device::DeviceError;

/// What a disk tells of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// Serial number.
    pub serial: Text,
    /// Model; empty where the device has none.
    pub model: Text,
    /// Firmware revision; empty where the device has none.
    pub firmware: Text,
    /// Size in bytes.
    pub capacity: u64,
    /// Size of a block in bytes; offsets and lengths are multiples of it.
    pub block_size: u32,
    /// Bytes that one command can move, a multiple of 4 KiB.
    pub largest_transfer: u64,
    /// Whether writes are refused.
    pub read_only: bool,
    /// Why nothing can be read or written, if so: there is no medium, or one of a kind that has no driver.
    pub unusable: Option<&'static str>,
}

impl Identity {
    /// Of a disk of which nothing is known.
    pub const UNKNOWN: Self = Self {
        serial: Text::new(),
        model: Text::new(),
        firmware: Text::new(),
        capacity: 0,
        block_size: 512,
        largest_transfer: 4096,
        read_only: true,
        unusable: Some("nothing is known of the disk"),
    };
}

/// A short text out of a device.
pub type Text = String<40>;

/// The text in a field that is padded with blanks or zeros; what cannot be printed becomes a question mark.
pub fn text(field: &[u8]) -> Text {
    let padding = [b' ', 0];
    let end = field.iter().rposition(|byte| !padding.contains(byte)).map_or(0, |last| last + 1);
    field
        .iter()
        .take(end)
        .map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '?',
        })
        .take(40)
        .collect()
}

/// A disk whose device reads and writes storage by DMA.
pub trait Disk {
    /// What the disk tells of itself.
    fn identity(&self) -> &Identity;

    /// Resets the device and brings it up again, as after an error.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong.
    fn restart(&mut self) -> Result<(), DeviceError>;

    /// Reads as many bytes as `data` has from `offset`, by one command.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong; `data` may hold part of the bytes then.
    fn read(&mut self, offset: u64, data: IovaRange) -> Result<(), DeviceError>;

    /// Writes as many bytes as `data` has to `offset`, by one command, so that they outlast the machine.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong; part of the bytes may be written then.
    fn write(&mut self, offset: u64, data: IovaRange) -> Result<(), DeviceError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_text() {
        assert_eq!(text(b"QEMU NVMe Ctrl      "), "QEMU NVMe Ctrl");
        assert_eq!(text(b"serial\0\0\0"), "serial");
        assert_eq!(text(b"    "), "");
        assert_eq!(text(b"a\x07\xffb"), "a??b");
        assert_eq!(text(&[b'x'; 64]).len(), 40);
    }
}
