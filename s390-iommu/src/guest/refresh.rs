// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a refresh means for the host: the difference between the guest's tables and what is mapped.

use crate::format::address::{Iova, PAGE_SIZE};
use crate::format::frame::Protection;
use crate::format::range::IovaRange;
use crate::guest::mappings::{Exhausted, Mapped, Mappings, RefreshNumber, Run};
use crate::guest::memory::GuestMemory;
use crate::guest::walk::{GuestTable, Look, WalkError};

/// A refresh that is being carried out.
///
/// It goes over its range up to four times: it maps and unmaps; if the host can map no more it unmaps what else is to be
/// unmapped, and tries again; and if that does not do either, it takes back what it mapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refresh {
    /// All pages to look at.
    range: IovaRange,
    /// The pages among them that can be mapped.
    aperture: IovaRange,
    overlap: Option<Overlap>,
    number: RefreshNumber,
    pass: Pass,
    /// The next page to look at; `None` at the end of a pass.
    cursor: Option<Iova>,
    /// What was seen and is not yet carried out.
    seen: Option<Look>,
}

/// That each entry is taken for a page more than it covers, until the entry behind it is carried out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overlap {
    /// Whether the last page of the range is not looked at, but as the first.
    pub(super) skips_last: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pass {
    /// Maps and unmaps.
    First,
    /// Unmaps alone.
    Freeing,
    /// Maps and unmaps once more.
    Second,
    /// Unmaps what the refresh mapped.
    Undoing,
}

/// How far a refresh got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Progress {
    /// There is more to do.
    More,
    /// The host has what the tables say.
    Done,
    /// The host could not map all of it.
    Exhausted,
    /// The tables are wrong, at this address.
    Wrong(Iova, WalkError),
}

/// How many entries may be read and pages mapped or unmapped before the caller gets control again.
#[derive(Debug)]
struct Budget(u64);

impl Budget {
    const fn is_spent(&self) -> bool {
        self.0 == 0
    }

    const fn spend(&mut self, units: u64) {
        self.0 = self.0.saturating_sub(units);
    }

    /// The front of `range` that it is enough for, one page at least.
    fn front(&self, range: IovaRange) -> IovaRange {
        let more = self.0.saturating_sub(1).saturating_mul(PAGE_SIZE);
        match range.start().checked_add(more) {
            Some(last) if last < range.last() => range.split_after(IovaRange::page(last).last()).0,
            _ => range,
        }
    }
}

impl Refresh {
    pub(super) const fn new(
        range: IovaRange,
        aperture: IovaRange,
        overlap: Option<Overlap>,
        number: RefreshNumber,
    ) -> Self {
        Self { range, aperture, overlap, number, pass: Pass::First, cursor: Some(range.start()), seen: None }
    }

    pub(super) const fn number(&self) -> RefreshNumber {
        self.number
    }

    /// Goes on for about `budget` entries that are read and pages that are mapped or unmapped.
    pub(super) fn proceed<M: GuestMemory + ?Sized, H: Mappings + ?Sized>(
        &mut self,
        table: &mut GuestTable<'_, M>,
        mappings: &mut H,
        budget: u64,
    ) -> Progress {
        let mut budget = Budget(budget);
        while !budget.is_spent() {
            if self.pass == Pass::Undoing {
                if self.undo(mappings, &mut budget) {
                    return Progress::Exhausted;
                }
            } else if let Some(seen) = self.seen.take() {
                match self.carry_out(seen, mappings, &mut budget) {
                    Ok(rest) => self.seen = rest,
                    Err(Exhausted) => self.exhausted(seen),
                }
            } else if let Some(cursor) = self.cursor {
                if let Err(error) = self.gather(table, cursor, &mut budget) {
                    return Progress::Wrong(cursor, error);
                }
            } else if self.pass == Pass::Freeing {
                self.start(Pass::Second);
            } else {
                return Progress::Done;
            }
        }
        Progress::More
    }

    fn start(&mut self, pass: Pass) {
        self.pass = pass;
        self.cursor = Some(self.range.start());
        self.seen = None;
    }

