// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What happens at the same time.

use crate::machine::Kind;

/// What one actor does, one step after the other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Deed {
    /// Attaches the function with this index to the domain.
    Attach(usize),
    /// Attaches it to another domain, in which nothing is mapped.
    Move(usize),
    /// The core attaches a domain of its own, for drivers of devices, in which nothing is mapped; that must not fail.
    Return(usize),
    /// Blocks its DMA.
    Detach(usize),
    /// Disables it, enables it, and registers it again.
    Reset(usize),
    /// The machine disabled it, which the kernel learns by its handle; enables it, with the handle that it had before, and
    /// registers it again.
    Recover(usize),
    /// An event has the kernel enable it, if that takes it for disabled; nobody registers it then.
    Enable(usize),
    /// An event comes late, with the handle that the function had at first.
    LateEvent(usize),
    /// It has a translation that another kernel registered, as after a start by that kernel.
    Inherit(usize),
    /// The machine puts it into the error state, in which it does no DMA.
    Break(usize),
    /// The kernel clears its error state without a reset, or resets it where that is refused.
    Clear(usize),
    /// Disables it for good.
    Disable(usize),
    /// Maps the first page of this MiB, and tells the functions.
    Map(u64),
    /// Unmaps all of this MiB, refreshes, and gives empty tables back.
    Unmap(u64),
    /// Unmaps and refreshes both MiB from this one on.
    UnmapTwo(u64),
    /// Unmaps all of this MiB, and refreshes everything afterwards, as a flush queue does.
    UnmapQueued(u64),
    /// Follows the first page of this MiB, which somebody else owns.
    Translate(u64),
    /// Refreshes everything, as a flush queue does.
    Flush,
    /// Gives the domain up; nobody uses it afterwards.
    FreeDomain,
}

impl Deed {
    /// Whether the machine changes the handle of a function by itself, or says that it has another one.
    pub(crate) fn is_of_the_machine(self) -> bool {
        matches!(self, Self::LateEvent(_) | Self::Recover(_))
    }
}

/// What is there at first, and what happens at the same time.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) kinds: &'static [Kind],
    /// Functions that are attached at first.
    pub(crate) attached: &'static [usize],
    /// MiB that are mapped at first.
    pub(crate) mapped: &'static [u64],
    /// The actors.
    pub(crate) actors: &'static [&'static [Deed]],
    /// How many answers of the machine and allocations fail at most.
    pub(crate) faults: u32,
    /// How often an actor is interrupted at most while it could go on.
    pub(crate) preemptions: u32,
}
