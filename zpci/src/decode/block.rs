// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CLP blocks.

use clp::field::Layout;
use clp::set_pci_fn::Operation;
use clp::{
    list_pci, query_pci_fn, query_pci_fngrp, set_pci_fn, slpc, CommandCode, Function, FunctionHandle, ListEntry,
    Received, ResponseCode, REQUEST_HEADER, RESPONSE_HEADER,
};

use super::table::Structure;
use super::text;
use crate::input::Input;
use crate::report::{Report, Row, Section};

/// A command: its names, its structures, the length of its request.
struct Command {
    code: CommandCode,
    kind: &'static str,
    title: &'static str,
    request: &'static Layout,
    response: &'static Layout,
    /// Lengths that a request has.
    lengths: &'static [usize],
}

static COMMANDS: [Command; 5] = [
    Command {
        code: CommandCode::STORE_CHARACTERISTICS,
        kind: "slpc",
        title: "SLPC",
        request: &slpc::REQUEST,
        response: &slpc::RESPONSE,
        lengths: &[16, 32],
    },
    Command {
        code: CommandCode::LIST_PCI,
        kind: "list-pci",
        title: "LIST PCI",
        request: &list_pci::REQUEST,
        response: &list_pci::RESPONSE,
        lengths: &[32],
    },
    Command {
        code: CommandCode::QUERY_PCI_FN,
        kind: "query-pci-fn",
        title: "QUERY PCI FN",
        request: &query_pci_fn::REQUEST,
        response: &query_pci_fn::RESPONSE,
        lengths: &[32],
    },
    Command {
        code: CommandCode::QUERY_PCI_FNGRP,
        kind: "query-pci-fngrp",
        title: "QUERY PCI FNGRP",
        request: &query_pci_fngrp::REQUEST,
        response: &query_pci_fngrp::RESPONSE,
        lengths: &[32],
    },
    Command {
        code: CommandCode::SET_PCI_FN,
        kind: "set-pci-fn",
        title: "SET PCI FN",
        request: &set_pci_fn::REQUEST,
        response: &set_pci_fn::RESPONSE,
        lengths: &[32],
    },
];

/// The structures of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandLayouts {
    pub(crate) request: &'static Layout,
    /// That of a list without its entries.
    pub(crate) response: &'static Layout,
    /// Lengths that a request has.
    pub(crate) lengths: &'static [usize],
}

/// The structures of the command `code`; `None` if there is no table of it.
pub(crate) fn command_layouts(code: CommandCode) -> Option<CommandLayouts> {
    let command = COMMANDS.iter().find(|command| command.code == code)?;
    Some(CommandLayouts { request: command.request, response: command.response, lengths: command.lengths })
}

/// Whether the bytes look like a block: a request header whose length leaves a response.
pub(crate) fn is_block(bytes: &[u8]) -> bool {
    let header = Structure::new(&REQUEST_HEADER, bytes, 0);
    let (Some(length), Some(command)) = (header.number("length"), header.number("command")) else {
        return false;
    };
    (16..=8176).contains(&length) && (1..0x0e).contains(&command)
}

/// Decodes a block: the request, and the response behind it.
pub(crate) fn decode(input: &Input) -> Report {
    let bytes = padded(input);
    let mut report = Report::default();
    let header = Structure::new(&REQUEST_HEADER, &bytes, 0);
    let length = header.number("length").unwrap_or(0) as usize;
    let code = header.number("command").unwrap_or(0) as u16;
    let command = COMMANDS.iter().find(|command| command.code.0 == code);
    report.kind = command.map_or("clp", |command| command.kind);
    report.title = command.map_or_else(|| format!("CLP command {code:#06x}"), |command| command.title.to_owned());
    if length > bytes.len() || length < 16 {
        report.complain(
            0,
            2,
            "len",
            "within the input",
            format!("{}: the request has {length} bytes, and the input {}", report.title, bytes.len()),
        );
        report.headline.clone_from(&report.title);
        return report;
    }
    let request = Structure::new(command.map_or(&REQUEST_HEADER, |command| command.request), &bytes[..length], 0);
    let mut section = request.read("request", &mut report);
    section.rows.iter_mut().filter(|row| row.offset < REQUEST_HEADER.size).for_each(|row| row.is_minor = true);
    report.sections.push(section);
    match command {
        None => report.complain(
            2,
            2,
            "cmd",
            "a command that is known",
            format!("{}: this is no command that is known", report.title),
        ),
        Some(command) if !command.lengths.contains(&length) => report.complain(
            0,
            2,
            "len",
            "that of the command",
            format!(
                "{}: the request has {length} bytes, and that of this command {}",
                command.title,
                command.lengths.iter().map(usize::to_string).collect::<Vec<_>>().join(" or "),
            ),
        ),
        Some(_) => {}
    }
    behind(&request, &mut report);
    let rest = &bytes[length..];
    answer(input, command, &request, rest, length, &mut report);
    report
}

