// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Trees with what the driver changes in a kernel, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::plan::EDITS;
use super::super::step::replace;

pub(super) const TYPE1: &str = "drivers/vfio/vfio_iommu_type1.c";
pub(super) const HEADER: &str = "include/linux/iommu.h";

/// The lines around those that the patches change, the same in every kernel.
pub(super) const TYPE1_TEXT: &str = "#define DIRTY_BITMAP_PAGES_MAX\t ((u64)INT_MAX)
#define DIRTY_BITMAP_SIZE_MAX\t DIRTY_BITMAP_BYTES(DIRTY_BITMAP_PAGES_MAX)

static int put_pfn(unsigned long pfn, int prot);

[...]

\t/* replay mappings on new domains */
\tret = vfio_iommu_replay(iommu, domain);
\tif (ret)
\t\tgoto out_detach;
[...]

\tif (!ret)
\t\tret = vfio_iommu_iova_build_caps(iommu, &caps);

\tmutex_unlock(&iommu->lock);
";
const CORE: &str = "drivers/vfio/pci/vfio_pci_core.c";
const CORE_TEXT: &str = "#include \"vfio_pci_priv.h\"

#define DRIVER_AUTHOR   \"Alex Williamson <alex.williamson@redhat.com>\"
#define DRIVER_DESC \"core driver for VFIO based PCI devices\"
[...]
\tdefault:
\t\treturn -ENOTTY;
\t}
}
EXPORT_SYMBOL_GPL(vfio_pci_core_ioctl_feature);
";
const HEADER_TEXT: &str = "[...]
\t\t\t\t  unsigned long quirks);

\tvoid (*free)(struct iommu_domain *domain);
};

";

pub(super) const ASM: &str = "arch/s390/include/asm/pci.h";
/// The header and the source of every kernel, with the lines around where an error state is cleared.
const ERROR_TEXTS: [(&str, &str); 2] = [
    (
        ASM,
        "void zpci_remove_reserved_devices(void);
void zpci_update_fh(struct zpci_dev *zdev, u32 fh);

/* CLP */
int clp_setup_writeback_mio(void);
",
    ),
    (
        "arch/s390/pci/pci.c",
        "\tint cc;

\tcc = zpci_mod_fc(req, &fib, &status);
\tif (cc) {
\t\tzpci_dbg(3, \"ces fid:%x, cc:%d, status:%x\\n\", zdev->fid, cc, status);
\t\treturn -EIO;
\t}

\treturn 0;
}

",
    ),
];
/// A kernel that asks the driver to register tables after a reset.
const ASKS: &str = "int zpci_iommu_register_ioat(struct zpci_dev *zdev, u8 *status);\n";
/// The lines of one that does so by itself.
pub(super) const DOES_NOT_ASK: [(&str, &str); 4] = [
    (
        ASM,
        "int zpci_scan_devices(void);

int zpci_hot_reset_device(struct zpci_dev *zdev);
int zpci_register_ioat(struct zpci_dev *, u8, u64, u64, u64, u8 *);
int zpci_unregister_ioat(struct zpci_dev *, u8);
",
    ),
    (
        "arch/s390/pci/pci.c",
        "
\tif (zdev->dma_table)
\t\trc = zpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,
\t\t\t\t\tvirt_to_phys(zdev->dma_table), &status);
\tif (rc) {
",
    ),
    (
        "arch/s390/pci/pci_sysfs.c",
        "
\tif (zdev->dma_table) {
\t\tret = zpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,
\t\t\t\t\t virt_to_phys(zdev->dma_table), &status);
\t\tif (ret)
",
    ),
    (
        "arch/s390/kvm/pci.c",
        "
\t/* Re-register the IOMMU that was already created */
\trc = zpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,
\t\t\t\tvirt_to_phys(zdev->dma_table), &status);
\tif (rc)
[...]
\t/* Re-register the IOMMU that was already created */
\tzpci_register_ioat(zdev, 0, zdev->start_dma, zdev->end_dma,
\t\t\t   virt_to_phys(zdev->dma_table), &status);

",
    ),
];

/// A directory, in memory where that is a file system: others write a file to the disk when another takes its place.
pub(super) fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// A tree with the files that are edited, and nothing else.
pub(super) fn tree() -> tempfile::TempDir {
    let tree = directory();
    for edit in EDITS {
        replace(&tree.path().join(edit.path), format!("# first\n{}\n", edit.needs).as_bytes()).unwrap();
    }
    for (path, text) in [(TYPE1, TYPE1_TEXT), (CORE, CORE_TEXT), (HEADER, HEADER_TEXT)].into_iter().chain(ERROR_TEXTS) {
        replace(&tree.path().join(path), text.as_bytes()).unwrap();
    }
    add(tree.path(), ASM, ASKS);
    tree
}

/// The same of a kernel that registers tables by itself.
pub(super) fn tree_that_does_not_ask() -> tempfile::TempDir {
    let tree = tree();
    for (path, text) in ERROR_TEXTS {
        replace(&tree.path().join(path), text.as_bytes()).unwrap();
    }
    for (path, text) in DOES_NOT_ASK {
        add(tree.path(), path, text);
    }
    tree
}

/// Puts `text` behind what the file has, if there is one.
fn add(tree: &Path, path: &str, text: &str) {
    let before = fs::read_to_string(tree.join(path)).unwrap_or_default();
    replace(&tree.join(path), [&before, text].concat().as_bytes()).unwrap();
}

/// Every file below `directory`, and what is in it.
pub(super) fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(contents(&entry.path())),
            false => found.push((entry.path(), fs::read(entry.path()).unwrap())),
        }
    }
    found.sort();
    found
}
