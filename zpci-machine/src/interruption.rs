// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Interruptions as the processor takes them: subclasses, suppression, and what is left in low storage.
//!
//! Adapter interruptions reach a program like this:
//!
//! 1. The program has a handler behind the I/O new PSW (absolute 0x1f0), which keeps the registers and returns by the I/O old
//!    PSW (`lpswe 0x170`).
//! 2. `set_suppression` says for the subclass whether one interruption suppresses the following.
//! 3. `enable_subclasses` lets the subclass through (control register 6).
//! 4. The function's bits are registered ([`register_interrupts`](crate::register_interrupts)) and its device programmed.
//! 5. The program enables I/O interruptions in its PSW, for good or, with `take_pending`, for a moment. Each one leaves an
//!    [`IoInterruption`].
//! 6. The program takes the summary bits and then the bits of the vectors, by
//!    [`InterruptBits`](s390_iommu::InterruptBits); in the order of the machine, which sets the vector's first. With
//!    suppression it then sets the mode again and looks once more, since bits may have been set in between.
//!
//! The functions that are named here are those of s390x alone.

use core::fmt;

/// A set of interruption subclasses (ISC), 0 to 7.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Subclasses(u8);

impl Subclasses {
    /// No subclass.
    pub const NONE: Self = Self(0);
    /// All subclasses.
    pub const ALL: Self = Self(0xff);

    /// One subclass; `None` above 7.
    pub const fn one(subclass: u8) -> Option<Self> {
        match subclass {
            0..=7 => Some(Self(0x80 >> subclass)),
            _ => None,
        }
    }

    /// This set and another.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `subclass` is in the set.
    pub const fn contains(self, subclass: u8) -> bool {
        match Self::one(subclass) {
            Some(one) => self.0 & one.0 != 0,
            None => false,
        }
    }

    /// The set in bits 32 to 39 of control register 6.
    pub const fn mask(self) -> u64 {
        (self.0 as u64) << 24
    }
}

/// Whether adapter interruptions of a subclass suppress each other.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Suppression {
    /// Every one is presented.
    None,
    /// One is presented, and no other until the mode is set again.
    Single,
}

impl Suppression {
    /// Operation control of SIC. Linux: `SIC_IRQ_MODE_ALL` and `SIC_IRQ_MODE_SINGLE`, `arch/s390/include/asm/pci_insn.h`.
    pub const fn control(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Single => 1,
        }
    }
}

/// What an I/O interruption leaves in low storage, at absolute 0xb8.
///
/// Principles of Operation, "Assigned Storage Locations"; Linux: `struct tpi_info`, `arch/s390/include/asm/tpi.h`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(C)]
pub struct IoInterruption {
    /// Subsystem-identification word; 0 for an adapter.
    pub subsystem: u32,
    /// Interruption parameter; 0 for an adapter.
    pub parameter: u32,
    /// Interruption-identification word.
    pub identification: u32,
}

impl IoInterruption {
    /// Where it lies: an absolute address.
    pub const LOCATION: u64 = 0xb8;

    /// Whether an adapter is what interrupts, and not a subchannel (bit 0).
    pub const fn is_adapter(self) -> bool {
        self.identification & 0x8000_0000 != 0
    }

    /// The subclass, 0 to 7 (bits 2 to 4).
    pub const fn subclass(self) -> u8 {
        (self.identification >> 27 & 7) as u8
    }
}

impl fmt::Display for IoInterruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_adapter() { "adapter" } else { "subchannel" };
        write!(f, "{what} interruption of subclass {}", self.subclass())
    }
}

/// Machine-check interruption code, the doubleword at absolute 0xe8.
///
/// Principles of Operation, "Machine-Check-Interruption Code".
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct MachineCheck(pub u64);

impl MachineCheck {
    /// Where it lies: an absolute address.
    pub const LOCATION: u64 = 0xe8;

    /// Whether a [channel report](crate::ChannelReport) is pending (bit 9, CP).
    pub const fn is_channel_report(self) -> bool {
        self.0 & 1 << (63 - 9) != 0
    }
}

/// Channel-report-pending subclass, bit 35 of control register 14.
pub const CHANNEL_REPORT_SUBCLASS: u64 = 1 << (63 - 35);

#[cfg(target_arch = "s390x")]
mod instructions {
    use core::arch::asm;

    use super::{Subclasses, Suppression, CHANNEL_REPORT_SUBCLASS};

    /// PSW: I/O interruptions are taken (bit 6).
    const PSW_IO: u64 = 1 << (63 - 6);
    /// PSW: machine-check interruptions are taken (bit 13).
    const PSW_MACHINE_CHECK: u64 = 1 << (63 - 13);

