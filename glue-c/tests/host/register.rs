// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! MPCIFC: its operands byte for byte, every answer, and what is refused before it is issued.

use zpci_glue::function::ForeignFunction;

use crate::binding::*;
use crate::domain::Domain;
use crate::sample::{GIB, HARDWARE, QEMU, START};
use crate::stand_in::{Event, Kind, StandIn};

const REGISTER: u8 = 4;
const DEREGISTER: u8 = 5;

/// A function information block: PBA at 16, PAL at 24, IOTA at 32, GD at 76, all else zero.
fn fib(first: u64, last: u64, iota: u64, gisa: u32) -> Vec<u8> {
    let mut fib = vec![0; 80];
    fib[16..24].copy_from_slice(&first.to_be_bytes());
    fib[24..32].copy_from_slice(&last.to_be_bytes());
    fib[32..40].copy_from_slice(&iota.to_be_bytes());
    fib[76..80].copy_from_slice(&gisa.to_be_bytes());
    fib
}

/// Registers no translation for `function`; the error number, and the answer.
fn attach_identity(function: &ForeignFunction, aperture: u64) -> (i32, [u8; 2]) {
    let mut answer = [0xa5; 2];
    // SAFETY: function and answer are valid; there is no domain.
    let rc = unsafe { shim_attach(core::ptr::null_mut(), function, aperture, answer.as_mut_ptr()) };
    (rc, answer)
}

fn detach(handle: u32, gisa: u32) -> i32 {
    // SAFETY: there is no domain.
    unsafe { shim_detach(core::ptr::null_mut(), handle, gisa) }
}

fn window(function: &ForeignFunction, aperture: u64) -> Result<[u64; 2], i32> {
    let mut window = [0xa5; 2];
    // SAFETY: both are valid.
    match unsafe { shim_window(function, aperture, window.as_mut_ptr()) } {
        0 => Ok(window),
        rc => {
            assert_eq!(window, [0xa5; 2]);
            Err(rc)
        }
    }
}

fn reserved(function: &ForeignFunction, aperture: u64) -> Vec<[u64; 2]> {
    let mut reserved = [[0xa5; 2]; 2];
    // SAFETY: both are valid.
    let count = unsafe { shim_reserved(function, aperture, reserved.as_mut_ptr()) };
    reserved[..count as usize].to_vec()
}

fn interrupts(function: &ForeignFunction, aperture: u64) -> Option<[u64; 2]> {
    let mut interrupts = [0xa5; 2];
    // SAFETY: both are valid.
    let found = unsafe { shim_interrupts(function, aperture, interrupts.as_mut_ptr()) };
    assert!(found || interrupts == [0xa5; 2]);
    found.then_some(interrupts)
}

#[test]
fn interrupts_within_the_window() {
    let _kernel = StandIn::new();
    assert_eq!(interrupts(&QEMU, u64::MAX), None);
    let low = ForeignFunction { msi_address: START + GIB - 0x1000 + 8, ..QEMU };
    assert_eq!(interrupts(&low, GIB), Some([START + GIB - 0x1000, START + GIB - 1]));
    assert_eq!(interrupts(&low, GIB / 2), None);
    assert_eq!(interrupts(&low, 0), None);
    // Numbers of processors reach further than the window.
    let directed = ForeignFunction { directed_interrupts: 1, ..low };
    assert_eq!(interrupts(&directed, GIB), Some([START + GIB - 0x100_0000, START + GIB - 1]));
    assert_eq!(interrupts(&ForeignFunction { max_interrupts: 0, ..low }, GIB), None);
}

#[test]
fn the_operand_of_a_registration() {
    let kernel = StandIn::new();
    for (function, aperture, designation_type, last) in [
        (QEMU, GIB, 1, 0x1_3fff_ffff),
        (QEMU, u64::MAX, 1, 0x3ff_ffff_ffff),
        (HARDWARE, 1 << 43, 2, 0x800_ffff_ffff),
        (HARDWARE, u64::MAX, 3, 0x01ff_ffff_ffff_ffff),
        // A whole page that the window has and the aperture does not ask for in full.
        (QEMU, GIB + 0xfff, 1, 0x1_3fff_ffff),
    ] {
        let domain = Domain::new(&kernel, &function, aperture, false).unwrap();
        assert_eq!(domain.attach(&function, aperture), (0, [0, 0]));
        let fib = fib(START, last, domain.iota(designation_type), 0);
        assert_eq!(kernel.events(), [Event::Mpcifc { handle: function.handle, control: REGISTER, fib }]);
    }
}

