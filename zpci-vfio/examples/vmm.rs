// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A VMM in little: one function of the host, 1 MiB of guest storage, and a guest that enables the function, registers
//! a table and refreshes it. The host is a stand-in: where a real VMM has files of VFIO, this one has an answer in
//! memory and books.
//!
//! `examples/passthrough.rs` does the same with a real function.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};

use clp::responder::{
    Answer, Done, Groups, GuestFunction, GuestTranslation, Responder, Rules as ClpRules, SetAction, Virtualization,
};
use clp::{Bar, DesignationTypes, FunctionHandle, FunctionId, ListSummary, LogicalProcessor, Uid};
use s390_iommu::guest::{self, Effect, End, FunctionControls, Mpcifc, Refreshed, Rpcit, Rules};
use s390_iommu::{Fib, Iova, IovaRange, Protection, Status};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use zpci_vfio::{AddressSpace, Given, Host, Shadow, Storage};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// VFIO_DEVICE_GET_INFO as Linux 6.1 answers it, in the byte order of this machine.
fn device_information(buffer: &mut [u8]) -> io::Result<()> {
    let mut answer = Vec::new();
    answer.extend([108_u32, 0x82, 9, 5, 20].map(u32::to_ne_bytes).concat());
    // The function: identifier 1, version 2, the next one at 60.
    answer.extend([1_u16, 2].map(u16::to_ne_bytes).concat());
    answer.extend(60_u32.to_ne_bytes());
    answer.extend([0x1_0000_0000_u64, 0x1ff_ffff_ffff_ffff].map(u64::to_ne_bytes).concat());
    answer.extend([0x01c0_u16, 0, 64].map(u16::to_ne_bytes).concat());
    answer.extend([0x0a, 0x07]);
    answer.extend([0x8001_0007_u32, 0].map(u32::to_ne_bytes).concat());
    // Its group: identifier 2, version 2, the last one.
    answer.extend([2_u16, 2].map(u16::to_ne_bytes).concat());
    answer.extend(0_u32.to_ne_bytes());
    answer.extend([0, 0xfe00_0000_0000_0000_u64, 1].map(u64::to_ne_bytes).concat());
    answer.extend([4000_u16, 64, 128].map(u16::to_ne_bytes).concat());
    answer.extend([1, 0]);
    answer.extend([4096_u16, 0, 0, 0].map(u16::to_ne_bytes).concat());
    // A buffer that is too small gets the structure with the size, and no capability.
    let is_whole = buffer.len() >= answer.len();
    if !is_whole {
        answer.truncate(16);
        answer.extend(0_u32.to_ne_bytes());
    }
    buffer.iter_mut().zip(answer).for_each(|(to, from)| *to = from);
    Ok(())
}

/// What is mapped, where a VMM has a `Container` or an `Ioas`.
#[derive(Default)]
struct Books {
    pages: RefCell<BTreeMap<u64, Protection>>,
    /// How many pages the host maps.
    limit: RefCell<usize>,
}

impl AddressSpace for Books {
    unsafe fn map(&self, iova: u64, _: *mut u8, _: u64, protection: Protection) -> io::Result<()> {
        if self.pages.borrow().len() == *self.limit.borrow() {
            return Err(io::Error::from_raw_os_error(libc::ENOSPC));
        }
        self.pages.borrow_mut().insert(iova, protection);
        Ok(())
    }

    fn unmap(&self, iova: u64, size: u64) -> io::Result<()> {
        self.pages.borrow_mut().retain(|page, _| !(iova..iova + size).contains(page));
        Ok(())
    }
}

/// A guest: what CLP is answered from, and one function.
struct Vmm {
    slots: [Option<GuestFunction>; 4],
    groups: Groups<4>,
    function: FunctionControls,
}

