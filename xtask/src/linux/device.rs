// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The functions that a Linux guest has: disks, network and an entropy source.

use std::path::Path;

use anyhow::Result;

use crate::disk::Disk;

/// Size of each disk, in bytes: what the suites write, and some more that must stay as it is.
const DISK_SIZE: u64 = 32 << 20;

/// What a device is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// It has a disk, whose serial number is the name of the device.
    Disk,
    /// It is connected to a network of its own, in which QEMU's gateway answers.
    Network,
    /// Nothing is behind it.
    Alone,
}

/// A PCI device and the identifiers of its function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Device {
    name: &'static str,
    /// Model and options of QEMU.
    model: &'static str,
    kind: Kind,
}

/// All of them. Without `iommu_platform` a virtio device would bypass the translation.
pub(crate) const DEVICES: [Device; 7] = [
    Device { name: "nvme0", model: "nvme", kind: Kind::Disk },
    Device { name: "nvme1", model: "nvme", kind: Kind::Disk },
    Device { name: "blk0", model: "virtio-blk-pci,iommu_platform=on,disable-legacy=on", kind: Kind::Disk },
    Device { name: "net0", model: "virtio-net-pci,iommu_platform=on,disable-legacy=on,romfile=", kind: Kind::Network },
    Device { name: "net1", model: "e1000e,romfile=", kind: Kind::Network },
    Device { name: "net2", model: "igb,romfile=", kind: Kind::Network },
    Device { name: "rng0", model: "virtio-rng-pci,iommu_platform=on,disable-legacy=on", kind: Kind::Alone },
];

impl Device {
    /// The device called `name`.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        DEVICES.iter().find(|device| device.name == name)
    }

    /// UID and FID, which are different from each other and from zero.
    pub(crate) fn identifiers(&self) -> (usize, usize) {
        let index = DEVICES.iter().position(|device| device == self).unwrap_or_default();
        (0x10 + index, 0x200 + index)
    }

    /// The `zpci` device and the device itself, as QEMU's `-device` and `device_add` want them, in this order.
    pub(crate) fn models(&self) -> [String; 2] {
        let Self { name, model, kind } = self;
        let (uid, fid) = self.identifiers();
        let behind = match kind {
            Kind::Disk => format!(",drive={name}-disk,serial={name}"),
            Kind::Network => format!(",netdev={name}-net"),
            Kind::Alone => String::new(),
        };
        [format!("zpci,id={name}-zpci,uid={uid},fid={fid},target={name}"), format!("{model},id={name}{behind}")]
    }
}

/// A disk and the serial number under which the guest knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Attached {
    /// The serial number.
    pub(crate) serial: &'static str,
    /// The image.
    pub(crate) disk: Disk,
}

/// Makes fresh disks in `directory`; returns them and the arguments of QEMU.
pub(crate) fn set_up(directory: &Path) -> Result<(Vec<Attached>, Vec<String>)> {
    let (mut disks, mut arguments) = (Vec::new(), Vec::new());
    for device in &DEVICES {
        let name = device.name;
        match device.kind {
            Kind::Disk => {
                let disk = Disk::create(&directory.join(format!("{name}.img")), DISK_SIZE)?;
                // A comma ends an option of QEMU unless it is doubled.
                let file = disk.path.display().to_string().replace(',', ",,");
                // A node that is named here outlives the device that uses it. Whenever a debugger stops the guest, QEMU
                // would flush all of them.
                let node = format!("driver=file,node-name={name}-disk,cache.no-flush=on,filename={file}");
                arguments.extend(["-blockdev".into(), node]);
                disks.push(Attached { serial: name, disk });
            }
            Kind::Network => arguments.extend(["-netdev".into(), format!("user,id={name}-net,restrict=on")]),
            Kind::Alone => {}
        }
        for model in device.models() {
            arguments.extend(["-device".into(), model]);
        }
    }
    Ok((disks, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_identifiers_of_its_own() {
        let mut seen: Vec<_> = DEVICES.iter().map(Device::identifiers).collect();
        seen.dedup();
        assert_eq!(seen.len(), DEVICES.len());
        assert_eq!(Device::named("blk0").map(Device::identifiers), Some((0x12, 0x202)));
        assert_eq!(Device::named("sda"), None);
    }

    #[test]
    fn a_disk_is_known_by_the_name_of_its_device() {
        assert_eq!(
            DEVICES[0].models(),
            ["zpci,id=nvme0-zpci,uid=16,fid=512,target=nvme0", "nvme,id=nvme0,drive=nvme0-disk,serial=nvme0"]
        );
    }
}
