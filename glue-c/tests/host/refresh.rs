// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! RPCIT: its operands, every answer, and refreshes that several functions need.

use zpci_glue::function::ForeignFunction;

use crate::domain::{pair, Domain};
use crate::function::Function;
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

const HANDLE: u32 = 0x8002_0000;

fn rpcit(start: u64, length: u64) -> Event {
    Event::Rpcit { handle: HANDLE, start, length }
}

/// All of an aperture of 1 GiB.
fn everything() -> Event {
    rpcit(0x1_0000_0000, 0x4000_0000)
}

/// A function that is attached to a domain; what it took is not in the list of events.
fn attached<'k>(kernel: &'k StandIn, from: &ForeignFunction, aperture_bytes: u64) -> (Function<'k>, Domain<'k>) {
    let (function, domain) = pair(kernel, from, aperture_bytes, false);
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    (function, domain)
}

/// Makes up for what failed, so that the next refresh is one like the first.
fn make_up(kernel: &StandIn, domain: &Domain<'_>) {
    domain.flush_all();
    assert_eq!(kernel.events(), [everything()]);
}

#[test]
fn operands() {
    let kernel = StandIn::new();
    let (_function, domain) = attached(&kernel, &QEMU, 16 * GIB);
    domain.sync(START, START + 0xfff);
    assert_eq!(kernel.events(), [rpcit(0x1_0000_0000, 0x1000)]);
    // What starts at an entry that changed is walked from there.
    domain.sync(0x1_8012_3000, 0x2_ffff_ffff);
    assert_eq!(kernel.events(), [rpcit(0x1_8012_3000, 0x1_7fed_d000)]);
    // Only so much of it as the function can address.
    domain.sync(0x4_ffff_f000, 0x5_0000_0fff);
    assert_eq!(kernel.events(), [rpcit(0x4_ffff_f000, 0x1000)]);
    assert_eq!(domain.sync_map(0xffff_f000, 0x2000), (0, 0));
    assert_eq!(kernel.events(), [rpcit(0x1_0000_0000, 0x1000)]);
    domain.sync(0, 0xffff_ffff);
    domain.sync(0x5_0000_0000, 0x3ff_ffff_ffff);
    assert_eq!(domain.sync_map(0x5_0000_0000, 0x1000), (0, 0));
    assert_eq!(kernel.events(), []);
    // What is no range of pages is not issued.
    for (start, last) in [(START + 1, START + 0xfff), (START, START + 0x1000)] {
        domain.sync(start, last);
        assert!(kernel.log().contains("refresh failed (-22)"), "{}", kernel.log());
    }
    // Nothing was gathered.
    domain.sync(START + 0x1000, START + 0xfff);
    assert_eq!(kernel.events(), []);
    assert_eq!(domain.sync_map(START + 1, 0xfff), (-22, 0));
    assert_eq!(kernel.events(), []);
}

/// The entries come before the look at the list: who joins in between is found.
#[test]
fn a_function_that_joins_at_the_barrier_is_refreshed() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    let join = || assert_eq!(function.attach(&domain), 0);
    kernel.at_barrier(1, join, || domain.sync(START, START + 0xfff));
    assert_eq!(kernel.events().last(), Some(&rpcit(START, 0x1000)));
    function.detach();
    kernel.events();
    assert_eq!(kernel.at_barrier(1, join, || domain.sync_map(START, 0x1000)), (0, 0));
    assert_eq!(kernel.events().last(), Some(&rpcit(START, 0x1000)));
}

