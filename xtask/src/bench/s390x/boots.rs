// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The boots in which something is measured.

use crate::linux::{Answers, Boot, Threads};

/// Makes QEMU take a nanosecond of the guest's time for each instruction.
pub(super) const INSTRUCTIONS: [&str; 2] = ["-icount", "shift=0"];

/// A flush with every unmapping.
const STRICT: Boot = Boot {
    name: "core",
    suites: &["module"],
    parameters: "iommu.strict=1 zpci.module=measure,measure-domain",
    processors: 1,
    threads: Threads::One,
    domain: "DMA",
    last: 0x1_3fff_ffff,
    log: &[],
    falsified: &[],
    answers: Answers::Qemu,
};

/// All boots of Linux.
pub(super) const BOOTS: [Boot; 6] = [
    STRICT,
    Boot {
        name: "large-frames",
        parameters: "iommu.strict=1 s390_iommu_large_frames=force zpci.module=measure-domain",
        ..STRICT
    },
    Boot {
        name: "levels",
        parameters: "iommu.strict=1 s390_iommu_aperture=0 zpci_rust.trust_dtsm=1 zpci.module=measure-levels",
        ..STRICT
    },
    Boot { name: "dma", suites: &["benchmark"], parameters: "iommu.strict=1", ..STRICT },
    Boot { name: "nvme-strict", suites: &["reads"], parameters: "iommu.strict=1", ..STRICT },
    Boot { name: "nvme-lazy", suites: &["reads"], parameters: "", domain: "DMA-FQ", ..STRICT },
];

/// The boot without Linux, of the library alone.
pub(super) const IMAGE: &str = "image";

/// What `--boot` takes.
pub(super) fn names() -> Vec<&'static str> {
    BOOTS.iter().map(|boot| boot.name).chain([IMAGE]).collect()
}
