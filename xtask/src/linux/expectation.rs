// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The cases that are known not to pass, each with its cause. Any other that does not pass is a problem, and so is one of these
//! that does.

use super::series::Series;

/// Which driver the kernel has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Implementation {
    /// The C files of the tree.
    Stock,
    /// The C files of the tree with our fixes.
    Fixed,
    /// The crates, in place of them.
    Rust,
}

impl Implementation {
    /// As reports call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Fixed => "fixed",
            Self::Rust => "rust",
        }
    }
}

/// Cases that do not pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Expectation {
    /// The suite, and how the name of the case starts; a test below a case is separated by ` / `.
    case: (&'static str, &'static str),
    /// Why.
    cause: &'static str,
}

const HUGE_PAGES: &str = "TCG has no huge pages";

/// On every kernel: the machine lacks something, or the test is wrong.
const ALWAYS: [Expectation; 9] = [
    of_kernel("vfio_dma_mapping_test / vfio_dma_mapping_test.vfio_type1_iommu_anonymous_hugetlb", HUGE_PAGES),
    of_kernel("vfio_dma_mapping_test / vfio_dma_mapping_test.vfio_type1v2_iommu_anonymous_hugetlb", HUGE_PAGES),
    of_kernel("vfio_dma_mapping_test / vfio_dma_mapping_test.iommufd_compat_type1_anonymous_hugetlb", HUGE_PAGES),
    of_kernel("vfio_dma_mapping_test / vfio_dma_mapping_test.iommufd_compat_type1v2_anonymous_hugetlb", HUGE_PAGES),
    of_kernel("vfio_dma_mapping_test / vfio_dma_mapping_test.iommufd_anonymous_hugetlb", HUGE_PAGES),
    of_kernel(
        "vfio_pci_device_test / vfio_pci_device_test.config_space_read_write",
        "the test reads little-endian configuration space in the byte order of the processor",
    ),
    of_kernel("vfio_pci_device_test / vfio_pci_irq_test.msi.", "QEMU's NVMe controller has no MSI, only MSI-X"),
    of_kernel("vfio_pci_driver_test", "the test has drivers for Intel's DSA and I/OAT only"),
    of_kernel("vfio_pci_sriov_uapi_test", "the function has no SR-IOV"),
];

const RESERVED: &str =
    "s390_iommu_get_resv_regions() leaves out the addresses above the window while the function is blocked, which \
                        is when iommufd asks";

/// On the stock kernels of series 7.2 and 7.3, whose driver is the same.
const STOCK_7: [Expectation; 26] = [
    Expectation { case: ("iommufd", "ranges are those of type 1"), cause: RESERVED },
    Expectation { case: ("iommufd", "range is the window of the function"), cause: RESERVED },
    Expectation { case: ("iommufd", "first and last page"), cause: RESERVED },
    Expectation { case: ("iommufd", "across tables"), cause: RESERVED },
    Expectation { case: ("nvme", "iommufd last page"), cause: RESERVED },
    Expectation { case: ("nvme", "iommufd scattered"), cause: RESERVED },
    Expectation { case: ("nvme", "type1 hot reset"), cause: NO_REFRESH },
    Expectation { case: ("nvme", "iommufd hot reset"), cause: NO_REFRESH },
    Expectation { case: ("nvme", "iommufd attached later"), cause: NO_REFRESH },
    of_kernel("vfio_dma_mapping_test / vfio_dma_map_limit_test.iommufd.unmap_", RESERVED),
    of_kernel("vfio_dma_mapping_test / vfio_dma_map_limit_test.iommufd_compat_type1.unmap_", RESERVED),
    of_kernel("vfio_dma_mapping_test / vfio_dma_map_limit_test.iommufd_compat_type1v2.unmap_", RESERVED),
    of_module("attachment/reserved regions", RESERVED),
    of_module("mapping/translate to the byte", BYTES),
    of_module("mapping/map over a live entry", OVERWRITES),
    of_module("mapping/map all or nothing", OVERWRITES),
    of_module("mapping/unmap twice", WARNED),
    of_module("memory/empty tables are given back", KEEPS),
    of_module("memory/unmap takes no storage", ALLOCATES),
    of_module("memory/unmap without storage", ALLOCATES),
    of_module("attachment/neighbour of a function in error", LOSES),
    of_module("recovery/reset after a map", LOSES),
    of_module("format/what CLP said is kept", NARROWS),
    of_module("format/unsuitable format is refused", FORMATS),
    of_module("matrix-all/", FORMATS),
    Expectation { case: ("instructions", "MPCIFC busy 3 times at reset"), cause: SLEEPS },
];

