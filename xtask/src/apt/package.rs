// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Installing packages into the system, and fetching single ones without installing them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{bail, ensure, Context, Result};

use super::source::Source;
use super::sources;
use super::state::State;
use crate::progress::{command_line, Step};
use crate::workspace::Workspace;

/// Debian's releases from the oldest supported one on, by name.
const RELEASES: [&str; 3] = ["bookworm", "trixie", "forky"];

/// A package the system should have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Wanted {
    /// Name of the package.
    pub(crate) name: &'static str,
    /// The oldest version that will do, in Debian's notation; `0` for any.
    pub(crate) minimum: &'static str,
    /// What it is for, in a few words.
    pub(crate) purpose: &'static str,
}

/// Where to look for a package that is only unpacked, so that it need not fit the release of this machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Suites {
    /// This release, its backports, then the later releases and theirs.
    OldestFirst,
    /// The same in the opposite order.
    NewestFirst,
}

/// A package that was fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Deb {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its version in Debian's notation.
    pub(crate) version: String,
    /// The suite it is from.
    pub(crate) suite: String,
}

/// The Debian archives among the sources of this machine.
#[derive(Debug)]
struct Archives {
    /// Name of the release that runs here.
    codename: String,
    /// All of them: the release, its updates, its security fixes, and what else is enabled.
    all: Vec<Source>,
    /// The one that has the release, and therefore every other suite of Debian too.
    main: Source,
}

impl Archives {
    /// Reads the configuration of apt, and the Release files of what it names.
    fn find(workspace: &Workspace, step: &Step) -> Result<Self> {
        let codename = release_codename()?;
        let configured = sources::configured()?;
        ensure!(
            !configured.is_empty(),
            "apt has no sources on this machine; add the archive of Debian {codename} to /etc/apt"
        );
        step.at("reading the package lists of this machine's sources");
        let state = State::create(workspace, "machine", &configured)?;
        // A source of somebody else's that cannot be read is no obstacle.
        let update = state.update(step);
        let releases = state.releases()?;
        let is_debian = |index: usize| releases.iter().any(|r| r.source == index && r.label.starts_with("Debian"));
        let has_release =
            |index: usize| releases.iter().any(|r| r.source == index && r.label == "Debian" && r.codename == codename);
        let pick = |wanted: &dyn Fn(usize) -> bool| -> Vec<Source> {
            configured
                .iter()
                .enumerate()
                .filter(|(index, _)| wanted(*index))
                .map(|(_, source)| source.clone())
                .collect()
        };
        match pick(&has_release).into_iter().next() {
            Some(main) => Ok(Self { codename, all: pick(&is_debian), main }),
            None => {
                update?;
                bail!("none of apt's sources is the archive of Debian {codename}")
            }
        }
    }

    /// The names of the suites that may have a package which need not fit this machine.
    fn suites(&self, order: Suites) -> Vec<String> {
        suites_from(&self.codename, order)
    }
}

fn suites_from(codename: &str, order: Suites) -> Vec<String> {
    let later =
        RELEASES.iter().position(|name| *name == codename).map_or(&[][..], |at| RELEASES.get(at + 1..).unwrap_or(&[]));
    let releases = std::iter::once(&codename).chain(later);
    let mut suites: Vec<String> = releases.flat_map(|name| [(*name).to_owned(), format!("{name}-backports")]).collect();
    suites.push("sid".to_owned());
    if order == Suites::NewestFirst {
        suites.reverse();
    }
    suites
}

/// Installs `packages`, from the backports of this release where the release has none or too old ones.
///
/// # Errors
///
/// Without the right to install, the error is the command that someone who has it should run.
pub(crate) fn install(workspace: &Workspace, packages: &[Wanted]) -> Result<()> {
    let names = packages.iter().map(|package| package.name).collect::<Vec<_>>().join(" ");
    eprintln!("missing on this machine, packages of Debian:");
    packages.iter().for_each(|package| eprintln!("  {:27} {}", package.name, package.purpose));
    let what = if workspace.no_install { "Looking for" } else { "Installing" };
    let step = Step::start(format!("{what} {names}"));
    let result = install_with(workspace, &step, packages).with_context(|| format!("missing on this machine: {names}"));
    step.end("installed", result)
}

