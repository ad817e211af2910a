// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The machine behind the seams.

use core::sync::atomic::AtomicU8;

use clp::{Clp, Command, ConditionCode, FunctionHandle, FunctionId, LogicalProcessor};
use s390_iommu::{
    AbsoluteAddress, ErrorEvent, Event, EventAnswer, Fib, FunctionControl, Instruction, IovaRange, Outcome, Zpci,
};
use zpci_machine::{clock, EventBlock, Hardware, LoadStoreError};
use zpci_tests::Machine;

use super::storage::{BlockPage, Page, Region, Tables, FRAMES, TABLES};
use crate::{Frames, Platform, Processor, Space, Width};

/// More events of other kinds than a machine can have pending.
const MOST_EVENTS: usize = 4096;

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
    processor: Option<&'static dyn Processor>,
    survives_refusals: bool,
}

impl RealMachine {
    /// The machine, with storage of its own for tables and for what devices reach, of which the shared cases may use
    /// `function`, which is disabled; `apart` runs a case, and `processor` takes interruptions, if they are the program's.
    ///
    /// Nothing if there is less storage than they need.
    ///
    /// # Safety
    ///
    /// The regions are storage that nothing else uses as long as the machine exists, and are mapped with the rest of
    /// storage where they say. There is no other machine at the same time. The program may execute the instructions of
    /// zPCI, which the machine has.
    pub unsafe fn new(
        tables: Region,
        frames: Region,
        function: Option<FunctionId>,
        apart: Apart,
        processor: Option<&'static dyn Processor>,
    ) -> Option<Self> {
        TABLES.open(tables);
        FRAMES.open(frames);
        Some(Self { data: FRAMES.allocate(DATA, DATA)?, function, apart, processor, survives_refusals: true })
    }

    /// The same, which ends where a device is refused an access.
    pub fn ended_by_refusals(self) -> Self {
        Self { survives_refusals: false, ..self }
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

    fn load_doubleword(&self, at: AbsoluteAddress) -> Option<u64> {
        FRAMES.load_doubleword(at)
    }

    fn with_atomics<R>(&self, at: AbsoluteAddress, bytes: usize, using: impl FnOnce(&[AtomicU8]) -> R) -> Option<R> {
        Some(using(FRAMES.atomics(at, bytes)?))
    }
}

impl Platform for RealMachine {
    fn has_facility(&self, number: u16) -> bool {
        zpci_machine::has_facility(number)
    }

    fn microseconds(&self) -> u64 {
        clock::microseconds()
    }

    fn load(&self, function: FunctionHandle, space: Space, offset: u64, width: Width) -> Result<u64, LoadStoreError> {
        zpci_machine::load(function, space, offset, width)
    }

    fn store(
        &self,
        function: FunctionHandle,
        space: Space,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), LoadStoreError> {
        zpci_machine::store(function, space, offset, width, value)
    }

    fn store_block(
        &self,
        function: FunctionHandle,
        bar: u8,
        offset: u64,
        block: &[u64],
        longest: u16,
    ) -> Result<(), LoadStoreError> {
        zpci_machine::store_block(function, bar, offset, block, longest)
    }

    fn controls(&self, function: FunctionHandle) -> Result<Fib, Outcome> {
        zpci_machine::controls(function)
    }

    fn apart(&self, case: &mut dyn FnMut()) -> bool {
        (self.apart)(case)
    }

    fn error_event(&self) -> Option<ErrorEvent> {
        let page = Page::new()?;
        // SAFETY: The page is as large and as aligned as a block, any bytes are one, and it is ours alone.
        let block: &mut EventBlock = unsafe { &mut *page.pointer().cast() };
        for _ in 0..MOST_EVENTS {
            match block.take_event() {
                EventAnswer::Event(Event::Error(event), _) => return Some(event),
                EventAnswer::Event(..) | EventAnswer::Other(_) => {}
                EventAnswer::Nothing => return None,
            }
        }
        None
    }

    fn survives_refusals(&self) -> bool {
        self.survives_refusals
    }

    fn processor(&self) -> Option<&dyn Processor> {
        self.processor.map(|processor| processor as &dyn Processor)
    }
}
