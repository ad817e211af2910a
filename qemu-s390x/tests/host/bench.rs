// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The fake machine as the platform of the image, with one thing in it that can be broken.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::atomic::AtomicU8;

use clp::{Clp, Command, ConditionCode, FunctionHandle, FunctionId, LogicalProcessor};
use qemu_s390x::pci::{Space, Width};
use qemu_s390x::{Frames, Platform, Processor, Taken};
use s390_iommu::{
    AbsoluteAddress, ErrorEvent, EventCode, Fib, FunctionControl, Instruction, Iova, IovaRange, Outcome, Status, Zpci,
};
use zerocopy::FromBytes;
use zpci_machine::interruption::{Subclasses, Suppression};
use zpci_machine::{ChannelReport, LoadStoreError};
use zpci_tests::fake::{Configuration, DmaError, Fake, FunctionConfiguration};
use zpci_tests::Machine;

use crate::interruptions::{Interruptions, Msix, CAPABILITY, TABLE};
use crate::measurement::{Counter, Measurement};
use crate::nvme::{Bus, Nvme, Refused};
use crate::sabotage::Sabotage;

/// A fake machine in which every function with the identifiers of QEMU's NVMe controller is the same one.
pub(crate) struct Bench {
    fake: Fake,
    sabotage: Sabotage,
    functions: Vec<FunctionConfiguration>,
    nvme: RefCell<Nvme>,
    /// Command register of each function, by the low half of its handle.
    commands: RefCell<BTreeMap<u32, u64>>,
    events: RefCell<VecDeque<ErrorEvent>>,
    /// The last handle of each function that was enabled, by its low half.
    handles: RefCell<BTreeMap<u32, u32>>,
    msix: Msix,
    interruptions: Interruptions,
    measurement: Measurement,
    interval: u64,
    microseconds: Cell<u64>,
    /// How many cases were run apart.
    apart: Cell<usize>,
    /// How many accesses were refused.
    refusals: Cell<usize>,
    /// Pages that can be written though they are protected.
    writable: RefCell<BTreeSet<u64>>,
    survives_refusals: bool,
}

const DONE: Outcome = Outcome { cc: ConditionCode::Zero, status: Status(0) };
/// The answer of PCILG and PCISTG for a function in its error state.
const BLOCKED: Outcome = Outcome { cc: ConditionCode::One, status: Status(12) };
const GONE: Outcome = Outcome { cc: ConditionCode::Three, status: Status(0) };

impl Bench {
    pub(crate) fn new(configuration: Configuration, sabotage: Sabotage) -> Self {
        Self {
            functions: configuration.functions.clone(),
            interval: 1000 * u64::from(configuration.groups[0].mui),
            fake: Fake::new(configuration),
            sabotage,
            nvme: RefCell::new(Nvme::new()),
            commands: RefCell::default(),
            events: RefCell::default(),
            handles: RefCell::default(),
            msix: Msix::new(),
            interruptions: Interruptions::new(sabotage),
            measurement: Measurement::default(),
            microseconds: Cell::new(0),
            apart: Cell::new(0),
            refusals: Cell::new(0),
            writable: RefCell::default(),
            survives_refusals: true,
        }
    }

    /// The same, which says that it stops at a refusal.
    pub(crate) fn ended_by_refusals(self) -> Self {
        Self { survives_refusals: false, ..self }
    }

    /// How many accesses of devices were refused.
    pub(crate) fn refusals(&self) -> usize {
        self.refusals.get()
    }

