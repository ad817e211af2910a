// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One thing broken on purpose: the cases must fail, and say what is wrong.

use std::cell::Cell;
use std::ptr::NonNull;

use clp::{Clp, Command, ConditionCode, FunctionHandle, FunctionId, LogicalProcessor};
use s390_iommu::{
    AbsoluteAddress, Fib, FunctionControl, Instruction, Iova, IovaRange, Outcome, PhysToVirt, Status, TableAllocator,
    TableSize, Zpci,
};
use zpci_tests::fake::{Configuration, Fake, FunctionConfiguration, GroupConfiguration};
use zpci_tests::{cases, device_cases, Device, DmaError, Group, Machine, Message, Verdict};

/// What is broken.
#[derive(Clone, Copy)]
enum Sabotage {
    /// RPCIT is not executed.
    NoRefresh,
    /// Only every other RPCIT is executed.
    HalfOfTheRefreshes,
    /// MPCIFC registers an aperture that ends one page later.
    ApertureTooLong,
    /// MPCIFC registers an aperture that starts one page earlier.
    ApertureTooLow,
    /// MPCIFC registers the table as one of this designation type.
    DesignationType(u8),
    /// SET PCI FN disables nothing.
    NoDisable,
    /// Every list tells of its first function twice.
    ListRepeats,
    /// Tables are not given back.
    Leak,
    /// Tables are given back twice.
    DoubleFree,
    /// MPCIFC does not deregister, though it says so.
    NoDeregister,
}

/// A fake machine on which one thing is broken.
struct Broken {
    fake: Fake,
    sabotage: Sabotage,
    refreshes: Cell<u32>,
}

impl Broken {
    fn new(configuration: Configuration, sabotage: Sabotage) -> Self {
        Self { fake: Fake::new(configuration), sabotage, refreshes: Cell::new(0) }
    }
}

const DONE: Outcome = Outcome { cc: ConditionCode::Zero, status: Status(0) };

impl Clp for Broken {
    fn call(&self, processor: LogicalProcessor, block: &mut Command<'_>) -> ConditionCode {
        let request = [block.bytes()[3], block.bytes()[22]];
        if matches!(self.sabotage, Sabotage::NoDisable) && request == [5, 1] {
            // The answer says that the function is disabled.
            let handle = [block.bytes()[16] & 0x7f, block.bytes()[17], block.bytes()[18], block.bytes()[19]];
            block.bytes_mut()[34..36].copy_from_slice(&[0x00, 0x10]);
            block.bytes_mut()[48..52].copy_from_slice(&handle);
            return ConditionCode::Zero;
        }
        let condition = self.fake.call(processor, block);
        if matches!(self.sabotage, Sabotage::ListRepeats) && request[0] == 2 {
            let length = usize::from(u16::from_be_bytes([block.bytes()[32], block.bytes()[33]]));
            if (48..2048).contains(&length) {
                block.bytes_mut().copy_within(64..80, 32 + length);
                block.bytes_mut()[32..34].copy_from_slice(&(length as u16 + 16).to_be_bytes());
            }
        }
        condition
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        self.fake.immediate(command)
    }

    fn pause(&self, busy: u32) -> bool {
        Clp::pause(&self.fake, busy)
    }
}

impl Zpci for Broken {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        let mut fib = *fib;
        match (control, self.sabotage) {
            (FunctionControl(4), Sabotage::ApertureTooLong) => fib.last.set(fib.last.get() + 0x1000),
            (FunctionControl(4), Sabotage::ApertureTooLow) => fib.first.set(fib.first.get() - 0x1000),
            (FunctionControl(4), Sabotage::DesignationType(wrong)) => {
                fib.iota.set(fib.iota.get() & !0x1c | u64::from(wrong) << 2);
            }
            (FunctionControl(5), Sabotage::NoDeregister) => return DONE,
            _ => {}
        }
        // SAFETY: the fake machine has no storage but its own.
        unsafe { self.fake.mpcifc(function, control, &fib) }
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        self.refreshes.set(self.refreshes.get() + 1);
        match self.sabotage {
            Sabotage::NoRefresh => DONE,
            Sabotage::HalfOfTheRefreshes if self.refreshes.get().is_multiple_of(2) => DONE,
            _ => self.fake.rpcit(function, range),
        }
    }

    fn pause(&self, instruction: Instruction, busy: u32) -> bool {
        Zpci::pause(&self.fake, instruction, busy)
    }
}

/// Storage of tables that is not given back as it should be.
#[derive(Clone)]
struct Storage {
    fake: Fake,
    sabotage: Sabotage,
}

