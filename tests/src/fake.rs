// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A machine with zPCI in memory, stricter than a real one.
//!
//! It gives the answers of QEMU or of hardware, byte for byte, walks tables by code of its own, and notes what a real
//! machine would let pass or answer with a program check:
//!
//! * absolute addresses are not pointers; new storage holds patterns, freed storage poison, and who touches freed
//!   storage, writes behind a table, frees twice or frees what a function may still walk is reported;
//! * an entry that changed without a refresh makes the translation fail, and the failure says so;
//! * an operand that would make MPCIFC or RPCIT trap is reported with the reason.
//!
//! What was noted is collected by [`Fake::complaints`]; a test in which there are any has failed.

mod commands;
mod configuration;
mod fib;
mod function;
mod seam;
mod storage;
mod tlb;
mod translation;
mod walker;

use core::fmt;
use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use clp::FunctionId;
use s390_iommu::TableSize;

use self::function::{Answer, Function, Trap};
use self::storage::Storage;
use self::walker::Walk;

pub use self::configuration::{Configuration, FunctionConfiguration, GroupConfiguration, Personality};
pub use self::function::{Event, State};
pub use self::translation::DmaError;

/// A fake machine; clones are the same machine.
#[derive(Clone)]
pub struct Fake(Arc<Mutex<Machine>>);

struct Machine {
    configuration: Configuration,
    functions: Vec<Function>,
    storage: Storage,
    /// The area that [`crate::Machine::data`] tells.
    data: u64,
    complaints: Vec<String>,
    /// Tables not given back when somebody last asked for complaints about a case.
    known_tables: usize,
    /// Number of tables that may still be allocated, if there is a limit.
    tables_left: Option<usize>,
}

/// What a leaf entry maps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mapped {
    /// First I/O virtual address.
    pub iova: u64,
    /// Absolute address of that byte.
    pub absolute: u64,
    /// Read only.
    pub read_only: bool,
    /// Size of the frame in bytes.
    pub size: u64,
}

impl Fake {
    /// A machine as `configuration` says.
    ///
    /// A function whose group does not exist gets that of QEMU.
    pub fn new(configuration: Configuration) -> Self {
        let functions = (0..).zip(&configuration.functions).map(|(index, function)| {
            let group = configuration.groups.iter().find(|group| group.pfgid == function.pfgid);
            let group = group.cloned().unwrap_or_else(GroupConfiguration::qemu);
            Function::new(function.clone(), group, 0x0002_0000 | index, configuration.busy)
        });
        let functions = functions.collect();
        let mut storage = Storage::new();
        let data = storage.add_data(1 << 20, 1 << 20);
        Self(Arc::new(Mutex::new(Machine {
            configuration,
            functions,
            storage,
            data,
            complaints: Vec::new(),
            known_tables: 0,
            tables_left: None,
        })))
    }

    /// Takes what the machine noted since the last call.
    pub fn complaints(&self) -> Vec<String> {
        let mut machine = self.lock();
        if let Some(table) = machine.storage.spoilt_poison() {
            machine.complaints.push(format!("somebody wrote to the freed table at {table:#x}"));
        }
        core::mem::take(&mut machine.complaints)
    }

    /// Number of tables that were allocated and not given back.
    pub fn live_tables(&self) -> usize {
        self.lock().storage.live_tables()
    }

    /// Makes a data area of `bytes` bytes, aligned to `alignment`, both powers of two.
    pub fn add_data(&self, bytes: u64, alignment: u64) -> u64 {
        self.lock().storage.add_data(bytes, alignment)
    }

    /// Takes a data area back; a device that reaches it afterwards is reported.
    pub fn remove_data(&self, first: u64) {
        self.lock().storage.remove_data(first);
    }

    /// Reads data as a program would.
    ///
    /// # Panics
    ///
    /// Where there is no data.
    pub fn read_data(&self, address: u64, bytes: &mut [u8]) {
        let read = self.lock().storage.read(address, bytes);
        assert_eq!(read, Ok(()), "read of data");
    }

    /// Writes data as a program would.
    ///
    /// # Panics
    ///
    /// Where there is no data.
    pub fn write_data(&self, address: u64, bytes: &[u8]) {
        let written = self.lock().storage.write(address, bytes);
        assert_eq!(written, Ok(()), "write of data");
    }

