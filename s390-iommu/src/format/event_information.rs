// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CHSC "store event information": how a program gets the events of its PCI functions.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::format::availability_event::AvailabilityEvent;
use crate::format::error_event::ErrorEvent;

/// An event of a PCI function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// A function is in error.
    Error(ErrorEvent),
    /// A function comes or goes.
    Availability(AvailabilityEvent),
}

/// The block of CHSC "store event information", as far as it has fields: request, answer and one event.
///
/// The block is a page, of which the rest is not used. Opcode 0xb25f; the command is 0x000e. Linux: `struct chsc_sei`,
/// `struct chsc_sei_nt2_area`, `drivers/s390/cio/chsc.c`; QEMU: `include/hw/s390x/ioinst.h`.
#[doc(alias("CHSC", "chsc_sei"))]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct EventInformation {
    /// Length of the request in bytes.
    pub request_length: U16,
    /// Command code.
    pub command: U16,
    /// Reserved.
    pub reserved_4: U32,
    /// Types of notification wanted; bit n, from the most significant, stands for type n.
    pub types: U64,
    /// Length of the answer in bytes.
    pub response_length: U16,
    /// Response code: 1 with an event, 5 without one.
    pub response: U16,
    /// Reserved.
    pub reserved_20: [u8; 3],
    /// Type of the notification: 2 for PCI functions.
    pub notification_type: u8,
    /// 0x80: there are more events.
    pub flags: u8,
    /// Reserved.
    pub reserved_25: [u8; 2],
    /// Content code: 1 for an error, 2 for availability.
    pub content: u8,
    /// Reserved.
    pub reserved_28: [u8; 52],
    /// The event, as the content code says.
    pub event: [u8; 32],
}

const_assert_eq!(size_of::<EventInformation>(), 112);
const_assert_eq!(core::mem::offset_of!(EventInformation, response), 18);
const_assert_eq!(core::mem::offset_of!(EventInformation, content), 27);
const_assert_eq!(core::mem::offset_of!(EventInformation, event), 80);

/// The bits of the flags of [`EventInformation`].
pub static EVENT_FLAGS: Word =
    Word { title: "flags", width: 8, parts: &[Part::new(8, (7, 1), "more", "", "There are more events")] };

layout! {
    /// The fields of [`EventInformation`].
    pub static EVENT_INFORMATION: EventInformation = "store event information", "struct chsc_sei", Order::Big;
    request_length: Kind::Size, "request.length", "Length of the request";
    command: Kind::Number, "request.code", "Command code", rule Rule::Is(0x0e);
    reserved_4: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    types: Kind::Number, "ntsm", "Types of notification wanted, bit n for type n";
    response_length: Kind::Size, "response.length", "Length of the answer";
    response: Kind::Number, "response.code", "Response code: 1 with an event, 5 without one";
    reserved_20: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    notification_type: Kind::Number, "nt", "Type of the notification: 2 for PCI functions";
    flags: Kind::Bits, "flags", "Flags", word &EVENT_FLAGS;
    reserved_25: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    content: Kind::Number, "cc", "Content code: 1 for an error, 2 for availability";
    reserved_28: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    event: Kind::Bytes, "ccdf", "The event, as the content code says";
}

debug_by_layout!(EventInformation, EVENT_INFORMATION);

/// What a program learns from an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventAnswer {
    /// An event of a PCI function, and whether there are more.
    Event(Event, bool),
    /// An event of another kind, and whether there are more.
    Other(bool),
    /// There is no event.
    Nothing,
}

impl EventInformation {
    const COMMAND: u16 = 0x000e;
    const PCI: u8 = 2;
    const EVENT: u16 = 1;
    const NO_EVENT: u16 = 5;
    const MORE: u8 = 0x80;
    /// Bytes of an answer with an event, up to the end of the page.
    const WHOLE: u16 = 4096 - 16;

    /// The request for the next event of a PCI function.
    pub fn request() -> Self {
        Self {
            request_length: U16::new(16),
            command: U16::new(Self::COMMAND),
            types: U64::new(1 << (63 - Self::PCI)),
            ..Self::new_zeroed()
        }
    }

    /// Whether a guest's request asks for events of PCI functions.
    pub const fn wants_pci(&self) -> bool {
        self.command.get() == Self::COMMAND && self.types.get() >> (63 - Self::PCI) & 1 != 0
    }

    /// Answers the request in this block with `event` and whether there are `more`; or that there is none.
    ///
    /// Nothing of the request changes; what the answer does not use becomes zero.
    #[must_use]
    pub fn answered(&self, event: Option<(Event, bool)>) -> Self {
        let mut block = Self { request_length: self.request_length, command: self.command, ..Self::new_zeroed() };
        block.reserved_4 = self.reserved_4;
        block.types = self.types;
        let Some((event, more)) = event else {
            block.response_length.set(8);
            block.response.set(Self::NO_EVENT);
            return block;
        };
        block.response_length.set(Self::WHOLE);
        block.response.set(Self::EVENT);
        block.notification_type = Self::PCI;
        block.flags = if more { Self::MORE } else { 0 };
        let bytes = match &event {
            Event::Error(error) => {
                block.content = 1;
                error.as_bytes()
            }
            Event::Availability(availability) => {
                block.content = 2;
                availability.as_bytes()
            }
        };
        block.event.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        block
    }

    /// What the machine answered.
    pub fn answer(&self) -> EventAnswer {
        if self.response.get() != Self::EVENT {
            return EventAnswer::Nothing;
        }
        let more = self.flags & Self::MORE != 0;
        let event = match (self.notification_type, self.content) {
            (Self::PCI, 1) => ErrorEvent::read_from_bytes(&self.event).ok().map(Event::Error),
            (Self::PCI, 2) => AvailabilityEvent::read_from_bytes(&self.event).ok().map(Event::Availability),
            _ => None,
        };
        event.map_or(EventAnswer::Other(more), |event| EventAnswer::Event(event, more))
    }
}
