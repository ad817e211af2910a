// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function and the translation that it has.
//!
//! An [`Attachment`] is made for one function and one translation. It decides what a registration, a change of the
//! table and each answer of the machine mean for the function, so that a kernel, a bare-metal program and a test do the
//! same. Who uses it keeps the list of attachments of a table, and calls it for each.
//!
//! # Order of things
//!
//! An attachment is on the list of its table *before* it is registered and until it is no longer registered. Whether it
//! is registered changes behind its closed [`Gate`], together with the instruction that makes it so; refreshes are
//! issued behind the open gate, and only while it is registered. So, for a change of the table by somebody else:
//!
//! * Who changed the entry and then does not find the attachment on the list changed it before the registration, if
//!   both have a full barrier between their two steps: the entry, then the list; the list, then MPCIFC. A machine walks
//!   the tables as they are when it needs them, so it never sees the old entry.
//! * Who finds it, but passes the gate before the registration, changed the entry before it too, by the gate.
//! * Who passes the gate after the registration issues the refresh.
//! * Who passes the gate after the end of the registration skips the refresh: the function translates nothing.
//!
//! No refresh is lost in between, and none reaches a function that is not registered.
//!
//! A refresh names the function by the handle that it was registered with, whatever handle it is said to have since: an
//! answer that the handle stands for no function ends the registration only if it is of the registration.
//!
//! # Failures
//!
//! A refresh that failed leaves a function that may use old entries, unless it is gone. The attachment remembers that it
//! is [stale](Attachment::is_stale), and the next refresh is one of all that the function can address; but for ISM, which
//! does not survive that and stays stale. Until one of these succeeded, or the function was registered anew, tables that
//! were taken out must not be freed: each operation returns whether that is so.

mod error;
mod list;
mod refresh;
mod step;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use clp::FunctionHandle;

use crate::format::iota::Iota;
use crate::format::range::IovaRange;
use crate::machine::action::{Action, Request};
use crate::machine::gate::Gate;
use crate::machine::limits::Limits;
use crate::machine::registration::{control, take_back, RegisterError};
use crate::machine::zpci::{FunctionControl, Zpci};
use crate::table::seam::TableAllocator;
use crate::table::translation_table::TranslationTable;

pub use error::AttachError;
pub use list::{mapped_to_all, unmapped_from_all};
pub use step::{FirstStep, Mapped};

/// One function and one translation: not registered at first.
#[derive(Debug)]
pub struct Attachment<G> {
    gate: G,
    limits: Limits,
    iota: Iota,
    aperture: IovaRange,
    /// The handle that the function was registered with, 0 while it is not. Changes behind the closed gate alone,
    /// together with the registration.
    registered: AtomicU32,
    /// The registration that is in force may be somebody else's. Changes with `registered`.
    foreign: AtomicBool,
    /// [`STALE`] while a refresh failed that no later one made up for, and then [`BUSY`] if the last one was given up. Each failure
    /// makes it a number that it never was, so that a refresh of everything makes up for those alone that came before it.
    stale: AtomicU32,
}

impl<G: Gate> Attachment<G> {
    /// A function with `limits` that is to use `table`: of the first `bytes` bytes of its window, those that the table
    /// spans.
    ///
    /// Nothing is issued: this is the check to be made before a function is taken from the translation that it has.
    ///
    /// # Errors
    ///
    /// * [`AttachError::DesignationType`] if the function does not understand the root of the table.
    /// * [`AttachError::NothingInCommon`] if the table spans none of these addresses.
    pub fn to_table<M: TableAllocator>(
        limits: &Limits,
        bytes: u64,
        table: &TranslationTable<M>,
        gate: G,
    ) -> Result<Self, AttachError> {
        let (root, span) = (table.root(), table.span());
        if !limits.designation_types.supports(root.designation_type()) {
            return Err(AttachError::DesignationType { root, supported: limits.designation_types });
        }
        let aperture = limits.wanted(bytes).and_then(|wanted| wanted.intersection(span));
        let aperture = aperture.ok_or(AttachError::NothingInCommon { window: limits.window, span })?;
        Ok(Self::new(limits, table.iota(), aperture, gate))
    }

    /// A function with `limits` that is to do without translation: all of its window, as CLP reports it, whatever is
    /// wanted of it for tables.
    ///
    /// # Errors
    ///
    /// [`AttachError::Translation`] if the function cannot do without.
    pub fn to_storage(limits: &Limits, gate: G) -> Result<Self, AttachError> {
        if !limits.relaxed_translation {
            return Err(AttachError::Translation);
        }
        Ok(Self::new(limits, Iota::IDENTITY, limits.window, gate))
    }

    const fn new(limits: &Limits, iota: Iota, aperture: IovaRange, gate: G) -> Self {
        let (registered, foreign, stale) = (AtomicU32::new(0), AtomicBool::new(false), AtomicU32::new(0));
        Self { gate, limits: *limits, iota, aperture, registered, foreign, stale }
    }

    /// The addresses that the function may use (PBA..PAL).
    pub const fn aperture(&self) -> IovaRange {
        self.aperture
    }

    /// What the function takes for translation.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The gate.
    pub const fn gate(&self) -> &G {
        &self.gate
    }

    /// Whether the machine translates for the function, as far as its answers say.
    pub fn is_registered(&self) -> bool {
        self.registered.load(Ordering::Acquire) != NONE.0
    }

