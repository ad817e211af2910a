// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! An NVMe controller with one namespace, whose every byte of DMA goes through the fake machine.
//!
//! It shares nothing with the driver: commands are taken apart by their offsets (NVM Express Base Specification 1.4).

use std::collections::BTreeMap;

use qemu_s390x::pci::Width;

/// A device was refused an access.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused;

/// How the controller reaches storage, and what is wrong with it.
pub(crate) trait Bus {
    fn read(&self, iova: u64, bytes: &mut [u8]) -> Result<(), Refused>;
    fn write(&self, iova: u64, bytes: &[u8]) -> Result<(), Refused>;
    fn swaps_pages(&self) -> bool;
    fn never_completes(&self) -> bool;
    /// An interrupt by entry `vector` of the MSI-X table.
    fn interrupt(&self, vector: u16);
    /// The device interrupts before the completion is written, which then is never.
    fn interrupts_early(&self) -> bool;
}

/// What a submission queue needs; its completion queue has the same number.
#[derive(Clone, Copy, Debug)]
struct Queue {
    base: u64,
    entries: u64,
    at: u64,
}

pub(crate) struct Nvme {
    pub(crate) disk: Vec<u8>,
    /// The registers that the program writes, by their offsets.
    registers: BTreeMap<u64, u64>,
    submission: BTreeMap<u64, Queue>,
    /// With its phase, and the entry of the MSI-X table by which it interrupts.
    completion: BTreeMap<u64, (Queue, u16, Option<u16>)>,
}

/// 2048 entries, pages of 4 KiB and more, the NVM command set.
const CAPABILITIES: u64 = 0x0040_0020_0f01_07ff;

/// Largest transfer: 4 KiB << this.
const LARGEST_TRANSFER_LOG2: u8 = 5;

const BLOCK: usize = 512;

impl Nvme {
    /// A disk of 16 MiB in whose every word its offset can be found.
    pub(crate) fn new() -> Self {
        let words = (0..16_u64 << 20).step_by(8).flat_map(|offset| (offset ^ 0x5a50_4349_2d50_4154).to_be_bytes());
        Self {
            disk: words.collect(),
            registers: BTreeMap::new(),
            submission: BTreeMap::new(),
            completion: BTreeMap::new(),
        }
    }

    fn register(&self, offset: u64) -> u64 {
        self.registers.get(&offset).copied().unwrap_or(0)
    }

    pub(crate) fn load(&self, offset: u64, _width: Width) -> u64 {
        match offset {
            0x00 => CAPABILITIES,
            // Ready as soon as it is enabled.
            0x1c => self.register(0x14) & 1,
            _ => self.register(offset),
        }
    }

    pub(crate) fn store(&mut self, bus: &impl Bus, offset: u64, value: u64) {
        match offset {
            0x14 => {
                self.registers.insert(offset, value);
                self.submission.clear();
                self.completion.clear();
                if value & 1 != 0 {
                    assert_eq!(value, 0x0046_0001, "entries of 64 and of 16 bytes, pages of 4 KiB");
                    let sizes = self.register(0x24);
                    self.create_submission(0, self.register(0x28), (sizes & 0xfff) + 1);
                    self.create_completion(0, self.register(0x30), (sizes >> 16) + 1, Some(0));
                }
            }
            0x1000.. if offset & 4 == 0 => {
                // A refusal ends the work; the function is in its error state then.
                let _ = self.work(bus, (offset - 0x1000) / 8, value);
            }
            0x1000.. => {}
            _ => drop(self.registers.insert(offset, value)),
        }
    }

    fn create_submission(&mut self, number: u64, base: u64, entries: u64) {
        self.submission.insert(number, Queue { base, entries, at: 0 });
    }

    fn create_completion(&mut self, number: u64, base: u64, entries: u64, vector: Option<u16>) {
        self.completion.insert(number, (Queue { base, entries, at: 0 }, 1, vector));
    }

