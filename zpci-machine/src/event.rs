// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CHSC "store event information": the events of PCI functions.
//!
//! The machine makes a [channel report](crate::ChannelReport) pending when there is something to ask for, and presents a
//! machine-check interruption, if the program takes those. Asking without one does no harm.

use s390_iommu::{EventAnswer, EventInformation};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

/// The block that CHSC reads and writes: a page, aligned to one.
#[derive(Clone, Debug, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C, align(4096))]
pub struct EventBlock {
    /// Request and answer.
    information: EventInformation,
    rest: [u8; 3984],
}

const_assert_eq!(size_of::<EventBlock>(), 4096);

impl Default for EventBlock {
    fn default() -> Self {
        Self::new_zeroed()
    }
}

impl EventBlock {
    /// Makes it the request for the next event of a PCI function.
    pub fn request(&mut self) {
        self.zero();
        self.information = EventInformation::request();
    }

    /// What the machine answered.
    pub fn answer(&self) -> EventAnswer {
        self.information.answer()
    }

    /// Takes the next event that is pending from the machine.
    ///
    /// CHSC: opcode 0xb25f, RRE, R1: address of the block. Linux: `drivers/s390/cio/ioasm.c`.
    #[doc(alias = "CHSC")]
    #[cfg(target_arch = "s390x")]
    pub fn take_event(&mut self) -> EventAnswer {
        self.request();
        let inserted: u64;
        // SAFETY: The block is a page, aligned to one, and ours; the machine reads and writes it alone.
        unsafe {
            core::arch::asm!(
                ".insn rre, 0xb25f0000, {block}, %r0",
                "ipm {inserted}",
                block = in(reg_addr) core::ptr::from_mut(self),
                inserted = out(reg) inserted,
                options(nostack)
            );
        }
        match crate::operand::condition_code(inserted) {
            clp::ConditionCode::Zero => self.answer(),
            _ => EventAnswer::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use clp::{FunctionHandle, FunctionId};
    use s390_iommu::{ErrorEvent, Event, EventCode, Iova};

    use super::*;

    #[test]
    fn request_bytes() {
        let mut block = EventBlock::read_from_bytes(&[0xa5; 4096]).unwrap();
        block.request();
        let expected = [0, 0x10, 0, 0x0e, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(&block.as_bytes()[..16], expected);
        assert!(block.as_bytes()[16..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn answers() {
        let mut bytes = [0; 4096];
        bytes[16..20].copy_from_slice(&[0x00, 0x08, 0x00, 0x05]);
        assert_eq!(EventBlock::read_from_bytes(&bytes).unwrap().answer(), EventAnswer::Nothing);

        bytes[19] = 1;
        assert_eq!(EventBlock::read_from_bytes(&bytes).unwrap().answer(), EventAnswer::Other(false));

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
        let answer = EventBlock::read_from_bytes(&bytes).unwrap().answer();
        assert_eq!(answer, EventAnswer::Event(Event::Error(event), false));
        assert_eq!(event.to_string(), "event 0x4 (translation refused) at IOVA 0x123456000");
    }
}
