// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A controller: brought up, identified, asked to read and write.

use s390_iommu::{Iova, IovaRange, PAGE_SIZE};
use zerocopy::{FromBytes, IntoBytes};

use super::command::{Command, Completion, Structure};
use super::identify::{ActiveNamespaces, BlockFormat, IdentifyController, IdentifyNamespace};
use super::prp::{self, DataPointer, LARGEST_PAGES};
use super::queue::QueuePair;
use super::register::{
    Capabilities, ControllerConfiguration, ControllerStatus, ADMIN_COMPLETION_QUEUE, ADMIN_QUEUE_ATTRIBUTES,
    ADMIN_SUBMISSION_QUEUE, CAPABILITIES, CONFIGURATION, STATUS,
};
use crate::device::{wait, DeviceError};
use crate::disk::{text, Disk, Identity};
use crate::dma::DmaBuffer;
use crate::frames::Frames;
use crate::pci::{PciFunction, Space, Width};
use crate::requests::Requests;

const PAGE: usize = PAGE_SIZE as usize;

/// Offsets in the controller's memory, one page each.
const ADMIN_SUBMISSION: usize = 0;
const ADMIN_COMPLETION: usize = PAGE;
const IO_SUBMISSION: usize = 2 * PAGE;
const IO_COMPLETION: usize = 3 * PAGE;
const PRP_LIST: usize = 4 * PAGE;
const IDENTIFY: usize = 5 * PAGE;

/// Entries of a queue, as far as the controller allows.
const ENTRIES: u16 = 32;

/// Longest time for one command.
const COMMAND_MILLISECONDS: u64 = 10_000;

/// A controller with one namespace in use.
#[derive(Debug)]
pub struct Controller<'f, 'm, F, M: Frames> {
    function: &'f F,
    memory: &'m DmaBuffer<'m, M>,
    admin: QueuePair,
    io: QueuePair,
    namespace: u32,
    identity: Identity,
    /// MSI-X entry of the I/O queues.
    vector: Option<u16>,
}

impl<'f, 'm, F: PciFunction, M: Frames> Controller<'f, 'm, F, M> {
    /// Bytes of memory that a controller needs for its queues.
    pub const MEMORY: usize = 6 * PAGE;

    /// Brings up the controller behind `function`, with its queues in `memory`, which is mapped for it.
    ///
    /// # Errors
    ///
    /// [`DeviceError`] with what went wrong.
    pub fn new(function: &'f F, memory: &'m DmaBuffer<'m, M>) -> Result<Self, DeviceError> {
        let mut controller = Self {
            function,
            memory,
            admin: QueuePair::new(0, ENTRIES, ADMIN_SUBMISSION, ADMIN_COMPLETION, 2),
            io: QueuePair::new(1, ENTRIES, IO_SUBMISSION, IO_COMPLETION, 2),
            namespace: 0,
            identity: Identity::UNKNOWN,
            vector: None,
        };
        controller.restart()?;
        Ok(controller)
    }

    /// Resets the controller, gives it the admin queues and enables it (section 7.6.1).
    fn reset(&mut self) -> Result<(), DeviceError> {
        let capabilities = Capabilities::from(self.load(CAPABILITIES, Width::Doubleword)?);
        if capabilities.smallest_page_log2() != 0 {
            return Err(DeviceError::Unsupported {
                what: "a smallest page of 4 KiB <<",
                value: u64::from(capabilities.smallest_page_log2()),
            });
        }
        if capabilities.command_sets() & 1 == 0 {
            return Err(DeviceError::Unsupported {
                what: "command sets",
                value: u64::from(capabilities.command_sets()),
            });
        }
        // One entry always stays empty, so a queue has two at least.
        let entries = capabilities.largest_queue_less_one().saturating_add(1).clamp(2, ENTRIES);
        let stride = 2 + u32::from(capabilities.doorbell_stride_log2());
        let milliseconds = u64::from(capabilities.timeout()).max(1) * 500;

        self.store(CONFIGURATION, Width::Word, 0)?;
        wait(self.function, "the controller to stop (CSTS.RDY 0)", milliseconds, || {
            Ok((!self.status()?.ready()).then_some(()))
        })?;

        self.admin = QueuePair::new(0, entries, ADMIN_SUBMISSION, ADMIN_COMPLETION, stride);
        self.io = QueuePair::new(1, entries, IO_SUBMISSION, IO_COMPLETION, stride);
        self.memory.fill(0)?;
        let less_one = u64::from(entries - 1);
        self.store(ADMIN_QUEUE_ATTRIBUTES, Width::Word, less_one << 16 | less_one)?;
        self.store(ADMIN_SUBMISSION_QUEUE, Width::Doubleword, self.memory.iova(ADMIN_SUBMISSION).get())?;
        self.store(ADMIN_COMPLETION_QUEUE, Width::Doubleword, self.memory.iova(ADMIN_COMPLETION).get())?;
        let configuration = ControllerConfiguration::new()
            .with_enable(true)
            .with_submission_entry_log2(6)
            .with_completion_entry_log2(4);
        self.store(CONFIGURATION, Width::Word, u64::from(u32::from(configuration)))?;
        wait(self.function, "the controller to start (CSTS.RDY 1)", milliseconds, || {
            let status = self.status()?;
            if status.fatal() {
                return Err(DeviceError::Failed {
                    command: "enabling the controller (CSTS.CFS 1)",
                    status: u32::from(status),
                });
            }
            Ok(status.ready().then_some(()))
        })
    }

