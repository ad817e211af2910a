// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What MPCIFC asks of the VMM.

use crate::format::address::AbsoluteAddress;
use crate::format::fib::InterruptParameters;
use crate::format::iota::Iota;
use crate::format::range::IovaRange;

/// Translation parameters that the guest registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Registration {
    /// First and last address (PBA and PAL), rounded outwards to whole pages.
    pub aperture: IovaRange,
    /// The anchor as the guest gave it. Without T, an address less the start of the function's window is one of the guest's
    /// storage, as far as that goes.
    pub iota: Iota,
}

/// What the VMM has to do after MPCIFC before the guest goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Let the device's accesses be translated: nothing is mapped yet. Without translation, map all of the guest.
    Registered(Registration),
    /// Unmap everything.
    Deregistered,
    /// Unmap everything, then do as for [`Self::Registered`].
    Reregistered(Registration),
    /// Deliver interrupts by these vectors.
    InterruptsRegistered(InterruptParameters),
    /// Deliver no more interrupts.
    InterruptsDeregistered,
    /// Write the measurement block at this address from now on; none with `None`. Counters start from 0 in both cases; under
    /// QEMU with `None` alone.
    Measure(Option<AbsoluteAddress>),
    /// Loads and stores may go on, DMA may not.
    Unblocked,
    /// The error state was left: loads, stores and, after a refresh of everything, DMA may go on.
    ///
    /// The guest neither registers nor refreshes anew, and RPCIT was refused meanwhile. So
    /// [`FunctionControls::refresh_all`](super::FunctionControls::refresh_all) brings back what was unmapped because of the
    /// error, and ends what the guest took back since. A registration without translation has no tables: a VMM that unmaps
    /// because of an error maps all of the guest here, also for one that came meanwhile. QEMU does not look at the tables.
    Reset,
}