fn install_with(workspace: &Workspace, step: &Step, packages: &[Wanted]) -> Result<()> {
    let archives = Archives::find(workspace, step)?;
    let backports = format!("{}-backports", archives.codename);
    let release = State::create(workspace, &archives.codename, &archives.all)?;
    release.update(step)?;
    let mut commands = Vec::new();
    let (in_release, not_in_release) = split(&release, packages)?;
    if !in_release.is_empty() {
        commands.push(install_command(&release, &in_release, None));
    }
    if !not_in_release.is_empty() {
        let mut sources = archives.all.clone();
        sources.push(archives.main.with_suite(&backports));
        let with_backports = State::create(workspace, &backports, &sources)?;
        with_backports.update(step)?;
        let (found, absent) = split(&with_backports, &not_in_release)?;
        let list = |packages: &[Wanted]| {
            packages.iter().map(|p| format!("{} >= {}", p.name, p.minimum)).collect::<Vec<_>>().join(", ")
        };
        ensure!(absent.is_empty(), "neither {} nor {backports} has {}", archives.codename, list(&absent));
        commands.push(install_command(&with_backports, &found, Some(&backports)));
    }
    let prefix = privilege().filter(|_| !workspace.no_install);
    for command in &commands {
        let Some(prefix) = prefix else { bail!("{}", refusal(workspace.no_install, &commands)) };
        step.run(&mut with_prefix(prefix, command))?;
    }
    Ok(())
}

/// Why nothing is installed, with the one command that would do it.
fn refusal(no_install: bool, commands: &[Command]) -> String {
    let why = if no_install { "nothing is installed, as --no-install says" } else { "installing needs root" };
    let line = commands.iter().map(command_line).collect::<Vec<_>>().join(" && ");
    format!("{why}; run this as root, then repeat:\n  {line}")
}

/// Which of `packages` `state` has in a version that will do, and which it has not.
fn split(state: &State, packages: &[Wanted]) -> Result<(Vec<Wanted>, Vec<Wanted>)> {
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for package in packages {
        let versions = state.versions(package.name)?;
        let will_do = versions.iter().any(|version| at_least(version, package.minimum));
        if will_do { &mut found } else { &mut absent }.push(*package);
    }
    Ok((found, absent))
}

/// Whether this machine has `package` in a version that will do.
pub(crate) fn is_installed(package: &Wanted) -> bool {
    let query = ["--show", "--showformat=${db:Status-Status} ${Version}"];
    let output = Command::new("dpkg-query").args(query).arg(package.name).output();
    output.is_ok_and(|output| {
        let said = String::from_utf8_lossy(&output.stdout);
        said.strip_prefix("installed ").is_some_and(|version| at_least(version, package.minimum))
    })
}

/// Whether `version` is `minimum` or newer, as dpkg orders versions.
fn at_least(version: &str, minimum: &str) -> bool {
    Command::new("dpkg")
        .args(["--compare-versions", version, "ge", minimum])
        .status()
        .is_ok_and(|status| status.success())
}

