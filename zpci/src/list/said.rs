// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What CLP said of functions, captured or just now, put together.

use clp::{Function, FunctionGroup, FunctionHandle, ListEntry};

use super::Listed;

/// What lists and queries said, one after the other.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) entries: Vec<ListEntry>,
    /// Whether a list says that UIDs are unique; without a list nobody knows.
    pub(super) uid_checking: Option<bool>,
    pub(super) functions: Vec<(FunctionHandle, Function)>,
    pub(super) groups: Vec<(u8, FunctionGroup)>,
}

impl Said {
    /// The functions, those of lists first, each with what its query says.
    pub(super) fn functions(&self) -> Vec<Listed> {
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
