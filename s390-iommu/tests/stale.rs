// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Refreshes beside somebody else's unmap, reset and reclaim: against a model of QEMU's `rpcit_service_call`, which
//! steps by the size of what an entry covers.

mod storage;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use clp::{ConditionCode, DesignationTypes, FunctionHandle, FunctionType};
use s390_iommu::{
    mapped_to_all, unmapped_from_all, AbsoluteAddress, Attachment, Fib, FirstStep, FrameSizes, FunctionControl, Gate,
    Instruction, Iova, IovaRange, Limits, Mapped, OneThread, Outcome, PhysToVirt, Protection, ReadSide, Root, Status,
    TranslationTable, Zpci,
};
use storage::Heap;

const OLD: FunctionHandle = FunctionHandle(0x8000_0001);
const NEW: FunctionHandle = FunctionHandle(0x8000_0002);
const BASE: u64 = 0x1_0000_0000;
const PAGE: u64 = 0x1000;
const MIB: u64 = 1 << 20;
const REGION: u64 = 1 << 31;

/// A hypervisor with one function, and what it shadows: pages by their addresses.
struct Qemu<'a> {
    heap: &'a Heap,
    root: u64,
    handle: Cell<FunctionHandle>,
    refuse: Cell<bool>,
    ended: Cell<bool>,
    shadow: RefCell<BTreeMap<u64, u64>>,
}

impl<'a> Qemu<'a> {
    fn new(heap: &'a Heap, table: &TranslationTable<&Heap>) -> Self {
        let root = table.origin().get();
        let (refuse, ended) = (Cell::new(false), Cell::new(false));
        Self { heap, root, handle: Cell::new(OLD), refuse, ended, shadow: RefCell::default() }
    }

    fn entry(&self, table: u64, index: u64) -> u64 {
        let table = self.heap.phys_to_virt(AbsoluteAddress::new(table)).cast::<u64>();
        // SAFETY: the tests look at tables that exist, at indices within them.
        u64::from_be(unsafe { table.add(index as usize).read_volatile() })
    }

    /// How far the entry for `iova` reaches, and where it leads.
    fn walk(&self, iova: u64) -> (u64, Option<u64>) {
        let region = self.entry(self.root, iova >> 31 & 0x7ff);
        if region & 0x20 != 0 {
            return (REGION, None);
        }
        let segment = self.entry(region & !0x3fff, iova >> 20 & 0x7ff);
        if segment & 0x20 != 0 {
            return (MIB, None);
        }
        let page = self.entry(segment & !0x7ff, iova >> 12 & 0xff);
        (PAGE, (page & 0x400 == 0).then_some(page & !0xfff))
    }

    fn refresh(&self, range: IovaRange) {
        let (mut next, last) = (range.start().get(), range.last().get());
        while next < last {
            let (size, to) = self.walk(next);
            let mut shadow = self.shadow.borrow_mut();
            for page in (next..last.min(next + size)).step_by(PAGE as usize) {
                match to {
                    Some(to) => shadow.insert(page, to),
                    None => shadow.remove(&page),
                };
            }
            next += size;
        }
    }

    fn shows(&self, range: IovaRange) -> bool {
        let shadow = self.shadow.borrow();
        (range.start().get()..range.last().get()).step_by(PAGE as usize).all(|page| shadow.contains_key(&page))
    }
}

impl Zpci for Qemu<'_> {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, _: &Fib) -> Outcome {
        if function == self.handle.get() {
            self.ended.set(control == FunctionControl::DEREGISTER_IOAT);
            Outcome::DONE
        } else {
            Outcome { cc: ConditionCode::Three, status: Status(0) }
        }
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        if function != self.handle.get() {
            return Outcome { cc: ConditionCode::Three, status: Status(0) };
        }
        if self.refuse.take() {
            return Outcome { cc: ConditionCode::One, status: Status::INSUFFICIENT_RESOURCE };
        }
        self.refresh(range);
        Outcome::DONE
    }

    fn pause(&self, _: Instruction, _: u32) -> bool {
        false
    }
}

/// Lets another actor in before it is passed for the first time.
struct Interrupted<'a>(RefCell<Option<Box<dyn FnOnce() + 'a>>>);

// SAFETY: one thread, which comes back only from behind the gate.
unsafe impl Gate for Interrupted<'_> {
    fn shared<R>(&self, issue: impl FnOnce() -> R) -> R {
        let actor = self.0.borrow_mut().take();
        if let Some(actor) = actor {
            actor();
        }
        issue()
    }

    fn exclusive<R>(&self, change: impl FnOnce() -> R) -> R {
        change()
    }
}

