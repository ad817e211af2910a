// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is printed of blocks, and what is read of that.

use std::ffi::OsString;

use clp::Clp;
use zpci::blocks::{Exchange, StandIns, Transcript};
use zpci::input::{Input, Reading};

use crate::machine::exchanges;

pub(crate) fn transcripts(exchanges: &[Exchange], mut stand_ins: Option<StandIns>) -> Vec<Transcript> {
    exchanges.iter().map(|exchange| Transcript::new(exchange, stand_ins.as_mut())).collect()
}

/// What is printed, with each comment on one line.
pub(crate) fn text(transcripts: &[Transcript]) -> String {
    printed(transcripts).replace("\n#   ", " ")
}

/// What is printed.
pub(crate) fn printed(transcripts: &[Transcript]) -> String {
    let printed: String = (1..).zip(transcripts).map(|(number, transcript)| transcript.text(number)).collect();
    assert!(printed.lines().all(|line| line.len() < 72), "{printed}");
    printed
}

pub(crate) fn masked(machine: &impl Clp) -> String {
    text(&transcripts(&exchanges(machine), Some(StandIns::default())))
}

/// The headings, without the numbers of blocks.
pub(crate) fn headings(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.starts_with("# block "));
    lines.map(|line| line.split_once(": ").unwrap().1).collect()
}

pub(crate) fn errors(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# error: ")).collect()
}

pub(crate) fn notes(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# note: ")).collect()
}

pub(crate) fn read(text: &str) -> Vec<Input> {
    Input::parse_each("-", text.as_bytes().to_vec(), &Reading::default()).unwrap()
}

pub(crate) fn run(words: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = zpci::run(["zpci"].iter().chain(words).map(OsString::from), &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

pub(crate) fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    file
}

/// The block behind the heading with the number `number`.
pub(crate) fn block(text: &str, number: usize) -> String {
    let start = text.find(&format!("# block {number}: ")).unwrap();
    let end = text[start + 1..].find("# block ").map_or(text.len(), |end| start + 1 + end);
    text[start..end].to_owned()
}
