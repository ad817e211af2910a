// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Compiles what runs in the guest: our first process, our modules, and the VFIO self-tests of the kernel's own tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

use super::initrd::Initrd;
use super::kernel::{compiler_version, make, Kernel, COMPILER};
use super::kernel_modules;
use super::stamp::Stamp;
use crate::kernel_object::{self, compiler::KernelCompiler};
use crate::program::{self, Program};
use crate::progress::Step;
use crate::workspace::{files_below, files_of_kind, read_text, Workspace};

/// Where our sources are, below the workspace.
const SOURCES: &str = "qemu-s390x/linux";

/// What Kbuild makes of our module sources.
const MODULES: [&str; 4] = ["zpci_test.ko", "zpci_cases.ko", "zpci_clock.ko", "zpci_trace.ko"];

/// What the Kbuild file of our modules calls the object with the cases.
const CASES: &str = "zpci_cases_rust.o_shipped";

/// Where our headers for user space are, below the workspace.
const USER_API: &str = "glue-c/include/uapi";

/// For every program: of ours and of the kernel's.
const FLAGS: [&str; 5] = ["-static", "-O2", "-Wall", "-D_GNU_SOURCE", "-pthread"];

/// Programs in Rust, with the standard library.
const RUST_PROGRAMS: [Program; 2] = [program::ZPCI, program::PASSTHROUGH];

/// What a boot needs beside what every boot does.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Needs {
    /// The kernel's own self-tests.
    pub(crate) selftests: bool,
    /// Programs in Rust.
    pub(crate) rust_programs: bool,
}

/// The programs for one kernel.
#[derive(Debug)]
pub(crate) struct Guest<'a> {
    workspace: &'a Workspace,
    sources: PathBuf,
    /// Our headers for user space.
    user_api: PathBuf,
    directory: PathBuf,
    kernel: &'a Kernel,
    /// The object with the cases; without it there are no modules.
    cases: Option<PathBuf>,
}

impl<'a> Guest<'a> {
    /// The programs that belong to `kernel`, beside its own build.
    ///
    /// # Errors
    ///
    /// The cases of the module do not build.
    pub(crate) fn new(workspace: &'a Workspace, kernel: &'a Kernel) -> Result<Self> {
        let compiler = KernelCompiler::obtain(workspace)?;
        let step = Step::start("Object with the cases");
        let result = kernel_object::build(workspace, &compiler, &step, kernel_object::CASES);
        let result = step.end("built", result);
        Ok(Self { cases: Some(result?.path), ..Self::without_modules(workspace, kernel) })
    }

    /// The same without our modules, for which the tree of the kernel is not needed.
    pub(crate) fn without_modules(workspace: &'a Workspace, kernel: &'a Kernel) -> Self {
        let (sources, directory) = (workspace.root.join(SOURCES), kernel.output.join("guest"));
        Self { workspace, sources, user_api: workspace.root.join(USER_API), directory, kernel, cases: None }
    }