/// Bytes of a request that is longer than its structure must be zero, since nobody knows what they ask for.
fn behind(request: &Structure<'_>, report: &mut Report) {
    let size = request.layout.size;
    let rest = request.bytes.get(size..).unwrap_or_default();
    if let (Some(first), Some(last)) = (rest.iter().position(|b| *b != 0), rest.iter().rposition(|b| *b != 0)) {
        let text = format!("{}: bytes behind the fields that are known are not zero", request.layout.title);
        report.complain(request.offset + size + first, last + 1 - first, "unknown", "zero", text);
    }
}

/// The bytes of the input, with the zeros behind them that it leaves out.
fn padded(input: &Input) -> Vec<u8> {
    let mut bytes = input.bytes.clone();
    if input.zeros_follow && bytes.len() < clp::Block::SIZE {
        bytes.resize(clp::Block::SIZE, 0);
    }
    bytes
}

/// Decodes what stands behind the request.
fn answer(
    input: &Input,
    command: Option<&Command>,
    request: &Structure<'_>,
    rest: &[u8],
    offset: usize,
    report: &mut Report,
) {
    let title = report.title.clone();
    if rest.len() < 4 {
        report.headline = format!("{title}: a request, without an answer");
        return;
    }
    let header = Structure::new(&RESPONSE_HEADER, rest, offset);
    let length = header.number("length").unwrap_or(0) as usize;
    let code = ResponseCode(header.number("code").unwrap_or(0) as u16);
    if code.0 == 0 && rest.get(4..).unwrap_or_default().iter().all(|byte| *byte == 0) {
        report.headline = format!("{title}: a request with room for {length} bytes, not answered");
        condition(input, report);
        return;
    }
    report.response_code = Some(code.0);
    if !code.is_ok() {
        refused(command, request, rest, offset, report);
        condition(input, report);
        return;
    }
    let room = if report.kind == "list-pci" { "stored" } else { "room" };
    report.headline =
        format!("{title}: {:#06x} {}; request {offset} bytes, {room} {length}", code.0, code.name().unwrap_or("OK"));
    let Some(command) = command else {
        let section = header.read("response", report);
        report.sections.push(section);
        report.notes.push("of the response to an unknown command only the header is known".to_owned());
        return;
    };
    if length > rest.len() {
        report.complain(
            offset,
            2,
            "len",
            "within the input",
            format!("{title} response: it has {length} bytes, and the input {}", rest.len()),
        );
    }
    let stored = rest.get(..length).unwrap_or(rest);
    let structure = Structure::new(command.response, stored, offset);
    let mut section = structure.read("response", report);
    if stored.len() < 16 {
        report.complain(offset, 2, "len", "at least 16", format!("{title} response: {length} bytes are no header"));
    }
    explain_length(&mut section, report.kind, length);
    report.sections.push(section);
    match report.kind {
        "list-pci" => list(stored, offset, report),
        "query-pci-fn" => function(stored, offset, report),
        "query-pci-fngrp" => needs::<query_pci_fngrp::Response>(stored, offset, report),
        "set-pci-fn" => set(request, stored, offset, report),
        _ => needs::<slpc::Response>(stored, offset, report),
    }
    if report.kind != "list-pci" {
        unknown_bytes(stored, command.response.size, offset, report);
    }
    trailing(rest, length, offset, report);
    condition(input, report);
}

