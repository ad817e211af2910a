// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Absolute storage of the fake machine: tables scattered over 2^62 bytes, and data that devices reach.
//!
//! An absolute address says nothing about where the bytes are in the memory of the test, so code that takes one for
//! a pointer cannot work here.

use core::array;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::boxed::Box;
use std::collections::{BTreeMap, HashMap};
use std::format;
use std::string::String;
use std::sync::Arc;

use s390_iommu::TableSize;

/// What freed tables are filled with.
const POISON: u64 = 0xdead_dead_dead_dead;

/// Words of a table, aligned for the larger of the two kinds.
#[repr(align(16384))]
struct Words([AtomicU64; 2048]);

impl Words {
    fn filled(pattern: u64) -> Arc<Self> {
        Arc::new(Self(array::from_fn(|_| AtomicU64::new(pattern))))
    }
}

struct Table {
    size: TableSize,
    live: bool,
    /// What it was filled with; behind the end of a page table it must stay so.
    pattern: u64,
    words: Arc<Words>,
}

/// Why an access to storage was wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Access {
    /// Nothing is there.
    Nothing(u64),
    /// A table that was given back is there.
    Freed(u64),
    /// A table is there, and a device tried to use it as data.
    Table(u64),
    /// Not a multiple of eight.
    Unaligned(u64),
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing(address) => write!(f, "nothing is at absolute address {address:#x}"),
            Self::Freed(address) => write!(f, "the table at absolute address {address:#x} was freed"),
            Self::Table(address) => write!(f, "a table is at absolute address {address:#x}"),
            Self::Unaligned(address) => write!(f, "absolute address {address:#x} is not a multiple of eight"),
        }
    }
}

/// All storage of one machine.
pub(super) struct Storage {
    /// By origin; those given back stay, so that nothing else comes to lie where they were.
    tables: BTreeMap<u64, Table>,
    /// Data areas: first byte to last byte.
    data: BTreeMap<u64, u64>,
    /// Those pages of the data areas that were touched, by number.
    pages: HashMap<u64, Box<[u8; 4096]>>,
    /// Number of addresses drawn.
    drawn: u64,
    /// Bits of every valid page-table entry that the hardware reads inverted.
    pub(super) inverted: u64,
    /// What code gets that asks for a table that never was.
    nowhere: Arc<Words>,
}

impl Storage {
    pub(super) fn new() -> Self {
        Self {
            tables: BTreeMap::new(),
            data: BTreeMap::new(),
            pages: HashMap::new(),
            drawn: 0,
            inverted: 0,
            nowhere: Words::filled(POISON.to_be()),
        }
    }

    /// A table of unspecified contents.
    pub(super) fn allocate(&mut self, size: TableSize) -> u64 {
        let bytes = size.bytes() as u64;
        let origin = self.draw(bytes, bytes);
        // Every other table looks valid to a walker that reads what nobody wrote.
        let pattern = if self.drawn.is_multiple_of(2) { 0xa5a5_a5a5_a5a5_a5a5 } else { 0x5a5a_5a5a_5a5a_5a5a };
        self.tables.insert(origin, Table { size, live: true, pattern, words: Words::filled(pattern) });
        origin
    }

