// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A machine whose instructions are counted as the machine itself counts them.

use core::cell::Cell;
use core::sync::atomic::AtomicU8;

use clp::{Clp, Command, ConditionCode, FunctionHandle, FunctionId, LogicalProcessor};
use s390_iommu::{
    AbsoluteAddress, ErrorEvent, Fib, FunctionControl, Instruction, IovaRange, Measurement, Outcome, Zpci,
};
use zpci_machine::LoadStoreError;
use zpci_tests::{Machine, Message};

use crate::frames::Frames;
use crate::pci::{Space, Width};
use crate::platform::Platform;
use crate::processor::Processor;

/// Instructions that a function has executed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// PCILG.
    pub loads: u64,
    /// PCISTG.
    pub stores: u64,
    /// PCISTB.
    pub block_stores: u64,
    /// RPCIT.
    pub refreshes: u64,
}

impl Counts {
    /// Those of a measurement block.
    pub const fn of(sample: &Measurement) -> Self {
        let Measurement { loads, stores, block_stores, refreshes, .. } = *sample;
        Self { loads, stores, block_stores, refreshes }
    }

    /// Whether each is at least that of `other`.
    pub const fn is_at_least(&self, other: &Self) -> bool {
        self.loads >= other.loads
            && self.stores >= other.stores
            && self.block_stores >= other.block_stores
            && self.refreshes >= other.refreshes
    }
}

/// How many functions can be counted at once.
pub const MOST: usize = 4;

/// A machine and what functions have executed on it: instructions that ended with condition code 0, of the handles that are
/// watched.
#[derive(Debug)]
pub struct Counting<'m, P> {
    machine: &'m P,
    watched: [Cell<Option<FunctionHandle>>; MOST],
    counts: [Cell<Counts>; MOST],
}

impl<'m, P> Counting<'m, P> {
    /// Counts nothing yet.
    pub fn new(machine: &'m P) -> Self {
        Self { machine, watched: Default::default(), counts: Default::default() }
    }

    /// Counts for `function` from 0 on, at `place`.
    pub fn watch(&self, place: usize, function: FunctionHandle) {
        if let (Some(watched), Some(counts)) = (self.watched.get(place), self.counts.get(place)) {
            watched.set(Some(function));
            counts.set(Counts::default());
        }
    }

    /// What was counted at `place`.
    pub fn counts(&self, place: usize) -> Counts {
        self.counts.get(place).map(Cell::get).unwrap_or_default()
    }

    fn count(&self, function: FunctionHandle, is_done: bool, counter: fn(&mut Counts) -> &mut u64) {
        let place = self.watched.iter().position(|watched| watched.get() == Some(function));
        if let Some(counts) = place.filter(|_| is_done).and_then(|place| self.counts.get(place)) {
            let mut value = counts.get();
            *counter(&mut value) += 1;
            counts.set(value);
        }
    }
}

impl<P: Clp> Clp for Counting<'_, P> {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        self.machine.call(processor, command)
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        self.machine.immediate(command)
    }

    fn pause(&self, busy: u32) -> bool {
        Clp::pause(self.machine, busy)
    }
}

impl<P: Zpci> Zpci for Counting<'_, P> {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        // SAFETY: the contract is the same.
        unsafe { self.machine.mpcifc(function, control, fib) }
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        let outcome = self.machine.rpcit(function, range);
        self.count(function, outcome.cc == ConditionCode::Zero, |counts| &mut counts.refreshes);
        outcome
    }

    fn pause(&self, instruction: Instruction, busy: u32) -> bool {
        Zpci::pause(self.machine, instruction, busy)
    }
}

impl<P: Machine> Machine for Counting<'_, P> {
    type Storage = P::Storage;
    type Block = P::Block;

    fn storage(&self) -> Self::Storage {
        self.machine.storage()
    }

    fn block(&self) -> Self::Block {
        self.machine.block()
    }

    fn entry(&self, address: AbsoluteAddress) -> Option<u64> {
        self.machine.entry(address)
    }

    fn data(&self) -> AbsoluteAddress {
        self.machine.data()
    }

    fn function(&self) -> Option<FunctionId> {
        self.machine.function()
    }

    fn complaint(&self) -> Option<Message> {
        self.machine.complaint()
    }
}

impl<P: Frames> Frames for Counting<'_, P> {
    fn allocate(&self, bytes: usize, alignment: usize) -> Option<AbsoluteAddress> {
        self.machine.allocate(bytes, alignment)
    }

    fn free(&self, at: AbsoluteAddress, bytes: usize) {
        self.machine.free(at, bytes);
    }

    fn read(&self, from: AbsoluteAddress, into: &mut [u8]) {
        self.machine.read(from, into);
    }

    fn write(&self, to: AbsoluteAddress, from: &[u8]) {
        self.machine.write(to, from);
    }

    fn load_doubleword(&self, at: AbsoluteAddress) -> Option<u64> {
        self.machine.load_doubleword(at)
    }

    fn with_atomics<R>(&self, at: AbsoluteAddress, bytes: usize, using: impl FnOnce(&[AtomicU8]) -> R) -> Option<R> {
        self.machine.with_atomics(at, bytes, using)
    }
}

impl<P: Platform> Platform for Counting<'_, P> {
    fn has_facility(&self, number: u16) -> bool {
        self.machine.has_facility(number)
    }

    fn microseconds(&self) -> u64 {
        self.machine.microseconds()
    }

    fn load(&self, function: FunctionHandle, space: Space, offset: u64, width: Width) -> Result<u64, LoadStoreError> {
        let loaded = self.machine.load(function, space, offset, width);
        self.count(function, loaded.is_ok(), |counts| &mut counts.loads);
        loaded
    }

    fn store(
        &self,
        function: FunctionHandle,
        space: Space,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), LoadStoreError> {
        let stored = self.machine.store(function, space, offset, width, value);
        self.count(function, stored.is_ok(), |counts| &mut counts.stores);
        stored
    }

    fn store_block(
        &self,
        function: FunctionHandle,
        bar: u8,
        offset: u64,
        block: &[u64],
        longest: u16,
    ) -> Result<(), LoadStoreError> {
        let stored = self.machine.store_block(function, bar, offset, block, longest);
        self.count(function, stored.is_ok(), |counts| &mut counts.block_stores);
        stored
    }

    fn controls(&self, function: FunctionHandle) -> Result<Fib, Outcome> {
        self.machine.controls(function)
    }

    fn apart(&self, case: &mut dyn FnMut()) -> bool {
        self.machine.apart(case)
    }

    fn error_event(&self) -> Option<ErrorEvent> {
        self.machine.error_event()
    }

    fn survives_refusals(&self) -> bool {
        self.machine.survives_refusals()
    }

    fn processor(&self) -> Option<&dyn Processor> {
        self.machine.processor()
    }
}
