// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! An exchange as others are shown it.

use std::fmt::Write;

use clp::{Block, ResponseCode, REQUEST_HEADER};
use serde_json::{json, Value};

use super::comment::comment;
use super::mask::{mask, Masked};
use super::{Exchange, StandIns, Wrong};
use crate::decode::{decode, Kind};
use crate::input::{block_heading, Input};
use crate::render;
use crate::report::Report;

/// Errors of one block that are told.
const TOLD: usize = 100;

/// What nothing else needs an answer to: QEMU does not know store logical-processor characteristics.
const UNNEEDED: &str = "slpc";

/// An exchange as others are shown it: what was asked and answered in a line, what is wrong with it, and the block.
///
/// All of it is made of the bytes that are shown: where identifiers are replaced, none is left in a heading or an error.
#[derive(Clone, Debug)]
pub struct Transcript {
    report: Report,
    heading: String,
    /// The block; `None` if there is none, or none that may be shown.
    bytes: Option<Vec<u8>>,
    is_masked: bool,
    capacity: Option<u16>,
    condition: Option<u8>,
    program_check: Option<u16>,
    /// Why the command did not reach the machine.
    refusal: Option<String>,
    errors: Vec<String>,
    notes: Vec<String>,
}

impl Transcript {
    /// What is shown of `exchange`: as it is, or with `stand_ins` in the place of identifiers.
    ///
    /// If identifiers are to be replaced, a block of a command without a table, or whose request has a length that its command
    /// has not, is not shown, since nobody knows where they are.
    pub fn new(exchange: &Exchange, mut stand_ins: Option<&mut StandIns>) -> Self {
        let is_masked = stand_ins.is_some();
        let mut bytes = exchange.bytes.clone();
        let masked = stand_ins.as_mut().map_or(Ok(Masked::default()), |all| mask(&mut bytes, all));
        let wrong = match (&exchange.wrong, stand_ins) {
            (Some(wrong), Some(all)) => Some(all.wrong(wrong)),
            (wrong, _) => wrong.clone(),
        };
        let mut shown = Self {
            report: Report { kind: "clp", ..Report::default() },
            heading: "no command".to_owned(),
            bytes: None,
            is_masked,
            capacity: exchange.capacity,
            condition: exchange.condition,
            program_check: exchange.program_check,
            refusal: match &wrong {
                Some(Wrong::System(why)) => Some(why.clone()),
                _ => None,
            },
            errors: Vec::new(),
            notes: exchange.notes.clone(),
        };
        let mut taken = Vec::new();
        match masked {
            // A command that was not issued has no block.
            _ if bytes.is_empty() => {}
            Err(why) => {
                shown.heading = "a block that is left out".to_owned();
                shown.errors.push(format!("identifiers cannot be replaced: {why}"));
            }
            Ok(masked) => {
                taken = masked.errors;
                shown.add_block(bytes, &masked.doubts);
            }
        }
        match wrong {
            Some(Wrong::System(error)) if shown.report.kind == UNNEEDED => shown.notes.push(error),
            Some(Wrong::System(error)) => shown.errors.push(error),
            Some(Wrong::Client(error)) if shown.errors.is_empty() && !shown.report.is_refused => {
                shown.errors.push(error.to_string());
            }
            _ => {}
        }
        shown.errors.extend(taken);
        shown
    }

    /// Adds the block, and what is to be said of it.
    fn add_block(&mut self, bytes: Vec<u8>, doubts: &[String]) {
        let (condition, program_check) = (self.condition, self.program_check);
        let mut input = Input { name: "block".to_owned(), bytes, condition, program_check, ..Input::default() };
        match decode(&mut input, Some(Kind::Clp), None) {
            Ok(report) => self.report = report,
            Err(error) => self.errors.push(error),
        }
        self.heading = self.heading();
        let report = &self.report;
        if report.is_refused {
            match report.kind {
                UNNEEDED => self.notes.push(format!("{}; a machine need not have this command", report.headline)),
                _ => self.errors.push(report.headline.clone()),
            }
        }
        self.errors.extend(report.problems.iter().take(TOLD).map(|problem| problem.text.clone()));
        match report.problems.len().saturating_sub(TOLD) {
            0 => {}
            more => self.errors.push(format!("{more} more of these")),
        }
        if let Some((length, capacity)) = self.stored_length(&input.bytes).zip(self.capacity) {
            if length > u64::from(capacity) {
                self.notes.push(format!("the response says that it has {length} bytes, with a capacity of {capacity}"));
            }
        }
        if self.is_masked && (!doubts.is_empty() || !report.problems.is_empty()) {
            let doubts: String = doubts.iter().map(|doubt| format!("; {doubt}")).collect();
            self.notes.push(format!(
                "identifiers are replaced where the tables of the command have them, though this block is not as they \
                 say: look at it before you send it{doubts}"
            ));
        }
        self.bytes = Some(input.bytes);
    }

