// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The way out of an error state, for the function and for the device behind it.

use zpci_tests::Stop;

use crate::address_space::{AddressSpace, Mapped};
use crate::device::DeviceError;
use crate::pci::PciFunction;
use crate::platform::Platform;
use crate::stop::fail;

/// How the function comes out of its error state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// By a reset of the error state; handle and registration stay.
    ResetError,
    /// By disabling and enabling it; handle and registration are new.
    DisableAndEnable,
}

impl Way {
    fn take<P: Platform>(self, space: &AddressSpace<'_, '_, P>) -> Result<(), Stop> {
        match self {
            Self::ResetError => space.reset_error(),
            Self::DisableAndEnable => space.disable_and_enable(),
        }
    }
}

/// How often a device may repeat what it was refused before it is reset.
const REPETITIONS: u32 = 16;

/// Brings a function out of its error state, and the device up again with `restart`, which resets it first.
///
/// Until it is reset the device goes on with what it was refused, and is refused that again: an NVMe controller of QEMU
/// tries to write the data a second time when it has them (measured). So this may take several attempts.
pub(super) fn recover<P: Platform>(
    space: &AddressSpace<'_, '_, P>,
    memory: &Mapped<'_, '_, '_, P>,
    way: Way,
    mut restart: impl FnMut() -> Result<(), DeviceError>,
) -> Result<(), Stop> {
    let mut left = REPETITIONS;
    while let Err(stop) = way.take(space) {
        if left == 0 || !in_error(space) {
            return Err(stop);
        }
        left -= 1;
    }
    while let Err(error) = restart() {
        if left == 0 || !in_error(space) {
            return Err(space.explain("bringing up the device again", memory.range(), error));
        }
        left -= 1;
        space.reset_error()?;
    }
    let state = space.function().state().map_err(fail)?;
    match u8::from(state) {
        0x90 => Ok(()),
        state => Err(fail(format_args!("fc {state:#04x} after the recovery"))),
    }
}

/// Does for the next case what a case that failed may have left undone.
pub(super) fn recover_after_failure<P: Platform>(
    space: &AddressSpace<'_, '_, P>,
    memory: &Mapped<'_, '_, '_, P>,
    restart: impl FnMut() -> Result<(), DeviceError>,
) {
    if in_error(space) {
        // The next case tells if that did not help.
        let _ = recover(space, memory, Way::ResetError, restart);
    }
}

fn in_error<P: Platform>(space: &AddressSpace<'_, '_, P>) -> bool {
    space.function().state().is_ok_and(|state| state.error())
}
