// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions of captured blocks.

use clp::{
    list_pci, query_pci_fn, query_pci_fngrp, CommandCode, Function, FunctionGroup, FunctionHandle, ListEntry, Received,
    RequestHeader,
};
use zerocopy::FromBytes;

use super::Listed;
use crate::decode::{decode, Kind};
use crate::input::Input;
use crate::report::Report;

/// Blocks that break a rule or were refused: the place of each, and its report.
pub(crate) type LeftOut = Vec<(usize, Report)>;

/// What the blocks say, one after the other.
#[derive(Debug, Default)]
struct Blocks {
    entries: Vec<ListEntry>,
    /// Whether a list says that UIDs are unique; without a list nobody knows.
    uid_checking: Option<bool>,
    functions: Vec<(FunctionHandle, Function)>,
    groups: Vec<(u8, FunctionGroup)>,
}

/// The functions of `inputs`, each a block of LIST PCI, QUERY PCI FN or QUERY PCI FNGRP; and the blocks that
/// are left out.
///
/// # Errors
///
/// Why an input is none of these.
pub(crate) fn read(inputs: &mut [Input]) -> Result<(Vec<Listed>, LeftOut), String> {
    let mut blocks = Blocks::default();
    let mut bad = Vec::new();
    for (index, input) in inputs.iter_mut().enumerate() {
        let report = decode(input, Some(Kind::Clp), None)?;
        if report.is_good() {
            blocks.add(input)?;
        } else {
            bad.push((index, report));
        }
    }
    Ok((blocks.functions(), bad))
}

impl Blocks {
    fn add(&mut self, input: &Input) -> Result<(), String> {
        let mut bytes = input.bytes.clone();
        if input.zeros_follow && bytes.len() < clp::Block::SIZE {
            bytes.resize(clp::Block::SIZE, 0);
        }
        let wrong = |what: &str| format!("{}: {what}", input.name);
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

    /// The functions, those of lists first, each with what its query says.
    fn functions(&self) -> Vec<Listed> {
        let mut listed: Vec<Listed> = Vec::new();
        for entry in &self.entries {
            let mut function = Listed {
                id: Some(entry.id),
                handle: Some(entry.handle),
                state: Some(entry.state()),
                ids: Some((entry.vendor, entry.device)),
                ..Listed::default()
            };
            // The last query of a function is the newest.
            if let Some((_, queried)) = self.functions.iter().rev().find(|(_, queried)| queried.id == entry.id) {
                function.add(queried);
            }
            listed.push(function);
        }
        for (index, (handle, queried)) in self.functions.iter().enumerate() {
            let is_listed = self.entries.iter().any(|entry| entry.id == queried.id);
            let is_last = self.functions.iter().skip(index + 1).all(|(_, later)| later.id != queried.id);
            if is_listed || !is_last {
                continue;
            }
            let mut function = Listed { id: Some(queried.id), handle: Some(*handle), ..Listed::default() };
            function.add(queried);
            listed.push(function);
        }
        let uids: Vec<_> = listed.iter().map(|function| function.uid).collect();
        for function in &mut listed {
            let is_alone = uids.iter().filter(|uid| **uid == function.uid).count() == 1;
            function.uid_is_unique =
                self.uid_checking == Some(true) && is_alone && function.uid.is_some_and(|uid| uid.0 != 0);
            function.group_values =
                self.groups.iter().rev().find(|(id, _)| Some(*id) == function.group).map(|(_, group)| *group);
            // Linux numbers domains by UIDs that are unique, and otherwise in the order in which it finds functions.
            if let (true, Some(uid)) =
                (function.uid_is_unique && function.uid.is_some_and(|uid| uid.0 <= 0xffff), function.uid)
            {
                let place = function.rid.map_or(0, |rid| rid & 0xff);
                function.address = Some(format!("{:04x}:00:{:02x}.{:x}", uid.0, place >> 3, place & 7));
            }
        }
        listed
    }
}

impl Listed {
    /// Adds what QUERY PCI FN says.
    fn add(&mut self, function: &Function) {
        self.uid = Some(function.uid);
        self.pchid = Some(function.pchid);
        self.vfn = Some(function.vfn);
        self.pft = Some(function.function_type);
        self.group = Some(function.group.0);
        self.port = Some(function.port);
        self.path = Some(function.internal_path);
        self.utility_string = function.utility_string.map(|string| string.to_string());
        self.window = Some((function.start_dma, function.end_dma));
        self.bars = Some(function.bars);
        self.fmb_length = Some(function.fmb_length);
        self.rid = function.rid;
    }
}