    /// The length in the response.
    fn stored_length(&self, bytes: &[u8]) -> Option<u64> {
        let number = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map(|it| u16::from_be_bytes(*it));
        Some(u64::from(number(usize::from(number(0)?))?))
    }

    /// What was asked and answered, in a line.
    fn heading(&self) -> String {
        let report = &self.report;
        let mut text = report.title.clone();
        let request = report.sections.iter().find(|section| section.name == "request");
        let operands = request.into_iter().flat_map(|section| &section.rows);
        for row in operands.filter(|row| row.offset >= REQUEST_HEADER.size && !row.is_reserved) {
            let digits: String = row.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = write!(text, ", {} 0x{digits}", row.name);
        }
        if let Some(capacity) = self.capacity {
            let _ = write!(text, ", capacity {capacity} bytes");
        }
        let outcome = match (self.program_check, self.condition, report.response_code) {
            _ if self.refusal.is_some() => {
                format!("not executed: {}", self.refusal.as_deref().unwrap_or_default())
            }
            (Some(code), _, _) => format!("not executed, program check {code:#06x}"),
            (_, Some(code @ 1..), _) => format!("not executed, condition code {code}"),
            (_, _, None) => "no response code".to_owned(),
            (_, _, Some(code)) => {
                let name = ResponseCode(code).name().unwrap_or("which is no known code");
                format!("response code {code:#06x}, {name}")
            }
        };
        format!("{text}: {outcome}")
    }

    /// Whether the command was carried out and its answer is decoded, with no rule broken; that a machine does not know its
    /// characteristics is no fault.
    pub fn is_good(&self) -> bool {
        self.errors.is_empty()
    }

    /// The block with the number `number` as text, which is read again by [`Input::read_each`].
    pub fn text(&self, number: usize) -> String {
        let mut text = comment(&format!("{}{}", block_heading(number), self.heading));
        self.errors.iter().for_each(|error| text.push_str(&comment(&format!("error: {error}"))));
        self.notes.iter().for_each(|note| text.push_str(&comment(&format!("note: {note}"))));
        let Some(bytes) = &self.bytes else {
            return text;
        };
        let is_page = bytes.len() == Block::SIZE;
        let said = match (is_page, self.is_masked) {
            (true, true) => "Behind the last row, rows of zeros are left out. Identifiers are replaced.",
            (true, false) => "Behind the last row, rows of zeros are left out.",
            (false, true) => "Identifiers are replaced.",
            (false, false) => "",
        };
        if !said.is_empty() {
            text.push_str(&comment(said));
        }
        if let Some(code) = self.condition {
            let _ = writeln!(text, "cc {code}");
        }
        if let Some(code) = self.program_check {
            let _ = writeln!(text, "program check {code:#06x}");
        }
        // Of another length, all that there is: who reads it takes no zeros for the rest.
        let shown = if is_page { render::without_zeros_at_the_end(bytes) } else { bytes };
        text.push_str(&render::rows(shown));
        text
    }

    /// The block as an element of `blocks` in the schema `zpci-blocks/1`.
    pub fn json(&self) -> Value {
        let digits = |bytes: &Vec<u8>| {
            let shown = if bytes.len() == Block::SIZE { render::without_zeros_at_the_end(bytes) } else { bytes };
            shown.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        json!({
            "kind": self.report.kind,
            "text": self.heading,
            "ok": self.is_good(),
            "capacity": self.capacity,
            "condition_code": self.condition,
            "response_code": self.report.response_code.map(|code| format!("{code:#06x}")),
            "length": self.bytes.as_ref().map(Vec::len),
            "bytes": self.bytes.as_ref().map(digits),
            "errors": self.errors,
            "notes": self.notes,
        })
    }
}
