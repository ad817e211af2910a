// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The list of functions, over any number of responses.

use super::call::CallError;
use super::machine::Clp;
use super::pages::{Next, Pages};
use crate::block::Block;
use crate::id::{FunctionId, ResumeToken};
use crate::value::{ListEntry, ListSummary};
use crate::wire::list_pci::{Entry, Request, Response};
use core::fmt;
use core::iter::FusedIterator;

/// Most entries after which a list goes on, all passes together.
///
/// As many functions as the format can count: `max_fn` has 16 bits. What a machine says in it is not used, as in Linux.
/// That leaves room for nine passes over as many as QEMU (`FH_MASK_INDEX`, `include/hw/s390x/s390-pci-bus.h`) and Linux
/// (`CONFIG_PCI_NR_FUNCTIONS`) can have, 4096.
pub(super) const MAX_FUNCTIONS: u32 = u16::MAX as u32;

/// Capacity for a response to LIST PCI.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ListCapacity(u16);

impl ListCapacity {
    const MAX_ENTRIES: u16 = ((Block::SIZE - size_of::<Request>() - size_of::<Response>()) / Entry::SIZE) as u16;

    /// All that a [`Block`] has: 252 entries of 16 bytes.
    pub const MAX: Self = Self::entries(Self::MAX_ENTRIES);

    /// Capacity for that many entries of 16 bytes, or for the nearest number from 1 to 252.
    pub const fn entries(count: u16) -> Self {
        let count = match count {
            0 => 1,
            1..=Self::MAX_ENTRIES => count,
            _ => Self::MAX_ENTRIES,
        };
        Self(count)
    }

    /// The capacity in entries of 16 bytes.
    pub(super) const fn count(self) -> u16 {
        self.0
    }

    /// The capacity in bytes, header included.
    pub const fn bytes(self) -> u16 {
        size_of::<Response>() as u16 + self.0 * Entry::SIZE as u16
    }

    /// Most LIST PCI commands that one list, or one search for a function, issues; restarts are included.
    ///
    /// 65,536 with any capacity, since a machine need not fill it: the list may go on after 65,535 entries in all, and a
    /// response without any counts as a full one. With [`Self::MAX`], a list of full or of empty responses that does not
    /// end takes 261 commands.
    pub const fn max_commands(self) -> u32 {
        MAX_FUNCTIONS + 1
    }
}

/// Iterator over the functions of the machine, in the order of the machine, which means nothing.
///
/// One command is executed whenever the entries of the response before are used up; the block stays borrowed, so a
/// caller that queries functions on the way uses a second block for that. Entries with vendor identifier 0 stand for
/// no function and are left out, as in Linux. After an error, and after the end, there is nothing more.
/// [`Client::list`](crate::Client::list) returns one.
///
/// A machine need not fill its responses: the list goes on as long as there is a token, as in Linux. Yet nothing that a
/// machine answers makes it go on forever: after 65,535 entries, all passes together, there has to be an end. A response
/// without an entry, and a token that is not known, count as a full response; a token that comes back ends the list
/// earlier. [`ListCapacity::max_commands`] is what that makes of commands.
///
/// A token that the machine does not know any more (it answers 0x010a, for instance since the function it stood for
/// is gone) makes the list start over, up to [`Self::MAX_RESTARTS`] times, and go on after the function that was
/// handed out last. That relies on the machine keeping its order. Where that function is gone too, the place
/// is lost and the error says so; the caller decides whether to start again, and will see functions a second time.
#[derive(Debug)]
pub struct List<'a, C> {
    pages: Pages<'a, C>,
    last: Option<FunctionId>,
    /// Whether `last` is still to be passed, after a restart.
    skipping: bool,
}

impl<'a, C: Clp> List<'a, C> {
    /// How often a list starts over.
    pub const MAX_RESTARTS: u8 = Pages::<C>::MAX_RESTARTS;

    pub(super) const fn new(machine: &'a C, block: &'a mut Block, capacity: ListCapacity) -> Self {
        Self { pages: Pages::new(machine, block, capacity), last: None, skipping: false }
    }

    /// What the latest response says beyond its entries; `None` before the first one.
    pub fn summary(&self) -> Option<ListSummary> {
        self.pages.summary()
    }
}

impl<C: Clp> Iterator for List<'_, C> {
    type Item = Result<ListEntry, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.pages.next() {
                Some(Ok(Next::Entry(entry))) => {
                    if entry.vendor == 0 {
                        continue;
                    }
                    if self.skipping {
                        self.skipping = self.last != Some(entry.id);
                        continue;
                    }
                    self.last = Some(entry.id);
                    return Some(Ok(entry));
                }
                Some(Ok(Next::Restart)) => self.skipping = self.last.is_some(),
                Some(Err(error)) => {
                    self.skipping = false;
                    return Some(Err(error));
                }
                None => {
                    let lost = self.last.filter(|_| self.skipping);
                    self.skipping = false;
                    return lost.map(|last| Err(ListError::PlaceLost { last }));
                }
            }
        }
    }
}

impl<C: Clp> FusedIterator for List<'_, C> {}

/// Why the functions cannot be listed, or not all of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ListError {
    /// The command failed, or the response says that it is longer than the capacity for it.
    Call(CallError),
    /// Entries smaller than 16 bytes.
    EntrySize {
        /// Size of an entry in bytes, as the response says.
        entry_size: u8,
    },
    /// A resume token came back a second time.
    NoProgress {
        /// The token.
        token: ResumeToken,
    },
    /// The list went on after as many entries as so many functions have; a response without any counts as a full one.
    TooLong {
        /// Number of functions.
        functions: u32,
    },
    /// Resume tokens became unknown again and again.
    TooManyRestarts,
    /// A resume token became unknown, and the function that was handed out last is not listed any more.
    PlaceLost {
        /// The function that was handed out last.
        last: FunctionId,
    },
}

impl From<CallError> for ListError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::EntrySize { entry_size } => write!(f, "list with entries of {entry_size} bytes"),
            Self::NoProgress { token } => write!(f, "list comes back to resume token {token}"),
            Self::TooLong { functions } => write!(f, "list does not end where one of {functions} functions would"),
            Self::TooManyRestarts => f.write_str("resume tokens of the list become unknown again and again"),
            Self::PlaceLost { last } => {
                write!(f, "resume token of the list became unknown, and function {last} is gone")
            }
        }
    }
}

impl core::error::Error for ListError {}
