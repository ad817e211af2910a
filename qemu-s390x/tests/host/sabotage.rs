// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What can be broken in the fake machine.

use crate::measurement::Counter;

/// What is broken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sabotage {
    /// Nothing.
    None,
    /// One bit of every region-third entry.
    RegionEntries,
    /// The bit of every page entry that protects the page.
    PageEntries,
    /// RPCIT is not executed.
    NoRefresh,
    /// RPCIT is not executed where a page is not mapped any more.
    NoRefreshAfterUnmapping,
    /// A device that is refused something goes on as if it were not.
    NoRefusal,
    /// A page that is mapped beside another one can be written, whatever its entry says.
    WritableBeside,
    /// The device takes the second page of a list for the first and the first for the second.
    WrongPages,
    /// The device never says that it is done.
    NoCompletion,
    /// The first case does not come to its end, as one that panics on a thread of its own.
    NoEnd,
    /// Each twentieth interruption is lost; its bits are set.
    LostInterruption,
    /// Each twentieth interruption is presented twice.
    TwoInterruptions,
    /// No bit of a vector is set.
    NoBit,
    /// The bit next to that of an interrupt is set.
    WrongVector,
    /// Interruptions are of another subclass.
    WrongSubclass,
    /// A masked entry is sent.
    NoMask,
    /// Interruptions do not suppress each other.
    NoSuppression,
    /// Interrupts come after they were disabled and deregistered.
    NoEndOfInterrupts,
    /// A device interrupts before it is done.
    EarlyInterrupt,
    /// Nothing announces an event.
    NoChannelReport,
    /// Events name another function.
    WrongEventFunction,
    /// Events have the handle of the disabled function.
    WrongEventHandle,
    /// Events have another code.
    WrongEventCode,
    /// Events name the page behind.
    WrongEventAddress,
    /// The machine counts four more than there were.
    Miscounted(Counter),
    /// No sample is ever whole.
    TornSample,
    /// The machine stores behind the measurement block.
    StoreBehindBlock,
}
