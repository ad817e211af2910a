// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a guest maps is mapped on the host, and nothing else.

use std::sync::Arc;

use clp::ConditionCode;
use s390_iommu::guest::{Answer, Effect, End, Exhausted, Mappings, Mpcifc, RefreshNumber, Run};
use s390_iommu::Protection::{ReadOnly, ReadWrite};
use s390_iommu::{AbsoluteAddress, Fib, Iova, IovaRange, Status};
use vm_memory::{
    GuestAddress, GuestAddressSpace, GuestMemoryAtomic, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion,
    GuestRegionMmap, MmapRegion,
};
use zpci_vfio::Shadow;

use crate::guest::{refresh, Guest, IOVA};
use crate::space::Space;

const PAGE: u64 = 4096;
const R1: u64 = 0x8001_0001_0000_0000;

const fn page(index: u64) -> u64 {
    IOVA + index * PAGE
}

/// A shadow of the guest's storage in `space`.
macro_rules! shadow {
    ($guest:expr, $space:expr) => {
        // SAFETY: nobody has a reference into the guest's storage, which stays until the end of the test.
        unsafe { Shadow::new(&$guest.memory, $space) }
    };
}

#[test]
fn pages_lead_to_the_guests_storage() {
    let (mut guest, space) = (Guest::new(false), Space::default());
    let effect = guest.register();
    let mut controls = guest.controls.clone();
    let mut shadow = shadow!(guest, &space);
    shadow.apply(&effect, Guest::window()).unwrap();
    assert_eq!(space.ranges(), []);

    guest.set_page(0, 0x1_0000);
    guest.set_page(1, 0x1_1200);
    guest.set_page(255, 0x4000_f000);
    let answer = refresh(&mut controls, &mut shadow, &guest.memory, 0, 256);
    assert_eq!(answer, Answer::done(R1));
    assert_eq!(space.at(page(0)), Some((guest.host(0x1_0000), ReadWrite)));
    assert_eq!(space.at(page(0) + 0xfff), Some((guest.host(0x1_0fff), ReadWrite)));
    assert_eq!(space.at(page(1)), Some((guest.host(0x1_1000), ReadOnly)));
    assert_eq!(space.at(page(255)), Some((guest.host(0x4000_f000), ReadWrite)));
    assert_eq!((space.ranges().len(), shadow.pages()), (3, 3));

    // Another frame, another protection, gone; what is not refreshed stays as it is.
    guest.set_page(0, 0x2_0000);
    guest.set_page(1, 0x1_1000);
    guest.set_page(255, 0x400);
    let answer = refresh(&mut controls, &mut shadow, &guest.memory, 0, 2);
    assert_eq!(answer, Answer::done(R1));
    assert_eq!(space.at(page(0)), Some((guest.host(0x2_0000), ReadWrite)));
    assert_eq!(space.at(page(1)), Some((guest.host(0x1_1000), ReadWrite)));
    assert_eq!(space.at(page(255)), Some((guest.host(0x4000_f000), ReadWrite)));
    let answer = refresh(&mut controls, &mut shadow, &guest.memory, 255, 1);
    assert_eq!((answer, space.at(page(255))), (Answer::done(R1), None));
    assert!(shadow.refused().is_none() && shadow.broken().is_none());

    // Nothing is left of a shadow that is gone.
    drop(shadow);
    assert_eq!(space.ranges(), []);
}

#[test]
fn what_the_guest_has_no_storage_for_stays_unmapped() {
    let (mut guest, space) = (Guest::new(false), Space::default());
    guest.register();
    let mut controls = guest.controls.clone();
    let mut shadow = shadow!(guest, &space);
    // The last page of the lower piece, the one behind it, the last of the upper piece, and one beyond all.
    for (index, frame) in [(0, 0xf_f000), (1, 0x10_0000), (2, 0x4000_f000), (3, 0x4001_0000), (4, 0x7fff_ffff_f000)] {
        guest.set_page(index, frame);
    }
    let answer = refresh(&mut controls, &mut shadow, &guest.memory, 0, 5);
    assert_eq!(answer, Answer::done(R1));
    assert_eq!(space.ranges(), [(page(0), PAGE), (page(2), PAGE)]);
}

