// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Builds the newest kernel in many configurations, boots those that can be, and says what came of each.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{bail, Context, Result};
use serde::Serialize;

use super::{boots_of, build_as, clang, Options, Series};
use crate::apt::Wanted;
use crate::progress::print_error;
use crate::tool::{self, Tool};
use crate::workspace::Workspace;

/// Where the fragments of the configurations are, below the workspace; each is called as its configuration is.
const DIRECTORY: &str = "qemu-s390x/linux/matrix";

/// What the build of the configurations is called. They share one, so that what does not differ is compiled once.
const VARIANT: &str = "matrix";

/// The layout of `--json`.
const SCHEMA: u32 = 1;

/// Which configurations a person wants.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MatrixOptions {
    /// Series of the kernel whose source Debian packages
    #[arg(long, value_enum, default_value_t = Series::V7_3)]
    kernel: Series,
    /// Build only this configuration; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Name the configurations and end
    #[arg(long)]
    list: bool,
    /// Write what came of each to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How the driver comes into a kernel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Driver {
    /// As an object.
    Object,
    /// As source, which needs `CONFIG_RUST`.
    Source,
    /// Not chosen, in a tree that has it.
    NotChosen,
}

/// What compiles the kernel's C.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Compiler {
    Gcc,
    /// With its own assembler and the linker of GNU.
    Clang,
    /// The same of a newer release, for machines that no other compiler knows.
    NewClang,
    /// With its own assembler and linker.
    Llvm,
}

impl Compiler {
    /// The variables for `make`.
    ///
    /// # Errors
    ///
    /// It cannot be had.
    fn variables(self, workspace: &Workspace) -> Result<Vec<String>> {
        Ok(match self {
            Self::Gcc => vec![],
            Self::Clang => vec!["CC=clang-19".to_owned()],
            Self::NewClang => vec![format!("CC={}", clang::obtain(workspace)?.display())],
            Self::Llvm => vec!["LLVM=-19".to_owned()],
        })
    }

    /// What it is called in the name of a build, since what different ones have compiled does not mix.
    fn suffix(self) -> &'static str {
        match self {
            Self::Gcc => "",
            Self::Clang => "-clang",
            Self::NewClang => "-new-clang",
            Self::Llvm => "-llvm",
        }
    }

    /// What has to be there for it, beyond what every build needs.
    fn tools(self) -> &'static [Tool] {
        match self {
            Self::Gcc | Self::NewClang => &[],
            Self::Clang => CLANG.get(..1).unwrap_or_default(),
            Self::Llvm => &CLANG,
        }
    }
}

/// The newest release that Debian 12 and 13 have both.
const CLANG: [Tool; 3] = [
    Tool {
        program: "clang-19",
        check: &["--version"],
        package: Wanted { name: "clang-19", minimum: "0", purpose: "compiles a kernel in some configurations" },
    },
    Tool {
        program: "ld.lld-19",
        check: &["--version"],
        package: Wanted { name: "lld-19", minimum: "0", purpose: "links it" },
    },
    Tool {
        program: "llvm-ar-19",
        check: &["--version"],
        package: Wanted { name: "llvm-19", minimum: "0", purpose: "lists and copies its objects" },
    },
];

/// What reads DWARF, of which versions are made.
const DWARF: Tool = Tool {
    program: "gcc",
    check: &["-E", "-x", "c", "-include", "dwarf.h", "-include", "elfutils/libdwfl.h", "/dev/null"],
    package: Wanted { name: "libdw-dev", minimum: "0", purpose: "makes versions of a kernel's symbols" },
};

/// What makes types for BPF of DWARF.
const BTF: Tool = Tool {
    program: "pahole",
    check: &["--version"],
    package: Wanted { name: "dwarves", minimum: "1.24", purpose: "makes a kernel's types for BPF" },
};

/// A configuration.
struct Configuration {
    name: &'static str,
    about: &'static str,
    driver: Driver,
    compiler: Compiler,
    /// A whole configuration of the tree's own that it starts from, else the one of the tests.
    base: Option<&'static str>,
    /// What has to be there for it, beyond what every build and the compiler need.
    tools: &'static [Tool],
    /// The boots that say whether it works; none where no machine is to be had, or nothing of ours is in it.
    boots: &'static [&'static str],
}

/// Disks, and VFIO.
const BOTH: &[&str] = &["lazy", "vfio"];
/// Disks alone, where user space has nothing to do with functions.
const DISKS: &[&str] = &["lazy"];

/// Disks and VFIO, of which the modules come and go.
const COMING: &[&str] = &["lazy", "vfio", "modules"];

