// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The machine behind the seams.

use clp::{Block, Clp, ConditionCode, FunctionHandle, FunctionId, LogicalProcessor};
use qemu_s390x::{ErrorEvent, Frames, Platform, Space, Width};
use s390_iommu::{AbsoluteAddress, Fib, FunctionControl, Outcome, Zpci};
use zpci_tests::Machine;

use super::storage::{Tables, FRAMES, TABLES};
use super::{clock, event, facility, load_store};
use crate::hardware::Hardware;

/// Longest pause after a busy answer, and how many there are.
const BUSY_MICROSECONDS: u64 = 1000;
const MOST_BUSY: u32 = 1000;

/// One MiB: what the shared cases may have a device read and write.
const DATA: usize = 1 << 20;

/// The processor, its storage, and what was found on it.
#[derive(Debug)]
pub(crate) struct QemuMachine {
    data: AbsoluteAddress,
    function: Option<FunctionId>,
}

impl QemuMachine {
    /// The machine, of which the shared cases may use `function`, which is disabled.
    ///
    /// Nothing if there is less storage than they need.
    pub(crate) fn new(function: Option<FunctionId>) -> Option<Self> {
        Some(Self { data: FRAMES.allocate(DATA, DATA)?, function })
    }
}

impl Clp for QemuMachine {
    fn call(&self, processor: LogicalProcessor, block: &mut Block) -> ConditionCode {
        Hardware.call(processor, block)
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        Hardware.immediate(command)
    }
}

impl Zpci for QemuMachine {
    fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        Hardware.mpcifc(function, control, fib)
    }

    fn rpcit(&self, function: FunctionHandle, start: u64, length: u64) -> Outcome {
        Hardware.rpcit(function, start, length)
    }
}

impl Machine for QemuMachine {
    type Storage = &'static Tables;

    fn storage(&self) -> Self::Storage {
        &TABLES
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

    fn again(&self, attempts: u32) -> bool {
        let start = clock::microseconds();
        while clock::microseconds().wrapping_sub(start) < BUSY_MICROSECONDS {}
        attempts < MOST_BUSY
    }
}

impl Frames for QemuMachine {
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

impl Platform for QemuMachine {
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

    fn error_event(&self) -> Option<ErrorEvent> {
        event::error_event()
    }
}
