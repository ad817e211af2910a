// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions of captured blocks.

use clp::{
    list_pci, query_pci_fn, query_pci_fngrp, CommandCode, Function, FunctionGroup, FunctionHandle, ListEntry, Received,
    RequestHeader,
};
use zerocopy::FromBytes;

use super::said::Said;
use super::Listed;
use crate::decode::{decode, Kind};
use crate::input::Input;
use crate::report::Report;

/// Blocks that break a rule or were refused: the place of each, and its report.
pub(crate) type LeftOut = Vec<(usize, Report)>;

/// What a list of functions needs no answer to, and what says nothing of them.
const CHARACTERISTICS: &str = "slpc";

/// The functions of `inputs`, each a block of LIST PCI, QUERY PCI FN or QUERY PCI FNGRP; and the blocks that
/// are left out.
///
/// # Errors
///
/// Why an input is none of these.
pub(crate) fn read(inputs: &mut [Input]) -> Result<(Vec<Listed>, LeftOut), String> {
    let mut blocks = Said::default();
    let mut bad = Vec::new();
    let reports =
        inputs.iter_mut().map(|input| decode(input, Some(Kind::Clp), None)).collect::<Result<Vec<_>, String>>()?;
    let is_beside_others = reports.iter().any(|report| report.kind != CHARACTERISTICS);
    for ((index, input), report) in inputs.iter().enumerate().zip(reports) {
        if is_beside_others && report.kind == CHARACTERISTICS && report.problems.is_empty() {
            // Says nothing of functions; a machine need not know it.
        } else if report.is_good() {
            blocks.add(input)?;
        } else {
            bad.push((index, report));
        }
    }
    Ok((blocks.functions(), bad))
}

impl Said {
    fn add(&mut self, input: &Input) -> Result<(), String> {
        let mut bytes = input.bytes.clone();
        if input.zeros_follow && bytes.len() < clp::Block::SIZE {
            bytes.resize(clp::Block::SIZE, 0);
        }
        let wrong = |what: &str| format!("{}: {what}", input.title());
        let (header, _) = RequestHeader::read_from_prefix(&bytes).map_err(|_| wrong("no block"))?;
        let (request, response) =
            bytes.split_at_checked(usize::from(header.length.get())).ok_or_else(|| wrong("no block"))?;
        match header.command() {
            CommandCode::LIST_PCI => self.list(response).map_err(|error| wrong(&error)),
            CommandCode::QUERY_PCI_FN => {
                let received = Received::parse(response).map_err(|error| wrong(&error.to_string()))?;
                let function = Function::decode(&received).map_err(|error| wrong(&error.to_string()))?;
                let (request, _) = query_pci_fn::Request::read_from_prefix(request).map_err(|_| wrong("no request"))?;
                self.functions.push((FunctionHandle(request.handle.get()), function));
                Ok(())
            }
            CommandCode::QUERY_PCI_FNGRP => {
                let received = Received::parse(response).map_err(|error| wrong(&error.to_string()))?;
                let (request, _) =
                    query_pci_fngrp::Request::read_from_prefix(request).map_err(|_| wrong("no request"))?;
                self.groups.push((request.group_id, FunctionGroup::decode(&received)));
                Ok(())
            }
            other => Err(wrong(&format!("{other}, which lists nothing"))),
        }
    }

    fn list(&mut self, response: &[u8]) -> Result<(), String> {
        let received = Received::<list_pci::Response>::parse(response).map_err(|error| error.to_string())?;
        let front = received.response();
        let checks = front.flags.uid_checking();
        // Of two lists that differ neither is the truth.
        self.uid_checking = Some(checks && self.uid_checking.unwrap_or(true));
        let bytes = response.get(size_of::<list_pci::Response>()..usize::from(received.length())).unwrap_or_default();
        let entries = list_pci::entries(bytes, front.entry_size).filter(|entry| entry.vendor.get() != 0);
        self.entries.extend(entries.map(|entry| ListEntry::decode(&entry)));
        Ok(())
    }
}
