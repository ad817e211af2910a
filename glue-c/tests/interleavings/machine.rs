// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A machine that uses every freedom it has: it keeps all that it may keep, and complains of all that it may not see.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::binding::stand_in_table_or_null;
use crate::event::Event;

const CRST: u32 = 16 << 10;
const PAGE_TABLE: u32 = 2 << 10;

/// Response codes of CLP.
const SUCCESS: u16 = 0x0010;
const INVALID_HANDLE: u16 = 0x0101;
const ALREADY: u16 = 0x0105;

/// The bit of a handle that says that the function is enabled.
pub(crate) const ENABLED: u32 = 0x8000_0000;

/// What another kernel registered: no table that is known.
const FOREIGN: u64 = 0x7ff_c804;

/// How a machine comes by translations.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// It walks tables whenever it likes, and keeps tables and pages until a refresh covers them.
    Walks,
    /// A hypervisor looks at the tables when it is told to, and at no other time.
    Shadows,
    /// As one that walks; but it does not survive a refresh of addresses that it uses, as ISM.
    Inspects,
}

impl Kind {
    /// Whether it looks at tables whenever it likes.
    fn walks(self) -> bool {
        self != Self::Shadows
    }
}

/// What MPCIFC registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Ioat {
    iota: u64,
    first: u64,
    last: u64,
}

/// A table on the way to a page, and what it covers.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Step {
    origin: u64,
    first: u64,
    last: u64,
    size: u32,
}

#[derive(Debug)]
pub(crate) struct Function {
    /// Its handle while it is enabled.
    pub(crate) handle: u32,
    pub(crate) enabled: bool,
    /// It has the same handle when it is enabled again.
    pub(crate) keeps_handle: bool,
    /// Who enabled it is nobody who registers it, or had a handle with which it could not.
    pub(crate) left_to_others: bool,
    /// An event came late.
    pub(crate) late_handle: bool,
    kind: Kind,
    /// It is in the error state: it does no DMA, and takes no instruction.
    pub(crate) in_error: bool,
    ioat: Option<Ioat>,
    pages: BTreeMap<u64, u64>,
    steps: BTreeSet<Step>,
    /// It was told by the machine that a refresh failed, and no later one made up for that.
    pub(crate) excused: bool,
    /// The same of one that is not refreshed as a whole: the addresses of each refresh that failed.
    missed: Vec<RangeInclusive<u64>>,
    /// It refused an RPCIT in the error state, which has not ended.
    refused: bool,
    /// An attach or a reset of it has not ended, which tells it of what is mapped.
    pub(crate) joining: bool,
}

impl Function {
    /// The handle that it has now.
    pub(crate) fn current_handle(&self) -> u32 {
        if self.enabled {
            self.handle
        } else {
            self.handle & !ENABLED
        }
    }

    /// Its entry in a list.
    fn entry(&self, id: u32) -> [u8; 16] {
        let mut entry = [0; 16];
        entry[4] = 0x80;
        entry[8..12].copy_from_slice(&id.to_be_bytes());
        entry[12..16].copy_from_slice(&self.current_handle().to_be_bytes());
        entry
    }
}

/// Why an access of a device does not go where the tables say.
pub(crate) type Complaint = String;

#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) functions: Vec<Function>,
    pub(crate) complaint: Option<Complaint>,
    /// Addresses that devices use.
    pub(crate) probes: Vec<u64>,
    /// Tables that were part of a tree.
    seen: BTreeSet<u64>,
}

impl Machine {
    pub(crate) fn add(&mut self, handle: u32, kind: Kind) {
        self.functions.push(Function {
            handle,
            enabled: true,
            keeps_handle: false,
            left_to_others: false,
            late_handle: false,
            kind,
            in_error: false,
            ioat: None,
            pages: BTreeMap::new(),
            steps: BTreeSet::new(),
            excused: false,
            missed: Vec::new(),
            refused: false,
            joining: false,
        });
    }

    pub(crate) fn complain(&mut self, what: impl Into<String>) {
        if self.complaint.is_none() {
            self.complaint = Some(what.into());
        }
    }