#[test]
fn a_refresh_of_everything_ends_with_the_area_that_it_starts_in() {
    let kernel = StandIn::new();
    let within = |start_dma, end_dma| ForeignFunction { start_dma, end_dma, designation_types: 0x70, ..QEMU };
    {
        let (_function, domain) = attached(&kernel, &within(0x1_8012_3000, 0x2_ffff_ffff), u64::MAX);
        domain.flush_all();
        assert_eq!(
            kernel.events(),
            [rpcit(0x1_8012_3000, 0xd_d000), rpcit(0x1_8020_0000, 0x7fe0_0000), rpcit(0x2_0000_0000, 0x1_0000_0000)]
        );
        // A part of what changed is no place where an entry changed.
        domain.sync(0, 0x1_8fff_ffff);
        assert_eq!(kernel.events(), [rpcit(0x1_8012_3000, 0xd_d000), rpcit(0x1_8020_0000, 0xfe0_0000)]);
    }
    kernel.events();
    // The length of everything is no operand, and the last page of 2^64 is nobody's.
    let (_function, domain) = attached(&kernel, &within(0, u64::MAX), u64::MAX);
    domain.flush_all();
    let halves = [rpcit(0, 1 << 63), rpcit(1 << 63, (1 << 63) - 0x1000)];
    assert_eq!(kernel.events(), halves);
    domain.sync(0, u64::MAX);
    assert_eq!(kernel.events(), halves);
    domain.sync(u64::MAX - 0xfff, u64::MAX);
    assert_eq!(kernel.events(), []);
    // The second half is not issued after the first failed.
    kernel.answer(Kind::Rpcit, 1, 28);
    domain.flush_all();
    assert_eq!(kernel.events(), [rpcit(0, 1 << 63)]);
}

#[test]
fn every_answer_after_an_unmap() {
    let kernel = StandIn::new();
    let (_function, domain) = attached(&kernel, &QEMU, GIB);
    let page = rpcit(START, 0x1000);
    for status in 0..=255 {
        for cc in 0..=3 {
            kernel.answer(Kind::Rpcit, cc, status);
            domain.sync(START, START + 0xfff);
            let busy = (cc == 2).then_some(Event::PauseRpcit(1));
            // An error state may have ended before it was noted that the function refused.
            let in_error = cc == 1 && matches!(status, 8 | 40);
            let again = in_error.then(everything);
            assert_eq!(kernel.events(), [page.clone()].into_iter().chain(busy).chain(again).collect::<Vec<_>>());
            // What may use old entries is refreshed all over by the next; what is gone uses none.
            domain.sync(START, START + 0xfff);
            let failed = !matches!(cc, 0 | 3) && !in_error;
            let next = if failed { everything() } else { page.clone() };
            assert_eq!(kernel.events(), [next], "condition code {cc}, status {status}");
            if failed {
                let rc = if matches!(status, 4 | 16) && cc == 1 { -12 } else { -5 };
                assert_eq!(
                    kernel.log(),
                    format!("zpci: FID 00000001: refresh failed ({rc}); it is made up for by the next one\n")
                );
            }
            domain.sync(START, START + 0xfff);
            assert_eq!(kernel.events(), core::slice::from_ref(&page));
        }
    }
}

#[test]
fn every_answer_after_a_map() {
    let kernel = StandIn::new();
    let (_function, domain) = attached(&kernel, &QEMU, GIB);
    let page = rpcit(START + 0x4000, 0x1000);
    for status in 0..=255 {
        for cc in [0, 1, 3] {
            kernel.answer(Kind::Rpcit, cc, status);
            let refreshed = domain.sync_map(START + 0x4000, 0x1000);
            let (expected, events) = match (cc, status) {
                // In error or being recovered, or gone: its neighbours go on.
                (0 | 3, _) => ((0, 0), vec![page.clone()]),
                // The same, and the error state may have ended; or the machine is shown what it can give back.
                (1, 8 | 40 | 4 | 16) => ((0, 0), vec![page.clone(), everything()]),
                _ => ((-5, 0), vec![page.clone()]),
            };
            assert_eq!(refreshed, expected, "condition code {cc}, status {status}");
            assert_eq!(kernel.events(), events);
            make_up(&kernel, &domain);
        }
    }
}