fn limits(refresh_on_map: bool) -> Limits {
    Limits {
        window: IovaRange::new(Iova::new(BASE), Iova::new(0x3ff_ffff_ffff)).unwrap(),
        designation_types: DesignationTypes(0x40),
        relaxed_translation: false,
        refresh_on_map,
        function_type: FunctionType(0),
    }
}

fn range(offset: u64, bytes: u64) -> IovaRange {
    IovaRange::with_size(Iova::new(BASE + offset), bytes).unwrap()
}

/// One owner is in the middle of unmapping `bytes` bytes when a function is shown what is mapped; the neighbour behind
/// loses nothing when the owner gives the tables back before the refresh.
fn catch_up_beside_an_owner_of(bytes: u64) {
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let qemu = Qemu::new(&heap, &table);
    let (owned, neighbour) = (range(0, bytes), range(bytes, 16 * MIB));
    let first = bytes / 2 + 5 * PAGE;
    table.map(owned, AbsoluteAddress::new(0x1000_0000), Protection::ReadWrite).unwrap().unseen();
    table.map(neighbour, AbsoluteAddress::new(0x10_0000_0000), Protection::ReadWrite).unwrap().unseen();
    let attachment = Attachment::to_table(&limits(true), 1 << 40, &table, Interrupted(RefCell::new(None))).unwrap();
    table.unmap(range(0, first)).unwrap().change.unseen();
    *attachment.gate().0.borrow_mut() = Some(Box::new(|| {
        table.unmap(range(first, bytes - first)).unwrap().change.unseen();
        qemu.refresh(owned);
        // SAFETY: nobody else maps or unmaps in the range; the reader below holds a read side.
        let taken = unsafe { table.reclaim(owned) };
        assert!(!taken.is_empty());
        qemu.refresh(taken.change().defer().unwrap());
        taken.leak();
    }));
    // SAFETY: the table outlives the registration, and no device is behind the model.
    unsafe { attachment.attach(&qemu, OLD) }.unwrap();
    // SAFETY: no table is freed before the end of the test.
    let section = unsafe { ReadSide::new() };
    attachment.catch_up(&qemu, &table.reader(&section)).unwrap();
    assert!(!attachment.is_stale());
    assert!(qemu.shows(neighbour));
}

#[test]
fn a_page_table_given_back_while_a_function_is_shown_what_is_mapped() {
    catch_up_beside_an_owner_of(3 * MIB);
}

#[test]
fn a_segment_table_given_back_while_a_function_is_shown_what_is_mapped() {
    catch_up_beside_an_owner_of(REGION);
}

/// Catching up takes steps that are bounded by what one looks at, whatever is mapped; what changes between two of them is
/// told by who changes it, and is not undone.
#[test]
fn catching_up_takes_steps_between_which_others_go_on() {
    const RUNS: u64 = 3000;
    const APART: u64 = 4 * MIB;
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let qemu = Qemu::new(&heap, &table);
    let run = |number: u64| range(number * APART, PAGE);
    let map = |range| table.map(range, AbsoluteAddress::new(0x1000_0000), Protection::ReadWrite).unwrap();
    (1..RUNS).for_each(|number| map(run(number)).unseen());
    let attachment = Attachment::to_table(&limits(true), 1 << 40, &table, OneThread::new()).unwrap();
    // SAFETY: the table outlives the registration, and no device is behind the model.
    unsafe { attachment.attach(&qemu, OLD) }.unwrap();
    // SAFETY: no table is freed before the end of the test.
    let section = unsafe { ReadSide::new() };
    let reader = table.reader(&section);

    let step = |from| attachment.catch_up_from(&qemu, &reader, from).unwrap();
    let second = step(attachment.aperture().start()).unwrap();
    let shown = qemu.shadow.borrow().len() as u64;
    assert_eq!(shown, 1024);
    assert_eq!(second, Iova::new(BASE + 1024 * APART + PAGE));
    // One before what was seen so far is mapped, one of what was seen and one of what was not are unmapped.
    let mapped = map(run(0));
    attachment.mapped(&qemu, &mapped).unwrap();
    mapped.unseen();
    for number in [7, RUNS - 7] {
        let unmapped = table.unmap(run(number)).unwrap().change;
        attachment.unmapped(&qemu, &unmapped).unwrap();
        unmapped.unseen();
    }
    let third = step(second).unwrap();
    assert_eq!(qemu.shadow.borrow().len() as u64, shown + 1 - 1 + 1024);
    assert_eq!(step(third), None);
    for number in 0..RUNS {
        assert_eq!(qemu.shows(run(number)), ![7, RUNS - 7].contains(&number), "{number}");
    }
    assert_eq!(step(attachment.aperture().last()), None);
    assert!(!attachment.is_stale());
}