#[test]
fn the_guests_interruption_state_goes_with_every_operand() {
    let kernel = StandIn::new();
    let function = ForeignFunction { gisa: 0x1234_5600, ..QEMU };
    let domain = Domain::new(&kernel, &function, GIB, false).unwrap();
    assert_eq!(domain.attach(&function, GIB), (0, [0, 0]));
    assert_eq!(domain.detach(&function), 0);
    let handle = 0x8002_0000;
    assert_eq!(
        kernel.events(),
        [
            Event::Mpcifc { handle, control: REGISTER, fib: fib(START, 0x1_3fff_ffff, domain.iota(1), 0x1234_5600) },
            Event::Mpcifc { handle, control: DEREGISTER, fib: fib(0, 0, 0, 0x1234_5600) },
        ]
    );
}

#[test]
fn ism_is_told_one_page_more() {
    let kernel = StandIn::new();
    for (end_dma, aperture, last) in [
        (0x01ff_ffff_ffff_ffff, GIB, 0x1_4000_0fff),
        (0x1_0000_ffff, GIB, 0x1_0001_0fff),
        (u64::MAX, u64::MAX, u64::MAX),
    ] {
        let ism = ForeignFunction { function_type: 5, end_dma, ..HARDWARE };
        let domain = Domain::new(&kernel, &ism, aperture, false).unwrap();
        assert_eq!(domain.attach(&ism, aperture), (0, [0, 0]));
        let designation_type = if aperture == GIB { 1 } else { 3 };
        let fib = fib(START, last, domain.iota(designation_type), 0);
        assert_eq!(kernel.events(), [Event::Mpcifc { handle: ism.handle, control: REGISTER, fib }]);
        assert_eq!(domain.detach(&ism), 0);
        let zero = vec![0; 80];
        assert_eq!(kernel.events(), [Event::Mpcifc { handle: ism.handle, control: DEREGISTER, fib: zero }]);
    }
}

#[test]
fn every_answer_to_a_registration() {
    let kernel = StandIn::new();
    let domain = Domain::new(&kernel, &HARDWARE, GIB, false).unwrap();
    for status in 0..=255 {
        for cc in 0..=3 {
            kernel.answer(Kind::Mpcifc, cc, status);
            let expected = match (cc, status) {
                (0, _) => (0, [0, 0]),
                // Recovery registers it again, and what is gone is torn down by the event that tells of it.
                (1, 40) | (3, _) => (0, [cc, status]),
                _ => (-5, [cc, status]),
            };
            let attached = domain.attach(&HARDWARE, GIB);
            assert_eq!(attached, expected, "condition code {cc}, status {status}");
            let events = kernel.events();
            match cc {
                2 => assert!(matches!(events[..], [Event::Mpcifc { .. }, Event::PauseMpcifc(1)]), "{events:?}"),
                _ => assert!(matches!(events[..], [Event::Mpcifc { .. }]), "{events:?}"),
            }
            if attached.0 == 0 {
                assert_eq!(domain.detach(&HARDWARE), 0);
                kernel.events();
            }
        }
    }
}

#[test]
fn every_answer_to_the_end_of_a_registration() {
    let kernel = StandIn::new();
    for status in 0..=255 {
        for cc in 0..=3 {
            kernel.answer(Kind::Mpcifc, cc, status);
            let expected = match (cc, status) {
                (0, _) | (1, 24 | 40) | (3, _) => 0,
                _ => -5,
            };
            assert_eq!(detach(0x8001_0007, 0), expected, "condition code {cc}, status {status}");
        }
    }
}

#[test]
fn a_busy_machine_is_asked_until_the_kernel_gives_up() {
    let kernel = StandIn::new();
    let domain = Domain::new(&kernel, &HARDWARE, GIB, false).unwrap();
    kernel.always(Kind::Mpcifc, 2, 0);
    kernel.patience(Kind::PauseMpcifc, 3);
    assert_eq!(domain.attach(&HARDWARE, GIB), (-5, [2, 0]));
    let pauses = |events: Vec<Event>| -> Vec<Event> {
        let (instructions, pauses): (Vec<_>, Vec<_>) =
            events.into_iter().partition(|event| matches!(event, Event::Mpcifc { .. }));
        assert_eq!(instructions.len(), pauses.len());
        pauses
    };
    assert_eq!(pauses(kernel.events()), [1, 2, 3, 4].map(Event::PauseMpcifc));

    kernel.patience(Kind::PauseMpcifc, 2);
    assert_eq!(detach(0x8001_0007, 0), -5);
    assert_eq!(pauses(kernel.events()), [1, 2, 3].map(Event::PauseMpcifc));

    kernel.patience(Kind::PauseMpcifc, u32::MAX);
    for _ in 0..5 {
        kernel.answer(Kind::Mpcifc, 2, 0);
    }
    kernel.always(Kind::Mpcifc, 0, 0);
    assert_eq!(domain.attach(&HARDWARE, GIB), (0, [0, 0]));
    assert_eq!(kernel.events().len(), 11);
}