/// Bytes of the response that are in no structure.
fn unknown_bytes(stored: &[u8], size: usize, offset: usize, report: &mut Report) {
    let rest = stored.get(size..).unwrap_or_default();
    if let (Some(first), Some(last)) = (rest.iter().position(|b| *b != 0), rest.iter().rposition(|b| *b != 0)) {
        let text = format!("{} response: bytes behind the fields that are known are not zero", report.title);
        report.complain(offset + size + first, last + 1 - first, "unknown", "zero", text);
    }
}

/// Bytes behind the response are those of whoever asked.
fn trailing(rest: &[u8], length: usize, offset: usize, report: &mut Report) {
    let behind = rest.get(length..).unwrap_or_default();
    if let Some(first) = behind.iter().position(|byte| *byte != 0) {
        let at = offset + length + first;
        report.notes.push(format!("bytes behind the response, from {at:#06x} on, are not zero and were not looked at"));
    }
}

fn condition(input: &Input, report: &mut Report) {
    if let Some(code) = input.program_check {
        report.is_refused = true;
        report.headline = format!("{} (program check {code:#06x}: not executed)", report.headline);
    }
    match input.condition {
        None | Some(0) => {}
        Some(code) => {
            report.is_refused = true;
            report.headline = format!("{} (condition code {code}: not executed)", report.headline);
        }
    }
}

/// A command that the machine refused.
fn refused(command: Option<&Command>, request: &Structure<'_>, rest: &[u8], offset: usize, report: &mut Report) {
    let header = Structure::new(&RESPONSE_HEADER, rest.get(..16.min(rest.len())).unwrap_or(rest), offset);
    let length = header.number("length").unwrap_or(0);
    let code = ResponseCode(header.number("code").unwrap_or(0) as u16);
    let section = header.read("response", report);
    report.sections.push(section);
    report.is_refused = true;
    if code.0 == 0 {
        let text = format!("{} response: code 0, which no command answers", report.title);
        report.complain(offset + 2, 2, "rsp", "a code", text);
    }
    let why = match (report.kind, code) {
        ("list-pci", ResponseCode::NEEDS_8K_BLOCK) => {
            format!(": the room has {length} bytes, a list with one function takes 48")
        }
        (_, ResponseCode::LENGTH) if command.is_some_and(|command| !command.lengths.contains(&request.bytes.len())) => {
            format!(": the request has {} bytes", request.bytes.len())
        }
        (_, ResponseCode::FUNCTION_HANDLE | ResponseCode::HANDLE_STATE) => match request.number("handle") {
            Some(handle) => format!(": {}", text::handle(handle as u32)),
            None => String::new(),
        },
        (_, ResponseCode::FUNCTION_GROUP) => match request.number("group_id") {
            Some(id) => format!(": {id:#04x}"),
            None => String::new(),
        },
        (_, ResponseCode::DMA_ADDRESS_SPACE | ResponseCode::RESOURCES) => match request.number("dma_address_spaces") {
            Some(count) => format!(": {count} DMA address spaces"),
            None => String::new(),
        },
        (_, ResponseCode::RESUME_TOKEN) => match request.number("resume_token") {
            Some(token) => format!(": {token:#x}"),
            None => String::new(),
        },
        _ => String::new(),
    };
    let name = code.name().unwrap_or("which is no known code");
    report.headline = format!("{}: refused with {:#06x}, {name}{why}", report.title, code.0);
}

fn explain_length(section: &mut Section, kind: &str, length: usize) {
    section.rows.iter_mut().filter(|row| row.name == "fmt").for_each(|row| row.is_minor = true);
    if let Some(row) = section.rows.iter_mut().find(|row| row.name == "len") {
        row.text = match kind {
            "list-pci" => format!("{length} bytes stored"),
            _ => format!("{length}: as offered, where QEMU stores no length; else what was stored"),
        };
    }
}