/// Disks, VFIO, and functions that are mapped for while others join.
const RACED: &[&str] = &["lazy", "vfio", "race"];

/// Disks, VFIO, and the kernel's tracers.
const TRACED: &[&str] = &["lazy", "vfio", "tracing"];

/// Disks and VFIO, and both with the mappings of each page counted.
const WATCHED: &[&str] = &["lazy", "vfio", "iommu-debug"];

/// What VFIO, iommufd and the command `zpci` say of functions.
const TOLD: &[&str] = &["vfio", "attributes", "container", "zpci"];

/// Disks by the domain that the kernel falls back to, and a function that needs none.
const PASSED_THROUGH: &[&str] = &["passthrough", "identity"];

static CONFIGURATIONS: [Configuration; 30] = [
    Configuration { base: Some("defconfig"), ..object("defconfig", "upstream's own, disks and VFIO built in", BOTH) },
    object("vfio-off", "neither VFIO nor iommufd", DISKS),
    object("iommufd-off", "VFIO with type 1 alone", DISKS),
    object("vfio-modules", "VFIO, iommufd and KVM as modules", COMING),
    object("kvm-off", "no KVM, and so no zPCI capabilities of VFIO", DISKS),
    object("modules-off", "no modules", BOTH),
    // The programs of the guest read what debugfs says.
    object("small", "two processors, nothing in debugfs", &[]),
    Configuration { driver: Driver::NotChosen, ..object("pci-off", "no PCI", &[]) },
    object("iommu-debug", "checks of users of DMA and of the IOMMU", WATCHED),
    object("identity", "functions do without translation if they may", PASSED_THROUGH),
    object("random-base", "the identity mapping is put anywhere", BOTH),
    object("proposed", "the user API as it could be asked for upstream", TOLD),
    object("tracing", "functions traced", TRACED),
    object("expoline", "no branch to an address in a register", BOTH),
    object("debug", "locks, RCU, sleeping, objects, memory checked", BOTH),
    object("kasan", "memory accesses of C checked", BOTH),
    object("kcsan", "accesses of C checked for races", RACED),
    object("rust-object", "CONFIG_RUST beside the object", DISKS),
    Configuration { tools: &[DWARF], ..object("modversions", "modules know the versions of what they use", BOTH) },
    object("march-z10", "for z10 and newer", DISKS),
    object("march-z14", "for z14 and newer", BOTH),
    object("march-z15", "for z15 and newer", BOTH),
    object("march-z16", "for z16 and newer", BOTH),
    // QEMU's TCG lacks a facility that Linux wants of z17 (84).
    Configuration { compiler: Compiler::NewClang, ..object("march-z17", "for z17 and newer, by clang 21", &[]) },
    Configuration {
        driver: Driver::Source,
        ..object("source-debug", "from source, locks, RCU, sleeping, objects, memory checked", BOTH)
    },
    Configuration { driver: Driver::Source, ..object("source-tracing", "from source, functions traced", TRACED) },
    Configuration {
        driver: Driver::Source,
        tools: &[DWARF],
        ..object("source-modversions", "from source, modules know the versions of what they use", BOTH)
    },
    Configuration {
        driver: Driver::Source,
        tools: &[BTF],
        ..object("source-btf", "from source, functions traced, types for BPF", TRACED)
    },
    // Linux has KASAN beside Rust with clang alone.
    Configuration {
        driver: Driver::Source,
        compiler: Compiler::Clang,
        ..object("source-kasan", "from source, all accesses checked", BOTH)
    },
    Configuration { compiler: Compiler::Llvm, ..object("llvm", "compiled and linked by LLVM", BOTH) },
];

const fn object(name: &'static str, about: &'static str, boots: &'static [&'static str]) -> Configuration {
    Configuration { name, about, driver: Driver::Object, compiler: Compiler::Gcc, base: None, tools: &[], boots }
}

impl Configuration {
    /// The fragment, below the workspace.
    fn fragment(&self) -> String {
        match self.name.strip_prefix("source-").unwrap_or(self.name) {
            // These are fragments for any use.
            "debug" => "qemu-s390x/linux/config-debug".to_owned(),
            "expoline" => "qemu-s390x/linux/config-expoline".to_owned(),
            name => format!("{DIRECTORY}/{name}"),
        }
    }