// SAFETY: every answer is that of the fake machine.
unsafe impl PhysToVirt for Storage {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        self.fake.phys_to_virt(origin)
    }
}

// SAFETY: every table comes from the fake machine.
unsafe impl TableAllocator for Storage {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        self.fake.allocate(size)
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        let times = match self.sabotage {
            Sabotage::Leak => 0,
            Sabotage::DoubleFree => 2,
            _ => 1,
        };
        for _ in 0..times {
            // SAFETY: the caller answers for the first time; a second time the fake machine only takes note of.
            unsafe { self.fake.deallocate(origin, size) };
        }
    }
}

impl Machine for Broken {
    type Storage = Storage;
    type Block = <Fake as Machine>::Block;

    fn storage(&self) -> Storage {
        Storage { fake: self.fake.clone(), sabotage: self.sabotage }
    }

    fn block(&self) -> Self::Block {
        self.fake.block()
    }

    fn entry(&self, address: AbsoluteAddress) -> Option<u64> {
        self.fake.entry(address)
    }

    fn data(&self) -> AbsoluteAddress {
        self.fake.data()
    }

    fn function(&self) -> Option<FunctionId> {
        self.fake.function()
    }

    fn complaint(&self) -> Option<Message> {
        self.fake.complaint()
    }
}

impl Device for Broken {
    fn dma_read(&self, function: FunctionHandle, iova: Iova, bytes: &mut [u8]) -> Result<(), DmaError> {
        Device::dma_read(&self.fake, function, iova, bytes)
    }

    fn dma_write(&self, function: FunctionHandle, iova: Iova, bytes: &[u8]) -> Result<(), DmaError> {
        Device::dma_write(&self.fake, function, iova, bytes)
    }

    fn read_data(&self, offset: u64, bytes: &mut [u8]) {
        Device::read_data(&self.fake, offset, bytes);
    }

    fn write_data(&self, offset: u64, bytes: &[u8]) {
        Device::write_data(&self.fake, offset, bytes);
    }
}

/// Runs the case `name` of `groups` and returns the message with which it must fail.
fn failure<M: Machine>(machine: &M, groups: &[Group<M>], name: &str) -> String {
    for group in groups {
        for case in group.cases {
            if format!("{}/{}", group.name, case.name) == name {
                return match case.verdict(machine) {
                    Verdict::Fail(message) => message.to_string(),
                    other => panic!("{name}: {other:?}"),
                };
            }
        }
    }
    panic!("no case {name}");
}

/// Sees that the case `name` fails on `machine` with a message that contains all of `parts`.
fn expect(machine: &Broken, name: &str, parts: &[&str]) {
    let message =
        if name.starts_with("dma/") { failure(machine, device_cases(), name) } else { failure(machine, cases(), name) };
    for part in parts {
        assert!(message.contains(part), "{name}: {message}");
    }
}

/// Of `groups`, the cases that fail on `machine`.
fn failing<M: Machine>(machine: &M, groups: &[Group<M>]) -> Vec<String> {
    let all = groups.iter().flat_map(|group| group.cases.iter().map(move |case| (group, case)));
    let failing = all.filter(|(_, case)| matches!(case.verdict(machine), Verdict::Fail(_)));
    failing.map(|(group, case)| format!("{}/{}", group.name, case.name)).collect()
}

/// A function whose window ends before its tables do.
fn small_window() -> Configuration {
    let function = FunctionConfiguration { edma: 0x8_ffff_ffff, ..FunctionConfiguration::nvme() };
    Configuration { functions: vec![function], ..Configuration::qemu() }
}

/// One bit of the entries in storage is not what was written.
#[test]
fn entry_off_by_one_bit() {
    for bit in 9..63 {
        // An inverted 0x400 makes a valid entry invalid.
        let mask = 1 << bit;
        let fake = Fake::new(Configuration::qemu());
        fake.invert_page_entries(mask);
        for root in ["region-third", "region-second", "region-first"] {
            let name = format!("translation-table/{root}/4K/map-one-page");
            let message = failure(&fake, cases(), &name);
            let wrong = format!("page-table entry: expected 0x765431000, found {:#x}", 0x7_6543_1000_u64 ^ mask);
            assert_eq!(message, wrong, "{name}");
        }
    }
    // A device notices too: its writes arrive at the next page.
    let fake = Fake::new(Configuration::qemu());
    fake.invert_page_entries(0x1000);
    let message = failure(&fake, device_cases(), "dma/write-and-read");
    assert!(message.starts_with("what the device wrote to 0x100123000: expected [0x1, 0x2,"), "{message}");
}