/// On the stock kernel of series 6.12, which has tables of one format only.
const STOCK_6_12: [Expectation; 20] = [
    Expectation { case: ("hardware", "zpci type of hardware information"), cause: NO_FLAG },
    of_instruction("MPCIFC cc 1 status 40", UNRECOVERED),
    of_instruction("MPCIFC cc 3", UNRECOVERED),
    of_instruction("back to their drivers", UNRECOVERED),
    Expectation { case: ("churn", "back to their drivers"), cause: UNRECOVERED },
    Expectation { case: ("nvme", "type1 hot reset"), cause: NO_REFRESH },
    Expectation { case: ("nvme", "iommufd hot reset"), cause: NO_REFRESH },
    Expectation { case: ("nvme", "iommufd attached later"), cause: NO_REFRESH },
    of_module("mapping/translate to the byte", BYTES),
    of_module("mapping/map over a live entry", OVERWRITES),
    of_module("mapping/map all or nothing", OVERWRITES),
    of_module("mapping/unmap twice", WARNED),
    of_module("memory/empty tables are given back", KEEPS),
    of_module("memory/unmap takes no storage", ALLOCATES),
    of_module("memory/unmap without storage", ALLOCATES),
    of_module("attachment/neighbour of a function in error", LOSES),
    of_module("recovery/reset after a map", LOSES),
    of_module("format/what CLP said is kept", NARROWS),
    of_module("format/unsuitable format is refused", FORMATS),
    of_module("root/", "Linux 6.12 has region-third tables only"),
];

const NO_REFRESH: &str =
    "tables are registered without a refresh of what is in them, which a function in refresh mode needs";

/// On the stock kernel of any series: what CLP says that is not so, and what nobody tells.
const STOCK: [Expectation; 15] = [
    of_firmware("entries of no byte", DIVIDES),
    of_firmware("entries of one byte", LENGTHS),
    of_firmware("length beyond the block", LENGTHS),
    of_firmware("same token for ever", TOKENS),
    of_firmware("tokens without end", TOKENS),
    Expectation { case: ("container", "zpci "), cause: TELLS },
    Expectation { case: ("container-attributes", ""), cause: TELLS },
    Expectation { case: ("join", "zpci "), cause: TELLS },
    Expectation { case: ("hardware", "zpci "), cause: TELLS },
    Expectation { case: ("instructions", "RPCIT refused"), cause: STOPS },
    Expectation { case: ("instructions", "MPCIFC refused"), cause: STOPS },
    Expectation { case: ("instructions", "RPCIT busy without end"), cause: WAITS },
    Expectation { case: ("instructions", "MPCIFC busy without end"), cause: WAITS },
    // How often is a matter of luck, so it is counted and not judged.
    Expectation { case: ("churn", "type1"), cause: DEREGISTERS },
    Expectation { case: ("churn", "iommufd"), cause: DEREGISTERS },
];

/// What the fixes of the stock driver end (`glue-c/upstream/fixes`).
const FIXED: [&str; 11] =
    [BYTES, ALLOCATES, LOSES, RESERVED, SLEEPS, NO_REFRESH, DIVIDES, LENGTHS, TOKENS, STOPS, NARROWS];

/// What is a matter of luck: which of several things on several processors comes first.
const LUCK: [&str; 2] = [DEREGISTERS, UNRECOVERED];

