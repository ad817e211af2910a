// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Tables that an unmap emptied: taken out, kept for a grace period, given back.

use crate::binding::stand_in_table_or_null;
use crate::domain::{pair, Domain};
use crate::function::Function;
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

const MIB: u64 = 1 << 20;
const HANDLE: u32 = 0x8001_0007;

fn rpcit(start: u64, length: u64) -> Event {
    Event::Rpcit { handle: HANDLE, start, length }
}

/// The bytes of the table at `origin`, if there is one.
fn table(origin: u64, size: u32) -> Option<Vec<u8>> {
    // SAFETY: C looks the table up, and nobody changes it meanwhile.
    unsafe {
        let table: *const u8 = stand_in_table_or_null(origin, size).cast();
        (!table.is_null()).then(|| core::slice::from_raw_parts(table, size as usize).to_vec())
    }
}

/// Where the page table for `iova` is, below a region-third table.
fn page_table(domain: &Domain<'_>, iova: u64) -> u64 {
    let entry = |origin, index: u64| {
        let bytes = table(origin, 16 << 10).expect("a table");
        let at = 8 * (index & 0x7ff) as usize;
        u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
    };
    let segments = entry(domain.origin(), iova >> 31) & !0x3fff;
    entry(segments, iova >> 20) & !0x7ff
}

#[test]
fn empty_tables_are_given_back_after_a_refresh_and_a_grace_period() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, 16 * GIB, false);
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    assert_eq!(domain.map(START, 0x100_0000, 2 * MIB, true), 0);
    assert_eq!(kernel.tables(), (2, 2));
    assert_eq!(domain.unmap(START, 2 * MIB).pages, 512);

    // All of the first MiB, and a part of the second.
    domain.sync(START, START + MIB + 0x7_ffff);
    assert_eq!(kernel.waiting(), 1);
    assert_eq!(kernel.events(), [rpcit(0x1_0000_0000, 0x18_0000), rpcit(0x1_0000_0000, 0x10_0000)]);
    // The second one is the driver's own.
    assert_eq!(domain.counters(), [0, 0, 1]);
    // The list is in the table, and the table is still there.
    assert_eq!(kernel.tables(), (2, 2));
    assert_eq!(kernel.dma(domain.iota(1), START, false), None);
    kernel.grace_period();
    assert_eq!(kernel.tables(), (2, 1));

    // All of what the segment table covers: it goes as well.
    domain.sync(START, START + 2 * GIB - 1);
    assert_eq!(kernel.waiting(), 1);
    assert_eq!(kernel.events(), [rpcit(START, 0x8000_0000), rpcit(START, 0x8000_0000)]);
    kernel.grace_period();
    assert_eq!(kernel.tables(), (1, 0));
    assert_eq!(kernel.dma(domain.iota(1), START, false), None);

    domain.sync(START, START + 2 * GIB - 1);
    assert_eq!(kernel.waiting(), 0);
    assert_eq!(kernel.events(), [rpcit(START, 0x8000_0000)]);
    assert_eq!(domain.map(START, 0x100_0000, 0x1000, true), 0);
    assert_eq!(kernel.dma(domain.iota(1), START, true), Some(0x100_0000));
}

#[test]
fn nothing_is_given_back_where_somebody_says_so() {
    let kernel = StandIn::new();
    kernel.reclaims(false);
    let (function, domain) = pair(&kernel, &HARDWARE, 16 * GIB, false);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(domain.map(START, 0x100_0000, 2 * MIB, true), 0);
    kernel.events();
    assert_eq!(domain.unmap_and_sync(START, 2 * MIB), 2 * MIB);
    assert_eq!(kernel.events(), [rpcit(START, 2 * MIB)]);
    assert_eq!((kernel.waiting(), kernel.tables()), (0, (2, 2)));
    // It is written at any time.
    kernel.reclaims(true);
    domain.sync(START, START + 2 * MIB - 1);
    assert_eq!(kernel.waiting(), 1);
}