    fn enabled(&mut self, handle: u32) -> Option<&mut Function> {
        self.functions.iter_mut().find(|function| function.enabled && function.handle == handle)
    }

    /// A disabled function has no registration, and nothing in any cache.
    pub(crate) fn disable(&mut self, index: usize) {
        let function = &mut self.functions[index];
        function.enabled = false;
        function.forget();
    }

    /// CLP: LIST PCI and SET PCI FN, in a page with a request of 32 bytes.
    pub(crate) fn call(&mut self, block: &mut [u8; 4096]) -> Event {
        let command = u16::from_be_bytes([block[2], block[3]]);
        let (_, response) = block.split_at_mut(32);
        match command {
            2 => {
                let entries: Vec<[u8; 16]> = (0..).zip(&self.functions).map(|(id, it)| it.entry(id)).collect();
                let length = 32 + 16 * entries.len() as u16;
                response[..32].fill(0);
                response[0..2].copy_from_slice(&length.to_be_bytes());
                response[2..4].copy_from_slice(&[0x00, 0x10]);
                response[31] = 16;
                response[32..length.into()].copy_from_slice(&entries.concat());
                Event::Listed
            }
            _ => {
                let (handle, operation) = ([block[16], block[17], block[18], block[19]], block[22]);
                let handle = u32::from_be_bytes(handle);
                let (code, now) = self.set(handle, operation);
                let response = &mut block[32..];
                response[..160].fill(0);
                response[0..4].copy_from_slice(&[0x00, 0xa0, (code >> 8) as u8, code as u8]);
                response[16..20].copy_from_slice(&now.to_be_bytes());
                Event::Set { handle, operation, code, now }
            }
        }
    }

    /// SET PCI FN: the response code, and the handle that the function has from now on.
    fn set(&mut self, handle: u32, operation: u8) -> (u16, u32) {
        let Some(function) = self.functions.iter_mut().find(|function| function.current_handle() == handle) else {
            return (INVALID_HANDLE, 0);
        };
        match (operation, function.enabled) {
            (0, false) => {
                function.enabled = true;
                function.handle += if function.keeps_handle { 0 } else { 0x1_0000 };
            }
            (1, true) => {
                function.enabled = false;
                function.forget();
            }
            _ => return (ALREADY, 0),
        }
        (SUCCESS, function.current_handle())
    }

    /// The function is gone, with all that it had.
    pub(crate) fn vanish(&mut self, handle: u32) {
        if let Some(function) = self.enabled(handle) {
            function.enabled = false;
            function.forget();
        }
    }

    /// MPCIFC: condition code and status.
    pub(crate) fn mpcifc(&mut self, handle: u32, control: u8, fib: &[u8; 80]) -> (u8, u8) {
        let word = |at: usize| u64::from_be_bytes(fib[at..at + 8].try_into().expect("eight bytes"));
        let mut ioat = Ioat { first: word(16), last: word(24), iota: word(32) };
        let Some(function) = self.enabled(handle) else { return (3, 0) };
        if function.kind == Kind::Inspects {
            // ISM is given its last address one page too high.
            ioat.last = ioat.last.wrapping_sub(0x1000);
        }
        match (control, function.ioat) {
            (7, _) if function.in_error => {
                function.in_error = false;
                (0, 0)
            }
            _ if function.in_error => (1, 40),
            (4, None) => {
                function.forget();
                function.ioat = Some(ioat);
                (0, 0)
            }
            (5, Some(_)) => {
                function.forget();
                (0, 0)
            }
            (4, Some(_)) | (5, None) => (1, 24),
            _ => {
                self.complain(format!("MPCIFC with operation {control}"));
                (1, 0)
            }
        }
    }

