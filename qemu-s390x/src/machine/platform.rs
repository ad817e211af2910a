// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The machine behind the seams.

use clp::{Clp, Command, ConditionCode, FunctionHandle, FunctionId, LogicalProcessor};
use s390_iommu::{AbsoluteAddress, ErrorEvent, Fib, FunctionControl, Instruction, IovaRange, Outcome, Zpci};
use zpci_tests::Machine;

use super::storage::{BlockPage, Region, Tables, FRAMES, TABLES};
use super::{clock, event, facility, load_store, Hardware};
use crate::{Frames, Platform, Space, Width};

/// One MiB: what the shared cases may have a device read and write.
const DATA: usize = 1 << 20;

/// Runs what it is given, and returns whether that came to its end.
type Apart = fn(&mut dyn FnMut()) -> bool;

/// The processor, its storage, and what was found on it.
#[derive(Debug)]
pub struct RealMachine {
    data: AbsoluteAddress,
    function: Option<FunctionId>,
    apart: Apart,
}

impl RealMachine {
    /// The machine, with storage of its own for tables and for what devices reach, of which the shared cases may use
    /// `function`, which is disabled; `apart` runs a case.
    ///
    /// Nothing if there is less storage than they need.
    ///
    /// # Safety
    ///
    /// The regions are storage that nothing else uses as long as the machine exists, and are mapped with the rest of
    /// storage where they say. There is no other machine at the same time. The program may execute the instructions of
    /// zPCI, which the machine has.
    pub unsafe fn new(tables: Region, frames: Region, function: Option<FunctionId>, apart: Apart) -> Option<Self> {
        TABLES.open(tables);
        FRAMES.open(frames);
        Some(Self { data: FRAMES.allocate(DATA, DATA)?, function, apart })
    }
}

impl Clp for RealMachine {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        Hardware.call(processor, command)
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        Hardware.immediate(command)
    }

    fn pause(&self, busy: u32) -> bool {
        Clp::pause(&Hardware, busy)
    }
}

impl Zpci for RealMachine {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        // SAFETY: the contract is the same.
        unsafe { Hardware.mpcifc(function, control, fib) }
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        Hardware.rpcit(function, range)
    }

    fn pause(&self, instruction: Instruction, busy: u32) -> bool {
        Zpci::pause(&Hardware, instruction, busy)
    }
}

impl Machine for RealMachine {
    type Storage = &'static Tables;
    type Block = BlockPage;

    fn storage(&self) -> Self::Storage {
        &TABLES
    }

    /// # Panics
    ///
    /// All of storage is used.
    fn block(&self) -> BlockPage {
        BlockPage::new().expect("no storage for a command block")
    }

    fn entry(&self, address: AbsoluteAddress) -> Option<u64> {
        TABLES.entry(address)
    }

    fn data(&self) -> AbsoluteAddress {
        self.data
    }

    fn function(&self) -> Option<FunctionId> {
        self.function
    }
}

impl Frames for RealMachine {
    fn allocate(&self, bytes: usize, alignment: usize) -> Option<AbsoluteAddress> {
        FRAMES.allocate(bytes, alignment)
    }

    fn free(&self, at: AbsoluteAddress, bytes: usize) {
        FRAMES.free(at, bytes);
    }

    fn read(&self, from: AbsoluteAddress, into: &mut [u8]) {
        FRAMES.read(from, into);
    }

    fn write(&self, to: AbsoluteAddress, from: &[u8]) {
        FRAMES.write(to, from);
    }
}

impl Platform for RealMachine {
    fn has_facility(&self, number: u16) -> bool {
        facility::is_installed(number)
    }

    fn microseconds(&self) -> u64 {
        clock::microseconds()
    }

    fn load(&self, function: FunctionHandle, space: Space, offset: u64, width: Width) -> Result<u64, Outcome> {
        load_store::load(function, space, offset, width)
    }

    fn store(
        &self,
        function: FunctionHandle,
        space: Space,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), Outcome> {
        load_store::store(function, space, offset, width, value)
    }

    fn controls(&self, function: FunctionHandle) -> Result<Fib, Outcome> {
        load_store::controls(function)
    }

    fn apart(&self, case: &mut dyn FnMut()) -> bool {
        (self.apart)(case)
    }

    fn error_event(&self) -> Option<ErrorEvent> {
        event::error_event()
    }
}
