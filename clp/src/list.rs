// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The list of functions, over any number of responses.

use crate::list_pci::{Entry, Request, Response};
use crate::progress::Progress;
use crate::{call, Block, CallError, Clp, FunctionId, ListEntry, LogicalProcessor, Received, ResponseCode};
use core::fmt;
use core::iter::FusedIterator;
use zerocopy::FromBytes;

/// Where a list goes on: opaque, given by the machine.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct ResumeToken(pub u64);

impl ResumeToken {
    /// Asks for the start of the list; as an answer, says that the list is complete.
    pub const START: Self = Self(0);
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// Room for a response to LIST PCI.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ListRoom(u16);

impl ListRoom {
    const MAX_ENTRIES: u16 = ((Block::SIZE - size_of::<Request>() - size_of::<Response>()) / Entry::SIZE) as u16;

    /// All that a [`Block`] has: 252 entries of 16 bytes.
    pub const MAX: Self = Self::entries(Self::MAX_ENTRIES);

    /// Room for that many entries of 16 bytes: at least 1 and at most 252, the nearest of which is taken.
    pub const fn entries(count: u16) -> Self {
        let count = match count {
            0 => 1,
            1..=Self::MAX_ENTRIES => count,
            _ => Self::MAX_ENTRIES,
        };
        Self(size_of::<Response>() as u16 + count * Entry::SIZE as u16)
    }

    /// The room in bytes, header included.
    pub const fn bytes(self) -> u16 {
        self.0
    }
}

/// What a list tells beyond its entries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ListSummary {
    /// Number of functions that the machine can have.
    pub max_functions: u16,
    /// Whether the machine makes sure that the UIDs are unique; without it a UID identifies nothing.
    pub uid_checking: bool,
}

/// Iterator over the functions of the machine, in the order of the machine, which means nothing.
///
/// One command is executed whenever the entries of the response before are used up; the block stays borrowed, so a
/// caller that queries functions on the way uses a second block for that. Entries with vendor identifier 0 stand for
/// no function and are left out, as in Linux. After an error, and after the end, there is nothing more.
/// [`Client::list`](crate::Client::list) returns one.
///
/// Nothing that a machine answers makes it go on forever: one pass takes as many entries, and as many responses and
/// one, as the first response says that the machine can have functions; 65,536 if it says 0 or less than it holds
/// itself. Tokens that come back end it earlier.
///
/// A token that the machine does not know any more (it answers 0x010a, for instance since the function it stood for
/// is gone) makes the list start over, up to [`Self::MAX_RESTARTS`] times, and go on after the function that was
/// handed out last. That relies on the machine keeping its order. Where that function is gone too, the place
/// is lost and the error says so; the caller decides whether to start again, and will see functions a second time.
#[derive(Debug)]
pub struct List<'a, C> {
    machine: &'a C,
    block: &'a mut Block,
    room: ListRoom,
    /// The request to send when the entries are used up.
    next: Option<ResumeToken>,
    /// Entries of the current response that are still to come: offset in the block, stride, number.
    offset: usize,
    stride: usize,
    remaining: u16,
    progress: Progress,
    summary: Option<ListSummary>,
    last: Option<FunctionId>,
    /// Whether `last` is still to be passed, after a restart.
    skipping: bool,
    restarts: u8,
}

impl<'a, C: Clp> List<'a, C> {
    /// How often a list starts over.
    pub const MAX_RESTARTS: u8 = 8;

    pub(crate) fn new(machine: &'a C, block: &'a mut Block, room: ListRoom) -> Self {
        Self {
            machine,
            block,
            room,
            next: Some(ResumeToken::START),
            offset: 0,
            stride: 0,
            remaining: 0,
            progress: Progress::START,
            summary: None,
            last: None,
            skipping: false,
            restarts: 0,
        }
    }

    /// What the latest response told beyond its entries; `None` before the first one.
    pub fn summary(&self) -> Option<ListSummary> {
        self.summary
    }