#[test]
fn less_than_a_mebibyte_is_not_looked_at() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    assert_eq!(domain.map(START, 0x100_0000, MIB, true), 0);
    assert_eq!(domain.unmap(START, MIB).pages, 256);
    domain.sync(START, START + MIB - 0x1001);
    assert_eq!(kernel.waiting(), 0);
    domain.sync(START, START + MIB - 1);
    assert_eq!(kernel.waiting(), 1);
    kernel.grace_period();
    assert_eq!(kernel.tables(), (2, 0));
}

#[test]
fn every_table_below_a_deep_root_is_given_back() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &HARDWARE, u64::MAX, false);
    let places = [0x1_0000_0000, 0x400_0000_0000, 0x20_0000_0000_0000, 0xffff_ffff_ffff_f000_u64];
    for iova in places {
        assert_eq!(domain.map(iova, 0x5_0000, 0x1000, true), 0);
    }
    // The root, and below it three tables for the first place, two, three and three more for the others.
    assert_eq!(kernel.tables(), (1 + 3 + 2 + 3 + 3, 4));
    for iova in places {
        assert_eq!(domain.unmap(iova, 0x1000).pages, 1);
    }
    kernel.fail_allocation(1);
    domain.sync(0, u64::MAX);
    assert_eq!(kernel.tables(), (12, 4));
    kernel.grace_period();
    assert_eq!(kernel.tables(), (1, 0));
}

#[test]
fn tables_in_use_stay() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    assert_eq!(domain.map(START, 0x100_0000, MIB, true), 0);
    assert_eq!(domain.unmap(START, MIB - 0x1000).pages, 255);
    for (start, last, what) in [
        (START, START + MIB - 1, "a page is mapped"),
        (START + 1, START + 2 * MIB - 1, "no whole pages"),
        (START + MIB, START - 1, "no range"),
    ] {
        domain.sync(start, last);
        assert_eq!(kernel.waiting(), 0, "{what}");
    }
    assert_eq!(kernel.tables(), (2, 1));
    assert_eq!(kernel.dma(domain.iota(1), START + MIB - 1, true), Some(0x10f_ffff));
}

#[test]
fn what_waits_for_a_grace_period_is_not_lost_with_its_domain() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    for round in 0..3 {
        assert_eq!(domain.map(START + round * MIB, 0x100_0000, MIB, true), 0);
        assert_eq!(domain.unmap_and_sync(START + round * MIB, MIB), MIB);
    }
    // One grace period at a time: the second and the third wait for the next.
    assert_eq!((kernel.tables(), kernel.waiting()), ((2, 3), 1));
    assert_eq!(domain.map(START, 0x200_0000, 0x1000, true), 0);
    assert_eq!(kernel.tables(), (2, 4));
    drop(domain);
    assert_eq!(kernel.tables(), (0, 0));
}

/// It maps the same addresses again and again, with no storage to wait for.
#[test]
fn the_tables_of_the_dma_api_stay() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, 16 * GIB, false);
    domain.for_dma_api();
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(domain.map(START, 0x100_0000, 2 * MIB, true), 0);
    kernel.events();
    assert_eq!(domain.unmap_and_sync(START, 2 * MIB), 2 * MIB);
    assert_eq!(kernel.events(), [rpcit(START, 2 * MIB)]);
    kernel.grace_period();
    assert_eq!(kernel.tables(), (2, 2));
    let again = kernel.without_memory(|| domain.map(START, 0x200_0000, 2 * MIB, true));
    assert_eq!(again, 0);
}

#[test]
fn giving_back_takes_no_memory() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    for round in 0..3 {
        assert_eq!(domain.map(START + round * MIB, 0x100_0000, MIB, true), 0);
    }
    kernel.events();
    kernel.without_memory(|| {
        for round in 0..3 {
            assert_eq!(domain.unmap_and_sync(START + round * MIB, MIB), MIB);
            let refresh = rpcit(START + round * MIB, MIB);
            assert_eq!(kernel.events(), [refresh.clone(), refresh]);
        }
        kernel.grace_period();
    });
    assert!(!domain.keeps());
    assert_eq!(kernel.tables(), (2, 0));
}

