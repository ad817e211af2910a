// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CHSC "store event information" of a guest.

use s390_iommu::{ErrorEvent, Event, EventInformation};
use zerocopy::{FromBytes, IntoBytes};

/// Bytes of the block that are read and written.
pub const ZPCI_EVENT_INFORMATION_SIZE: usize = 112;

/// Answers a request for an event in `block`, a copy that goes back into the guest, with the error event `event`, NULL for
/// none, and whether there are `more`. False, and nothing is written, if the request does not ask for events of PCI functions.
///
/// # Safety
///
/// `block` has 112 bytes, a copy of those of the page that the guest gave, which nobody else uses meanwhile; `event` is NULL or
/// has 32 bytes.
#[no_mangle]
pub unsafe extern "C" fn zpci_event_answer(block: *mut u8, event: *const u8, more: bool) -> bool {
    // SAFETY: by the contract.
    let (block, event) = unsafe {
        (&mut *block.cast::<[u8; ZPCI_EVENT_INFORMATION_SIZE]>(), event.cast::<[u8; ErrorEvent::SIZE]>().as_ref())
    };
    let Ok(request) = EventInformation::read_from_bytes(block) else {
        return false;
    };
    if !request.wants_pci() {
        return false;
    }
    let event = event.and_then(|bytes| ErrorEvent::read_from_bytes(bytes).ok());
    let answered = request.answered(event.map(|event| (Event::Error(event), more)));
    block.iter_mut().zip(answered.as_bytes()).for_each(|(to, from)| *to = *from);
    true
}
