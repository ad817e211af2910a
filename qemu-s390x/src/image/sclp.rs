// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The console of the service call logical processor (SCLP): text goes out as event data.
//!
//! Commands and layouts: Linux `drivers/s390/char/sclp.h` and `sclp_vt220.c`; that QEMU answers them at once, without
//! an interruption, was measured.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::fmt;

use zerocopy::big_endian::{U16, U32};
use zerocopy::{Immutable, IntoBytes};

/// Command: tell which events the program sends and receives.
const WRITE_EVENT_MASK: u32 = 0x0078_0005;
/// Command: send an event.
const WRITE_EVENT_DATA: u32 = 0x0076_0005;
/// Command: tell of the machine.
const READ_SCP_INFORMATION: u32 = 0x0002_0001;
/// Response: the information is in the block.
const INFORMATION: u16 = 0x0010;
/// Where in the block the load parameter is.
const LOAD_PARAMETER: usize = 24;
/// Event type: text for a VT220 terminal.
const VT220: u8 = 0x1a;
/// Response: done.
const NORMAL_COMPLETION: u16 = 0x0020;

/// Start of every service call control block (SCCB).
#[derive(Clone, Copy, IntoBytes, Immutable)]
#[repr(C)]
struct Header {
    /// Bytes of the block, header included.
    length: U16,
    function: u8,
    control_mask: [u8; 3],
    /// Filled in by the machine.
    response: U16,
}

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct EventMask {
    header: Header,
    reserved: U16,
    /// Bytes of each mask.
    mask_length: U16,
    /// The bit of type n is the n-th from the left, counted from 1.
    receive: U32,
    send: U32,
    machine_receive: U32,
    machine_send: U32,
}

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct EventData {
    header: Header,
    /// Bytes of the event, from here on.
    length: U16,
    kind: u8,
    flags: u8,
    reserved: U16,
}

/// How often the machine may answer that it is busy; QEMU never does.
const MOST_BUSY: u32 = 1 << 20;

/// Room for one block, where the machine finds it with a 31-bit address.
#[repr(C, align(4096))]
struct Page(UnsafeCell<[u8; 4096]>);

// SAFETY: There is one processor, and no handler of an interruption that goes on with what it cut short uses the page.
unsafe impl Sync for Page {}

static PAGE: Page = Page(UnsafeCell::new([0; 4096]));

/// The load parameter in EBCDIC; zeros if the machine does not tell.
pub(crate) fn load_parameter() -> [u8; 8] {
    match service_call(READ_SCP_INFORMATION, &[header(4096).as_bytes()]) {
        INFORMATION => {
            // SAFETY: The machine is done with the block, and nobody else holds a reference, see `Page`.
            let page = unsafe { &*PAGE.0.get() };
            core::array::from_fn(|at| page[LOAD_PARAMETER + at])
        }
        _ => [0; 8],
    }
}

/// Bytes of text that one event can hold.
const LONGEST_EVENT: usize = 4096 - size_of::<EventData>();

/// Text for whoever watches; it goes out line by line.
#[derive(Debug)]
pub(crate) struct Console {
    line: heapless::String<LONGEST_EVENT>,
}

impl Console {
    /// Tells the machine that text will come.
    pub(crate) fn open() -> Self {
        let mask = EventMask {
            header: header(size_of::<EventMask>()),
            reserved: U16::ZERO,
            mask_length: U16::new(4),
            receive: U32::ZERO,
            send: U32::new(1 << (32 - u32::from(VT220))),
            machine_receive: U32::ZERO,
            machine_send: U32::ZERO,
        };
        service_call(WRITE_EVENT_MASK, &[mask.as_bytes()]);
        Self { line: heapless::String::new() }
    }

    fn flush(&mut self) -> fmt::Result {
        let text = self.line.as_bytes();
        let event = EventData {
            header: header(size_of::<EventData>() + text.len()),
            length: U16::new((size_of::<EventData>() - size_of::<Header>() + text.len()) as u16),
            kind: VT220,
            flags: 0,
            reserved: U16::ZERO,
        };
        let response = service_call(WRITE_EVENT_DATA, &[event.as_bytes(), text]);
        self.line.clear();
        if response == NORMAL_COMPLETION {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.line.push(character).is_err() {
                self.flush()?;
                self.line.push(character).map_err(|_| fmt::Error)?;
            }
            if character == '\n' {
                self.flush()?;
            }
        }
        Ok(())
    }
}

fn header(length: usize) -> Header {
    Header { length: U16::new(length as u16), function: 0, control_mask: [0; 3], response: U16::ZERO }
}

/// Executes SERVICE CALL with the concatenation of `parts` as the block and returns the response code.
fn service_call(command: u32, parts: &[&[u8]]) -> u16 {
    // SAFETY: Nobody else holds a reference, see `Page`, and this one ends before the instruction.
    let page = unsafe { &mut *PAGE.0.get() };
    let mut rest: &mut [u8] = page;
    for part in parts {
        let Some((room, behind)) = rest.split_at_mut_checked(part.len()) else {
            return 0;
        };
        room.copy_from_slice(part);
        rest = behind;
    }
    for _ in 0..MOST_BUSY {
        let inserted: u64;
        // SAFETY: The block is ours, aligned to a page, below 2 GiB, and as long as its header says at most; the
        // machine reads and writes it alone.
        unsafe {
            asm!(
                ".insn rre, 0xb2200000, {command}, {block}",
                "ipm {inserted}",
                command = in(reg) u64::from(command),
                block = in(reg_addr) PAGE.0.get(),
                inserted = out(reg) inserted,
                options(nostack)
            );
        }
        // Condition code 2: busy.
        if (inserted >> 28) & 3 != 2 {
            break;
        }
    }
    // SAFETY: The machine is done with the block.
    let page = unsafe { &*PAGE.0.get() };
    u16::from_be_bytes([page[6], page[7]])
}
