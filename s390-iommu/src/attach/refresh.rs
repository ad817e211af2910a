// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a function is told of changes of its table, and what is remembered when it could not be told.

use core::sync::atomic::Ordering;

use clp::{ConditionCode, FunctionHandle};

use super::{Attachment, FirstStep, Mapped, BUSY, NONE, STALE};
use crate::format::address::Iova;
use crate::format::range::IovaRange;
use crate::machine::action::Action;
use crate::machine::gate::Gate;
use crate::machine::refresh::{Refresh, RefreshError, LONGEST};
use crate::machine::zpci::{Outcome, Zpci};
use crate::table::change::Change;
use crate::table::fence_tables;
use crate::table::reader::Reader;
use crate::table::seam::TableAllocator;

/// How many bytes may lie between two mappings that one refresh catches up with.
const CLOSE: u64 = 1 << 20;

/// How many runs of pages one step of catching up finds, each within 1 MiB. Their refreshes are fewer. Tables in which nothing is
/// mapped are not counted.
const STEP: usize = 1024;

impl<G: Gate> Attachment<G> {
    /// Shows the function, which was just registered, what is mapped in `table`, if it needs that.
    ///
    /// A hypervisor that shadows the tables learns of no mapping that was made before the registration, and one that is
    /// made meanwhile is issued by who makes it. Runs of mappings that lie close together are refreshed by one
    /// instruction; all that the function can address would take a hypervisor seconds.
    ///
    /// # Errors
    ///
    /// [`RefreshError`]: the function is registered all the same, and [stale](Self::is_stale). Its neighbours lose
    /// nothing, and the next refresh makes up for it; an attach that failed for it would take a function away that the
    /// machine has just accepted.
    pub fn catch_up<Z: Zpci, M: TableAllocator>(&self, zpci: &Z, table: &Reader<'_, M>) -> Result<(), RefreshError> {
        let mut next = Some(self.aperture.start());
        while let Some(from) = next {
            next = self.catch_up_from(zpci, table, from)?;
        }
        Ok(())
    }

    /// A step of [`catch_up`](Self::catch_up), which starts at address `from` and finds at most 1,024 runs of pages, so that who
    /// may not keep a read side for long has several. Who stops between two of them [takes note](Self::note_missed).
    ///
    /// Returns where the next step starts, `None` after the last one.
    ///
    /// # Errors
    ///
    /// As for [`catch_up`](Self::catch_up); nothing is left to do then.
    pub fn catch_up_from<Z: Zpci, M: TableAllocator>(
        &self,
        zpci: &Z,
        table: &Reader<'_, M>,
        from: Iova,
    ) -> Result<Option<Iova>, RefreshError> {
        if !self.limits.refresh_on_map || !self.iota.translation() {
            return Ok(None);
        }
        let Some(rest) = IovaRange::within(from, self.aperture.last()) else { return Ok(None) };
        let (mut pending, mut last): (Option<IovaRange>, _) = (None, None);
        let mut left = STEP;
        for run in table.runs(rest).take(STEP) {
            left = left.saturating_sub(1);
            pending = Some(match pending {
                Some(range) if run.start().get().wrapping_sub(range.last().get()) <= CLOSE => range.hull(run),
                Some(range) => {
                    self.refresh_foreign(zpci, range)?;
                    run
                }
                None => run,
            });
            last = Some(run.last());
        }
        if let Some(range) = pending {
            self.refresh_foreign(zpci, range)?;
        }
        Ok(last.filter(|_| left == 0).and_then(|last| last.checked_add(1)))
    }

    /// Shows the function what was mapped in the range of `change`, if it needs that: by the rule of its group, or since it
    /// is [stale](Self::is_stale) and may look for the range in tables that were taken out.
    ///
    /// If the machine is out of resources, everything that the function can address is refreshed: that shows a
    /// hypervisor the entries that are not valid any more, so that it gives back what they held.
    ///
    /// A function that is gone, in error or being recovered is no failure, so its neighbours may go on: it does no DMA. A
    /// reset registers it anew and shows it everything; without one it is stale, and its next refresh is one of
    /// everything.
    ///
    /// # Errors
    ///
    /// [`RefreshError`]: the function cannot use what was mapped.
    #[inline]
    pub fn mapped<Z: Zpci>(&self, zpci: &Z, change: &Change) -> Result<Mapped, RefreshError> {
        match change.range() {
            Some(range) if self.limits.refresh_on_map || self.is_stale() => match self.refresh_at_once(zpci, range) {
                Ok(()) => Ok(Mapped::Done),
                Err(answer) => self.go_on_mapped(zpci, change, answer),
            },
            _ => Ok(Mapped::Done),
        }
    }

