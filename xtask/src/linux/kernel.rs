// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Configures and builds a kernel outside its tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{bail, ensure, Context, Result};

use super::source::Source;
use super::stamp::Stamp;
use crate::apt::Wanted;
use crate::integrate;
use crate::progress::{command_line, Step};
use crate::tool::{self, Tool};
use crate::workspace::{read_text, Workspace};

/// What QEMU boots, below the directory of a build.
const IMAGE: &str = "arch/s390/boot/bzImage";

/// The compiler for s390x.
pub(crate) const COMPILER: &str = "s390x-linux-gnu-gcc";

/// What a build of the kernel, of programs for it, and a program of its own run.
const TOOLS: [Tool; 10] = [
    // Unpacks Debian's package of the source.
    Tool {
        program: "xz",
        check: &["--version"],
        package: Wanted { name: "xz-utils", minimum: "0", purpose: "unpacks the source of Linux" },
    },
    Tool {
        program: "make",
        check: &["--version"],
        package: Wanted { name: "make", minimum: "0", purpose: "builds Linux" },
    },
    Tool {
        program: "gcc",
        check: &["--version"],
        package: Wanted { name: "gcc", minimum: "0", purpose: "compiles what runs during a build of Linux" },
    },
    // Headers of the C library: programs that run during the build.
    Tool {
        program: "gcc",
        check: &["-E", "-x", "c", "-include", "stdio.h", "/dev/null"],
        package: Wanted { name: "libc6-dev", minimum: "0", purpose: "headers for the same" },
    },
    // Reads the results of tests by a program of the kernel's.
    Tool {
        program: "python3",
        check: &["--version"],
        package: Wanted { name: "python3", minimum: "0", purpose: "runs the script of Linux that reads test results" },
    },
    Tool {
        program: "flex",
        check: &["--version"],
        package: Wanted { name: "flex", minimum: "0", purpose: "builds Linux" },
    },
    Tool {
        program: "bison",
        check: &["--version"],
        package: Wanted { name: "bison", minimum: "0", purpose: "builds Linux" },
    },
    Tool {
        program: "bc",
        check: &["--version"],
        package: Wanted { name: "bc", minimum: "0", purpose: "builds Linux" },
    },
    Tool {
        program: COMPILER,
        check: &["--version"],
        package: Wanted {
            name: "gcc-s390x-linux-gnu",
            minimum: "0",
            purpose: "compiles Linux and test programs for s390x",
        },
    },
    Tool {
        program: COMPILER,
        check: &["-E", "-x", "c", "-include", "stdio.h", "/dev/null"],
        package: Wanted { name: "libc6-dev-s390x-cross", minimum: "0", purpose: "the C library of these programs" },
    },
];

/// A kernel that was built.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Kernel {
    /// What QEMU boots.
    pub(crate) image: PathBuf,
    /// The headers of its user API, to be given to a compiler by `-isystem`.
    pub(crate) headers: PathBuf,
    /// The tree it was built from.
    pub(crate) tree: PathBuf,
    /// Where it was built.
    pub(crate) built: PathBuf,
    /// Where programs and modules for it are built.
    pub(crate) output: PathBuf,
    /// Variables for each run of `make`.
    pub(crate) variables: Vec<String>,
}

impl Kernel {
    /// The kernel as it was linked, before it was compressed.
    pub(crate) fn executable(&self) -> PathBuf {
        self.built.join("vmlinux")
    }

    /// The kernel that was built in `directory` by other means, with its headers, for programs that are built in `output`.
    ///
    /// # Errors
    ///
    /// There is none, or it has no headers.
    pub(crate) fn found_in(directory: &Path, output: PathBuf) -> Result<Self> {
        let (image, headers) = (directory.join(IMAGE), directory.join("usr/include"));
        for path in [image.clone(), headers.join("linux/vfio.h")] {
            ensure!(path.is_file(), "there is no {}: `make bzImage headers` makes it", path.display());
        }
        let built = directory.to_owned();
        Ok(Self { image, headers, tree: built.clone(), built, output, variables: Vec::new() })
    }

