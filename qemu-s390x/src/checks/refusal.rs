// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! DMA that must be refused, and what must be seen then.

use s390_iommu::IovaRange;
use zpci_tests::Stop;

use crate::address_space::{AddressSpace, Mapped};
use crate::device::DeviceError;
use crate::dma::PIECE;
use crate::pci::PciFunction;
use crate::platform::Platform;
use crate::stop::fail;

/// What is left in a page that no device has written.
const UNTOUCHED: u8 = 0xa5;

/// Sees that `result`, of a transfer that was to write to `target`, is a refusal: the function is in its error state,
/// the machine names an address of `target`, and nothing was written.
pub(super) fn must_be_refused<P: Platform>(
    space: &AddressSpace<'_, '_, P>,
    target: &Mapped<'_, '_, '_, P>,
    what: &str,
    result: Result<(), DeviceError>,
) -> Result<(), Stop> {
    let (function, range) = (space.function(), target.range());
    let state = function.state().map_err(fail)?;
    if !state.error() {
        let answer: &dyn core::fmt::Display = match &result {
            Ok(()) => &"success",
            Err(error) => error,
        };
        let id = function.function().id;
        return Err(fail(format_args!(
            "function {id} was not refused DMA to {what} at IOVA {range}: fc {:#04x}, the device reports {answer}; \
             was the last change refreshed?",
            u8::from(state)
        )));
    }
    names(space, range, what)?;
    unchanged(target, what)
}

/// Sees that the event which tells of the error names an address of `range`.
fn names<P: Platform>(space: &AddressSpace<'_, '_, P>, range: IovaRange, what: &str) -> Result<(), Stop> {
    match space.function().error_event() {
        Some(event) if range.contains_iova(event.iova()) => Ok(()),
        Some(event) => Err(fail(format_args!("DMA to {what} at IOVA {range}: {event}"))),
        None => Err(fail(format_args!("DMA to {what} at IOVA {range}: an error state without an event"))),
    }
}

fn unchanged<P: Platform>(target: &Mapped<'_, '_, '_, P>, what: &str) -> Result<(), Stop> {
    let mut piece = [0; PIECE];
    for offset in (0..target.bytes()).step_by(PIECE) {
        target.read(offset, &mut piece).map_err(fail)?;
        if let Some(at) = piece.iter().position(|byte| *byte != UNTOUCHED) {
            return Err(fail(format_args!("the device has written to {what} at IOVA {}", target.iova(offset + at))));
        }
    }
    Ok(())
}