    /// Writes a table entry as a program would that is not under test.
    ///
    /// # Panics
    ///
    /// Where there is no table.
    pub fn set_entry(&self, address: u64, value: u64) {
        let written = self.lock().storage.set_entry(address, value);
        assert_eq!(written, Ok(()), "write of a table entry");
    }

    /// Makes the hardware read every valid page-table entry with the bits of `mask` inverted.
    pub fn invert_page_entries(&self, mask: u64) {
        self.lock().storage.inverted = mask;
    }

    /// Makes the last DMA address that each function really takes `edma`, whatever CLP says.
    pub fn shorten_window(&self, edma: u64) {
        for function in &mut self.lock().functions {
            function.true_edma = edma;
        }
    }

    /// What the machine's own walk finds for the page of `iova` in the tables that `iota` designates; nothing where an
    /// entry is invalid.
    ///
    /// # Errors
    ///
    /// The code of the error event that the walk ends with.
    pub fn walk(&self, iota: u64, iova: u64) -> Result<Option<Mapped>, u16> {
        let machine = self.lock();
        match walker::walk(&machine.storage, iota, iova, &mut Vec::new()) {
            Ok(Walk::Mapped(leaf)) => Ok(Some(Mapped {
                iova: iova & !0xfff,
                absolute: leaf.page,
                read_only: leaf.protected,
                size: leaf.size,
            })),
            Ok(Walk::Hole(_)) => Ok(None),
            Err(fault) => Err(fault.code()),
        }
    }

    /// Lets `tables` more tables be allocated; any number if there is none.
    pub fn limit_tables(&self, tables: Option<usize>) {
        self.lock().tables_left = tables;
    }

    /// Every leaf entry that the machine's own walk finds in the tables that `iota` designates, in order of addresses.
    ///
    /// # Errors
    ///
    /// The code of the error event that the walk ends with.
    pub fn mapped(&self, iota: u64) -> Result<Vec<Mapped>, u16> {
        let machine = self.lock();
        let span = match iota & 0x1c {
            0x4 => (1 << 42) - 1,
            0x8 => (1 << 53) - 1,
            _ => u64::MAX,
        };
        let mut found = Vec::new();
        let mut cursor = Some(0_u64);
        while let Some(iova) = cursor.filter(|iova| *iova <= span) {
            let size = match walker::walk(&machine.storage, iota, iova, &mut Vec::new()) {
                Ok(Walk::Hole(size)) => size,
                Ok(Walk::Mapped(leaf)) => {
                    found.push(Mapped { iova, absolute: leaf.page, read_only: leaf.protected, size: leaf.size });
                    leaf.size
                }
                Err(fault) => return Err(fault.code()),
            };
            cursor = iova.checked_add(size);
        }
        Ok(found)
    }

    /// What the function with handle `function` has mapped outside its DMA addresses; nothing if it has no table.
    ///
    /// An ISM device looks at the tables on its own and must find nothing there.
    ///
    /// # Errors
    ///
    /// The code of the error event that the walk ends with.
    pub fn mapped_outside_window(&self, function: u32) -> Result<Vec<Mapped>, u16> {
        let registered = {
            let machine = self.lock();
            let mut functions = machine.functions.iter();
            let function = functions.find(|other| other.handle == function);
            function.and_then(|function| Some((function.ioat?.iota, function.configuration.clone())))
        };
        let Some((iota, FunctionConfiguration { sdma, edma, .. })) = registered else {
            return Ok(Vec::new());
        };
        let inside = |mapped: &Mapped| sdma <= mapped.iova && mapped.iova + (mapped.size - 1) <= edma;
        Ok(self.mapped(iota)?.into_iter().filter(|mapped| !inside(mapped)).collect())
    }

    /// Lets the device of the function with handle `function` read `bytes.len()` bytes from `iova`.
    ///
    /// # Errors
    ///
    /// [`DmaError`]; bytes before the page that was refused are there.
    pub fn dma_read(&self, function: u32, iova: u64, bytes: &mut [u8]) -> Result<(), DmaError> {
        let mut machine = self.lock();
        let mut at = iova;
        for part in pages_mut(iova, bytes) {
            let address = machine.translate(function, at, false)?;
            let Machine { storage, complaints, .. } = &mut *machine;
            if let Err(access) = storage.read(address, part) {
                complaints.push(format!("a device read {at:#x}: {access}"));
            }
            at = at.wrapping_add(part.len() as u64);
        }
        Ok(())
    }

