// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CHSC, for the events of PCI functions.
//!
//! Opcode: Linux `drivers/s390/cio/ioasm.c`.

use core::arch::asm;

use s390_iommu::ErrorEvent;

use super::storage::Page;
use crate::event::{Answer, EventBlock};

/// More events of other kinds than a machine can have pending.
const MOST_EVENTS: usize = 4096;

/// The next pending event that says why a function is in error; others are passed over.
pub(super) fn error_event() -> Option<ErrorEvent> {
    let page = Page::new()?;
    // SAFETY: The page is as large and as aligned as a block, any bytes are one, and it is ours alone.
    let block: &mut EventBlock = unsafe { &mut *page.pointer().cast() };
    for _ in 0..MOST_EVENTS {
        block.request();
        let inserted: u64;
        // SAFETY: The block is a page, aligned to one, and ours; the machine reads and writes it alone.
        unsafe {
            asm!(
                ".insn rre, 0xb25f0000, {block}, %r0",
                "ipm {inserted}",
                block = in(reg_addr) core::ptr::from_mut(block),
                inserted = out(reg) inserted,
                options(nostack)
            );
        }
        match (inserted >> 28 & 3, block.answer()) {
            (0, Answer::Error(event)) => return Some(event),
            (0, Answer::Other) => {}
            _ => return None,
        }
    }
    None
}
