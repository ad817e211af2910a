// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! From one domain to another, and where a function is if the machine refuses that.

use zpci_glue::function::ForeignFunction;

use crate::domain::{pair, Domain};
use crate::function::Function;
use crate::register::{operations, DEREGISTER, REGISTER};
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

/// The core takes it to be there, and does not attach it once more (Linux 7.3, `__iommu_group_set_domain_internal`).
#[test]
fn after_an_attach_that_fails_the_function_is_where_it_was() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    let other = Domain::new(&kernel, &function).unwrap();
    let is_in_domain = || {
        assert!(!function.is_blocked());
        assert_eq!((domain.members(), other.members()), (1, 0));
        other.flush_all();
        assert_eq!(kernel.events(), []);
        domain.flush_all();
        assert!(matches!(kernel.events()[..], [Event::Rpcit { .. }]));
        // For the core it never left.
        assert_eq!(function.attach(&domain), 0);
        function.disabled();
        assert_eq!(function.reset(), (0, 0));
        assert_eq!(operations(&kernel), [REGISTER]);
    };
    assert_eq!(function.attach(&domain), 0);
    operations(&kernel);
    // The first answer ends what the function had, the last one gives it back.
    for (cc, status) in [(0, 0), (1, 28), (0, 0)] {
        kernel.answer(Kind::Mpcifc, cc, status);
    }
    assert_eq!(function.attach(&other), -5);
    assert_eq!(operations(&kernel), [DEREGISTER, REGISTER, REGISTER]);
    is_in_domain();
    // What the machine does not end goes on, however often it is tried.
    for _ in 0..3 {
        kernel.answer(Kind::Mpcifc, 1, 28);
        kernel.answer(Kind::Mpcifc, 1, 28);
        assert_eq!(function.attach(&other), -16);
        assert_eq!(operations(&kernel), [DEREGISTER, DEREGISTER]);
        is_in_domain();
    }
    // Memory is waited for, since the core does not say where an attach must not fail.
    assert_eq!(kernel.without_memory(|| function.attach(&other)), 0);
    assert_eq!(operations(&kernel), [DEREGISTER, REGISTER]);
    assert_eq!((domain.members(), other.members()), (0, 1));
}

/// What it had may be none that it could be given now: the machine, or an administrator, says something else of its roots.
#[test]
fn a_function_that_could_not_go_back_moves() {
    let kernel = StandIn::new();
    let second_when_trusted = ForeignFunction { end_dma: u64::MAX, designation_types: 0x60, ..HARDWARE };
    kernel.settings(1 << 43, false);
    let function = Function::new(&kernel, &second_when_trusted);
    let domain = Domain::new(&kernel, &function).unwrap();
    assert_eq!(domain.designation_type(), 2);
    assert_eq!(function.attach(&domain), 0);
    kernel.trust_dtsm(false);
    let other = Domain::new(&kernel, &function).unwrap();
    assert_eq!(other.designation_type(), 1);
    operations(&kernel);
    assert_eq!(function.attach(&other), 0);
    assert_eq!(operations(&kernel), [DEREGISTER, REGISTER]);
    assert_eq!((domain.members(), other.members()), (0, 1));
    // If the machine refuses that, it has nothing.
    let another = Domain::new(&kernel, &function).unwrap();
    kernel.trust_dtsm(true);
    assert_eq!(function.attach(&domain), 0);
    kernel.trust_dtsm(false);
    operations(&kernel);
    kernel.answer(Kind::Mpcifc, 0, 0);
    kernel.answer(Kind::Mpcifc, 1, 28);
    assert_eq!(function.attach(&another), -5);
    assert_eq!(operations(&kernel), [DEREGISTER, REGISTER]);
    assert!(function.is_blocked());
    assert_eq!((domain.members(), another.members()), (0, 0));
}