impl Vmm {
    /// CLP: a VMM copies the block out of the guest and back what was written.
    fn clp<S: AddressSpace>(
        &mut self,
        block: &mut [u8],
        shadow: &mut Shadow<&GuestMemoryMmap, S>,
        window: IovaRange,
        out: &mut dyn Write,
    ) -> Result<Done> {
        let responder = Responder {
            functions: &self.slots,
            groups: self.groups.as_slice(),
            summary: ListSummary { max_functions: 16, uid_checking: true },
            characteristics: None,
            rules: ClpRules::HARDWARE,
        };
        let command = block.get(3).copied().unwrap_or(0);
        let done = match responder.answer(LogicalProcessor::PCI, block) {
            Answer::Done(done) => done,
            Answer::Set(request) => {
                let slot = request.slot() as u32;
                let handle = match request.action() {
                    SetAction::Enable => FunctionHandle(0x8001_0000 | slot),
                    _ => FunctionHandle(0x0001_0000 | slot),
                };
                // The device is opened or reset here; a disabled function has nothing mapped.
                match request.action() {
                    SetAction::Enable => self.function.enable(handle),
                    _ => shadow.apply(&self.function.disable(handle), window)?,
                }
                if let Some(Some(function)) = self.slots.get_mut(request.slot()) {
                    function.handle = handle;
                }
                request.confirm(handle).map_err(|error| error.to_string())?
            }
            Answer::OperandException => return Err("an operand exception".into()),
        };
        let code = u16::from_be_bytes([block[34], block[35]]);
        let written = done.written();
        writeln!(
            out,
            "CLP command {command}: response {code:#06x}, bytes {} to {} are copied back",
            written.start, written.end
        )?;
        Ok(done)
    }

    /// MPCIFC; what it asks for is done on the host before the guest goes on, or the guest is told that it was not.
    fn mpcifc<S: AddressSpace>(
        &mut self,
        r1: u64,
        fib: &Fib,
        shadow: &mut Shadow<&GuestMemoryMmap, S>,
        window: IovaRange,
        memory: &GuestMemoryMmap,
        out: &mut dyn Write,
    ) -> Result<()> {
        let request = Mpcifc::decode(r1, 0x1000).map_err(|answer| format!("{answer:?}"))?;
        let (mut answer, effect) = self.function.modify(&request, fib);
        let mut is_exhausted = shadow.apply(&effect, window).is_err();
        // What was unmapped because of the error is mapped again before the device does DMA.
        let pending = if effect == Effect::Reset { self.function.refresh_all() } else { None };
        if let Some(pending) = pending {
            let refreshed = self.finish(Refreshed::More(pending), shadow, memory);
            writeln!(out, "refreshed: {}", end(refreshed))?;
            is_exhausted |= refreshed == guest::Answer::status(refreshed.register, Status::INSUFFICIENT_RESOURCE);
        }
        if is_exhausted {
            answer = self.function.take_back(answer, Status::INSUFFICIENT_RESOURCE);
        }
        writeln!(out, "MPCIFC: {}, {effect:?}, {} pages mapped", end(answer), shadow.pages())?;
        Ok(())
    }

    /// RPCIT, a few entries at a time; a VMM lets others run in between.
    fn rpcit<S: AddressSpace>(
        &mut self,
        r1: u64,
        start: u64,
        length: u64,
        shadow: &mut Shadow<&GuestMemoryMmap, S>,
        memory: &GuestMemoryMmap,
        out: &mut dyn Write,
    ) -> Result<()> {
        let request = Rpcit::decode(r1, 2, [start, length]).map_err(|answer| format!("{answer:?}"))?;
        let progress = self.function.refresh(&request);
        let answer = self.finish(progress, shadow, memory);
        let event = answer.event.map_or(String::new(), |event| format!(", event {:#x}", event.code.get()));
        writeln!(out, "RPCIT: {}, {} pages mapped{event}", end(answer), shadow.pages())?;
        Ok(())
    }

    fn finish<S: AddressSpace>(
        &mut self,
        mut progress: Refreshed,
        shadow: &mut Shadow<&GuestMemoryMmap, S>,
        memory: &GuestMemoryMmap,
    ) -> guest::Answer {
        loop {
            match progress {
                Refreshed::Done(answer) => return answer,
                Refreshed::More(pending) => progress = self.function.proceed(pending, &Storage(memory), shadow, 16),
            }
        }
    }
}

fn end(answer: guest::Answer) -> String {
    match answer.end {
        End::Condition(condition) => format!("cc {}, R1 {:#018x}", condition as u8, answer.register),
        End::ProgramCheck(interruption) => format!("{interruption:?}"),
    }
}

