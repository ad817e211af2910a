// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What all drivers share: what can go wrong, and how they wait.

use core::fmt;

use s390_iommu::FunctionState;

use crate::frames::BufferError;
use crate::pci::{AccessError, PciFunction};

/// Why a device did not do what it was asked to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceError {
    /// Its registers could not be accessed.
    Access(AccessError),
    /// A buffer of the driver is too small.
    Buffer(BufferError),
    /// The function went into its error state, as it does when a device accesses what is not mapped for it.
    Refused {
        /// What the driver was waiting for.
        awaited: &'static str,
        /// The state of the function.
        state: FunctionState,
    },
    /// Nothing happened for too long.
    Timeout {
        /// What the driver was waiting for.
        awaited: &'static str,
        /// For how long, in milliseconds.
        milliseconds: u64,
    },
    /// The device says that it failed.
    Failed {
        /// What it was asked to do.
        command: &'static str,
        /// How it put it.
        status: u32,
    },
    /// The device does what no device should.
    Unexpected {
        /// What about it.
        what: &'static str,
        /// What the device says.
        value: u64,
    },
    /// The device is not what the driver can work with.
    Unsupported {
        /// What about it.
        what: &'static str,
        /// What the device says.
        value: u64,
    },
}

impl From<AccessError> for DeviceError {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

impl From<BufferError> for DeviceError {
    fn from(error: BufferError) -> Self {
        Self::Buffer(error)
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access(error) => error.fmt(f),
            Self::Buffer(error) => error.fmt(f),
            Self::Refused { awaited, state } => {
                write!(f, "state error (fc {:#04x}) while waiting for {awaited}", u8::from(*state))
            }
            Self::Timeout { awaited, milliseconds } => write!(f, "waited {milliseconds} ms for {awaited}"),
            Self::Failed { command, status } => write!(f, "{command} failed with status {status:#x}"),
            Self::Unexpected { what, value } => write!(f, "unexpected {what} {value:#x}"),
            Self::Unsupported { what, value } => write!(f, "no driver for a device with {what} {value:#x}"),
        }
    }
}

impl core::error::Error for DeviceError {}

/// Looks with `look` until it finds something.
///
/// # Errors
///
/// * [`DeviceError::Refused`] as soon as the function is in its error state and `look` still finds nothing.
/// * [`DeviceError::Timeout`] after `milliseconds`.
/// * Those of `look`.
pub fn wait<T>(
    function: &impl PciFunction,
    awaited: &'static str,
    milliseconds: u64,
    mut look: impl FnMut() -> Result<Option<T>, DeviceError>,
) -> Result<T, DeviceError> {
    let start = function.microseconds();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        let state = function.state()?;
        if state.error() {
            return Err(DeviceError::Refused { awaited, state });
        }
        if function.microseconds().wrapping_sub(start) / 1000 >= milliseconds {
            return Err(DeviceError::Timeout { awaited, milliseconds });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeFunction;

    #[test]
    fn waiting_ends() {
        let function = FakeFunction::new();
        let mut looks = 0;
        let timeout = wait::<()>(&function, "something", 20, || {
            looks += 1;
            Ok(None)
        });
        assert_eq!(timeout.unwrap_err().to_string(), "waited 20 ms for something");
        assert_eq!(looks, 20);
    }

    #[test]
    fn waiting_notices_a_refusal() {
        let function = FakeFunction::new();
        function.set_state(FunctionState::from(0xf0));
        let refused = wait::<()>(&function, "something", 20, || Ok(None)).unwrap_err();
        assert_eq!(refused.to_string(), "state error (fc 0xf0) while waiting for something");
        // What has happened has happened, whatever the state is now.
        assert_eq!(wait(&function, "something", 20, || Ok(Some(7))), Ok(7));
    }
}
