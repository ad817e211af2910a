// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Builds a Linux kernel, boots it with our test programs, and judges what they found.

mod answer;
mod boots;
mod clang;
mod compare;
mod debugger;
mod device;
mod dump;
mod expectation;
mod firmware;
mod guest;
mod identity;
mod initrd;
mod instruction;
mod integrated;
mod kernel;
mod kernel_modules;
mod kunit;
mod matrix;
mod monitor;
mod package;
mod report;
mod run;
mod rust_tools;
mod series;
mod source;
mod stamp;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{bail, Context, Result};

use crate::console::ktap::Counts;
use crate::progress::{command_line, Kept, Step};
use crate::qemu::Machine;
use crate::tool;
use crate::upstream;
use crate::workspace::{read_text, Workspace};
pub(crate) use boots::{Answers, Boot, Threads};
use boots::{BOOTS, MEMORY};
use compare::{Comparison, Side};
pub(crate) use debugger::{Debugger, DebuggerPort};
pub(crate) use device::{set_up as set_up_devices, Attached};
pub(crate) use dump::{run as run_dump, DumpOptions};
pub(crate) use expectation::Implementation;
pub(crate) use guest::Guest;
use guest::Needs;
pub(crate) use initrd::Initrd;
pub(crate) use instruction::{Instruction, Operands};
use kernel::Build;
pub(crate) use kernel::Kernel;
pub(crate) use matrix::{run as run_matrix, MatrixOptions};
pub(crate) use package::{run as run_package, PackageOptions};
pub(crate) use report::alarms;
use report::{BootReport, Report};
use run::Setting;
use rust_tools::{want_rust, RustTools};
pub(crate) use series::Series;
pub(crate) use source::Source;
pub(crate) use stamp::Stamp;

/// The configuration of every kernel, below the workspace.
const CONFIGURATION: &str = "qemu-s390x/linux/config";

/// Where a kernel's tree has whole configurations of its own.
const OWN_CONFIGURATIONS: &str = "arch/s390/configs";

/// The longest that a boot may take, in seconds.
const LIMIT: u64 = 300;

/// Which kernel a person wants, and what to do with it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Series of the kernel whose source Debian packages
    #[arg(long, value_enum, default_value_t = Series::V7_3, conflicts_with = "source")]
    kernel: Series,
    /// Build this kernel tree instead, which is only read
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// Build the kernel as it is, with its own zPCI code
    #[arg(long)]
    stock: bool,
    /// Build the kernel with its own zPCI code and our fixes of it
    #[arg(long, conflicts_with = "stock")]
    fixes: bool,
    /// Put the driver in as source, to be compiled by the kernel's own build with CONFIG_RUST
    #[arg(long, conflicts_with_all = ["stock", "fixes"])]
    from_source: bool,
    /// Start from this configuration in the place of the tests' own: a file, or the name of one of the tree's, such as defconfig
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// Merge this fragment into the kernel's configuration; may be given several times
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Give this variable to each run of `make`, such as LLVM=1 or LLVM=-19; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    make: Vec<String>,
    /// Boot the kernel that was built in this directory by other means, from the same source and configuration
    #[arg(long, value_name = "DIR", conflicts_with = "build_only")]
    built: Option<PathBuf>,
    /// Build and end; the last line printed is the path of the image
    #[arg(long)]
    build_only: bool,
    /// Boot only this way; may be given several times; `help` names them
    #[arg(long, value_name = "NAME")]
    boot: Vec<String>,
    /// Add these kernel parameters
    #[arg(long, value_name = "TEXT", default_value = "", allow_hyphen_values = true)]
    append: String,
    /// Boot once, with this initial file system instead of ours and no devices but those given, and show its console
    #[arg(long, value_name = "FILE")]
    initrd: Option<PathBuf>,
    /// Write all results and everything the guest said to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Compare with an earlier report that `--json` wrote, such as one of the stock kernel; with one of the same kernel, nothing may
    /// differ
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// End a boot after this time
    #[arg(long, value_name = "SECONDS", default_value_t = LIMIT, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Further arguments of QEMU
    #[arg(last = true, value_name = "QEMU ARGUMENTS")]
    arguments: Vec<String>,
}

impl Default for Options {
    /// The newest kernel with the driver in it.
    fn default() -> Self {
        Self {
            kernel: Series::V7_3,
            source: None,
            stock: false,
            fixes: false,
            from_source: false,
            base: None,
            config: Vec::new(),
            make: Vec::new(),
            built: None,
            build_only: false,
            boot: Vec::new(),
            append: String::new(),
            initrd: None,
            json: None,
            against: None,
            timeout: LIMIT,
            arguments: Vec::new(),
        }
    }
}

