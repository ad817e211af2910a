// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A private state directory of apt: own sources, own package lists, own cache; the system's are not touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

use super::source::Source;
use crate::progress::Step;
use crate::workspace::Workspace;

/// The file of options in a state.
const OPTIONS: &str = "apt.conf";

/// Apt with sources of ours.
#[derive(Debug)]
pub(crate) struct State {
    directory: PathBuf,
    architecture: Option<&'static str>,
}

impl State {
    /// Creates the state called `name` for `sources`, each in a file named by its index.
    pub(crate) fn create(workspace: &Workspace, name: &str, sources: &[Source]) -> Result<Self> {
        let directory = workspace.directory(Path::new("apt").join(name))?;
        let state = Self { directory, architecture: None };
        let parts = state.directory.join("sources");
        if parts.exists() {
            fs::remove_dir_all(&parts)?;
        }
        for directory in
            [parts.clone(), state.directory.join("lists/partial"), state.directory.join("cache/archives/partial")]
        {
            fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        }
        fs::write(state.directory.join(OPTIONS), state.options())?;
        for (index, source) in sources.iter().enumerate() {
            fs::write(parts.join(format!("{index}.{}", source.extension())), source.to_string())?;
        }
        Ok(state)
    }

    /// The same for packages of another architecture than this machine's.
    pub(crate) fn of_architecture(self, architecture: Option<&'static str>) -> Self {
        Self { architecture, ..self }
    }

    /// `program` of the apt family, working on this state.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", self.directory.join(OPTIONS)).env("LC_ALL", "C.UTF-8");
        if let Some(architecture) = self.architecture {
            command.args(["-o", &format!("APT::Architecture={architecture}")]);
            command.args(["-o", &format!("APT::Architectures={architecture}")]);
        }
        command
    }

    /// What apt is told by the file of options; the rest is the machine's own configuration.
    fn options(&self) -> String {
        let directory = self.directory.display();
        format!(
            "Dir::Etc::sourcelist \"/dev/null\";\n\
             Dir::Etc::sourceparts \"{directory}/sources\";\n\
             Dir::State::lists \"{directory}/lists\";\n\
             Dir::Cache \"{directory}/cache\";\n\
             // The directory belongs to whoever runs this, whom the unprivileged user of apt may not be able to follow.\n\
             APT::Sandbox::User \"root\";\n\
             Acquire::Languages \"none\";\n\
             Acquire::IndexTargets::deb::DEP-11::DefaultEnabled \"false\";\n\
             Acquire::Retries \"3\";\n\
             DPkg::Lock::Timeout \"120\";\n"
        )
    }

    /// Fetches the package lists.
    pub(crate) fn update(&self, step: &Step) -> Result<()> {
        step.run(self.command("apt-get").arg("update")).map(drop)
    }

    /// What apt knows of the archives behind the sources it could read.
    pub(crate) fn releases(&self) -> Result<Vec<Release>> {
        let format = "$(SOURCESENTRY)|$(LABEL)|$(CODENAME)";
        let output =
            self.command("apt-get").args(["indextargets", "--format", format, "Created-By: Packages"]).output()?;
        ensure!(output.status.success(), "apt-get indextargets failed:\n{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(Release::parse).collect())
    }

    /// The versions of `package` on offer, the newest first.
    pub(crate) fn versions(&self, package: &str) -> Result<Vec<String>> {
        let output = self.command("apt-cache").args(["madison", package]).output()?;
        ensure!(output.status.success(), "apt-cache madison failed:\n{}", String::from_utf8_lossy(&output.stderr));
        Ok(parse_madison(&String::from_utf8_lossy(&output.stdout), "Packages"))
    }

    /// The versions of the source of `package` on offer, the newest first.
    pub(crate) fn source_versions(&self, package: &str) -> Result<Vec<String>> {
        let output = self.command("apt-cache").args(["madison", package]).output()?;
        ensure!(output.status.success(), "apt-cache madison failed:\n{}", String::from_utf8_lossy(&output.stderr));
        Ok(parse_madison(&String::from_utf8_lossy(&output.stdout), "Sources"))
    }

    /// Fetches the source of `package` as it was before Debian's changes, and returns the archive.
    ///
    /// An archive keeps that of an older version longer than the changes.
    pub(crate) fn download_original(&self, step: &Step, package: &str, version: &str) -> Result<PathBuf> {
        let sources = self.directory.join("sources-of-packages");
        fs::create_dir_all(&sources)?;
        let mut command = self.command("apt-get");
        command.args(["source", "--download-only", "--tar-only"]).arg(format!("{package}={version}"));
        step.run(command.current_dir(&sources))?;
        let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
        let upstream = upstream.rsplit_once('-').map_or(upstream, |(upstream, _)| upstream);
        let start = format!("{package}_{upstream}.orig.tar.");
        for entry in fs::read_dir(&sources)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&start) {
                return Ok(entry.path());
            }
        }
        bail!("apt-get fetched the source of {package} {version}, but there is no {start}* in {}", sources.display())
    }

    /// Fetches one package and returns its file.
    pub(crate) fn download(&self, step: &Step, package: &str, version: &str) -> Result<PathBuf> {
        let debs = self.directory.join("packages");
        fs::create_dir_all(&debs)?;
        let mut command = self.command("apt-get");
        step.run(command.arg("download").arg(format!("{package}={version}")).current_dir(&debs))?;
        // Apt writes the colon of an epoch as %3a.
        let start = format!("{package}_{}_", version.replace(':', "%3a"));
        for entry in fs::read_dir(&debs)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(&start) && name.to_string_lossy().ends_with(".deb") {
                return Ok(entry.path());
            }
        }
        bail!("apt-get downloaded {package} {version}, but there is no {start}*.deb in {}", debs.display())
    }

    /// Removes what was fetched for [`State::download_whole`], so that it returns nothing of an older version.
    pub(crate) fn forget_archives(&self) -> Result<()> {
        let archives = self.directory.join("cache/archives");
        fs::remove_dir_all(&archives).with_context(|| format!("cannot remove {}", archives.display()))?;
        fs::create_dir_all(archives.join("partial")).with_context(|| format!("cannot create {}", archives.display()))
    }

    /// Fetches `packages` in one version, with everything that they depend on, as for a machine that has nothing; the
    /// dependencies come from `suite` where it has them.
    pub(crate) fn download_whole(
        &self,
        step: &Step,
        packages: &[&str],
        version: &str,
        suite: &str,
    ) -> Result<Vec<PathBuf>> {
        let archives = self.directory.join("cache/archives");
        let mut command = self.command("apt-get");
        command.args(["-o", "Dir::State::status=/dev/null", "-t", suite]);
        command.args(["install", "--download-only", "--yes", "--no-install-recommends"]);
        step.run(command.args(packages.iter().map(|package| format!("{package}={version}"))))?;
        let entries = fs::read_dir(&archives).with_context(|| format!("cannot read {}", archives.display()))?;
        let mut debs = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        debs.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
        ensure!(debs.len() >= packages.len(), "apt-get downloaded nothing to {}", archives.display());
        debs.sort();
        Ok(debs)
    }
}