#[test]
fn where_the_way_back_is_refused_too_a_reset_leads_there() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    let other = Domain::new(&kernel, &function).unwrap();
    assert_eq!(function.attach(&domain), 0);
    operations(&kernel);
    for (cc, status) in [(0, 0), (1, 28), (1, 28)] {
        kernel.answer(Kind::Mpcifc, cc, status);
    }
    assert_eq!(function.attach(&other), -5);
    assert_eq!(operations(&kernel), [DEREGISTER, REGISTER, REGISTER]);
    assert!(!function.is_blocked());
    assert_eq!((domain.members(), other.members()), (1, 0));
    // The machine has no translation that would be refreshed.
    domain.flush_all();
    other.flush_all();
    assert_eq!(operations(&kernel), []);
    function.disabled();
    assert_eq!(function.reset(), (0, 0));
    assert_eq!(operations(&kernel), [REGISTER]);
    // Somebody registered it, and nobody knows which tables: it is not tried with others.
    assert_eq!(function.attach(&domain), 0);
    operations(&kernel);
    for (cc, status) in [(0, 0), (1, 24), (1, 28)] {
        kernel.answer(Kind::Mpcifc, cc, status);
    }
    assert_eq!(function.attach(&other), -5);
    assert_eq!(operations(&kernel), [DEREGISTER, REGISTER, DEREGISTER]);
    assert!(!function.is_blocked());
    function.disabled();
    assert_eq!(function.reset(), (0, 0));
    assert_eq!(operations(&kernel), [REGISTER]);
    assert_eq!((domain.members(), other.members()), (1, 0));
}

/// A function that may do without translation, and is told of what is mapped.
const RELAXED: ForeignFunction =
    ForeignFunction { flags: ForeignFunction::REFRESH | ForeignFunction::RELAXED_TRANSLATION, ..QEMU };

const BUSY: (u8, u8) = (2, 0);

/// Answers of the machine when a function leaves one domain for another, and what a test calls them.
const REFUSALS: [&[(u8, u8)]; 4] = [
    // The end of the one is refused, and once more.
    &[(1, 28), (1, 28)],
    // It is busy, and asked once more by another call alone.
    &[BUSY, BUSY],
    // The other one is refused.
    &[(0, 0), (1, 16)],
    // Somebody registered it, and that does not end.
    &[(0, 0), (1, 24), (1, 28)],
];

/// The core would warn and not come again: a driver would do DMA without a translation, and a reset register nothing (Linux
/// 7.3, `__iommu_group_set_domain_nofail` and `iommu_setup_default_domain`).
#[test]
fn an_attach_to_a_domain_of_the_core_does_not_fail() {
    for (answers, claimed, identity) in REFUSALS
        .iter()
        .flat_map(|answers| [(true, false), (false, false), (true, true)].map(|it| (answers, it.0, it.1)))
    {
        let kernel = StandIn::new();
        let (function, own) = pair(&kernel, &RELAXED, GIB, false);
        let user = Domain::new(&kernel, &function).unwrap();
        own.for_dma_api();
        assert_eq!(function.attach(&own), 0);
        if claimed {
            function.detach();
        }
        assert_eq!(function.attach(&user), 0);
        assert_eq!(user.map(START, 0x5_0000, 0x1000, true), 0);
        operations(&kernel);
        for &(cc, status) in &answers[usize::from(answers[0] == BUSY && !claimed)..] {
            kernel.answer(Kind::Mpcifc, cc, status);
        }
        kernel.patience(Kind::PauseMpcifc, 0);
        // A user gives it back: VFIO by the way of a domain that blocks, another one at once.
        if claimed {
            function.detach();
        }
        let attach = || if identity { function.attach_identity() } else { function.attach(&own) };
        assert_eq!(attach(), 0, "{answers:?}");
        assert!(kernel.log().contains("FID 00000001: is registered with its domain when it is"), "{}", kernel.log());
        assert!(!function.is_blocked());
        assert_eq!((own.members(), user.members()), (u32::from(!identity), 0), "{answers:?}");
        // It is told of nothing that it cannot use yet, but for what somebody else may have registered; and its error state is
        // not cleared without a reset.
        operations(&kernel);
        own.sync_map(START, 0x1000);
        own.sync(START, START + 0xfff);
        assert_eq!(kernel.events().is_empty(), identity || answers.len() < 3, "{answers:?}");
        assert_eq!((function.clear_error().0, kernel.events()), (1, vec![]), "{answers:?}");
        // The user's tables go, with what it had mapped in them.
        drop(user);
        kernel.events();
        function.disabled();
        assert_eq!(function.reset(), (0, 0));
        assert_eq!(operations(&kernel), [REGISTER]);
        kernel.grace_period();
        assert_eq!(kernel.tables().0, 1);
        assert_eq!(attach(), 0);
        function.detach();
        assert_eq!(operations(&kernel), [DEREGISTER]);
    }
}

