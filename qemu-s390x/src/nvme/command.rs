// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Commands and their completions.
//!
//! NVM Express Base Specification 1.4, sections 4.2 (submission), 4.6 (completion), 5.3, 5.4, 5.15 and 6.

use static_assertions::const_assert_eq;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::prp::DataPointer;

/// Entry of a submission queue, 64 bytes, little-endian.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub(super) struct Command {
    /// What to do.
    pub(super) opcode: u8,
    /// Fused operation and kind of data pointer; 0: neither fused nor a scatter gather list.
    pub(super) flags: u8,
    /// Comes back in the completion.
    pub(super) identifier: U16,
    /// Namespace.
    pub(super) namespace: U32,
    /// Command dwords 2 and 3.
    pub(super) dwords_2: [U32; 2],
    /// Metadata pointer.
    pub(super) metadata: U64,
    /// First entry of the physical region pages (PRP1).
    pub(super) prp_1: U64,
    /// Second page, or the list of all further pages (PRP2).
    pub(super) prp_2: U64,
    /// Command dwords 10 to 15.
    pub(super) dwords_10: [U32; 6],
}

const_assert_eq!(size_of::<Command>(), 64);

impl Command {
    const ZERO: Self = Self {
        opcode: 0,
        flags: 0,
        identifier: U16::ZERO,
        namespace: U32::ZERO,
        dwords_2: [U32::ZERO; 2],
        metadata: U64::ZERO,
        prp_1: U64::ZERO,
        prp_2: U64::ZERO,
        dwords_10: [U32::ZERO; 6],
    };

    /// Identify: stores 4 KiB that tell about `structure`.
    pub(super) fn identify(structure: Structure, namespace: u32, data: DataPointer) -> Self {
        Self::new(0x06, namespace, data, [structure as u32, 0, 0])
    }

    /// Create I/O Completion Queue `identifier` of `entries` entries at `data`, with interrupts by MSI-X entry `vector` or
    /// without.
    pub(super) fn create_completion_queue(
        identifier: u16,
        entries: u16,
        vector: Option<u16>,
        data: DataPointer,
    ) -> Self {
        // Contiguous; interrupts enabled.
        let attributes = vector.map_or(1, |vector| u32::from(vector) << 16 | 0b11);
        Self::new(0x05, 0, data, [queue(identifier, entries), attributes, 0])
    }

    /// Create I/O Submission Queue `identifier` of `entries` entries at `data`, on the completion queue of the same
    /// number.
    pub(super) fn create_submission_queue(identifier: u16, entries: u16, data: DataPointer) -> Self {
        // Contiguous.
        let attributes = u32::from(identifier) << 16 | 1;
        Self::new(0x01, 0, data, [queue(identifier, entries), attributes, 0])
    }

    /// Read `blocks` logical blocks, at least one, from `first` on.
    pub(super) fn read(namespace: u32, first: u64, blocks: u16, data: DataPointer) -> Self {
        Self::new(0x02, namespace, data, transfer(first, blocks))
    }

    /// Write `blocks` logical blocks, at least one, from `first` on.
    pub(super) fn write(namespace: u32, first: u64, blocks: u16, data: DataPointer) -> Self {
        Self::new(0x01, namespace, data, transfer(first, blocks))
    }

    /// Flush: what was written before becomes permanent.
    pub(super) fn flush(namespace: u32) -> Self {
        Self::new(0x00, namespace, DataPointer::NONE, [0; 3])
    }

    fn new(opcode: u8, namespace: u32, data: DataPointer, dwords_10: [u32; 3]) -> Self {
        let [ten, eleven, twelve] = dwords_10.map(U32::new);
        Self {
            opcode,
            namespace: U32::new(namespace),
            prp_1: U64::new(data.prp_1),
            prp_2: U64::new(data.prp_2),
            dwords_10: [ten, eleven, twelve, U32::ZERO, U32::ZERO, U32::ZERO],
            ..Self::ZERO
        }
    }

    /// The same command with a number to know its completion by.
    pub(super) fn with_identifier(self, identifier: u16) -> Self {
        Self { identifier: U16::new(identifier), ..self }
    }
}

/// Dword 10 of the commands that create a queue: size less one, and number.
fn queue(identifier: u16, entries: u16) -> u32 {
    u32::from(entries.saturating_sub(1)) << 16 | u32::from(identifier)
}

