// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The devices that the emulated machine has unless told otherwise: one of each kind the image can drive, and one it cannot.

use std::path::Path;

use anyhow::Result;

use crate::disk::Disk;

/// Size of each disk, in bytes.
const DISK_SIZE: u64 = 16 << 20;

/// A PCI device of QEMU with the identifiers we give its function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Device {
    /// The `id` of the device in QEMU.
    id: &'static str,
    /// Model and options.
    model: &'static str,
    /// Function identifier.
    pub(crate) fid: u32,
    /// User-assigned identifier.
    uid: u16,
    /// Whether it is a disk, which then has this serial number.
    serial: Option<&'static str>,
}

/// What a machine without other wishes has.
pub(crate) const DEFAULT: [Device; 4] = [
    Device { id: "nvme", model: "nvme", fid: 0x101, uid: 0x11, serial: Some("ZPCI-NVME-0001") },
    // Without `iommu_platform` a virtio device would bypass the translation.
    Device {
        id: "rng",
        model: "virtio-rng-pci,iommu_platform=on,disable-legacy=on",
        fid: 0x102,
        uid: 0x12,
        serial: None,
    },
    Device {
        id: "blk",
        model: "virtio-blk-pci,iommu_platform=on,disable-legacy=on",
        fid: 0x103,
        uid: 0x13,
        serial: Some("ZPCI-BLK-0001"),
    },
    Device { id: "xhci", model: "qemu-xhci", fid: 0x104, uid: 0x14, serial: None },
];

/// A disk of one of our devices.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Attached {
    /// The function the disk is behind.
    pub(crate) fid: u32,
    /// The disk.
    pub(crate) disk: Disk,
}

/// Makes the disks of `devices` in `directory`; returns them and the arguments of QEMU.
pub(crate) fn set_up(devices: &[Device], directory: &Path) -> Result<(Vec<Attached>, Vec<String>)> {
    let (mut disks, mut arguments) = (Vec::new(), Vec::new());
    for Device { id, model, fid, uid, serial } in devices {
        let mut device = format!("{model},id={id}");
        if let Some(serial) = serial {
            let path = directory.join(format!("{id}.img"));
            disks.push(Attached { fid: *fid, disk: Disk::create(&path, DISK_SIZE)? });
            // A comma ends an option of QEMU unless it is doubled.
            let file = path.display().to_string().replace(',', ",,");
            arguments.extend(["-drive".into(), format!("file={file},if=none,format=raw,id={id}-disk")]);
            device += &format!(",drive={id}-disk,serial={serial}");
        }
        let zpci = format!("zpci,uid={uid:#x},fid={fid:#x},target={id}");
        arguments.extend(["-device".into(), zpci, "-device".into(), device]);
    }
    Ok((disks, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_and_serial_numbers_reach_qemu() {
        let directory = tempfile::tempdir().unwrap();
        let (disks, arguments) = set_up(&DEFAULT[..2], directory.path()).unwrap();
        assert_eq!(disks.len(), 1);
        assert_eq!((disks[0].fid, disks[0].disk.size), (0x101, 16 << 20));
        assert!(arguments.contains(&"zpci,uid=0x11,fid=0x101,target=nvme".to_owned()), "{arguments:?}");
        assert!(arguments.contains(&"nvme,id=nvme,drive=nvme-disk,serial=ZPCI-NVME-0001".to_owned()), "{arguments:?}");
        assert!(
            arguments.contains(&"virtio-rng-pci,iommu_platform=on,disable-legacy=on,id=rng".to_owned()),
            "{arguments:?}"
        );
    }
}
