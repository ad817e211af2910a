// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The book: built by mdBook with what the sources have, beside it the documentation of the crates and the files that it
//! links to, and every link in it looked up.

mod files;
mod links;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::core_library::{CoreLibrary, TARGET};
use crate::progress::Step;
use crate::workspace::Workspace;

/// The version of mdBook, which the preprocessor is written for.
const MDBOOK: &str = "0.5.4";

/// Where the book is, below the target directory.
const BOOK: &str = "book";

/// What `cargo doc` builds into, below our directory; the list of public items does too.
pub(crate) const DOCUMENTATION: &str = "rustdoc";

/// What came of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Book {
    /// Its first page.
    pub(crate) index: PathBuf,
    /// Links that lead somewhere, all of them.
    pub(crate) links: usize,
}

/// Builds the book and says where it is.
pub(crate) fn run(workspace: &Workspace) -> Result<bool> {
    let core = CoreLibrary::obtain(workspace)?;
    let book = build(workspace, &core)?;
    println!("{}", book.index.display());
    Ok(true)
}

/// Builds the book.
///
/// # Errors
///
/// mdBook cannot be installed or refuses the book, a crate's documentation has a warning, or a link leads nowhere: the
/// error has all of these.
pub(crate) fn build(workspace: &Workspace, core: &CoreLibrary) -> Result<Book> {
    let mdbook = mdbook(workspace)?;
    let book = workspace.target.join(BOOK);
    if book.exists() {
        fs::remove_dir_all(&book)?;
    }
    let step = Step::start("The book");
    let result = build_with(workspace, core, &step, &mdbook, &book);
    step.end("built", result)
}

fn build_with(workspace: &Workspace, core: &CoreLibrary, step: &Step, mdbook: &Path, book: &Path) -> Result<Book> {
    // First, so that the preprocessor is there when mdBook asks for it, and says what it is doing.
    step.run(workspace.cargo().args(["build", "--package", "zpci-book"]))?;
    let mut command = Command::new(mdbook);
    command.current_dir(&workspace.root).arg("build").arg(workspace.root.join("docs")).arg("--dest-dir").arg(book);
    step.run(&mut command)?;
    step.at("the documentation of the crates");
    let documentation = document(workspace, core, step)?;
    copy(&documentation, &book.join("doc"))?;
    step.at("the files that it links to");
    files::write(workspace, &book.join("source"))?;
    step.at("looking its links up");
    let links = links::check(book)?;
    Ok(Book { index: book.join("index.html"), links })
}

/// Installs mdBook below the target directory, if that was not done, and returns the program.
fn mdbook(workspace: &Workspace) -> Result<PathBuf> {
    let directory = workspace.directory(format!("mdbook-{MDBOOK}"))?;
    let program = directory.join("bin").join("mdbook");
    if !program.is_file() {
        let step = Step::start(format!("Building mdBook {MDBOOK}, which builds the book, from cargo's registry"));
        let mut command = workspace.cargo();
        // Without a server and its runtime; compiled without optimization, which a book of this size does not feel, and without
        // what a debugger needs.
        command.args(["install", "mdbook", "--version", MDBOOK, "--locked", "--debug"]);
        command.args(["--no-default-features", "--features", "search", "--root"]).arg(&directory);
        command.env("CARGO_PROFILE_DEV_DEBUG", "false");
        let result = step.run(&mut command).map(drop).context("mdBook cannot be installed");
        step.end("installed", result)?;
    }
    Ok(program)
}

/// Documents the libraries for the machine that they are for, and returns where.
fn document(workspace: &Workspace, core: &CoreLibrary, step: &Step) -> Result<PathBuf> {
    let directory = workspace.directory(DOCUMENTATION)?;
    let mut command = workspace.cargo();
    command.args(["doc", "--no-deps", "--lib", "--all-features", "--target-dir"]).arg(&directory);
    for package in workspace.published_libraries() {
        command.args(["--package", &package.name]);
    }
    core.apply(&mut command);
    step.run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(directory.join(TARGET).join("doc"))
}

/// Copies all that is in `from` to `to`.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.path().extension().is_none_or(|extension| extension != "json") {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