    /// Executes one LIST PCI and checks the response as a whole.
    fn fetch(&mut self, token: ResumeToken) -> Result<(), ListError> {
        let request = Request::new(token.0);
        let received = call(self.machine, self.block, LogicalProcessor::PCI, &request, self.room.bytes())
            .and_then(|bytes| Ok(Received::<Response>::parse(bytes)?));
        let received = match received {
            Err(error) if error.response_code() == Some(ResponseCode::RESUME_TOKEN) && token != ResumeToken::START => {
                return self.restart()
            }
            other => other?,
        };
        let response = received.response();
        let length = received.length();
        let malformed = ListError::EntrySize { entry_size: response.entry_size, length };
        let stride = u16::from(response.entry_size);
        if usize::from(stride) < Entry::SIZE {
            return Err(malformed);
        }
        let entry_bytes = length.saturating_sub(size_of::<Response>() as u16);
        let (Some(entries), Some(0)) = (entry_bytes.checked_div(stride), entry_bytes.checked_rem(stride)) else {
            return Err(malformed);
        };
        let resume = ResumeToken(response.resume_token.get());
        self.progress.note(token, resume, entries, response.max_functions.get())?;
        self.summary = Some(ListSummary {
            max_functions: response.max_functions.get(),
            uid_checking: response.flags.uid_checking(),
        });
        self.next = (resume != ResumeToken::START).then_some(resume);
        self.offset = size_of::<Request>() + size_of::<Response>();
        self.stride = usize::from(stride);
        self.remaining = entries;
        Ok(())
    }

    fn restart(&mut self) -> Result<(), ListError> {
        if self.restarts >= Self::MAX_RESTARTS {
            return Err(ListError::TooManyRestarts);
        }
        self.restarts += 1;
        self.progress = Progress::START;
        self.skipping = self.last.is_some();
        self.next = Some(ResumeToken::START);
        Ok(())
    }

    /// The next entry of the current response.
    fn take(&mut self) -> Option<ListEntry> {
        self.remaining = self.remaining.checked_sub(1)?;
        let bytes = self.block.bytes().get(self.offset..)?;
        self.offset = self.offset.saturating_add(self.stride);
        let (entry, _) = Entry::read_from_prefix(bytes).ok()?;
        Some(ListEntry::decode(&entry))
    }

    fn end(&mut self) {
        self.next = None;
        self.remaining = 0;
        self.skipping = false;
    }
}

impl<C: Clp> Iterator for List<'_, C> {
    type Item = Result<ListEntry, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(entry) = self.take() {
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
            let Some(token) = self.next.take() else {
                let lost = self.last.filter(|_| self.skipping);
                self.end();
                return lost.map(|last| Err(ListError::PlaceLost { last }));
            };
            if let Err(error) = self.fetch(token) {
                self.end();
                return Some(Err(error));
            }
        }
    }
}

impl<C: Clp> FusedIterator for List<'_, C> {}

/// Why the functions cannot be listed, or not all of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ListError {
    /// The command failed.
    Call(CallError),
    /// Entries smaller than 16 bytes, or a length that is not 32 and a multiple of the entry size.
    EntrySize {
        /// Size of an entry in bytes, as the response says.
        entry_size: u8,
        /// Length of the response in bytes.
        length: u16,
    },
    /// A resume token came back a second time.
    NoProgress {
        /// The token.
        token: ResumeToken,
    },
    /// There are more entries or responses than a machine of this size can have.
    TooLong {
        /// Most entries, and most responses but one.
        limit: u32,
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
            Self::EntrySize { entry_size, length } => {
                write!(f, "list of {length} bytes with entries of {entry_size} bytes")
            }
            Self::NoProgress { token } => write!(f, "list comes back to resume token {token}"),
            Self::TooLong { limit } => write!(f, "list does not end after {limit} functions"),
            Self::TooManyRestarts => f.write_str("resume tokens of the list become unknown again and again"),
            Self::PlaceLost { last } => {
                write!(f, "resume token of the list became unknown, and function {last} is gone")
            }
        }
    }
}

impl core::error::Error for ListError {}
