// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Compiles the table code of a kernel tree's s390 IOMMU driver, which stays where it is.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};

/// Names the kernel tree.
const TREE: &str = "ZPCI_BENCH_LINUX";

/// What is taken of the driver: definitions whose first line contains one of these.
const TAKEN: [&str; 26] = [
    " *dma_alloc_cpu_table(",
    " *dma_alloc_page_table(",
    " *dma_get_",
    " *dma_walk_",
    " *get_",
    " *to_s390_domain(",
    " calc_",
    " dma_cleanup_tables(",
    " dma_free_",
    " dma_update_cpu_trans(",
    " entry_clr_protected(",
    " entry_set_protected(",
    " invalidate_pt_entry(",
    " max_tbl_size(",
    " pt_entry_isvalid(",
    " reg_entry_isvalid(",
    " s390_iommu_invalidate_trans(",
    " s390_iommu_iova_to_phys(",
    " s390_iommu_map_pages(",
    " s390_iommu_unmap_pages(",
    " s390_iommu_validate_trans(",
    " set_",
    " validate_",
    "struct kmem_cache *dma_page_table_cache",
    "struct kmem_cache *dma_region_table_cache",
    "struct s390_domain {",
];

fn main() -> Result<()> {
    for changed in ["build.rs", "stock"] {
        println!("cargo::rerun-if-changed={changed}");
    }
    println!("cargo::rerun-if-env-changed={TREE}");
    let tree = env::var_os(TREE).map(PathBuf::from);
    let tree = tree.with_context(|| format!("{TREE} does not name a kernel tree; use `cargo xtask bench host`"))?;
    let driver = tree.join("drivers/iommu/s390-iommu.c");
    let header = tree.join("arch/s390/include/asm/pci_dma.h");
    println!("cargo::rerun-if-changed={}", driver.display());
    let text = fs::read_to_string(&driver).with_context(|| format!("cannot read {}", driver.display()))?;
    let code: String = definitions(&text).filter(|definition| is_taken(definition)).collect();
    for needed in ["s390_iommu_map_pages(", "s390_iommu_unmap_pages(", "s390_iommu_iova_to_phys(", "dma_walk_rf_table("]
    {
        ensure!(code.contains(needed), "{} has no {needed}...) that is known here", driver.display());
    }
    let here = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("stock");
    let whole = Path::new(&env::var("OUT_DIR")?).join("stock.c");
    let include = |path: &Path| format!("#include \"{}\"\n", path.display());
    let text = [include(&here.join("shim.h")), include(&header), code, include(&here.join("boundary.c"))].concat();
    fs::write(&whole, text)?;
    cc::Build::new()
        .file(&whole)
        .std("gnu11")
        .opt_level(2)
        .flag("-fno-strict-aliasing")
        .warnings(false)
        .try_compile("stock")
        .context("the kernel's table code does not compile here")
}

/// The definitions of a file in the kernel's style: each starts in the first column, and ends with the first line
/// that starts with a brace, or with its own line where that ends with a semicolon.
fn definitions(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        let first =
            lines.find(|line| line.starts_with("static ") || (line.starts_with("struct ") && line.ends_with('{')))?;
        let mut definition = format!("{first}\n");
        if !first.ends_with(';') {
            for line in lines.by_ref() {
                definition.push_str(line);
                definition.push('\n');
                if line.starts_with('}') {
                    break;
                }
            }
        }
        Some(definition)
    })
}

fn is_taken(definition: &str) -> bool {
    let head = definition.lines().next().unwrap_or_default();
    TAKEN.iter().any(|name| head.contains(name))
}
