// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Errors as the kernel knows them: negative numbers of `errno-base.h` and `errno.h`, `include/uapi/asm-generic`.

use s390_iommu::{Action, MapError, RefreshError, RegisterError};

pub(crate) const ENOENT: i32 = -2;
pub(crate) const EIO: i32 = -5;
pub(crate) const EAGAIN: i32 = -11;
pub(crate) const ENOMEM: i32 = -12;
pub(crate) const ENODEV: i32 = -19;
pub(crate) const EINVAL: i32 = -22;
pub(crate) const EADDRINUSE: i32 = -98;
pub(crate) const EOPNOTSUPP: i32 = -95;

/// The number for a mapping that was refused.
pub(crate) const fn of_map(error: MapError) -> i32 {
    match error {
        MapError::OutOfStorage => ENOMEM,
        MapError::AlreadyMapped { .. } => EADDRINUSE,
        _ => EINVAL,
    }
}

/// The number for a refresh that failed.
///
/// The caller has to know that a function may use old entries, whatever the reason.
pub(crate) const fn of_refresh(error: RefreshError) -> i32 {
    match error.action {
        Action::FreeResources => ENOMEM,
        _ => EIO,
    }
}

/// The number for a registration that failed; 0 for what is not to be treated as a failure.
///
/// A function in recovery is registered again at the end of it, and a function that is gone is torn down by the
/// event that reports it: an attach must not fail for either.
pub(crate) const fn of_registration(error: RegisterError) -> i32 {
    match error {
        RegisterError::NotEnabled(_) => 0,
        RegisterError::Refused { action, .. } => match action {
            Action::AwaitRecovery | Action::Forget => 0,
            _ => EIO,
        },
        _ => EINVAL,
    }
}

/// The number for a registration that did not end.
///
/// [`EAGAIN`] if it ends with the recovery of the function, which disables it.
pub(crate) const fn of_end(error: RegisterError) -> i32 {
    match error {
        RegisterError::Refused { action: Action::AwaitRecovery, .. } => EAGAIN,
        _ => EIO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clp::{ConditionCode, FunctionHandle};
    use s390_iommu::{Outcome, Request, Status};

    fn refused(cc: ConditionCode, status: u8) -> i32 {
        let outcome = Outcome { cc, status: Status(status) };
        of_registration(RegisterError::Refused {
            function: FunctionHandle(0x8000_0000),
            request: Request::Register,
            action: Action::of(Request::Register, outcome),
            outcome,
        })
    }

    #[test]
    fn only_gone_and_recovering_functions_attach_in_spite_of_an_error() {
        for status in 0..=255 {
            assert_eq!(refused(ConditionCode::One, status), if status == 40 { 0 } else { EIO }, "status {status}");
            assert_eq!(refused(ConditionCode::Two, status), EIO);
            assert_eq!(refused(ConditionCode::Three, status), 0);
        }
        assert_eq!(of_registration(RegisterError::NotEnabled(FunctionHandle(1))), 0);
        assert_eq!(of_registration(RegisterError::Translation), EINVAL);
    }
}
