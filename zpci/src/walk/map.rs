// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Everything that is mapped.

use s390_iommu::guest::{GuestMemory, GuestTable, Look, Rules, WalkError};
use s390_iommu::{AbsoluteAddress, Iota, Iova, IovaRange, Protection, Root};

use super::path;

/// A range with one answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    /// It is mapped, to storage that goes up with it.
    Mapped {
        /// I/O virtual addresses.
        range: IovaRange,
        /// Where the first of them leads.
        absolute: AbsoluteAddress,
        /// What a device may do.
        protection: Protection,
    },
    /// Entries are wrong, for all of these addresses, each in the same way.
    Wrong {
        /// I/O virtual addresses.
        range: IovaRange,
        /// What is wrong with the first.
        error: WalkError,
        /// Number of entries, which follow each other.
        count: u64,
    },
}

/// Calls `found` for each range that is mapped or wrong, in ascending order; neighbours are one range. Returns the number
/// of entries read, `None` if `iota` designates no table.
///
/// # Errors
///
/// After `most` entries, where it was.
pub(crate) fn map<M: GuestMemory + ?Sized, E: From<String>>(
    memory: &M,
    iota: Iota,
    rules: Rules,
    range: IovaRange,
    most: u64,
    mut found: impl FnMut(Entry) -> Result<(), E>,
) -> Result<Option<u64>, E> {
    let Some(mut table) = GuestTable::new(memory, iota, rules) else {
        return Ok(None);
    };
    let Some(root) = Root::ALL.into_iter().find(|root| root.designation_type() == iota.designation_type()) else {
        return Ok(None);
    };
    let last = range.last().min(root.last());
    let mut cursor = range.start();
    let mut pending: Option<Entry> = None;
    while cursor <= last {
        if table.reads() > most {
            return Err(E::from(format!("{most} entries were read, up to {cursor}; --limit reads more")));
        }
        let (next, end) = match table.look(cursor) {
            Ok(Look::Hole(hole)) => (None, hole.last()),
            Ok(Look::Mapped(run)) => {
                let range = run.range.intersection(range).unwrap_or(run.range);
                (Some(Entry::Mapped { range, absolute: run.absolute, protection: run.protection }), run.range.last())
            }
            Err(error) => {
                let wrong =
                    wrong_range(memory, iota, rules, cursor).intersection(range).unwrap_or(IovaRange::page(cursor));
                (Some(Entry::Wrong { range: wrong, error, count: 1 }), wrong.last())
            }
        };
        if let Some(next) = next {
            pending = match pending.take() {
                None => Some(next),
                Some(before) => match before.joined(&next) {
                    Some(joined) => Some(joined),
                    None => {
                        found(before)?;
                        Some(next)
                    }
                },
            };
        }
        match end.checked_add(1) {
            Some(next) => cursor = next,
            None => break,
        }
    }
    pending.map_or(Ok(()), &mut found)?;
    Ok(Some(table.reads()))
}

/// What the entry covers that is wrong for `iova`, from `iova` on.
fn wrong_range<M: GuestMemory + ?Sized>(memory: &M, iota: Iota, rules: Rules, iova: Iova) -> IovaRange {
    let steps = path(memory, iota, rules, iova).map(|path| path.steps).unwrap_or_default();
    let covered = steps.last().and_then(|step| step.table_type).map(|table_type| table_type.entry_range(iova));
    match covered.and_then(|covered| IovaRange::new(iova, covered.last()).ok()) {
        Some(range) => range,
        None => IovaRange::page(iova),
    }
}

impl Entry {
    /// Both as one, if the second goes on where the first ends.
    fn joined(&self, next: &Self) -> Option<Self> {
        match (*self, *next) {
            (
                Self::Mapped { range, absolute, protection },
                Self::Mapped { range: then, absolute: to, protection: and },
            ) => {
                let follows = range.last().checked_add(1) == Some(then.start());
                let goes_on = absolute.get().checked_add(range.size_less_one())?.checked_add(1)? == to.get();
                let range = range.hull(then);
                (follows && goes_on && protection == and).then_some(Self::Mapped { range, absolute, protection })
            }
            (Self::Wrong { range, error, count }, Self::Wrong { range: then, error: and, .. }) => {
                let follows = range.last().checked_add(1) == Some(then.start());
                let goes_on = error.entry.checked_add(8 * count) == Some(and.entry) && error.code == and.code;
                let range = range.hull(then);
                (follows && goes_on).then_some(Self::Wrong { range, error, count: count + 1 })
            }
            _ => None,
        }
    }
}
