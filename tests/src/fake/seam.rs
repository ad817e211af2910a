// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The fake machine behind the seams of the crates under test, and as a place where cases run.

use core::fmt::Write;
use core::ptr::NonNull;
use std::boxed::Box;
use std::format;

use clp::{Block, Clp, Command, ConditionCode, FunctionHandle, FunctionId, LogicalProcessor};
use s390_iommu::{
    AbsoluteAddress, Fib, FunctionControl, Instruction, Iova, IovaRange, Outcome, PhysToVirt, Status, TableAllocator,
    TableSize, Zpci,
};

use super::commands::{Commands, End};
use super::configuration::Personality;
use super::function::{Answer, Trap};
use super::translation::DmaError;
use super::{Fake, Machine};
use crate::message::Message;

impl Clp for Fake {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        let mut machine = self.lock();
        let Machine { configuration, functions, complaints, .. } = &mut *machine;
        let mut commands = Commands {
            personality: configuration.personality,
            functions,
            groups: &configuration.groups,
            busy: configuration.busy,
            complaints,
        };
        match commands.execute(processor.0, command.bytes_mut()) {
            End::Condition(cc) => condition(cc),
            End::OperandException => ConditionCode::Three,
        }
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        match (self.lock().configuration.personality, command) {
            // Logical processors 0 and 2.
            (Personality::Hardware, 1) => Ok(0xa000_0000_0000_0000),
            // QEMU takes the command for the address of a block.
            _ => Err(ConditionCode::Three),
        }
    }

    fn pause(&self, busy: u32) -> bool {
        busy < 100
    }
}

impl Zpci for Fake {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        let mut machine = self.lock();
        match machine.modify(function.0, control.0, 0, &zerocopy::transmute!(*fib)) {
            Ok(answer) => outcome(answer),
            Err(Trap(reason)) => {
                machine.complaints.push(format!("MPCIFC would trap: {reason}"));
                outcome((3, 0))
            }
        }
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        outcome(self.lock().refresh(function.0, range.start().get(), range.size_less_one().wrapping_add(1)))
    }

    fn pause(&self, _: Instruction, busy: u32) -> bool {
        busy < 100
    }
}

// SAFETY: `allocate` and `words` hand out tables of `Storage`, which keeps each of them where it is, aligned to the
// larger of the two sizes, until the last clone of this machine is gone.
unsafe impl PhysToVirt for Fake {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        let mut machine = self.lock();
        let (words, wrong) = machine.storage.words(origin.get());
        let words = NonNull::from(words).cast();
        if let Some(access) = wrong {
            machine.complaints.push(format!("a program used a table: {access}"));
        }
        words
    }
}

// SAFETY: `Storage` draws an address for every table, aligned to its size, where nothing else is or was, never 0.
unsafe impl TableAllocator for Fake {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        let mut machine = self.lock();
        if let Some(left) = machine.tables_left {
            machine.tables_left = Some(left.checked_sub(1)?);
        }
        Some(AbsoluteAddress::new(machine.storage.allocate(size)))
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        self.lock().deallocate(origin.get(), size);
    }
}

impl crate::Machine for Fake {
    type Storage = Self;
    type Block = Box<Block>;

    fn storage(&self) -> Self {
        self.clone()
    }

    fn block(&self) -> Box<Block> {
        Box::new(Block::zeroed())
    }

    fn entry(&self, address: AbsoluteAddress) -> Option<u64> {
        self.lock().storage.entry(address.get()).ok()
    }

    fn data(&self) -> AbsoluteAddress {
        AbsoluteAddress::new(self.lock().data)
    }

    fn function(&self) -> Option<FunctionId> {
        let machine = self.lock();
        let mut functions = machine.configuration.functions.iter();
        functions.find(|function| function.configured).map(|function| FunctionId(function.fid))
    }

    /// Everything that was noted, and what the case left behind.
    fn complaint(&self) -> Option<Message> {
        let noted = self.complaints();
        let mut machine = self.lock();
        let tables = machine.storage.live_tables();
        let left = tables.saturating_sub(core::mem::replace(&mut machine.known_tables, tables));
        let mut complaint = Message::default();
        for complaint_of_machine in &noted {
            let _ = write!(complaint, "{complaint_of_machine}; ");
        }
        if left > 0 {
            let _ = write!(complaint, "{left} tables were not given back; ");
        }
        for function in machine.functions.iter().filter(|function| function.is_enabled()) {
            let _ = write!(complaint, "function {:#x} was left enabled; ", function.configuration.fid);
        }
        (!complaint.as_str().is_empty()).then_some(complaint)
    }
}

impl crate::Device for Fake {
    fn dma_read(&self, function: FunctionHandle, iova: Iova, bytes: &mut [u8]) -> Result<(), crate::DmaError> {
        Self::dma_read(self, function.0, iova.get(), bytes).map_err(|error| self.report(error))
    }

    fn dma_write(&self, function: FunctionHandle, iova: Iova, bytes: &[u8]) -> Result<(), crate::DmaError> {
        Self::dma_write(self, function.0, iova.get(), bytes).map_err(|error| self.report(error))
    }

    fn read_data(&self, offset: u64, bytes: &mut [u8]) {
        let data = self.lock().data;
        Self::read_data(self, data.wrapping_add(offset), bytes);
    }

    fn write_data(&self, offset: u64, bytes: &[u8]) {
        let data = self.lock().data;
        Self::write_data(self, data.wrapping_add(offset), bytes);
    }
}

impl Fake {
    /// An error as cases know it; the reason of a stale translation becomes a complaint.
    fn report(&self, error: DmaError) -> crate::DmaError {
        match error {
            DmaError::State(_) => crate::DmaError::State,
            DmaError::Event(event) => crate::DmaError::Refused(Some(event.code)),
            DmaError::Stale(reason) => {
                self.lock().complaints.push(reason);
                crate::DmaError::Stale
            }
        }
    }
}

fn condition(cc: u8) -> ConditionCode {
    match cc {
        0 => ConditionCode::Zero,
        1 => ConditionCode::One,
        2 => ConditionCode::Two,
        _ => ConditionCode::Three,
    }
}

fn outcome((cc, status): Answer) -> Outcome {
    Outcome { cc: condition(cc), status: Status(status) }
}
