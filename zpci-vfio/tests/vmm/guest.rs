// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A guest with one function, passed through from a host of Linux 6.1, and three tables.

use std::fs;
use std::path::Path;

use clp::responder::{Groups, GuestTranslation, Virtualization};
use clp::{ConditionCode, DesignationTypes, FunctionHandle, FunctionId, Uid};
use s390_iommu::guest::{Answer, Effect, End, FunctionControls, Mpcifc, Refreshed, Rpcit, Rules};
use s390_iommu::{Fib, Iova, IovaRange};
use vm_memory::{Bytes, GuestAddress, GuestAddressSpace, GuestMemoryBackend, GuestMemoryMmap};
use zpci_vfio::{Given, Host, Shadow, Storage};

use crate::space::Space;

/// First address of the function.
pub(crate) const IOVA: u64 = 0x1_0000_0000;
/// The guest's storage: 1 MiB, and 64 KiB far above.
pub(crate) const STORAGE: [(u64, usize); 2] = [(0, 1 << 20), (0x4000_0000, 1 << 16)];

const HANDLE: u32 = 0x8001_0001;
const TABLES: [u64; 3] = [0x4000, 0x8000, 0xc000];

/// The bytes of a fixture, in the byte order of this machine.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let order = if cfg!(target_endian = "big") { "big" } else { "little" };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../s390-iommu/tests/fixtures/{name}-{order}.hex"));
    let text = fs::read_to_string(path).unwrap();
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

pub(crate) fn given(relaxed_translation: bool) -> Given {
    let translation = GuestTranslation::Shadowed { roots: DesignationTypes(0x40), relaxed_translation };
    Given {
        id: FunctionId(0x21),
        uid: Uid(0x11),
        handle: FunctionHandle(HANDLE & 0x7fff_ffff),
        window: Some((IOVA, IOVA + 0xffff_ffff)),
        virtualization: Virtualization { translation, max_store_block: 128 },
        fmb_length: 0,
        place: None,
        rules: Rules::HARDWARE,
    }
}

pub(crate) struct Guest {
    pub(crate) memory: GuestMemoryMmap,
    pub(crate) controls: FunctionControls,
}

impl Guest {
    /// A guest whose function is enabled, without a registration; its tables are empty.
    pub(crate) fn new(relaxed_translation: bool) -> Self {
        let host = Host { vendor: 0x1b36, device: 0x10, ..Host::new(&fixture("device-6.1")).unwrap() };
        let (_, mut controls) = host.give(&mut Groups::<1>::new(), &given(relaxed_translation)).unwrap();
        controls.enable(FunctionHandle(HANDLE));
        let memory = GuestMemoryMmap::from_ranges(&STORAGE.map(|(start, size)| (GuestAddress(start), size))).unwrap();
        let guest = Self { memory, controls };
        let [region, segment, page] = TABLES;
        (region..page).step_by(8).for_each(|at| guest.put(at, 0x20));
        (0..256).for_each(|index| guest.set_page(index, 0x400));
        guest.put(region + 2 * 8, segment | 7);
        guest.put(segment, page);
        guest
    }

    pub(crate) fn put(&self, at: u64, value: u64) {
        self.memory.write_slice(&value.to_be_bytes(), GuestAddress(at)).unwrap();
    }

    pub(crate) fn set_page(&self, index: u64, entry: u64) {
        self.put(TABLES[2] + index * 8, entry);
    }

    /// Where absolute address `absolute` is in this process.
    pub(crate) fn host(&self, absolute: u64) -> usize {
        self.memory.get_host_address(GuestAddress(absolute)).unwrap().addr()
    }

    pub(crate) fn window() -> IovaRange {
        IovaRange::new(Iova::new(IOVA), Iova::new(IOVA + 0xffff_ffff)).unwrap()
    }

    /// MPCIFC with operation `control` and the anchor `iota`.
    pub(crate) fn modify(&mut self, control: u64, iota: u64) -> Effect {
        let request = Mpcifc::decode(u64::from(HANDLE) << 32 | control, 0x1000).unwrap();
        let (answer, effect) = self.controls.modify(&request, &Fib::translation(Self::window(), iota.into()));
        assert_eq!(answer.end, End::Condition(ConditionCode::Zero));
        effect
    }

    /// Disables the function and enables it; what is to be done on the host in between.
    pub(crate) fn restart(&mut self) -> Effect {
        let ended = self.controls.disable(FunctionHandle(HANDLE & 0x7fff_ffff));
        self.controls.enable(FunctionHandle(HANDLE));
        ended
    }

    /// Registers the tables, in which a region-third table is the root.
    pub(crate) fn register(&mut self) -> Effect {
        self.modify(4, TABLES[0] | 0x804)
    }
}

/// RPCIT of `pages` pages from page `first` on, carried out a few steps at a time.
pub(crate) fn refresh(
    controls: &mut FunctionControls,
    shadow: &mut Shadow<impl GuestAddressSpace<M = GuestMemoryMmap>, &Space>,
    memory: &GuestMemoryMmap,
    first: u64,
    pages: u64,
) -> Answer {
    let pair = [IOVA + first * 4096, pages * 4096];
    let mut progress = controls.refresh(&Rpcit::decode(u64::from(HANDLE) << 32, 2, pair).unwrap());
    loop {
        match progress {
            Refreshed::Done(answer) => return answer,
            Refreshed::More(pending) => progress = controls.proceed(pending, &Storage(memory), shadow, 7),
        }
    }
}
