// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Tables that an unmap emptied: taken out, kept for a grace period, given back.

use crate::domain::Domain;
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

const MIB: u64 = 1 << 20;

#[test]
fn empty_tables_are_given_back_after_a_refresh_and_a_grace_period() {
    let kernel = StandIn::new();
    let domain = Domain::new(&kernel, &HARDWARE, 16 * GIB, false).unwrap();
    assert_eq!(domain.attach(&HARDWARE, 16 * GIB), (0, [0, 0]));
    kernel.events();
    assert_eq!(domain.map(START, 0x100_0000, 2 * MIB, true), 0);
    assert_eq!(kernel.tables(), (2, 2));
    assert_eq!(domain.unmap(START, 2 * MIB).pages, 512);

    // All of the first MiB, and a part of the second.
    assert!(domain.sync(START, START + MIB + 0x7_ffff));
    let handle = 0x8001_0007;
    assert_eq!(
        kernel.events(),
        [
            Event::Rpcit { handle, start: 0x1_0000_0000, length: 0x18_0000 },
            Event::Rpcit { handle, start: 0x1_0000_0000, length: 0x10_0000 },
        ]
    );
    // The list is in the table, and the table is still there.
    assert_eq!(kernel.tables(), (2, 2));
    assert_eq!(kernel.dma(domain.iota(1), START, false), None);
    domain.grace_period();
    assert_eq!(kernel.tables(), (2, 1));

    // All of what the segment table covers: it goes as well.
    assert!(domain.sync(START, START + 2 * GIB - 1));
    domain.grace_period();
    assert_eq!(kernel.tables(), (1, 0));
    assert_eq!(kernel.dma(domain.iota(1), START, false), None);

    assert!(!domain.sync(START, START + 2 * GIB - 1));
    assert_eq!(domain.map(START, 0x100_0000, 0x1000, true), 0);
    assert_eq!(kernel.dma(domain.iota(1), START, true), Some(0x100_0000));
}

#[test]
fn every_table_below_a_deep_root_is_given_back() {
    let kernel = StandIn::new();
    let domain = Domain::new(&kernel, &HARDWARE, u64::MAX, false).unwrap();
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
    assert!(domain.sync(0, u64::MAX));
    assert_eq!(kernel.tables(), (12, 4));
    domain.grace_period();
    assert_eq!(kernel.tables(), (1, 0));
}

#[test]
fn tables_in_use_stay() {
    let kernel = StandIn::new();
    let domain = Domain::new(&kernel, &QEMU, GIB, false).unwrap();
    assert_eq!(domain.map(START, 0x100_0000, MIB, true), 0);
    assert_eq!(domain.unmap(START, MIB - 0x1000).pages, 255);
    assert!(!domain.sync(START, START + MIB - 1));
    assert!(!domain.sync(START + 1, START + MIB - 1), "no whole pages");
    assert!(!domain.sync(START + MIB, START - 1), "no range");
    assert_eq!(kernel.tables(), (2, 1));
    assert_eq!(kernel.dma(domain.iota(1), START + MIB - 1, true), Some(0x10f_ffff));
}

#[test]
fn what_waits_for_a_grace_period_is_not_lost_with_its_domain() {
    let kernel = StandIn::new();
    let domain = Domain::new(&kernel, &QEMU, GIB, false).unwrap();
    for round in 0..3 {
        assert_eq!(domain.map(START + round * MIB, 0x100_0000, MIB, true), 0);
        assert_eq!(domain.unmap(START + round * MIB, MIB).pages, 256);
        assert!(domain.sync(START + round * MIB, START + round * MIB + MIB - 1));
    }
    assert_eq!(kernel.tables(), (2, 3));
    assert_eq!(domain.map(START, 0x200_0000, 0x1000, true), 0);
    assert_eq!(kernel.tables(), (2, 4));
    // A function that does not answer changes nothing about that.
    assert_eq!(domain.attach(&QEMU, GIB), (0, [0, 0]));
    kernel.always(Kind::Rpcit, 1, 8);
    assert_eq!(domain.unmap(START, 0x1000).pages, 1);
    assert!(domain.sync(START, START + MIB - 1));
}