    /// Lets the device of the function with handle `function` write `bytes` to `iova`.
    ///
    /// # Errors
    ///
    /// [`DmaError`]; bytes before the page that was refused are written.
    pub fn dma_write(&self, function: u32, iova: u64, bytes: &[u8]) -> Result<(), DmaError> {
        let mut machine = self.lock();
        let mut copy = bytes.to_owned();
        let mut at = iova;
        for part in pages_mut(iova, &mut copy) {
            let address = machine.translate(function, at, true)?;
            let Machine { storage, complaints, .. } = &mut *machine;
            if let Err(access) = storage.write(address, part) {
                complaints.push(format!("a device wrote {at:#x}: {access}"));
            }
            at = at.wrapping_add(part.len() as u64);
        }
        Ok(())
    }

    /// State of the function with identifier `function` and the events it reported; the events are taken.
    pub fn state(&self, function: FunctionId) -> Option<(State, Vec<Event>)> {
        let mut machine = self.lock();
        let function = machine.functions.iter_mut().find(|other| other.configuration.fid == function.0)?;
        Some((function.state, core::mem::take(&mut function.events)))
    }

    /// STPCIFC: condition code and the stored block.
    pub fn store_fib(&self, function: u32) -> (u8, [u8; 80]) {
        let machine = self.lock();
        let mut functions = machine.functions.iter();
        match functions.find(|other| other.handle & 0xffff == function & 0xffff) {
            Some(function) => (0, function.store()),
            None => (3, [0; 80]),
        }
    }

    /// MPCIFC with any operand for any DMA address space: condition code and status.
    ///
    /// # Errors
    ///
    /// Why it would end in a program check.
    pub fn modify(&self, function: u32, control: u8, dmaas: u8, fib: &[u8; 80]) -> Result<(u8, u8), String> {
        self.lock().modify(function, control, dmaas, fib).map_err(|Trap(reason)| reason)
    }

    /// RPCIT with any operands: condition code and status.
    pub fn refresh(&self, function: u32, start: u64, length: u64) -> (u8, u8) {
        self.lock().refresh(function, start, length)
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        // A panic of one test thread leaves nothing half done that another could not look at.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Machine {
    fn translate(&mut self, handle: u32, iova: u64, write: bool) -> Result<u64, DmaError> {
        let Some(function) = self.functions.iter_mut().find(|function| function.handle == handle) else {
            return Err(DmaError::State(State::Disabled));
        };
        function.translate(&self.storage, iova, write, &mut self.complaints)
    }

    fn modify(&mut self, handle: u32, control: u8, dmaas: u8, fib: &[u8; 80]) -> Result<Answer, Trap> {
        let Some(function) = self.functions.iter_mut().find(|function| function.handle == handle) else {
            return Ok((3, 0));
        };
        if dmaas != 0 {
            return Ok((1, 28));
        }
        function.modify(control, fib)
    }

    fn refresh(&mut self, handle: u32, start: u64, length: u64) -> Answer {
        let functions = &mut self.functions;
        let Some(function) = functions.iter_mut().find(|function| function.handle == handle) else {
            return (3, 0);
        };
        if !function.is_enabled() {
            return (3, 0);
        }
        let skips = self.configuration.refresh_skips;
        function.refresh(&self.storage, start, length, skips, &mut self.complaints)
    }

    fn deallocate(&mut self, origin: u64, size: TableSize) {
        if let Err(complaint) = self.storage.deallocate(origin, size) {
            self.complaints.push(complaint);
        }
        for function in &self.functions {
            let fid = function.configuration.fid;
            if function.ioat.is_some_and(|ioat| ioat.iota & !0x3fff == origin) {
                self.complaints.push(format!("the table at {origin:#x} was freed while it is registered for {fid:#x}"));
            } else if function.tlb.reaches(origin) {
                self.complaints.push(format!("the table at {origin:#x} was freed while {fid:#x} may still walk it"));
            }
        }
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fake").field("configuration", &self.lock().configuration).finish_non_exhaustive()
    }
}

/// Cuts `bytes`, which start at `iova`, at the ends of pages.
fn pages_mut(iova: u64, bytes: &mut [u8]) -> impl Iterator<Item = &mut [u8]> {
    let head = (4096 - (iova % 4096) as usize).min(bytes.len());
    let (head, rest) = bytes.split_at_mut(head);
    [head].into_iter().chain(rest.chunks_mut(4096)).filter(|part| !part.is_empty())
}