/// Whether a case that does not pass for `cause` may pass all the same.
pub(crate) fn is_luck(cause: &str) -> bool {
    LUCK.contains(&cause)
}

const WAITS: &str = "zpci_refresh_trans() and zpci_mod_fc() wait for a busy machine for ever";
const STOPS: &str = "a program check of MPCIFC or RPCIT has no entry in the table of exceptions, so the kernel stops";
const SLEEPS: &str = "zpci_iommu_register_ioat() holds a spinlock while zpci_mod_fc() sleeps";
const DEREGISTERS: &str = "RPCIT reaches functions that were deregistered since they were found on the list";

const TELLS: &str =
    "Linux tells nothing of functions, formats and interrupts of a container, or of the hardware by iommufd";
const DIVIDES: &str = "clp_list_pci_req() divides by the size of an entry";
const LENGTHS: &str = "clp_list_pci() takes what is behind the block for entries";
const TOKENS: &str = "clp_list_pci() goes on as long as there is a token";

/// With the driver in a kernel of series 6.12.
const RUST_6_12: [Expectation; 5] = [
    Expectation { case: ("hardware", "zpci type of hardware information"), cause: NO_FLAG },
    Expectation { case: ("vmm", "type1 read-only"), cause: STAYS_IN_ERROR },
    Expectation { case: ("vmm", "iommufd nowhere"), cause: STAYS_IN_ERROR },
    Expectation { case: ("vmm", "iommufd read-only"), cause: STAYS_IN_ERROR },
    Expectation { case: ("vmm", "back to its driver"), cause: STAYS_IN_ERROR },
];

const STAYS_IN_ERROR: &str =
    "Linux 6.12 does not bring back a function in the error state that VFIO has, and the case \
                              before makes it do DMA to nowhere";
const NO_FLAG: &str = "Linux 6.12 has no IOMMU_HW_INFO_FLAG_INPUT_TYPE";
const UNRECOVERED: &str = "Linux 6.12 does not bring back a function that comes into the error state while it is reset";
const WARNED: &str = "a kernel warns of one kind once, and s390_iommu_map_pages() warned before";
const BYTES: &str = "s390_iommu_iova_to_phys() drops the offset within the page";
const OVERWRITES: &str = "s390_iommu_map_pages() overwrites a valid entry with a warning";
const KEEPS: &str = "tables live as long as their domain";
const ALLOCATES: &str = "s390_iommu_unmap_pages() allocates the tables it wants to find";
const LOSES: &str = "s390_iommu_iotlb_sync_map() returns what the last function said";
const NARROWS: &str = "the driver narrows end_dma of a function";
const FORMATS: &str = "attach does not look at the formats";

const fn of_kernel(case: &'static str, cause: &'static str) -> Expectation {
    Expectation { case: ("selftest", case), cause }
}

const fn of_module(case: &'static str, cause: &'static str) -> Expectation {
    Expectation { case: ("module", case), cause }
}

const fn of_instruction(case: &'static str, cause: &'static str) -> Expectation {
    Expectation { case: ("instructions", case), cause }
}

const fn of_firmware(case: &'static str, cause: &'static str) -> Expectation {
    Expectation { case: ("firmware", case), cause }
}

/// Whether the kernel is known to raise alarms in the boot called `boot`: the stock driver warns of what the module does to
/// it, and one module of what it is asked to.
pub(crate) fn may_alarm(series: Series, implementation: Implementation, boot: &str) -> bool {
    // It warns on purpose.
    boot == "trace"
        || match (implementation, boot) {
            (Implementation::Stock | Implementation::Fixed, "module") => true,
            (Implementation::Stock, "root") => series == Series::V6_12,
            // It sleeps with a spinlock held.
            (Implementation::Stock, "instructions") => series != Series::V6_12,
            _ => false,
        }
}

/// A report of the kernel that is no sign of a defect of the driver.
struct KnownReport {
    /// The boots that have it; empty for all.
    boots: &'static [&'static str],
    /// What its first line says.
    start: &'static str,
    /// A function that one of the next lines names.
    function: &'static str,
    /// What its last line says.
    end: &'static str,
}

