// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A response to LIST PCI, written entry by entry.

use crate::id::ResumeToken;
use crate::message::CapacityError;
use crate::value::{ListEntry, ListSummary};
use crate::wire::list_pci::{Entry, Response};
use zerocopy::FromBytes;

/// Writes a response to LIST PCI into the bytes that were offered for it.
///
/// Before [`Self::finish`] nothing is written but whole entries; bytes behind the response stay as they are.
#[derive(Debug)]
#[must_use = "a response is complete with `finish`"]
pub struct ListWriter<'a> {
    summary: ListSummary,
    /// Where the fixed part goes.
    fixed: &'a mut Response,
    /// What is left of the bytes offered.
    free: &'a mut [u8],
    length: u16,
}

impl<'a> ListWriter<'a> {
    /// Starts an empty list.
    ///
    /// # Errors
    ///
    /// [`CapacityError`] if not a single entry fits, with nothing written: such a list could never go on.
    pub fn new(buffer: &'a mut [u8], summary: ListSummary) -> Result<Self, CapacityError> {
        let error = CapacityError { required: size_of::<Response>() + Entry::SIZE, offered: buffer.len() };
        match Response::mut_from_prefix(buffer) {
            Ok((fixed, free)) if free.len() >= Entry::SIZE => {
                Ok(Self { summary, fixed, free, length: size_of::<Response>() as u16 })
            }
            _ => Err(error),
        }
    }

    /// Adds a function and returns whether it fitted.
    #[must_use = "a function that does not fit comes in the next response"]
    pub fn push(&mut self, entry: &ListEntry) -> bool {
        // Bytes that cannot hold an entry now never will: they are not put back.
        match (self.length.checked_add(Entry::SIZE as u16), Entry::mut_from_prefix(core::mem::take(&mut self.free))) {
            (Some(length), Ok((stored, free))) => {
                *stored = entry.encode();
                self.free = free;
                self.length = length;
                true
            }
            _ => false,
        }
    }

    /// Completes the response and returns its length in bytes. The list goes on at `resume`, or is complete with
    /// [`ResumeToken::START`]; `mdd` is the word at byte 24, 0 but in QEMU ([`Response::mdd`]).
    pub fn finish(self, resume: ResumeToken, mdd: u32) -> u16 {
        let mut response = Response::new(self.summary.max_functions, self.summary.uid_checking);
        response.header.length.set(self.length);
        response.resume_token.set(resume.0);
        response.mdd.set(mdd);
        *self.fixed = response;
        self.length
    }
}
