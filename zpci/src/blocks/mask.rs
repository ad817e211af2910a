// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A block in which stand-ins are in the place of identifiers.

use clp::field::{self, Kind, Layout, Order};
use clp::{list_pci, Block, CommandCode, ResponseCode, REQUEST_HEADER, RESPONSE_HEADER};

use super::stand_ins::{Identifier, StandIns};
use crate::decode::command_layouts;

/// What is to be said of a block in which identifiers were replaced.
#[derive(Debug, Default)]
pub(super) struct Masked {
    /// What is doubtful about where they are.
    pub(super) doubts: Vec<String>,
    /// What was taken out, since it may have some that nobody knows the place of.
    pub(super) errors: Vec<String>,
}

/// Puts stand-ins in the place of the identifiers in `bytes`, a block.
///
/// They are where the tables of `clp` have them, up to the end of the block: what a response says of its length is not
/// believed. Bytes of a table that have no name in it stay. Those behind it become zeros, as a page may have had anything
/// before; so do those behind the header of a response that refuses the command. What is behind the block goes.
///
/// # Errors
///
/// Why there is no table to go by; nothing was replaced then.
pub(super) fn mask(bytes: &mut Vec<u8>, stand_ins: &mut StandIns) -> Result<Masked, String> {
    let number = |name: &str| number(&REQUEST_HEADER, name, bytes);
    let (length, code) = number("length").zip(number("command")).ok_or("no header of a request")?;
    let code = CommandCode(code as u16);
    let layouts = command_layouts(code).ok_or_else(|| format!("there is no table of the command {code}"))?;
    let start = length as usize;
    if !layouts.lengths.contains(&start) {
        let known: Vec<String> = layouts.lengths.iter().map(usize::to_string).collect();
        return Err(format!("the request has {length} bytes, and that of this command has {}", known.join(" or ")));
    }
    let mut masked = Masked::default();
    let most = bytes.len();
    if most > Block::SIZE {
        bytes.truncate(Block::SIZE);
        masked.errors.push(format!("{} bytes behind the block are left out", most - Block::SIZE));
    }
    let (request, response) =
        bytes.split_at_mut_checked(start).ok_or_else(|| format!("the request has {length} bytes of {most}"))?;
    replace(layouts.request, request, stand_ins);
    masked.errors.extend(clear(request, layouts.request.size, 0, "request"));
    masked.doubts.extend(doubt(response));
    replace(layouts.response, response, stand_ins);
    let is_answer = self::number(&RESPONSE_HEADER, "code", response) == Some(u64::from(ResponseCode::OK.0));
    let known = match code {
        _ if !is_answer => RESPONSE_HEADER.size,
        CommandCode::LIST_PCI => {
            masked.doubts.extend(entries(response, stand_ins));
            response.len()
        }
        _ => layouts.response.size,
    };
    masked.errors.extend(clear(response, known, start, "response"));
    Ok(masked)
}

/// Puts zeros in the place of what is behind the first `known` bytes of a part of a block, which starts at the offset `start`.
/// Returns what to say of it, if there was anything.
fn clear(part: &mut [u8], known: usize, start: usize, name: &str) -> Option<String> {
    let rest = part.get_mut(known..)?;
    let first = rest.iter().position(|byte| *byte != 0)?;
    let last = rest.iter().rposition(|byte| *byte != 0)?;
    let count = rest.iter().filter(|byte| **byte != 0).count();
    rest.fill(0);
    let offset = start.saturating_add(known);
    Some(format!(
        "{count} bytes from {:#x} to {:#x}, behind what is known of the {name}, are not zero: zeros are in their place",
        offset.saturating_add(first),
        offset.saturating_add(last)
    ))
}

/// What is doubtful about the length of a response.
fn doubt(response: &[u8]) -> Option<String> {
    let length = number(&RESPONSE_HEADER, "length", response)?;
    let most = response.len();
    let is_possible = (RESPONSE_HEADER.size as u64..=most as u64).contains(&length);
    (!is_possible).then(|| format!("the response has {length} bytes of {most}"))
}

/// Replaces what is in the entries of a list, and returns what is doubtful about their size.
fn entries(response: &mut [u8], stand_ins: &mut StandIns) -> Option<String> {
    let said = number(&list_pci::RESPONSE, "entry_size", response);
    let size = said.map_or(0, |size| size as usize).max(list_pci::ENTRY.size);
    // One that was refused has none.
    let doubt = said.filter(|said| (1..list_pci::ENTRY.size as u64).contains(said));
    let doubt = doubt.map(|said| format!("entries have {said} bytes, and are taken to have {size}"));
    for entry in response.get_mut(list_pci::RESPONSE.size..).unwrap_or_default().chunks_mut(size) {
        replace(&list_pci::ENTRY, entry, stand_ins);
    }
    doubt
}

/// Replaces what the structure at the start of `bytes` has, as much of it as there is.
fn replace(layout: &Layout, bytes: &mut [u8], stand_ins: &mut StandIns) {
    for field in layout.fields {
        let end = field.offset.saturating_add(field.length).min(bytes.len());
        let Some(bytes) = bytes.get_mut(field.offset..end) else {
            return;
        };
        if let Some(identifier) = Identifier::of(field) {
            stand_ins.replace(identifier, bytes);
        } else if let Kind::Structure(inner) = field.kind {
            bytes.chunks_mut(inner.size.max(1)).for_each(|bytes| replace(inner, bytes, stand_ins));
        }
    }
}

fn number(layout: &Layout, name: &str, bytes: &[u8]) -> Option<u64> {
    let field = layout.field(name)?;
    field::number(Order::Big, bytes.get(field.offset..field.offset.checked_add(field.length)?)?)
}
