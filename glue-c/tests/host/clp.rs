// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the kernel does by CLP: functions that are new, states and handles, and functions that are enabled and disabled
//! while they have a translation.

use zpci_glue::function::ForeignFunction;

use crate::binding::*;
use crate::domain::{pair, Domain};
use crate::enable;
use crate::function::Function;
use crate::list::{self, entry, list_new, listed};
use crate::query::{function_response, group_response};
use crate::sample::{GIB, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

/// The handle of [`QEMU`], which is enabled.
const ENABLED: u32 = 0x8002_0000;
/// That of the same function while it is disabled.
const DISABLED: u32 = 0x0002_0000;
/// What a place has where nothing was stored.
const UNTOUCHED: u32 = 0xa5a5_a5a5;

const SUCCESS: u16 = 0x0010;

/// A list that has the function with this handle.
fn list_has(kernel: &StandIn, handle: u32) {
    kernel.respond(0, &list::response(0, &[entry(0x1b36, true, QEMU.id, handle)]));
}

/// What asks for the list once, and is told that UIDs are not unique.
fn asked() -> [Event; 2] {
    [list::request(0), Event::UidChecking(false)]
}

fn set(handle: u32, operation: u8) -> Event {
    enable::request(handle, operation, u8::from(operation != 1), 0)
}

/// The function with a domain, registered.
fn registered(kernel: &StandIn) -> (Function<'_>, Domain<'_>) {
    let (function, domain) = pair(kernel, &QEMU, GIB, false);
    assert_eq!(function.attach(&domain), 0);
    kernel.events();
    (function, domain)
}

/// Whether a refresh reaches the function.
fn is_refreshed(kernel: &StandIn, domain: &Domain<'_>) -> bool {
    domain.sync(START, START + 0xfff);
    match kernel.events()[..] {
        [] => false,
        [Event::Rpcit { handle: ENABLED, start: START, length: 0x1000 }] => true,
        ref events => panic!("{events:x?}"),
    }
}

fn state(id: u32) -> (i32, u32) {
    let mut state = UNTOUCHED;
    // SAFETY: the state is valid.
    let rc = unsafe { shim_state(id, &mut state) };
    (rc, state)
}

fn current_handle(id: u32) -> (i32, u32) {
    let mut handle = UNTOUCHED;
    // SAFETY: the handle is valid.
    let rc = unsafe { shim_current_handle(id, &mut handle) };
    (rc, handle)
}

#[test]
fn only_functions_that_are_new_are_made_and_each_once() {
    let kernel = StandIn::new();
    let known = Function::new(&kernel, &QEMU);
    let entries = [
        entry(0x1b36, true, QEMU.id, ENABLED),
        entry(0x1af4, false, 7, 0x2_0007),
        entry(0x1af4, true, 8, 0x2_0008),
        entry(0x1af4, true, 7, 0x2_0009),
    ];
    kernel.respond(0, &list::response(0, &entries));
    assert_eq!(list_new(), (0, vec![(7, 0x2_0007, false), (8, 0x2_0008, true)]));
    drop(known);
    // Nobody has it any more.
    kernel.respond(0, &list::response(0, &entries[..1]));
    assert_eq!(list_new(), (0, vec![(QEMU.id, ENABLED, true)]));
}

#[test]
fn a_list_that_breaks_off_leaves_nothing() {
    let kernel = StandIn::new();
    kernel.respond(0, &list::response(5, &[entry(0x1af4, true, 7, 0x2_0007), entry(0x1af4, true, 8, 0x2_0008)]));
    kernel.respond(3, &[]);
    assert_eq!(list_new(), (-5, vec![]));
    let told = [listed(7, 0x2_0007, true), listed(8, 0x2_0008, true)];
    let events = kernel.events();
    assert!(events.iter().filter(|event| matches!(event, Event::Listed { .. })).eq(&told), "{events:x?}");
}

#[test]
fn without_memory_nothing_is_asked() {
    let kernel = StandIn::new();
    let function = Function::new(&kernel, &QEMU);
    kernel.without_memory(|| {
        assert_eq!(list_new(), (-12, vec![]));
        assert_eq!(state(1), (-12, UNTOUCHED));
        assert_eq!(current_handle(1), (-12, UNTOUCHED));
        assert_eq!(function.query().0, -12);
        assert_eq!(function.enable(false), (-12, ENABLED));
        assert_eq!(function.disable(), (-12, ENABLED));
        let mut mask = 0;
        // SAFETY: the mask is valid.
        assert_eq!((unsafe { shim_set_write_back(&mut mask) }, mask), (-12, 0));
    });
    assert_eq!(kernel.events(), []);
}

#[test]
fn states_and_handles_are_those_of_the_list() {
    let kernel = StandIn::new();
    let functions = list::response(0, &[entry(0x1af4, true, 7, 0x8002_0007), entry(0x1af4, false, 8, 0x2_0008)]);
    for (id, expected) in [(7, 1), (8, 0), (9, 2)] {
        kernel.respond(0, &functions);
        assert_eq!(state(id), (0, expected));
    }
    for (id, expected) in [(7, (0, 0x8002_0007)), (8, (0, 0x2_0008)), (9, (-19, UNTOUCHED))] {
        kernel.respond(0, &functions);
        assert_eq!(current_handle(id), expected);
    }
    // A machine that does not say is no machine without the function.
    kernel.respond(3, &[]);
    assert_eq!(state(7), (-5, UNTOUCHED));
    kernel.respond(3, &[]);
    assert_eq!(current_handle(7), (-5, UNTOUCHED));
}

#[test]
fn what_a_query_says_is_what_the_kernel_has() {
    let kernel = StandIn::new();
    let function = Function::new(&kernel, &ForeignFunction { id: 0x1112_1314, ..QEMU });
    kernel.respond(0, &function_response());
    kernel.respond(0, &group_response());
    let (rc, now) = function.query();
    assert_eq!((rc, now.handle, now.id), (0, ENABLED, 0x1112_1314));
    assert_eq!((now.start_dma, now.end_dma), (1 << 32, 0x01ff_ffff_ffff_ffff));
    assert_eq!((now.uid, now.rid, now.tid, now.vfn, now.pchid), (0x3132_3334, 0x2324, 0x2526, 0x0102, 0x01c0));
    assert_eq!((now.group, now.designation_types, now.max_interrupts, now.measurement_interval), (7, 0x70, 64, 1000));
    assert_eq!((now.internal_path, now.utility_string, now.flags), ([1, 2, 3, 4], [0xc1; 64], 0x7f));
    // After a refusal it is what it was.
    kernel.respond(0, &function_response());
    kernel.respond(3, &[]);
    let (rc, still) = function.query();
    assert_eq!((rc, still.uid, still.rid, still.flags), (-5, 0x3132_3334, 0x2324, 0x7f));
}

#[test]
fn an_enabled_function_has_the_translation_that_it_is_given_afterwards() {
    let kernel = StandIn::new();
    let (function, domain) = registered(&kernel);
    // As who resets it: disabled and enabled, with the same handle as before.
    kernel.respond(0, &enable::response(SUCCESS, DISABLED));
    assert_eq!(function.disable(), (0, DISABLED));
    assert_eq!(kernel.events(), [set(ENABLED, 1)]);
    assert!(!is_refreshed(&kernel, &domain));
    // Nothing is registered any more, so the list is not asked.
    kernel.respond(0, &enable::response(SUCCESS, ENABLED));
    assert_eq!(function.enable(false), (0, ENABLED));
    assert_eq!(kernel.events(), [set(DISABLED, 0)]);
    assert!(!is_refreshed(&kernel, &domain));
    assert_eq!(function.reset().0, 0);
    kernel.events();
    assert!(is_refreshed(&kernel, &domain));
}

/// It may be reset, and be what storage would be written to.
#[test]
fn nothing_is_written_out_for_a_function_that_is_disabled_or_enabled() {
    const NOIO: u32 = 0x22;
    let kernel = StandIn::new();
    let (function, _domain) = registered(&kernel);
    kernel.respond(0, &enable::response(SUCCESS, DISABLED));
    assert_eq!((function.disable().0, kernel.page_gfp()), (0, NOIO));
    kernel.respond(0, &enable::response(SUCCESS, ENABLED));
    assert_eq!((function.enable(false).0, kernel.page_gfp()), (0, NOIO));
}

/// The machine may disable a function by itself, and give it the same handle when it is enabled again.
#[test]
fn a_function_that_the_machine_disabled_is_noted_before_it_is_enabled() {
    let kernel = StandIn::new();
    let (function, domain) = registered(&kernel);
    function.set_handle(DISABLED);
    list_has(&kernel, DISABLED);
    kernel.respond(0, &enable::response(SUCCESS, ENABLED));
    assert_eq!(function.enable(false), (0, ENABLED));
    let [list, uid] = asked();
    assert_eq!(kernel.events(), [list, uid, set(DISABLED, 0)]);
    assert!(!is_refreshed(&kernel, &domain), "the machine has no tables for it");
    assert_eq!(function.reset().0, 0);
    kernel.events();
    assert!(is_refreshed(&kernel, &domain));
}

/// The same of one that is to be disabled, and of one that is gone.
#[test]
fn a_function_that_the_machine_disabled_is_noted_when_it_is_disabled() {
    for is_gone in [false, true] {
        let kernel = StandIn::new();
        let (function, domain) = registered(&kernel);
        function.set_handle(DISABLED);
        match is_gone {
            true => kernel.respond(0, &list::response(0, &[])),
            false => list_has(&kernel, DISABLED),
        }
        assert_eq!(function.disable(), (0, DISABLED));
        assert_eq!(kernel.events(), asked());
        assert!(!is_refreshed(&kernel, &domain));
    }
}

/// An event that comes late has the handle of a function before it was enabled: it is enabled still, and is refreshed.
#[test]
fn an_event_that_comes_late_ends_no_translation() {
    let kernel = StandIn::new();
    let (function, domain) = registered(&kernel);
    function.set_handle(DISABLED);
    list_has(&kernel, ENABLED);
    assert_eq!(function.disable(), (0, DISABLED));
    assert_eq!(kernel.events(), asked());
    assert!(is_refreshed(&kernel, &domain));
    // Nor does a machine that does not say.
    kernel.respond(3, &[]);
    assert_eq!(function.disable(), (0, DISABLED));
    kernel.events();
    assert!(is_refreshed(&kernel, &domain));
    // The machine refuses to enable what is enabled, and the function keeps what it has.
    list_has(&kernel, ENABLED);
    kernel.respond(0, &enable::response(0x0105, 0));
    assert_eq!(function.enable(false), (0x0105, DISABLED));
    kernel.events();
    assert!(is_refreshed(&kernel, &domain));
}

/// What could be enabled was disabled, whatever the list said.
#[test]
fn a_new_handle_is_one_without_a_translation() {
    let kernel = StandIn::new();
    let (function, domain) = registered(&kernel);
    function.set_handle(DISABLED);
    kernel.respond(3, &[]);
    kernel.respond(0, &enable::response(SUCCESS, 0x8102_0000));
    assert_eq!(function.enable(false), (0, 0x8102_0000));
    kernel.events();
    assert!(!is_refreshed(&kernel, &domain));
}

#[test]
fn what_could_not_be_enabled_has_the_handle_of_the_list() {
    let kernel = StandIn::new();
    let function = Function::new(&kernel, &ForeignFunction { handle: DISABLED, ..QEMU });
    // Refused: it is what it was, and nobody asks.
    kernel.respond(0, &enable::response(0x0104, 0));
    assert_eq!(function.enable(false), (0x0104, DISABLED));
    assert_eq!(kernel.events()[..1], [set(DISABLED, 0)]);
    // A machine that says neither that it did nor that it did not, and does not disable it either.
    for (found, expected) in [(Some(DISABLED), DISABLED), (Some(0x8102_0000), 0x8102_0000), (None, ENABLED)] {
        function.set_handle(DISABLED);
        kernel.respond(0, &[]);
        kernel.respond(0, &[]);
        match found {
            Some(handle) => list_has(&kernel, handle),
            None => kernel.respond(3, &[]),
        }
        assert_eq!(function.enable(false), (-5, expected));
        kernel.events();
    }
    // It was disabled again, and has another handle.
    function.set_handle(DISABLED);
    kernel.respond(0, &[]);
    kernel.respond(0, &enable::response(SUCCESS, 0x0102_0000));
    assert_eq!(function.enable(false), (-5, 0x0102_0000));
}

#[test]
fn a_machine_that_says_that_it_is_disabled_already() {
    let kernel = StandIn::new();
    let (function, domain) = registered(&kernel);
    kernel.respond(0, &enable::response(0x0106, 0));
    assert_eq!(function.disable(), (0x0106, ENABLED));
    kernel.events();
    assert!(is_refreshed(&kernel, &domain), "a function that was not disabled keeps its translation");
    kernel.respond(0, &enable::response(0x0105, 0));
    // Linux asks for the handle that it has then.
    list_has(&kernel, DISABLED);
    assert_eq!(function.disable(), (0x0105, DISABLED));
    kernel.events();
    assert!(!is_refreshed(&kernel, &domain));
}

/// A move and an attach that were given up for who was to disable the function, who cannot.
#[test]
fn what_was_given_up_is_done_where_the_function_stays_enabled() {
    let kernel = StandIn::new();
    let (function, domain) = registered(&kernel);
    let other = Domain::new(&kernel, &function).expect("a domain");
    kernel.always(Kind::Mpcifc, 2, 0);
    kernel.patience(Kind::PauseMpcifc, 100);
    function.wanted(true);
    assert_eq!(function.attach(&other), 0);
    function.wanted(false);
    kernel.events();
    // The machine is not busy any more, and refuses to disable.
    kernel.always(Kind::Mpcifc, 0, 0);
    kernel.respond(0, &enable::response(0x0106, 0));
    assert_eq!(function.disable(), (0x0106, ENABLED));
    let operation = |event| if let Event::Mpcifc { control, .. } = event { Some(control) } else { None };
    let operations: Vec<u8> = kernel.events().into_iter().filter_map(operation).collect();
    // The end of what it had, and the begin of what it was given.
    assert_eq!(operations, [5, 4]);
    assert_eq!(other.map(START, 0x100_0000, 0x1000, false), 0);
    kernel.events();
    assert!(is_refreshed(&kernel, &other));
    assert!(!is_refreshed(&kernel, &domain));
    // Nothing is left for the next one who cannot.
    kernel.respond(0, &enable::response(0x0106, 0));
    assert_eq!(function.disable(), (0x0106, ENABLED));
    assert!(!kernel.events().into_iter().any(|event| matches!(event, Event::Mpcifc { .. })));
}

#[test]
fn mapped_io_is_enabled_where_the_kernel_and_the_function_have_it() {
    let kernel = StandIn::new();
    for (flags, mio) in [(ForeignFunction::MIO, true), (ForeignFunction::MIO, false), (0, true)] {
        let function = Function::new(&kernel, &ForeignFunction { handle: DISABLED, flags, ..QEMU });
        kernel.respond(0, &enable::response(SUCCESS, ENABLED));
        let both = mio && flags != 0;
        if both {
            kernel.respond(0, &enable::response(SUCCESS, 0x8102_0000));
        }
        assert_eq!(function.enable(mio), (0, if both { 0x8102_0000 } else { ENABLED }));
        let mut expected = vec![set(DISABLED, 0)];
        expected.extend(both.then(|| set(ENABLED, 2)));
        assert_eq!(kernel.events(), expected);
    }
}

#[test]
fn the_mask_of_write_back() {
    let kernel = StandIn::new();
    let mut response = vec![0; 128];
    response[0..4].copy_from_slice(&[0x00, 0x80, 0x00, 0x10]);
    for (byte, expected) in [(0x80, 1 << 63), (0xbf, 1), (0x87, 1 << 56), (0x00, 0)] {
        response[80] = byte;
        kernel.respond(0, &response);
        let mut mask = 0xa5;
        // SAFETY: the mask is valid.
        assert_eq!((unsafe { shim_set_write_back(&mut mask) }, mask), (0, expected));
    }
    kernel.respond(0, &[0x00, 0x80, 0x00, 0x50]);
    let mut mask = 0xa5;
    // SAFETY: the mask is valid.
    assert_eq!((unsafe { shim_set_write_back(&mut mask) }, mask), (-5, 0));
}
