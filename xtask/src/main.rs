// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The one command line for people and CI: `cargo xtask boot`, `cargo xtask test`.

mod apt;
mod bench;
mod book;
mod boot;
mod console;
mod core_library;
mod defects;
mod device;
mod disk;
mod image;
mod integrate;
mod kernel_object;
mod linux;
mod nested;
mod patch;
mod program;
mod progress;
mod qemu;
mod report;
mod test;
mod tool;
mod upstream;
mod vmm;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use workspace::Workspace;

/// Builds, boots and tests zPCI for s390x.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: CommandLine,
    /// Install no package of Debian; where one is missing, say the command that installs it, and end
    #[arg(long, global = true)]
    no_install: bool,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
enum CommandLine {
    /// Write the lists of public items of the libraries that `test` compares
    Api,
    /// Measure the driver beside others; nothing is asserted about time
    Bench(bench::Options),
    /// Build the book with mdBook, and look every link in it up; the last line is the path of its first page
    Book,
    /// Boot the bare-metal image under QEMU: list every PCI function, exercise it by DMA, report
    Boot(boot::Options),
    /// Put known defects back, one at a time, and show what catches each
    Defects(defects::Options),
    /// Dump Linux guests with and without the driver, and compare the walks of `zpci` and of drgn in the dumps
    Dump(linux::DumpOptions),
    /// Put the driver into a kernel tree, or take it out again
    Integrate(integrate::Options),
    /// Build a Linux kernel, boot it in several ways with our test programs, and judge what they found
    Linux(linux::Options),
    /// Build the Linux kernel in many configurations, boot those that can be, and print a table; takes a quarter of an hour each
    Matrix(linux::MatrixOptions),
    /// Pass functions through a Linux guest and an unmodified QEMU in it to a guest in that guest, and print a table
    Nested(nested::Options),
    /// Build the command `zpci` for Linux on s390x, static; the last line is its path
    Program(program::Options),
    /// Make Debian packages of a Linux kernel with the driver, to be tried on a machine; takes an hour and more
    Package(linux::PackageOptions),
    /// Write series of patches for the kernel's maintainers, each checked and built: fixes, CLP's parser in Rust, user API
    Series(upstream::Options),
    /// Build QEMU with its PCI instructions answered by the crates, boot the same on it and on QEMU as it is, and compare
    Vmm(vmm::Options),
    /// Run every check: sources, lints, host tests, the kernel object, the boots; what CI runs
    Test(test::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            progress::print_error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Runs one command and returns whether what it found is good.
fn run(arguments: Arguments) -> Result<bool> {
    let mut workspace = Workspace::find()?;
    workspace.no_install = arguments.no_install;
    match arguments.command {
        CommandLine::Api => test::write_public_api(&workspace),
        CommandLine::Bench(options) => bench::run(&workspace, &options),
        CommandLine::Book => book::run(&workspace),
        CommandLine::Boot(options) => boot::run(&workspace, options),
        CommandLine::Defects(options) => defects::run(&workspace, &options),
        CommandLine::Dump(options) => linux::run_dump(&workspace, &options),
        CommandLine::Integrate(options) => integrate::run(&workspace, &options),
        CommandLine::Linux(options) => linux::run(&workspace, &options),
        CommandLine::Matrix(options) => linux::run_matrix(&workspace, &options),
        CommandLine::Nested(options) => nested::run(&workspace, &options),
        CommandLine::Program(options) => program::run(&workspace, &options),
        CommandLine::Package(options) => linux::run_package(&workspace, &options),
        CommandLine::Series(options) => upstream::run(&workspace, &options),
        CommandLine::Vmm(options) => vmm::run(&workspace, &options),
        CommandLine::Test(options) => test::run(workspace, &options),
    }
}
