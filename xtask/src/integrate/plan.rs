// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What goes where in a kernel tree.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

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

/// The file that belongs beside the rest of VFIO, and where that is.
const VFIO: &str = "vfio_pci_zdev_rust.c";
const VFIO_DIRECTORY: &str = "drivers/vfio/pci";

/// Every file of the driver that is in `tree`.
pub(crate) fn files_in(tree: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(tree.join(directory())).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.push(tree.join(VFIO_DIRECTORY).join(VFIO));
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
    let mut files = vec![(glue.join("include/zpci_rust.h"), directory().join("zpci_rust.h"))];
    for entry in fs::read_dir(&shim).with_context(|| format!("cannot read {}", shim.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        let target = if name == VFIO { Path::new(VFIO_DIRECTORY) } else { directory() };
        files.push((path.clone(), target.join(name)));
    }
    files.sort();
    Ok(files)
}
