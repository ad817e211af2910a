// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! ISM looks at its tables itself, at each refresh, and does not survive one of addresses that it is using (Linux: commit
//! 53f8e9ad7653, "iommu/s390: Disable deferred flush for ISM devices").

mod storage;

use std::cell::{Cell, RefCell};

use clp::{ConditionCode, DesignationTypes, FunctionHandle, FunctionType};
use s390_iommu::{
    mapped_to_all, unmapped_from_all, AbsoluteAddress, Action, Attachment, Fib, FrameSizes, FunctionControl,
    Instruction, Iova, IovaRange, Limits, OneThread, Outcome, Protection, Root, Status, TranslationTable, Zpci,
};
use storage::Heap;

const HANDLE: FunctionHandle = FunctionHandle(0x8000_0001);
const BASE: u64 = 0x1_0000_0000;
const PAGE: u64 = 0x1000;
const GIB: u64 = 1 << 30;

/// A machine with one function of this type.
#[derive(Default)]
struct Ism {
    /// First address and length of what it is using.
    used: RefCell<Vec<(u64, u64)>>,
    /// What it answers to the next RPCIT.
    answer: Cell<Option<(ConditionCode, u8)>>,
    refreshed: RefCell<Vec<(u64, u64)>>,
}

impl Ism {
    fn refreshed(&self) -> Vec<(u64, u64)> {
        self.refreshed.take()
    }
}

impl Zpci for Ism {
    unsafe fn mpcifc(&self, _: FunctionHandle, _: FunctionControl, _: &Fib) -> Outcome {
        self.used.borrow_mut().clear();
        Outcome::DONE
    }

    fn rpcit(&self, _: FunctionHandle, range: IovaRange) -> Outcome {
        let (start, bytes) = (range.start().get(), range.size_less_one() + 1);
        for (used, length) in &*self.used.borrow() {
            assert!(start + bytes <= *used || used + length <= start, "a refresh of {range}, which is in use");
        }
        self.refreshed.borrow_mut().push((start, bytes));
        let answer = self.answer.take().map(|(cc, status)| Outcome { cc, status: Status(status) });
        answer.unwrap_or(Outcome::DONE)
    }

    fn pause(&self, _: Instruction, _: u32) -> bool {
        false
    }
}

fn limits(refresh_on_map: bool) -> Limits {
    Limits {
        window: IovaRange::new(Iova::new(BASE), Iova::new(0x3ff_ffff_ffff)).unwrap(),
        designation_types: DesignationTypes(0x40),
        relaxed_translation: false,
        refresh_on_map,
        function_type: FunctionType::ISM,
    }
}

fn range(offset: u64, bytes: u64) -> IovaRange {
    IovaRange::with_size(Iova::new(BASE + offset), bytes).unwrap()
}

/// A refresh that fails, in whatever way, is made up for by no refresh of more than what changed.
#[test]
fn no_refresh_covers_what_is_in_use() {
    let to = AbsoluteAddress::new(0x5000_0000);
    for refresh_on_map in [false, true] {
        for (cc, status) in [(ConditionCode::Two, 0), (ConditionCode::One, 16), (ConditionCode::One, 28)] {
            let heap = Heap::default();
            let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
            let machine = Ism::default();
            let attachment = Attachment::to_table(&limits(refresh_on_map), GIB, &table, OneThread::new()).unwrap();
            // SAFETY: the table outlives the registration, and no device is behind the model.
            unsafe { attachment.attach(&machine, HANDLE) }.unwrap();
            let functions = || [&attachment];
            for offset in [0, 0x10_0000, 0x20_0000] {
                let change = table.map(range(offset, 4 * PAGE), to, Protection::ReadWrite).unwrap();
                mapped_to_all(change, &machine, functions()).unwrap();
            }
            machine.used.borrow_mut().extend([(BASE, 4 * PAGE), (BASE + 0x20_0000, 4 * PAGE)]);
            machine.refreshed();

            machine.answer.set(Some((cc, status)));
            let change = table.unmap(range(0x10_0000, 4 * PAGE)).unwrap().change;
            assert!(unmapped_from_all(change, &machine, functions()).is_err());
            assert!(attachment.is_stale());
            // It may use old entries, so it is told of what is mapped where they led, and of no more.
            for offset in [0x10_0000, 0x30_0000] {
                let change = table.map(range(offset, PAGE), to, Protection::ReadWrite).unwrap();
                mapped_to_all(change, &machine, functions()).unwrap();
            }
            let change = table.unmap(range(0x30_0000, PAGE)).unwrap().change;
            unmapped_from_all(change, &machine, functions()).unwrap();
            assert_eq!(
                machine.refreshed(),
                [
                    (BASE + 0x10_0000, 4 * PAGE),
                    (BASE + 0x10_0000, PAGE),
                    (BASE + 0x30_0000, PAGE),
                    (BASE + 0x30_0000, PAGE),
                ]
            );

            // Nothing makes up for what was missed but a new registration.
            let error = attachment.refresh_all(&machine).unwrap_err();
            assert_eq!(error.action, Action::RegisterAnew);
            assert!(attachment.is_stale() && machine.refreshed().is_empty());
            attachment.disabled();
            assert_eq!(attachment.refresh_all(&machine), Ok(()));
            // SAFETY: as above.
            unsafe { attachment.attach(&machine, HANDLE) }.unwrap();
            assert!(!attachment.is_stale());
            machine.used.borrow_mut().push((BASE, 4 * PAGE));
            // What was unmapped was refreshed at once, so that nothing is left to refresh.
            assert_eq!(attachment.refresh_all(&machine), Ok(()));
            assert!(machine.refreshed().is_empty());
        }
    }
}

