// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What happens at the same time.

use crate::machine::Kind::{self, Inspects, Shadows, Walks};
use crate::scenario::{Deed, Scenario};
use Deed::{
    Attach, Break, Clear, Detach, Disable, Enable, Flush, FreeDomain, Inherit, LateEvent, Map, Move, Recover, Reset,
    Return, Translate, Unmap, UnmapQueued, UnmapTwo,
};

/// No bound.
const ALL: u32 = u32::MAX;

type Row = (&'static str, &'static [usize], &'static [u64], &'static [&'static [Deed]]);

/// Two actors: every interleaving, and in every one each answer and each allocation may fail, one of them.
const PAIRS: &[Row] = &[
    ("attach beside unmap", &[0], &[0, 2], &[&[Attach(1)], &[Unmap(0)]]),
    ("attach of the first beside unmap", &[], &[0, 2], &[&[Attach(0)], &[Unmap(0)]]),
    ("attach beside map", &[0], &[0], &[&[Attach(1)], &[Map(1)]]),
    ("attach of the first beside map", &[], &[0], &[&[Attach(0)], &[Map(1)]]),
    ("attach beside a queued unmap", &[0], &[0, 2], &[&[Attach(1)], &[UnmapQueued(0)]]),
    ("attach beside flush", &[0], &[0], &[&[Attach(1)], &[Flush]]),
    ("detach beside unmap", &[0, 1], &[0, 2], &[&[Detach(1)], &[Unmap(0)]]),
    ("detach of the last beside unmap", &[0], &[0, 2], &[&[Detach(0)], &[Unmap(0)]]),
    ("detach beside map", &[0, 1], &[0], &[&[Detach(1)], &[Map(1)]]),
    ("reset beside map", &[0], &[0], &[&[Reset(0)], &[Map(1)]]),
    ("reset of one of two beside map", &[0, 1], &[0], &[&[Reset(1)], &[Map(1)]]),
    ("reset beside detach", &[0], &[0], &[&[Reset(0)], &[Detach(0)]]),
    ("reset beside attach", &[], &[0], &[&[Reset(0)], &[Attach(0)]]),
    ("recovery beside map", &[0, 1], &[0], &[&[Recover(1)], &[Map(1)]]),
    ("move beside unmap", &[0], &[0, 2], &[&[Move(0)], &[Unmap(0)]]),
    ("move beside map", &[0], &[0], &[&[Move(0)], &[Map(1)]]),
    ("move beside reset", &[0], &[0], &[&[Move(0)], &[Reset(0)]]),
    ("given back beside reset", &[0], &[0], &[&[Return(0)], &[Reset(0)]]),
    ("given back beside unmap", &[0], &[0, 2], &[&[Return(0)], &[Unmap(0)]]),
    ("reset beside an enabling event", &[0], &[0, 2], &[&[Reset(0), Unmap(0)], &[Enable(0)]]),
    ("recovery beside an enabling event", &[0], &[0, 2], &[&[Recover(0), Unmap(0)], &[Enable(0)]]),
    ("attach beside disable", &[], &[0], &[&[Attach(0)], &[Disable(0)]]),
    ("attach beside detach", &[0], &[0], &[&[Attach(1)], &[Detach(0)]]),
    ("unmap beside unmap", &[0], &[0, 1, 2], &[&[Unmap(0)], &[Unmap(1)]]),
    ("unmap beside map of a neighbour", &[0], &[0, 2], &[&[Unmap(0)], &[Map(1)]]),
    ("unmap beside a reader", &[0], &[0, 2], &[&[Unmap(0)], &[Translate(0), Translate(2)]]),
    ("disable beside unmap", &[0, 1], &[0, 2], &[&[Disable(1)], &[Unmap(0)]]),
    ("free beside disable of what could not be ended", &[0], &[0], &[&[Detach(0), FreeDomain], &[Disable(0)]]),
];

/// The same, with so many steps that without a bound on preemptions nine of ten runs would be those of these.
const LONG_PAIRS: &[Row] = &[
    ("reset beside unmap", &[0], &[0, 2], &[&[Reset(0)], &[Unmap(0)]]),
    ("reset of one of two beside unmap", &[0, 1], &[0, 2], &[&[Reset(1)], &[Unmap(0)]]),
    ("recovery beside unmap", &[0, 1], &[0, 2], &[&[Recover(1)], &[Unmap(0)]]),
    ("event that comes late beside unmap", &[0], &[0, 2], &[&[Reset(0), LateEvent(0)], &[Unmap(0), Map(0)]]),
    (
        "reset and a late event beside an enabling one",
        &[0],
        &[0, 2],
        &[&[Reset(0), LateEvent(0), Unmap(0)], &[Enable(0)]],
    ),
    ("reset beside reset", &[0], &[0, 2], &[&[Reset(0), Unmap(0)], &[Reset(0)]]),
    ("reset beside recovery", &[0], &[0, 2], &[&[Reset(0), Unmap(0)], &[Recover(0)]]),
    ("unmap and map again beside a neighbour", &[0], &[0, 2], &[&[Unmap(0), Map(0)], &[Map(1), Unmap(1)]]),
];

/// ISM. Nothing is attached while something is queued: only the DMA API has queues.
const ISM: &[Row] = &[
    ("queued unmap beside map", &[0], &[0, 2], &[&[UnmapQueued(0)], &[Map(1)]]),
    ("queued unmap beside a queued unmap", &[0], &[0, 2], &[&[UnmapQueued(0)], &[UnmapQueued(2)]]),
    ("queued unmap beside unmap", &[0], &[0, 2], &[&[UnmapQueued(0)], &[Unmap(2)]]),
    ("unmap beside map", &[0], &[0], &[&[Unmap(0)], &[Map(1)]]),
    ("unmap beside map of another", &[0], &[0, 2], &[&[Unmap(0)], &[Map(1)]]),
    ("queued unmap beside flush", &[0], &[0], &[&[UnmapQueued(0), Map(0)], &[Flush]]),
    ("queued unmap beside reset", &[0], &[0, 2], &[&[UnmapQueued(0)], &[Reset(0)]]),
    ("queued unmap beside detach", &[0], &[0, 2], &[&[UnmapQueued(0)], &[Detach(0)]]),
    ("queued unmap beside an error that is cleared", &[0], &[0, 2], &[&[UnmapQueued(0)], &[Break(0), Clear(0)]]),
];

/// The same beside a function that is refreshed as a whole.
const ISM_AND_NEIGHBOUR: &[Row] = &[
    ("queued unmap beside map", &[0, 1], &[0, 2], &[&[UnmapQueued(0)], &[Map(1)]]),
    ("queued unmap beside a queued unmap", &[0, 1], &[0, 2], &[&[UnmapQueued(0)], &[UnmapQueued(2)]]),
    ("unmap beside map", &[0, 1], &[0, 2], &[&[Unmap(0)], &[Map(1)]]),
    ("queued unmap beside flush", &[0, 1], &[0], &[&[UnmapQueued(0), Map(0)], &[Flush]]),
    ("queued unmap beside detach of the neighbour", &[0, 1], &[0, 2], &[&[UnmapQueued(0)], &[Detach(1)]]),
];

/// Two actors with so many steps that preemptions have a bound in any case.
const ERRORS: &[Row] = &[
    ("error cleared beside map", &[0, 1], &[0], &[&[Break(1), Clear(1)], &[Map(1)]]),
    ("error cleared beside unmap", &[0, 1], &[0, 2], &[&[Break(1), Clear(1)], &[Unmap(0)]]),
    ("error cleared beside a queued unmap", &[0, 1], &[0, 2], &[&[Break(1), Clear(1)], &[UnmapQueued(0)]]),
    ("error cleared beside detach", &[0], &[0], &[&[Break(0), Clear(0)], &[Detach(0)]]),
];

/// One after the other, with two failures.
const SEQUENCES: &[Row] = &[
    ("detach, free, disable", &[0, 1], &[0], &[&[Unmap(0), Detach(0), Detach(1), FreeDomain, Disable(0), Disable(1)]]),
    ("detach, attach again", &[0], &[0, 2], &[&[Detach(0), Unmap(0), Attach(0), Map(0)]]),
    ("unmap, unmap both", &[0, 1], &[0, 1], &[&[Unmap(0), Map(0), UnmapTwo(0), Flush]]),
    // The core may give the domain up all the same, after an attach that must not fail.
    ("move, free, move, disable", &[0], &[0, 2], &[&[Unmap(2), Move(0), FreeDomain, Move(0), Disable(0)]]),
    ("move, reset", &[0], &[0], &[&[Move(0), Reset(0), Unmap(0)]]),
    ("given back, free, reset", &[0], &[0, 2], &[&[Unmap(2), Return(0), FreeDomain, Reset(0)]]),
    ("detach, given back, reset", &[0], &[0, 2], &[&[Detach(0), Return(0), Unmap(0), Reset(0)]]),
    ("given back, claimed", &[0], &[0, 2], &[&[Detach(0), Return(0), Detach(0), Unmap(0), Return(0), Reset(0)]]),
    ("given back in error, cleared", &[0], &[0], &[&[Break(0), Return(0), Clear(0), Unmap(0)]]),
    (
        "given back with what another kernel registered, cleared",
        &[],
        &[0],
        &[&[Inherit(0), Return(0), Break(0), Clear(0), Map(0)]],
    ),
    ("recovery after a failed end", &[0], &[0], &[&[Detach(0), Recover(0), Attach(0), Unmap(0)]]),
    ("map in error, cleared", &[0, 1], &[0], &[&[Break(1), Map(1), Clear(1), Unmap(1)]]),
    ("attach in error, cleared", &[0], &[0], &[&[Break(1), Attach(1), Clear(1), Map(1)]]),
    ("move in error, cleared", &[0], &[0], &[&[Break(0), Move(0), Clear(0), Unmap(0)]]),
    (
        "attach to what another kernel registered, cleared",
        &[],
        &[0],
        &[&[Inherit(0), Attach(0), Break(0), Clear(0), Map(1)]],
    ),
    (
        "refresh of what another kernel registered, cleared",
        &[],
        &[0],
        &[&[Inherit(0), Attach(0), Flush, Break(0), Clear(0)]],
    ),
    ("event that comes late", &[0], &[0, 2], &[&[Reset(0), LateEvent(0), Unmap(0), Map(0), Detach(0), FreeDomain]]),
    ("reset after a failed refresh", &[0, 1], &[0, 1], &[&[Unmap(0), Reset(0), Unmap(1), Map(2)]]),
];

/// Three actors, with a bound on preemptions.
const TRIPLES: &[Row] = &[
    (
        "attach and detach beside two owners",
        &[0],
        &[0, 1, 2],
        &[&[Attach(1), Detach(1)], &[Unmap(0)], &[Unmap(1), Map(1)]],
    ),
    ("reset and attach beside an owner", &[0], &[0, 2], &[&[Reset(0)], &[Attach(1), Detach(1)], &[Unmap(0), Map(0)]]),
    ("reset and an enabling event beside an owner", &[0], &[0, 2], &[&[Reset(0)], &[Enable(0)], &[Unmap(0), Map(0)]]),
    (
        "attach and detach of two beside an owner",
        &[],
        &[0, 2],
        &[&[Attach(0), Detach(0)], &[Attach(1), Detach(1)], &[Unmap(0)]],
    ),
    (
        "reset and a reader beside an owner",
        &[0, 1],
        &[0, 2],
        &[&[Reset(1)], &[Translate(0), Translate(2)], &[Unmap(0), Map(0)]],
    ),
];

const KINDS: [&[Kind]; 3] = [&[Walks, Walks], &[Shadows, Shadows], &[Walks, Shadows]];

/// All scenarios; `thorough` raises the bounds.
pub(crate) fn scenarios(thorough: u32) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut add_of = |kinds: &[&'static [Kind]], rows: &[Row], faults: u32, preemptions: u32| {
        for (name, attached, mapped, actors) in rows {
            for &kinds in kinds {
                let label = format!("{name}, {kinds:?}");
                all.push(Scenario { name: label.leak(), kinds, attached, mapped, actors, faults, preemptions });
            }
        }
    };
    for (kinds, rows, preemptions) in [(&[Inspects][..], ISM, ALL), (&[Inspects, Walks], ISM_AND_NEIGHBOUR, 6)] {
        add_of(&[kinds], rows, 0, if thorough > 1 { ALL } else { preemptions });
        add_of(&[kinds], rows, 1, 2 + thorough - 1);
    }
    let mut add = |rows: &[Row], faults, preemptions| add_of(&KINDS, rows, faults, preemptions);
    add(PAIRS, 0, ALL);
    add(LONG_PAIRS, 0, if thorough > 1 { ALL } else { 5 });
    add(PAIRS, 1, 2 + thorough - 1);
    add(LONG_PAIRS, 1, 2 + thorough - 1);
    add(ERRORS, 0, 3 + thorough - 1);
    add(ERRORS, 1, 2 + thorough - 1);
    add(SEQUENCES, 2, ALL);
    add(TRIPLES, 0, 2 + thorough - 1);
    add(TRIPLES, 1, thorough);
    all
}
