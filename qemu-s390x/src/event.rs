// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the machine tells of a function in error, beside its state.
//!
//! The program asks for it with CHSC, command "store event information". Layout: Linux `struct chsc_sei` and
//! `struct chsc_sei_nt2_area` (`drivers/s390/cio/chsc.c`). All fields are big-endian.

use s390_iommu::ErrorEvent;
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// The request and the answer, one page.
#[derive(Clone, Debug, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C, align(4096))]
pub struct EventBlock {
    /// Length of the request in bytes.
    request_length: U16,
    command: U16,
    reserved_4: U32,
    /// Types of notification wanted; bit n stands for type n.
    types: U64,
    /// Length of the answer in bytes.
    response_length: U16,
    response: U16,
    reserved_20: [u8; 3],
    /// Type of the notification.
    kind: u8,
    flags: u8,
    reserved_25: [u8; 2],
    /// What the rest holds.
    content: u8,
    reserved_28: [u8; 52],
    error: ErrorEvent,
    reserved_112: [u8; 3984],
}

const_assert_eq!(size_of::<EventBlock>(), 4096);

const_assert_eq!(core::mem::offset_of!(EventBlock, error), 80);

impl EventBlock {
    /// Makes it the request for the next event of a PCI function.
    pub fn request(&mut self) {
        self.zero();
        self.request_length = U16::new(16);
        self.command = U16::new(0x000e);
        self.types = U64::new(1 << (63 - 2));
    }

    /// What the machine answered.
    pub fn answer(&self) -> Answer {
        match (self.response.get(), self.kind, self.content) {
            (1, 2, 1) => Answer::Error(self.error),
            (1, _, _) => Answer::Other,
            _ => Answer::Nothing,
        }
    }
}

/// Answer to a request for an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// A function is in error.
    Error(ErrorEvent),
    /// An event of another kind.
    Other,
    /// No event is pending.
    Nothing,
}

#[cfg(test)]
mod tests {
    use clp::{FunctionHandle, FunctionId};
    use s390_iommu::{EventCode, Iova};

    use super::*;

    #[test]
    fn request_bytes() {
        let mut bytes = EventBlock::read_from_bytes(&[0xa5; 4096]).unwrap();
        bytes.request();
        let expected = [0, 0x10, 0, 0x0e, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(&bytes.as_bytes()[..16], expected);
        assert!(bytes.as_bytes()[16..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn answers() {
        let mut bytes = [0; 4096];
        bytes[16..20].copy_from_slice(&[0x00, 0x08, 0x00, 0x05]);
        assert_eq!(EventBlock::read_from_bytes(&bytes).unwrap().answer(), Answer::Nothing);

        bytes[19] = 1;
        assert_eq!(EventBlock::read_from_bytes(&bytes).unwrap().answer(), Answer::Other);

        bytes[23] = 2;
        bytes[27] = 1;
        bytes[84..88].copy_from_slice(&[0x80, 0x02, 0x00, 0x00]);
        bytes[88..92].copy_from_slice(&[0, 0, 1, 1]);
        bytes[96..104].copy_from_slice(&[0, 0, 0, 1, 0x23, 0x45, 0x60, 0]);
        bytes[110..112].copy_from_slice(&[0, 4]);
        let event = ErrorEvent::new(
            FunctionHandle(0x8002_0000),
            FunctionId(0x101),
            EventCode::TRANSLATION_PROTECTION,
            Iova::new(0x1_2345_6000),
        );
        assert_eq!(EventBlock::read_from_bytes(&bytes).unwrap().answer(), Answer::Error(event));
        assert_eq!(event.to_string(), "event 0x4 (translation refused) at IOVA 0x123456000");
    }
}