    /// Goes on after the host refused to map something of `seen`.
    fn exhausted(&mut self, seen: Look) {
        if self.pass == Pass::Second {
            self.start(Pass::Undoing);
        } else {
            self.pass = Pass::Freeing;
            self.seen = Some(seen);
        }
    }

    /// Looks at pages from `cursor` on, as long as they make one run or one hole.
    fn gather<M: GuestMemory + ?Sized>(
        &mut self,
        table: &mut GuestTable<'_, M>,
        mut cursor: Iova,
        budget: &mut Budget,
    ) -> Result<(), WalkError> {
        while !budget.is_spent() {
            let before = table.reads();
            let look = match table.look(cursor) {
                Ok(look) => look,
                // What lies before it is carried out first.
                Err(_) if self.seen.is_some() => break,
                Err(error) => return Err(error),
            };
            budget.spend(table.reads().saturating_sub(before).max(1));
            let Some(look) = within(look, self.range) else {
                debug_assert!(false, "a look at {cursor} that is about other pages");
                self.cursor = None;
                break;
            };
            let next = after(look.range(), self.range);
            if let Some(overlap) = self.overlap {
                self.seen = within(next.map_or(look, |next| and_page(look, next)), self.aperture);
                self.cursor =
                    next.filter(|next| !(overlap.skips_last && self.range.last() == IovaRange::page(*next).last()));
                break;
            }
            let Some(told) = within(look, self.aperture) else {
                self.cursor = next;
                break;
            };
            self.seen = match self.seen {
                None => Some(told),
                Some(seen) => match joined(seen, told) {
                    None => break,
                    joined => joined,
                },
            };
            self.cursor = next;
            match self.cursor {
                Some(next) => cursor = next,
                None => break,
            }
        }
        Ok(())
    }

    /// Makes one change on the host, at the front of `seen`; returns what is left of it.
    fn carry_out<H: Mappings + ?Sized>(
        &self,
        seen: Look,
        mappings: &mut H,
        budget: &mut Budget,
    ) -> Result<Option<Look>, Exhausted> {
        let range = seen.range();
        let done = match (seen, first_within(mappings, range)) {
            (Look::Hole(_), None) => {
                budget.spend(1);
                range
            }
            (Look::Hole(_), Some((_, old))) => {
                // A host may have a mapping for each page: what is in a row goes by one call.
                let row = row_of(mappings, range, old.range, budget);
                mappings.unmap(row);
                front(range, row)
            }
            (Look::Mapped(new), None) => {
                let part = budget.front(range);
                budget.spend(part.pages());
                if let Some(part) = new.within(part) {
                    self.map(part, mappings)?;
                }
                part
            }
            (Look::Mapped(new), Some((_, old))) if range.start() < old.range.start() => {
                let (gap, _) = range.split_after(Iova::new(old.range.start().get().wrapping_sub(1)));
                let part = budget.front(gap);
                budget.spend(part.pages());
                if let Some(part) = new.within(part) {
                    self.map(part, mappings)?;
                }
                part
            }
            (Look::Mapped(new), Some((_, old))) if new.within(old.range) == Some(old) => {
                budget.spend(1);
                old.range
            }
            (Look::Mapped(new), Some((mapped, old))) => {
                let part = budget.front(old.range);
                budget.spend(part.pages());
                if let (Some(old), Some(new)) = (old.within(part), new.within(part)) {
                    self.replace(old, new, mapped.refresh, mappings)?;
                }
                part
            }
        };
        Ok(after(done, range).and_then(|next| within(seen, IovaRange::page(next).hull(IovaRange::page(range.last())))))
    }

    fn map<H: Mappings + ?Sized>(&self, run: Run, mappings: &mut H) -> Result<(), Exhausted> {
        match self.pass {
            Pass::First | Pass::Second => mappings.map(run, self.number),
            Pass::Freeing | Pass::Undoing => Ok(()),
        }
    }