    /// The kernel of the same version and configuration that was built in `directory`, for the same programs.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn built_in(self, directory: &Path) -> Result<Self> {
        Ok(Self { image: image_in(directory)?, built: directory.to_owned(), ..self })
    }

    /// How far behind the addresses it was linked for the kernel runs, unless told to run elsewhere.
    ///
    /// # Errors
    ///
    /// The kernel was not configured, or says something that is no number.
    pub(crate) fn offset(&self) -> Result<u64> {
        let text = self.configuration()?;
        let base = text.lines().find_map(|line| line.strip_prefix("CONFIG_KERNEL_IMAGE_BASE=0x"));
        base.map_or(Ok(0), |digits| u64::from_str_radix(digits, 16))
            .with_context(|| format!("CONFIG_KERNEL_IMAGE_BASE in {} is no number", self.built.display()))
    }

    /// Whether `option` is in its configuration, and not as a module.
    ///
    /// # Errors
    ///
    /// The kernel was not configured.
    pub(crate) fn has(&self, option: &str) -> Result<bool> {
        self.is_set(option, "=y")
    }

    /// Whether `option` is in its configuration as a module.
    ///
    /// # Errors
    ///
    /// The kernel was not configured.
    pub(crate) fn has_module(&self, option: &str) -> Result<bool> {
        self.is_set(option, "=m")
    }

    fn is_set(&self, option: &str, value: &str) -> Result<bool> {
        Ok(self.configuration()?.lines().any(|line| line.strip_suffix(value) == Some(option)))
    }

    fn configuration(&self) -> Result<String> {
        read_text(self.built.join(".config"))
    }
}

/// Installs what a build needs and this machine does not have.
///
/// # Errors
///
/// Something is missing and cannot be installed.
pub(crate) fn ensure_tools(workspace: &Workspace) -> Result<()> {
    tool::ensure_all(workspace, &TOOLS)
}

/// The image of the kernel that was built in `directory`.
///
/// # Errors
///
/// There is none.
pub(crate) fn image_in(directory: &Path) -> Result<PathBuf> {
    let image = directory.join(IMAGE);
    ensure!(
        image.is_file(),
        "there is no {}; build the kernel there, or name the directory given by O=",
        image.display()
    );
    Ok(image)
}

/// What to build.
#[derive(Clone, Debug)]
pub(crate) struct Build<'a> {
    /// The tree and what it is called.
    pub(crate) source: &'a Source,
    /// Tells this build from others of the same source.
    pub(crate) variant: &'a str,
    /// A whole configuration that the fragments are merged onto, else the smallest one.
    pub(crate) base: Option<&'a Path>,
    /// Fragments of a configuration, the later ones winning.
    pub(crate) fragments: &'a [PathBuf],
    /// How many of them, the first ones, may ask for what the others make impossible.
    pub(crate) overruled: usize,
    /// Variables for each run of `make`.
    pub(crate) variables: &'a [String],
}

/// Where a kernel is built.
struct Place {
    /// As it is once it is built.
    kernel: Kernel,
    /// Of all that it is built from.
    stamp: Stamp,
}