    /// RPCIT: condition code and status. `used` are the pages of which a driver told its function.
    pub(crate) fn rpcit(
        &mut self,
        handle: u32,
        start: u64,
        length: u64,
        mut used: impl Iterator<Item = u64>,
    ) -> (u8, u8) {
        let last = start.wrapping_add(length).wrapping_sub(1);
        let probes = self.probes.clone();
        if handle == 0 {
            self.complain("RPCIT for no function");
        }
        let Some(function) = self.enabled(handle) else { return (3, 0) };
        if function.in_error {
            function.refused = true;
            return (1, 40);
        }
        let Some(ioat) = function.ioat else {
            self.complain(format!("RPCIT for {handle:#x}, which is not registered: an error event"));
            return (1, 8);
        };
        if let Some(page) = used.find(|page| function.kind == Kind::Inspects && (start..=last).contains(page)) {
            self.complain(format!(
                "RPCIT of {start:#x}..={last:#x} for {handle:#x}, which uses {page:#x}: an error event"
            ));
            return (1, 8);
        }
        if last < ioat.first || start > ioat.last {
            self.complain(format!("RPCIT of {start:#x}..={last:#x} outside of the aperture: an error event"));
            return (1, 8);
        }
        if start <= ioat.first && ioat.last <= last {
            function.excused = false;
            function.refused = false;
        }
        function.missed.retain(|missed| *missed.start() < start || last < *missed.end());
        function.pages.retain(|page, _| *page < start || last < *page);
        function.steps.retain(|step| step.first.max(ioat.first) < start || last < step.last.min(ioat.last));
        if function.kind == Kind::Shadows {
            for probe in probes.into_iter().filter(|probe| start <= *probe && *probe <= last) {
                if let (Some(absolute), _) = walk(ioat.iota, probe) {
                    function.pages.insert(probe, absolute);
                }
            }
        }
        (0, 0)
    }

    /// Lets every device go wherever it can, and looks at what is kept of tables that were taken out.
    pub(crate) fn run(&mut self) {
        let mut complaint = None;
        for function in &mut self.functions {
            let Some(ioat) = function.ioat.filter(|_| function.enabled && !function.in_error) else { continue };
            for probe in &self.probes {
                let (found, steps) = walk(ioat.iota, *probe);
                self.seen.extend(steps.iter().map(|step| step.origin));
                if function.kind.walks() {
                    function.steps.extend(steps);
                    if let Some(absolute) = found {
                        function.pages.entry(*probe).or_insert(absolute);
                    }
                }
            }
            for step in &function.steps {
                if let Some(word) = valid_word_of_stranger(ioat.iota, step, &self.probes) {
                    complaint = Some(format!(
                        "the table at {:#x} was taken out, is kept by {:#x}, and reads {word:#x}",
                        step.origin, function.handle
                    ));
                }
            }
        }
        if let Some(complaint) = complaint {
            self.complain(complaint);
        }
    }

    /// A table is given back; `callback`: after a grace period.
    pub(crate) fn freed(&mut self, origin: u64, callback: bool) {
        let mut complaint = None;
        for function in self.functions.iter().filter(|function| function.enabled) {
            let Some(ioat) = function.ioat else { continue };
            if ioat.iota & !0xfff == origin {
                complaint = Some(format!("the root {origin:#x} was freed while {:#x} is registered", function.handle));
            }
            if function.steps.iter().any(|step| step.origin == origin) {
                complaint = Some(format!("the table {origin:#x} was freed while {:#x} may walk it", function.handle));
            }
        }
        if self.seen.remove(&origin) && !callback {
            complaint = Some(format!("the table {origin:#x} was freed without a grace period"));
        }
        if let Some(complaint) = complaint {
            self.complain(complaint);
        }
    }

    /// No function uses `page` any more, except one that is excused.
    pub(crate) fn expect_gone(&mut self, page: u64) {
        let stale =
            self.functions.iter().find(|function| !function.is_excused(page) && function.pages.contains_key(&page));
        if let Some(handle) = stale.map(|function| function.handle) {
            self.complain(format!("{handle:#x} still uses {page:#x}, which was unmapped and refreshed"));
        }
    }

    /// Every function of a hypervisor that is registered with a table can use `page`, except one that is excused.
    pub(crate) fn expect_told(&mut self, page: u64, iota: u64) {
        let lost = self.functions.iter().find(|function| {
            function.kind == Kind::Shadows
                && !function.is_excused(page)
                && !function.joining
                && function.enabled
                && function.ioat.is_some_and(|ioat| ioat.iota == iota)
                && !function.pages.contains_key(&page)
        });
        if let Some(handle) = lost.map(|function| function.handle) {
            self.complain(format!("{handle:#x} was never told of {page:#x}, which is mapped"));
        }
    }