#[test]
fn pages_in_a_row_are_unmapped_at_once() {
    let (mut guest, space) = (Guest::new(false), Space::default());
    guest.register();
    let mut controls = guest.controls.clone();
    let mut shadow = shadow!(guest, &space);
    (0..64).for_each(|index| guest.set_page(index, 0x1_0000 + index * PAGE));
    let _ = refresh(&mut controls, &mut shadow, &guest.memory, 0, 64);
    assert_eq!((space.ranges().len(), space.unmaps.get()), (64, 0));
    // A single page out of the middle.
    guest.set_page(10, 0x400);
    let _ = refresh(&mut controls, &mut shadow, &guest.memory, 0, 64);
    assert_eq!((space.ranges().len(), space.unmaps.get(), space.at(page(10))), (63, 1, None));
    shadow.clear();
    assert_eq!((space.ranges().len(), space.unmaps.get(), shadow.pages()), (0, 3, 0));
}

/// The host maps no more: nothing new is mapped, and the guest is told; what is mapped is still there.
#[test]
fn all_or_nothing() {
    let (mut guest, space) = (Guest::new(false), Space::default());
    guest.register();
    let mut controls = guest.controls.clone();
    let mut shadow = shadow!(guest, &space);
    (0..8).for_each(|index| guest.set_page(index, 0x1_0000 + index * PAGE));
    let _ = refresh(&mut controls, &mut shadow, &guest.memory, 0, 8);
    space.limit.set(Some(10));
    (8..12).for_each(|index| guest.set_page(index, 0x2_0000 + index * PAGE));
    let answer = refresh(&mut controls, &mut shadow, &guest.memory, 0, 16);
    // Status 16: insufficient resources.
    assert_eq!((answer.end, answer.register), (End::Condition(ConditionCode::One), R1 | 16 << 24));
    let expected: Vec<_> = (0..8).map(|index| (page(index), PAGE)).collect();
    assert_eq!(space.ranges(), expected);
    assert_eq!(shadow.refused().and_then(|error| error.raw_os_error()), Some(libc::ENOSPC));
    space.limit.set(None);
    let answer = refresh(&mut controls, &mut shadow, &guest.memory, 0, 16);
    assert_eq!((answer, space.ranges().len()), (Answer::done(R1), 12));
}

/// What the caller of a single map relies on: all of the run, or nothing of it.
#[test]
fn a_run_is_mapped_as_a_whole() {
    let (guest, space) = (Guest::new(false), Space::default());
    let mut shadow = shadow!(guest, &space);
    let range = IovaRange::with_size(Iova::new(page(4)), 4 * PAGE).unwrap();
    let run = Run { range, absolute: AbsoluteAddress::new(0x1_0000), protection: ReadWrite };
    space.limit.set(Some(3));
    assert_eq!(shadow.map(run, RefreshNumber(1)), Err(Exhausted));
    assert_eq!((space.ranges(), shadow.pages(), shadow.first_in(range)), (vec![], 0, None));
    space.limit.set(Some(4));
    assert_eq!(shadow.map(run, RefreshNumber(2)), Ok(()));
    assert_eq!(space.ranges().len(), 4);
    let first = shadow.first_in(IovaRange::with_size(Iova::new(page(5)), PAGE).unwrap()).unwrap();
    assert_eq!((first.run.absolute, first.refresh), (AbsoluteAddress::new(0x1_1000), RefreshNumber(2)));
    assert_eq!(shadow.protect(Run { protection: ReadOnly, ..run }, RefreshNumber(2)), Ok(()));
    assert_eq!(space.at(page(7)), Some((guest.host(0x1_3000), ReadOnly)));
}