/// A handle that comes late, or from before a reset, is asked about nothing: the answer that it stands for no function would
/// be taken for the end of the registration.
#[test]
fn refreshes_and_the_end_are_of_the_registration() {
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let qemu = Qemu::new(&heap, &table);
    let mapped = range(0, MIB);
    table.map(mapped, AbsoluteAddress::new(0x5000_0000), Protection::ReadWrite).unwrap().unseen();
    let attachment = Attachment::to_table(&limits(true), 1 << 30, &table, OneThread::new()).unwrap();
    // SAFETY: the table outlives the registration, and no device is behind the model.
    unsafe { attachment.attach(&qemu, OLD) }.unwrap();
    attachment.disabled();
    qemu.handle.set(NEW);
    // SAFETY: as above.
    unsafe { attachment.attach(&qemu, NEW) }.unwrap();
    // SAFETY: one thread alone is behind the gate.
    assert_eq!(unsafe { attachment.first_step(mapped) }, FirstStep::Issue(NEW));
    attachment.refresh_all(&qemu).unwrap();
    assert!(qemu.shows(mapped));
    assert_eq!(attachment.detach(&qemu, OLD), Ok(()));
    assert!(qemu.ended.get() && !attachment.is_registered());
    // Where nothing is registered it is tried for the handle that the caller has.
    qemu.ended.set(false);
    assert_eq!(attachment.detach(&qemu, OLD), Ok(()));
    assert!(!qemu.ended.get());
    assert_eq!(attachment.detach(&qemu, NEW), Ok(()));
    assert!(qemu.ended.get());
}

/// A machine that walks may keep the entry of a page table that was taken out.
#[test]
fn a_stale_function_is_told_of_mappings_whatever_its_group_says() {
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let qemu = Qemu::new(&heap, &table);
    let attachment = Attachment::to_table(&limits(false), 1 << 30, &table, OneThread::new()).unwrap();
    // SAFETY: the table outlives the registration, and no device is behind the model.
    unsafe { attachment.attach(&qemu, OLD) }.unwrap();
    let functions = || [&attachment];
    let mapped = range(0, MIB);
    let change = table.map(mapped, AbsoluteAddress::new(0x5000_0000), Protection::ReadWrite).unwrap();
    mapped_to_all(change, &qemu, functions()).unwrap();
    assert!(!qemu.shows(mapped));
    unmapped_from_all(table.unmap(mapped).unwrap().change, &qemu, functions()).unwrap();
    // SAFETY: nobody else uses the range.
    let taken = unsafe { table.reclaim(mapped) };
    qemu.refuse.set(true);
    assert!(unmapped_from_all(taken.change(), &qemu, functions()).is_err());
    taken.leak();
    let change = table.map(mapped, AbsoluteAddress::new(0x6000_0000), Protection::ReadWrite).unwrap();
    mapped_to_all(change, &qemu, functions()).unwrap();
    assert!(qemu.shows(mapped));
    assert!(!attachment.is_stale());
}

/// Lets another actor in before the first RPCIT.
struct Meanwhile<'a>(&'a Qemu<'a>, Cell<Option<&'a dyn Fn()>>);

impl Zpci for Meanwhile<'_> {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        // SAFETY: the contract is the same.
        unsafe { self.0.mpcifc(function, control, fib) }
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        if let Some(actor) = self.1.take() {
            actor();
        }
        self.0.rpcit(function, range)
    }

    fn pause(&self, instruction: Instruction, busy: u32) -> bool {
        self.0.pause(instruction, busy)
    }
}