/// The boots that every change has to pass: the driver under a kernel's own drivers, under user space, which is told of
/// it, under a module, the shared cases beside it, and back traces through it.
const CHECKED: [&str; 6] = ["lazy", "vfio", "container", "module", "cases", "trace"];

/// Where a kernel has the driver, and what of its own the driver changes.
const CHANGED: [&str; 3] = ["drivers/iommu/", "arch/s390/pci/", "drivers/vfio/"];

/// What is of the driver alone, and what includes a file of it.
const OWN: [&str; 3] =
    ["drivers/iommu/zpci-rust/", "drivers/vfio/pci/vfio_pci_zdev_rust.o", "drivers/vfio/vfio_iommu_type1.o"];

/// The variable for Linux's further warnings, as errors.
const WARNINGS: &str = "W=1e";

/// The tree of the kernel of `series`, as it is.
pub(crate) fn source_of(workspace: &Workspace, series: Series) -> Result<PathBuf> {
    Ok(Source::packaged(workspace, series)?.tree)
}

/// The newest kernel's source with the driver in it, as an object.
fn newest_integrated(workspace: &Workspace) -> Result<Source> {
    integrated::integrated(workspace, &Source::packaged(workspace, Options::default().kernel)?, false)
}

/// Compiles the driver's C, and what the driver changes of the newest kernel, by that kernel's own build, and its own once more
/// with Linux's further warnings (`W=1`); nothing is booted.
///
/// # Errors
///
/// A tool is missing and cannot be installed, there is no source that the driver can be put in, or it does not compile.
pub(crate) fn compile_shim(workspace: &Workspace) -> Result<()> {
    let source = newest_integrated(workspace)?;
    let fragments = [CONFIGURATION, integrated::CONFIGURATION].map(|name| workspace.root.join(name));
    let variant = Options::default().variant();
    let build =
        Build { source: &source, variant: &variant, base: None, fragments: &fragments, overruled: 0, variables: &[] };
    build.compile(workspace, &CHANGED, None)?;
    build.compile(workspace, &OWN, Some(WARNINGS))
}

/// Begins to build the kernel that [`check`] boots, in a process that gives way to whatever else is to be done.
///
/// What has to be installed for it is installed before this returns. The process tells nobody of an error: what it did not
/// build is built by [`check`], which waits for it.
///
/// # Errors
///
/// A tool is missing and cannot be installed, or there is no source that the driver can be put in.
pub(crate) fn begin_check(workspace: &Workspace) -> Result<Kept> {
    kernel::ensure_tools(workspace)?;
    newest_integrated(workspace)?;
    let mut command = Command::new("nice");
    command.args(["-n", "19"]).arg(env::current_exe()?).args(["--no-install", "linux", "--build-only"]);
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().map(Kept).with_context(|| format!("cannot start `{}`", command_line(&command)))
}

/// Boots the newest kernel with the driver in it, and counts what the guest found.
pub(crate) fn check(workspace: &Workspace) -> Result<Counts> {
    let options = Options { boot: CHECKED.map(str::to_owned).to_vec(), ..Options::default() };
    let (kernel, source, implementation) = build(workspace, &options)?;
    let report = boots_of(workspace, &options, &kernel, &source, implementation)?;
    print!("{report}");
    Ok(report.counts())
}

/// The kernel of `series` with this implementation: that in `built`, or one that is built unless that was done before.
///
/// # Errors
///
/// It does not build, or is not in `built`.
pub(crate) fn kernel(
    workspace: &Workspace,
    series: Series,
    implementation: Implementation,
    built: Option<&Path>,
) -> Result<Kernel> {
    match built {
        Some(directory) => {
            let output = workspace.directory(Path::new("linux").join(format!("built-{}", implementation.name())))?;
            Kernel::found_in(directory, output)
        }
        None => {
            let stock = implementation == Implementation::Stock;
            build(workspace, &Options { kernel: series, stock, ..Options::default() }).map(|(kernel, ..)| kernel)
        }
    }
}

/// What the boots of one kernel said.
#[derive(Debug)]
pub(crate) struct Measured {
    /// What `make kernelversion` says of the kernel.
    pub(crate) version: String,
    /// In the order that was asked for.
    pub(crate) boots: Vec<BootReport>,
}

/// Boots the kernel that figures are measured with, with its own zPCI code if `stock`, in each of `boots` with further arguments of QEMU.
pub(crate) fn measure(workspace: &Workspace, stock: bool, boots: &[&Boot], arguments: &[String]) -> Result<Measured> {
    let options = Options { kernel: Series::V7_2, stock, arguments: arguments.to_owned(), ..Options::default() };
    let (kernel, source, implementation) = build(workspace, &options)?;
    let setting = options.setting(workspace, &kernel, &source, implementation)?;
    let initrd = Guest::new(workspace, &kernel)?.initrd(Needs::default())?;
    let boots = boots.iter().map(|boot| setting.run(boot, &initrd)).collect::<Result<_>>()?;
    Ok(Measured { version: source.version, boots })
}