/// How many lines follow the first of a report that names what it is about.
const ABOUT: usize = 8;

/// On every kernel.
const KNOWN_REPORTS: [KnownReport; 2] = [
    // VFIO holds `memory_lock` while it makes the files of interrupts, and takes it in page faults.
    KnownReport {
        boots: &[],
        start: "possible circular locking dependency detected",
        function: "vfio_pci_memory_lock_and_enable",
        end: "lockdep is turned off",
    },
    // The module unmaps what is not mapped.
    KnownReport { boots: &["module", "root"], start: "WARNING: ", function: "zpci_unmap_odd", end: "---[ end trace" },
];

/// How many lines a report that is known in `boot` has, if `lines` begin with one.
pub(crate) fn known_report(boot: &str, lines: &[String]) -> Option<usize> {
    let known = KNOWN_REPORTS.iter().find(|report| {
        (report.boots.is_empty() || report.boots.contains(&boot))
            && lines.first().is_some_and(|line| line.contains(report.start))
            && lines.iter().take(ABOUT).any(|line| line.contains(report.function))
    })?;
    lines.iter().position(|line| line.contains(known.end)).map(|last| last + 1)
}

/// Why the case at `path`, its suite first, does not pass with this kernel, if that is known.
pub(crate) fn cause(series: Series, implementation: Implementation, path: &[String]) -> Option<&'static str> {
    let (of_series, of_any): (&[Expectation], &[Expectation]) = match (series, implementation) {
        (Series::V7_3 | Series::V7_2, Implementation::Stock | Implementation::Fixed) => (&STOCK_7, &STOCK),
        (Series::V6_12, Implementation::Stock | Implementation::Fixed) => (&STOCK_6_12, &STOCK),
        (Series::V6_12, Implementation::Rust) => (&RUST_6_12, &[]),
        (_, Implementation::Rust) => (&[], &[]),
    };
    let (suite, case) = path.split_first()?;
    let case = case.join(" / ");
    let mut expected = ALWAYS.iter().chain(of_series).chain(of_any);
    let cause = expected.find(|e| e.case.0 == suite && case.starts_with(e.case.1))?.cause;
    (implementation != Implementation::Fixed || !FIXED.contains(&cause)).then_some(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(series: Series, path: &[&str]) -> bool {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        cause(series, Implementation::Stock, &path).is_some()
    }

    #[test]
    fn a_case_is_told_by_its_suite_and_the_start_of_its_name() {
        assert!(known(Series::V7_2, &["iommufd", "across tables"]));
        assert!(!known(Series::V7_2, &["type1", "across tables"]));
        assert!(!known(Series::V6_12, &["iommufd", "across tables"]));
        let limit = |variant: &str| format!("vfio_dma_map_limit_test.{variant}");
        assert!(known(Series::V7_2, &["selftest", "vfio_dma_mapping_test", &limit("iommufd.unmap_all")]));
        assert!(!known(Series::V7_2, &["selftest", "vfio_dma_mapping_test", &limit("vfio_type1_iommu.unmap_all")]));
        assert!(known(Series::V6_12, &["selftest", "vfio_pci_sriov_uapi_test"]));
    }

    #[test]
    fn what_the_fixes_end_has_to_pass_with_them() {
        let cause = |implementation, suite: &str, case: &str| {
            cause(Series::V7_3, implementation, &[suite.to_owned(), case.to_owned()])
        };
        for (suite, case) in [("module", "format/what CLP said is kept"), ("instructions", "MPCIFC refused at move")] {
            assert!(cause(Implementation::Stock, suite, case).is_some(), "{case}");
            assert_eq!(cause(Implementation::Fixed, suite, case), None);
        }
        assert!(cause(Implementation::Fixed, "module", "format/unsuitable format is refused").is_some());
        assert!(cause(Implementation::Fixed, "instructions", "MPCIFC busy without end at attach").is_some());
    }
}
