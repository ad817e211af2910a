// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What Identify stores.
//!
//! NVM Express Base Specification 1.4, sections 5.15.2.1 (namespace), 5.15.2.2 (controller).

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Identify Controller, the fields that the driver uses.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct IdentifyController {
    pub(super) vendor: U16,
    pub(super) subsystem_vendor: U16,
    /// ASCII, padded with blanks.
    pub(super) serial: [u8; 20],
    /// ASCII, padded with blanks.
    pub(super) model: [u8; 40],
    /// ASCII, padded with blanks.
    pub(super) firmware: [u8; 8],
    reserved_72: [u8; 5],
    /// Largest data transfer: 1 << this, in units of the smallest memory page; 0: no limit (MDTS).
    pub(super) largest_transfer_log2: u8,
}

/// Identify Namespace, the fields that the driver uses.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct IdentifyNamespace {
    /// Size in logical blocks (NSZE).
    pub(super) blocks: U64,
    reserved_8: [u8; 18],
    /// Which format is in use, in the low four bits (FLBAS).
    pub(super) format: u8,
    reserved_27: [u8; 72],
    /// Bit 0: write protected (NSATTR).
    pub(super) attributes: u8,
    reserved_100: [u8; 28],
    /// Formats (LBAF).
    pub(super) formats: [BlockFormat; 16],
}

/// Format of a logical block.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub(super) struct BlockFormat {
    /// Bytes of metadata with each block.
    pub(super) metadata: U16,
    /// Bytes of data: 1 << this.
    pub(super) data_log2: u8,
    /// Relative performance.
    performance: u8,
}

impl IdentifyNamespace {
    /// The format in use.
    pub(super) fn block_format(&self) -> Option<BlockFormat> {
        self.formats.get(usize::from(self.format & 0xf)).copied()
    }

    /// Whether writes are refused.
    pub(super) fn is_write_protected(&self) -> bool {
        self.attributes & 1 != 0
    }
}

/// Identify with the list of active namespaces: the first of up to 1024, in ascending order, ended by a zero.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct ActiveNamespaces {
    pub(super) first: U32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controller() {
        let mut bytes = [0; 4096];
        bytes[0..4].copy_from_slice(&[0x36, 0x1b, 0xf4, 0x1a]);
        bytes[4..24].copy_from_slice(b"ZPCI-0001           ");
        bytes[24..64].copy_from_slice(b"QEMU NVMe Ctrl                          ");
        bytes[64..72].copy_from_slice(b"10.0.2  ");
        bytes[77] = 7;
        let (controller, _) = IdentifyController::read_from_prefix(&bytes).unwrap();
        assert_eq!(controller.vendor.get(), 0x1b36);
        assert_eq!(controller.subsystem_vendor.get(), 0x1af4);
        assert_eq!(&controller.serial, b"ZPCI-0001           ");
        assert_eq!(&controller.model, b"QEMU NVMe Ctrl                          ");
        assert_eq!(&controller.firmware, b"10.0.2  ");
        assert_eq!(controller.largest_transfer_log2, 7);
    }

    #[test]
    fn namespace() {
        let mut bytes = [0; 4096];
        bytes[0..8].copy_from_slice(&[0, 0x80, 0, 0, 0, 0, 0, 0]);
        bytes[26] = 0x13;
        bytes[99] = 1;
        bytes[140..144].copy_from_slice(&[8, 0, 12, 0]);
        let (namespace, _) = IdentifyNamespace::read_from_prefix(&bytes).unwrap();
        assert_eq!(namespace.blocks.get(), 0x8000);
        assert!(namespace.is_write_protected());
        let format = namespace.block_format().unwrap();
        assert_eq!((format.metadata.get(), format.data_log2), (8, 12));
    }

    #[test]
    fn active_namespaces() {
        let bytes = [2, 0, 0, 0, 5, 0, 0, 0];
        let (list, _) = ActiveNamespaces::read_from_prefix(&bytes).unwrap();
        assert_eq!(list.first.get(), 2);
    }
}