#[test]
fn everything_is_shown_to_a_machine_without_resources_once() {
    let kernel = StandIn::new();
    let (_function, domain) = attached(&kernel, &QEMU, GIB);
    let both = [rpcit(START + 0x4000, 0x1000), everything()];
    for (cc, status, rc) in [(1, 4, -12), (1, 16, -12), (1, 28, -5), (1, 8, 0), (1, 40, 0)] {
        kernel.answer(Kind::Rpcit, 1, 16);
        kernel.answer(Kind::Rpcit, cc, status);
        assert_eq!(domain.sync_map(START + 0x4000, 0x1000), (rc, 0), "condition code {cc}, status {status}");
        // The error state may have ended between the refusal and the note of it.
        let again = matches!(status, 8 | 40).then(everything);
        assert_eq!(kernel.events(), both.iter().cloned().chain(again).collect::<Vec<_>>());
        make_up(&kernel, &domain);
    }
    // A function that is gone by then uses nothing.
    kernel.answer(Kind::Rpcit, 1, 16);
    kernel.answer(Kind::Rpcit, 3, 0);
    assert_eq!(domain.sync_map(START + 0x4000, 0x1000), (0, 0));
    assert_eq!(kernel.events(), both);
    // The handle may have been one from before a reset, so it stays to be made up for.
    assert_eq!(domain.sync_map(START + 0x4000, 0x1000), (0, 0));
    assert_eq!(kernel.events(), [everything()]);
    assert_eq!(domain.sync_map(START + 0x4000, 0x1000), (0, 0));
    assert_eq!(kernel.events(), [rpcit(START + 0x4000, 0x1000)]);
}

#[test]
fn a_condition_code_that_no_machine_has_is_an_error() {
    let kernel = StandIn::new();
    let (_function, domain) = attached(&kernel, &QEMU, GIB);
    for cc in 4..=255 {
        for status in [0, 8, 16, 40] {
            kernel.answer(Kind::Rpcit, cc, status);
            assert_eq!(domain.sync_map(START, 0x1000), (-5, 0), "condition code {cc}");
            assert_eq!(kernel.events(), [rpcit(START, 0x1000)]);
            make_up(&kernel, &domain);
        }
    }
}

#[test]
fn a_busy_machine_is_asked_until_the_kernel_gives_up() {
    let kernel = StandIn::new();
    let (_function, domain) = attached(&kernel, &QEMU, GIB);
    let tries = |of: &Event, tries: u32, pause: fn(u32) -> Event| -> Vec<Event> {
        (1..=tries).flat_map(|busy| [of.clone(), pause(busy)]).collect()
    };
    kernel.always(Kind::Rpcit, 2, 0);
    kernel.patience(Kind::PauseRpcit, 2);
    assert_eq!(domain.sync_map(START, 0x1000), (-5, 0));
    assert_eq!(kernel.events(), tries(&rpcit(START, 0x1000), 3, Event::PauseRpcit));
    kernel.patience(Kind::PauseRpcit, 1);
    domain.sync(START, START + 0xfff);
    // From then on each wait is a short one.
    assert_eq!(kernel.events(), tries(&everything(), 2, Event::PauseSlow));
    // Once is enough: a machine that is busy is not one without resources.
    domain.flush_all();
    assert_eq!(kernel.events(), tries(&everything(), 1, Event::PauseSlow));

    kernel.always(Kind::Rpcit, 0, 0);
    make_up(&kernel, &domain);
    kernel.patience(Kind::PauseRpcit, u32::MAX);
    kernel.answer(Kind::Rpcit, 2, 0);
    kernel.answer(Kind::Rpcit, 2, 0);
    kernel.answer(Kind::Rpcit, 0, 0);
    assert_eq!(domain.sync_map(START, 0x1000), (0, 0));
    assert_eq!(kernel.events().len(), 5);
}

