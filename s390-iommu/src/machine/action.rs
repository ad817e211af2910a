// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What an answer of MPCIFC or RPCIT asks for: one table for every condition code and status.

use clp::ConditionCode;

use crate::machine::zpci::{Outcome, Status};

/// What was asked of the machine.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Request {
    /// Register translation parameters.
    Register,
    /// Deregister translation parameters.
    Deregister,
    /// Reset an error state.
    ResetError,
    /// Refresh translations.
    Refresh,
}

/// What the answer asks for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// It is done.
    Done,
    /// It was so already: registered before, or not registered at all.
    AlreadyDone,
    /// Busy: ask again.
    Again,
    /// The machine is out of resources: give some back, for instance by a refresh of everything, and ask again.
    FreeResources,
    /// The function is in error and does no DMA until it is reset.
    AwaitReset,
    /// The function is being recovered, and is registered again at the end of that.
    AwaitRecovery,
    /// The function is not there any more, or the handle is an old one.
    Forget,
    /// What was missed is made up for by a new registration alone; no answer asks for it, but
    /// [`Attachment::refresh_all`](crate::Attachment::refresh_all) does.
    RegisterAnew,
    /// It failed.
    Fail,
}

impl Action {
    /// What `outcome`, the answer to `request`, asks for.
    ///
    /// Linux: `arch/s390/pci/pci_insn.c`, `drivers/iommu/s390-iommu.c`; QEMU: `hw/s390x/s390-pci-inst.c`.
    pub const fn of(request: Request, outcome: Outcome) -> Self {
        match outcome.cc {
            ConditionCode::Zero => Self::Done,
            ConditionCode::Two => Self::Again,
            ConditionCode::Three => Self::Forget,
            ConditionCode::One => match (request, outcome.status) {
                (_, Status::RECOVERY) => Self::AwaitRecovery,
                (Request::Refresh, Status::IN_ERROR) => Self::AwaitReset,
                (Request::Register | Request::Deregister, Status::SEQUENCE) => Self::AlreadyDone,
                (Request::Register | Request::Refresh, Status::NO_RESOURCE | Status::INSUFFICIENT_RESOURCE) => {
                    Self::FreeResources
                }
                _ => Self::Fail,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: [Request; 4] = [Request::Register, Request::Deregister, Request::ResetError, Request::Refresh];

    fn action(request: Request, cc: ConditionCode, status: u8) -> Action {
        Action::of(request, Outcome { cc, status: Status(status) })
    }

    #[test]
    fn status_means_nothing_unless_the_condition_code_is_one() {
        for request in REQUESTS {
            for status in 0..=255 {
                assert_eq!(action(request, ConditionCode::Zero, status), Action::Done);
                assert_eq!(action(request, ConditionCode::Two, status), Action::Again);
                assert_eq!(action(request, ConditionCode::Three, status), Action::Forget);
            }
        }
    }

    #[test]
    fn every_status_that_is_not_a_failure_is_written_down() {
        let expected = [
            (Request::Register, 4, Action::FreeResources),
            (Request::Register, 16, Action::FreeResources),
            (Request::Register, 24, Action::AlreadyDone),
            (Request::Register, 40, Action::AwaitRecovery),
            (Request::Deregister, 24, Action::AlreadyDone),
            (Request::Deregister, 40, Action::AwaitRecovery),
            (Request::ResetError, 40, Action::AwaitRecovery),
            (Request::Refresh, 4, Action::FreeResources),
            (Request::Refresh, 8, Action::AwaitReset),
            (Request::Refresh, 16, Action::FreeResources),
            (Request::Refresh, 40, Action::AwaitRecovery),
        ];
        for request in REQUESTS {
            for status in 0..=255 {
                let written = expected.iter().find(|row| row.0 == request && row.1 == status);
                assert_eq!(
                    action(request, ConditionCode::One, status),
                    written.map_or(Action::Fail, |row| row.2),
                    "{request:?} {status}"
                );
            }
        }
    }
}
