// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A submission queue and the completion queue of the same number.
//!
//! NVM Express Base Specification 1.4, section 4.1.

use core::sync::atomic::{fence, Ordering};

use zerocopy::{FromZeros, IntoBytes};

use super::command::{Command, Completion};
use super::register::DOORBELLS;
use crate::device::DeviceError;
use crate::dma::DmaBuffer;
use crate::frames::Frames;
use crate::pci::{PciFunction, Space, Width};

/// Where a pair of queues lies and how far it is.
#[derive(Debug)]
pub(super) struct QueuePair {
    /// 0: admin.
    pub(super) identifier: u16,
    /// Of each queue; at least 2.
    pub(super) entries: u16,
    /// Offset of the submission queue in the controller's memory.
    pub(super) submission: usize,
    /// Offset of the completion queue in the controller's memory.
    pub(super) completion: usize,
    /// log2 of the distance of two doorbells in bytes.
    doorbell_stride_log2: u32,
    tail: u16,
    head: u16,
    /// Phase of the entries that the controller has not written yet, reversed.
    phase: bool,
    next_identifier: u16,
}

impl QueuePair {
    pub(super) const fn new(
        identifier: u16,
        entries: u16,
        submission: usize,
        completion: usize,
        doorbell_stride_log2: u32,
    ) -> Self {
        Self {
            identifier,
            entries,
            submission,
            completion,
            doorbell_stride_log2,
            tail: 0,
            head: 0,
            phase: true,
            next_identifier: 0,
        }
    }

    /// Hands `command` to the controller.
    pub(super) fn submit<M: Frames>(
        &mut self,
        function: &impl PciFunction,
        memory: &DmaBuffer<'_, M>,
        command: Command,
    ) -> Result<(), DeviceError> {
        self.next_identifier = self.next_identifier.wrapping_add(1);
        let command = command.with_identifier(self.next_identifier);
        let slot = self.submission + usize::from(self.tail) * size_of::<Command>();
        memory.write(slot, command.as_bytes())?;
        // The entry is complete before the doorbell rings.
        fence(Ordering::SeqCst);
        self.tail = self.following(self.tail);
        self.ring(function, 2 * u64::from(self.identifier), self.tail)
    }

    /// Takes the completion of the last command out of the queue, once it is there.
    pub(super) fn take<M: Frames>(
        &mut self,
        function: &impl PciFunction,
        memory: &DmaBuffer<'_, M>,
    ) -> Result<Option<Completion>, DeviceError> {
        let slot = self.completion + usize::from(self.head) * size_of::<Completion>();
        let mut status = [0; 2];
        memory.read(slot + Completion::STATUS, &mut status)?;
        if (u16::from_le_bytes(status) & 1 != 0) != self.phase {
            return Ok(None);
        }
        // The phase comes last; the rest is read after it.
        fence(Ordering::SeqCst);
        let mut completion = Completion::new_zeroed();
        memory.read(slot, completion.as_mut_bytes())?;
        self.head = self.following(self.head);
        self.phase ^= self.head == 0;
        self.ring(function, 2 * u64::from(self.identifier) + 1, self.head)?;
        if completion.identifier.get() != self.next_identifier {
            return Err(DeviceError::Unexpected {
                what: "completion of command",
                value: u64::from(completion.identifier.get()),
            });
        }
        Ok(Some(completion))
    }

    fn following(&self, index: u16) -> u16 {
        if index + 1 == self.entries {
            0
        } else {
            index + 1
        }
    }

    fn ring(&self, function: &impl PciFunction, doorbell: u64, value: u16) -> Result<(), DeviceError> {
        let offset = DOORBELLS + (doorbell << self.doorbell_stride_log2);
        Ok(function.store(Space::Bar(0), offset, Width::Word, u64::from(value))?)
    }
}

#[cfg(test)]
mod tests {
    use s390_iommu::Iova;

    use super::super::command::Structure;
    use super::super::prp::DataPointer;
    use super::*;
    use crate::dma::Order;
    use crate::fake::{FakeFrames, FakeFunction};
    use crate::frames::Buffer;

    const SUBMISSION: usize = 0x0000;
    const COMPLETION: usize = 0x1000;

    fn memory(frames: &FakeFrames) -> DmaBuffer<'_, FakeFrames> {
        let buffer = Buffer::new(frames, 0x2000, 0x1000).unwrap();
        let memory = DmaBuffer::new(buffer, Iova::new(0x1_0000_0000), Order::Descending).unwrap();
        memory.fill(0).unwrap();
        memory
    }

    fn identify() -> Command {
        Command::identify(Structure::Controller, 0, DataPointer::NONE)
    }

    /// What the controller would write: success of command `identifier`.
    fn complete(memory: &DmaBuffer<'_, FakeFrames>, slot: usize, identifier: u16, phase: u8) {
        let [low, high] = identifier.to_le_bytes();
        let entry = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, low, high, phase, 0];
        memory.write(COMPLETION + slot * 16, &entry).unwrap();
    }

    #[test]
    fn doorbells_and_phases() {
        let frames = FakeFrames::new(0x2000);
        let memory = memory(&frames);
        let function = FakeFunction::new();
        let mut queue = QueuePair::new(1, 2, SUBMISSION, COMPLETION, 2);

        // The queue has two entries, so the second command brings the tail back to the start, and the third
        // completion is the first one with the other phase.
        for (identifier, slot, phase, index) in [(1, 0, 1, 1), (2, 1, 1, 0), (3, 0, 0, 1), (4, 1, 0, 0), (5, 0, 1, 1)] {
            queue.submit(&function, &memory, identify()).unwrap();
            let mut bytes = [0; 4];
            memory.read(SUBMISSION + slot * 64, &mut bytes).unwrap();
            assert_eq!(bytes, [0x06, 0, identifier as u8, 0]);
            assert_eq!(function.bytes(Space::Bar(0), 0x1008, 4), [index, 0, 0, 0]);

            assert_eq!(queue.take(&function, &memory), Ok(None));
            complete(&memory, slot, identifier, phase);
            let completion = queue.take(&function, &memory).unwrap().unwrap();
            assert_eq!(completion.status_code(), 0);
            assert_eq!(function.bytes(Space::Bar(0), 0x100c, 4), [index, 0, 0, 0]);
        }
    }

    #[test]
    fn a_completion_of_another_command() {
        let frames = FakeFrames::new(0x2000);
        let memory = memory(&frames);
        let function = FakeFunction::new();
        let mut queue = QueuePair::new(0, 8, SUBMISSION, COMPLETION, 2);
        queue.submit(&function, &memory, identify()).unwrap();
        complete(&memory, 0, 0x77, 1);
        assert_eq!(queue.take(&function, &memory).unwrap_err().to_string(), "unexpected completion of command 0x77");
    }
}