/// A page of which the guest has a part alone is none: behind it is something else of this process.
#[test]
fn storage_that_ends_within_a_page() {
    let memory = GuestMemoryMmap::<()>::from_ranges(&[(GuestAddress(0), 0x1800)]).unwrap();
    let space = Space::default();
    // SAFETY: nobody has a reference into the storage, which stays until the end of the test.
    let mut shadow = unsafe { Shadow::new(&memory, &space) };
    let range = IovaRange::with_size(Iova::new(IOVA), 3 * PAGE).unwrap();
    let run = Run { range, absolute: AbsoluteAddress::new(0), protection: ReadWrite };
    assert_eq!(shadow.map(run, RefreshNumber(1)), Ok(()));
    assert_eq!(space.ranges(), [(IOVA, PAGE)]);
}

/// Without translation too, and the pages before it are mapped.
#[test]
fn storage_that_ends_within_a_page_without_translation() {
    let memory =
        GuestMemoryMmap::<()>::from_ranges(&[(GuestAddress(0), 0x2800), (GuestAddress(0x4000), 0x1000)]).unwrap();
    let space = Space::default();
    let effect = Guest::new(true).modify(4, 0);
    // SAFETY: nobody has a reference into the storage, which stays until the end of the test.
    let mut shadow = unsafe { Shadow::new(&memory, &space) };
    assert_eq!(shadow.apply(&effect, Guest::window()), Ok(()));
    assert_eq!(space.ranges(), [(IOVA, 2 * PAGE), (IOVA + 0x4000, PAGE)]);
}

/// A kernel that does not unmap: nothing is mapped any more, and the VMM can see why.
#[test]
fn a_kernel_that_does_not_unmap() {
    let (mut guest, space) = (Guest::new(false), Space::default());
    guest.register();
    let mut controls = guest.controls.clone();
    let mut shadow = shadow!(guest, &space);
    guest.set_page(0, 0x1_0000);
    let _ = refresh(&mut controls, &mut shadow, &guest.memory, 0, 1);
    space.is_broken.set(true);
    guest.set_page(0, 0x400);
    let answer = refresh(&mut controls, &mut shadow, &guest.memory, 0, 1);
    assert_eq!(answer, Answer::done(R1));
    assert_eq!(shadow.broken().and_then(|error| error.raw_os_error()), Some(libc::EINVAL));
    space.is_broken.set(false);
    guest.set_page(1, 0x1_1000);
    let answer = refresh(&mut controls, &mut shadow, &guest.memory, 1, 1);
    assert_eq!((answer.register, space.at(page(1))), (R1 | 16 << 24, None));
}

/// A function without translation reaches the whole guest, from the start of its window on.
#[test]
fn without_translation() {
    let (mut guest, space) = (Guest::new(true), Space::default());
    let effect = guest.modify(4, 0);
    assert!(matches!(effect, Effect::Registered(_)));
    let ended = guest.modify(5, 0);
    let mut shadow = shadow!(guest, &space);
    shadow.apply(&effect, Guest::window()).unwrap();
    assert_eq!(space.ranges(), [(IOVA, 1 << 20), (IOVA + 0x4000_0000, 1 << 16)]);
    assert_eq!(space.at(IOVA + 0x4000_1234), Some((guest.host(0x4000_1234), ReadWrite)));
    shadow.apply(&ended, Guest::window()).unwrap();
    assert_eq!(space.ranges(), []);
    // The host has no room for the second piece: the guest is told, and nothing is registered.
    space.limit.set(Some(1));
    let mut controls = guest.controls.clone();
    let request = Mpcifc::decode(R1 | 4, 0x1000).unwrap();
    let (answer, effect) = controls.modify(&request, &Fib::translation(Guest::window(), 0.into()));
    assert_eq!(shadow.apply(&effect, Guest::window()), Err(Exhausted));
    assert_eq!(controls.take_back(answer, Status::INSUFFICIENT_RESOURCE), Answer::status(R1 | 4, Status(16)));
    assert_eq!((space.ranges(), controls.registration()), (vec![], None));
}