    /// Takes a table back; tells what was wrong with that.
    pub(super) fn deallocate(&mut self, origin: u64, size: TableSize) -> Result<(), String> {
        let Some(table) = self.tables.get_mut(&origin) else {
            return Err(format!("{origin:#x} was freed as a table and never was one"));
        };
        if !table.live {
            return Err(format!("the table at {origin:#x} was freed twice"));
        }
        if table.size != size {
            return Err(format!("the table at {origin:#x} was allocated as {:?} and freed as {size:?}", table.size));
        }
        let mut behind = table.words.0.iter().skip(size.bytes() / 8);
        if behind.any(|word| word.load(Ordering::Relaxed) != table.pattern) {
            return Err(format!("somebody wrote behind the end of the table at {origin:#x}"));
        }
        table.live = false;
        for word in &table.words.0 {
            word.store(POISON.to_be(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Where the words of a table are; what was wrong with asking, if anything.
    pub(super) fn words(&self, origin: u64) -> (&[AtomicU64; 2048], Option<Access>) {
        match self.tables.get(&origin) {
            Some(table) => {
                let wrong = (!table.live).then_some(Access::Freed(origin));
                (&table.words.0, wrong)
            }
            None => (&self.nowhere.0, Some(Access::Nothing(origin))),
        }
    }

    /// Reads an entry as the hardware does.
    pub(super) fn entry(&self, address: u64) -> Result<u64, Access> {
        let (word, size) = self.word(address)?;
        let value = u64::from_be(word.load(Ordering::Acquire));
        if size == TableSize::Page && value & 0x400 == 0 {
            return Ok(value ^ self.inverted);
        }
        Ok(value)
    }

    /// Writes an entry as a program would.
    pub(super) fn set_entry(&self, address: u64, value: u64) -> Result<(), Access> {
        self.word(address)?.0.store(value.to_be(), Ordering::Release);
        Ok(())
    }

    fn word(&self, address: u64) -> Result<(&AtomicU64, TableSize), Access> {
        if !address.is_multiple_of(8) {
            return Err(Access::Unaligned(address));
        }
        let (origin, table) = self.table_at(address).ok_or(Access::Nothing(address))?;
        if !table.live {
            return Err(Access::Freed(origin));
        }
        Ok((&table.words.0[((address - origin) / 8) as usize], table.size))
    }

    fn table_at(&self, address: u64) -> Option<(u64, &Table)> {
        let (origin, table) = self.tables.range(..=address).next_back()?;
        (address - origin < table.size.bytes() as u64).then_some((*origin, table))
    }

    /// Number of tables not given back.
    pub(super) fn live_tables(&self) -> usize {
        self.tables.values().filter(|table| table.live).count()
    }

    /// The first freed table that somebody wrote to afterwards.
    pub(super) fn spoilt_poison(&self) -> Option<u64> {
        let mut freed = self.tables.iter().filter(|(_, table)| !table.live);
        let spoilt = freed.find(|(_, table)| {
            let mut words = table.words.0.iter();
            words.any(|word| word.load(Ordering::Relaxed) != POISON.to_be())
        });
        spoilt.map(|(origin, _)| *origin)
    }

    /// A new data area of `bytes` bytes, aligned to `alignment`.
    pub(super) fn add_data(&mut self, bytes: u64, alignment: u64) -> u64 {
        let first = self.draw(bytes, alignment);
        self.data.insert(first, first + (bytes - 1));
        first
    }

    /// Takes a data area back.
    pub(super) fn remove_data(&mut self, first: u64) {
        self.data.remove(&first);
    }

    /// Reads data; nothing is read where not all of it is data.
    pub(super) fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), Access> {
        self.check_data(address, bytes.len())?;
        for (at, byte) in (address..).zip(bytes) {
            let page = self.pages.get(&(at / 4096));
            *byte = page.map_or(0xa5, |page| page[(at % 4096) as usize]);
        }
        Ok(())
    }

    /// Writes data; nothing is written where not all of it is data.
    pub(super) fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Access> {
        self.check_data(address, bytes.len())?;
        for (at, byte) in (address..).zip(bytes) {
            let page = self.pages.entry(at / 4096).or_insert_with(|| Box::new([0xa5; 4096]));
            page[(at % 4096) as usize] = *byte;
        }
        Ok(())
    }

    fn check_data(&self, address: u64, bytes: usize) -> Result<(), Access> {
        let Some(more) = (bytes as u64).checked_sub(1) else {
            return Ok(());
        };
        let last = address.checked_add(more);
        let area = self.data.range(..=address).next_back();
        match (area, last) {
            (Some((_, area_last)), Some(last)) if last <= *area_last => Ok(()),
            _ => Err(match self.table_at(address) {
                Some((origin, table)) if table.live => Access::Table(origin),
                Some((origin, _)) => Access::Freed(origin),
                None => Access::Nothing(address),
            }),
        }
    }

    /// Draws an address above 2^41 at which `bytes` bytes are free; the same ones in every run.
    fn draw(&mut self, bytes: u64, alignment: u64) -> u64 {
        loop {
            self.drawn += 1;
            // SplitMix64.
            let mut bits = self.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bits ^= bits >> 31;
            let first = (bits & 0x3fff_ffff_ffff_ffff | 1 << 41) & !(alignment - 1);
            let last = first + (bytes - 1);
            let table_end = self.tables.range(..=last).next_back();
            let table_end = table_end.map(|(origin, table)| origin + table.size.bytes() as u64 - 1);
            let data_end = self.data.range(..=last).next_back().map(|(_, end)| *end);
            if [table_end, data_end].into_iter().flatten().all(|end| end < first) {
                return first;
            }
        }
    }
}