#[test]
fn what_comes_during_a_grace_period_waits_for_the_next() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    for round in 0..4 {
        assert_eq!(domain.map(START + round * MIB, 0x100_0000, MIB, true), 0);
    }
    let give_back = |round| assert_eq!(domain.unmap_and_sync(START + round * MIB, MIB), MIB);
    give_back(0);
    give_back(1);
    give_back(2);
    assert_eq!((kernel.tables(), kernel.waiting()), ((2, 4), 1));
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.waiting()), ((2, 3), 1), "the first went, and the next period began");
    give_back(3);
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.waiting()), ((2, 1), 1));
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.waiting()), ((2, 0), 0), "nothing waits any more");
}

#[test]
fn a_domain_waits_for_a_grace_period_of_its_own() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    for round in 0..3 {
        assert_eq!(domain.map(START + round * MIB, 0x100_0000, MIB, true), 0);
    }
    assert_eq!(domain.unmap_and_sync(START, MIB), MIB);
    assert_eq!(domain.unmap_and_sync(START + MIB, MIB), MIB);
    domain.free();
    assert_eq!((kernel.tables(), kernel.waiting()), ((2, 3), 1));
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.waiting()), ((2, 2), 1), "the period had begun before the domain ended");
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.waiting()), ((0, 0), 0));
}

/// Maps a page in each of `count` MiB from `START` on.
fn map_each_mib(domain: &Domain<'_>, count: u64) {
    for mib in 0..count {
        assert_eq!(domain.map(START + mib * MIB, 0x100_0000, 0x1000, true), 0);
    }
}

#[test]
fn a_callback_frees_256_tables_and_leaves_the_rest_to_a_worker() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    map_each_mib(&domain, 700);
    assert_eq!(kernel.tables(), (2, 700));
    domain.unmap(START, 700 * MIB);
    domain.sync(START, START + 256 * MIB - 1);
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.waiting(), kernel.works()), ((2, 444), 0, 0), "256 are not too many");
    domain.sync(START + 256 * MIB, START + 700 * MIB - 1);
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.waiting(), kernel.works()), ((2, 188), 0, 1));

    // What comes now waits for a grace period that begins when the rest is freed.
    assert_eq!(domain.map(START, 0x100_0000, MIB, true), 0);
    assert_eq!(domain.unmap_and_sync(START, MIB), MIB);
    assert_eq!((kernel.tables(), kernel.waiting(), kernel.works()), ((2, 189), 0, 1));
    kernel.work();
    assert_eq!((kernel.tables(), kernel.waiting(), kernel.works()), ((2, 1), 1, 0));
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.waiting(), kernel.works()), ((2, 0), 0, 0));
}

#[test]
fn a_domain_that_ends_while_a_worker_frees_tables_goes_after_a_grace_period_of_its_own() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    map_each_mib(&domain, 300);
    domain.unmap(START, 300 * MIB);
    domain.sync(START, START + 300 * MIB - 1);
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.works()), ((2, 44), 1));
    domain.free();
    assert_eq!((kernel.tables(), kernel.waiting(), kernel.works()), ((2, 44), 0, 1));
    kernel.work();
    assert_eq!((kernel.tables(), kernel.waiting(), kernel.works()), ((2, 0), 1, 0), "the domain is still there");
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.waiting(), kernel.works()), ((0, 0), 0, 0));
}

#[test]
fn a_large_domain_is_freed_by_a_worker() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, 16 * GIB, false);
    map_each_mib(&domain, 260);
    assert_eq!(domain.map(START + 2 * GIB, 0x100_0000, 0x1000, true), 0);
    assert_eq!(kernel.tables(), (3, 261));
    domain.free();
    kernel.callback();
    assert_eq!(
        (kernel.tables(), kernel.waiting(), kernel.works()),
        ((2, 1), 0, 1),
        "a segment table with all below it"
    );
    kernel.work();
    assert_eq!((kernel.tables(), kernel.waiting(), kernel.works()), ((0, 0), 0, 0));

    let (_function, domain) = pair(&kernel, &QEMU, 16 * GIB, false);
    map_each_mib(&domain, 260);
    domain.free();
    kernel.callback();
    assert_eq!((kernel.tables(), kernel.works()), ((0, 0), 0), "one segment table is not too many");
}