/// Refreshes a function, which may use an old entry of the first page, as a whole; `actor` comes in before the first
/// instruction. Whether the function is still stale.
fn beside_a_refresh_that_makes_up(actor: impl Fn(&Qemu<'_>, &TranslationTable<&Heap>, &Attachment<OneThread>)) -> bool {
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let qemu = Qemu::new(&heap, &table);
    let attachment = Attachment::to_table(&limits(false), 1 << 30, &table, OneThread::new()).unwrap();
    // SAFETY: the table outlives the registration, and no device is behind the model.
    unsafe { attachment.attach(&qemu, OLD) }.unwrap();
    table.map(range(0, 2 * PAGE), AbsoluteAddress::new(0x5000_0000), Protection::ReadWrite).unwrap().unseen();
    qemu.refuse.set(true);
    let change = table.unmap(range(0, PAGE)).unwrap().change;
    assert!(unmapped_from_all(change, &qemu, [&attachment]).is_err());
    assert!(attachment.is_stale());
    let actor = || actor(&qemu, &table, &attachment);
    let meanwhile = Meanwhile(&qemu, Cell::new(Some(&actor)));
    assert_eq!(attachment.refresh_all(&meanwhile), Ok(()));
    assert!(meanwhile.1.take().is_none());
    attachment.is_stale()
}

/// The machine may use the old entry until the refresh is done, so who maps there cannot leave it to that one.
#[test]
fn a_mapping_beside_a_refresh_that_makes_up_is_told() {
    let stale = beside_a_refresh_that_makes_up(|qemu, table, attachment| {
        let change = table.map(range(0, PAGE), AbsoluteAddress::new(0x6000_0000), Protection::ReadWrite).unwrap();
        mapped_to_all(change, qemu, [attachment]).unwrap();
        assert!(qemu.shows(range(0, PAGE)));
    });
    assert!(!stale);
}

#[test]
fn a_failure_beside_a_refresh_that_makes_up_is_not_forgotten() {
    let stale = beside_a_refresh_that_makes_up(|qemu, table, attachment| {
        qemu.refuse.set(true);
        let change = table.unmap(range(PAGE, PAGE)).unwrap().change;
        assert!(unmapped_from_all(change, qemu, [attachment]).is_err());
    });
    assert!(stale);
}

#[test]
fn a_function_that_is_gone_is_not_registered() {
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let qemu = Qemu::new(&heap, &table);
    let attachment = Attachment::to_table(&limits(true), 1 << 30, &table, OneThread::new()).unwrap();
    // SAFETY: the table outlives the registration, and no device is behind the model.
    unsafe { attachment.attach(&qemu, OLD) }.unwrap();
    assert!(attachment.is_registered());
    qemu.handle.set(NEW);
    assert_eq!(attachment.detach(&qemu, OLD), Ok(()));
    assert!(!attachment.is_registered());
}

/// Who passes the gate himself issues one instruction, none, or leaves all of it to the attachment.
#[test]
fn the_first_step_of_a_refresh() {
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let qemu = Qemu::new(&heap, &table);
    let attachment = Attachment::to_table(&limits(true), 1 << 30, &table, OneThread::new()).unwrap();
    let first_step = |range| {
        // SAFETY: one thread alone is behind the gate, and no device is behind the model.
        unsafe { attachment.first_step(range) }
    };
    let (inside, across) = (range(0, MIB), range((1 << 30) - PAGE, 2 * PAGE));
    assert_eq!([inside, across].map(first_step), [FirstStep::Nothing; 2]);
    // SAFETY: the table outlives the registration, and no device is behind the model.
    unsafe { attachment.attach(&qemu, OLD) }.unwrap();
    assert_eq!([inside, across].map(first_step), [FirstStep::Issue(OLD), FirstStep::More]);
    assert_eq!(first_step(range(0, 1 << 30)), FirstStep::Issue(OLD));

    // With an answer that is no success it goes on as if it had issued it itself.
    table.map(inside, AbsoluteAddress::new(0x1000_0000), Protection::ReadWrite).unwrap().unseen();
    let change = table.unmap(inside).unwrap().change;
    let failed = Outcome { cc: ConditionCode::One, status: Status(28) };
    let error = attachment.go_on_unmapped(&qemu, &change, Some(failed)).unwrap_err();
    assert_eq!((error.range, error.outcome), (inside, failed));
    assert!(attachment.is_stale());
    assert_eq!(first_step(inside), FirstStep::More);
    // Without one it issues what is due: here a refresh of everything.
    attachment.go_on_unmapped(&qemu, &change, None).unwrap();
    change.unseen();
    assert!(!attachment.is_stale());
    assert_eq!(first_step(inside), FirstStep::Issue(OLD));
    let exhausted = Outcome { cc: ConditionCode::One, status: Status::INSUFFICIENT_RESOURCE };
    let change = table.map(inside, AbsoluteAddress::new(0x1000_0000), Protection::ReadWrite).unwrap();
    assert_eq!(attachment.go_on_mapped(&qemu, &change, Some(exhausted)), Ok(Mapped::Everything));
    change.unseen();
    assert!(qemu.shows(inside));
    attachment.disabled();
    assert_eq!([inside, across].map(first_step), [FirstStep::Nothing; 2]);
}