    /// Asks the controller and its first active namespace what they are.
    fn identify(&mut self) -> Result<(), DeviceError> {
        let controller: IdentifyController = self.identify_structure(Structure::Controller, 0)?;
        // The unit is the smallest memory page, 4 KiB as seen before.
        let largest_pages = match controller.largest_transfer_log2 {
            0 => LARGEST_PAGES,
            log2 => LARGEST_PAGES.min(1_u64.checked_shl(u32::from(log2)).unwrap_or(LARGEST_PAGES)),
        };
        self.identity = Identity {
            serial: text(&controller.serial),
            model: text(&controller.model),
            firmware: text(&controller.firmware),
            largest_transfer: largest_pages * PAGE_SIZE,
            ..Identity::UNKNOWN
        };
        self.identify_namespace()
    }

    /// Asks the first active namespace what it is.
    fn identify_namespace(&mut self) -> Result<(), DeviceError> {
        let active: ActiveNamespaces = self.identify_structure(Structure::ActiveNamespaces, 0)?;
        self.namespace = active.first.get();
        if self.namespace == 0 {
            self.identity.unusable = Some("the controller has no active namespace");
            return Ok(());
        }
        let namespace: IdentifyNamespace = self.identify_structure(Structure::Namespace, self.namespace)?;
        let plain = |format: &BlockFormat| format.metadata.get() == 0 && (9..=12).contains(&format.data_log2);
        let Some(format) = namespace.block_format().filter(plain) else {
            self.identity.unusable = Some("the blocks have metadata, or not between 512 and 4096 bytes");
            return Ok(());
        };
        let block_size = 1_u32 << format.data_log2;
        self.identity.capacity = namespace.blocks.get().saturating_mul(u64::from(block_size));
        self.identity.block_size = block_size;
        self.identity.read_only = namespace.is_write_protected();
        self.identity.unusable = None;
        Ok(())
    }

    fn identify_structure<T: FromBytes + IntoBytes>(
        &mut self,
        structure: Structure,
        namespace: u32,
    ) -> Result<T, DeviceError> {
        let data = self.pointer_to(IDENTIFY);
        self.administer("the completion of Identify", Command::identify(structure, namespace, data))?;
        let mut value = T::new_zeroed();
        self.memory.read(IDENTIFY, value.as_mut_bytes())?;
        Ok(value)
    }

    /// Creates the queues for reading and writing; the completion queue comes first, since the other names it.
    fn create_queues(&mut self) -> Result<(), DeviceError> {
        let (identifier, entries) = (self.io.identifier, self.io.entries);
        let completion = self.pointer_to(self.io.completion);
        let submission = self.pointer_to(self.io.submission);
        self.administer(
            "the completion of Create I/O Completion Queue",
            Command::create_completion_queue(identifier, entries, self.vector, completion),
        )?;
        self.administer(
            "the completion of Create I/O Submission Queue",
            Command::create_submission_queue(identifier, entries, submission),
        )
    }

    /// Leads to one page of the controller's memory.
    fn pointer_to(&self, offset: usize) -> DataPointer {
        DataPointer { prp_1: self.memory.iova(offset).get(), prp_2: 0 }
    }

