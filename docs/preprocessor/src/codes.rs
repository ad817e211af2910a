// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Codes that have a name, as tables.

use std::fmt::Write;

use clp::set_pci_fn::Operation;
use clp::{CommandCode, FunctionType, ResponseCode};
use s390_iommu::{EventCode, Severity};

/// The table of the codes called `name`.
pub(crate) fn table(name: &str) -> Option<String> {
    let rows: Vec<(String, String)> = match name {
        "commands" => named(0..=u16::MAX, 4, |code| CommandCode(code).name().map(str::to_owned)),
        "responses" => named(0..=u16::MAX, 4, |code| ResponseCode(code).name().map(str::to_owned)),
        "operations" => named(0..=0xff, 2, |code| Operation(code as u8).name().map(str::to_owned)),
        "types" => named(0..=0xff, 2, |code| FunctionType(code as u8).name().map(str::to_owned)),
        "events" => named(0..=u16::MAX, 4, event),
        _ => return None,
    };
    let mut text = String::from("| code | meaning |\n|---|---|\n");
    for (code, meaning) in rows {
        let _ = writeln!(text, "| {code} | {meaning} |");
    }
    Some(text)
}

fn named(
    codes: impl Iterator<Item = u16>,
    digits: usize,
    name: impl Fn(u16) -> Option<String>,
) -> Vec<(String, String)> {
    let width = digits + 2;
    codes.filter_map(|code| Some((format!("{code:#0width$x}"), name(code)?))).collect()
}

fn event(code: u16) -> Option<String> {
    let code = EventCode(code);
    let leaves = match code.severity() {
        Severity::Notice => "the function goes on",
        Severity::Recoverable => "until it is reset",
        Severity::Permanent => "for good",
    };
    Some(format!("{}; {leaves}", code.meaning()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_with_a_name_is_a_row() {
        let responses = table("responses").unwrap();
        assert!(responses.contains("| 0x0010 | OK |\n"), "{responses}");
        assert_eq!(responses.lines().count(), 2 + 19, "{responses}");
        assert_eq!(table("operations").unwrap().lines().count(), 2 + 4);
        assert!(table("types").unwrap().contains("| 0x0b | NVMe |"));
        assert!(table("events").unwrap().contains("| 0x0002 | "));
        assert_eq!(table("no such"), None);
    }
}
