// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Whether a list that comes in several responses gets on.

use crate::{ListError, ResumeToken};

/// Most functions that a list is followed for when the machine names no sensible number itself: one for each value of
/// the 16-bit index in QEMU's handles.
const HARD_LIMIT: u32 = 0x1_0000;

/// Counts what one pass over the list brought, and compares its tokens with earlier ones.
///
/// One earlier token is kept, and exchanged for a newer one after 1, 2, 4, ... responses (Brent): a cycle is seen
/// within about three times as many responses as there are tokens, without storage for all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// Most entries, and most responses but one; known with the first response.
    limit: Option<u32>,
    entries: u32,
    responses: u32,
    earlier: ResumeToken,
    until_next: u32,
    period: u32,
}

impl Progress {
    pub(crate) const START: Self =
        Self { limit: None, entries: 0, responses: 0, earlier: ResumeToken::START, until_next: 1, period: 1 };

    /// Takes note of a response to the request with `sent`.
    pub(crate) fn note(
        &mut self,
        sent: ResumeToken,
        received: ResumeToken,
        entries: u16,
        max_functions: u16,
    ) -> Result<(), ListError> {
        // The first response alone decides; one that holds more functions than the machine can have is no authority.
        let limit = *self.limit.get_or_insert(match max_functions {
            0 => HARD_LIMIT,
            max if max < entries => HARD_LIMIT,
            max => u32::from(max),
        });
        self.entries = self.entries.saturating_add(u32::from(entries));
        self.responses = self.responses.saturating_add(1);
        if self.entries > limit || self.responses.saturating_sub(1) > limit {
            return Err(ListError::TooLong { limit });
        }
        if received == ResumeToken::START {
            return Ok(());
        }
        if received == sent || received == self.earlier {
            return Err(ListError::NoProgress { token: received });
        }
        self.until_next = self.until_next.saturating_sub(1);
        if self.until_next == 0 {
            self.earlier = received;
            self.period = self.period.saturating_mul(2);
            self.until_next = self.period;
        }
        Ok(())
    }
}
