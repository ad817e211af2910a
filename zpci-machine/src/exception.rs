// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Instructions that may end in a program interruption, and how the program goes on then.
//!
//! CLP, PCILG, PCISTG and PCISTB can be suppressed whatever the program checks before: a machine does not know the form, a
//! device refuses an access. They stand in a table, and become a condition code or [`LoadStoreError::Suppressed`] there
//! instead of an end: that needs a handler, which only the program can have.
//!
//! MPCIFC, RPCIT, STPCIFC and SIC stand in no table. All their operands are checked before they are issued; a program
//! interruption of one of them is a defect, and should end the program with a message.
//!
//! # What the program supplies
//!
//! 1. The section `__ex_table` of the linked program, between two symbols. In the linker script:
//!
//!    ```text
//!    __ex_table : ALIGN(4) {
//!        exception_table_start = .;
//!        KEEP(*(__ex_table))
//!        exception_table_end = .;
//!    }
//!    ```
//!
//! 2. A handler behind the program new PSW (absolute 0x1d0). It keeps the registers, looks the instruction address of the
//!    program old PSW (absolute 0x158) up with [`resume_at`], stores what that returns in its place, restores the registers
//!    and loads the old PSW (`lpswe 0x150`). If there is nothing to go on with, the program ends.
//!
//! In a module of Linux both are there: the entries have the form of its own table (`arch/s390/include/asm/asm-extable.h`),
//! and its loader joins them.
//!
//! The bare-metal image shows all of it: `qemu-s390x/link.ld`, `src/image/start.S`, `src/image/lowcore.rs`.
//!
//! [`LoadStoreError::Suppressed`]: crate::LoadStoreError::Suppressed

/// An entry of the table.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ExceptionEntry {
    /// Distance from this field to an instruction address that the program old PSW may hold.
    pub instruction: i32,
    /// Distance from this field to the instruction to go on with.
    pub target: i32,
    /// 1: go on, and nothing else.
    pub kind: u16,
    /// Nothing.
    pub data: u16,
}

/// Where to go on after a program interruption that left `address` in the old PSW; `None` if that was not foreseen.
///
/// An instruction that was suppressed leaves the address behind it, one that could not be executed its own; both stand in
/// the table.
pub fn resume_at(table: &[ExceptionEntry], address: u64) -> Option<u64> {
    table.iter().find(|entry| relative(&entry.instruction) == address).map(|entry| relative(&entry.target))
}

fn relative(field: &i32) -> u64 {
    (core::ptr::from_ref(field).addr() as u64).wrapping_add_signed(i64::from(*field))
}

/// Leads from label 0, if the instruction there cannot be executed, and from label 1, if it was suppressed, to label 2.
#[cfg(target_arch = "s390x")]
macro_rules! exception_table {
    () => {
        ".pushsection __ex_table, \"a\"
        .balign 4
        .long 0b - ., 2b - .
        .short 1, 0
        .long 1b - ., 2b - .
        .short 1, 0
        .popsection"
    };
}

#[cfg(target_arch = "s390x")]
pub(crate) use exception_table;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_from_their_own_field() {
        let entry = |instruction, target| ExceptionEntry { instruction, target, kind: 1, data: 0 };
        let table = [entry(0x1000, 0x2000), entry(-0x1000, -0x2000)];
        let at = |index: usize| (&raw const table[index]).addr() as u64;
        assert_eq!(size_of::<ExceptionEntry>(), 12);
        assert_eq!(resume_at(&table, at(0) + 0x1000), Some(at(0) + 4 + 0x2000));
        assert_eq!(resume_at(&table, at(1) - 0x1000), Some(at(1) + 4 - 0x2000));
        assert_eq!(resume_at(&table, at(0) + 0x1002), None);
        assert_eq!(resume_at(&[], 0), None);
    }
}