    /// Goes on where [`mapped`](Self::mapped) does not end with its first instruction: `answer` is that to the RPCIT of
    /// [`first_step`](Self::first_step), `None` if that asked for more.
    ///
    /// # Errors
    ///
    /// As for [`mapped`](Self::mapped).
    #[cold]
    #[inline(never)]
    pub fn go_on_mapped<Z: Zpci>(
        &self,
        zpci: &Z,
        change: &Change,
        answer: Option<Outcome>,
    ) -> Result<Mapped, RefreshError> {
        let Some(range) = change.range() else {
            return Ok(Mapped::Done);
        };
        let (result, told) = match self.go_on(zpci, range, answer) {
            Err(RefreshError { action: Action::FreeResources, .. }) if self.limits.may_defer() => {
                (self.refresh_all(zpci), Mapped::Everything)
            }
            result => (result, Mapped::Done),
        };
        match result {
            Ok(()) => Ok(told),
            Err(RefreshError { action: Action::AwaitReset | Action::AwaitRecovery, .. }) => Ok(Mapped::Later),
            Err(error) => Err(error),
        }
    }

    /// Makes the function forget what was unmapped in the range of `change`, or what tables that were taken out covered.
    ///
    /// # Errors
    ///
    /// [`RefreshError`]: the function may use old entries, so nothing that they lead to may be freed. A function that
    /// is gone or not registered is no error: it uses none.
    #[inline]
    pub fn unmapped<Z: Zpci>(&self, zpci: &Z, change: &Change) -> Result<(), RefreshError> {
        match change.range() {
            Some(range) => match self.refresh_at_once(zpci, range) {
                Ok(()) => Ok(()),
                Err(answer) => self.go_on(zpci, range, answer),
            },
            None => Ok(()),
        }
    }

    /// Goes on where [`unmapped`](Self::unmapped) does not end with its first instruction: `answer` is that to the RPCIT
    /// of [`first_step`](Self::first_step), `None` if that asked for more.
    ///
    /// # Errors
    ///
    /// As for [`unmapped`](Self::unmapped).
    #[cold]
    pub fn go_on_unmapped<Z: Zpci>(
        &self,
        zpci: &Z,
        change: &Change,
        answer: Option<Outcome>,
    ) -> Result<(), RefreshError> {
        match change.range() {
            Some(range) => self.go_on(zpci, range, answer),
            None => Ok(()),
        }
    }

    /// Refreshes all that the function can address.
    ///
    /// For a function of which no refresh [may be put off](crate::Limits::may_defer) nothing is issued, since it does not survive a
    /// refresh of what it is using: it has been told of all that was unmapped, unless it is [stale](Self::is_stale).
    ///
    /// # Errors
    ///
    /// As for [`unmapped`](Self::unmapped); and [`Action::RegisterAnew`] if such a function is stale.
    #[inline(never)]
    pub fn refresh_all<Z: Zpci>(&self, zpci: &Z) -> Result<(), RefreshError> {
        if !self.limits.may_defer() {
            return self.missed_nothing();
        }
        match self.refresh_all_once(zpci) {
            Err(refused) if is_refusal(&refused) => self.refresh_all_once(zpci).map_err(|_| refused),
            result => result,
        }
    }

    /// The same, without asking once more if the function refuses.
    #[cold]
    fn refresh_all_once<Z: Zpci>(&self, zpci: &Z) -> Result<(), RefreshError> {
        let before = self.stale.load(Ordering::SeqCst);
        fence_tables();
        let result = Refresh::of(self.aperture).issue(zpci, self.registered(), |piece| self.rpcit(zpci, piece));
        // Not before it is done: who maps meanwhile must not rely on it. And not if somebody else failed meanwhile.
        if result.is_ok() {
            let _ = self.stale.compare_exchange(before, before & !STALE, Ordering::SeqCst, Ordering::Relaxed);
        }
        self.note(result)
    }

