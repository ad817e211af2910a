// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The responses to LIST PCI, one after the other.

use super::call::call;
use super::list::{ListCapacity, ListError, MAX_FUNCTIONS};
use super::machine::Clp;
use super::progress::Progress;
use crate::block::Block;
use crate::code::{LogicalProcessor, ResponseCode};
use crate::id::ResumeToken;
use crate::message::{Received, ResponseError};
use crate::value::{ListEntry, ListSummary};
use crate::wire::list_pci::{Entry, Request, Response};
use zerocopy::FromBytes;

/// Every entry of every response, with one bound for the entries of all passes, which bounds the commands too.
#[derive(Debug)]
pub(super) struct Pages<'a, C> {
    machine: &'a C,
    block: &'a mut Block,
    capacity: ListCapacity,
    /// The request to send when the entries are used up.
    next: Option<ResumeToken>,
    /// Entries of the current response that are still to come: offset in the block, stride, number.
    offset: usize,
    stride: usize,
    remaining: u16,
    progress: Progress,
    summary: Option<ListSummary>,
    /// Entries that responses after which the list goes on may still have.
    left: u32,
    restarts: u8,
}

/// What comes next in a list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// An entry, whether it stands for a function or not.
    Entry(ListEntry),
    /// The machine does not know its token any more; the next entry is the first one again.
    Restart,
}

impl<'a, C: Clp> Pages<'a, C> {
    /// Most passes but one.
    pub(super) const MAX_RESTARTS: u8 = 8;

    pub(super) const fn new(machine: &'a C, block: &'a mut Block, capacity: ListCapacity) -> Self {
        Self {
            machine,
            block,
            capacity,
            next: Some(ResumeToken::START),
            offset: 0,
            stride: 0,
            remaining: 0,
            progress: Progress::START,
            summary: None,
            left: MAX_FUNCTIONS,
            restarts: 0,
        }
    }

    /// What the latest response says beyond its entries; `None` before the first one.
    pub(super) const fn summary(&self) -> Option<ListSummary> {
        self.summary
    }

    /// The next entry; `None` at the end and after an error.
    pub(super) fn next(&mut self) -> Option<Result<Next, ListError>> {
        loop {
            if let Some(entry) = self.take() {
                return Some(Ok(Next::Entry(entry)));
            }
            let token = self.next.take()?;
            match self.fetch(token) {
                Ok(true) => {}
                Ok(false) => return Some(Ok(Next::Restart)),
                Err(error) => {
                    self.end();
                    return Some(Err(error));
                }
            }
        }
    }

    /// Makes this and everything after it the end.
    pub(super) const fn end(&mut self) {
        self.next = None;
        self.remaining = 0;
    }

    /// Executes one LIST PCI and checks the response as a whole; returns whether the machine knew the token.
    fn fetch(&mut self, token: ResumeToken) -> Result<bool, ListError> {
        let request = Request::new(token.0);
        let offered = self.capacity.bytes();
        let received = call(self.machine, self.block, LogicalProcessor::PCI, &request, offered)
            .and_then(|bytes| Ok(Received::<Response>::parse(bytes)?));
        let received = match received {
            Err(error) if error.response_code() == Some(ResponseCode::RESUME_TOKEN) && token != ResumeToken::START => {
                self.restart()?;
                self.spend(0)?;
                return Ok(false);
            }
            other => other?,
        };
        let response = received.response();
        // The length alone says how many entries there are: one that cannot be leaves nothing to rely on.
        let length = received.stored_length();
        if length > offered {
            return Err(ListError::Call(ResponseError::TooLong { offered, actual: length }.into()));
        }
        if usize::from(response.entry_size) < Entry::SIZE {
            return Err(ListError::EntrySize { entry_size: response.entry_size });
        }
        let resume = ResumeToken(response.resume_token.get());
        if !self.progress.note(token, resume) {
            return Err(ListError::NoProgress { token: resume });
        }
        let entry_bytes = length.saturating_sub(size_of::<Response>() as u16);
        let entries = entry_bytes.checked_div(u16::from(response.entry_size)).unwrap_or(0);
        if resume != ResumeToken::START {
            self.spend(entries)?;
        }
        self.summary = Some(ListSummary {
            max_functions: response.max_functions.get(),
            uid_checking: response.flags.uid_checking(),
        });
        self.next = (resume != ResumeToken::START).then_some(resume);
        self.offset = size_of::<Request>() + size_of::<Response>();
        self.stride = usize::from(response.entry_size);
        self.remaining = entries;
        Ok(true)
    }

    /// Takes the entries of a response from those that are left; one without any counts as a full one.
    fn spend(&mut self, entries: u16) -> Result<(), ListError> {
        let cost = if entries == 0 { self.capacity.count() } else { entries };
        self.left = self.left.checked_sub(cost.into()).ok_or(ListError::TooLong { functions: MAX_FUNCTIONS })?;
        Ok(())
    }

    fn restart(&mut self) -> Result<(), ListError> {
        if self.restarts >= Self::MAX_RESTARTS {
            return Err(ListError::TooManyRestarts);
        }
        self.restarts += 1;
        self.progress = Progress::START;
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
}
