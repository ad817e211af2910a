// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CHSC "store event information" of a guest.

use ::clp::{FunctionHandle, FunctionId};
use s390_iommu::{AvailabilityCode, AvailabilityEvent, ErrorEvent, Event, EventInformation};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, IntoBytes};

/// Bytes of the block that are read and written.
pub const ZPCI_EVENT_INFORMATION_SIZE: usize = 112;

/// Content code of an error event.
pub const ZPCI_EVENT_ERROR: u8 = 1;
/// Content code of an availability event.
pub const ZPCI_EVENT_AVAILABILITY: u8 = 2;

/// A function that was reserved or in standby is configured.
pub const ZPCI_AVAILABILITY_CONFIGURED: u16 = 0x0301;
/// A function that was reserved is in standby.
pub const ZPCI_AVAILABILITY_RESERVED_TO_STANDBY: u16 = 0x0302;
/// The guest is asked to deconfigure the function.
pub const ZPCI_AVAILABILITY_DECONFIGURATION_REQUEST: u16 = 0x0303;
/// The function was taken away: it is in standby or reserved.
pub const ZPCI_AVAILABILITY_CONFIGURED_TO_STANDBY: u16 = 0x0304;
/// Functions changed: the guest lists them all.
pub const ZPCI_AVAILABILITY_CHANGED: u16 = 0x0306;
/// A function that was in standby is reserved.
pub const ZPCI_AVAILABILITY_STANDBY_TO_RESERVED: u16 = 0x0308;

const_assert_eq!(ZPCI_AVAILABILITY_CONFIGURED, AvailabilityCode::CONFIGURED.0);
const_assert_eq!(ZPCI_AVAILABILITY_RESERVED_TO_STANDBY, AvailabilityCode::RESERVED_TO_STANDBY.0);
const_assert_eq!(ZPCI_AVAILABILITY_DECONFIGURATION_REQUEST, AvailabilityCode::DECONFIGURATION_REQUEST.0);
const_assert_eq!(ZPCI_AVAILABILITY_CONFIGURED_TO_STANDBY, AvailabilityCode::CONFIGURED_TO_STANDBY.0);
const_assert_eq!(ZPCI_AVAILABILITY_CHANGED, AvailabilityCode::CHANGED.0);
const_assert_eq!(ZPCI_AVAILABILITY_STANDBY_TO_RESERVED, AvailabilityCode::STANDBY_TO_RESERVED.0);

/// Makes the event that the function `id`, which has `handle`, comes or goes: `code` is `ZPCI_AVAILABILITY_*`. `event` gets its
/// 32 bytes.
///
/// # Safety
///
/// `event` is storage for 32 bytes.
#[no_mangle]
pub unsafe extern "C" fn zpci_availability_event(handle: u32, id: u32, code: u16, event: *mut u8) {
    let made = AvailabilityEvent::new(FunctionHandle(handle), FunctionId(id), AvailabilityCode(code));
    // SAFETY: by the contract there is room for all bytes of an event.
    unsafe { event.copy_from_nonoverlapping(made.as_bytes().as_ptr(), made.as_bytes().len()) };
}

/// Answers a request for an event in `block`, a copy that goes back into the guest, with `event`, NULL for none, and whether
/// there are `more`. `content` is `ZPCI_EVENT_*`. False, and nothing is written, if the request does not ask for events of PCI
/// functions, or there is no such content.
///
/// A guest asks when it is told by a channel report, and then until there is no more: a report is due for each event that
/// waits alone.
///
/// # Safety
///
/// `block` has 112 bytes, a copy of those of the page that the guest gave, which nobody else uses meanwhile; `event` is NULL or
/// has 32 bytes.
#[no_mangle]
pub unsafe extern "C" fn zpci_event_answer(block: *mut u8, content: u8, event: *const u8, more: bool) -> bool {
    // SAFETY: by the contract.
    let (block, bytes) = unsafe {
        (&mut *block.cast::<[u8; ZPCI_EVENT_INFORMATION_SIZE]>(), event.cast::<[u8; ErrorEvent::SIZE]>().as_ref())
    };
    let Ok(request) = EventInformation::read_from_bytes(block) else {
        return false;
    };
    let event = match (bytes, content) {
        (None, _) => None,
        (Some(bytes), ZPCI_EVENT_ERROR) => ErrorEvent::read_from_bytes(bytes).ok().map(Event::Error),
        (Some(bytes), ZPCI_EVENT_AVAILABILITY) => {
            AvailabilityEvent::read_from_bytes(bytes).ok().map(Event::Availability)
        }
        _ => return false,
    };
    if !request.wants_pci() {
        return false;
    }
    let answered = request.answered(event.map(|event| (event, more)));
    block.iter_mut().zip(answered.as_bytes()).for_each(|(to, from)| *to = *from);
    true
}