    /// Whether a function of which no refresh may be put off was told of all that was unmapped.
    #[cold]
    fn missed_nothing(&self) -> Result<(), RefreshError> {
        let function = self.registered();
        if function != NONE && self.is_stale() {
            let (action, outcome) = (Action::RegisterAnew, Outcome::DONE);
            return Err(RefreshError { function, range: self.aperture, action, outcome });
        }
        Ok(())
    }

    /// Whether the next refresh has to be one of everything.
    fn is_behind(&self) -> bool {
        self.is_stale() && self.limits.may_defer()
    }

    /// Refreshes `range`, in which an entry changed at the start, by one instruction if that is all it takes.
    ///
    /// Otherwise [`go_on`](Self::go_on) does it: with the answer if there was one.
    #[inline(always)]
    fn refresh_at_once<Z: Zpci>(&self, zpci: &Z, range: IovaRange) -> Result<(), Option<Outcome>> {
        fence_tables();
        self.gate.shared(|| {
            // SAFETY: this is behind the open gate, after a fence, and does what it says.
            match unsafe { self.first_step(range) } {
                FirstStep::Nothing => Ok(()),
                FirstStep::More => Err(None),
                FirstStep::Issue(function) => match zpci.rpcit(function, range) {
                    Outcome { cc: ConditionCode::Zero, .. } => Ok(()),
                    answer => Err(Some(answer)),
                },
            }
        })
    }

    /// What a refresh of `range`, in which an entry changed at the start, takes at first: mostly one instruction, and
    /// then nothing else.
    ///
    /// This is for who passes the gate himself, so that nothing is between him and the instruction.
    /// [`mapped`](Self::mapped) and [`unmapped`](Self::unmapped) do it for everybody else.
    ///
    /// # Safety
    ///
    /// A full barrier stands between the change of the entry and this call. The caller is behind the open
    /// [`gate`](Self::gate), issues RPCIT for the range if this says [`FirstStep::Issue`], to the function with the handle
    /// that is in it and no other, and leaves the gate afterwards. With an answer that is not condition code 0, and with
    /// [`FirstStep::More`], it calls [`go_on_mapped`](Self::go_on_mapped) or [`go_on_unmapped`](Self::go_on_unmapped) when
    /// it has left.
    #[inline(always)]
    pub unsafe fn first_step(&self, range: IovaRange) -> FirstStep {
        let function = FunctionHandle(self.registered.load(Ordering::Relaxed));
        let plain = function != NONE
            && self.stale.load(Ordering::Relaxed) & STALE == 0
            && self.aperture.contains(range)
            && range.size_less_one() < LONGEST;
        if plain {
            FirstStep::Issue(function)
        } else {
            self.odd_step()
        }
    }

    /// The first step of what takes more than one instruction, or none.
    #[cold]
    #[inline(always)]
    fn odd_step(&self) -> FirstStep {
        if self.registered.load(Ordering::Relaxed) != NONE.0 {
            FirstStep::More
        } else {
            FirstStep::Nothing
        }
    }

    /// Refreshes `range`, in which an entry changed at the start and to which `answer` was the first, or everything if
    /// something is to be made up for.
    ///
    /// The table may span more than the function reaches, and RPCIT for other addresses is an error of the function
    /// (QEMU, `hw/s390x/s390-pci-inst.c`).
    #[cold]
    #[inline(never)]
    fn go_on<Z: Zpci>(&self, zpci: &Z, range: IovaRange, answer: Option<Outcome>) -> Result<(), RefreshError> {
        if let Some(answer) = answer {
            let refresh = Refresh::of_change(range);
            let result = refresh.go_on(zpci, self.registered(), |piece| self.rpcit(zpci, piece), range, answer);
            return self.settle(zpci, refresh, result);
        }
        if self.is_behind() {
            return self.refresh_all(zpci);
        }
        match self.aperture.intersection(range) {
            Some(part) if part == range => self.issue(zpci, Refresh::of_change(part)),
            Some(part) => self.issue(zpci, Refresh::of(part)),
            None => Ok(()),
        }
    }