/// Does what `options` say and returns whether everything passed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let boots = chosen(&options.boot)?;
    // What can be found out now, not after minutes.
    let earlier = options.against.as_ref().map(earlier).transpose()?;
    options.config.iter().try_for_each(|fragment| read_text(fragment).map(drop))?;
    options.built.iter().try_for_each(|directory| kernel::image_in(directory).map(drop))?;
    let (kernel, source, implementation) = build(workspace, options)?;
    if options.build_only {
        println!("{}", kernel.image.display());
        return Ok(true);
    }
    let setting = options.setting(workspace, &kernel, &source, implementation)?;
    if let Some(initrd) = &options.initrd {
        return show(&setting, initrd);
    }
    let report = report(&setting, &kernel, &source, &boots)?;
    if let Some(path) = &options.json {
        fs::write(path, report.to_json()?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut passed = report.passed;
    if let Some(earlier) = earlier {
        let comparison = Comparison::new(earlier, Side::read(&report.to_json()?)?);
        passed &= comparison.passed();
        print!("{comparison}");
    }
    print!("{report}");
    Ok(passed)
}

/// The report of an earlier run that is at `path`.
fn earlier(path: impl AsRef<Path>) -> Result<Side> {
    Side::read(&read_text(&path)?).with_context(|| format!("{} is no report of `--json`", path.as_ref().display()))
}

/// Builds the kernel that `options` name, with the driver in it or as it is.
fn build(workspace: &Workspace, options: &Options) -> Result<(Kernel, Source, Implementation)> {
    build_as(workspace, options, &options.variant(), true, 0)
}

/// The same in a directory called after `variant`, with the driver chosen or only to be chosen; the first `overruled` fragments
/// of the configuration may ask for what later ones make impossible.
fn build_as(
    workspace: &Workspace,
    options: &Options,
    variant: &str,
    chosen: bool,
    overruled: usize,
) -> Result<(Kernel, Source, Implementation)> {
    let source = match &options.source {
        Some(tree) => Source::given(tree)?,
        None => Source::packaged(workspace, options.kernel)?,
    };
    let implementation = match () {
        () if options.stock => Implementation::Stock,
        () if options.fixes => Implementation::Fixed,
        () => Implementation::Rust,
    };
    let base = options.base.as_ref().map(|base| base_in(&source.tree, base));
    base.iter().try_for_each(|base| read_text(base).map(drop))?;
    let mut fragments = Vec::new();
    if base.is_none() {
        fragments.push(workspace.root.join(CONFIGURATION));
    }
    let overruled = overruled.min(fragments.len());
    let source = match implementation {
        Implementation::Stock => source,
        Implementation::Fixed => upstream::fixed(workspace, &source)?,
        Implementation::Rust => {
            if chosen {
                fragments.push(workspace.root.join(integrated::CONFIGURATION));
            }
            integrated::integrated(workspace, &source, options.from_source)?
        }
    };
    let mut variables = options.make.clone();
    if options.from_source {
        fragments.push(workspace.root.join(integrated::FROM_SOURCE));
    }
    fragments.extend(options.config.iter().cloned());
    if want_rust(base.iter().chain(&fragments))? {
        variables.extend(rust_variables(workspace)?);
    }
    let build = Build {
        source: &source,
        variant,
        base: base.as_deref(),
        fragments: &fragments,
        overruled,
        variables: &variables,
    };
    let kernel = build.run(workspace)?;
    let kernel = match &options.built {
        Some(directory) => kernel.built_in(directory)?,
        None => kernel,
    };
    Ok((kernel, source, implementation))
}

/// The configuration that is called `base`: one of `tree`'s own if that is a bare name of one, else a file.
fn base_in(tree: &Path, base: &Path) -> PathBuf {
    let own = tree.join(OWN_CONFIGURATIONS).join(base);
    if base.components().count() == 1 && own.is_file() {
        own
    } else {
        base.to_owned()
    }
}

/// Builds the kernel of `source`, whose tree has changed, with its own zPCI code; with `option`, a fragment of a configuration
/// below the workspace that needs Rust.
pub(crate) fn build_stock(workspace: &Workspace, source: &Source, variant: &str, option: Option<&str>) -> Result<()> {
    let fragments: Vec<_> =
        [Some(CONFIGURATION), option].into_iter().flatten().map(|name| workspace.root.join(name)).collect();
    let variables = if want_rust(&fragments)? { rust_variables(workspace)? } else { Vec::new() };
    // A tree that has changed is looked at again.
    let source = Source { fixed: false, ..source.clone() };
    let build =
        Build { source: &source, variant, base: None, fragments: &fragments, overruled: 0, variables: &variables };
    build.run(workspace).map(drop)
}

/// The variables by which `make` of a kernel finds what compiles Rust.
pub(crate) fn rust_variables(workspace: &Workspace) -> Result<Vec<String>> {
    Ok(RustTools::obtain(workspace)?.variables())
}

impl Options {
    /// What the build is called, so that those of other drivers and configurations are told apart.
    fn variant(&self) -> String {
        let name = match () {
            () if self.stock => "stock",
            () if self.fixes => "fixed",
            () if self.from_source => "source",
            () => "rust",
        };
        if self.base.is_none() && self.config.is_empty() && self.make.is_empty() {
            name.to_owned()
        } else {
            format!("{name}-configured")
        }
    }

    /// How the boots of `kernel` are run.
    fn setting<'a>(
        &'a self,
        workspace: &'a Workspace,
        kernel: &'a Kernel,
        source: &Source,
        implementation: Implementation,
    ) -> Result<Setting<'a>> {
        Ok(Setting {
            workspace,
            qemu: tool::qemu_and_linker(workspace)?,
            kernel,
            series: source.series,
            implementation,
            append: &self.append,
            arguments: &self.arguments,
            limit: Duration::from_secs(self.timeout),
        })
    }
}