/// Dwords 10 to 12 of read and write: first block, and number of blocks less one.
fn transfer(first: u64, blocks: u16) -> [u32; 3] {
    [first as u32, (first >> 32) as u32, u32::from(blocks.saturating_sub(1))]
}

/// What Identify tells about (CNS).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub(super) enum Structure {
    Namespace = 0,
    Controller = 1,
    ActiveNamespaces = 2,
}

/// Entry of a completion queue, 16 bytes, little-endian.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub(super) struct Completion {
    /// Specific to the command.
    pub(super) result: U32,
    /// Reserved.
    pub(super) reserved: U32,
    /// How far the controller has read the submission queue.
    pub(super) submission_head: U16,
    /// Which submission queue.
    pub(super) submission_queue: U16,
    /// That of the command.
    pub(super) identifier: U16,
    /// Phase in bit 0, status above it.
    pub(super) status: U16,
}

const_assert_eq!(size_of::<Completion>(), 16);

impl Completion {
    /// Where the status lies.
    pub(super) const STATUS: usize = 14;

    /// Status code type and status code; 0: success.
    pub(super) fn status_code(&self) -> u16 {
        // Bits 15 and 14: do not retry, more; both say how to go on and not what happened.
        self.status.get() >> 1 & 0x7ff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: DataPointer = DataPointer { prp_1: 0x1_0000_1000, prp_2: 0x1_0000_2000 };

    /// The bytes of a command by their offsets; all others must be zero.
    fn check(command: Command, expected: &[(usize, &[u8])]) {
        let mut bytes = [0; 64];
        for (offset, part) in expected {
            bytes[*offset..offset + part.len()].copy_from_slice(part);
        }
        assert_eq!(command.as_bytes(), bytes);
    }

    #[test]
    fn identify() {
        check(
            Command::identify(Structure::Controller, 0, DATA).with_identifier(0x1234),
            &[
                (0, &[0x06, 0, 0x34, 0x12]),
                (24, &[0x00, 0x10, 0, 0, 1, 0, 0, 0]),
                (32, &[0x00, 0x20, 0, 0, 1, 0, 0, 0]),
                (40, &[1]),
            ],
        );
    }

    #[test]
    fn create_queues() {
        let data = DataPointer { prp_2: 0, ..DATA };
        check(
            Command::create_completion_queue(1, 32, None, data),
            &[(0, &[0x05]), (24, &[0x00, 0x10, 0, 0, 1]), (40, &[1, 0, 31, 0, 1, 0, 0, 0])],
        );
        check(
            Command::create_completion_queue(1, 32, Some(0x1234), data),
            &[(0, &[0x05]), (24, &[0x00, 0x10, 0, 0, 1]), (40, &[1, 0, 31, 0, 3, 0, 0x34, 0x12])],
        );
        check(
            Command::create_submission_queue(1, 32, data),
            &[(0, &[0x01]), (24, &[0x00, 0x10, 0, 0, 1]), (40, &[1, 0, 31, 0, 1, 0, 1, 0])],
        );
    }

    #[test]
    fn read_and_write() {
        let expected: &[(usize, &[u8])] = &[
            (4, &[7]),
            (24, &[0x00, 0x10, 0, 0, 1]),
            (32, &[0x00, 0x20, 0, 0, 1]),
            (40, &[0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xff, 0x00]),
        ];
        let read = Command::read(7, 0x1122_3344_5566_7788, 0x100, DATA);
        check(read, &[&[(0, &[0x02][..])], expected].concat());
        let write = Command::write(7, 0x1122_3344_5566_7788, 0x100, DATA);
        check(write, &[&[(0, &[0x01][..])], expected].concat());
    }

    #[test]
    fn flush() {
        check(Command::flush(7), &[(4, &[7])]);
    }

    #[test]
    fn completion() {
        let bytes = [1, 2, 3, 4, 0, 0, 0, 0, 5, 0, 1, 0, 0x34, 0x12, 0x05, 0x40];
        let completion = Completion::read_from_bytes(&bytes).unwrap();
        assert_eq!(completion.result.get(), 0x0403_0201);
        assert_eq!(completion.submission_head.get(), 5);
        assert_eq!(completion.submission_queue.get(), 1);
        assert_eq!(completion.identifier.get(), 0x1234);
        // Invalid field, do not retry, phase 1.
        assert_eq!(completion.status_code(), 2);
    }
}