    /// SET INTERRUPTION CONTROLS: how adapter interruptions of `subclass` suppress each other; `false` if that is above 7,
    /// and nothing was issued.
    ///
    /// SIC: opcode 0xeb..d1, RSY; R1: operation control; R3: subclass in bits 34 to 36; second operand: a block that these two
    /// operations do not read. Facility 72. Linux: `arch/s390/pci/pci_insn.c`.
    #[doc(alias("SIC", "zpci_set_irq_ctrl"))]
    pub fn set_suppression(subclass: u8, suppression: Suppression) -> bool {
        if subclass > 7 {
            return false;
        }
        let block = [0_u64; 3];
        // SAFETY: The machine writes no storage; the block is as long as the longest that SIC reads.
        unsafe {
            asm!(
                ".insn rsy, 0xeb00000000d1, {control}, {subclass}, 0({block})",
                control = in(reg) u64::from(suppression.control()),
                subclass = in(reg) u64::from(subclass) << 27,
                block = in(reg_addr) block.as_ptr(),
                options(nostack)
            );
        }
        true
    }

    /// Lets I/O interruptions of `subclasses`, and of no others, through to a processor whose PSW takes them.
    ///
    /// # Safety
    ///
    /// If the PSW takes I/O interruptions, there is a handler for them behind the new PSW.
    pub unsafe fn enable_subclasses(subclasses: Subclasses) {
        let mut register: u64 = 0;
        // SAFETY: The machine stores and loads eight bytes that are ours; the rest of the register stays as it is. The caller
        // answers for what is let through.
        unsafe {
            asm!("stctg 6, 6, 0({at})", at = in(reg_addr) &raw mut register, options(nostack));
            register = register & !Subclasses::ALL.mask() | subclasses.mask();
            asm!("lctlg 6, 6, 0({at})", at = in(reg_addr) &raw const register, options(nostack));
        }
    }

    /// Lets machine checks that announce a channel report through to a processor whose PSW takes them, or keeps them back.
    ///
    /// # Safety
    ///
    /// As for [`enable_subclasses`], with the machine-check new PSW.
    pub unsafe fn enable_channel_reports(enabled: bool) {
        let mut register: u64 = 0;
        // SAFETY: As above.
        unsafe {
            asm!("stctg 14, 14, 0({at})", at = in(reg_addr) &raw mut register, options(nostack));
            register &= !CHANNEL_REPORT_SUBCLASS;
            if enabled {
                register |= CHANNEL_REPORT_SUBCLASS;
            }
            asm!("lctlg 14, 14, 0({at})", at = in(reg_addr) &raw const register, options(nostack));
        }
    }

    /// Takes the I/O interruptions that are pending and enabled in control register 6, and the machine checks likewise of
    /// control register 14: enables both in the PSW for a moment. The PSW afterwards is the one before.
    ///
    /// # Safety
    ///
    /// There are handlers behind the new PSWs, which return by the old ones and leave all registers as they were.
    pub unsafe fn take_pending() {
        let (high, low): (u64, u64);
        // SAFETY: EPSW reads the PSW.
        unsafe { asm!("epsw {high}, {low}", high = out(reg) high, low = out(reg) low, options(nomem, nostack)) };
        let mask = high << 32 | low & 0xffff_ffff;
        let mut psw = [mask | PSW_IO | PSW_MACHINE_CHECK, 0];
        // SAFETY: Both PSWs are the current one but for the two masks and the condition code, and lead to the next
        // instruction. The caller answers for the handlers.
        unsafe {
            asm!(
                "larl {address}, 1f",
                "stg {address}, 8({psw})",
                "lpswe 0({psw})",
                "1: larl {address}, 2f",
                "stg {address}, 8({psw})",
                "stg {mask}, 0({psw})",
                "lpswe 0({psw})",
                "2:",
                address = out(reg) _,
                mask = in(reg) mask,
                psw = in(reg_addr) psw.as_mut_ptr(),
                options(nostack)
            );
        }
    }
}

#[cfg(target_arch = "s390x")]
pub use instructions::{enable_channel_reports, enable_subclasses, set_suppression, take_pending};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subclasses() {
        let mask = |subclass| Subclasses::one(subclass).unwrap().mask();
        // Linux enables subclass 3 with 0x10000000 in control register 6.
        assert_eq!((mask(0), mask(3), mask(7)), (0x8000_0000, 0x1000_0000, 0x0100_0000));
        assert_eq!(Subclasses::one(8), None);
        let both = Subclasses::one(2).unwrap().with(Subclasses::one(5).unwrap());
        let found: Vec<u8> = (0..=255).filter(|subclass| both.contains(*subclass)).collect();
        assert_eq!(found, [2, 5]);
    }

    #[test]
    fn words_of_low_storage() {
        let interruption = IoInterruption { subsystem: 0, parameter: 0, identification: 0x9800_0000 };
        assert_eq!(interruption.to_string(), "adapter interruption of subclass 3");
        let other = IoInterruption { subsystem: 0x0001_0000, parameter: 7, identification: 0x3800_0000 };
        assert_eq!(other.to_string(), "subchannel interruption of subclass 7");
        assert!(MachineCheck(0x0040_0f1d_4033_0000).is_channel_report());
        assert!(!MachineCheck(0x8000_0f1d_4033_0000).is_channel_report());
        assert_eq!(CHANNEL_REPORT_SUBCLASS, 0x1000_0000);
    }
}