impl Build<'_> {
    /// Builds what has changed since the last time.
    ///
    /// # Errors
    ///
    /// A tool is missing and cannot be installed, an option of a fragment cannot be had, or `make` fails; the error then has what
    /// it printed.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<Kernel> {
        let place = self.place(workspace)?;
        let _alone = Workspace::alone_in(&place.kernel.output)?;
        let Place { kernel, stamp } = &place;
        let built = kernel.output.join("built.stamp");
        if self.source.fixed && kernel.image.is_file() && stamp.is_at(&built) {
            return Ok(place.kernel);
        }
        let step = Step::start(format!("Linux {} ({})", self.source.version, self.variant));
        self.in_step(step, "built", kernel, &["bzImage"], |step| {
            self.configure_once(step, &place)?;
            step.run(&mut self.make(&kernel.output, &["bzImage", "modules"]))?;
            step.run(&mut self.make(&kernel.output, &["headers"]))?;
            stamp.write(&built)
        })?;
        Ok(place.kernel)
    }

    /// Compiles these directories and objects of the kernel, and nothing else, with a further `variable` of make's.
    ///
    /// # Errors
    ///
    /// A tool is missing and cannot be installed, an option of a fragment cannot be had, or `make` fails.
    pub(crate) fn compile(&self, workspace: &Workspace, targets: &[&str], variable: Option<&str>) -> Result<()> {
        let place = self.place(workspace)?;
        let output = &place.kernel.output;
        let _alone = Workspace::alone_in(output)?;
        let targets: Vec<&str> = targets.iter().copied().chain(variable).collect();
        let step = Step::start(format!("{} of Linux {}", targets.join(" "), self.source.version));
        self.in_step(step, "compiled", &place.kernel, &targets, |step| {
            self.configure_once(step, &place)?;
            step.run(&mut self.make(output, &["prepare"]))?;
            step.run(&mut self.make(output, &targets)).map(drop)
        })
    }

    /// Where it is built, and with what; installs the tools for it.
    fn place(&self, workspace: &Workspace) -> Result<Place> {
        ensure_tools(workspace)?;
        let output = workspace.directory(Path::new("linux").join(format!("{}-{}", self.source.name, self.variant)))?;
        let mut stamp = Stamp::default();
        stamp.text(&self.source.tree.to_string_lossy());
        stamp.text(&compiler_version()?);
        self.variables.iter().for_each(|variable| stamp.text(variable));
        self.base.iter().try_for_each(|base| stamp.file(base))?;
        self.fragments.iter().try_for_each(|fragment| stamp.file(fragment))?;
        integrate::files_in(&self.source.tree)?.iter().try_for_each(|file| stamp.file(file))?;
        let kernel = Kernel {
            image: output.join(IMAGE),
            headers: output.join("usr/include"),
            tree: self.source.tree.clone(),
            built: output.clone(),
            output,
            variables: self.variables.to_vec(),
        };
        Ok(Place { kernel, stamp })
    }

    /// Does `work` in `step`, which ends with the word `done`, or else with the command that shows how `targets` are made.
    fn in_step(
        &self,
        step: Step,
        done: &str,
        kernel: &Kernel,
        targets: &[&str],
        work: impl FnOnce(&Step) -> Result<()>,
    ) -> Result<()> {
        let result = work(&step);
        step.end(done, result).with_context(|| {
            format!(
                "Linux {} was not built in {}; to see the build itself: {}",
                self.source.version,
                kernel.output.display(),
                command_line(&self.make(&kernel.output, targets))
            )
        })
    }

    /// Makes `target` of a `kernel` that was built, with further `variables`.
    ///
    /// # Errors
    ///
    /// `make` fails; the error then has what it printed.
    pub(crate) fn make_target(&self, kernel: &Kernel, target: &str, variables: &[String]) -> Result<()> {
        let step = Step::start(format!("Linux {}: {target}", self.source.version));
        let result = step.run(self.make(&kernel.built, &[target]).args(variables));
        step.end("made", result).map(drop)
    }

    /// Configures the kernel unless it was configured the same way.
    fn configure_once(&self, step: &Step, place: &Place) -> Result<()> {
        let configured = place.kernel.output.join("configured.stamp");
        if !place.stamp.is_at(&configured) {
            self.configure(step, &place.kernel.output)?;
            place.stamp.write(&configured)?;
        }
        Ok(())
    }

    fn make(&self, output: &Path, arguments: &[&str]) -> Command {
        make(&self.source.tree, output, self.variables, arguments)
    }

    fn configure(&self, step: &Step, output: &Path) -> Result<()> {
        // What is missing for Rust, rather than an option that cannot be had.
        if self.variables.iter().any(|variable| variable.starts_with("RUSTC=")) {
            step.run(&mut self.make(output, &["rustavailable"]))?;
        }
        let config = output.join(".config");
        match self.base {
            Some(base) => {
                fs::copy(base, &config).with_context(|| format!("cannot read {}", base.display()))?;
            }
            None => {
                step.run(&mut self.make(output, &["tinyconfig"]))?;
            }
        }
        let mut merge = Command::new(self.source.tree.join("scripts/kconfig/merge_config.sh"));
        merge.args(["-m", "-O"]).arg(output).arg(&config).args(self.fragments).env("ARCH", "s390");
        step.run(&mut merge)?;
        step.run(&mut self.make(output, &["olddefconfig"]))?;
        let actual = read_text(&config)?;
        let mut wanted = String::new();
        for fragment in self.fragments.iter().skip(self.overruled) {
            wanted.push_str(&read_text(fragment)?);
        }
        let absent = absent_options(&wanted, &actual);
        if !absent.is_empty() {
            bail!("the kernel's configuration did not accept:\n  {}", absent.join("\n  "));
        }
        Ok(())
    }
}

