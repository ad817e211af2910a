// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Channel reports: how the machine says that there is an event to ask for.

use core::fmt;

use bitfield_struct::bitfield;

/// Channel-report word (CRW).
///
/// Principles of Operation, "Channel-Report Word"; Linux: `struct crw`, `arch/s390/include/asm/crw.h`.
#[bitfield(u32, order = Msb)]
#[derive(Eq, PartialEq)]
pub struct ChannelReport {
    #[bits(1)]
    __: u8,
    /// The report was asked for (S).
    pub solicited: bool,
    /// Reports were lost before this one (R).
    pub overflow: bool,
    /// The next report is about the same thing (C).
    pub chained: bool,
    /// Reporting source (RSC); [`Self::CHANNEL_SUBSYSTEM`] for events.
    #[bits(4)]
    pub source: u8,
    /// The source itself is in the report (A).
    pub ancillary: bool,
    #[bits(1)]
    __: u8,
    /// What happened (ERC); 0: there is an event to ask for.
    #[bits(6)]
    pub error_recovery: u8,
    /// Which one of the source (RSID).
    pub source_id: u16,
}

impl ChannelReport {
    /// Source: the channel subsystem. CHSC "store event information" tells more.
    pub const CHANNEL_SUBSYSTEM: u8 = 0xb;

    /// Whether the program is to ask for events.
    pub const fn is_event(&self) -> bool {
        self.source() == Self::CHANNEL_SUBSYSTEM && self.error_recovery() == 0
    }

    /// Takes the next report that is pending from the machine; `None` if there is none, after which the next one is announced
    /// by a machine check again.
    ///
    /// STORE CHANNEL REPORT WORD: opcode 0xb239, S.
    #[doc(alias = "STCRW")]
    #[cfg(target_arch = "s390x")]
    pub fn take() -> Option<Self> {
        let mut word: u32 = 0;
        let inserted: u64;
        // SAFETY: The machine writes the word, which is ours and aligned to four.
        unsafe {
            core::arch::asm!(
                ".insn s, 0xb2390000, 0({word})",
                "ipm {inserted}",
                word = in(reg_addr) &raw mut word,
                inserted = out(reg) inserted,
                options(nostack)
            );
        }
        match crate::operand::condition_code(inserted) {
            clp::ConditionCode::Zero => Some(Self::from_bits(word)),
            _ => None,
        }
    }
}

impl fmt::Display for ChannelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel report {:#010x}", self.into_bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits() {
        // What QEMU 10.0.2 stores for an event of a function (measured).
        let report = ChannelReport::from_bits(0x0b00_0000);
        assert!(report.is_event());
        let all = ChannelReport::from_bits(0x7bbf_1234);
        assert!(all.solicited() && all.overflow() && all.chained() && all.ancillary());
        assert_eq!((all.source(), all.error_recovery(), all.source_id()), (0xb, 0x3f, 0x1234));
        assert!(!all.is_event());
        assert!(!ChannelReport::from_bits(0x0300_0000).is_event());
    }
}