/// A registration that replaces another leaves nothing of it.
#[test]
fn a_new_registration_starts_with_nothing() {
    let (mut guest, space) = (Guest::new(false), Space::default());
    guest.register();
    guest.set_page(0, 0x1_0000);
    let again = guest.modify(6, 0x4804);
    let mut controls = guest.controls.clone();
    let mut shadow = shadow!(guest, &space);
    let _ = refresh(&mut controls, &mut shadow, &guest.memory, 0, 1);
    assert_eq!(space.ranges().len(), 1);
    shadow.apply(&again, Guest::window()).unwrap();
    assert_eq!(space.ranges(), []);
}

/// Disabled with its pages mapped, enabled, and registered with a table that has none.
#[test]
fn nothing_outlives_a_disable() {
    for applies in [true, false] {
        let (mut guest, space) = (Guest::new(true), Space::default());
        guest.register();
        guest.set_page(0, 0x1_0000);
        let mut running = guest.controls.clone();
        let disabled = guest.restart();
        let registered = guest.register();
        let _ = guest.restart();
        let identity = guest.modify(4, 0);
        let mut shadow = shadow!(guest, &space);
        let _ = refresh(&mut running, &mut shadow, &guest.memory, 0, 1);
        assert_eq!(space.ranges().len(), 1);
        if applies {
            shadow.apply(&disabled, Guest::window()).unwrap();
            assert_eq!(space.ranges(), []);
        }
        shadow.apply(&registered, Guest::window()).unwrap();
        assert_eq!(space.ranges(), []);
        // Twice the same storage: the second one is mapped as the first one was.
        for _ in 0..2 {
            shadow.apply(&identity, Guest::window()).unwrap();
            assert_eq!(space.ranges().len(), 2);
        }
    }
}

/// Tables of a few pages name any number of them.
#[test]
fn no_more_pages_than_the_limit() {
    let (mut guest, space) = (Guest::new(false), Space::default());
    guest.register();
    (0..4).for_each(|index| guest.set_page(index, 0x1_0000));
    let mut controls = guest.controls.clone();
    let mut shadow = shadow!(guest, &space).with_limit(3);
    assert_eq!(refresh(&mut controls, &mut shadow, &guest.memory, 0, 4), Answer::status(R1, Status(16)));
    assert_eq!((shadow.pages(), space.ranges()), (0, vec![]));
    assert_eq!(refresh(&mut controls, &mut shadow, &guest.memory, 0, 3), Answer::done(R1));
    assert_eq!(shadow.pages(), 3);
}

/// A shadow of storage that comes and goes in `space`.
macro_rules! shadow_of {
    ($memory:expr, $space:expr) => {
        // SAFETY: nobody has a reference into the storage, and the device of a test reaches nothing.
        unsafe { Shadow::new($memory, $space) }
    };
}

/// A memory whose regions come and go, with the tables of `guest`.
fn changing(guest: &Guest) -> GuestMemoryAtomic<GuestMemoryMmap> {
    GuestMemoryAtomic::new(guest.memory.clone())
}

fn region(start: u64, size: usize) -> Arc<GuestRegionMmap> {
    Arc::new(GuestRegionMmap::new(MmapRegion::new(size).unwrap(), GuestAddress(start)).unwrap())
}

fn replace(memory: &GuestMemoryAtomic<GuestMemoryMmap>, new: GuestMemoryMmap) {
    memory.lock().unwrap().replace(new);
}

