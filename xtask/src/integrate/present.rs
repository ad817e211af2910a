// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What of the driver is in a tree, of whatever version and however much of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};

use super::manifest::Manifest;
use super::plan::{self, directory, APPLIED, EDITS, PATCHES};
use super::step::Step;
use super::{block, former};
use crate::patch::{Patch, Texts};
use crate::workspace::{read_text, Workspace};

/// What is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Present {
    /// The list of the files, where the version that put them there kept one.
    pub(super) manifest: Option<Manifest>,
    /// The driver's files, without the list.
    pub(super) files: BTreeSet<PathBuf>,
    /// The kernel's files as they are without the driver.
    pub(super) texts: Texts,
    /// Whether there is anything.
    pub(super) is_any: bool,
}

impl Present {
    /// Looks at `tree`.
    ///
    /// # Errors
    ///
    /// The tree has no zPCI; somebody has edited what the driver brought, or the lines that it changed.
    pub(super) fn look(workspace: &Workspace, tree: &Path) -> Result<Self> {
        let mut present = Self::default();
        present.manifest = Manifest::read(tree)?;
        present.files = match &present.manifest {
            Some(manifest) => {
                let edited: Vec<_> = manifest.edited(tree)?.iter().map(|file| file.display().to_string()).collect();
                ensure!(
                    edited.is_empty(),
                    "edited since the driver was put in: {}; undo that, or remove them to go on without the changes",
                    edited.join(", ")
                );
                manifest.files().cloned().collect()
            }
            None => former::files(tree, &plan::files_elsewhere(workspace))?,
        };
        present.is_any = present.manifest.is_some() || tree.join(directory()).exists();
        present.unblock(tree)?;
        present.unpatch(workspace, tree)?;
        if !present.is_any {
            // Files alone may be somebody's who wants one of them.
            present.files.clear();
        }
        Ok(present)
    }

    /// Removes what make has made of the driver's files, and of those that it had.
    pub(super) fn sweep(&self) -> Step {
        Step::Sweep(self.files.iter().cloned().chain(plan::elsewhere()).collect())
    }

    /// Finds the files that have a block.
    fn unblock(&mut self, tree: &Path) -> Result<()> {
        for edit in EDITS {
            let path = tree.join(edit.path);
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} is no kernel tree with zPCI: no {}", tree.display(), edit.path))?;
            let (without, had_one) = block::without(&text).with_context(|| path.display().to_string())?;
            self.is_any |= had_one;
            self.texts.insert(edit.path.into(), without);
        }
        Ok(())
    }

    /// Finds the lines that a patch changed, which may be back already: git restores them and leaves what it does not know,
    /// or the other way round.
    fn unpatch(&mut self, workspace: &Workspace, tree: &Path) -> Result<()> {
        let note = tree.join(directory()).join(APPLIED);
        let patches = if note.is_file() {
            let text = read_text(&note)?;
            vec![Patch::parse_note(&text).with_context(|| note.display().to_string())?]
        } else {
            let patches = PATCHES.iter().map(|patch| Patch::parse(&patch.changes(workspace)?));
            let mut patches = patches.collect::<Result<Vec<_>>>()?;
            patches.retain(|patch| patch.is_begun(tree, &self.texts));
            patches
        };
        for patch in patches.iter().rev() {
            let found =
                patch.take_back(tree, &mut self.texts).context("what the driver changed is not as it left it")?;
            self.is_any |= found > 0;
        }
        Ok(())
    }
}