    /// What the fake machine noted.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.fake.complaints()
    }

    /// Content of the disk.
    pub(crate) fn disk(&self) -> Vec<u8> {
        self.nvme.borrow().disk.clone()
    }

    fn function(&self, handle: FunctionHandle) -> Option<&FunctionConfiguration> {
        self.functions.get((handle.0 & 0xffff) as usize)
    }

    /// Whether the function can be loaded from and stored to.
    fn check(&self, handle: FunctionHandle) -> Result<&FunctionConfiguration, LoadStoreError> {
        let (_, fib) = self.fake.store_fib(handle.0);
        match (self.function(handle), fib[8]) {
            (Some(function), 0x80 | 0x90) if handle.is_enabled() => {
                self.handles.borrow_mut().insert(handle.0 & 0xffff, handle.0);
                Ok(function)
            }
            (Some(_), 0xc0.. | 0xe0..) if handle.is_enabled() => Err(LoadStoreError::Refused(BLOCKED)),
            _ => Err(LoadStoreError::Refused(GONE)),
        }
    }

    fn command(&self, handle: FunctionHandle) -> u64 {
        self.commands.borrow().get(&(handle.0 & 0xffff)).copied().unwrap_or(0)
    }

    /// A device sends the message of entry `vector`, if that is not masked.
    fn interrupt(&self, handle: FunctionHandle, vector: u16) {
        let Some((address, data)) = self.msix.message(vector, self.sabotage) else { return };
        assert_eq!(address, 0xfe00_0000_0000_0000, "a message to the MSI address");
        let (_, fib) = self.fake.store_fib(handle.0);
        // A function in error sends nothing.
        if fib[8] & 0x40 == 0 {
            self.interruptions.message(&self.fake, &fib, data);
        }
    }

    /// Takes new events from the fake machine.
    fn gather_events(&self) {
        for (index, function) in self.functions.iter().enumerate() {
            let Some((_, new)) = self.fake.state(FunctionId(function.fid)) else { continue };
            for event in new {
                let handle = self.handles.borrow().get(&(index as u32)).copied().unwrap_or_default();
                let wrong = |sabotage| u32::from(self.sabotage == sabotage);
                self.events.borrow_mut().push_back(ErrorEvent::new(
                    FunctionHandle(handle ^ wrong(Sabotage::WrongEventHandle) << 31),
                    FunctionId(function.fid ^ wrong(Sabotage::WrongEventFunction)),
                    EventCode(event.code ^ wrong(Sabotage::WrongEventCode) as u16),
                    Iova::new(event.address + 0x1000 * u64::from(wrong(Sabotage::WrongEventAddress))),
                ));
                self.interruptions.announce();
            }
        }
    }

    fn configuration_space(&self, handle: FunctionHandle, function: &FunctionConfiguration, offset: u64) -> u64 {
        let is_nvme = function.device_id == 0x0010;
        match offset {
            0 => u64::from(function.vendor_id) | u64::from(function.device_id) << 16,
            // A list of capabilities.
            4 if is_nvme => self.command(handle) | 0x10 << 16,
            4 => self.command(handle),
            0x34 if is_nvme => CAPABILITY,
            CAPABILITY.. if is_nvme => self.msix.configuration(offset),
            8 if is_nvme => 0x0108_0202,
            8 => 0x0c03_3001,
            _ => 0,
        }
    }
}

/// A device's way to storage.
struct Path<'b> {
    bench: &'b Bench,
    handle: FunctionHandle,
}

impl Path<'_> {
    /// Lets the device do `dma` in the page of `iova`.
    fn access(&self, iova: u64, mut dma: impl FnMut() -> Result<(), DmaError>) -> Result<(), Refused> {
        let is_writable = self.bench.writable.borrow().contains(&(iova & !0xfff));
        let mut result = if is_writable { self.with_entry(iova, |value| value & !0x200, &mut dma) } else { dma() };
        if matches!(&result, Err(DmaError::Stale(reason)) if reason.contains(" to nothing, the tables to ")) {
            // The fake machine says what is missing. QEMU refuses what it was never told of, as if it were not mapped.
            result = self.with_entry(iova, |_| 0x400, &mut dma);
        }
        match result {
            Ok(()) => Ok(()),
            // A real machine lets it through: it does not know better.
            Err(DmaError::Stale(_)) => Ok(()),
            Err(_) if self.bench.sabotage == Sabotage::NoRefusal => {
                self.bench.fake.modify(self.handle.0, 7, 0, &[0; 80]).unwrap();
                Ok(())
            }
            Err(_) => {
                self.bench.refusals.set(self.bench.refusals.get() + 1);
                Err(Refused)
            }
        }
    }

    /// Lets the device do `dma` while the entry for the page of `iova` is another one.
    fn with_entry<R>(&self, iova: u64, other: impl FnOnce(u64) -> u64, dma: impl FnOnce() -> R) -> R {
        let entry = self.entry_address(iova);
        let value = self.bench.fake.entry(entry).unwrap();
        self.bench.fake.set_entry(entry.get(), other(value));
        let result = dma();
        self.bench.fake.set_entry(entry.get(), value);
        result
    }

    /// Where the entry for the page of `iova` lies.
    fn entry_address(&self, iova: u64) -> AbsoluteAddress {
        let (_, fib) = self.bench.fake.store_fib(self.handle.0);
        let iota = u64::from_be_bytes(fib[32..40].try_into().unwrap());
        let entry = |address| self.bench.fake.entry(AbsoluteAddress::new(address)).unwrap();
        let mut table = iota & !0x3fff;
        for shift in [31, 42, 53].into_iter().take((iota >> 2 & 3) as usize).rev() {
            table = entry(table + (iova >> shift & 0x7ff) * 8) & !0x3fff;
        }
        let table = entry(table + (iova >> 20 & 0x7ff) * 8) & !0x7ff;
        AbsoluteAddress::new(table + (iova >> 12 & 0xff) * 8)
    }
}