    /// The handle that the function was registered with; 0 if it is not.
    fn registered(&self) -> FunctionHandle {
        FunctionHandle(self.registered.load(Ordering::Acquire))
    }

    /// Whether the function may use what the table does not say: a refresh failed that no later one made up for, or the
    /// machine neither took the registration nor ended the one that it has instead.
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire) & STALE != 0 || self.foreign.load(Ordering::Acquire)
    }

    /// Whether the function [is stale](Self::is_stale), and the last refresh that failed was given up since the machine was busy:
    /// little is to be expected of the next one.
    pub fn was_busy(&self) -> bool {
        self.stale.load(Ordering::Acquire) & (STALE | BUSY) == STALE | BUSY
    }

    /// Takes note, behind the closed gate, of what is registered now, and with which handle.
    fn note_registration(&self, registered: FunctionHandle, foreign: bool) {
        self.foreign.store(foreign, Ordering::Release);
        self.registered.store(registered.0, Ordering::Release);
    }

    /// Registers the translation for `function`: at first, and again after the function was disabled and enabled.
    ///
    /// The attachment must be on the list of its table already, and a full barrier must stand between the two.
    /// [`catch_up`](Self::catch_up) shows the function what was mapped before.
    ///
    /// # Errors
    ///
    /// The function is not registered by this call then.
    ///
    /// * [`RegisterError::NotEnabled`] before any instruction is issued.
    /// * [`RegisterError::Refused`] if the machine did not do it; [`Action::Forget`] and [`Action::AwaitRecovery`] are
    ///   states rather than failures: who recovers the function registers it again. The same error comes if an earlier
    ///   registration could not be ended; [`is_registered`](Self::is_registered) and [`is_stale`](Self::is_stale) are true
    ///   then.
    ///
    /// # Safety
    ///
    /// The caller answers for all that the device does through the translation. The limits that the attachment was made
    /// with must be those of the function, as CLP reports them: MPCIFC traps for others. The table that the attachment was made
    /// for must not be dropped, and no table of its tree be freed against the contract of
    /// [`Reclaimed::free`](crate::Reclaimed::free), until [`detach`](Self::detach) succeeded, or the function was disabled.
    /// No other translation of the function may be registered meanwhile.
    pub unsafe fn attach<Z: Zpci>(&self, zpci: &Z, function: FunctionHandle) -> Result<(), RegisterError> {
        if !function.is_enabled() {
            return Err(RegisterError::NotEnabled(function));
        }
        // SAFETY: the contract is the same.
        match unsafe { self.register(zpci, function) } {
            Err(RegisterError::Refused { action: Action::AlreadyDone, .. }) => {
                // Somebody registered it before, such as a kernel that started this one. That ends first.
                self.detach(zpci, function)?;
                // SAFETY: as above.
                unsafe { self.register(zpci, function) }
            }
            result => result,
        }
    }

    /// Registers the translation once.
    ///
    /// # Safety
    ///
    /// As for [`attach`](Self::attach).
    unsafe fn register<Z: Zpci>(&self, zpci: &Z, function: FunctionHandle) -> Result<(), RegisterError> {
        let fib = self.limits.registration(self.aperture, self.iota);
        let answered = |action| match action {
            Action::Done => {
                // A registration starts with nothing in any cache.
                self.stale.fetch_and(!STALE, Ordering::Release);
                self.note_registration(function, false);
            }
            // It is still in force, and nobody knows what it reaches.
            Action::AlreadyDone => self.note_registration(function, true),
            _ => {}
        };
        let operation = FunctionControl::REGISTER_IOAT;
        // SAFETY: `to_table` and `to_storage` checked the operands; the caller answers for the table and the device.
        unsafe { control(zpci, &self.gate, || function, operation, &fib, Request::Register, answered) }
    }

    /// Ends the registration, with the handle that it was made with; the function does no DMA then.
    ///
    /// Where nothing was registered, as after an attach that the machine did not take, it is tried for `function`, the
    /// handle that the function has now, and no answer is an error.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Refused`] if the machine did not do it: the function is still registered, so it stays on the
    /// list, and what it can reach must be kept until this succeeds or the function is disabled.
    pub fn detach<Z: Zpci>(&self, zpci: &Z, function: FunctionHandle) -> Result<(), RegisterError> {
        let ended = |action| {
            if matches!(action, Action::Done | Action::AlreadyDone | Action::Forget) {
                self.note_registration(NONE, false);
            }
        };
        let named = || match self.registered() {
            NONE => function,
            registered => registered,
        };
        let operation = FunctionControl::DEREGISTER_IOAT;
        match take_back(zpci, &self.gate, named, operation, Request::Deregister, ended) {
            Err(RegisterError::Refused { action: Action::AlreadyDone | Action::Forget, .. }) => Ok(()),
            Err(_) if !self.is_registered() => Ok(()),
            result => result,
        }
    }

    /// Takes note that the function was disabled, which ended the registration; [`attach`](Self::attach) makes a new one.
    ///
    /// Until then refreshes are skipped, so this must not be said of a function that may be registered.
    pub fn disabled(&self) {
        self.gate.exclusive(|| self.note_registration(NONE, false));
    }
}

/// Stands for no function: no handle is 0.
const NONE: FunctionHandle = FunctionHandle(0);

/// The bit that tells whether something is to be made up for.
const STALE: u32 = 1;

/// The bit that tells whether the machine was busy for too long.
const BUSY: u32 = 2;