#[test]
fn a_flush_of_everything() {
    let kernel = StandIn::new();
    let (_first, domain) = attached(&kernel, &QEMU, GIB);
    let other = ForeignFunction { id: 2, ..HARDWARE };
    let second = Function::new(&kernel, &other);
    assert_eq!(second.attach(&domain), 0);
    kernel.events();
    let of_second = || Event::Rpcit { handle: 0x8001_0007, start: START, length: 0x4000_0000 };
    // The latest comes first.
    domain.flush_all();
    assert_eq!(kernel.events(), [of_second(), everything()]);
    // Without resources it is tried once more, for each.
    for status in [4, 16] {
        kernel.answer(Kind::Rpcit, 1, status);
        domain.flush_all();
        assert_eq!(kernel.events(), [of_second(), of_second(), everything()]);
    }
    domain.sync(START, START + 0xfff);
    let page = |handle| Event::Rpcit { handle, start: START, length: 0x1000 };
    assert_eq!(kernel.events(), [page(0x8001_0007), page(HANDLE)]);

    // A failure is logged, does not keep the other one from its refresh, and is made up for.
    for (status, twice, rc) in [(4, true, -12), (28, false, -5), (8, true, -5), (40, true, -5)] {
        kernel.answer(Kind::Rpcit, 1, status);
        if twice {
            kernel.answer(Kind::Rpcit, 1, status);
        }
        domain.flush_all();
        let again = twice.then(of_second);
        let expected: Vec<_> = [of_second()].into_iter().chain(again).chain([everything()]).collect();
        assert_eq!(kernel.events(), expected);
        assert!(kernel.log().contains(&format!("FID 00000002: refresh failed ({rc})")), "{}", kernel.log());
        domain.sync(START, START + 0xfff);
        assert_eq!(kernel.events(), [of_second(), page(HANDLE)]);
    }
    // What was refused once, and not again, was not missed.
    for status in [8, 40] {
        kernel.answer(Kind::Rpcit, 1, status);
        domain.flush_all();
        assert_eq!(kernel.events(), [of_second(), of_second(), everything()]);
        domain.sync(START, START + 0xfff);
        assert_eq!(kernel.events(), [page(0x8001_0007), page(HANDLE)]);
    }
}

#[test]
fn an_error_of_one_function_is_not_lost_behind_the_success_of_the_next() {
    let kernel = StandIn::new();
    let (plain, domain) = pair(&kernel, &HARDWARE, GIB, false);
    let shadowed =
        |handle| Function::new(&kernel, &ForeignFunction { handle, flags: ForeignFunction::REFRESH, ..HARDWARE });
    let (first, second, third) = (shadowed(0x8001_0001), shadowed(0x8001_0002), shadowed(0x8001_0003));
    for function in [&third, &second, &plain, &first] {
        assert_eq!(function.attach(&domain), 0);
    }
    kernel.events();
    kernel.answer(Kind::Rpcit, 0, 0);
    kernel.answer(Kind::Rpcit, 1, 28);
    kernel.answer(Kind::Rpcit, 1, 16);
    assert_eq!(domain.sync_map(START, 0x2000), (-5, 0));
    // The one whose machine does not shadow tables is not refreshed after a map.
    let instruction = |handle, length| Event::Rpcit { handle, start: START, length };
    assert_eq!(
        kernel.events(),
        [
            instruction(0x8001_0001, 0x2000),
            instruction(0x8001_0002, 0x2000),
            instruction(0x8001_0003, 0x2000),
            instruction(0x8001_0003, 0x4000_0000),
        ]
    );
    // After an unmap each is refreshed, and the one whose refresh failed all over.
    domain.sync(START, START + 0x1fff);
    assert_eq!(
        kernel.events(),
        [
            instruction(0x8001_0001, 0x2000),
            instruction(0x8001_0007, 0x2000),
            instruction(0x8001_0002, 0x4000_0000),
            instruction(0x8001_0003, 0x2000),
        ]
    );
    // The first error is the one that is returned.
    kernel.answer(Kind::Rpcit, 1, 28);
    for _ in 0..2 {
        kernel.answer(Kind::Rpcit, 1, 16);
    }
    assert_eq!(domain.sync_map(START, 0x2000).0, -5);
}

