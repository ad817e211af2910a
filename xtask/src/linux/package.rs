// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Makes Debian packages of a kernel with the driver, for machines that people have.

mod configuration;
mod reporter;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};

use super::integrated;
use super::kernel::Build;
use super::series::Series;
use super::source::Source;
use crate::apt::Wanted;
use crate::tool::{self, Tool};
use crate::workspace::{files_of_kind, Workspace};

/// What such a kernel has beyond the configuration that it is made of, below the workspace.
const FRAGMENT: &str = "glue-c/package/config";

/// What a Debian needs beyond the configuration of the tests, below the workspace.
const SMALL: &str = "glue-c/package/config-small";

/// What tells a person how to try the kernel, and how to go back, below the workspace.
const PAGE: &str = "docs/src/hardware.md";

/// What it is called beside the packages, where files of others may be.
const PAGE_NAME: &str = "zpci-hardware.md";

/// How the names of packages begin and go on that are made here, as a directory may have others.
const OURS: [(&str, &str); 2] = [("linux-image-", "-zpci_"), ("zpci-report_", "")];

/// What the build is called. Packages are left in the directory above.
const VARIANT: &str = "package/build";

/// The same of the small configuration.
const VARIANT_SMALL: &str = "package-small/build";

/// What makes the packages, and what a whole configuration needs beyond a small one.
const TOOLS: [Tool; 8] = [
    Tool {
        program: "dpkg-buildpackage",
        check: &["--version"],
        package: Wanted { name: "dpkg-dev", minimum: "0", purpose: "makes packages" },
    },
    Tool {
        program: "dh",
        check: &["--list"],
        package: Wanted { name: "debhelper", minimum: "0", purpose: "makes packages" },
    },
    Tool {
        program: "rsync",
        check: &["--version"],
        package: Wanted { name: "rsync", minimum: "0", purpose: "copies what goes into a package" },
    },
    Tool {
        program: "/sbin/depmod",
        check: &["--version"],
        package: Wanted { name: "kmod", minimum: "0", purpose: "lists what modules need" },
    },
    Tool {
        program: "openssl",
        check: &["version"],
        package: Wanted { name: "openssl", minimum: "0", purpose: "makes the key that signs modules" },
    },
    Tool {
        program: "cpio",
        check: &["--version"],
        package: Wanted { name: "cpio", minimum: "0", purpose: "packs the headers of a kernel" },
    },
    // Signs modules.
    Tool {
        program: "gcc",
        check: &["-E", "-x", "c", "-include", "openssl/ssl.h", "/dev/null"],
        package: Wanted { name: "libssl-dev", minimum: "0", purpose: "signs modules" },
    },
    Tool {
        program: "gcc",
        check: &["-E", "-x", "c", "-include", "libelf.h", "/dev/null"],
        package: Wanted { name: "libelf-dev", minimum: "0", purpose: "reads objects of a kernel" },
    },
];

/// Which kernel, and where its packages go.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PackageOptions {
    /// The directory for the packages
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// Series of the kernel whose source Debian packages
    #[arg(long, value_enum, default_value_t = Series::V7_3)]
    kernel: Series,
    /// A whole configuration of a kernel to start from, instead of Debian's own for s390x
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The configuration of the tests with what a Debian needs to boot: minutes, for trying the packages themselves
    #[arg(long, conflicts_with = "config")]
    small: bool,
    /// Also install them into a new Debian system on an emulated disk, boot it, and take them out again; needs root
    #[arg(long)]
    boot: bool,
    /// The same with the kernel's package that is in OUT already
    #[arg(long, conflicts_with_all = ["kernel", "config", "small", "boot"])]
    only_boot: bool,
}

/// Makes the packages, and tries them if `options` say so; returns whether that passed.
pub(crate) fn run(workspace: &Workspace, options: &PackageOptions) -> Result<bool> {
    fs::create_dir_all(&options.out).with_context(|| format!("cannot make {}", options.out.display()))?;
    let out = options.out.canonicalize()?;
    tool::ensure_all(workspace, &TOOLS)?;
    if options.only_boot {
        kernel_in(&out)?;
    } else {
        make_kernel(workspace, options, &out)?;
    }
    reporter::make(workspace, &out)?;
    fs::copy(workspace.root.join(PAGE), out.join(PAGE_NAME))?;
    for path in packages_in(&out)? {
        println!("{} ({} KiB)", path.display(), fs::metadata(&path)?.len() / 1024);
    }
    println!("{} says how to try them, and how to go back", out.join(PAGE_NAME).display());
    if options.boot || options.only_boot {
        return trial::run(workspace, &out);
    }
    Ok(true)
}