fn install_command(state: &State, packages: &[Wanted], suite: Option<&str>) -> Command {
    let mut command = state.command("apt-get");
    command.args(["install", "--yes", "--no-install-recommends"]);
    if let Some(suite) = suite {
        command.args(["-t", suite]);
    }
    command.args(packages.iter().map(|package| package.name)).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// What to put before a command so that it runs as root, or `None` when it cannot without asking.
fn privilege() -> Option<&'static [&'static str]> {
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        return Some(&[]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    sudo.is_ok_and(|status| status.success()).then_some(&["sudo", "-n"])
}

/// `command` behind `prefix`, its variables set by `env`, since sudo does not pass them on.
fn with_prefix(prefix: &[&str], command: &Command) -> Command {
    let mut words = prefix.iter().copied();
    let mut prefixed = Command::new(words.next().unwrap_or("env"));
    prefixed.args(words);
    if !prefix.is_empty() {
        prefixed.arg("env");
    }
    for (name, value) in command.get_envs() {
        let value = value.unwrap_or_default().to_string_lossy();
        prefixed.arg(format!("{}={value}", name.to_string_lossy()));
    }
    prefixed.arg(command.get_program()).args(command.get_args());
    prefixed
}

/// Fetches the first version of `package` that `accept` takes, in the order of `order`, without installing it.
///
/// # Errors
///
/// No suite has such a version; the error lists what each has.
pub(crate) fn download(
    workspace: &Workspace,
    step: &Step,
    package: &str,
    accept: impl Fn(&str) -> bool,
    order: Suites,
) -> Result<Deb> {
    download_of(workspace, step, None, package, accept, order)
}

/// The same for packages of `architecture`, as Debian calls it.
///
/// # Errors
///
/// As [`download`].
pub(crate) fn download_of(
    workspace: &Workspace,
    step: &Step,
    architecture: Option<&'static str>,
    package: &str,
    accept: impl Fn(&str) -> bool,
    order: Suites,
) -> Result<Deb> {
    let archives = Archives::find(workspace, step)?;
    let mut seen = Vec::new();
    for suite in archives.suites(order) {
        let name = architecture.map_or_else(|| format!("only-{suite}"), |name| format!("only-{suite}-{name}"));
        let state = State::create(workspace, &name, &[archives.main.with_suite(&suite)])?.of_architecture(architecture);
        step.at(&format!("looking for {package} in {suite}"));
        // Not every release has backports, and the latest ones may not exist yet.
        if let Err(error) = state.update(step) {
            seen.push(format!(
                "{suite}: {}",
                error.to_string().lines().find(|line| line.starts_with("E:")).unwrap_or("unreadable")
            ));
            continue;
        }
        let versions = state.versions(package)?;
        if let Some(version) = versions.iter().find(|version| accept(version)) {
            step.at(&format!("fetching {package} {version} from {suite}"));
            let path = state.download(step, package, version)?;
            return Ok(Deb { path, version: version.clone(), suite });
        }
        seen.push(format!("{suite}: {}", if versions.is_empty() { "none".to_owned() } else { versions.join(", ") }));
    }
    bail!("no suite of Debian has the wanted version of {package}; there are\n  {}", seen.join("\n  "))
}

/// Fetches the source of the first version of `package` that `accept` takes, as it was before Debian's changes, in the order
/// of `order`; returns the archive and the version.
///
/// # Errors
///
/// As [`download`].
pub(crate) fn download_source(
    workspace: &Workspace,
    step: &Step,
    package: &str,
    accept: impl Fn(&str) -> bool,
    order: Suites,
) -> Result<(PathBuf, String)> {
    let archives = Archives::find(workspace, step)?;
    let mut seen = Vec::new();
    for suite in archives.suites(order) {
        let source = archives.main.with_sources_of(&suite);
        let state = State::create(workspace, &format!("sources-{suite}"), &[source])?;
        step.at(&format!("looking for the source of {package} in {suite}"));
        // As in `download_of`.
        if state.update(step).is_err() {
            seen.push(format!("{suite}: unreadable"));
            continue;
        }
        let versions = state.source_versions(package)?;
        if let Some(version) = versions.iter().find(|version| accept(version)) {
            step.at(&format!("fetching the source of {package} {version} from {suite}"));
            return Ok((state.download_original(step, package, version)?, version.clone()));
        }
        seen.push(format!("{suite}: {}", if versions.is_empty() { "none".to_owned() } else { versions.join(", ") }));
    }
    bail!("no suite of Debian has the source of the wanted version of {package}; there are\n  {}", seen.join("\n  "))
}

/// Fetches the first version of `package` from `minimum` on without installing it, beside it `alone` in the same version, and
/// `whole` in the same version with everything that they depend on, whatever of it this machine has.
///
/// # Errors
///
/// No suite has such a version, or one of the others in it; the error lists what each has.
pub(crate) fn download_set(
    workspace: &Workspace,
    step: &Step,
    package: &str,
    minimum: &str,
    alone: &[&str],
    whole: &[&str],
) -> Result<Vec<PathBuf>> {
    first_suite_with(workspace, step, "set", None, (package, minimum), |state, version, suite| {
        let mut debs = state.download_whole(step, whole, version, suite)?;
        for name in [package].iter().chain(alone) {
            debs.push(state.download(step, name, version)?);
        }
        Ok(Ok(debs))
    })
}

/// Fetches the first version of `package` for `architecture` from `minimum` on that can be had with everything that it depends
/// on, without installing anything; returns the version and all files.
///
/// # Errors
///
/// No suite has such a version with all of that; the error lists what each has.
pub(crate) fn download_whole(
    workspace: &Workspace,
    step: &Step,
    architecture: &'static str,
    package: &str,
    minimum: &str,
) -> Result<(String, Vec<PathBuf>)> {
    first_suite_with(workspace, step, "whole", Some(architecture), (package, minimum), |state, version, suite| {
        state.forget_archives()?;
        // A mirror may lack a dependency.
        let debs = state.download_whole(step, &[package], version, suite);
        Ok(debs.map(|debs| (version.to_owned(), debs)))
    })
}

/// Returns what `get` makes of the first suite that has `package` from `minimum` on, given its state, the version and its
/// name. What `get` returns as an error within its result is why the next suite is asked; any other error ends it.
///
/// # Errors
///
/// No suite has such a version that could be got; the error lists what each has.
fn first_suite_with<T>(
    workspace: &Workspace,
    step: &Step,
    purpose: &str,
    architecture: Option<&'static str>,
    (package, minimum): (&str, &str),
    get: impl Fn(&State, &str, &str) -> Result<Result<T>>,
) -> Result<T> {
    let archives = Archives::find(workspace, step)?;
    let mut seen = Vec::new();
    for suite in archives.suites(Suites::OldestFirst) {
        // Backports need the release that they are made for.
        let release = suite.strip_suffix("-backports").unwrap_or(&suite);
        let mut suites = vec![archives.main.with_suite(release)];
        if release != suite {
            suites.push(archives.main.with_suite(&suite));
        }
        let name = [purpose, suite.as_str()].into_iter().chain(architecture).collect::<Vec<_>>().join("-");
        let state = State::create(workspace, &name, &suites)?.of_architecture(architecture);
        step.at(&format!("looking for {package} in {suite}"));
        // As in `download`.
        if state.update(step).is_err() {
            seen.push(format!("{suite}: unreadable"));
            continue;
        }
        let versions = state.versions(package)?;
        let Some(version) = versions.iter().find(|version| at_least(version, minimum)) else {
            seen.push(format!(
                "{suite}: {}",
                if versions.is_empty() { "none".to_owned() } else { versions.join(", ") }
            ));
            continue;
        };
        step.at(&format!("fetching {package} {version} from {suite}"));
        match get(&state, version, &suite)? {
            Ok(got) => return Ok(got),
            Err(error) => seen.push(format!("{suite}: {}", error.to_string().lines().next().unwrap_or_default())),
        }
    }
    let wanted = architecture.map_or_else(String::new, |architecture| format!(" for {architecture}"));
    bail!("no suite of Debian has {package} {minimum} or newer{wanted}; there are\n  {}", seen.join("\n  "))
}

/// The address of Debian's archive that this machine uses.
///
/// # Errors
///
/// No source of apt's is Debian's.
pub(crate) fn archive(workspace: &Workspace, step: &Step) -> Result<String> {
    let archives = Archives::find(workspace, step)?;
    archives.main.uri().map(str::to_owned).context("a source of apt's has no address")
}

/// Unpacks what `deb` has below `member` (a path without leading slash) into `directory`, without installing it.
pub(crate) fn unpack(step: &Step, deb: &Path, member: &str, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    let mut extract = Command::new("dpkg-deb");
    extract.arg("--fsys-tarfile").arg(deb).stdout(Stdio::piped());
    let mut producer = extract.spawn().map(crate::progress::Kept).context("cannot start dpkg-deb")?;
    let archive = producer.0.stdout.take().context("dpkg-deb has no output")?;
    step.at(&format!("unpacking {}", deb.file_name().unwrap_or_default().to_string_lossy()));
    let status = Command::new("tar")
        .args(["--extract", "--no-same-owner", "--directory"])
        .arg(directory)
        .arg(format!("./{member}"))
        .stdin(archive)
        .status()
        .context("cannot start tar")?;
    ensure!(status.success(), "tar could not unpack {member} of {} ({status})", deb.display());
    let status = producer.0.wait()?;
    ensure!(status.success(), "dpkg-deb could not read {} ({status})", deb.display());
    Ok(())
}

/// The name of the Debian release that runs here.
fn release_codename() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    let value = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    value.map(|name| name.trim_matches('"').to_owned()).context("/etc/os-release names no VERSION_CODENAME")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_of_this_release_come_first() {
        let suites = suites_from("trixie", Suites::OldestFirst);
        assert_eq!(suites, ["trixie", "trixie-backports", "forky", "forky-backports", "sid"]);
        assert_eq!(suites_from("bookworm", Suites::NewestFirst).last().map(String::as_str), Some("bookworm"));
        assert_eq!(suites_from("duke", Suites::OldestFirst), ["duke", "duke-backports", "sid"]);
    }

    #[test]
    fn what_is_installed_is_known() {
        let package = |name, minimum| Wanted { name, minimum, purpose: "" };
        assert!(is_installed(&package("dpkg", "1.0")));
        assert!(!is_installed(&package("dpkg", "1000")));
        assert!(!is_installed(&package("no-such-package-of-this-name", "0")));
    }

    #[test]
    fn what_would_be_installed_is_one_command() {
        let command = |name| {
            let mut command = Command::new("apt-get");
            command.args(["install", name]);
            command
        };
        let text = refusal(true, &[command("a"), command("b")]);
        assert_eq!(text.lines().last(), Some("  apt-get install a && apt-get install b"));
        assert!(text.contains("--no-install"), "{text}");
        assert!(refusal(false, &[command("a")]).starts_with("installing needs root"));
    }

    #[test]
    fn sudo_gets_the_variables_through_env() {
        let mut command = Command::new("apt-get");
        command.arg("install").env("DEBIAN_FRONTEND", "noninteractive");
        let line = |prefix| command_line(&with_prefix(prefix, &command));
        assert_eq!(line(&["sudo", "-n"]), "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install");
        assert_eq!(line(&[]), "env DEBIAN_FRONTEND=noninteractive apt-get install");
    }
}