#[test]
fn what_was_unmapped_apart_is_refreshed_apart() {
    let kernel = StandIn::new();
    let whole = ForeignFunction { start_dma: 0, end_dma: u64::MAX, designation_types: 0x10, ..QEMU };
    let page = 0x1000;
    let last_page = u64::MAX - 0xfff;
    for (first, second, events) in [
        // Neighbours, either way round.
        (START, START + page, &[rpcit(START, 2 * page)][..]),
        (START + page, START, &[rpcit(START, 2 * page)]),
        // Not neighbours, if only by a page.
        (START, START + 2 * page, &[rpcit(START, page), rpcit(START + 2 * page, page)]),
        (START + 2 * page, START, &[rpcit(START + 2 * page, page), rpcit(START, page)]),
        // The ends of the address space are no neighbours. The last page is in nobody's aperture.
        (last_page, 0, &[rpcit(0, page)]),
        (0, last_page, &[rpcit(0, page)]),
        (last_page - page, last_page, &[rpcit(last_page - page, page)]),
    ] {
        let (_function, domain) = attached(&kernel, &whole, u64::MAX);
        for iova in [first, second] {
            assert_eq!(domain.map(iova, 0x5_0000, page, true), 0);
        }
        let refreshes = domain.unmap_twice(first, second, page);
        assert_eq!(kernel.events(), events, "{first:#x}, {second:#x}");
        let neighbours = first.abs_diff(second) == page;
        assert_eq!(refreshes, if neighbours { 1 } else { 2 });
    }
}

#[test]
fn where_nothing_was_mapped_nothing_is_refreshed() {
    let kernel = StandIn::new();
    let mib = 0x10_0000;
    for large in [false, true] {
        let (function, domain) = pair(&kernel, &QEMU, GIB, large);
        assert_eq!(function.attach(&domain), 0);
        kernel.events();
        // A refresh that starts where there is no entry would make QEMU drop what is mapped behind the range.
        assert_eq!(domain.map(START + mib, 0x5_0000, 0x1000, true), 0);
        assert_eq!(domain.unmap_by_core(START + 0x8_0000, 0x1000), 0x1000);
        assert_eq!(domain.unmap_by_core(START + 0x8_0000, 0x8_0000), 0x8_0000);
        assert_eq!(kernel.events(), []);
        // Holes on both sides, each a piece of its own where there are frames of 1 MiB.
        assert_eq!(domain.unmap_by_core(START + 0x8_0000, 2 * mib), 2 * mib);
        assert_eq!(kernel.events(), [rpcit(START + mib, 0x1000)], "large: {large}");
        assert_eq!(domain.unmap_by_core(START, 0x4000_0000), 0x4000_0000);
        assert_eq!(kernel.events(), []);
    }
}

/// Whoever may write to `iommu_group/type` gives a domain a flush queue, without that the driver is asked.
#[test]
fn a_function_that_cannot_wait_is_told_of_what_a_flush_queue_puts_off() {
    let kernel = StandIn::new();
    for (function_type, at_once) in [(5, true), (0, false)] {
        let (function, domain) = pair(&kernel, &ForeignFunction { function_type, ..HARDWARE }, GIB, false);
        assert_eq!(domain.map(START, 0x5_0000, 0x10_0000, true), 0);
        assert_eq!(function.attach(&domain), 0);
        kernel.events();
        for (offset, size) in [(0, 0x1000), (0x1000, 0x1000), (0x4000, 0x3000)] {
            assert_eq!(domain.unmap_queued(START + offset, size), size);
            let told = Event::Rpcit { handle: HARDWARE.handle, start: START + offset, length: size };
            assert_eq!(kernel.events(), at_once.then_some(told).into_iter().collect::<Vec<_>>(), "{function_type}");
        }
        // Nothing but what was unmapped may be refreshed.
        domain.flush_all();
        let everything = Event::Rpcit { handle: HARDWARE.handle, start: START, length: GIB };
        assert_eq!(kernel.events(), (!at_once).then_some(everything).into_iter().collect::<Vec<_>>());
        function.detach();
        kernel.events();
    }
}
