// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Mapping and unmapping, judged by the walk of a device.

use zpci_glue::function::ForeignFunction;

use crate::domain::{pair, Unmapped};
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

const MIB: u64 = 1 << 20;

#[test]
fn devices_find_what_is_mapped_below_every_root() {
    let kernel = StandIn::new();
    for (aperture, designation_type, tables) in [(GIB, 1, (2, 1)), (1 << 43, 2, (3, 1)), (u64::MAX, 3, (4, 1))] {
        let (_function, domain) = pair(&kernel, &HARDWARE, aperture, false);
        let iota = domain.iota(designation_type);
        assert_eq!(domain.map(START, 0x5_0000, 0x3000, true), 0);
        assert_eq!(kernel.gfp(), 0x22);
        assert_eq!(domain.map(START + 0x3000, 0x7_f000, 0x1000, false), 0);
        assert_eq!(kernel.tables(), tables);
        for (iova, write, absolute) in [
            (START, true, Some(0x5_0000)),
            (START + 0x2fff, true, Some(0x5_2fff)),
            (START + 0x3001, false, Some(0x7_f001)),
            (START + 0x3001, true, None),
            (START + 0x4000, false, None),
            (START - 1, false, None),
        ] {
            assert_eq!(kernel.dma(iota, iova, write), absolute, "type {designation_type}, {iova:#x}");
        }
        assert_eq!(domain.translate(START + 0x2fff), 0x5_2fff);
        assert_eq!(domain.translate(START + 0x3abc), 0x7_fabc);
        assert_eq!(domain.translate(START + 0x4000), 0);
        assert_eq!(domain.translate(u64::MAX), 0);
    }
}

#[test]
fn the_last_page_of_everything() {
    let kernel = StandIn::new();
    let whole = ForeignFunction { start_dma: 0, end_dma: u64::MAX, designation_types: 0x10, ..QEMU };
    let (_function, domain) = pair(&kernel, &whole, u64::MAX, false);
    let last_page = 0xffff_ffff_ffff_f000;
    assert_eq!(domain.map(last_page, last_page, 0x1000, true), 0);
    assert_eq!(kernel.dma(domain.iota(3), last_page + 0x123, true), Some(last_page + 0x123));
    assert_eq!(domain.unmap(last_page, 0x1000), Unmapped { size: 0x1000, changed: [last_page, u64::MAX], pages: 1 });
    assert_eq!(domain.map(last_page, 0x1000, 0x2000, true), -22);
}

#[test]
fn what_cannot_be_mapped_is_refused_and_nothing_changes() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    let end = 0x400_0000_0000;
    for (iova, origin, size) in [
        (START, 0x5_0000, 0),
        (START, 0x5_0000, 0x800),
        (START + 0x800, 0x5_0000, 0x1000),
        (START, 0x5_0800, 0x1000),
        (START, 0xffff_ffff_ffff_f000, 0x2000),
        (0xffff_ffff_ffff_f000, 0x5_0000, 0x2000),
        (end - 0x1000, 0x5_0000, 0x2000),
        (end, 0x5_0000, 0x1000),
        (u64::MAX - 0xfff, 0x5_0000, 0x1000),
    ] {
        assert_eq!(domain.map(iova, origin, size, true), -22, "{iova:#x} {origin:#x} {size:#x}");
    }
    assert_eq!(kernel.tables(), (1, 0));

    assert_eq!(domain.map(START + 0x2000, 0x5_0000, 0x1000, true), 0);
    assert_eq!(domain.map(START, 0x9_0000, 0x4000, true), -98);
    assert_eq!(domain.map(START + 0x2000, 0x5_0000, 0x1000, true), -98);
    let iota = domain.iota(1);
    assert_eq!(
        [0, 1, 2, 3].map(|page| kernel.dma(iota, START + page * 0x1000, true)),
        [None, None, Some(0x5_0000), None]
    );
}