#[test]
fn what_a_function_cannot_use_is_refused_before_anything_is_issued() {
    let kernel = StandIn::new();
    let third = Domain::new(&kernel, &HARDWARE, GIB, false).unwrap();
    let second = Domain::new(&kernel, &HARDWARE, 1 << 43, false).unwrap();
    let only_first = ForeignFunction { designation_types: 0x10, ..HARDWARE };
    let no_page = ForeignFunction { start_dma: 1, end_dma: 0xfff, ..HARDWARE };
    for (domain, function, aperture) in [
        // No such root: the machine would not answer but trap.
        (&second, QEMU, GIB),
        (&third, only_first, GIB),
        // The table does not reach, or there is nothing to reach.
        (&third, HARDWARE, 1 << 43),
        (&third, HARDWARE, 0),
        (&third, no_page, GIB),
    ] {
        assert_eq!(domain.attach(&function, aperture), (-22, [0xa5; 2]));
        assert_eq!(kernel.events(), []);
    }
    // As if the machine had been asked, which would not know the handle.
    let disabled = ForeignFunction { handle: 0x0001_0007, ..HARDWARE };
    assert_eq!(third.attach(&disabled, GIB), (0, [3, 0]));
    assert_eq!(kernel.events(), []);
}

#[test]
fn without_translation() {
    let kernel = StandIn::new();
    assert_eq!(attach_identity(&HARDWARE, GIB), (-22, [0xa5; 2]));
    assert_eq!(kernel.events(), []);
    let relaxed = ForeignFunction { flags: ForeignFunction::RELAXED_TRANSLATION, ..HARDWARE };
    assert_eq!(attach_identity(&relaxed, GIB), (0, [0, 0]));
    let handle = 0x8001_0007;
    assert_eq!(kernel.events(), [Event::Mpcifc { handle, control: REGISTER, fib: fib(START, 0x1_3fff_ffff, 0, 0) }]);
    kernel.answer(Kind::Mpcifc, 1, 28);
    assert_eq!(attach_identity(&relaxed, GIB), (-5, [1, 28]));
}

#[test]
fn the_window_and_what_is_reserved_around_it() {
    let _kernel = StandIn::new();
    assert_eq!(window(&QEMU, GIB), Ok([START, 0x1_3fff_ffff]));
    assert_eq!(reserved(&QEMU, GIB), [[0, 0xffff_ffff], [0x1_4000_0000, u64::MAX]]);
    assert_eq!(window(&HARDWARE, u64::MAX), Ok([START, 0x01ff_ffff_ffff_ffff]));
    assert_eq!(reserved(&HARDWARE, u64::MAX), [[0, 0xffff_ffff], [0x0200_0000_0000_0000, u64::MAX]]);

    let from_zero = ForeignFunction { start_dma: 0, end_dma: 0xffff_fffe, ..QEMU };
    assert_eq!(window(&from_zero, u64::MAX), Ok([0, 0xffff_efff]));
    assert_eq!(reserved(&from_zero, u64::MAX), [[0xffff_f000, u64::MAX]]);

    let whole = ForeignFunction { start_dma: 0, end_dma: u64::MAX, ..HARDWARE };
    assert_eq!(window(&whole, u64::MAX), Ok([0, 0xffff_ffff_ffff_efff]));
    assert_eq!(reserved(&whole, u64::MAX), [[0xffff_ffff_ffff_f000, u64::MAX]]);

    for (function, aperture) in [(QEMU, 0xfff), (ForeignFunction { start_dma: 1 << 42, ..QEMU }, GIB)] {
        assert_eq!(window(&function, aperture), Err(-22));
        assert_eq!(reserved(&function, aperture), [[0; 2]; 0]);
    }
}

#[test]
fn only_ism_may_not_put_a_refresh_off() {
    for function_type in 0..=255 {
        // SAFETY: the function takes any number.
        assert_eq!(unsafe { shim_may_defer(function_type) }, function_type != 5, "type {function_type}");
    }
}
