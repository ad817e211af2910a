// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Refreshing translations: which instructions a range takes, and what their answers ask for.

use core::fmt;
use core::ops::ControlFlow;

use clp::FunctionHandle;

use crate::format::address::Iova;
use crate::format::range::IovaRange;
use crate::format::table_type::TableType;
use crate::machine::action::{Action, Request};
use crate::machine::zpci::{Instruction, Outcome, Zpci};
use crate::table::change::Change;
use crate::table::fence_tables;

/// Issues `change` to all of `functions`: they use the entries as they are now.
///
/// Every function is refreshed, also after one failed. [`Attachment`](crate::Attachment) does this and keeps account of
/// failures; this is for who keeps the state of the functions itself.
///
/// # Errors
///
/// The first [`RefreshError`]; it is not lost when later functions succeed. Its function may use old entries.
#[doc(alias = "RPCIT")]
pub fn issue<Z: Zpci>(
    change: Change,
    zpci: &Z,
    functions: impl IntoIterator<Item = FunctionHandle>,
) -> Result<(), RefreshError> {
    let mut result = Ok(());
    if let Some(range) = change.range() {
        fence_tables();
        for function in functions {
            let refresh = Refresh::of_change(range);
            result = result.and(refresh.issue(zpci, function, |piece| Some(zpci.rpcit(function, piece))));
        }
    }
    change.settle();
    result
}

/// Refreshes all of `range` for `function`, whatever changed there.
///
/// A refresh of all that a function can address makes the machine drop every translation it need not keep.
///
/// # Errors
///
/// [`RefreshError`]: the function may use old entries.
pub fn refresh_all<Z: Zpci>(zpci: &Z, function: FunctionHandle, range: IovaRange) -> Result<(), RefreshError> {
    fence_tables();
    Refresh::of(range).issue(zpci, function, |piece| Some(zpci.rpcit(function, piece)))
}

/// A range that one function is to be refreshed for.
#[derive(Clone, Copy)]
pub(crate) struct Refresh {
    range: IovaRange,
    /// Whether the range starts at an entry of a table that exists.
    at_entry: bool,
}

impl Refresh {
    /// A refresh of `range`, whether anything changed there or not.
    pub(crate) const fn of(range: IovaRange) -> Self {
        Self { range, at_entry: false }
    }

    /// A refresh of `range`, which starts where an entry changed that still stands in its table.
    ///
    /// It needs fewer instructions than any other of the same range.
    pub(crate) const fn of_change(range: IovaRange) -> Self {
        Self { range, at_entry: true }
    }

    /// Refreshes by as many instructions as it takes: mostly by one that succeeds.
    ///
    /// `rpcit` issues one for a piece of the range; it returns `None` if the function is not registered any more, which
    /// ends the refresh with success.
    #[inline]
    pub(crate) fn issue<Z: Zpci>(
        self,
        zpci: &Z,
        function: FunctionHandle,
        rpcit: impl Fn(IovaRange) -> Option<Outcome>,
    ) -> Result<(), RefreshError> {
        let piece = self.first_piece(self.range);
        match rpcit(piece) {
            None => Ok(()),
            Some(outcome) => self.go_on(zpci, function, rpcit, piece, outcome),
        }
    }

    /// Goes on after the first answer to the refresh of `piece`, until all of the range is refreshed.
    #[cold]
    #[inline(never)]
    pub(crate) fn go_on<Z: Zpci>(
        self,
        zpci: &Z,
        function: FunctionHandle,
        rpcit: impl Fn(IovaRange) -> Option<Outcome>,
        mut piece: IovaRange,
        mut outcome: Outcome,
    ) -> Result<(), RefreshError> {
        let mut busy = 1;
        loop {
            match self.after(zpci, function, outcome, busy) {
                ControlFlow::Break(result) => return result,
                ControlFlow::Continue(Step::Again) => busy = busy.saturating_add(1),
                ControlFlow::Continue(Step::Next) => {
                    busy = 1;
                    let (_, Some(rest)) = self.range.split_after(piece.last()) else { return Ok(()) };
                    piece = self.first_piece(rest);
                }
            }
            match rpcit(piece) {
                Some(next) => outcome = next,
                None => return Ok(()),
            }
        }
    }

    /// What `outcome` asks for, after the wait if there is one.
    fn after<Z: Zpci>(
        self,
        zpci: &Z,
        function: FunctionHandle,
        outcome: Outcome,
        busy: u32,
    ) -> ControlFlow<Result<(), RefreshError>, Step> {
        match Action::of(Request::Refresh, outcome) {
            Action::Done | Action::AlreadyDone => ControlFlow::Continue(Step::Next),
            Action::Again if zpci.pause(Instruction::Rpcit, busy) => ControlFlow::Continue(Step::Again),
            action => ControlFlow::Break(Err(RefreshError { function, range: self.range, action, outcome })),
        }
    }

    /// What one RPCIT can refresh of `range`, a rest of the whole, from its start.
    ///
    /// The length of all of 2^64 is no operand, so a half is the most. And a range that starts inside the area of a
    /// segment-table or region-third entry ends with it: where such an entry is invalid or maps a frame of 1 MiB, QEMU
    /// steps the size of its area from wherever the range starts, and drops what is mapped at the start of the next
    /// area or takes it for a part of the frame (the former measured, `hw/s390x/s390-pci-inst.c`). A range that starts
    /// at an entry of a table that exists is walked entry by entry to the end of the table, so it needs no such care.
    fn first_piece(self, range: IovaRange) -> IovaRange {
        let start = range.start();
        if !self.at_entry {
            for area in [TableType::Segment, TableType::RegionThird] {
                if !start.is_aligned(area.entry_mask() + 1) {
                    return range.split_after(area.entry_last(start)).0;
                }
            }
        }
        range.split_after(Iova::new(start.get() | (LONGEST - 1))).0
    }
}

/// What to do after an answer.
enum Step {
    /// Issue the same again.
    Again,
    /// Go on with the next piece.
    Next,
}

/// How many bytes one instruction refreshes at most: all of 2^64 is no operand.
pub(crate) const LONGEST: u64 = 1 << 63;

/// Why a function may use old entries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RefreshError {
    /// The function; 0 if it was not registered any more when [`Attachment`](crate::Attachment) was told of the answer.
    pub function: FunctionHandle,
    /// What was to be refreshed.
    pub range: IovaRange,
    /// What the answer asks for; [`Action::Again`] if the wait ended.
    pub action: Action,
    /// The answer; condition code 0 if nothing was issued, with [`Action::RegisterAnew`].
    pub outcome: Outcome,
}

impl fmt::Display for RefreshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.action == Action::RegisterAnew {
            return write!(f, "function {} has missed a refresh, and has to be registered anew", self.function);
        }
        write!(f, "refresh of {} for function {}: {}", self.range, self.function, self.outcome)
    }
}

impl core::error::Error for RefreshError {}
