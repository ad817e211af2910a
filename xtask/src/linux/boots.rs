// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The boots: which suites run under which kernel parameters and on how many processors.

use anyhow::Result;

use super::expectation::Implementation;
use super::firmware::{Falsification, ATTRIBUTES, LIES};
use super::guest::Needs;
use super::kernel::Kernel;
use super::series::Series;

/// One boot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Boot {
    /// What `--boot` calls it.
    pub(crate) name: &'static str,
    /// In the order in which they run; each is a file of `qemu-s390x/linux/suites`.
    pub(crate) suites: &'static [&'static str],
    /// Kernel parameters.
    pub(crate) parameters: &'static str,
    /// Number of processors.
    pub(crate) processors: u32,
    /// Who runs them.
    pub(crate) threads: Threads,
    /// Type of the default domain that each function must have.
    pub(crate) domain: &'static str,
    /// The last usable DMA address, inclusive, with [`MEMORY`] of main memory.
    pub(crate) last: u64,
    /// What the kernel's log must say.
    pub(crate) log: &'static [&'static str],
    /// What the firmware says instead of what QEMU says; where there is something, the machine is booted once for each.
    pub(crate) falsified: &'static [Falsification],
    /// Who answers MPCIFC, RPCIT and SET PCI FN in place of QEMU.
    pub(crate) answers: Answers,
}

/// Who answers MPCIFC and RPCIT.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answers {
    /// QEMU.
    Qemu,
    /// The debugger, as the guest asks for it.
    Asked,
    /// The debugger, for a function that does without translation.
    Identity,
}

/// How QEMU runs the processors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Threads {
    /// One thread runs them in turns.
    One,
    /// Each has a thread of its own. QEMU 10.0 then loses adapter interrupts under load, so that drivers wait for their time-outs.
    Each,
}

/// Main memory of the guest, in QEMU's notation.
pub(crate) const MEMORY: &str = "1G";

/// One gigabyte from the first usable DMA address of QEMU's functions, 4 GiB, on.
const LAST: u64 = 0x1_3fff_ffff;

/// Deferred flushing, which is the default.
const LAZY: Boot = Boot {
    name: "lazy",
    suites: &[],
    parameters: "",
    processors: 1,
    threads: Threads::One,
    domain: "DMA-FQ",
    last: LAST,
    log: &["iommu: DMA domain TLB invalidation policy: lazy mode"],
    falsified: &[],
    answers: Answers::Qemu,
};

/// A flush with every unmapping.
const STRICT: Boot = Boot {
    name: "strict",
    parameters: "iommu.strict=1",
    domain: "DMA",
    log: &["iommu: DMA domain TLB invalidation policy: strict mode (set via kernel command line)"],
    ..LAZY
};

/// One that ends in a dump, and is no test by itself. Its mappings are spread over 4 GiB.
pub(crate) const DUMP: Boot =
    Boot { name: "dump", suites: &["dump"], parameters: "s390_iommu_aperture=4", last: 0x1_ffff_ffff, ..LAZY };

/// A function that comes and goes beside a busy one; for the time that `zpci.seconds=` says.
const fn churn(name: &'static str, parameters: &'static str, processors: u32) -> Boot {
    Boot { name, suites: &["churn"], parameters, processors, threads: Threads::Each, ..LAZY }
}

/// A machine that is busy without end.
const fn busy(name: &'static str, parameters: &'static str) -> Boot {
    Boot { name, suites: &["instructions"], parameters, answers: Answers::Asked, ..LAZY }
}

/// Which functions may share a domain; whatever is registered is accepted in place of QEMU.
const fn matrix(name: &'static str, parameters: &'static str) -> Boot {
    Boot { name, suites: &["module"], parameters, answers: Answers::Asked, ..STRICT }
}

