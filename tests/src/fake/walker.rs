// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The machine's table walk, written from the description of the format and of QEMU's checks alone.
//!
//! It shares no code and no constant with the crate under test: every mask and shift stands here as a number.

use std::vec::Vec;

use super::storage::{Access, Storage};

/// Where an address leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Walk {
    /// To storage.
    Mapped(Leaf),
    /// Nowhere; the invalid entry covers this many bytes.
    Hole(u64),
}

/// What a leaf entry maps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Leaf {
    /// Absolute address of the page that holds the address asked for.
    pub(super) page: u64,
    /// Read only.
    pub(super) protected: bool,
    /// Bytes that the entry maps.
    pub(super) size: u64,
}

/// A table that a walk went through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Step {
    /// Its origin.
    pub(super) table: u64,
    /// First address that goes through it.
    pub(super) first: u64,
    /// Last address that goes through it.
    pub(super) last: u64,
}

/// Why a walk came to no end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// An entry is wrong: the code of the error event.
    Event(u16),
    /// A table is not where an entry says.
    Storage(Access),
}

impl Fault {
    /// Code of the error event that the function reports.
    pub(super) fn code(self) -> u16 {
        match self {
            Self::Event(code) => code,
            Self::Storage(_) => SERIOUS,
        }
    }
}

/// Error event: something serious.
const SERIOUS: u16 = 0xb;
/// Error event: invalid table entry.
const INVALID_ENTRY: u16 = 7;
/// Error event: invalid table length or offset.
const INVALID_LENGTH: u16 = 8;
/// Error event: wrong table type.
const WRONG_TYPE: u16 = 9;

/// A region table: its place in the hierarchy.
struct Level {
    /// log2 of the bytes that one entry covers.
    shift: u32,
    /// TT bits of an entry, in place.
    table_type: u64,
}

/// Region-first, region-second, region-third.
const REGIONS: [Level; 3] =
    [Level { shift: 53, table_type: 0xc }, Level { shift: 42, table_type: 0x8 }, Level { shift: 31, table_type: 0x4 }];

/// Walks from `iota` to `iova` and notes in `steps` the tables on the way.
///
/// As under QEMU an address beyond the span of the root wraps: the bits above its index are not looked at.
pub(super) fn walk(storage: &Storage, iota: u64, iova: u64, steps: &mut Vec<Step>) -> Result<Walk, Fault> {
    let levels = match iota & 0x1c {
        0x4 => &REGIONS[2..],
        0x8 => &REGIONS[1..],
        0xc => &REGIONS[..],
        _ => return Err(Fault::Event(3)),
    };
    let mut table = iota & !0xfff;
    let mut protected = false;
    let mut note = |table, covered_log2: u32| {
        let mask = 1_u64.checked_shl(covered_log2).unwrap_or(0).wrapping_sub(1);
        steps.push(Step { table, first: iova & !mask, last: iova | mask });
    };
    for level in levels {
        note(table, level.shift + 11);
        let entry = read(storage, table, iova >> level.shift & 0x7ff)?;
        if entry & 0x20 != 0 {
            return Ok(Walk::Hole(1 << level.shift));
        }
        if entry & 0x3 != 0x3 || entry & 0xc0 != 0 {
            return Err(Fault::Event(INVALID_LENGTH));
        }
        if entry & 0xc != level.table_type || entry & !0x3fff == 0 {
            return Err(Fault::Event(WRONG_TYPE));
        }
        protected |= entry & 0x200 != 0;
        table = entry & !0x3fff;
    }

    note(table, 31);
    let entry = read(storage, table, iova >> 20 & 0x7ff)?;
    if entry & 0x20 != 0 {
        return Ok(Walk::Hole(1 << 20));
    }
    if entry & 0xc != 0 {
        return Err(Fault::Event(WRONG_TYPE));
    }
    protected |= entry & 0x200 != 0;
    if entry & 0x400 != 0 {
        let frame = entry & !0xf_ffff;
        if frame == 0 {
            return Err(Fault::Event(WRONG_TYPE));
        }
        return Ok(Walk::Mapped(Leaf { page: frame | iova & 0xf_f000, protected, size: 1 << 20 }));
    }
    let table = entry & !0x7ff;
    if table == 0 {
        return Err(Fault::Event(WRONG_TYPE));
    }

    note(table, 20);
    let entry = read(storage, table, iova >> 12 & 0xff)?;
    if entry & 0x400 != 0 {
        return Ok(Walk::Hole(1 << 12));
    }
    let page = entry & !0xfff;
    if page == 0 {
        return Err(Fault::Event(WRONG_TYPE));
    }
    Ok(Walk::Mapped(Leaf { page, protected: protected || entry & 0x200 != 0, size: 1 << 12 }))
}

fn read(storage: &Storage, table: u64, index: u64) -> Result<u64, Fault> {
    match storage.entry(table + index * 8) {
        Ok(0) => Err(Fault::Event(INVALID_ENTRY)),
        Ok(entry) => Ok(entry),
        Err(access) => Err(Fault::Storage(access)),
    }
}