/// Storage that came is mapped by the next refresh; what lost its storage is unmapped when the memory changed.
#[test]
fn storage_comes_and_goes() {
    let (mut guest, space) = (Guest::new(false), Space::default());
    guest.register();
    let mut controls = guest.controls.clone();
    let memory = changing(&guest);
    let mut shadow = shadow_of!(memory.clone(), &space);
    (0..4).for_each(|index| guest.set_page(index, 0x8000_0000 + index * PAGE));
    guest.set_page(4, 0x1_0000);
    assert_eq!(refresh(&mut controls, &mut shadow, &guest.memory, 0, 5), Answer::done(R1));
    assert_eq!(space.ranges(), [(page(4), PAGE)]);

    let came = region(0x8000_0000, 0x4000);
    replace(&memory, guest.memory.insert_region(came.clone()).unwrap());
    assert_eq!(shadow.memory_changed(), Ok(()));
    assert_eq!(space.ranges(), [(page(4), PAGE)]);
    assert_eq!(refresh(&mut controls, &mut shadow, &guest.memory, 0, 5), Answer::done(R1));
    let first = came.get_host_address(vm_memory::MemoryRegionAddress(0)).unwrap().addr();
    assert_eq!((shadow.pages(), space.at(page(0))), (5, Some((first, ReadWrite))));

    // Other storage at the same addresses: nothing leads to that of before.
    let other = region(0x8000_0000, 0x4000);
    replace(&memory, guest.memory.insert_region(other.clone()).unwrap());
    let unmaps = space.unmaps.get();
    assert_eq!(shadow.memory_changed(), Ok(()));
    assert_eq!((space.ranges(), space.unmaps.get() - unmaps), (vec![(page(4), PAGE)], 1));
    assert_eq!(refresh(&mut controls, &mut shadow, &guest.memory, 0, 5), Answer::done(R1));
    assert_ne!(space.at(page(0)), Some((first, ReadWrite)));

    replace(&memory, guest.memory.clone());
    assert_eq!(shadow.memory_changed(), Ok(()));
    assert_eq!((space.ranges(), shadow.pages()), (vec![(page(4), PAGE)], 1));
}

/// A function without translation reaches what came, and nothing that went.
#[test]
fn storage_comes_and_goes_without_translation() {
    let (mut guest, space) = (Guest::new(true), Space::default());
    let effect = guest.modify(4, 0);
    let memory = changing(&guest);
    let mut shadow = shadow_of!(memory.clone(), &space);
    shadow.apply(&effect, Guest::window()).unwrap();
    let before = space.ranges();
    let larger = guest.memory.insert_region(region(0x8000_0000, 0x4000)).unwrap();
    // The host has no room for it: what was there is there.
    replace(&memory, larger.clone());
    space.limit.set(Some(2));
    assert_eq!((shadow.memory_changed(), space.ranges()), (Err(Exhausted), before.clone()));
    space.limit.set(None);
    assert_eq!(shadow.memory_changed(), Ok(()));
    assert_eq!(space.ranges(), [before[0], before[1], (IOVA + 0x8000_0000, 0x4000)]);
    let unmaps = space.unmaps.get();
    assert_eq!((shadow.memory_changed(), space.unmaps.get()), (Ok(()), unmaps));

    let (smaller, _gone) = larger.remove_region(GuestAddress(0x4000_0000), 1 << 16).unwrap();
    replace(&memory, smaller);
    assert_eq!(shadow.memory_changed(), Ok(()));
    assert_eq!(space.ranges(), [before[0], (IOVA + 0x8000_0000, 0x4000)]);
    // Nothing comes back after the registration ended.
    shadow.apply(&guest.modify(5, 0), Guest::window()).unwrap();
    replace(&memory, larger);
    assert_eq!((shadow.memory_changed(), space.ranges()), (Ok(()), vec![]));
}

/// Linux goes on after an error without a registration.
#[test]
fn a_function_without_translation_comes_back_after_an_error() {
    let (mut guest, space) = (Guest::new(true), Space::default());
    let effect = guest.modify(4, 0);
    let memory = changing(&guest);
    let mut shadow = shadow_of!(memory.clone(), &space);
    shadow.apply(&effect, Guest::window()).unwrap();
    let before = space.ranges();
    // Nothing of it is unmapped: nothing is to come back.
    assert_eq!((shadow.apply(&Effect::Reset, Guest::window()), space.ranges()), (Ok(()), before.clone()));
    shadow.clear();
    replace(&memory, guest.memory.insert_region(region(0x8000_0000, 0x4000)).unwrap());
    assert_eq!((shadow.memory_changed(), space.ranges()), (Ok(()), vec![]));
    space.limit.set(Some(2));
    assert_eq!((shadow.apply(&Effect::Reset, Guest::window()), space.ranges()), (Err(Exhausted), vec![]));
    space.limit.set(None);
    assert_eq!(shadow.apply(&Effect::Reset, Guest::window()), Ok(()));
    assert_eq!(space.ranges(), [before[0], before[1], (IOVA + 0x8000_0000, 0x4000)]);
    let ended = guest.modify(5, 0);
    shadow.apply(&ended, Guest::window()).unwrap();
    assert_eq!((shadow.apply(&Effect::Reset, Guest::window()), space.ranges()), (Ok(()), vec![]));
}

