// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What RPCIT does to what a function remembers, and what its DMA makes of it.

use std::format;
use std::string::String;
use std::vec::Vec;

use super::function::{Answer, Event, Function, Ioat, State, DONE};
use super::storage::Storage;
use super::tlb::Entry;
use super::walker::{walk, Fault, Walk};

/// Why a device's access was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DmaError {
    /// The function is not in a state in which DMA works.
    State(State),
    /// The access raised an error event; the function is in its error state now.
    Event(Event),
    /// A real machine would have let the access through, with a translation that the tables no longer hold: they
    /// were changed, and no refresh followed.
    Stale(String),
}

/// Error event: no translation registered.
const NOT_REGISTERED: u16 = 1;
/// Error event: address out of range.
const OUT_OF_RANGE: u16 = 2;
/// Error event: translation protection, and no translation.
const PROTECTION: u16 = 4;

impl Function {
    /// RPCIT for `length` bytes from `start`; complaints go to `complaints`.
    ///
    /// `skips` selects QEMU's way of stepping over invalid region and segment entries.
    pub(super) fn refresh(
        &mut self,
        storage: &Storage,
        start: u64,
        length: u64,
        skips: bool,
        complaints: &mut Vec<String>,
    ) -> Answer {
        if self.state == State::Error {
            return (1, 40);
        }
        let Some(ioat) = self.ioat else {
            self.fail(NOT_REGISTERED, start);
            return (1, 8);
        };
        // The first byte behind the range; a range to the end of everything has none.
        let end = u128::from(start) + u128::from(length);
        if end > 1 << 64 {
            complaints.push(format!("RPCIT of {length:#x} bytes from {start:#x} passes 2^64"));
        }
        if end < ioat.pba.into() || start > ioat.pal {
            self.fail(OUT_OF_RANGE, start);
            return (1, 8);
        }
        if length == 0 || ioat.iota & 0x800 == 0 {
            return DONE;
        }
        let last = u64::try_from(end - 1).unwrap_or(u64::MAX);
        self.tlb.remove_steps((start, last), (ioat.pba, ioat.pal));
        self.tlb.remove_frames((start, last), (ioat.pba, ioat.pal));
        if !self.group.refresh {
            self.tlb.remove_pages(start, last);
            return DONE;
        }
        match self.shadow(storage, ioat.iota, start & !0xfff, last, skips) {
            Ok(()) => DONE,
            Err((iova, fault)) => {
                let code = event_code(fault, complaints);
                self.fail(code, iova);
                (1, 8)
            }
        }
    }

    /// Records what the tables say of every page from `cursor` to `last`, both inclusive.
    ///
    /// With `skips` what a large entry says is taken for as many bytes from `cursor` on as the entry covers, even if
    /// `cursor` is in the middle of what it covers.
    fn shadow(
        &mut self,
        storage: &Storage,
        iota: u64,
        mut cursor: u64,
        last: u64,
        skips: bool,
    ) -> Result<(), (u64, Fault)> {
        loop {
            let mut steps = Vec::new();
            let found = walk(storage, iota, cursor, &mut steps).map_err(|fault| (cursor, fault))?;
            self.tlb.note(&steps);
            let size = match found {
                Walk::Mapped(leaf) => leaf.size,
                Walk::Hole(size) => size,
            };
            let passed = if skips { cursor.checked_add(size - 1) } else { Some(cursor | (size - 1)) };
            let end = passed.map_or(last, |passed| passed.min(last));
            match found {
                Walk::Hole(_) => self.tlb.remove_pages(cursor, end),
                Walk::Mapped(leaf) => {
                    for offset in (0..=end - cursor).step_by(4096) {
                        let page = leaf.page.wrapping_add(offset);
                        self.tlb.insert(cursor + offset, Entry { page, protected: leaf.protected });
                    }
                }
            }
            match passed.and_then(|passed| passed.checked_add(1)) {
                Some(next) if next <= last => cursor = next,
                _ => return Ok(()),
            }
        }
    }

    /// Where the device's access to `iova` goes in absolute storage.
    pub(super) fn translate(
        &mut self,
        storage: &Storage,
        iova: u64,
        write: bool,
        complaints: &mut Vec<String>,
    ) -> Result<u64, DmaError> {
        if !matches!(self.state, State::Enabled | State::Blocked) {
            return Err(DmaError::State(self.state));
        }
        let Some(Ioat { pba, pal, iota }) = self.ioat else {
            return Err(DmaError::Event(self.fail(NOT_REGISTERED, iova)));
        };
        if iova < pba || pal < iova {
            return Err(DmaError::Event(self.fail(OUT_OF_RANGE, iova)));
        }
        if iota & 0x800 == 0 {
            return Ok(iova - self.configuration.sdma);
        }
        let mut steps = Vec::new();
        let mut is_frame = false;
        let now = match walk(storage, iota, iova, &mut steps) {
            Ok(Walk::Mapped(leaf)) => {
                is_frame = leaf.size == 1 << 20;
                Some(Entry::from(leaf))
            }
            Ok(Walk::Hole(_)) => None,
            Err(fault) => {
                let code = event_code(fault, complaints);
                return Err(DmaError::Event(self.fail(code, iova)));
            }
        };
        let entry = match (self.tlb.get(iova), now) {
            (Some(cached), _) if Some(cached) != now => return Err(DmaError::Stale(stale(iova, Some(cached), now))),
            (None, Some(_)) if self.group.refresh => return Err(DmaError::Stale(stale(iova, None, now))),
            (None, Some(entry)) => {
                if is_frame {
                    self.tlb.insert_frame(iova, entry);
                } else {
                    self.tlb.insert(iova, entry);
                }
                self.tlb.note(&steps);
                entry
            }
            (Some(cached), _) => cached,
            (None, None) => return Err(DmaError::Event(self.fail(PROTECTION, iova))),
        };
        if write && entry.protected {
            return Err(DmaError::Event(self.fail(PROTECTION, iova)));
        }
        Ok(entry.page | iova & 0xfff)
    }
}

/// Code of the error event; a table that is not there is a complaint as well.
fn event_code(fault: Fault, complaints: &mut Vec<String>) -> u16 {
    if let Fault::Storage(access) = fault {
        complaints.push(format!("table walk of a function: {access}"));
    }
    fault.code()
}

fn stale(iova: u64, then: Option<Entry>, now: Option<Entry>) -> String {
    let name = |entry: Option<Entry>| match entry {
        Some(Entry { page, protected: false }) => format!("{page:#x}"),
        Some(Entry { page, protected: true }) => format!("{page:#x} (read only)"),
        None => String::from("nothing"),
    };
    format!("missing refresh: the function still translates {iova:#x} to {}, the tables to {}", name(then), name(now))
}
