// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Whether a list that comes in several responses gets on.

use crate::id::ResumeToken;

/// Compares the tokens of one pass over the list with earlier ones.
///
/// One earlier token is kept, and exchanged for a newer one after 1, 2, 4, ... responses (Brent): a cycle is seen
/// within about three times as many responses as there are tokens, without storage for all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    earlier: ResumeToken,
    until_next: u32,
    period: u32,
}

impl Progress {
    pub(super) const START: Self = Self { earlier: ResumeToken::START, until_next: 1, period: 1 };

    /// Notes that the response to the request with `sent` goes on at `received`; returns whether that is a new place.
    pub(super) fn note(&mut self, sent: ResumeToken, received: ResumeToken) -> bool {
        if received == ResumeToken::START {
            return true;
        }
        if received == sent || received == self.earlier {
            return false;
        }
        self.until_next = self.until_next.saturating_sub(1);
        if self.until_next == 0 {
            self.earlier = received;
            self.period = self.period.saturating_mul(2);
            self.until_next = self.period;
        }
        true
    }
}