    /// The error state of the function is cleared for good: what it refused meanwhile is no excuse any more.
    pub(crate) fn cleared(&mut self, index: usize) {
        self.functions[index].refused = false;
    }

    /// Another kernel registered a translation for the function.
    pub(crate) fn inherit(&mut self, index: usize) {
        self.functions[index].ioat = Some(Ioat { iota: FOREIGN, first: 0, last: u64::MAX });
    }

    /// Whether the function uses what another kernel registered.
    pub(crate) fn is_foreign(&self, index: usize) -> bool {
        let function = &self.functions[index];
        function.enabled && function.ioat.is_some_and(|ioat| ioat.iota == FOREIGN)
    }

    /// Whether the function is registered.
    pub(crate) fn is_registered(&self, index: usize) -> bool {
        self.functions[index].enabled && self.functions[index].ioat.is_some()
    }

    /// A refresh of these addresses failed, and the function was told so.
    pub(crate) fn excuse(&mut self, handle: u32, start: u64, length: u64) {
        match self.enabled(handle) {
            Some(function) if function.kind == Kind::Inspects => {
                function.missed.push(start..=start.wrapping_add(length).wrapping_sub(1));
            }
            Some(function) => function.excused = true,
            None => {}
        }
    }
}

impl Function {
    fn forget(&mut self) {
        self.ioat = None;
        self.in_error = false;
        self.pages.clear();
        self.steps.clear();
        self.excused = false;
        self.missed.clear();
        self.refused = false;
    }

    fn is_excused(&self, page: u64) -> bool {
        self.excused || self.refused || self.missed.iter().any(|missed| missed.contains(&page))
    }
}

/// The eight bytes at `index` of a table, or `None` if there is no table any more.
fn entry(origin: u64, size: u32, index: u64) -> Option<u64> {
    // SAFETY: the function looks the table up.
    let table = unsafe { stand_in_table_or_null(origin, size) };
    if table.is_null() {
        return None;
    }
    // SAFETY: the table has `size` bytes, and the index lies within it.
    let word = unsafe { table.cast::<u64>().add(index as usize % (size as usize / 8)).read() };
    Some(u64::from_be(word))
}

/// Walks from a region-third table: where the page leads, and the tables on the way.
fn walk(iota: u64, iova: u64) -> (Option<u64>, Vec<Step>) {
    let mut steps = Vec::new();
    let root = iota & !0xfff;
    let Some(region) = entry(root, CRST, iova >> 31 & 0x7ff) else { return (None, steps) };
    if region & 0x20 != 0 {
        return (None, steps);
    }
    let segments = region & !0x3fff;
    steps.push(Step { origin: segments, first: iova & !0x7fff_ffff, last: iova | 0x7fff_ffff, size: CRST });
    let Some(segment) = entry(segments, CRST, iova >> 20 & 0x7ff) else { return (None, steps) };
    if segment & 0x20 != 0 {
        return (None, steps);
    }
    if segment & 0x400 != 0 {
        return (Some(segment & !0xf_ffff | iova & 0xf_f000), steps);
    }
    let pages = segment & !0x7ff;
    steps.push(Step { origin: pages, first: iova & !0xf_ffff, last: iova | 0xf_ffff, size: PAGE_TABLE });
    let page = entry(pages, PAGE_TABLE, iova >> 12 & 0xff);
    (page.filter(|page| page & 0x400 == 0).map(|page| page & !0xfff), steps)
}

/// A word that reads as a valid entry in a table that `step` keeps and that the tree does not have any more.
fn valid_word_of_stranger(iota: u64, step: &Step, probes: &[u64]) -> Option<u64> {
    let inside = probes.iter().filter(|probe| step.first <= **probe && **probe <= step.last);
    for probe in inside {
        if walk(iota, *probe).1.iter().any(|reached| reached.origin == step.origin) {
            return None;
        }
    }
    let invalid = if step.size == CRST { 0x20 } else { 0x400 };
    (0..u64::from(step.size) / 8)
        .filter_map(|index| entry(step.origin, step.size, index))
        .find(|word| word & invalid == 0)
}