/// Complains if the library's own decoder needs more than there is.
fn needs<R: clp::WireResponse>(stored: &[u8], offset: usize, report: &mut Report) {
    if let Err(error) = Received::<R>::parse(stored) {
        let text = format!("{} response: {error}", report.title);
        report.complain(offset, 2, "len", "what is needed", text);
    }
}

fn list(stored: &[u8], offset: usize, report: &mut Report) {
    needs::<list_pci::Response>(stored, offset, report);
    let response = Structure::new(&list_pci::RESPONSE, stored, offset);
    let size = response.number("entry_size").unwrap_or(0) as usize;
    let entries = stored.get(list_pci::RESPONSE.size..).unwrap_or_default();
    if size < list_pci::Entry::SIZE {
        return;
    }
    if entries.len() % size != 0 {
        let text = format!(
            "LIST PCI response: {} bytes of entries are no number of whole entries of {size} bytes",
            entries.len()
        );
        report.complain(offset, 2, "len", "whole entries", text);
    }
    let most = response.number("max_functions").unwrap_or(0) as usize;
    let count = entries.len() / size;
    if count > most {
        let text = format!("LIST PCI response: {count} entries, and the machine can have {most} functions");
        report.complain(offset + 28, 2, "max_fn", "not below the number of entries", text);
    }
    for (index, bytes) in entries.chunks_exact(size).enumerate() {
        let at = offset + list_pci::RESPONSE.size + index * size;
        let structure = Structure::new(&list_pci::ENTRY, bytes, at);
        let mut section = structure.read(&format!("entry {index}"), report);
        section.list = Some("entries");
        if let Some(entry) = list_pci::entries(bytes, size as u8).next() {
            let entry = ListEntry::decode(&entry);
            section.summary = match entry.vendor {
                0 => "no function".to_owned(),
                _ => format!(
                    "FID {} handle {} {:04x}:{:04x} {}",
                    entry.id,
                    entry.handle,
                    entry.vendor,
                    entry.device,
                    super::state_name(entry.state())
                ),
            };
            if entry.vendor != 0 && entry.handle.0 == 0 {
                report.complain(at + 12, 4, "fh", "not 0", "LIST PCI entry: the handle of a function is 0".to_owned());
            }
        }
        unknown_bytes(bytes, list_pci::ENTRY.size, at, report);
        report.sections.push(section);
    }
    let functions = list_pci::entries(entries, size as u8).filter(|entry| entry.vendor.get() != 0).count();
    let token = response.number("resume_token").unwrap_or(0);
    let more = if token == 0 { String::new() } else { format!(", more from token {token:#x} on") };
    let plural = if functions == 1 { "" } else { "s" };
    report.notes.push(format!("{functions} function{plural}{more}"));
}

fn function(stored: &[u8], offset: usize, report: &mut Report) {
    needs::<query_pci_fn::Response>(stored, offset, report);
    let Ok(received) = Received::<query_pci_fn::Response>::parse(stored) else {
        return;
    };
    if let Err(error) = Function::decode(&received) {
        if report.problems.is_empty() {
            report.complain(offset, stored.len(), "response", "a function", format!("QUERY PCI FN response: {error}"));
        }
    }
    let response = received.response();
    let Some(section) = report.sections.iter_mut().find(|section| section.name == "response") else {
        return;
    };
    // Says what is not valid too.
    let flags = response.flags;
    let said = [
        (flags.tid_available(), "TID", "no TID"),
        (flags.rid_available(), "RID", "no RID"),
        (flags.is_physical(), "a physical function", "not a physical function"),
        (flags.mio_available(), "MIO", "no MIO"),
        (flags.utility_string_available(), "a utility string", "no utility string"),
    ];
    let said: Vec<&str> = said.iter().map(|(is_set, yes, no)| if *is_set { *yes } else { *no }).collect();
    let row = |section: &mut Section, name: &str, change: &dyn Fn(&mut Row)| {
        section
            .rows
            .iter_mut()
            .filter(|row| row.name == name || row.name.starts_with(&format!("{name}.")))
            .for_each(change);
    };
    let reserved = flags.into_bits() & query_pci_fn::FLAGS.reserved() as u8;
    row(section, "flags", &|row| {
        row.text = said.join(", ");
        if reserved != 0 {
            row.text += &format!(", reserved {}", text::bits_of(&query_pci_fn::FLAGS, u64::from(reserved)));
        }
    });
    let fmb = u32::from(response.fmb_length) * 4;
    row(section, "fmb_len", &|row| row.text = format!("{fmb} bytes"));
    for (name, is_valid) in
        [("tid", flags.tid_available()), ("rid", flags.rid_available()), ("util_str", flags.utility_string_available())]
    {
        row(section, name, &|row| {
            if !is_valid {
                row.text = "not valid, by the flags".to_owned();
                row.is_minor = true;
            }
        });
    }
    if !flags.mio_available() {
        section.rows.iter_mut().filter(|row| row.offset >= offset + 256).for_each(|row| {
            row.text = "not valid, by the flags".to_owned();
            row.is_minor = true;
        });
    }
    bars(received.response(), section, &mut report.notes);
}