    /// Does what the submission queue holds up to `tail`.
    fn work(&mut self, bus: &impl Bus, number: u64, tail: u64) -> Result<(), Refused> {
        while self.submission[&number].at != tail {
            let queue = self.submission.get_mut(&number).unwrap();
            assert!(tail < queue.entries, "a tail within the queue");
            let mut command = [0; 64];
            bus.read(queue.base + 64 * queue.at, &mut command)?;
            queue.at = (queue.at + 1) % queue.entries;
            let head = queue.at;
            let status = if number == 0 { self.administer(bus, &command)? } else { self.transfer(bus, &command)? };

            let (queue, phase, vector) = self.completion.get_mut(&number).unwrap();
            let vector = *vector;
            let mut entry = [0; 16];
            entry[8..10].copy_from_slice(&(head as u16).to_le_bytes());
            entry[10..12].copy_from_slice(&(number as u16).to_le_bytes());
            entry[12..14].copy_from_slice(&command[2..4]);
            entry[14..16].copy_from_slice(&(status << 1 | *phase).to_le_bytes());
            if bus.never_completes() {
                return Ok(());
            }
            let is_early = bus.interrupts_early() && vector == Some(1);
            if !is_early {
                bus.write(queue.base + 16 * queue.at, &entry)?;
            }
            queue.at = (queue.at + 1) % queue.entries;
            *phase ^= u16::from(queue.at == 0);
            if let Some(vector) = vector {
                bus.interrupt(vector);
            }
        }
        Ok(())
    }

    fn administer(&mut self, bus: &impl Bus, command: &[u8; 64]) -> Result<u16, Refused> {
        let page = doubleword(command, 24);
        let ten = doubleword(command, 40);
        let (number, entries) = (ten & 0xffff, (ten >> 16 & 0xffff) + 1);
        match command[0] {
            0x05 => {
                let attributes = ten >> 32;
                assert_eq!(attributes & 0xfffd, 1, "a contiguous queue");
                let vector = (attributes & 2 != 0).then_some((attributes >> 16) as u16);
                self.create_completion(number, page, entries, vector);
            }
            0x01 => {
                assert_eq!(ten >> 32, number << 16 | 1, "a contiguous queue, completed in the one of its number");
                assert!(self.completion.contains_key(&number), "the completion queue comes first");
                self.create_submission(number, page, entries);
            }
            0x06 => bus.write(page, &self.identify(ten & 0xff, doubleword(command, 0) >> 32))?,
            _ => return Ok(1),
        }
        Ok(0)
    }

    fn identify(&self, structure: u64, namespace: u64) -> [u8; 4096] {
        let mut page = [0; 4096];
        match structure {
            0 => {
                assert_eq!(namespace, 1);
                page[0..8].copy_from_slice(&(self.disk.len() as u64 / BLOCK as u64).to_le_bytes());
                page[130] = 9;
            }
            1 => {
                page[4..24].copy_from_slice(b"ZPCI-HOST-0001      ");
                page[24..64].copy_from_slice(b"fake                                    ");
                page[64..72].copy_from_slice(b"1       ");
                page[77] = LARGEST_TRANSFER_LOG2;
            }
            _ => page[0] = 1,
        }
        page
    }

    fn transfer(&mut self, bus: &impl Bus, command: &[u8; 64]) -> Result<u16, Refused> {
        if command[0] == 0 {
            return Ok(0);
        }
        let start = doubleword(command, 40) as usize * BLOCK;
        let length = (usize::from(command[48]) + (usize::from(command[49]) << 8) + 1) * BLOCK;
        assert!(length <= 4096 << LARGEST_TRANSFER_LOG2, "a command for {length:#x} bytes");
        let mut pages = vec![doubleword(command, 24)];
        let (more, second) = (length.div_ceil(4096) - 1, doubleword(command, 32));
        if more == 1 {
            pages.push(second);
        }
        if more > 1 {
            let mut list = vec![0; 8 * more];
            bus.read(second, &mut list)?;
            pages.extend(list.chunks(8).map(|entry| u64::from_le_bytes(entry.try_into().unwrap())));
            if bus.swaps_pages() {
                pages.swap(0, 1);
            }
        }
        for (page, data) in pages.into_iter().zip(self.disk[start..start + length].chunks_mut(4096)) {
            match command[0] {
                1 => bus.read(page, data)?,
                2 => bus.write(page, data)?,
                _ => return Ok(1),
            }
        }
        Ok(0)
    }
}

fn doubleword(command: &[u8; 64], offset: usize) -> u64 {
    u64::from_le_bytes(command[offset..offset + 8].try_into().unwrap())
}
