// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What goes where in a kernel tree.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::patch::Texts;
use crate::workspace::{files_below, read_text, Workspace};

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
        // In the menu of IOMMU drivers, whose end is above.
        block: "if IOMMU_SUPPORT\nsource \"drivers/iommu/zpci-rust/Kconfig\"\nendif\n",
    },
    Edit {
        path: "drivers/iommu/Makefile",
        needs: "s390-iommu.o",
        // Named outside of the condition, so that `make clean` finds the directory, which knows no configuration.
        block: "ifdef CONFIG_ZPCI_RUST\nobj-y := $(filter-out s390-iommu.o,$(obj-y))\nendif\n\
                obj-$(CONFIG_ZPCI_RUST) += zpci-rust/\n",
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

/// The name of what was applied of the patches, in the driver's directory.
pub(super) const APPLIED: &str = "applied.patch";

/// The files of the shim that belong elsewhere than into the driver's directory, and where. The headers are for the patches.
const ELSEWHERE: [(&str, &str); 7] = [
    ("zpci-rust.rst", "Documentation/arch/s390"),
    ("vfio_pci_zdev_rust.c", "drivers/vfio/pci"),
    ("vfio_pci_feature.h", "drivers/vfio/pci"),
    ("vfio_iommu_type1_info.h", "drivers/vfio"),
    ("zpci_rust_domain_ops.h", "include/linux"),
    ("zpci_rust_error.h", "arch/s390/include/asm"),
    ("zpci_rust_register.h", "arch/s390/include/asm"),
];

/// The header for user space: where it is, and where in a kernel tree it goes.
const USER_API: [&str; 2] = ["include/uapi/linux/vfio_zpci.h", "include/uapi/linux/vfio_zpci.h"];

/// Every file of the driver that is in `tree`.
pub(crate) fn files_in(tree: &Path) -> Result<Vec<PathBuf>> {
    let mut files = files_in_directory(tree)?;
    files.extend(elsewhere().map(|file| tree.join(file)));
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}

/// Every file that is in the driver's directory of `tree`, if that is there.
pub(super) fn files_in_directory(tree: &Path) -> Result<Vec<PathBuf>> {
    let directory = tree.join(directory());
    if directory.is_dir() {
        files_below(&directory)
    } else {
        Ok(Vec::new())
    }
}

/// The driver's directory in a kernel tree.
pub(super) fn directory() -> &'static Path {
    Path::new("drivers/iommu/zpci-rust")
}

/// Every file that the driver can have outside of its directory.
pub(super) fn elsewhere() -> impl Iterator<Item = PathBuf> {
    ELSEWHERE.into_iter().map(|(name, place)| Path::new(place).join(name)).chain([USER_API[1].into()])
}

/// The same, each with where it is.
pub(super) fn files_elsewhere(workspace: &Workspace) -> Vec<(PathBuf, PathBuf)> {
    let glue = workspace.root.join("glue-c");
    let shim = ELSEWHERE.map(|(name, place)| (glue.join("kernel").join(name), Path::new(place).join(name)));
    shim.into_iter().chain([(glue.join(USER_API[0]), USER_API[1].into())]).collect()
}

/// The files of the shim for a tree that is patched by `note`: where each is, and where in a kernel tree it goes.
pub(super) fn files(workspace: &Workspace, note: &str) -> Result<Vec<(PathBuf, PathBuf)>> {
    let glue = workspace.root.join("glue-c");
    let shim = glue.join("kernel");
    let mut files = vec![
        (glue.join("include/zpci_rust.h"), directory().join("zpci_rust.h")),
        (glue.join(USER_API[0]), USER_API[1].into()),
    ];
    for entry in fs::read_dir(&shim).with_context(|| format!("cannot read {}", shim.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        let elsewhere = ELSEWHERE.iter().find(|(file, _)| name == *file);
        // A header that no patch includes is left out.
        if elsewhere.is_none_or(|(file, _)| !file.ends_with(".h") || note.contains(file)) {
            files.push((path.clone(), elsewhere.map_or(directory(), |(_, place)| Path::new(place)).join(name)));
        }
    }
    files.sort();
    Ok(files)
}

/// A patch of the kernel's own files.
#[derive(Clone, Copy, Debug)]
pub(super) struct KernelPatch {
    /// Its file, below `glue-c/kernel/patches`.
    pub(super) name: &'static str,
    /// A file of the kernel, and what it says where the patch is not needed.
    unless: Option<(&'static str, &'static str)>,
}

/// Every patch of the kernel's own files.
pub(super) const PATCHES: [KernelPatch; 4] = [
    KernelPatch { name: "type1.patch", unless: None },
    KernelPatch { name: "feature.patch", unless: None },
    KernelPatch { name: "error.patch", unless: None },
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
        let there = read_text(&path)?;
        Ok(!there.contains(text))
    }

    /// Its changes, without what is said of them.
    pub(super) fn changes(&self, workspace: &Workspace) -> Result<String> {
        let path = workspace.root.join("glue-c/kernel/patches").join(self.name);
        let text = read_text(&path)?;
        let (_, changes) = text.split_once("\n---\n").with_context(|| format!("{} has no change", path.display()))?;
        Ok(changes.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a makefile that hold whatever the configuration is.
    fn unconditional(makefile: &str) -> Vec<&str> {
        let mut depth = 0;
        let mut lines = Vec::new();
        for line in makefile.lines() {
            depth += usize::from(line.starts_with("if"));
            if depth == 0 {
                lines.push(line);
            }
            depth -= usize::from(line.starts_with("endif"));
        }
        lines
    }

    /// `make clean` reads the makefiles without a configuration.
    #[test]
    fn cleaning_finds_what_was_built_of_the_crates() {
        let block = EDITS.iter().find(|edit| edit.path == "drivers/iommu/Makefile").unwrap().block;
        assert!(unconditional(block).contains(&"obj-$(CONFIG_ZPCI_RUST) += zpci-rust/"), "{block}");
        let shim = Workspace::find().unwrap().root.join("glue-c/kernel");
        let makefile = fs::read_to_string(shim.join("Makefile")).unwrap();
        assert!(
            unconditional(&makefile).contains(&"clean-files := *.rmeta *.rlib lib*.so *_generated.rs"),
            "{makefile}"
        );
        // What is built beside objects, which Linux removes by itself.
        let source = fs::read_to_string(shim.join("Makefile.source")).unwrap();
        for made in
            ["$(obj)/lib$(1).rmeta", "$(obj)/libsyn.rlib", "$(obj)/$(zpci-bitfield)", "$(obj)/zpci_generated.rs"]
        {
            assert!(source.contains(made), "{made}");
        }
    }
}