/// All boots.
pub(crate) const BOOTS: &[Boot] = &[
    Boot { suites: &["function", "clp", "disk", "network", "domain", "statistics"], ..LAZY },
    Boot { suites: &["disk", "network", "domain", "statistics"], ..STRICT },
    Boot {
        name: "strict-s390",
        suites: &["domain"],
        parameters: "s390_iommu=strict",
        log: &[
            "s390_iommu=strict deprecated; use iommu.strict=1 instead",
            "iommu: DMA domain TLB invalidation policy: strict mode",
        ],
        ..STRICT
    },
    // The functions of QEMU cannot do without translation; the kernel asks for it and falls back.
    Boot {
        name: "passthrough",
        suites: &["disk", "network", "domain"],
        parameters: "iommu.passthrough=1",
        domain: "DMA",
        log: &[
            "iommu: Default domain type: Passthrough (set via kernel command line)",
            "Falling back to IOMMU_DOMAIN_DMA",
        ],
        ..LAZY
    },
    Boot {
        name: "aperture",
        suites: &["disk", "domain"],
        parameters: "s390_iommu_aperture=4",
        last: 0x1_ffff_ffff,
        ..LAZY
    },
    Boot { name: "firmware", suites: &["firmware"], parameters: "nokaslr", falsified: &LIES, ..LAZY },
    Boot {
        name: "attributes",
        suites: &["function", "capability"],
        parameters: "nokaslr",
        falsified: &ATTRIBUTES,
        ..LAZY
    },
    Boot { name: "instructions", suites: &["instructions"], parameters: "nokaslr", answers: Answers::Asked, ..LAZY },
    Boot { name: "enable", suites: &["enable"], parameters: "nokaslr", answers: Answers::Asked, ..LAZY },
    busy("busy-rpcit", "nokaslr zpci.busy=rpcit"),
    busy("busy-mpcifc", "nokaslr zpci.busy=mpcifc"),
    Boot {
        name: "identity",
        suites: &["firmware"],
        parameters: "nokaslr iommu.passthrough=1",
        log: &["iommu: Default domain type: Passthrough (set via kernel command line)"],
        answers: Answers::Identity,
        ..LAZY
    },
    matrix("matrix-all", "nokaslr iommu.strict=1 s390_iommu_aperture=0 zpci.module=matrix-all"),
    matrix(
        "matrix-trusted",
        "nokaslr iommu.strict=1 s390_iommu_aperture=0 zpci_rust.trust_dtsm=1 zpci.module=matrix-all",
    ),
    matrix("matrix-1", "nokaslr iommu.strict=1 zpci.module=matrix"),
    matrix("matrix-4", "nokaslr iommu.strict=1 s390_iommu_aperture=4 zpci.module=matrix"),
    Boot { name: "processors-1", suites: &["load"], processors: 1, ..LAZY },
    Boot { name: "processors-2", suites: &["load"], processors: 2, ..STRICT },
    Boot { name: "processors-4", suites: &["load"], processors: 4, ..LAZY },
    Boot { name: "rebind", suites: &["rebind"], processors: 2, ..LAZY },
    Boot {
        name: "vfio",
        suites: &["type1", "iommufd", "capability", "nvme", "recovery", "measurement"],
        processors: 2,
        ..LAZY
    },
    Boot {
        name: "container",
        suites: &["container", "join", "hardware"],
        parameters: "zpci_rust.trust_dtsm=1",
        processors: 2,
        ..LAZY
    },
    Boot {
        name: "container-attributes",
        suites: &["container"],
        parameters: "nokaslr",
        falsified: &ATTRIBUTES,
        ..LAZY
    },
    churn("churn-iommufd-2", "zpci.api=iommufd", 2),
    churn("churn-iommufd-4", "zpci.api=iommufd", 4),
    churn("churn-type1-2", "zpci.api=type1", 2),
    churn("churn-type1-4", "zpci.api=type1", 4),
    Boot { name: "hotplug", suites: &["hotplug"], processors: 2, ..LAZY },
    Boot {
        name: "module",
        suites: &["module"],
        parameters: "iommu.strict=1 zpci_rust.trust_dtsm=1 zpci.module=mapping,memory,attachment,recovery,format",
        ..STRICT
    },
    Boot { name: "modules", suites: &["modules"], processors: 2, ..LAZY },
    Boot { name: "cases", suites: &["cases"], processors: 2, ..LAZY },
    Boot {
        name: "race",
        suites: &["module"],
        parameters: "iommu.strict=1 zpci.module=race",
        processors: 4,
        threads: Threads::Each,
        ..STRICT
    },
    // Without a limit to the addresses of a domain, deferred flushing would refresh terabytes at a time.
    Boot {
        name: "root",
        suites: &["module"],
        parameters: "iommu.strict=1 s390_iommu_aperture=0 zpci_rust.trust_dtsm=1 zpci.module=root",
        ..STRICT
    },
    Boot { name: "trace", suites: &["trace"], processors: 2, ..LAZY },
    Boot { name: "tracing", suites: &["tracing", "perf"], ..STRICT },
    // Linux looks up each page before it is unmapped, and whether a page that it frees is mapped.
    Boot {
        name: "iommu-debug",
        suites: &["disk", "network", "domain", "type1", "iommufd"],
        parameters: "iommu.debug_pagealloc=1 debug_pagealloc=on",
        processors: 2,
        log: &["iommu: Debugging page allocations"],
        ..LAZY
    },
    Boot { name: "benchmark", suites: &["benchmark"], ..STRICT },
    Boot { name: "selftest", suites: &["selftest"], ..LAZY },
    Boot { name: "zpci", suites: &["zpci", "vmm"], processors: 2, ..LAZY },
];