/// A refresh of everything would free resources of the hypervisor, but not with this function.
#[test]
fn a_mapping_for_which_resources_are_short_fails() {
    let heap = Heap::default();
    let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
    let machine = Ism::default();
    let attachment = Attachment::to_table(&limits(true), GIB, &table, OneThread::new()).unwrap();
    // SAFETY: the table outlives the registration, and no device is behind the model.
    unsafe { attachment.attach(&machine, HANDLE) }.unwrap();
    let to = AbsoluteAddress::new(0x5000_0000);
    let change = table.map(range(0, PAGE), to, Protection::ReadWrite).unwrap();
    mapped_to_all(change, &machine, [&attachment]).unwrap();
    machine.used.borrow_mut().push((BASE, PAGE));
    machine.answer.set(Some((ConditionCode::One, 16)));
    let change = table.map(range(0x10_0000, PAGE), to, Protection::ReadWrite).unwrap();
    let error = mapped_to_all(change, &machine, [&attachment]).unwrap_err();
    assert_eq!(error.action, Action::FreeResources);
    assert_eq!(machine.refreshed(), [(BASE, PAGE), (BASE + 0x10_0000, PAGE)]);
}

/// Who clears the error state may have done so between the refusal of a refresh and the note of it.
#[test]
fn what_was_refused_is_asked_for_once_more() {
    let to = AbsoluteAddress::new(0x5000_0000);
    for status in [8, 40] {
        let heap = Heap::default();
        let table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, &heap).unwrap();
        let machine = Ism::default();
        let attachment = Attachment::to_table(&limits(false), GIB, &table, OneThread::new()).unwrap();
        // SAFETY: the table outlives the registration, and no device is behind the model.
        unsafe { attachment.attach(&machine, HANDLE) }.unwrap();
        let change = table.map(range(0, 8 * PAGE), to, Protection::ReadWrite).unwrap();
        mapped_to_all(change, &machine, [&attachment]).unwrap();
        machine.used.borrow_mut().push((BASE + 4 * PAGE, 4 * PAGE));
        machine.refreshed();

        // Not refused again: nothing was missed.
        machine.answer.set(Some((ConditionCode::One, status)));
        let change = table.unmap(range(0, PAGE)).unwrap().change;
        unmapped_from_all(change, &machine, [&attachment]).unwrap();
        assert_eq!(machine.refreshed(), [(BASE, PAGE); 2]);
        assert!(!attachment.is_stale());

        // An earlier failure is not made up for by that.
        machine.answer.set(Some((ConditionCode::One, 28)));
        let change = table.unmap(range(PAGE, PAGE)).unwrap().change;
        assert!(unmapped_from_all(change, &machine, [&attachment]).is_err());
        machine.answer.set(Some((ConditionCode::One, status)));
        let change = table.unmap(range(2 * PAGE, PAGE)).unwrap().change;
        unmapped_from_all(change, &machine, [&attachment]).unwrap();
        assert_eq!(machine.refreshed(), [(BASE + PAGE, PAGE), (BASE + 2 * PAGE, PAGE), (BASE + 2 * PAGE, PAGE)]);
        assert!(attachment.is_stale());
    }
}
