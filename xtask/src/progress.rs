// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Steps a person can watch: a moving line on a terminal, two plain lines in a log, everything when it fails.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// Lines of output an error carries; the rest is what a person would scroll past.
const LINES_IN_ERROR: usize = 200;

/// A child process that does not outlive its owner.
#[derive(Debug)]
pub(crate) struct Kept(pub(crate) Child);

impl Drop for Kept {
    fn drop(&mut self) {
        // Both fail only when the process has ended and was waited for, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Which of its two outputs a process wrote a line to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Starts `command` without input, gives every line it writes to `line`, and waits for its end.
///
/// `None` when `limit` passed first; the process has then been killed.
pub(crate) fn follow(
    command: &mut Command,
    limit: Option<Duration>,
    mut line: impl FnMut(Stream, &str),
) -> Result<Option<ExitStatus>> {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map(Kept)
        .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    let (sender, receiver) = mpsc::channel();
    let readers = [
        child.0.stdout.take().map(|pipe| spawn_reader(pipe, Stream::Output, sender.clone())),
        child.0.stderr.take().map(|pipe| spawn_reader(pipe, Stream::Error, sender)),
    ];
    loop {
        let received = match limit.map(|limit| limit.saturating_sub(started.elapsed())) {
            Some(left) => receiver.recv_timeout(left),
            None => receiver.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
        };
        match received {
            Ok((stream, text)) => line(stream, &text),
            Err(mpsc::RecvTimeoutError::Timeout) => return Ok(None),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    for reader in readers.into_iter().flatten() {
        let _ = reader.join();
    }
    // Both outputs are closed; the end follows at once unless the process closed them on purpose.
    loop {
        if let Some(status) = child.0.try_wait()? {
            return Ok(Some(status));
        }
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Sends every line of `pipe`, without its line end and whatever its encoding.
fn spawn_reader(
    pipe: impl Read + Send + 'static,
    stream: Stream,
    sender: mpsc::Sender<(Stream, String)>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut bytes), Ok(1..)) {
            let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            if sender.send((stream, text)).is_err() {
                break;
            }
            bytes.clear();
        }
    })
}

/// One step of work, shown until it is done.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    started: Instant,
    bar: ProgressBar,
}

impl Step {
    /// Shows that the step called `name` has begun.
    pub(crate) fn start(name: impl Into<String>) -> Self {
        let name = name.into();
        let bar = ProgressBar::new_spinner();
        if bar.is_hidden() {
            eprintln!("{name} ...");
        } else {
            bar.set_style(
                ProgressStyle::with_template("{spinner} {prefix} [{elapsed}] {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { name, started: Instant::now(), bar }
    }

    /// Shows what the step is at.
    pub(crate) fn at(&self, what: &str) {
        self.bar.set_message(what.trim().to_owned());
    }

    /// Runs `command` to its successful end and returns its standard output.
    ///
    /// # Errors
    ///
    /// The command could not be started or failed; the error holds the command line and the output.
    pub(crate) fn run(&self, command: &mut Command) -> Result<String> {
        self.run_within(command, None)
    }

    /// As [`Step::run`], and an error when it takes longer than `limit`.
    pub(crate) fn run_within(&self, command: &mut Command, limit: Option<Duration>) -> Result<String> {
        let mut output = String::new();
        let mut both = Vec::new();
        let status = follow(command, limit, |stream, line| {
            self.at(line);
            if stream == Stream::Output {
                output.push_str(line);
                output.push('\n');
            }
            both.push(line.to_owned());
        })?;
        let shown = both.get(both.len().saturating_sub(LINES_IN_ERROR)..).unwrap_or_default().join("\n");
        match status {
            Some(status) if status.success() => Ok(output),
            Some(status) => bail!("`{}` failed ({status}):\n{shown}", command_line(command)),
            None => bail!(
                "`{}` took longer than {} s and was ended:\n{shown}",
                command_line(command),
                limit.unwrap_or_default().as_secs()
            ),
        }
    }

    /// Ends the step well, with a word on what came of it.
    pub(crate) fn done(self, result: &str) {
        self.print(result);
    }

    /// Ends the step as `result` says: with `what`, or as one that failed.
    pub(crate) fn end<T, E>(self, what: &str, result: Result<T, E>) -> Result<T, E> {
        match &result {
            Ok(_) => self.done(what),
            Err(_) => self.failed(),
        }
        result
    }

    /// Ends the step badly.
    pub(crate) fn failed(self) {
        self.print("FAILED");
    }

    fn print(&self, result: &str) {
        self.bar.finish_and_clear();
        eprintln!("{}: {result} ({:.1} s)", self.name, self.started.elapsed().as_secs_f64());
    }
}

/// Prints `error` and what led to it, the cause last and complete.
pub(crate) fn print_error(error: &anyhow::Error) {
    for (depth, cause) in error.chain().enumerate() {
        eprintln!("{}: {cause}", if depth == 0 { "error" } else { "because" });
    }
}

/// The command as a person would type it.
pub(crate) fn command_line(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| {
        value.map(|value| format!("{}={}", name.to_string_lossy(), quoted(&value.to_string_lossy())))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    set.chain(words.map(|word| quoted(&word.to_string_lossy()))).collect::<Vec<_>>().join(" ")
}

/// `word` in a form that a shell reads as one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+:,./@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted_into_a_shell() {
        let mut command = Command::new("printf");
        command.args(["%s", "it's", "", "a b"]).env("LC_ALL", "C");
        assert_eq!(command_line(&command), r"LC_ALL=C printf %s 'it'\''s' '' 'a b'");
    }

    #[test]
    fn a_failing_command_is_reported_with_its_output() {
        let step = Step::start("test");
        let error =
            step.run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("out") && error.contains("err"), "{error}");
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let started = Instant::now();
        let step = Step::start("test");
        let limit = Some(Duration::from_millis(300));
        let error = step.run_within(Command::new("sleep").arg("60"), limit).unwrap_err().to_string();
        assert!(error.contains("took longer"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}