/// The VMM, from the first question to the host to the last instruction of the guest.
pub(crate) fn run(out: &mut dyn Write) -> Result<()> {
    // The host: with a real function `Device::information`, sysfs by `Host::with_sysfs`, and `Device::bars`.
    let host = Host::new(&zpci_vfio::ask(device_information)?)?;
    let nvme = Bar::new([4, 0, 0, 0], 14).unwrap_or(Bar::ABSENT);
    let host = Host { vendor: 0x1b36, device: 0x0010, ..host }.with_bars([
        nvme,
        Bar::ABSENT,
        Bar::ABSENT,
        Bar::ABSENT,
        Bar::ABSENT,
        Bar::ABSENT,
    ]);
    let shadowed = GuestTranslation::Shadowed { roots: DesignationTypes(0x40), relaxed_translation: false };
    let mut groups = Groups::new();
    let given = Given {
        id: FunctionId(0x21),
        uid: Uid(0x11),
        handle: FunctionHandle(0x0001_0001),
        window: Some((0x1_0000_0000, 0x1_ffff_ffff)),
        virtualization: Virtualization { translation: shadowed, max_store_block: 128 },
        fmb_length: 0,
        place: None,
        rules: Rules::HARDWARE,
    };
    let (guest, function) = host.give(&mut groups, &given)?;
    let mut vmm = Vmm { slots: [None, Some(guest), None, None], groups, function };

    let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 1 << 20)])?;
    let books = Books::default();
    *books.limit.borrow_mut() = 64;
    // SAFETY: nobody has a reference into the storage of the guest, which stays until the end.
    let mut shadow = unsafe { Shadow::new(&memory, &books) };
    let window = IovaRange::new(Iova::new(0x1_0000_0000), Iova::new(0x1_ffff_ffff))?;

    // LIST PCI, then SET PCI FN: enable, one DMA address space.
    let mut block = [0; 4096];
    block[..4].copy_from_slice(&[0, 32, 0, 2]);
    block[33] = 64;
    let _ = vmm.clp(&mut block, &mut shadow, window, out)?;
    let handle: [u8; 4] = block[76..80].try_into()?;
    block.fill(0);
    block[..4].copy_from_slice(&[0, 32, 0, 5]);
    block[16..20].copy_from_slice(&handle);
    (block[23], block[33]) = (1, 32);
    let _ = vmm.clp(&mut block, &mut shadow, window, out)?;
    let r1 = u64::from(u32::from_be_bytes(block[48..52].try_into()?)) << 32;

    // Tables at 0x4000, 0x8000 and 0xc000; pages 0 to 7 lead to storage, the third one is read-only.
    let put = |at: u64, value: u64| memory.write_slice(&value.to_be_bytes(), GuestAddress(at));
    (0x4000..0xc000).step_by(8).try_for_each(|at| put(at, 0x20))?;
    (0xc000..0xc800).step_by(8).try_for_each(|at| put(at, 0x400))?;
    put(0x4000 + 2 * 8, 0x8007)?;
    put(0x8000, 0xc000)?;
    for page in 0..8 {
        put(0xc000 + page * 8, 0x10000 + page * 4096 + if page == 2 { 0x200 } else { 0 })?;
    }

    vmm.mpcifc(r1 | 4, &Fib::translation(window, 0x4804.into()), &mut shadow, window, &memory, out)?;
    vmm.rpcit(r1, 0x1_0000_0000, 0x1_0000_0000, &mut shadow, &memory, out)?;
    // The host runs out after one of two new pages: neither is mapped.
    *books.limit.borrow_mut() = 9;
    put(0xc000 + 9 * 8, 0x20000)?;
    put(0xc000 + 11 * 8, 0x30000)?;
    vmm.rpcit(r1, 0x1_0000_0000, 0x10_0000, &mut shadow, &memory, out)?;
    *books.limit.borrow_mut() = 64;
    vmm.rpcit(r1, 0x1_0000_0000, 0x10_0000, &mut shadow, &memory, out)?;
    let read_only = books.pages.borrow().values().filter(|protection| **protection == Protection::ReadOnly).count();
    writeln!(out, "the host has {} pages, {read_only} of them read-only", books.pages.borrow().len())?;
    // An entry of the wrong kind: an event, which the guest asks for by CHSC.
    put(0x8000, 0xc004)?;
    vmm.rpcit(r1, 0x1_0000_0000, 0x1000, &mut shadow, &memory, out)?;
    // The device is kept from DMA until the guest has mended its table and resets the error, and finds all as it was. At first
    // the host can map no more, and the function stays blocked until the guest resets it again.
    shadow.clear();
    put(0x8000, 0xc000)?;
    *books.limit.borrow_mut() = 9;
    for operation in [9, 7] {
        vmm.mpcifc(r1 | operation, &Fib::ZERO, &mut shadow, window, &memory, out)?;
    }
    *books.limit.borrow_mut() = 64;
    vmm.mpcifc(r1 | 7, &Fib::ZERO, &mut shadow, window, &memory, out)?;
    vmm.mpcifc(r1 | 5, &Fib::translation(window, 0x4804.into()), &mut shadow, window, &memory, out)?;
    Ok(())
}

fn main() -> Result<()> {
    run(&mut io::stdout())
}
