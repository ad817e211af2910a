// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! LIST PCI, answered from slots.

use super::buffer::Buffer;
use super::ListWriter;
use super::{Refusal, Responder};
use crate::code::ResponseCode;
use crate::id::ResumeToken;
use crate::wire::list_pci::{Entry, Request, Response};

impl Responder<'_> {
    /// The order of the checks is that of QEMU (`list_pci`, `hw/s390x/s390-pci-inst.c`).
    pub(super) fn list(&self, request: &[u8], buffer: &mut Buffer<'_>) -> Result<(), Refusal> {
        let request: Request = self.rules.parse(request)?;
        let token = ResumeToken(request.resume_token.get());
        let first = self.slot(token).ok_or(ResponseCode::RESUME_TOKEN)?;
        let entry_bytes = buffer.len().saturating_sub(size_of::<Response>());
        let mut writer = ListWriter::new(buffer.bytes_mut(), self.summary).map_err(|_| ResponseCode::NEEDS_8K_BLOCK)?;
        if !entry_bytes.is_multiple_of(Entry::SIZE) {
            return Err(self.rules.odd_list());
        }
        let next = self.functions_from(first).find(|(_, function)| !writer.push(&function.list_entry()));
        let resume = next.map_or(ResumeToken::START, |(slot, _)| ResumeToken(slot as u64));
        let length = writer.finish(resume, self.rules.list_mdd);
        buffer.note(0, usize::from(length));
        Ok(())
    }

    /// The slot that a token stands for; the start is never given as a token, since each response has an entry.
    ///
    /// A token is known as long as the machine can have such a slot: that its function was unplugged is no reason to
    /// lose the place. QEMU knows the tokens of functions that are there (measured).
    fn slot(&self, token: ResumeToken) -> Option<usize> {
        let slot = usize::try_from(token.0).ok()?;
        let known = if self.rules.resumes_at_empty_slot {
            slot < self.functions.len().max(usize::from(self.summary.max_functions))
        } else {
            self.functions.get(slot).is_some_and(Option::is_some)
        };
        (known || token == ResumeToken::START).then_some(slot)
    }
}