    /// Builds and boots it.
    fn run(&self, workspace: &Workspace, series: Series) -> Result<Row> {
        tool::ensure_all(workspace, self.compiler.tools())?;
        tool::ensure_all(workspace, self.tools)?;
        let started = Instant::now();
        let options = Options {
            kernel: series,
            from_source: self.driver == Driver::Source,
            base: self.base.map(PathBuf::from),
            config: vec![workspace.root.join(self.fragment())],
            make: self.compiler.variables(workspace)?,
            boot: self.boots.iter().map(|&name| name.to_owned()).collect(),
            ..Options::default()
        };
        let source = if self.driver == Driver::Source { "-source" } else { "" };
        let base = self.base.map(|base| format!("-{base}")).unwrap_or_default();
        let variant = format!("{VARIANT}{source}{base}{}", self.compiler.suffix());
        let (kernel, source, implementation) =
            build_as(workspace, &options, &variant, self.driver != Driver::NotChosen, 1)?;
        let build_seconds = started.elapsed().as_secs_f64();
        let image_bytes = fs::metadata(&kernel.image)?.len();
        let mut row = Row { build_seconds, image_bytes, ..Row::new(self) };
        if !self.boots.is_empty() {
            let report = boots_of(workspace, &options, &kernel, &source, implementation)?;
            print!("{report}");
            let counts = report.counts();
            row.cases_passed = Some(counts.passed);
            row.cases_failed = Some(counts.failed);
        }
        Ok(row)
    }
}

/// What came of a configuration.
#[derive(Clone, Debug, Serialize)]
struct Row {
    name: &'static str,
    about: &'static str,
    build_seconds: f64,
    image_bytes: u64,
    boots: &'static [&'static str],
    /// `None` if it was not booted.
    cases_passed: Option<u64>,
    cases_failed: Option<u64>,
    /// Why it was not built or booted.
    error: Option<String>,
}

impl Row {
    fn new(configuration: &Configuration) -> Self {
        Self {
            name: configuration.name,
            about: configuration.about,
            build_seconds: 0.0,
            image_bytes: 0,
            boots: configuration.boots,
            cases_passed: None,
            cases_failed: None,
            error: None,
        }
    }

    /// How large it is, and how long that took.
    fn image(&self) -> String {
        format!("{} KiB, {:.0} s", self.image_bytes / 1024, self.build_seconds)
    }

    fn is_good(&self) -> bool {
        self.error.is_none() && self.cases_failed.unwrap_or(0) == 0
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| `{}` | {} | ", self.name, self.about)?;
        match (&self.error, self.cases_passed, self.cases_failed) {
            (Some(error), ..) => write!(f, "FAILED: {} |", error.lines().next().unwrap_or_default()),
            (None, Some(passed), Some(failed)) => {
                write!(f, "{} | {}: {passed} passed", self.image(), self.boots.join(", "))?;
                if failed != 0 {
                    write!(f, ", {failed} FAILED")?;
                }
                f.write_str(" |")
            }
            _ => write!(f, "{} | not booted |", self.image()),
        }
    }
}

/// The whole result.
#[derive(Debug, Serialize)]
struct Matrix {
    schema: u32,
    kernel: String,
    configurations: Vec<Row>,
}

/// Does what `options` say and returns whether all is good.
pub(crate) fn run(workspace: &Workspace, options: &MatrixOptions) -> Result<bool> {
    let chosen = chosen(&options.only)?;
    if options.list {
        chosen.iter().for_each(|configuration| println!("{:15} {}", configuration.name, configuration.about));
        return Ok(true);
    }
    let mut matrix = Matrix { schema: SCHEMA, kernel: options.kernel.to_string(), configurations: Vec::new() };
    for configuration in chosen {
        eprintln!("Configuration {} ({})", configuration.name, configuration.about);
        let row = configuration.run(workspace, options.kernel).unwrap_or_else(|error| {
            print_error(&error);
            Row { error: Some(format!("{error:#}")), ..Row::new(configuration) }
        });
        matrix.configurations.push(row);
        // What was found is not lost if a later one is interrupted.
        if let Some(path) = &options.json {
            let text = serde_json::to_string_pretty(&matrix)? + "\n";
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    matrix.configurations.iter().for_each(|row| println!("{row}"));
    Ok(matrix.configurations.iter().all(Row::is_good))
}

fn chosen(names: &[String]) -> Result<Vec<&'static Configuration>> {
    let all = &CONFIGURATIONS;
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|known| known.name != name.as_str())) {
        bail!("there is no configuration \"{unknown}\"; `cargo xtask matrix --list` names all");
    }
    Ok(all.iter().filter(|known| names.is_empty() || names.iter().any(|name| name == known.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::boots::BOOTS;
    use super::*;

    #[test]
    fn each_has_its_fragment_and_known_boots() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for configuration in &CONFIGURATIONS {
            assert!(root.join(configuration.fragment()).is_file(), "{}", configuration.name);
            for boot in configuration.boots {
                assert!(BOOTS.iter().any(|known| known.name == *boot), "{boot}");
            }
        }
    }
}