    /// First block and number of blocks of a transfer, and where its data lies; the list is written for it.
    fn transfer(&self, offset: u64, data: IovaRange) -> Result<(u64, u16, DataPointer), DeviceError> {
        let bytes = data.pages() * PAGE_SIZE;
        let block_size = u64::from(self.identity.block_size);
        let pointer = DataPointer::new(data, self.memory.iova(PRP_LIST));
        let blocks = u16::try_from(bytes / block_size);
        let (Some(pointer), Ok(blocks)) = (pointer, blocks) else {
            return Err(DeviceError::Unexpected { what: "number of bytes for one command", value: bytes });
        };
        for (slot, page) in prp::list(data).enumerate() {
            self.memory.write(PRP_LIST + slot * 8, &page.to_le_bytes())?;
        }
        Ok((offset / block_size, blocks, pointer))
    }

    fn administer(&mut self, name: &'static str, command: Command) -> Result<(), DeviceError> {
        execute(self.function, self.memory, &mut self.admin, name, command)
    }

    fn perform(&mut self, name: &'static str, command: Command) -> Result<(), DeviceError> {
        execute(self.function, self.memory, &mut self.io, name, command)
    }

    fn status(&self) -> Result<ControllerStatus, DeviceError> {
        Ok(ControllerStatus::from(self.load(STATUS, Width::Word)? as u32))
    }

    fn load(&self, offset: u64, width: Width) -> Result<u64, DeviceError> {
        Ok(self.function.load(Space::Bar(0), offset, width)?)
    }

    fn store(&self, offset: u64, width: Width, value: u64) -> Result<(), DeviceError> {
        Ok(self.function.store(Space::Bar(0), offset, width, value)?)
    }
}

/// Hands a command to a queue and waits for its completion.
fn execute<M: Frames>(
    function: &impl PciFunction,
    memory: &DmaBuffer<'_, M>,
    queue: &mut QueuePair,
    name: &'static str,
    command: Command,
) -> Result<(), DeviceError> {
    queue.submit(function, memory, command)?;
    let completion = wait(function, name, COMMAND_MILLISECONDS, || queue.take(function, memory))?;
    check(&completion, name)
}

fn check(completion: &Completion, name: &'static str) -> Result<(), DeviceError> {
    match completion.status_code() {
        0 => Ok(()),
        status => Err(DeviceError::Failed { command: name, status: u32::from(status) }),
    }
}

/// Reads the first page of the disk, and does nothing with it.
impl<F: PciFunction, M: Frames> Requests for Controller<'_, '_, F, M> {
    fn start(&mut self, vector: Option<u16>) -> Result<(), DeviceError> {
        self.vector = vector;
        self.restart()
    }

    fn submit(&mut self, target: Option<Iova>) -> Result<(), DeviceError> {
        let start = target.unwrap_or_else(|| self.memory.iova(IDENTIFY));
        let target = IovaRange::with_size(start, PAGE_SIZE)
            .map_err(|_| DeviceError::Unexpected { what: "place of a page", value: start.get() })?;
        let (first, blocks, pointer) = self.transfer(0, target)?;
        self.io.submit(self.function, self.memory, Command::read(self.namespace, first, blocks, pointer))
    }

    fn is_done(&mut self) -> Result<bool, DeviceError> {
        match self.io.take(self.function, self.memory)? {
            Some(completion) => check(&completion, "a read").map(|()| true),
            None => Ok(false),
        }
    }
}

impl<F: PciFunction, M: Frames> Disk for Controller<'_, '_, F, M> {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn restart(&mut self) -> Result<(), DeviceError> {
        self.reset()?;
        self.identify()?;
        self.create_queues()
    }

    fn read(&mut self, offset: u64, data: IovaRange) -> Result<(), DeviceError> {
        let (first, blocks, pointer) = self.transfer(offset, data)?;
        self.perform("the completion of a read", Command::read(self.namespace, first, blocks, pointer))
    }

    fn write(&mut self, offset: u64, data: IovaRange) -> Result<(), DeviceError> {
        let (first, blocks, pointer) = self.transfer(offset, data)?;
        self.perform("the completion of a write", Command::write(self.namespace, first, blocks, pointer))?;
        self.perform("the completion of a flush", Command::flush(self.namespace))
    }
}