#[test]
fn what_waits_is_kept_and_is_mapped_goes_with_a_large_domain() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, 16 * GIB, false);
    assert_eq!(function.attach(&domain), 0);
    map_each_mib(&domain, 545);
    domain.unmap(START, 545 * MIB);
    let give_back = |first: u64, last: u64, answers: &[(u8, u8)]| {
        for (cc, status) in answers {
            kernel.answer(Kind::Rpcit, *cc, *status);
        }
        domain.sync(START + first * MIB, START + last * MIB - 1);
        assert!(domain.keeps());
    };
    // 270 are kept, 270 pass, 5 wait; each time but the first what is kept is tried before.
    give_back(0, 270, &[(0, 0), (1, 28)]);
    give_back(270, 540, &[(0, 0), (1, 28), (0, 0)]);
    give_back(540, 545, &[(0, 0), (1, 28), (0, 0)]);
    map_each_mib(&domain, 260);
    assert_eq!(domain.map(START + 2 * GIB, 0x100_0000, 0x1000, true), 0);
    function.detach();
    domain.free();
    assert_eq!(kernel.tables(), (3, 270 + 270 + 5 + 261));
    let run = |left: (u32, u32)| {
        // The attachment has a callback as well.
        while kernel.works() == 0 {
            kernel.callback();
        }
        assert_eq!(kernel.tables(), left);
        kernel.work();
    };
    run((3, 270 + 14 + 5 + 261));
    assert_eq!(kernel.tables(), (3, 270 + 5 + 261), "what passed alone");
    run((3, 19 + 261));
    assert_eq!(kernel.tables(), (0, 0));
    kernel.grace_period();
}

#[test]
fn what_a_function_may_still_use_is_not_reclaimed() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(domain.map(START, 0x100_0000, MIB, true), 0);
    kernel.events();
    for (cc, status) in [(1, 8), (1, 16), (1, 28), (1, 40), (2, 0)] {
        kernel.answer(Kind::Rpcit, cc, status);
        if matches!(status, 8 | 40) {
            // Asked twice, since the error state may have ended.
            kernel.answer(Kind::Rpcit, cc, status);
        }
        domain.unmap_and_sync(START, MIB);
        assert!(!domain.keeps());
        assert_eq!((kernel.waiting(), kernel.tables()), (0, (2, 1)));
        assert_eq!(domain.map(START, 0x100_0000, MIB, true), 0);
    }
}

