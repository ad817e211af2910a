// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The duty to tell devices of a change.

use core::fmt;
use core::sync::atomic::{fence, Ordering};

use clp::{ConditionCode, FunctionHandle};

use crate::format::range::IovaRange;
use crate::format::table_type::TableType;
use crate::machine::action::{Action, Request};
use crate::machine::zpci::{Outcome, Zpci};

/// A range whose entries changed while functions may still use the old ones.
///
/// It is issued to every function that uses the table, or given up with a reason.
#[derive(Debug, Eq, PartialEq)]
#[must_use = "issue it to every function that uses the table, or `forgo` it and say why"]
pub struct Refresh {
    range: IovaRange,
    /// Whether the range starts at an entry of a table that exists.
    at_entry: bool,
}

impl Refresh {
    /// A refresh of `range`, whether anything changed there or not.
    ///
    /// A refresh of all that a function can address makes the machine drop every translation it need not keep.
    pub const fn of(range: IovaRange) -> Self {
        Self { range, at_entry: false }
    }

    /// A refresh of `range`, which starts where an entry changed that still stands in its table.
    ///
    /// So do the refreshes of all that a table returns, and this makes one of those again whose range went elsewhere
    /// in between. Such a refresh needs fewer instructions than any other of the same range.
    pub const fn of_change(range: IovaRange) -> Self {
        Self { range, at_entry: true }
    }

    /// What is to be refreshed.
    pub const fn range(&self) -> IovaRange {
        self.range
    }

    /// One refresh that covers both; it covers what lies between as well.
    pub fn merge(self, other: Self) -> Self {
        Self { range: self.range.hull(other.range), at_entry: self.at_entry && other.at_entry }
    }

    /// Makes `function` use the entries as they are now.
    ///
    /// `again` is called with the number of busy answers so far, 1 or more; it pauses and tells whether to ask again.
    ///
    /// # Errors
    ///
    /// [`RefreshError`]: `function` may use old entries for the range, except where it is gone.
    #[inline]
    pub fn issue<Z: Zpci>(
        self,
        zpci: &Z,
        function: FunctionHandle,
        again: impl FnMut(u32) -> bool,
    ) -> Result<(), RefreshError> {
        self.issue_or(zpci, function, again, |error| error)
    }

    /// As [`issue`](Self::issue), for callers to whom a few instructions matter and who want less than the whole error.
    ///
    /// # Errors
    ///
    /// What `otherwise` makes of the [`RefreshError`].
    #[inline]
    pub fn issue_or<Z: Zpci, R>(
        self,
        zpci: &Z,
        function: FunctionHandle,
        mut again: impl FnMut(u32) -> bool,
        otherwise: impl FnOnce(RefreshError) -> R,
    ) -> Result<(), R> {
        // The stores into the tables come before the machine reads them.
        fence(Ordering::SeqCst);
        self.issue_once(zpci, function, &mut again, otherwise)
    }

    /// Makes all of `functions` use the entries as they are now.
    ///
    /// Every function is refreshed, also after one failed. `again` is called with the number of busy answers to one
    /// instruction so far, 1 or more; it pauses and tells whether to ask again.
    ///
    /// # Errors
    ///
    /// The first [`RefreshError`]; it is not lost when later functions succeed.
    pub fn issue_to_all<Z: Zpci>(
        self,
        zpci: &Z,
        functions: impl IntoIterator<Item = FunctionHandle>,
        mut again: impl FnMut(u32) -> bool,
    ) -> Result<(), RefreshError> {
        // As in `issue`.
        fence(Ordering::SeqCst);
        let mut result = Ok(());
        for function in functions {
            let refreshed = self.issue_once(zpci, function, &mut again, |error| error);
            result = result.and(refreshed);
        }
        result
    }