impl Bus for Path<'_> {
    fn read(&self, iova: u64, bytes: &mut [u8]) -> Result<(), Refused> {
        self.access(iova, || self.bench.fake.dma_read(self.handle.0, iova, bytes))
    }

    fn write(&self, iova: u64, bytes: &[u8]) -> Result<(), Refused> {
        self.access(iova, || self.bench.fake.dma_write(self.handle.0, iova, bytes))
    }

    fn swaps_pages(&self) -> bool {
        self.bench.sabotage == Sabotage::WrongPages
    }

    fn never_completes(&self) -> bool {
        self.bench.sabotage == Sabotage::NoCompletion
    }

    fn interrupt(&self, vector: u16) {
        self.bench.interrupt(self.handle, vector);
    }

    fn interrupts_early(&self) -> bool {
        self.bench.sabotage == Sabotage::EarlyInterrupt
    }
}

impl Clp for Bench {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        self.fake.call(processor, command)
    }

    fn pause(&self, busy: u32) -> bool {
        Clp::pause(&self.fake, busy)
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        self.fake.immediate(command)
    }
}

impl Zpci for Bench {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        // SAFETY: the fake machine has no storage but its own.
        let outcome = unsafe { self.fake.mpcifc(function, control, fib) };
        if control == FunctionControl::SET_MEASUREMENT && outcome == DONE {
            let next = self.microseconds.get() + self.interval;
            self.measurement.set(function.0, fib.measurement_block.get(), next);
        }
        outcome
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        let mapped = |iova| {
            let (_, fib) = self.fake.store_fib(function.0);
            let iota = u64::from_be_bytes(fib[32..40].try_into().unwrap());
            self.fake.walk(iota, iova).ok().flatten()
        };
        let start = range.start().get();
        if self.sabotage == Sabotage::WritableBeside {
            let is_protected = mapped(start).is_some_and(|page| page.read_only);
            if is_protected && mapped(start ^ 0x1000).is_some() {
                self.writable.borrow_mut().insert(start);
            } else {
                self.writable.borrow_mut().remove(&start);
            }
        }
        match self.sabotage {
            Sabotage::NoRefresh => DONE,
            Sabotage::NoRefreshAfterUnmapping if mapped(start).is_none() => DONE,
            _ => {
                let outcome = self.fake.rpcit(function, range);
                if outcome == DONE {
                    self.measurement.count(function.0, Counter::Refresh);
                }
                outcome
            }
        }
    }

    fn pause(&self, instruction: Instruction, busy: u32) -> bool {
        Zpci::pause(&self.fake, instruction, busy)
    }
}

impl Machine for Bench {
    type Storage = <Fake as Machine>::Storage;
    type Block = <Fake as Machine>::Block;

    fn storage(&self) -> Self::Storage {
        self.fake.storage()
    }

    fn block(&self) -> Self::Block {
        self.fake.block()
    }

    fn entry(&self, address: AbsoluteAddress) -> Option<u64> {
        let entry = self.fake.entry(address)?;
        Some(match self.sabotage {
            Sabotage::RegionEntries if entry & 0x3fff == 0x7 => entry ^ 1,
            Sabotage::PageEntries if entry & 0xfff == 0 => entry ^ 0x200,
            _ => entry,
        })
    }

    fn data(&self) -> AbsoluteAddress {
        self.fake.data()
    }

    fn function(&self) -> Option<FunctionId> {
        self.fake.function()
    }
}

impl Frames for Bench {
    fn allocate(&self, bytes: usize, alignment: usize) -> Option<AbsoluteAddress> {
        let size = bytes.next_power_of_two() as u64;
        Some(AbsoluteAddress::new(self.fake.add_data(size, (alignment as u64).max(size))))
    }

    fn free(&self, at: AbsoluteAddress, _bytes: usize) {
        self.fake.remove_data(at.get());
    }

    fn read(&self, from: AbsoluteAddress, into: &mut [u8]) {
        self.fake.read_data(from.get(), into);
    }

    fn write(&self, to: AbsoluteAddress, from: &[u8]) {
        self.fake.write_data(to.get(), from);
    }

    fn load_doubleword(&self, at: AbsoluteAddress) -> Option<u64> {
        let mut bytes = [0; 8];
        self.read(at, &mut bytes);
        Some(u64::from_be_bytes(bytes))
    }

