// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A response to LIST PCI, written entry by entry.

use crate::list_pci::{Entry, Response};
use crate::{ListEntry, ListSummary, ResumeToken, RoomError};
use zerocopy::IntoBytes;

/// Writes a response to LIST PCI into the room that was offered for it.
///
/// Nothing is written before [`Self::finish`] but whole entries; bytes behind the response stay as they are.
#[derive(Debug)]
#[must_use = "a response is complete with `finish`"]
pub struct ListWriter<'a> {
    response: Response,
    /// The fixed part of the room.
    fixed: &'a mut [u8],
    /// What is left of the room.
    free: &'a mut [u8],
    length: u16,
}

impl<'a> ListWriter<'a> {
    /// Starts an empty list.
    ///
    /// # Errors
    ///
    /// [`RoomError`] if there is no room for a single entry, with nothing written: such a list could never go on.
    pub fn new(room: &'a mut [u8], summary: ListSummary) -> Result<Self, RoomError> {
        let (required, offered) = (size_of::<Response>() + Entry::SIZE, room.len());
        match room.split_at_mut_checked(size_of::<Response>()) {
            Some((fixed, free)) if free.len() >= Entry::SIZE => Ok(Self {
                response: Response::new(summary.max_functions, summary.uid_checking),
                fixed,
                free,
                length: size_of::<Response>() as u16,
            }),
            _ => Err(RoomError { required, offered }),
        }
    }

    /// Adds a function and returns whether there was room for it.
    #[must_use = "without room the list goes on in the next response"]
    pub fn push(&mut self, entry: &ListEntry) -> bool {
        let Some(length) = self.length.checked_add(Entry::SIZE as u16) else {
            return false;
        };
        let Some((stored, free)) = core::mem::take(&mut self.free).split_at_mut_checked(Entry::SIZE) else {
            return false;
        };
        for (stored, byte) in stored.iter_mut().zip(entry.encode().as_bytes()) {
            *stored = *byte;
        }
        self.free = free;
        self.length = length;
        true
    }

    /// Completes the response and returns its length in bytes. The list goes on at `resume`, or is complete with
    /// [`ResumeToken::START`].
    pub fn finish(mut self, resume: ResumeToken) -> u16 {
        self.response.header.length.set(self.length);
        self.response.resume_token.set(resume.0);
        for (stored, byte) in self.fixed.iter_mut().zip(self.response.as_bytes()) {
            *stored = *byte;
        }
        self.length
    }
}