    /// Compiles what has changed and returns the path of the initial file system, with what `needs` says beside our own.
    ///
    /// # Errors
    ///
    /// The compiler refuses a program.
    pub(crate) fn initrd(&self, needs: Needs) -> Result<PathBuf> {
        let mut initrd = self.base()?;
        if needs.rust_programs {
            for program in RUST_PROGRAMS {
                initrd.program(&format!("bin/{}", program.name), &program::build(self.workspace, program)?)?;
            }
        }
        if needs.selftests {
            initrd.directory("selftests");
            for (name, program) in self.selftests()? {
                initrd.program(&format!("selftests/{name}"), &program)?;
            }
        }
        let path = self.directory.join(match needs {
            Needs { selftests: false, rust_programs: false } => "initrd.cpio",
            Needs { selftests: true, rust_programs: false } => "selftests.cpio",
            Needs { selftests: false, rust_programs: true } => "programs.cpio",
            Needs { selftests: true, rust_programs: true } => "all.cpio",
        });
        fs::write(&path, initrd.finish()).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Compiles what has changed and returns what every initial file system has.
    ///
    /// # Errors
    ///
    /// The compiler refuses a program.
    pub(crate) fn base(&self) -> Result<Initrd> {
        fs::create_dir_all(&self.directory)?;
        let mut initrd = Initrd::new();
        for directory in ["proc", "sys", "tmp"] {
            initrd.directory(directory);
        }
        initrd.program("init", &self.init()?)?;
        initrd.directory("bin");
        initrd.program("bin/capabilities", &self.program("capabilities", &[&self.sources.join("capabilities")])?)?;
        if let Some(cases) = &self.cases {
            initrd.directory("modules");
            let modules = self.modules(cases)?;
            for name in MODULES {
                initrd.program(&format!("modules/{name}"), &modules.join(name))?;
            }
            self.kernel_modules(&mut initrd)?;
        }
        Ok(initrd)
    }

    /// Adds the kernel's own modules, and a list of them in the order in which they are loaded.
    fn kernel_modules(&self, initrd: &mut Initrd) -> Result<()> {
        initrd.directory("modules/kernel");
        let mut order = String::new();
        for (name, path) in kernel_modules::of_kernel(&self.kernel.built)? {
            initrd.program(&format!("modules/kernel/{name}.ko"), &path)?;
            order += &format!("{name}\n");
        }
        initrd.file("modules/kernel/order", order.as_bytes());
        Ok(())
    }

    /// Whether the tree has the self-tests.
    pub(crate) fn has_selftests(&self) -> bool {
        self.selftest_sources().is_dir()
    }

    fn selftest_sources(&self) -> PathBuf {
        self.kernel.tree.join("tools/testing/selftests/vfio")
    }

    fn init(&self) -> Result<PathBuf> {
        self.program("init", &[&self.sources, &self.sources.join("suites")])
    }

    /// The program made of the C files directly in `directories`.
    fn program(&self, name: &str, directories: &[&Path]) -> Result<PathBuf> {
        let program = self.directory.join(name);
        let sources =
            directories.iter().map(|directory| files_of_kind(directory, "c")).collect::<Result<Vec<_>>>()?.concat();
        let mut stamp = self.stamp()?;
        stamp.directory(&self.sources)?;
        stamp.directory(&self.user_api)?;
        let stamp_path = self.directory.join(format!("{name}.stamp"));
        if program.is_file() && stamp.is_at(&stamp_path) {
            return Ok(program);
        }
        let step = Step::start(format!("Guest program {name}"));
        let mut compile = self.compiler();
        // Behind the headers of the kernel, which has ours where it has the driver.
        compile.arg("-idirafter").arg(&self.user_api);
        compile.args(["-Wextra", "-Werror", "-o"]).arg(&program).args(&sources);
        finish(step, &mut compile)?;
        stamp.write(&stamp_path)?;
        Ok(program)
    }

    /// The directory in which the modules are.
    fn modules(&self, cases: &Path) -> Result<PathBuf> {
        let (sources, copy) = (self.sources.join("module"), self.directory.join("module"));
        let mut stamp = Stamp::default();
        stamp.text(&compiler_version()?);
        stamp.directory(&sources)?;
        stamp.file(cases)?;
        // A module fits the very kernel it was built with.
        stamp.file(&self.kernel.output.join("Module.symvers"))?;
        stamp.file(&self.kernel.output.join(".config"))?;
        stamp.file(&self.kernel.image)?;
        let stamp_path = self.directory.join("module.stamp");
        if MODULES.iter().all(|name| copy.join(name).is_file()) && stamp.is_at(&stamp_path) {
            return Ok(copy);
        }
        // Kbuild writes beside the sources of a module.
        fs::create_dir_all(&copy)?;
        for source in files_below(&sources)? {
            fs::copy(&source, copy.join(source.file_name().unwrap_or_default()))?;
        }
        fs::copy(cases, copy.join(CASES))?;
        let argument = format!("M={}", copy.display());
        let mut build = make(&self.kernel.tree, &self.kernel.output, &self.kernel.variables, &[&argument, "modules"]);
        finish(Step::start("Guest modules"), &mut build)?;
        stamp.write(&stamp_path)?;
        Ok(copy)
    }

    /// The name and the file of each program.
    fn selftests(&self) -> Result<Vec<(String, PathBuf)>> {
        let (ours, theirs) = (self.sources.join("selftests"), self.selftest_sources());
        let directory = self.directory.join("selftests");
        fs::create_dir_all(&directory)?;
        let mut stamp = self.stamp()?;
        stamp.directory(&ours)?;
        stamp.directory(&theirs)?;
        let stamp_path = self.directory.join("selftests.stamp");
        let is_current = stamp.is_at(&stamp_path);
        let mut programs = Vec::new();
        for source in files_of_kind(&theirs, "c")? {
            let name = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let program = directory.join(&name);
            if !(is_current && program.is_file()) {
                let mut compile = self.compiler();
                compile.arg("-include").arg(ours.join("prelude.h")).arg("-I").arg(&ours);
                compile.arg("-I").arg(theirs.join("lib/include"));
                for include in ["tools/testing/selftests", "tools/include"] {
                    compile.arg("-I").arg(self.kernel.tree.join(include));
                }
                compile.arg("-o").arg(&program).arg(&source).args(library_sources(&theirs.join("lib"))?);
                finish(Step::start(format!("Self-test {name}")), &mut compile)?;
            }
            programs.push((name, program));
        }
        stamp.write(&stamp_path)?;
        Ok(programs)
    }

    fn compiler(&self) -> Command {
        let mut compiler = Command::new(COMPILER);
        compiler.args(FLAGS).arg("-isystem").arg(&self.kernel.headers);
        compiler
    }

    fn stamp(&self) -> Result<Stamp> {
        let mut stamp = Stamp::default();
        stamp.text(&compiler_version()?);
        stamp.directory(&self.kernel.headers.join("linux"))?;
        Ok(stamp)
    }
}

fn finish(step: Step, command: &mut Command) -> Result<()> {
    let result = step.run(command);
    step.end("compiled", result).map(drop)
}

/// The C files of the library of the self-tests that are for every architecture, as its makefile has them.
fn library_sources(library: &Path) -> Result<Vec<PathBuf>> {
    let path = library.join("libvfio.mk");
    let text = read_text(&path)?;
    let names = unconditional(&text, "LIBVFIO_C");
    ensure!(!names.is_empty(), "{} names no file", path.display());
    Ok(names.into_iter().map(|name| library.join(name)).collect())
}

/// What `makefile` adds to `variable` outside of conditions.
fn unconditional<'a>(makefile: &'a str, variable: &str) -> Vec<&'a str> {
    let (mut depth, mut values) = (0_u32, Vec::new());
    for line in makefile.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("ifeq" | "ifneq" | "ifdef" | "ifndef") => depth += 1,
            Some("endif") => depth = depth.saturating_sub(1),
            Some(name) if depth == 0 && name == variable => {
                values.extend(words.skip_while(|word| [":=", "+=", "="].contains(word)));
            }
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_every_architecture_is_taken() {
        let makefile = "LIBVFIO_C := iommu.c\nLIBVFIO_C += sysfs.c\n\nifeq ($(ARCH:x86_64=x86),x86)\n\
                        LIBVFIO_C += drivers/dsa/dsa.c\nendif\n\nLIBVFIO_C += drivers/igb/igb.c\nLIBVFIO_O := $(LIBVFIO_C)\n";
        assert_eq!(unconditional(makefile, "LIBVFIO_C"), ["iommu.c", "sysfs.c", "drivers/igb/igb.c"]);
    }
}