/// The archive behind a source, as its Release file describes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Release {
    /// Index of the source.
    pub(crate) source: usize,
    /// Who made the archive: `Debian`, `Debian-Security`, `Debian Backports`.
    pub(crate) label: String,
    /// Name of the suite that does not move: `bookworm`, `bookworm-security`.
    pub(crate) codename: String,
}

impl Release {
    /// Reads `/path/INDEX.sources:1|label|codename`.
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split('|');
        let (entry, label, codename) = (parts.next()?, parts.next()?, parts.next()?);
        let index = Path::new(entry).file_name()?.to_str()?.split('.').next()?;
        // Apt leaves a name unexpanded when it has no Release file.
        let known = !label.starts_with("$(") && !codename.starts_with("$(");
        let release = Self { source: index.parse().ok()?, label: label.to_owned(), codename: codename.to_owned() };
        known.then_some(release)
    }
}

/// Reads the second column of `package | version | where`.
fn parse_madison(text: &str, kind: &str) -> Vec<String> {
    let mut versions: Vec<String> = Vec::new();
    for version in text.lines().filter(|line| line.ends_with(kind)).filter_map(|line| line.split('|').nth(1)) {
        let version = version.trim().to_owned();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_matched_to_their_sources() {
        let known = Release::parse("/somewhere/sources/12.sources:1|Debian|bookworm").unwrap();
        assert_eq!(known, Release { source: 12, label: "Debian".into(), codename: "bookworm".into() });
        assert_eq!(Release::parse("/somewhere/sources/0.list:1|$(LABEL)|$(CODENAME)"), None);
    }

    #[test]
    fn madison_lists_versions_once() {
        let text = "  rust-src | 1.95.0+dfsg1-2 | file:/archive/debian trixie-backports/main amd64 Packages
  rust-src | 1.95.0+dfsg1-2 | file:/archive/debian other/main amd64 Packages
  rust-src | 1.63.0+dfsg1-2 | file:/archive/debian bookworm/main Sources
  rust-src | 1.63.0+dfsg1-1 | file:/archive/debian bookworm/main amd64 Packages
";
        assert_eq!(parse_madison(text, "Packages"), ["1.95.0+dfsg1-2", "1.63.0+dfsg1-1"]);
        assert_eq!(parse_madison(text, "Sources"), ["1.63.0+dfsg1-2"]);
    }
}