/// `make` of the kernel at `tree` in `output`, with nothing in the result that belongs to this machine or to today.
pub(crate) fn make(tree: &Path, output: &Path, variables: &[String], arguments: &[&str]) -> Command {
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let mut make = Command::new("make");
    make.arg("-C").arg(tree).arg(format!("O={}", output.display()));
    make.args(["ARCH=s390", "CROSS_COMPILE=s390x-linux-gnu-"]).arg(format!("-j{jobs}")).args(variables).args(arguments);
    make.env_remove("MAKEFLAGS");
    for (name, value) in [
        ("KBUILD_BUILD_TIMESTAMP", "1970-01-01"),
        ("KBUILD_BUILD_USER", "zpci"),
        ("KBUILD_BUILD_HOST", "zpci"),
        ("KBUILD_BUILD_VERSION", "1"),
    ] {
        make.env(name, value);
    }
    make
}

/// What the compiler says of itself, first line.
pub(crate) fn compiler_version() -> Result<String> {
    let output = Command::new(COMPILER).arg("--version").output().with_context(|| format!("cannot run {COMPILER}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

/// The options of the fragments `wanted` that `actual`, a whole configuration, does not have as the last of them wants it.
fn absent_options<'a>(wanted: &'a str, actual: &str) -> Vec<&'a str> {
    let options: Vec<(&str, &str)> = wanted.lines().filter_map(|line| Some((option(line)?, line))).collect();
    let is_last = |index: usize, name: &str| options.iter().skip(index + 1).all(|(later, _)| *later != name);
    let has = |name: &str, line: &str| {
        let found = actual.lines().find(|other| option(other) == Some(name));
        // An option that is not there has no text either.
        found.map_or(line.ends_with(" is not set") || line.ends_with("=\"\""), |found| found == line)
    };
    options
        .iter()
        .enumerate()
        .filter(|(index, (name, line))| is_last(*index, name) && !has(name, line))
        .map(|(_, (_, line))| *line)
        .collect()
}

/// The option that a line sets or says is not set.
fn option(line: &str) -> Option<&str> {
    let is_name = |name: &&str| name.starts_with("CONFIG_");
    match line.strip_prefix("# ") {
        Some(comment) => comment.strip_suffix(" is not set").filter(is_name),
        None => line.split_once('=').map(|(name, _)| name).filter(is_name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_were_not_accepted_are_named() {
        let wanted = "\
# A comment that says CONFIG_A=y is not set
CONFIG_A=y
CONFIG_B=\"b=1\"
# CONFIG_C is not set
# CONFIG_D is not set
CONFIG_H=\"\"
CONFIG_E=y
CONFIG_F=4
CONFIG_G=y
# CONFIG_G is not set
";
        let actual =
            "CONFIG_A=y\nCONFIG_B=\"b=1\"\n# CONFIG_C is not set\n# CONFIG_E is not set\nCONFIG_F=8\nCONFIG_G=y\n";
        assert_eq!(absent_options(wanted, actual), ["CONFIG_E=y", "CONFIG_F=4", "# CONFIG_G is not set"]);
    }
}
