// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The duty to refresh what changed.

use core::fmt;

use crate::format::range::IovaRange;

/// A range of addresses whose entries changed while functions may still use the old ones.
///
/// Made by the operations of a table alone. It is settled in one of three ways: issued to every registered function
/// ([`issue`](crate::issue), or the methods of [`Attachment`](crate::Attachment)), deferred, or given up since no
/// function is registered. Builds with debug assertions panic when a change is dropped that was not settled, so that
/// it is not lost in an `Option` or by `Result::ok` either.
#[must_use = "issue the change to every registered function, `defer` it, or call `unseen` if there is none"]
#[derive(Eq, PartialEq)]
pub struct Change {
    range: Option<IovaRange>,
}

impl Change {
    /// Nothing changed.
    pub const NONE: Self = Self { range: None };

    /// Entries of `range` changed; the first of them is that of its start, and stands in a table that exists.
    #[inline]
    pub(super) const fn of(range: IovaRange) -> Self {
        Self { range: Some(range) }
    }

    /// The addresses, from the first one that changed to the last; `None` if none did.
    #[inline]
    pub const fn range(&self) -> Option<IovaRange> {
        self.range
    }

    /// One change that covers both and what lies between them.
    pub fn merge(mut self, mut other: Self) -> Self {
        match (self.range.take(), other.range.take()) {
            (Some(one), Some(other)) => Self::of(one.hull(other)),
            (one, other) => Self { range: one.or(other) },
        }
    }

    /// Gives the change away as a range, for [`resume`](Self::resume).
    #[inline]
    #[must_use = "the range has to be refreshed for every registered function"]
    pub fn defer(mut self) -> Option<IovaRange> {
        self.range.take()
    }

    /// Takes back what [`defer`](Self::defer) gave away.
    ///
    /// # Safety
    ///
    /// `range` must be that of a deferred change, or start where a deferred change starts. The table that held the
    /// entry of its start must not have been taken out of the tree since: the refresh relies on it.
    #[inline]
    pub const unsafe fn resume(range: IovaRange) -> Self {
        Self { range: Some(range) }
    }

    /// Gives the change up: no function is registered with the table, so none can have seen the old entries.
    #[inline]
    pub fn unseen(mut self) {
        self.range = None;
    }

    /// The range of a change that has now been issued.
    #[inline]
    pub(crate) fn settle(mut self) {
        self.range = None;
    }
}

impl Drop for Change {
    #[inline]
    fn drop(&mut self) {
        debug_assert!(self.range.is_none(), "{self:?} was dropped, but neither issued nor deferred");
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Change").field(&self.range).finish()
    }
}
