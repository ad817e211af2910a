// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! `zpci answer`.

use std::fs;

use clp::responder::{Answer, Responder, SetAction};
use clp::{ConditionCode, FunctionHandle, LogicalProcessor};
use serde_json::json;

use super::{decode::show, named_notes, ReadingOptions};
use crate::decode::{decode, settle_words, Kind};
use crate::description::Guest;
use crate::input::Input;
use crate::{render, Output, Stop, GOOD, WRONG};

/// Options of `zpci answer`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The guest, in JSON of the schema zpci-guest/1
    #[arg(value_name = "GUEST")]
    guest: String,
    /// Blocks with a request and the length of the room for its response, answered one after the other
    #[arg(value_name = "BLOCK", required = true)]
    blocks: Vec<String>,
    /// Logical processor that is asked
    #[arg(long, default_value_t = 2)]
    processor: u8,
    /// Show every field of the answer
    #[arg(short, long)]
    verbose: bool,
    /// Write JSON, of the schema zpci-answer/1
    #[arg(short, long)]
    json: bool,
    /// Write the answered block as text, which zpci reads
    #[arg(long, conflicts_with = "json")]
    hex: bool,
    #[command(flatten)]
    reading: ReadingOptions,
}

pub(crate) fn run(options: &Options, mut output: Output<'_>) -> Result<u8, Stop> {
    let text = fs::read_to_string(&options.guest).map_err(|error| format!("{}: {error}", options.guest))?;
    let guest = Guest::parse(&text).and_then(|guest| guest.machinery());
    let mut guest = guest.map_err(|error| format!("{}: {error}", options.guest))?;
    let mut code = GOOD;
    for (index, name) in options.blocks.iter().enumerate() {
        let mut input = Input::read(name, &options.reading.reading())?;
        settle_words(&mut input, Kind::Clp)?;
        let mut block = input.bytes.clone();
        if input.zeros_follow && block.len() < clp::Block::SIZE {
            block.resize(clp::Block::SIZE, 0);
        }
        let mut changed = None;
        let responder = Responder {
            functions: &guest.functions,
            groups: guest.groups.as_slice(),
            summary: guest.summary,
            characteristics: None,
            rules: guest.rules,
        };
        let handle_of =
            |slot: usize| guest.functions.get(slot).and_then(Option::as_ref).map(|function| function.handle);
        let (condition, written) = match responder.answer(LogicalProcessor(options.processor), &mut block) {
            Answer::OperandException => (None, 0..0),
            Answer::Done(done) => (Some(done.condition), done.written()),
            Answer::Set(request) => {
                // What a VMM does here is done in a moment: the handle gets or loses the enable bit.
                let old = handle_of(request.slot()).map_or(0, |handle| handle.0);
                let new = FunctionHandle(match request.action() {
                    SetAction::Disable => old & !FunctionHandle::ENABLED,
                    _ => old | FunctionHandle::ENABLED,
                });
                changed = Some((request.slot(), new));
                let done = request.confirm(new).map_err(|error| error.to_string())?;
                (Some(done.condition), done.written())
            }
        };
        if let Some((slot, handle)) = changed {
            if let Some(Some(function)) = guest.functions.get_mut(slot) {
                function.handle = handle;
            }
        }
        if condition != Some(ConditionCode::Zero) {
            code = WRONG;
        }
        let outcome = match condition {
            None => "operand exception: the block is not one".to_owned(),
            Some(condition) => format!("{condition}, bytes {:#06x} to {:#06x} written", written.start, written.end),
        };
        let answered = Input { name: name.clone(), bytes: block, notes: input.notes, ..Input::default() };
        let mut decoded = answered.clone();
        let report = decode(&mut decoded, Some(Kind::Clp), None)?;
        if !report.is_good() {
            code = WRONG;
        }
        if options.json {
            let hex: String =
                answered.bytes.get(written.clone()).unwrap_or_default().iter().map(|b| format!("{b:02x}")).collect();
            let value = json!({
                "schema": "zpci-answer/1",
                "condition_code": condition.map(|condition| condition as u8),
                "written": { "offset": written.start, "bytes": hex },
                "block": render::report_json(&report),
            });
            writeln!(output.out, "{value:#}")?;
            continue;
        }
        let blank = if index > 0 { "\n" } else { "" };
        if options.hex {
            write!(output.out, "{blank}{}", hex(&answered.bytes, condition))?;
            for note in named_notes(&answered) {
                writeln!(output.err, "note: {note}")?;
            }
            continue;
        }
        writeln!(output.out, "{blank}{name}: {outcome}")?;
        if condition.is_some() {
            show(&report, Some(&answered), options.verbose, false, &mut output)?;
        }
    }
    Ok(code)
}

/// The block as text.
fn hex(block: &[u8], condition: Option<ConditionCode>) -> String {
    let mut text = "# Answered by zpci; rows of zeros are left out.\n".to_owned();
    if let Some(condition) = condition {
        text.push_str(&format!("cc {}\n", condition as u8));
    }
    text.push_str(&render::rows_without_zeros(block));
    text
}