/// A device notices that entries were changed and the machine not told.
#[test]
fn missing_refresh() {
    let shadowing = Broken::new(Configuration::qemu(), Sabotage::NoRefresh);
    expect(
        &shadowing,
        "dma/write-and-read",
        &[
            "device writes 0x100123000",
            "Stale",
            "missing refresh: the function still translates 0x100123000 to nothing",
        ],
    );
    let walking = Broken::new(Configuration::hardware(false), Sabotage::NoRefresh);
    expect(
        &walking,
        "dma/unmapped",
        &[
            "device writes 0x31000",
            "Stale",
            "missing refresh: the function still translates 0x31000 to",
            "the tables to nothing",
        ],
    );
    expect(&walking, "dma/mapped-elsewhere", &["missing refresh: the function still translates 0x40000"]);
    let names = failing(&Broken::new(Configuration::qemu(), Sabotage::HalfOfTheRefreshes), device_cases());
    assert!(names.len() >= 5, "{names:?}");
}

/// A registration that reaches one page too far would trap.
#[test]
fn aperture_one_page_too_long() {
    let long = Broken::new(small_window(), Sabotage::ApertureTooLong);
    let expected = "MPCIFC would trap: aperture to PAL 0x900000fff ends behind the last DMA address 0x8ffffffff";
    expect(&long, "function/register", &[expected]);
    expect(&long, "dma/write-and-read", &[expected]);
    let low = Broken::new(small_window(), Sabotage::ApertureTooLow);
    let expected = "MPCIFC would trap: aperture from PBA 0xfffff000 starts before the first DMA address 0x100000000";
    expect(&low, "function/register", &[expected]);
}

/// A machine that claims more than it takes makes a correct program trap; the machine says at what.
#[test]
fn window_that_is_claimed_and_does_not_exist() {
    let claimed = small_window();
    let fake = Fake::new(claimed.clone());
    fake.shorten_window(0x8_ffff_efff);
    let message = failure(&fake, cases(), "function/register-first-and-last-page");
    let expected = "MPCIFC would trap: aperture to PAL 0x8ffffffff ends behind the last DMA address 0x8ffffefff";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn wrong_designation_type() {
    for wrong in [0, 2, 3, 4, 5, 7] {
        let broken = Broken::new(Configuration::qemu(), Sabotage::DesignationType(wrong));
        expect(&broken, "function/register", &[&format!("MPCIFC would trap: designation type {wrong} in IOTA 0x")]);
    }
    // Where the machine takes the type, the tables are read as what they are not.
    let hardware = Configuration::hardware(true);
    let groups = vec![GroupConfiguration { dtsm: 0x60, ..hardware.groups[0].clone() }];
    let broken = Broken::new(Configuration { groups, ..hardware }, Sabotage::DesignationType(2));
    expect(&broken, "function/refresh-map-and-unmap", &["refresh of 0x0..=0xfff", "condition code 1, status 8"]);
}

#[test]
fn function_that_stays_enabled() {
    let broken = Broken::new(Configuration::qemu(), Sabotage::NoDisable);
    expect(&broken, "function/enable-and-disable", &["state after disable: expected"]);
    expect(&broken, "function/register", &["function 0x0 was left enabled"]);
}

#[test]
fn function_listed_twice() {
    let broken = Broken::new(Configuration::qemu(), Sabotage::ListRepeats);
    expect(&broken, "clp/list", &["2 functions with FID 0x00000000"]);
}

#[test]
fn storage_of_tables() {
    let leaking = Broken::new(Configuration::qemu(), Sabotage::Leak);
    expect(&leaking, "translation-table/region-third/4K/empty", &["1 tables were not given back"]);
    expect(&leaking, "translation-table/region-first/4K/map-one-page", &["5 tables were not given back"]);
    let freeing = Broken::new(Configuration::qemu(), Sabotage::DoubleFree);
    expect(&freeing, "translation-table/region-third/4K/empty", &["was freed twice"]);
}

/// The tables go while the function still uses them.
#[test]
fn deregistration_that_is_not_done() {
    let broken = Broken::new(Configuration::qemu(), Sabotage::NoDeregister);
    expect(&broken, "function/refresh-map-and-unmap", &["was freed while 0x0 may still walk it"]);
}

/// The cases pass on a machine where nothing is broken, so what they say above comes from the sabotage.
#[test]
fn nothing_broken() {
    let fake = Fake::new(small_window());
    assert_eq!(failing(&fake, cases()), Vec::<String>::new());
    assert_eq!(failing(&fake, device_cases()), Vec::<String>::new());
}