/// Says what each BAR is, and whether they are in QEMU's byte order.
fn bars(response: &query_pci_fn::Response, section: &mut Section, notes: &mut Vec<String>) {
    // A memory BAR is a multiple of its size; an order of bytes in which one is not is the wrong one.
    let fits = |value: u32, log2: u8| {
        let is_memory = value & 1 == 0 && value & 2 == 0;
        is_memory && (!(4..=31).contains(&log2) || value & !0xf & ((1u32 << log2) - 1) == 0)
    };
    let mut is_reversed = false;
    for (index, (register, log2)) in response.bar.iter().zip(response.bar_size_log2).enumerate() {
        let little = register.get();
        let big = little.swap_bytes();
        let Some(row) = section.rows.iter_mut().find(|row| row.name == format!("bar[{index}]")) else {
            continue;
        };
        if log2 == 0 {
            continue;
        }
        row.is_minor = false;
        let [first, .., last] = register.to_bytes();
        // Flags alone where big-endian registers have them.
        let has_flags_last = first == 0 && last != 0 && last < 0x10;
        row.text = if (!fits(little, log2) || has_flags_last) && fits(big, log2) && big != little {
            is_reversed = true;
            format!("{little:#010x}; as QEMU stores it {big:#010x}: {}", bar(big))
        } else {
            format!("{little:#010x}: {}", bar(little))
        };
    }
    if is_reversed {
        notes.push("BARs look big-endian: QEMU, not hardware".to_owned());
    }
}

fn bar(value: u32) -> String {
    match (value & 1, value & 6) {
        (1, _) => format!("I/O at {:#x}", value & !3),
        (_, 4) => format!("64-bit memory at {:#x}", value & !0xf),
        (_, 0) => format!("memory at {:#x}", value & !0xf),
        _ => format!("memory of an unknown kind at {:#x}", value & !0xf),
    }
}

fn set(request: &Structure<'_>, stored: &[u8], offset: usize, report: &mut Report) {
    needs::<set_pci_fn::Response>(stored, offset, report);
    let response = Structure::new(&set_pci_fn::RESPONSE, stored, offset);
    let operation = Operation(request.number("operation").unwrap_or(u64::MAX) as u8);
    let Some(handle) = response.number("handle").map(|handle| FunctionHandle(handle as u32)) else {
        return;
    };
    let complaint = match (operation, handle.is_enabled()) {
        _ if handle.0 == 0 => Some(("not 0", "the handle of a function is 0".to_owned())),
        (Operation::ENABLE | Operation::ENABLE_MIO, false) => {
            Some(("enabled", format!("{handle} is the handle of a disabled function, after {operation}")))
        }
        _ => None,
    };
    if let Some((rule, text)) = complaint {
        report.complain(offset + 16, 4, "fh", rule, format!("SET PCI FN response: {text}"));
    }
    report.headline = format!("{}: {operation}: {}", report.title, text::response(ResponseCode::OK.0));
    if operation != Operation::ENABLE_MIO {
        if let Some(section) = report.sections.iter_mut().find(|section| section.name == "response") {
            section.rows.iter_mut().filter(|row| row.offset >= offset + 32).for_each(|row| row.is_minor = true);
        }
    }
}