/// Before it has a driver: that would do DMA all the same, by physical addresses.
#[test]
fn the_first_attach_does_not_fail() {
    for answers in [&[(1, 16)][..], &[(1, 24), (1, 28)], &[(2, 0)]] {
        let kernel = StandIn::new();
        let (function, own) = pair(&kernel, &HARDWARE, GIB, false);
        own.for_dma_api();
        for &(cc, status) in answers {
            kernel.answer(Kind::Mpcifc, cc, status);
        }
        kernel.patience(Kind::PauseMpcifc, 0);
        assert_eq!((function.attach(&own), own.members()), (0, 1), "{answers:?}");
        assert!(kernel.log().contains("is registered with its domain when it is"), "{}", kernel.log());
        assert!(operations(&kernel).starts_with(&[REGISTER]));
        assert_eq!(function.clear_error().0, 1);
        assert!(operations(&kernel).is_empty());
        function.disabled();
        assert_eq!(function.reset(), (0, 0));
        assert_eq!(operations(&kernel), [REGISTER]);
    }
}

/// What was to end is of the domain that it comes back to.
#[test]
fn back_to_where_it_still_is() {
    let kernel = StandIn::new();
    let (function, own) = pair(&kernel, &QEMU, GIB, false);
    own.for_dma_api();
    assert_eq!(function.attach(&own), 0);
    for _ in 0..2 {
        kernel.answer(Kind::Mpcifc, 1, 28);
    }
    function.detach();
    assert_eq!((function.attach(&own), own.members()), (0, 1));
    // The machine goes on with it, and is told of what changes.
    kernel.events();
    assert_eq!(own.sync_map(START, 0x1000).0, 0);
    assert!(matches!(kernel.events()[..], [Event::Rpcit { start: START, length: 0x1000, .. }]));
    function.disabled();
    assert_eq!(function.reset(), (0, 0));
    assert_eq!((operations(&kernel), own.members()), (vec![REGISTER], 1));
}

/// A user gets none whose last translation did not end, and an administrator who moves one is told.
#[test]
fn an_attach_that_may_fail() {
    for answers in REFUSALS {
        for (by_user, identity, back) in
            [(true, false, false), (false, false, false), (false, true, false), (false, false, true)]
        {
            let kernel = StandIn::new();
            let (function, own) = pair(&kernel, &RELAXED, GIB, false);
            let other = Domain::new(&kernel, &function).unwrap();
            own.for_dma_api();
            if !by_user {
                other.for_dma_api();
            }
            assert_eq!(if back { function.attach_identity() } else { function.attach(&own) }, 0);
            operations(&kernel);
            for &(cc, status) in &answers[usize::from(answers[0] == BUSY && !by_user)..] {
                kernel.answer(Kind::Mpcifc, cc, status);
            }
            kernel.patience(Kind::PauseMpcifc, 0);
            if by_user {
                function.detach();
            }
            let rc = if identity { function.attach_identity() } else { function.attach(&other) };
            assert!(matches!(rc, -5 | -16 | -12), "{rc} {answers:?}");
            assert_eq!(function.is_blocked(), by_user);
            assert_eq!((own.members(), other.members()), (u32::from(!by_user && !back), 0), "{answers:?}");
            function.disabled();
            assert_eq!(function.reset().0, 0);
            assert_eq!(function.is_blocked(), by_user);
        }
    }
}

/// The way back finds it registered by somebody.
#[test]
fn where_the_way_back_is_somebody_elses_a_reset_leads_there() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    let other = Domain::new(&kernel, &function).unwrap();
    assert_eq!(function.attach(&domain), 0);
    operations(&kernel);
    for (cc, status) in [(0, 0), (1, 28), (1, 24), (1, 28)] {
        kernel.answer(Kind::Mpcifc, cc, status);
    }
    assert_eq!(function.attach(&other), -5);
    assert_eq!(operations(&kernel), [DEREGISTER, REGISTER, REGISTER, DEREGISTER]);
    assert_eq!((function.is_blocked(), domain.members()), (false, 1));
    assert_eq!(function.clear_error().0, 1);
    function.disabled();
    assert_eq!(function.reset(), (0, 0));
    assert_eq!(operations(&kernel), [REGISTER]);
}