#[test]
fn what_a_function_may_still_see_is_kept_as_it_is() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    let other = Function::new(&kernel, &HARDWARE);
    assert_eq!((function.attach(&domain), other.attach(&domain)), (0, 0));
    kernel.grace_period();
    assert_eq!(domain.map(START, 0x100_0000, MIB, true), 0);
    let origin = page_table(&domain, START);
    kernel.events();
    // Both forget the pages, one of them not the way to them.
    for answer in [(0, 0), (0, 0), (1, 28), (0, 0)] {
        kernel.answer(Kind::Rpcit, answer.0, answer.1);
    }
    assert_eq!(domain.unmap_and_sync(START, MIB), MIB);
    assert_eq!(kernel.events(), [const { MIB }; 4].map(|length| rpcit(START, length)));
    assert!(domain.keeps());
    assert_eq!((kernel.waiting(), kernel.tables()), (0, (2, 1)));
    let kept = table(origin, 2 << 10).expect("the table");
    assert!(kept.chunks(8).all(|entry| entry[6] & 4 != 0), "every entry is invalid");

    // The addresses get another table.
    assert_eq!(domain.map(START, 0x200_0000, MIB, true), 0);
    assert_ne!(page_table(&domain, START), origin);
    assert_eq!(kernel.tables(), (2, 2));
    assert_eq!(table(origin, 2 << 10), Some(kept.clone()));
    // A refresh of one page makes up for what failed, but nobody looks whether tables can go.
    domain.sync(START, START + 0xfff);
    assert!(domain.keeps());
    kernel.events();

    // The next reclaim refreshes everything first. As long as that fails they stay.
    for answer in [(0, 0), (0, 0), (1, 28), (0, 0), (0, 0), (0, 0)] {
        kernel.answer(Kind::Rpcit, answer.0, answer.1);
    }
    assert_eq!(domain.unmap_and_sync(START, MIB), MIB);
    assert_eq!(
        kernel.events(),
        [MIB, MIB, GIB, GIB, GIB, MIB].map(|length| rpcit(START, length)),
        "the unmap, what was kept, and the new table, for which one of the two makes up for what failed"
    );
    assert!(domain.keeps());
    kernel.grace_period();
    assert_eq!(kernel.tables(), (2, 1));
    assert_eq!(table(origin, 2 << 10), Some(kept));

    assert_eq!(domain.map(START, 0x300_0000, MIB, true), 0);
    assert_eq!(domain.unmap_and_sync(START, MIB), MIB);
    assert!(!domain.keeps());
    // Nobody but the driver asked for a refresh of everything; each unmap is for two functions.
    assert_eq!(domain.counters(), [0, 0, 8]);
    assert_eq!((kernel.waiting(), kernel.tables()), (1, (2, 2)));
    kernel.grace_period();
    assert_eq!(kernel.tables(), (2, 0));
}

#[test]
fn what_is_kept_goes_with_its_domain() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    for round in 0..3 {
        assert_eq!(domain.map(START + round * MIB, 0x100_0000, MIB, true), 0);
        kernel.answer(Kind::Rpcit, 0, 0);
        // From the second on what was kept is tried first.
        for _ in 0..=u32::from(round > 0) {
            kernel.answer(Kind::Rpcit, 1, 28);
        }
        assert_eq!(domain.unmap_and_sync(START + round * MIB, MIB), MIB);
        assert!(domain.keeps());
    }
    kernel.grace_period();
    assert_eq!(kernel.tables(), (2, 3));
    drop(domain);
    assert_eq!(kernel.tables(), (2, 3));
    function.detach();
    kernel.grace_period();
    assert_eq!(kernel.tables(), (0, 0));
}

#[test]
fn what_a_function_sees_that_is_lost_meanwhile_is_kept() {
    // The refresh of the unmap has the first barrier, that of the tables that were taken out the second: of those that
    // were kept before, if there are any.
    for kept in [0, 1] {
        let kernel = StandIn::new();
        let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
        assert_eq!(function.attach(&domain), 0);
        for _ in 0..kept {
            assert_eq!(domain.map(START, 0x100_0000, MIB, true), 0);
            kernel.answer(Kind::Rpcit, 0, 0);
            kernel.answer(Kind::Rpcit, 1, 28);
            assert_eq!(domain.unmap_and_sync(START, MIB), MIB);
        }
        assert_eq!(domain.map(START, 0x100_0000, MIB, true), 0);
        kernel.always(Kind::Mpcifc, 1, 28);
        kernel.at_barrier(
            2,
            || drop(function),
            || {
                assert_eq!(domain.unmap_and_sync(START, MIB), MIB);
                assert!(kernel.log().contains("gone while its translation was registered"), "{}", kernel.log());
            },
        );
        assert!(domain.keeps());
        assert_eq!(kernel.tables(), (2, 1 + kept));
        // From now on tables stay where they are: what was taken out would never be freed.
        for _ in 0..2 {
            assert_eq!(domain.map(START, 0x100_0000, MIB, true), 0);
            assert_eq!(domain.unmap_and_sync(START, MIB), MIB);
            assert_eq!(kernel.tables(), (2, 2 + kept));
        }
        drop(domain);
        assert_eq!(kernel.tables(), (2, 2 + kept));
        kernel.forget();
    }
}