/// A region that grows keeps what is mapped of it while the rest comes; one that shrinks is mapped anew.
#[test]
fn a_region_grows_and_shrinks_without_translation() {
    let (mut guest, space) = (Guest::new(true), Space::default());
    let effect = guest.modify(4, 0);
    let whole = MmapRegion::<()>::new(0x8000).unwrap();
    let part = |size| {
        // SAFETY: the storage is there until the end of the test, and the region does not unmap it.
        let region = unsafe { MmapRegion::<()>::build_raw(whole.as_ptr(), size, whole.prot(), whole.flags()) };
        let region = Arc::new(GuestRegionMmap::new(region.unwrap(), GuestAddress(0x8000_0000)).unwrap());
        guest.memory.insert_region(region).unwrap()
    };
    let memory = GuestMemoryAtomic::new(part(0x4000));
    let mut shadow = shadow_of!(memory.clone(), &space);
    shadow.apply(&effect, Guest::window()).unwrap();
    let before = space.ranges();
    let first = IOVA + 0x8000_0000;
    assert_eq!(before[2], (first, 0x4000));

    let unmaps = space.unmaps.get();
    replace(&memory, part(0x8000));
    space.limit.set(Some(3));
    assert_eq!((shadow.memory_changed(), space.ranges()), (Err(Exhausted), before.clone()));
    space.limit.set(None);
    assert_eq!(shadow.memory_changed(), Ok(()));
    assert_eq!(space.ranges(), [before[0], before[1], before[2], (first + 0x4000, 0x4000)]);
    assert_eq!(space.at(first + 0x7fff), Some((whole.as_ptr().addr() + 0x7fff, ReadWrite)));
    assert_eq!((shadow.memory_changed(), space.unmaps.get()), (Ok(()), unmaps));

    // The first piece is all of it again; then less than that.
    replace(&memory, part(0x4000));
    assert_eq!((shadow.memory_changed(), space.ranges()), (Ok(()), before.clone()));
    replace(&memory, part(0x3000));
    assert_eq!(shadow.memory_changed(), Ok(()));
    assert_eq!(space.ranges(), [before[0], before[1], (first, 0x3000)]);
    drop(shadow);
    assert_eq!(space.ranges(), []);
}

/// The limit that nobody chose follows the memory.
#[test]
fn the_limit_follows_the_memory() {
    let (guest, space) = (Guest::new(false), Space::default());
    let memory = changing(&guest);
    let mut shadow = shadow_of!(memory.clone(), &space);
    let pages = 1 << 17;
    let run = Run {
        range: IovaRange::with_size(Iova::new(IOVA), pages * PAGE).unwrap(),
        absolute: AbsoluteAddress::new(0x8000_0000),
        protection: ReadOnly,
    };
    assert_eq!(shadow.map(run, RefreshNumber(1)), Err(Exhausted));
    replace(&memory, guest.memory.insert_region(region(0x8000_0000, (pages * PAGE / 2) as usize)).unwrap());
    assert_eq!(shadow.map(run, RefreshNumber(1)), Err(Exhausted));
    assert_eq!(shadow.memory_changed(), Ok(()));
    assert_eq!(shadow.map(run, RefreshNumber(1)), Ok(()));
    assert_eq!(memory.memory().num_regions(), 3);
}

/// A VMM has a thread for a device.
#[test]
fn a_shadow_may_be_sent() {
    const fn may_be_sent<T: Send>() {}
    may_be_sent::<Shadow<GuestMemoryAtomic<GuestMemoryMmap>, zpci_vfio::Container<std::fs::File>>>();
    may_be_sent::<Shadow<&GuestMemoryMmap, zpci_vfio::Container<std::fs::File>>>();
}
