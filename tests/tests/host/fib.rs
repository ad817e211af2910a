// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Function information blocks as QEMU stores them: decoded to literal values, and encoded to the same bytes.

use crate::fixture::block;
use s390_iommu::{Fib, FunctionState, InterruptParameters, InterruptWord, Iova, IovaRange};
use zerocopy::{transmute, IntoBytes};

const ENABLED: &str = include_str!("../../fixtures/f-enabled.hex");
const ERROR: &str = include_str!("../../fixtures/f-error.hex");
const BLOCKED: &str = include_str!("../../fixtures/f-blocked.hex");
const REGISTERED: &str = include_str!("../../fixtures/f-registered.hex");
const ROUNDED: &str = include_str!("../../fixtures/f-rounded.hex");
const INTERRUPTS: &str = include_str!("../../fixtures/f-interrupts.hex");

fn decode(text: &str) -> Fib {
    transmute!(block::<80>(text))
}

/// Emits into a buffer that shows every byte left out.
fn encode(fib: &Fib) -> [u8; 80] {
    let mut bytes = [0xa5; 80];
    fib.write_to(&mut bytes).unwrap();
    bytes
}

fn state(enabled: bool, error: bool, blocked: bool, registered: bool) -> FunctionState {
    FunctionState::new().with_enabled(enabled).with_error(error).with_blocked(blocked).with_registered(registered)
}

/// The four bits of a state.
fn bits(fib: &Fib) -> (bool, bool, bool, bool) {
    (fib.state.enabled(), fib.state.error(), fib.state.blocked(), fib.state.registered())
}

#[test]
fn states() {
    for (text, enabled, error, blocked) in
        [(ENABLED, true, false, false), (ERROR, true, true, true), (BLOCKED, true, true, false)]
    {
        let fib = decode(text);
        assert_eq!(bits(&fib), (enabled, error, blocked, false), "{text}");
        assert_eq!((fib.first.get(), fib.last.get(), fib.iota.get()), (0, 0, 0));
        let built = Fib { state: state(enabled, error, blocked, false), ..Fib::ZERO };
        assert_eq!(encode(&built), block::<80>(text), "{text}");
    }
}

#[test]
fn registered() {
    let fib = decode(REGISTERED);
    assert_eq!(bits(&fib), (true, false, false, true));
    assert_eq!(fib.format, 0);
    assert_eq!(fib.first.get(), 0x0000_0001_0000_0000);
    assert_eq!(fib.last.get(), 0x01ff_ffff_ffff_ffff);
    assert_eq!(fib.iota.get(), 0x2_4804);
    assert_eq!(fib.iota().origin().get(), 0x2_4000);
    assert_eq!(fib.iota().designation_type(), 1);
    assert!(fib.iota().translation());
    let aperture = IovaRange::new(Iova::new(0x1_0000_0000), Iova::new(0x01ff_ffff_ffff_ffff)).unwrap();
    assert_eq!(fib.aperture(), Some(aperture));
    let built = Fib { state: state(true, false, false, true), ..Fib::translation(aperture, 0x2_4804.into()) };
    assert_eq!(encode(&built), block::<80>(REGISTERED));
}

#[test]
fn rounded() {
    let fib = decode(ROUNDED);
    let aperture = IovaRange::new(Iova::new(0x1_0000_0000), Iova::new(0x1_1fff_ffff)).unwrap();
    assert_eq!(fib.aperture(), Some(aperture));
    let built = Fib { state: state(true, false, false, true), ..Fib::translation(aperture, 0x2_4804.into()) };
    assert_eq!(encode(&built), block::<80>(ROUNDED));
}

#[test]
fn interrupts() {
    let fib = decode(INTERRUPTS);
    assert_eq!(fib.interrupts.word.get(), 0x3004_0085);
    assert_eq!(fib.interrupts.vector.get(), 0x1_e000);
    assert_eq!(fib.interrupts.summary.get(), 0x1_e040);
    let word = InterruptWord::from_bits(0x3004_0085);
    assert_eq!((word.subclass(), word.count(), word.vector_offset()), (3, 4, 0));
    assert_eq!((word.has_summary(), word.summary_offset()), (true, 5));
    let built = InterruptWord::new().with_subclass(3).with_count(4).with_has_summary(true).with_summary_offset(5);
    let interrupts = InterruptParameters {
        word: built.into_bits().into(),
        vector: 0x1_e000.into(),
        summary: 0x1_e040.into(),
        ..Fib::ZERO.interrupts
    };
    assert_eq!(encode(&Fib { interrupts, ..decode(ROUNDED) }), block::<80>(INTERRUPTS));
}