/// Makes the kernel's package in `out`, in the place of those that are there.
fn make_kernel(workspace: &Workspace, options: &PackageOptions, out: &Path) -> Result<()> {
    let source = Source::packaged(workspace, options.kernel)?;
    let (base, origin) = match &options.config {
        _ if options.small => (None, "the one of the tests, with what a Debian needs to boot".to_owned()),
        Some(path) => (Some(path.clone()), format!("that of {}", path.display())),
        None => {
            let debian = configuration::of_debian(workspace, options.kernel)?;
            (Some(debian.path), format!("that of Debian's package {}", debian.package))
        }
    };
    println!("Linux {}; the configuration is {origin}", options.kernel);
    let source = integrated::integrated(workspace, &source, false)?;
    let small: &[&str] = if options.small { &[super::CONFIGURATION, SMALL] } else { &[] };
    let fragments: Vec<PathBuf> = small
        .iter()
        .chain(&[integrated::CONFIGURATION, FRAGMENT])
        .map(|fragment| workspace.root.join(fragment))
        .collect();
    let variant = if options.small { VARIANT_SMALL } else { VARIANT };
    // The packages of headers want a compiler's libraries for s390x, those of a C library are not for a kernel to bring.
    let variables = ["DPKG_FLAGS=-d -Ppkg.linux-upstream.nokernelheaders"].map(str::to_owned);
    let build = Build {
        source: &source,
        variant,
        base: base.as_deref(),
        fragments: &fragments,
        overruled: small.len(),
        variables: &[],
    };
    let kernel = build.run(workspace)?;
    let packages = kernel.built.parent().context("a build has a directory above it")?;
    // All that is there is of this program.
    for path in files_of_kind(packages, "deb")? {
        remove(&path)?;
    }
    build.make_target(&kernel, "bindeb-pkg", &variables)?;
    let image = kernel_in(packages)?;
    for path in packages_in(out)? {
        remove(&path)?;
    }
    let name = image.file_name().context("a package has a name")?;
    fs::copy(&image, out.join(name)).with_context(|| format!("cannot write to {}", out.display()))?;
    println!("Linux {}; the configuration is {origin}", options.kernel);
    Ok(())
}

/// Whether `path` is a package of the kind `ours`.
fn is_of(path: &Path, (start, middle): (&str, &str)) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix(start).is_some_and(|rest| rest.contains(middle))
}

/// The packages in `directory` that are made here.
fn packages_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = files_of_kind(directory, "deb")?;
    found.retain(|path| OURS.iter().any(|ours| is_of(path, *ours)));
    Ok(found)
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
}

/// The one kernel in `directory` that is made here.
fn kernel_in(directory: &Path) -> Result<PathBuf> {
    let mut found = packages_in(directory)?;
    found.retain(|path| is_of(path, OURS[0]));
    ensure!(found.len() == 1, "{} has {} packages linux-image-*-zpci_*, not one", directory.display(), found.len());
    Ok(found.remove(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_others_are_neither_taken_nor_removed() {
        let directory = tempfile::tempdir().unwrap();
        let others = [
            "linux-image-6.12.95+deb13-s390x_6.12.95-1_s390x.deb",
            "linux-image-7.3.4-zpci-dbg_7.3.4-2_s390x.deb",
            "linux-headers-7.3.4-zpci_7.3.4-2_s390x.deb",
            "my-zpci_1_s390x.deb",
            "README.md",
        ];
        let ours = ["linux-image-7.3.4-zpci_7.3.4-2_s390x.deb", "zpci-report_0.1.0_s390x.deb"];
        for name in others.iter().chain(&ours) {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let found = packages_in(directory.path()).unwrap();
        assert_eq!(found, ours.map(|name| directory.path().join(name)));
        assert_eq!(kernel_in(directory.path()).unwrap(), directory.path().join(ours[0]));

        fs::write(directory.path().join("linux-image-7.2.12-zpci_7.2.12-1_s390x.deb"), "").unwrap();
        let error = kernel_in(directory.path()).unwrap_err().to_string();
        assert!(error.contains("has 2 packages linux-image-*-zpci_*, not one"), "{error}");
    }
}
