// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Puts known defects back, one at a time, and shows what catches each: a test of the tests.

mod list;

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{ensure, Context, Result};

use crate::progress::follow;
use crate::workspace::{read_text, Workspace};
use list::Defect;

/// What cargo says when no test ran.
const NOT_BUILT: [&str; 3] =
    ["error: could not compile", "error: failed to run custom build command", "error: failed to load manifest"];

/// Which defects to put back.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Only those whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Name them and end
    #[arg(long)]
    list: bool,
}

/// Puts each defect back in a copy of the sources, and returns whether every one was caught.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let chosen: Vec<&Defect> =
        list::all().filter(|defect| options.only.as_ref().is_none_or(|only| defect.name.contains(only))).collect();
    ensure!(!chosen.is_empty(), "there is no such defect: --list names them");
    if options.list {
        for defect in chosen {
            println!("{} ({}): {}", defect.name, defect.finding, defect.file);
        }
        return Ok(true);
    }
    let copy = copy_of_sources(workspace)?;
    let checks: BTreeSet<&[&str]> = chosen.iter().map(|defect| defect.check).collect();
    for check in checks {
        let failed = run_check(workspace, &copy, check)?;
        ensure!(failed.is_none(), "fails without a defect, so that it catches none: cargo {}", check.join(" "));
    }
    let mut missed = 0;
    for defect in &chosen {
        let path = copy.join(defect.file);
        let original = read_text(&path)?;
        let places = original.matches(defect.before).count();
        ensure!(places == 1, "{}: {} has {places} places like\n{}", defect.name, defect.file, defect.before);
        fs::write(&path, original.replace(defect.before, defect.after))?;
        let caught = run_check(workspace, &copy, defect.check).with_context(|| format!("with \"{}\"", defect.name));
        fs::write(&path, original)?;
        match caught? {
            Some(line) => println!("caught  {} ({})\n        {line}", defect.name, defect.finding),
            None => {
                missed += 1;
                println!("MISSED  {} ({}): {}", defect.name, defect.finding, defect.check.join(" "));
            }
        }
    }
    println!("\n{} defects put back, {missed} missed", chosen.len());
    Ok(missed == 0)
}

/// Copies every file that git knows, and no other; what is built there is kept from run to run.
fn copy_of_sources(workspace: &Workspace) -> Result<PathBuf> {
    let copy = workspace.directory("defects/tree")?;
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&workspace.root)
        .output()
        .context("cannot run git, which knows what belongs to the sources")?;
    ensure!(output.status.success(), "git ls-files failed");
    let mut copied = HashSet::new();
    for name in String::from_utf8_lossy(&output.stdout).split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (workspace.root.join(name), copy.join(name));
        let Ok(contents) = fs::read(&from) else { continue };
        if !fs::read(&to).is_ok_and(|there| there == contents) {
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&to, contents).with_context(|| format!("cannot write {}", to.display()))?;
        }
        copied.insert(to);
    }
    remove_others(&copy, &copied)?;
    Ok(copy)
}

/// Removes the files in `directory` that are none of `kept`: a test that was moved would be there twice.
fn remove_others(directory: &Path, kept: &HashSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_others(&entry.path(), kept)?;
        } else if !kept.contains(&entry.path()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Runs `check`; the line that says that something was caught, or `None` if all went well.
fn run_check(workspace: &Workspace, copy: &Path, check: &[&str]) -> Result<Option<String>> {
    let mut command = workspace.cargo();
    command.args(check).current_dir(copy);
    command.env("CARGO_TARGET_DIR", workspace.directory("defects/target")?);
    let mut caught: Option<String> = None;
    let mut built = true;
    let mut errors = Vec::new();
    let status = follow(&mut command, None, |_, line| {
        built &= !NOT_BUILT.iter().any(|message| line.starts_with(message));
        if line.starts_with("error") {
            errors.push(line.to_owned());
        }
        let says =
            ["FAILED", "panicked", "still", "was freed", "reads", "error event", "never told", "for a neighbour"];
        if caught.is_none() && says.iter().any(|word| line.contains(word)) {
            caught = Some(line.trim().to_owned());
        }
    })?;
    ensure!(built, "the sources do not compile:\n{}", errors.join("\n"));
    let failed = status.is_none_or(|status| !status.success());
    Ok(failed.then(|| caught.unwrap_or_else(|| "the check failed".to_owned())))
}