#[test]
fn wherever_storage_ends_nothing_is_mapped() {
    let kernel = StandIn::new();
    // Two pages on either side of where a segment table ends: two segment tables and two page tables.
    let (iova, size) = (START + 0x7fff_e000, 0x4000);
    for (aperture, designation_type, needed) in [(4 * GIB, 1, 4), (1 << 43, 2, 5), (u64::MAX, 3, 6)] {
        for n in 1..=needed {
            let (_function, domain) = pair(&kernel, &HARDWARE, aperture, false);
            kernel.fail_allocation(n);
            assert_eq!(domain.map(iova, 0x5_0000, size, true), -12, "allocation {n} of {needed}");
            let iota = domain.iota(designation_type);
            assert!((0..4).all(|page| kernel.dma(iota, iova + page * 0x1000, false).is_none()));
            kernel.fail_allocation(0);
            // Page tables that nothing led to were given back; what was made above them is used.
            assert_eq!(kernel.tables().1, 0);
            assert_eq!(domain.map(iova, 0x5_0000, size, true), 0);
            assert_eq!(kernel.dma(iota, iova + 0x3fff, true), Some(0x5_3fff));
            assert_eq!(kernel.tables(), (needed - 1, 2));
        }
    }
}

#[test]
fn unmapping_passes_holes_and_never_allocates() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    let iota = domain.iota(1);
    assert_eq!(domain.map(START + 0x1000, 0x5_0000, 0x1000, true), 0);
    assert_eq!(domain.map(START + 0x8000_4000, 0x6_0000, 0x2000, true), 0);
    kernel.fail_allocation(1);
    // A hole before, 2 GiB between, a hole behind.
    assert_eq!(
        domain.unmap(START, 0x1_0000_0000),
        Unmapped { size: 0x1_0000_0000, changed: [START + 0x1000, START + 0x8000_5fff], pages: 3 }
    );
    assert_eq!(kernel.dma(iota, START + 0x1000, false), None);
    assert_eq!(kernel.dma(iota, START + 0x8000_5000, false), None);
    let nothing = Unmapped { size: 0x1_0000_0000, changed: Unmapped::NONE, pages: 0 };
    assert_eq!(domain.unmap(START, 0x1_0000_0000), nothing);
    let refused = Unmapped { size: 0, changed: Unmapped::NONE, pages: 0 };
    for (iova, size) in [
        (START, 0),
        (START, 0x1001),
        (START + 1, 0x1000),
        (0x400_0000_0000, 0x1000),
        (0x3ff_ffff_f000, 0x2000),
        (u64::MAX - 0xfff, 0x2000),
    ] {
        assert_eq!(domain.unmap(iova, size), refused, "{iova:#x} {size:#x}");
    }
}

/// What a driver unmaps twice may be mapped for somebody else in between.
#[test]
fn what_is_not_mapped_is_unmapped_with_a_warning() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    domain.for_dma_api();
    let nothing = |size| Unmapped { size, changed: Unmapped::NONE, pages: 0 };
    assert_eq!(domain.map(START, 0x5_0000, 0x3000, true), 0);
    assert_eq!(domain.unmap(START + 0x1000, 0x1000).pages, 1);
    assert_eq!(kernel.warnings(), 0);
    // A page twice; where there is no table; a range with a hole, of which the rest is unmapped.
    for iova in [START + 0x1000, START + 0x4000_0000] {
        assert_eq!(domain.unmap(iova, 0x1000), nothing(0x1000));
        assert_eq!(kernel.warnings(), 1, "{iova:#x}");
    }
    let rest = Unmapped { size: 0x3000, changed: [START, START + 0x2fff], pages: 2 };
    assert_eq!(domain.unmap(START, 0x3000), rest);
    assert_eq!(kernel.warnings(), 1);
    assert_eq!(domain.unmap(START, 0x3000), nothing(0x3000));
    assert_eq!(kernel.warnings(), 1);
    // Beyond the aperture.
    assert_eq!(domain.unmap(0x400_0000_0000, 0x1000), nothing(0));
    assert_eq!(kernel.warnings(), 1);
    // All of a range that is mapped, over several tables and with a frame that has to be split.
    assert_eq!(domain.map(START, 0x10_0000, 3 * MIB, true), 0);
    assert_eq!(domain.unmap(START, 3 * MIB).pages, 768);
    let (_function, domain) = pair(&kernel, &HARDWARE, GIB, true);
    domain.for_dma_api();
    assert_eq!(domain.map(START, 0x10_0000, MIB, true), 0);
    assert_eq!(domain.unmap(START, 0x2000).pages, 2);
    assert_eq!(kernel.warnings(), 0);
    assert_eq!(domain.unmap(START, MIB).pages, 254);
    assert_eq!(kernel.warnings(), 1);
    // Without storage for the pages of a frame nothing is unmapped, and nobody is to blame.
    assert_eq!(domain.map(START + MIB, 0x10_0000, MIB, true), 0);
    kernel.fail_allocation(1);
    assert_eq!(domain.unmap(START + MIB, 0x2000), nothing(0));
    assert_eq!(kernel.warnings(), 0);
}

