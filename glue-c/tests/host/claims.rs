// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A user claims a function, by a domain that blocks, and the machine does not end what it had. The core lets that fail (Linux
//! 7.3, `__iommu_take_dma_ownership` and `pci_dev_reset_iommu_prepare`).

use zpci_glue::function::ForeignFunction;

use crate::domain::{pair, Domain};
use crate::function::Function;
use crate::register::{operations, DEREGISTER, REGISTER};
use crate::sample::{GIB, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

const RELAXED: ForeignFunction =
    ForeignFunction { flags: ForeignFunction::REFRESH | ForeignFunction::RELAXED_TRANSLATION, ..QEMU };

/// Claims `function`, which the machine refuses to end the translation of.
fn refused(kernel: &StandIn, function: &Function<'_>) -> i32 {
    kernel.always(Kind::Mpcifc, 1, 28);
    let rc = function.claim();
    kernel.always(Kind::Mpcifc, 0, 0);
    rc
}

#[test]
fn not_while_it_reaches_all_storage() {
    let kernel = StandIn::new();
    let (function, _own) = pair(&kernel, &RELAXED, GIB, false);
    assert_eq!(function.attach_identity(), 0);
    for _ in 0..3 {
        assert_eq!((refused(&kernel, &function), function.is_blocked()), (-16, false));
    }
    assert!(kernel.log().contains("FID 00000001: is no user's until the machine"), "{}", kernel.log());
    // For the core it never left, and its error state is not cleared without a reset.
    assert_eq!(function.attach_identity(), 0);
    operations(&kernel);
    assert_eq!((function.clear_error().0, operations(&kernel)), (1, vec![]));
    function.disabled();
    assert_eq!((function.reset(), operations(&kernel)), ((0, 0), vec![REGISTER]));
    assert_eq!((function.claim(), function.is_blocked()), (0, true));
    assert_eq!(operations(&kernel), [DEREGISTER]);
}

#[test]
fn once_the_machine_ends_that() {
    let kernel = StandIn::new();
    let (function, _own) = pair(&kernel, &RELAXED, GIB, false);
    assert_eq!(function.attach_identity(), 0);
    assert_eq!(refused(&kernel, &function), -16);
    operations(&kernel);
    assert_eq!((function.claim(), function.is_blocked()), (0, true));
    assert_eq!(operations(&kernel), [DEREGISTER]);
}

#[test]
fn not_while_it_reaches_what_another_user_mapped() {
    let kernel = StandIn::new();
    let (function, own) = pair(&kernel, &RELAXED, GIB, false);
    let user = Domain::new(&kernel, &function).unwrap();
    own.for_dma_api();
    assert_eq!(function.attach(&own), 0);
    assert_eq!(function.claim(), 0);
    assert_eq!(function.attach(&user), 0);
    // The user goes, which cannot fail, and the core has the function again.
    assert_eq!((refused(&kernel, &function), function.is_blocked()), (0, true));
    kernel.answer(Kind::Mpcifc, 1, 28);
    assert_eq!(function.attach(&own), 0);
    assert_eq!((refused(&kernel, &function), function.is_blocked()), (-16, false));
    assert_eq!((own.members(), user.members()), (1, 0));
    // It is told of what the user unmaps.
    kernel.events();
    user.sync(START, START + 0xfff);
    assert!(matches!(kernel.events()[..], [Event::Rpcit { .. }]));
    function.disabled();
    assert_eq!((function.reset(), operations(&kernel)), ((0, 0), vec![REGISTER]));
    assert_eq!((function.claim(), function.is_blocked()), (0, true));
}

/// A driver that went has unmapped all that it had, and the core's domain is empty.
#[test]
fn what_the_core_had_is_no_reason() {
    let kernel = StandIn::new();
    let (function, own) = pair(&kernel, &RELAXED, GIB, false);
    own.for_dma_api();
    assert_eq!(function.attach(&own), 0);
    assert_eq!((refused(&kernel, &function), function.is_blocked()), (0, true));
}

#[test]
fn who_waits_to_disable_it_ends_that() {
    let kernel = StandIn::new();
    let (function, _own) = pair(&kernel, &RELAXED, GIB, false);
    assert_eq!(function.attach_identity(), 0);
    function.wanted(true);
    assert_eq!((refused(&kernel, &function), function.is_blocked()), (0, true));
    function.wanted(false);
    function.disabled();
    assert_eq!(function.reset().0, 0);
}

/// The core does not look whether that fails (Linux 7.3, `iommu_deinit_device`).
#[test]
fn a_function_that_goes_is_blocked() {
    let kernel = StandIn::new();
    let (function, _own) = pair(&kernel, &RELAXED, GIB, false);
    assert_eq!(function.attach_identity(), 0);
    kernel.answer(Kind::Mpcifc, 1, 28);
    assert_eq!((function.release(), function.is_blocked()), (0, true));
    function.disabled();
}