/// A variable for `make`, which takes anything without a `=` for a target.
fn variable(text: &str) -> Result<String, &'static str> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() => Ok(text.to_owned()),
        _ => Err("it is no NAME=VALUE"),
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Boot>> {
    let all = || BOOTS.iter().map(|boot| boot.name).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = names.iter().find(|name| BOOTS.iter().all(|boot| boot.name != name.as_str())) {
        bail!("there is no boot \"{unknown}\"; there are {}", all());
    }
    Ok(BOOTS.iter().filter(|boot| names.is_empty() || names.iter().any(|name| name == boot.name)).collect())
}

/// Runs the boots that `options` name, of a kernel that was built.
fn boots_of(
    workspace: &Workspace,
    options: &Options,
    kernel: &Kernel,
    source: &Source,
    implementation: Implementation,
) -> Result<Report> {
    let setting = options.setting(workspace, kernel, source, implementation)?;
    report(&setting, kernel, source, &chosen(&options.boot)?)
}

/// Runs `boots`.
fn report(setting: &Setting<'_>, kernel: &Kernel, source: &Source, boots: &[&Boot]) -> Result<Report> {
    let guest = match kernel.has("CONFIG_MODULES")? {
        true => Guest::new(setting.workspace, kernel)?,
        false => Guest::without_modules(setting.workspace, kernel),
    };
    let mut reports = Vec::new();
    for boot in boots {
        if boot.needs().selftests && !guest.has_selftests() {
            eprintln!("Boot {}: left out, Linux {} has no VFIO self-tests", boot.name, source.version);
            continue;
        }
        if let Some(cause) = boot.left_out(kernel, setting.series, setting.implementation)? {
            eprintln!("Boot {}: left out, Linux {} {cause}", boot.name, source.version);
            continue;
        }
        reports.push(setting.run(boot, &guest.initrd(boot.needs())?)?);
    }
    Ok(Report::new(source.version.clone(), setting.implementation, reports))
}

/// Boots once with a file system of the user's and prints the console.
fn show(setting: &Setting<'_>, initrd: &Path) -> Result<bool> {
    let mut machine = Machine::new(setting.qemu.clone(), &setting.kernel.image);
    machine.arguments(["-m", MEMORY]);
    machine.arguments(["-initrd".into(), initrd.as_os_str().to_owned()]);
    machine.arguments(["-append", setting.append]);
    machine.arguments(setting.arguments);
    eprintln!("{machine}");
    let step = Step::start("Running QEMU");
    let run = machine.run_with(&step, setting.limit, |line| println!("{line}"))?;
    match run.failure() {
        None => {
            step.done("ended");
            Ok(true)
        }
        Some(failure) => {
            step.failed();
            bail!("{failure}\n{}", run.messages.join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_a_name_and_any_value() {
        assert_eq!(variable("LLVM=-19").as_deref(), Ok("LLVM=-19"));
        assert_eq!(variable("KCFLAGS=-DA=1 -DB").as_deref(), Ok("KCFLAGS=-DA=1 -DB"));
        assert_eq!(variable("EMPTY=").as_deref(), Ok("EMPTY="));
        assert!(variable("LLVM").is_err());
        assert!(variable("=1").is_err());
        assert!(variable("").is_err());
    }
}
