// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A block in which stand-ins are in the place of identifiers.

use clp::field::{self, Kind, Layout, Order};
use clp::{list_pci, CommandCode, REQUEST_HEADER, RESPONSE_HEADER};

use super::stand_ins::{Identifier, StandIns};
use crate::decode::command_layouts;

/// Puts stand-ins in the place of the identifiers in `bytes`, a block, and returns what is doubtful about where they are.
///
/// They are where the tables of `clp` have them, up to the end of the block: what a response says of its length is not
/// believed. Bytes that no table has a name for stay.
///
/// # Errors
///
/// Why there is no table to go by; nothing was replaced then.
pub(super) fn mask(bytes: &mut [u8], stand_ins: &mut StandIns) -> Result<Vec<String>, String> {
    let number = |name: &str| number(&REQUEST_HEADER, name, bytes);
    let (length, code) = number("length").zip(number("command")).ok_or("no header of a request")?;
    let code = CommandCode(code as u16);
    let layouts = command_layouts(code).ok_or_else(|| format!("there is no table of the command {code}"))?;
    let mut doubts = Vec::new();
    let most = bytes.len();
    let mut start = length as usize;
    if start < REQUEST_HEADER.size || start > most {
        doubts.push(format!("the request has {length} bytes of {most}"));
        start = layouts.request.size.min(most);
    }
    let (request, response) = bytes.split_at_mut(start);
    replace(layouts.request, request, stand_ins);
    doubts.extend(doubt(response));
    replace(layouts.response, response, stand_ins);
    if code == CommandCode::LIST_PCI {
        doubts.extend(entries(response, stand_ins));
    }
    Ok(doubts)
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