/// The machine has not ended what it had, which is of the domain that it is in: it waits for resources as the others do.
#[test]
fn a_map_tells_of_a_function_that_could_not_move() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &QEMU, GIB, false);
    let other = Domain::new(&kernel, &function).unwrap();
    assert_eq!(function.attach(&domain), 0);
    for _ in 0..2 {
        kernel.answer(Kind::Mpcifc, 1, 28);
    }
    assert_eq!(function.attach(&other), -16);
    kernel.events();
    kernel.always(Kind::Rpcit, 1, 16);
    assert_eq!(domain.sync_map(START, 0x1000).0, -12);
    // Elsewhere it fails no map of those that are here.
    for _ in 0..2 {
        kernel.answer(Kind::Mpcifc, 1, 40);
    }
    assert_eq!(function.attach(&other), 0);
    assert_eq!(domain.sync_map(START, 0x1000).0, 0);
    kernel.always(Kind::Rpcit, 0, 0);
}

/// It goes on to wait for the end of what it had before.
#[test]
fn an_attach_that_fails_leaves_a_function_that_waits_where_it_waited() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    let [second, third] = [(); 2].map(|()| Domain::new(&kernel, &function).unwrap());
    assert_eq!(function.attach(&domain), 0);
    for _ in 0..2 {
        kernel.answer(Kind::Mpcifc, 1, 40);
    }
    assert_eq!(function.attach(&second), 0);
    for _ in 0..2 {
        kernel.answer(Kind::Mpcifc, 1, 28);
    }
    assert_eq!(function.attach(&third), -16);
    assert!(!function.is_blocked());
    assert_eq!([&domain, &second, &third].map(Domain::members), [0, 1, 0]);
    operations(&kernel);
    function.disabled();
    assert_eq!(function.reset(), (0, 0));
    assert_eq!(operations(&kernel), [REGISTER]);
    second.flush_all();
    assert!(matches!(kernel.events()[..], [Event::Rpcit { .. }]));
}

/// The kernel goes on with another driver, and the reset that it begins with brings the function back.
#[test]
fn a_function_being_recovered_is_registered_with_where_it_went() {
    let kernel = StandIn::new();
    let (function, domain) = pair(&kernel, &HARDWARE, GIB, false);
    let other = Domain::new(&kernel, &function).unwrap();
    assert_eq!(domain.map(START, 0x5_0000, 0x1000, true), 0);
    assert_eq!(function.attach(&domain), 0);
    operations(&kernel);
    // It is blocked, attached, moved back and forth, and the machine does none of it, whenever it is asked to end
    // what it has.
    for _ in 0..6 {
        kernel.answer(Kind::Mpcifc, 1, 40);
    }
    assert_eq!((domain.members(), other.members()), (1, 0));
    function.detach();
    assert!(function.is_blocked());
    assert_eq!((domain.members(), other.members()), (0, 0), "it left, although the machine still translates for it");
    for (to, tables) in [(&other, 3), (&domain, 3), (&other, 3)] {
        assert_eq!(function.attach(to), 0);
        assert!(!function.is_blocked());
        assert_eq!(to.members(), 1);
        assert_eq!(domain.members() + other.members(), 1);
        kernel.grace_period();
        assert_eq!(kernel.tables(), (tables, 1));
    }
    assert!(operations(&kernel).iter().all(|&operation| operation == DEREGISTER));
    // What the machine still translates by is refreshed, and what it does not know is not.
    assert_eq!(other.map(START, 0x6_0000, 0x1000, true), 0);
    assert_eq!(other.sync_map(START, 0x1000), (0, 0));
    assert_eq!(kernel.events(), []);
    assert_eq!(domain.unmap_and_sync(START, 0x1000), 0x1000);
    assert!(matches!(kernel.events()[..], [Event::Rpcit { start: START, length: 0x1000, .. }]));
    // Without a reset it cannot be registered with more than one.
    kernel.answer(Kind::Mpcifc, 1, 40);
    assert_eq!(function.reset(), (-5, 40));
    operations(&kernel);
    // A reset ends the old translation and registers the new one.
    function.disabled();
    assert_eq!(function.reset(), (0, 0));
    assert_eq!(operations(&kernel), [REGISTER]);
    kernel.events();
    assert_eq!(other.unmap_and_sync(START, 0x1000), 0x1000);
    assert!(matches!(kernel.events()[..], [Event::Rpcit { start: START, length: 0x1000, .. }]));
    domain.flush_all();
    assert_eq!(kernel.events(), []);
    function.detach();
    assert_eq!(operations(&kernel), [DEREGISTER]);
}
