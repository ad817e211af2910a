// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a case needs of the place it runs in.

use core::ops::DerefMut;

use clp::{Block, Clp, FunctionHandle, FunctionId};
use s390_iommu::{AbsoluteAddress, Iova, TableAllocator, Zpci};

use crate::message::Message;

/// A machine with zPCI: the fake one of the host, or one that executes the instructions.
pub trait Machine: Clp + Zpci {
    /// Where the tables of a case live; every clone hands out the same storage.
    type Storage: TableAllocator + Clone;

    /// Where the command blocks of a case live, which are too large for the stack of a kernel.
    type Block: DerefMut<Target = Block>;

    /// Storage for tables.
    fn storage(&self) -> Self::Storage;

    /// A command block of zeros.
    fn block(&self) -> Self::Block;

    /// Reads eight bytes of a table as the hardware does, big-endian, from absolute storage.
    ///
    /// Nothing where there is no table of [`storage`](Self::storage) or `address` is not a multiple of eight.
    fn entry(&self, address: AbsoluteAddress) -> Option<u64>;

    /// One megabyte of storage, aligned to one megabyte, that a device may read and write.
    fn data(&self) -> AbsoluteAddress;

    /// A function that the cases may enable, register and disable because nobody else uses it.
    ///
    /// The cases find it disabled and leave it disabled. Nothing where there is no such function.
    fn function(&self) -> Option<FunctionId>;

    /// What the machine saw since the last call that no instruction reports, such as an access to freed storage.
    ///
    /// A case during which the machine had something to complain about has failed.
    fn complaint(&self) -> Option<Message> {
        None
    }
}

/// A machine whose spare function has a device that reads and writes storage when it is told to.
pub trait Device: Machine {
    /// Lets the device of `function` read from `iova` on until `bytes` is full.
    ///
    /// # Errors
    ///
    /// [`DmaError`]; what was read before the page that was refused is there.
    fn dma_read(&self, function: FunctionHandle, iova: Iova, bytes: &mut [u8]) -> Result<(), DmaError>;

    /// Lets the device of `function` write all of `bytes` from `iova` on.
    ///
    /// # Errors
    ///
    /// [`DmaError`]; what was written before the page that was refused is there.
    fn dma_write(&self, function: FunctionHandle, iova: Iova, bytes: &[u8]) -> Result<(), DmaError>;

    /// Reads bytes of [`Machine::data`], from the `offset`-th on, as the program does.
    fn read_data(&self, offset: u64, bytes: &mut [u8]);

    /// Writes bytes of [`Machine::data`], from the `offset`-th on, as the program does.
    fn write_data(&self, offset: u64, bytes: &[u8]);
}

/// Why a device did not reach what it was told to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DmaError {
    /// The machine refused the access and put the function in error; the PCI event code, where it told one.
    Refused(Option<u16>),
    /// The function is not in a state in which its device does DMA.
    State,
    /// The machine could tell that the access relied on an entry that was changed and not refreshed; it complains.
    Stale,
}
