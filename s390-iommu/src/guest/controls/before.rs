// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a guest's function was before its last MPCIFC.

use super::{FunctionControls, State};
use crate::format::address::AbsoluteAddress;
use crate::format::fib::InterruptParameters;
use crate::guest::answer::Answer;
use crate::guest::effect::Registration;
use crate::machine::zpci::Status;

/// What MPCIFC changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// R1 of the instruction.
    register: u64,
    state: State,
    registration: Option<Registration>,
    interrupts: Option<InterruptParameters>,
    measurement: Option<AbsoluteAddress>,
    refreshes: u64,
}

impl FunctionControls {
    /// Takes back the last MPCIFC, of which `answer` is the answer: the VMM cannot do what its effect asks for, such as map all of
    /// the guest or reach the interrupt vectors. Returns the answer for the guest, condition code 1 with `status`.
    ///
    /// The function is as if the instruction had not been issued, but for an error that happened meanwhile. What the VMM did
    /// for it, it undoes; what was unmapped of a registration that holds again is mapped by [`Self::refresh_all`], or without
    /// translation as for [`Effect::Registered`](crate::guest::Effect::Registered). If that changes the state or
    /// the registration, an RPCIT that came meanwhile, or a refresh of the VMM's own, ends with condition code 2.
    ///
    /// To be called before the guest goes on: after an MPCIFC of another processor, an enable or a disable there is nothing to
    /// take back, and the answer is all that there is.
    pub fn take_back(&mut self, answer: Answer, status: Status) -> Answer {
        if let Some(before) = self.before.take_if(|before| before.register == answer.register) {
            let (state, registration) = (self.state, self.registration);
            if matches!(self.state, State::Enabled | State::Blocked) {
                self.state = before.state;
            }
            self.registration = before.registration;
            self.interrupts = before.interrupts;
            self.measurement = before.measurement;
            self.refreshes = before.refreshes;
            if (self.state, self.registration) != (state, registration) {
                self.refresh = None;
            }
        }
        Answer::status(answer.register, status)
    }

    pub(super) const fn keep(&mut self, register: u64) {
        self.before = Some(Before {
            register,
            state: self.state,
            registration: self.registration,
            interrupts: self.interrupts,
            measurement: self.measurement,
            refreshes: self.refreshes,
        });
    }
}