impl Boot {
    /// What has to be in the initial file system for it.
    pub(crate) fn needs(&self) -> Needs {
        Needs {
            selftests: self.suites.contains(&"selftest"),
            rust_programs: self.suites.iter().any(|suite| ["zpci", "vmm"].contains(suite)),
        }
    }

    /// Why it says nothing about `kernel`, if it does not.
    ///
    /// # Errors
    ///
    /// The kernel was not configured.
    pub(crate) fn left_out(
        &self,
        kernel: &Kernel,
        series: Series,
        implementation: Implementation,
    ) -> Result<Option<&'static str>> {
        let lacking = match self.name {
            "iommu-debug" => Some((
                "CONFIG_IOMMU_DEBUG_PAGEALLOC",
                "does not count the mappings of a page (CONFIG_IOMMU_DEBUG_PAGEALLOC)",
            )),
            "modules" if !kernel.has_module("CONFIG_VFIO_PCI")? => return Ok(Some("has VFIO built in")),
            "tracing" => Some(("CONFIG_FUNCTION_TRACER", "traces no functions (CONFIG_FUNCTION_TRACER)")),
            _ => None,
        };
        match lacking {
            Some((option, cause)) if !kernel.has(option)? => Ok(Some(cause)),
            _ => Ok(self.unsuitable(series, implementation)),
        }
    }

    /// The same, of any kernel with this implementation.
    fn unsuitable(&self, series: Series, implementation: Implementation) -> Option<&'static str> {
        if self.answers == Answers::Identity && series == Series::V6_12 {
            return Some("has no domains without translation");
        }
        if ["trace", "tracing"].contains(&self.name)
            && matches!(implementation, Implementation::Stock | Implementation::Fixed)
        {
            return Some("has no functions of the driver to be traced");
        }
        if self.name.starts_with("busy-") && matches!(implementation, Implementation::Stock | Implementation::Fixed) {
            return Some("waits for a busy machine without end");
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_suites_exist() {
        let suites = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../qemu-s390x/linux/suites");
        let mut names: Vec<_> = BOOTS.iter().map(|boot| boot.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BOOTS.len());
        for suite in BOOTS.iter().flat_map(|boot| boot.suites) {
            assert!(suites.join(format!("{suite}.c")).is_file(), "{suite}");
        }
    }

    #[test]
    fn a_boot_runs_where_it_says_something() {
        use Implementation::{Fixed, Rust, Stock};
        let directory = tempfile::tempdir().unwrap();
        let tree = directory.path().to_owned();
        let kernel = Kernel {
            image: tree.clone(),
            headers: tree.clone(),
            tree: tree.clone(),
            built: tree.clone(),
            output: tree.clone(),
            variables: Vec::new(),
        };
        let runs = |name: &str, series, implementation| {
            let boot = BOOTS.iter().find(|boot| boot.name == name).unwrap();
            boot.left_out(&kernel, series, implementation).unwrap().is_none()
        };

        std::fs::write(tree.join(".config"), "# CONFIG_IOMMU_DEBUG_PAGEALLOC is not set\n").unwrap();
        assert!(!runs("iommu-debug", Series::V7_3, Rust));
        assert!(runs("lazy", Series::V7_3, Stock));
        assert!(runs("identity", Series::V7_2, Rust));
        assert!(!runs("identity", Series::V6_12, Rust));
        assert!(runs("matrix-all", Series::V7_3, Fixed));
        assert!(runs("matrix-1", Series::V7_3, Fixed));
        assert!(!runs("tracing", Series::V7_3, Rust));
        assert!(!runs("modules", Series::V7_3, Rust));
        std::fs::write(tree.join(".config"), "CONFIG_VFIO_PCI=m\n").unwrap();
        assert!(runs("modules", Series::V7_3, Rust));
        std::fs::write(tree.join(".config"), "CONFIG_FUNCTION_TRACER=y\n").unwrap();
        for name in ["trace", "tracing", "busy-rpcit", "busy-mpcifc"] {
            assert!(runs(name, Series::V7_3, Rust), "{name}");
            assert!(!runs(name, Series::V7_3, Stock), "{name}");
            assert!(!runs(name, Series::V7_3, Fixed), "{name}");
        }
        std::fs::write(tree.join(".config"), "CONFIG_IOMMU_DEBUG_PAGEALLOC=y\n").unwrap();
        assert!(runs("iommu-debug", Series::V7_3, Stock));
        std::fs::remove_file(tree.join(".config")).unwrap();
        let boot = BOOTS.iter().find(|boot| boot.name == "iommu-debug").unwrap();
        assert!(boot.left_out(&kernel, Series::V7_3, Rust).is_err());
    }
}
