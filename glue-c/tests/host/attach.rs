// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions that are attached to a domain in which something is mapped already.

use crate::domain::Domain;
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

/// What happened, without the blocks.
fn instructions(kernel: &StandIn) -> Vec<(u32, u64, u64)> {
    let event = |event: Event| match event {
        Event::Mpcifc { handle, control, .. } => (handle, control.into(), 0),
        Event::Rpcit { handle, start, length } => (handle, start, length),
        other => panic!("{other:?}"),
    };
    kernel.events().into_iter().map(event).collect()
}

#[test]
fn a_hypervisor_that_shadows_tables_is_told_of_them() {
    let kernel = StandIn::new();
    let domain = Domain::new(&kernel, &QEMU, GIB, false).unwrap();
    let (register, everything) = ((0x8002_0000, 4, 0), (0x8002_0000, START, 0x4000_0000));
    // Nothing is mapped.
    assert_eq!(domain.attach(&QEMU, GIB), (0, [0, 0]));
    assert_eq!(instructions(&kernel), [register]);
    assert_eq!(domain.detach(&QEMU), 0);
    instructions(&kernel);

    assert_eq!(domain.map(START + GIB - 0x1000, 0x5_0000, 0x1000, true), 0);
    assert_eq!(domain.attach(&QEMU, GIB), (0, [0, 0]));
    assert_eq!(instructions(&kernel), [register, everything]);
    assert_eq!(domain.detach(&QEMU), 0);
    instructions(&kernel);

    // Only what lies in the window counts.
    assert_eq!(domain.unmap(START + GIB - 0x1000, 0x1000).pages, 1);
    assert_eq!(domain.map(START + GIB, 0x5_0000, 0x1000, true), 0);
    assert_eq!(domain.attach(&QEMU, GIB), (0, [0, 0]));
    assert_eq!(instructions(&kernel), [register]);
}

#[test]
fn without_one_nobody_is_told() {
    let kernel = StandIn::new();
    let domain = Domain::new(&kernel, &HARDWARE, GIB, false).unwrap();
    assert_eq!(domain.map(START, 0x5_0000, 0x1000, true), 0);
    assert_eq!(domain.attach(&HARDWARE, GIB), (0, [0, 0]));
    assert_eq!(instructions(&kernel), [(0x8001_0007, 4, 0)]);
}

#[test]
fn an_attach_that_the_hypervisor_cannot_follow_fails() {
    let kernel = StandIn::new();
    let domain = Domain::new(&kernel, &QEMU, GIB, false).unwrap();
    assert_eq!(domain.map(START, 0x5_0000, 0x1000, true), 0);
    for (cc, status, rc) in [(1, 16, -12), (1, 4, -12), (1, 8, -5), (3, 0, -5)] {
        kernel.answer(Kind::Mpcifc, 0, 0);
        kernel.answer(Kind::Rpcit, cc, status);
        assert_eq!(domain.attach(&QEMU, GIB), (rc, [0, 0]));
        let expected = [(0x8002_0000, 4, 0), (0x8002_0000, START, 0x4000_0000), (0x8002_0000, 5, 0)];
        assert_eq!(instructions(&kernel), expected);
    }
    // A function that was gone before is attached, whatever the refresh of it says.
    kernel.answer(Kind::Mpcifc, 3, 0);
    kernel.answer(Kind::Rpcit, 3, 0);
    assert_eq!(domain.attach(&QEMU, GIB), (0, [3, 0]));
}
