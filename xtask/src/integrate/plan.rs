// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What goes where in a kernel tree.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::patch::Texts;
use crate::workspace::Workspace;

/// A file of the kernel's that gets a block.
pub(super) struct Edit {
    /// The file.
    pub(super) path: &'static str,
    /// What it says where the block has its effect.
    pub(super) needs: &'static str,
    /// The lines of the block.
    pub(super) block: &'static str,
}

/// Every file of the kernel's that gets a block.
pub(super) const EDITS: [Edit; 4] = [
    Edit {
        path: "drivers/iommu/Kconfig",
        needs: "config S390_IOMMU",
        block: "source \"drivers/iommu/zpci-rust/Kconfig\"\n",
    },
    Edit {
        path: "drivers/iommu/Makefile",
        needs: "s390-iommu.o",
        block: "ifdef CONFIG_ZPCI_RUST\nobj-y := $(filter-out s390-iommu.o,$(obj-y)) zpci-rust/\nendif\n",
    },
    Edit {
        path: "arch/s390/pci/Makefile",
        needs: "pci_clp.o",
        block: "ifdef CONFIG_ZPCI_RUST\nobj-y := $(filter-out pci_clp.o,$(obj-y))\nendif\n",
    },
    Edit {
        path: "drivers/vfio/pci/Makefile",
        needs: "vfio_pci_zdev.o",
        block: "ifdef CONFIG_ZPCI_RUST\n\
                vfio-pci-core-y := $(patsubst vfio_pci_zdev.o,vfio_pci_zdev_rust.o,$(vfio-pci-core-y))\n\
                endif\n",
    },
];

/// The name of the object in the driver's directory.
pub(super) const OBJECT: &str = "zpci_rust.o_shipped";

/// The name of the same for kernels with expolines.
pub(super) const EXPOLINE_OBJECT: &str = "zpci_rust_expoline.o_shipped";

/// The name of what Kconfig is told of the objects.
pub(super) const FACTS: &str = "Kconfig.object";

/// Everything in the driver's directory that is made and not copied.
pub(super) const MADE: [&str; 4] = [OBJECT, EXPOLINE_OBJECT, FACTS, APPLIED];

/// The name of what was applied of the patches, in the driver's directory.
pub(super) const APPLIED: &str = "applied.patch";

/// The files of the shim that belong elsewhere than into the driver's directory, and where.
const ELSEWHERE: [(&str, &str); 3] = [
    ("vfio_pci_zdev_rust.c", "drivers/vfio/pci"),
    ("vfio_pci_feature.h", "drivers/vfio/pci"),
    ("vfio_iommu_type1_info.h", "drivers/vfio"),
];

/// The header for user space: where it is, and where in a kernel tree it goes.
const USER_API: [&str; 2] = ["include/uapi/linux/vfio_zpci.h", "include/uapi/linux/vfio_zpci.h"];

/// Every file of the driver that is in `tree`.
pub(crate) fn files_in(tree: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![tree.join(directory())];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.path().is_dir() { &mut directories } else { &mut files }.push(entry.path());
        }
    }
    files.extend(ELSEWHERE.map(|(name, place)| tree.join(place).join(name)));
    files.push(tree.join(USER_API[1]));
    files.retain(|file| file.is_file());
    files.sort();
    files
}

/// The driver's directory in a kernel tree.
pub(super) fn directory() -> &'static Path {
    Path::new("drivers/iommu/zpci-rust")
}

/// The files of the shim: where each is, and where in a kernel tree it goes.
pub(super) fn files(workspace: &Workspace) -> Result<Vec<(PathBuf, PathBuf)>> {
    let glue = workspace.root.join("glue-c");
    let shim = glue.join("kernel");
    let mut files = vec![
        (glue.join("include/zpci_rust.h"), directory().join("zpci_rust.h")),
        (glue.join(USER_API[0]), USER_API[1].into()),
    ];
    for entry in fs::read_dir(&shim).with_context(|| format!("cannot read {}", shim.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        let place = ELSEWHERE.iter().find(|(file, _)| name == *file).map_or(directory(), |(_, place)| Path::new(place));
        files.push((path.clone(), place.join(name)));
    }
    files.sort();
    Ok(files)
}

/// A patch of the kernel's own files.
pub(super) struct KernelPatch {
    /// Its file, below `glue-c/kernel/patches`.
    name: &'static str,
    /// A file of the kernel, and what it says where the patch is not needed.
    unless: Option<(&'static str, &'static str)>,
}

/// Every patch of the kernel's own files.
pub(super) const PATCHES: [KernelPatch; 3] = [
    KernelPatch { name: "type1.patch", unless: None },
    KernelPatch { name: "feature.patch", unless: None },
    // Linux 6.12 up to some version after 6.12.95 registers tables by itself after a reset.
    KernelPatch {
        name: "registration.patch",
        unless: Some(("arch/s390/include/asm/pci.h", "zpci_iommu_register_ioat")),
    },
];

impl KernelPatch {
    /// Whether `tree` needs it, where `texts` are the files that are not as they are there.
    pub(super) fn is_needed(&self, tree: &Path, texts: &Texts) -> Result<bool> {
        let Some((file, text)) = self.unless else { return Ok(true) };
        if let Some(there) = texts.get(Path::new(file)) {
            return Ok(!there.contains(text));
        }
        let path = tree.join(file);
        let there = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(!there.contains(text))
    }

    /// The file.
    pub(super) fn path(&self, workspace: &Workspace) -> PathBuf {
        workspace.root.join("glue-c/kernel/patches").join(self.name)
    }
}