/// VFIO takes back all of a range of which a second container could not map all; with `panic_on_warn` a user could stop the
/// kernel.
#[test]
fn what_a_user_had_not_mapped_is_unmapped_without_a_warning() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    assert_eq!(domain.map(START, 0x5_0000, 0x2000, true), 0);
    let all = Unmapped { size: 0x4000, changed: [START, START + 0x1fff], pages: 2 };
    assert_eq!(domain.unmap(START, 0x4000), all);
    assert_eq!(domain.unmap(START, 0x4000), Unmapped { size: 0x4000, changed: Unmapped::NONE, pages: 0 });
    assert_eq!(kernel.warnings(), 0);
}

#[test]
fn frames_of_a_mebibyte_where_they_may_be_used() {
    let kernel = StandIn::new();
    for (large, page_tables) in [(false, 4), (true, 2)] {
        let (_function, domain) = pair(&kernel, &HARDWARE, GIB, large);
        let iota = domain.iota(1);
        // A page, two whole MiB, a page.
        assert_eq!(domain.map(START + MIB - 0x1000, 0x10_0000 - 0x1000, 2 * MIB + 0x2000, false), 0);
        assert_eq!(kernel.tables(), (2, page_tables));
        assert_eq!(kernel.dma(iota, START + MIB - 1, false), Some(0xf_ffff));
        assert_eq!(kernel.dma(iota, START + 2 * MIB + 0x5678, false), Some(0x20_5678));
        assert_eq!(kernel.dma(iota, START + 2 * MIB + 0x5678, true), None);
        assert_eq!(domain.translate(START + 2 * MIB + 0x5678), 0x20_5678);
        assert_eq!(domain.map(START + 2 * MIB, 0x5_0000, 0x1000, true), -98);
        assert_eq!(
            domain.unmap(START, 4 * MIB),
            Unmapped { size: 4 * MIB, changed: [START + MIB - 0x1000, START + 3 * MIB + 0xfff], pages: 514 }
        );
        assert_eq!(kernel.dma(iota, START + 2 * MIB, false), None);
    }
}