    /// Gives the refresh up, for entries that no function can have seen.
    pub fn forgo(self, _why: &'static str) {}

    /// Refreshes one function: mostly by one instruction that succeeds.
    #[inline]
    fn issue_once<Z: Zpci, R>(
        &self,
        zpci: &Z,
        function: FunctionHandle,
        again: &mut impl FnMut(u32) -> bool,
        otherwise: impl FnOnce(RefreshError) -> R,
    ) -> Result<(), R> {
        let mut first = None;
        if self.at_entry && self.range.size_less_one() < LONGEST {
            match rpcit(zpci, function, self.range) {
                Outcome { cc: ConditionCode::Zero, .. } => return Ok(()),
                outcome => first = Some(outcome),
            }
        }
        self.insist(zpci, function, again, first, otherwise)
    }

    /// Refreshes one function by as many instructions as it takes; `first` is the answer to one for all of the range.
    #[inline(never)]
    fn insist<Z: Zpci, R>(
        &self,
        zpci: &Z,
        function: FunctionHandle,
        again: &mut impl FnMut(u32) -> bool,
        first: Option<Outcome>,
        otherwise: impl FnOnce(RefreshError) -> R,
    ) -> Result<(), R> {
        let (piece, outcome) = match first {
            Some(outcome) => (self.range, outcome),
            None => {
                let piece = self.first_piece(self.range);
                (piece, rpcit(zpci, function, piece))
            }
        };
        self.issue_on(zpci, function, again, piece, outcome).map_err(otherwise)
    }

    /// Goes on after the first answer to the refresh of `piece`, until all of the range is refreshed.
    #[cold]
    #[inline(never)]
    fn issue_on<Z: Zpci>(
        &self,
        zpci: &Z,
        function: FunctionHandle,
        again: &mut impl FnMut(u32) -> bool,
        mut piece: IovaRange,
        mut outcome: Outcome,
    ) -> Result<(), RefreshError> {
        loop {
            let mut busy = 1;
            loop {
                let action = Action::of(Request::Refresh, outcome);
                match action {
                    Action::Done | Action::AlreadyDone => break,
                    Action::Again if again(busy) => busy = busy.saturating_add(1),
                    _ => return Err(RefreshError { function, range: self.range, action, outcome }),
                }
                outcome = rpcit(zpci, function, piece);
            }
            let (_, Some(rest)) = self.range.split_after(piece.last()) else { return Ok(()) };
            piece = self.first_piece(rest);
            outcome = rpcit(zpci, function, piece);
        }
    }

    /// What one RPCIT can refresh of `range`, a rest of the whole, from its start.
    ///
    /// The length of all of 2^64 is no operand, so a half is the most. And a range that starts inside the area of a
    /// segment-table or region-third entry ends with it: where such an entry is invalid or maps a frame of 1 MiB, QEMU
    /// steps the size of its area from wherever the range starts, and drops what is mapped at the start of the next
    /// area or takes it for a part of the frame (the former measured, `hw/s390x/s390-pci-inst.c`). A range that starts
    /// at an entry of a table that exists is walked entry by entry to the end of the table, so it needs no such care.
    fn first_piece(&self, range: IovaRange) -> IovaRange {
        let start = range.start();
        if !self.at_entry {
            for area in [TableType::Segment, TableType::RegionThird] {
                if !start.is_aligned(area.entry_mask() + 1) {
                    return range.split_after(area.entry_last(start)).0;
                }
            }
        }
        range.split_after(crate::Iova::new(start.get() | (LONGEST - 1))).0
    }
}

/// How many bytes one instruction refreshes at most: all of 2^64 is no operand.
const LONGEST: u64 = 1 << 63;

/// Refreshes `piece`, of at most 2^63 bytes, by one instruction.
#[inline]
fn rpcit<Z: Zpci>(zpci: &Z, function: FunctionHandle, piece: IovaRange) -> Outcome {
    zpci.rpcit(function, piece.start().get(), piece.size_less_one().wrapping_add(1))
}

/// Why a function may use old entries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RefreshError {
    /// The function.
    pub function: FunctionHandle,
    /// What was to be refreshed.
    pub range: IovaRange,
    /// What the answer asks for; [`Action::Again`] when the caller stopped asking.
    pub action: Action,
    /// The answer.
    pub outcome: Outcome,
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refresh of {} for function {}: {}", self.range, self.function, self.outcome)
    }
}

impl core::error::Error for RefreshError {}