    /// Refreshes `range`, which belongs to others: the table of its start may be taken out meanwhile.
    fn refresh_foreign<Z: Zpci>(&self, zpci: &Z, range: IovaRange) -> Result<(), RefreshError> {
        fence_tables();
        if self.is_behind() {
            return self.refresh_all(zpci);
        }
        self.issue(zpci, Refresh::of(range))
    }

    /// Issues `refresh`, and takes note of how it ended.
    fn issue<Z: Zpci>(&self, zpci: &Z, refresh: Refresh) -> Result<(), RefreshError> {
        let result = refresh.issue(zpci, self.registered(), |piece| self.rpcit(zpci, piece));
        self.settle(zpci, refresh, result)
    }

    /// Takes note of how `refresh` ended, and asks once more if the function refused it in the error state.
    ///
    /// Who clears that state looks whether the function is stale, and may have done so between the refusal and the note of
    /// it. A second refusal says that it was not cleared before the note, so that it will be seen.
    #[cold]
    fn settle<Z: Zpci>(
        &self,
        zpci: &Z,
        refresh: Refresh,
        result: Result<(), RefreshError>,
    ) -> Result<(), RefreshError> {
        let noted = self.stale.load(Ordering::SeqCst);
        match self.note(result) {
            Err(refused) if is_refusal(&refused) => {
                let again = match self.limits.may_defer() {
                    true => self.refresh_all_once(zpci),
                    false => self.repeat(zpci, refresh, noted),
                };
                // What failed is what was asked for at first.
                again.map_err(|_| refused)
            }
            result => result,
        }
    }

    /// Issues `refresh` once more, for a function of which no other may take its place. Only that one was missed if the
    /// function was not stale by what had been `noted` before.
    #[cold]
    fn repeat<Z: Zpci>(&self, zpci: &Z, refresh: Refresh, noted: u32) -> Result<(), RefreshError> {
        let now = failed(noted, false);
        fence_tables();
        let result = refresh.issue(zpci, self.registered(), |piece| self.rpcit(zpci, piece));
        if result.is_ok() && noted & STALE == 0 {
            let _ = self.stale.compare_exchange(now, now & !STALE, Ordering::SeqCst, Ordering::Relaxed);
        }
        self.note(result)
    }

    /// One RPCIT behind the gate; `None` if the function is not registered.
    #[inline]
    fn rpcit<Z: Zpci>(&self, zpci: &Z, piece: IovaRange) -> Option<Outcome> {
        self.gate.shared(|| match FunctionHandle(self.registered.load(Ordering::Relaxed)) {
            NONE => None,
            function => Some(zpci.rpcit(function, piece)),
        })
    }

    /// Takes note of how a refresh ended.
    #[cold]
    fn note(&self, result: Result<(), RefreshError>) -> Result<(), RefreshError> {
        match result {
            Ok(()) => {
                // What was missed is still to be made up for, but it answers.
                if self.was_busy() {
                    self.stale.fetch_and(!BUSY, Ordering::SeqCst);
                }
                Ok(())
            }
            // The handle stands for no function any more, so nothing is translated for it.
            Err(RefreshError { action: Action::Forget, .. }) => Ok(()),
            Err(error) => {
                self.note_failure(error.action == Action::Again);
                Err(error)
            }
        }
    }

    /// Takes note that the function was not told of something: its next refresh is one of everything.
    pub fn note_missed(&self) {
        self.note_failure(false);
    }

    fn note_failure(&self, busy: bool) {
        let _ = self.stale.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |stale| Some(failed(stale, busy)));
    }
}

/// What is noted of a function after a refresh of it failed, given up as the machine was `busy` or not, where `stale` was
/// noted before.
const fn failed(stale: u32, busy: bool) -> u32 {
    let next = (stale & !(STALE | BUSY)).wrapping_add(4) | STALE;
    if busy {
        next | BUSY
    } else {
        next
    }
}

/// Whether the function refused in the error state, which somebody may be about to clear.
const fn is_refusal(error: &RefreshError) -> bool {
    matches!(error.action, Action::AwaitReset | Action::AwaitRecovery)
}