#[test]
fn a_frame_of_which_a_part_is_unmapped_is_split_and_refreshed_at_once() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, true);
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    let iota = domain.iota(1);
    assert_eq!(domain.map(START, 0x100_0000, 2 * MIB, false), 0);
    assert_eq!(kernel.tables(), (2, 0));
    // From the middle of the first to the middle of the second.
    assert_eq!(
        domain.unmap(START + 0x8_0000, MIB),
        Unmapped { size: MIB, changed: [START + 0x8_0000, START + 0x17_ffff], pages: 256 }
    );
    // A machine may use the old entries for any byte of either frame.
    let handle = 0x8001_0007;
    assert_eq!(kernel.events(), [Event::Rpcit { handle, start: 0x1_0000_0000, length: 0x20_0000 }]);
    assert_eq!(kernel.gfp(), 0x33);
    assert_eq!(kernel.tables(), (2, 2));
    for (offset, absolute) in [
        (0, Some(0x100_0000)),
        (0x7_ffff, Some(0x107_ffff)),
        (0x8_0000, None),
        (0x17_ffff, None),
        (0x18_0000, Some(0x118_0000)),
        (0x1f_ffff, Some(0x11f_ffff)),
    ] {
        assert_eq!(kernel.dma(iota, START + offset, false), absolute, "{offset:#x}");
        assert_eq!(kernel.dma(iota, START + offset, true), None);
    }
    // Pages are pages now.
    assert_eq!(domain.unmap(START, 0x1000).pages, 1);
    assert_eq!(kernel.events(), []);
}

#[test]
fn whole_frames_are_not_refreshed_before_the_sync() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, true);
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    assert_eq!(domain.map(START, 0x100_0000, 2 * MIB, false), 0);
    assert_eq!(domain.unmap(START, 2 * MIB).changed, [START, START + 2 * MIB - 1]);
    assert_eq!(kernel.events(), []);
    domain.sync(START, START + 2 * MIB - 1);
    let handle = 0x8001_0007;
    assert_eq!(kernel.events(), [Event::Rpcit { handle, start: 0x1_0000_0000, length: 0x20_0000 }]);
}

#[test]
fn a_split_that_a_function_does_not_learn_of_is_made_up_for_by_the_sync() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, true);
    assert_eq!(function.attach(&domain), 0);
    assert_eq!(domain.map(START, 0x100_0000, MIB, false), 0);
    kernel.events();
    kernel.answer(Kind::Rpcit, 1, 28);
    assert_eq!(domain.unmap_and_sync(START + 0x1000, 0x1000), 0x1000);
    let handle = 0x8001_0007;
    assert_eq!(
        kernel.events(),
        [
            Event::Rpcit { handle, start: 0x1_0000_0000, length: 0x10_0000 },
            Event::Rpcit { handle, start: 0x1_0000_0000, length: 0x4000_0000 },
        ]
    );
}

#[test]
fn a_frame_that_cannot_be_split_stays_whole() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, true);
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    let iota = domain.iota(1);
    assert_eq!(domain.map(START, 0x100_0000, 2 * MIB, true), 0);
    let refused = Unmapped { size: 0, changed: Unmapped::NONE, pages: 0 };
    let handle = 0x8001_0007;
    // With n = 2 the first of two frames is split, and leads where it did; then the second alone is tried.
    let first_frame = [Event::Rpcit { handle, start: 0x1_0000_0000, length: 0x10_0000 }];
    for (n, refreshed) in [(1, &[][..]), (2, &first_frame)] {
        kernel.fail_allocation(n);
        assert_eq!(domain.unmap(START + 0x8_0000, MIB), refused);
        assert_eq!(kernel.events(), refreshed);
        assert_eq!(kernel.tables(), (2, n - 1));
        for offset in (0..2 * MIB).step_by(0x1000) {
            assert_eq!(kernel.dma(iota, START + offset, true), Some(0x100_0000 + offset));
        }
    }
    kernel.fail_allocation(0);
    assert_eq!(domain.unmap(START + 0x8_0000, MIB).pages, 256);
    assert_eq!(kernel.events(), [Event::Rpcit { handle, start: 0x1_0010_0000, length: 0x10_0000 }]);
}

#[test]
fn what_a_bar_is_mapped_to_is_no_storage() {
    let kernel = StandIn::new();
    let (_function, domain) = pair(&kernel, &QEMU, GIB, false);
    assert_eq!(domain.map_io(START, 0x5_0000, 0x1000), -22);
    assert_eq!(kernel.tables(), (1, 0));
    assert_eq!(domain.translate(START), 0);
    assert_eq!(domain.map(START, 0x5_0000, 0x1000, false), 0);
}