    fn with_atomics<R>(&self, at: AbsoluteAddress, bytes: usize, using: impl FnOnce(&[AtomicU8]) -> R) -> Option<R> {
        let mut copy = vec![0; bytes];
        self.read(at, &mut copy);
        let atomics: Vec<AtomicU8> = copy.into_iter().map(AtomicU8::new).collect();
        let result = using(&atomics);
        self.write(at, &atomics.into_iter().map(AtomicU8::into_inner).collect::<Vec<_>>());
        Some(result)
    }
}

impl Platform for Bench {
    fn has_facility(&self, _number: u16) -> bool {
        true
    }

    /// Every look at the clock takes a millisecond.
    fn microseconds(&self) -> u64 {
        self.microseconds.set(self.microseconds.get() + 1000);
        self.measurement.update(&self.fake, self.microseconds.get(), self.interval, self.sabotage);
        self.microseconds.get()
    }

    fn load(&self, handle: FunctionHandle, space: Space, offset: u64, width: Width) -> Result<u64, LoadStoreError> {
        let function = self.check(handle)?;
        self.measurement.count(handle.0, Counter::Load);
        Ok(match space {
            Space::Configuration => self.configuration_space(handle, function, offset & !3) >> (8 * (offset & 3)),
            Space::Bar(_) if offset >= TABLE && width == Width::Byte => return Err(LoadStoreError::Suppressed),
            Space::Bar(_) if offset >= TABLE => self.msix.load(offset),
            Space::Bar(_) => self.nvme.borrow().load(offset, width),
        } & u64::MAX >> (64 - 8 * u32::from(width.bytes())))
    }

    fn store(
        &self,
        handle: FunctionHandle,
        space: Space,
        offset: u64,
        width: Width,
        value: u64,
    ) -> Result<(), LoadStoreError> {
        self.check(handle)?;
        self.measurement.count(handle.0, Counter::Store);
        match space {
            Space::Configuration if offset == CAPABILITY + 2 => self.msix.set_control(value),
            Space::Bar(_) if offset >= TABLE && width == Width::Byte => return Err(LoadStoreError::Suppressed),
            Space::Bar(_) if offset >= TABLE => {
                if let Some(vector) = self.msix.store(offset, value) {
                    self.interrupt(handle, vector);
                }
            }
            Space::Configuration => {
                assert_eq!((offset, width), (4, Width::Halfword), "the command register is written");
                self.commands.borrow_mut().insert(handle.0 & 0xffff, value);
            }
            Space::Bar(_) => {
                let command = self.commands.borrow().get(&(handle.0 & 0xffff)).copied();
                assert_eq!(command, Some(6), "the function answers and is a bus master");
                self.nvme.borrow_mut().store(&Path { bench: self, handle }, offset, value);
            }
        }
        Ok(())
    }

    fn store_block(
        &self,
        handle: FunctionHandle,
        _bar: u8,
        offset: u64,
        block: &[u64],
        _longest: u16,
    ) -> Result<(), LoadStoreError> {
        self.check(handle)?;
        self.measurement.count(handle.0, Counter::BlockStore);
        for (at, doubleword) in (offset..).step_by(8).zip(block) {
            self.nvme.borrow_mut().store(
                &Path { bench: self, handle },
                at,
                u64::from_le_bytes(doubleword.to_ne_bytes()),
            );
        }
        Ok(())
    }

    fn controls(&self, handle: FunctionHandle) -> Result<Fib, Outcome> {
        match self.fake.store_fib(handle.0) {
            (0, fib) => Ok(Fib::read_from_bytes(&fib).unwrap()),
            _ => Err(GONE),
        }
    }

    fn apart(&self, case: &mut dyn FnMut()) -> bool {
        self.apart.set(self.apart.get() + 1);
        if self.sabotage == Sabotage::NoEnd && self.apart.get() == 1 {
            return false;
        }
        case();
        true
    }

    fn error_event(&self) -> Option<ErrorEvent> {
        self.gather_events();
        self.interruptions.asked();
        self.events.borrow_mut().pop_front()
    }

    fn survives_refusals(&self) -> bool {
        self.survives_refusals
    }

    fn processor(&self) -> Option<&dyn Processor> {
        Some(self)
    }
}

impl Processor for Bench {
    fn enable(&self, subclasses: Subclasses) {
        self.interruptions.enable(subclasses);
    }

    fn set_suppression(&self, subclass: u8, suppression: Suppression) {
        self.interruptions.set_suppression(subclass, suppression);
    }

    fn take(&self) -> Taken {
        self.gather_events();
        self.interruptions.take()
    }

    fn channel_report(&self) -> Option<ChannelReport> {
        self.interruptions.channel_report()
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("sabotage", &self.sabotage).finish_non_exhaustive()
    }
}