    /// Puts `new` in the place of `old`, a mapping of the same addresses that the refresh `made_by` made.
    fn replace<H: Mappings + ?Sized>(
        &self,
        old: Run,
        new: Run,
        made_by: RefreshNumber,
        mappings: &mut H,
    ) -> Result<(), Exhausted> {
        if old.absolute != new.absolute {
            mappings.unmap(old.range);
            return self.map(new, mappings);
        }
        match (self.pass, new.protection) {
            (Pass::First | Pass::Second, _) => mappings.protect(new, made_by),
            // What the device may do no longer ends now, and if only by an unmapping; what it may do in addition can wait.
            (_, Protection::ReadOnly) => {
                let _ = mappings.protect(new, made_by);
                Ok(())
            }
            (_, Protection::ReadWrite) => Ok(()),
        }
    }

    /// Unmaps the front of the next mapping that this refresh made; returns whether there is none left.
    fn undo<H: Mappings + ?Sized>(&mut self, mappings: &mut H, budget: &mut Budget) -> bool {
        let Some(cursor) = self.cursor else {
            return true;
        };
        let range = IovaRange::page(cursor).hull(IovaRange::page(self.range.last()));
        let Some((mapped, part)) = first_within(mappings, range) else {
            return true;
        };
        let done = if mapped.refresh == self.number {
            let done = budget.front(part.range);
            budget.spend(done.pages());
            mappings.unmap(done);
            done
        } else {
            budget.spend(1);
            part.range
        };
        self.cursor = after(done, self.range);
        false
    }
}

fn first_within<H: Mappings + ?Sized>(mappings: &H, range: IovaRange) -> Option<(Mapped, Run)> {
    let mapped = mappings.first_in(range)?;
    Some((mapped, mapped.run.within(range)?))
}

/// What is mapped in a row in `range`, from `first` on, as far as the budget is enough for; spends that.
fn row_of<H: Mappings + ?Sized>(mappings: &H, range: IovaRange, first: IovaRange, budget: &mut Budget) -> IovaRange {
    let mut row = budget.front(first);
    budget.spend(row.pages());
    while !budget.is_spent() {
        let Some(next) = after(row, range) else { break };
        let rest = IovaRange::page(next).hull(IovaRange::page(range.last()));
        match first_within(mappings, rest) {
            Some((_, run)) if run.range.start() == next => {
                let part = budget.front(run.range);
                budget.spend(part.pages());
                row = row.hull(part);
            }
            _ => break,
        }
    }
    row
}

/// What of `look` is about pages of `range`.
fn within(look: Look, range: IovaRange) -> Option<Look> {
    match look {
        Look::Mapped(run) => run.within(range).map(Look::Mapped),
        Look::Hole(hole) => hole.intersection(range).map(Look::Hole),
    }
}

/// From the start of `range` to the end of `part`, which lies in it.
fn front(range: IovaRange, part: IovaRange) -> IovaRange {
    range.split_after(part.last()).0
}

/// The first address of `range` behind `part`, which ends in it.
fn after(part: IovaRange, range: IovaRange) -> Option<Iova> {
    let (_, rest) = range.split_after(part.last());
    rest.map(IovaRange::start)
}

/// The same with the page at `next` behind it, as if that went on with it.
fn and_page(look: Look, next: Iova) -> Look {
    let page = IovaRange::page(next);
    match look {
        Look::Mapped(run) => Look::Mapped(Run { range: run.range.hull(page), ..run }),
        Look::Hole(hole) => Look::Hole(hole.hull(page)),
    }
}

/// Both as one, if `next`, which follows on `seen`, goes on with what that says.
fn joined(seen: Look, next: Look) -> Option<Look> {
    match (seen, next) {
        (Look::Hole(first), Look::Hole(second)) => Some(Look::Hole(first.hull(second))),
        (Look::Mapped(first), Look::Mapped(second)) => {
            let bytes = first.range.size_less_one().checked_add(1)?;
            let goes_on = first.absolute.checked_add(bytes) == Some(second.absolute);
            let range = first.range.hull(second.range);
            (goes_on && first.protection == second.protection).then_some(Look::Mapped(Run { range, ..first }))
        }
        _ => None,
    }
}
