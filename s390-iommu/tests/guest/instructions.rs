// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! MPCIFC, RPCIT and STPCIFC in every state, as measured.

use clp::{ConditionCode, DesignationTypes, FunctionHandle, FunctionType};
use s390_iommu::guest::{
    Answer, Configuration, Effect, End, FunctionControls, InterruptionMode, Mpcifc, ProgramInterruption, Refreshed,
    Registration, Rpcit, Rules, Sic, State, Stpcifc, Suppression,
};
use s390_iommu::{AbsoluteAddress, EventCode, Fib, InterruptParameters, Iova, IovaRange, Limits, Status};
use zerocopy::IntoBytes;

use crate::books::Books;
use crate::fixture::{block, carry_out, configuration, enabled, fib, mpcifc, number, rows, rpcit, DISABLED, ENABLED};
use crate::storage::Storage;

const BOTH: [Rules; 2] = [Rules::HARDWARE, Rules::QEMU];
const REGISTER: u64 = 0x8002_0000_0000_0000;
const WHOLE: (u64, u64) = (0x1_0000_0000, 0x01ff_ffff_ffff_ffff);
const TABLE: u64 = 0x2_4000;

fn good() -> Fib {
    fib(0, WHOLE.0, WHOLE.1, TABLE | 0x804)
}

fn registered(rules: Rules) -> FunctionControls {
    let mut function = enabled(configuration(rules));
    let (answer, effect) = function.modify(&mpcifc(4), &good());
    assert_eq!(answer, Answer::done(REGISTER | 4));
    let aperture = IovaRange::new(Iova::new(WHOLE.0), Iova::new(WHOLE.1)).unwrap();
    assert_eq!(effect, Effect::Registered(Registration { aperture, iota: (TABLE | 0x804).into() }));
    function
}

fn in_error(rules: Rules) -> FunctionControls {
    let mut function = enabled(configuration(rules));
    assert!(matches!(function.refresh(&rpcit(WHOLE.0, 0x1000)), Refreshed::Done(answer) if answer.event.is_some()));
    assert_eq!(function.state(), State::Error);
    function
}

fn disabled(rules: Rules) -> FunctionControls {
    FunctionControls::new(DISABLED, configuration(rules))
}

/// The table of what was measured, row by row.
#[test]
fn answers() {
    let rows = rows::<6>(include_str!("../../../tests/fixtures/f-instructions.txt"));
    assert_eq!(rows.len(), 16);
    for rules in BOTH {
        for row in &rows {
            let [state, instruction, operand, before, condition, after] = *row;
            let mut function = match state {
                "enabled" => enabled(configuration(rules)),
                "registered" => registered(rules),
                "error" => in_error(rules),
                "disabled" => disabled(rules),
                other => panic!("state {other}"),
            };
            let register = u64::from_str_radix(before, 16).unwrap();
            let answer = match instruction {
                "MPCIFC" => {
                    let operand: Vec<u64> = operand
                        .split_whitespace()
                        .map(|field| {
                            field.strip_prefix("T|").map_or_else(|| number(field), |bits| TABLE | number(bits))
                        })
                        .collect();
                    let fib = fib(operand[0] as u8, operand[1], operand[2], operand[3]);
                    function.modify(&Mpcifc::decode(register, 0x1000).unwrap(), &fib).0
                }
                "RPCIT" => {
                    let request = Rpcit::decode(register, 4, [0x1_0000_0000, 0x1000]).unwrap();
                    carry_out(&mut function, &request, &Storage::three_tables(), &mut Books::default(), 1)
                }
                other => panic!("instruction {other}"),
            };
            match (condition, answer.end) {
                ("program check", End::ProgramCheck(code)) => assert_eq!(code as u16, 0x15, "{row:?}"),
                (_, End::Condition(cc)) => {
                    assert_eq!(condition, (cc as u8).to_string(), "{row:?}");
                    assert!(after == "-" || after == format!("{:016x}", answer.register), "{row:?}: {answer:x?}");
                }
                other => panic!("{row:?}: {other:?}"),
            }
        }
    }
}

fn stored(function: &FunctionControls) -> [u8; 80] {
    let (answer, fib) = function.store(&Stpcifc::decode(REGISTER, 0).unwrap());
    assert_eq!(answer, Answer::done(REGISTER));
    let mut bytes = [0xa5; 80];
    fib.unwrap().write_to(&mut bytes).unwrap();
    bytes
}

/// The same sequence as was measured, byte for byte.
#[test]
fn stored_blocks() {
    for rules in BOTH {
        let mut function = enabled(configuration(rules));
        assert_eq!(stored(&function), block(include_str!("../../../tests/fixtures/f-enabled.hex")));
        let Refreshed::Done(answer) = function.refresh(&rpcit(0x1_0000_0000, 0x1000)) else { panic!() };
        assert_eq!(answer.register, REGISTER | 0x0800_0000);
        let event = answer.event.unwrap();
        assert_eq!((event.code().0, event.handle(), event.id().0, event.iova().get()), (1, ENABLED, 1, 0x1_0000_0000));
        assert_eq!(stored(&function), block(include_str!("../../../tests/fixtures/f-error.hex")));
        let unblocked = if rules == Rules::QEMU { Effect::Reset } else { Effect::Unblocked };
        assert_eq!(function.modify(&mpcifc(9), &Fib::ZERO), (Answer::done(REGISTER | 9), unblocked));
        assert_eq!(stored(&function), block(include_str!("../../../tests/fixtures/f-blocked.hex")));
        assert_eq!(function.modify(&mpcifc(9), &Fib::ZERO).0.register, REGISTER | 0x1800_0009);
        assert_eq!(function.modify(&mpcifc(7), &Fib::ZERO), (Answer::done(REGISTER | 7), Effect::Reset));

        assert_eq!(function.modify(&mpcifc(4), &good()).0, Answer::done(REGISTER | 4));
        assert_eq!(stored(&function), block(include_str!("../../../tests/fixtures/f-registered.hex")));
        let odd = fib(0, 0x1_0000_0123, 0x1_1fff_ffff, TABLE | 0x804);
        let (answer, effect) = function.modify(&mpcifc(6), &odd);
        assert_eq!(answer, Answer::done(REGISTER | 6));
        assert!(matches!(effect, Effect::Reregistered(it) if it.aperture.start().get() == 0x1_0000_0000));
        assert_eq!(stored(&function), block(include_str!("../../../tests/fixtures/f-rounded.hex")));

        let interrupts = InterruptParameters {
            word: 0x3004_0085.into(),
            vector: 0x1_e000.into(),
            summary: 0x1_e040.into(),
            ..Fib::ZERO.interrupts
        };
        let parameters = Fib { interrupts, gisa: 0x1234_5678.into(), ..Fib::ZERO };
        let (answer, effect) = function.modify(&mpcifc(2), &parameters);
        assert_eq!((answer, effect), (Answer::done(REGISTER | 2), Effect::InterruptsRegistered(interrupts)));
        assert_eq!(function.modify(&mpcifc(2), &parameters).0.register, REGISTER | 0x1800_0002);
        assert_eq!(stored(&function), block(include_str!("../../../tests/fixtures/f-interrupts.hex")));
        assert_eq!(function.modify(&mpcifc(3), &Fib::ZERO).1, Effect::InterruptsDeregistered);
        assert_eq!(function.modify(&mpcifc(3), &Fib::ZERO).0.register, REGISTER | 0x1800_0003);
        assert_eq!(stored(&function), block(include_str!("../../../tests/fixtures/f-rounded.hex")));

        // PAL is rounded up as PBA is rounded down.
        let odd = fib(0, 0x1_0000_0fff, 0x1_1fff_f000, TABLE | 0x804);
        assert!(matches!(function.modify(&mpcifc(6), &odd).1, Effect::Reregistered(_)));
        assert_eq!(stored(&function), block(include_str!("../../../tests/fixtures/f-rounded.hex")));
    }
}

#[test]
fn handles() {
    for rules in BOTH {
        let function = registered(rules);
        for other in [DISABLED, FunctionHandle(0x8002_0001), FunctionHandle(0)] {
            let register = u64::from(other.0) << 32 | 7;
            let mut changed = function.clone();
            let request = Mpcifc::decode(register, 0).unwrap();
            assert_eq!(changed.modify(&request, &Fib::ZERO), (Answer::not_there(register), Effect::None));
            let request = Rpcit::decode(register, 2, [WHOLE.0, 0]).unwrap();
            assert_eq!(changed.refresh(&request), Refreshed::Done(Answer::not_there(register)));
        }
        let mut disabled = disabled(rules);
        let register = u64::from(DISABLED.0) << 32 | 7;
        let request = Mpcifc::decode(register, 0).unwrap();
        assert_eq!(disabled.modify(&request, &Fib::ZERO), (Answer::not_there(register), Effect::None));
    }
}

#[test]
fn stpcifc_by_handle_and_by_index() {
    let ask = |function: &FunctionControls, register| function.store(&Stpcifc::decode(register, 8).unwrap());
    for rules in BOTH {
        let asleep = disabled(rules);
        let register = u64::from(DISABLED.0) << 32;
        assert_eq!(ask(&asleep, register), (Answer::done(register), Some(Fib::ZERO)));
        let enabled_form = u64::from(ENABLED.0) << 32;
        assert_eq!(ask(&asleep, enabled_form), (Answer::not_there(enabled_form), None));
    }
    let register = u64::from(DISABLED.0) << 32;
    let (answer, fib) = ask(&registered(Rules::QEMU), register);
    assert_eq!((answer, fib.map(|fib| fib.iota.get())), (Answer::done(REGISTER), Some(0x2_4804)));
    assert_eq!(ask(&registered(Rules::HARDWARE), register), (Answer::not_there(register), None));

    let mut dead = registered(Rules::QEMU);
    dead.fail(EventCode::PERMANENT_ERROR, Iova::new(0));
    assert_eq!(ask(&dead, REGISTER), (Answer::status(REGISTER, Status(8)), None));
    assert_eq!(dead.refresh(&rpcit(WHOLE.0, 1)), Refreshed::Done(Answer::not_there(REGISTER)));
    assert_eq!(dead.modify(&mpcifc(7), &Fib::ZERO).0, Answer::not_there(REGISTER | 7));
}

#[test]
fn registers() {
    let specification = |register| Answer::program_check(register, ProgramInterruption::Specification);
    let request = Mpcifc::decode(0x8102_0304_9966_1204, 0xfff8).unwrap();
    assert_eq!((request.handle.0, request.address_space, request.control), (0x8102_0304, 0x66, 0x1204));
    assert_eq!(request.fib, 0xfff8);
    let request = Stpcifc::decode(0x8102_0304_9900_1204, 0xfff8).unwrap();
    assert_eq!((request.handle.0, request.fib), (0x8102_0304, 0xfff8));
    for fib in (0..8).filter(|fib| fib % 8 != 0) {
        assert_eq!(Mpcifc::decode(4, fib), Err(specification(4)));
        assert_eq!(Stpcifc::decode(4, fib), Err(specification(4)));
        // The address space is looked at first (QEMU).
        assert_eq!(Stpcifc::decode(0x1_0004, fib), Err(Answer::status(0x1_0004, Status(28))));
    }
    for r2 in 0..16 {
        let request = Rpcit::decode(0x8102_0304_0000_0000, r2, [5, 6]);
        match r2 % 2 {
            0 => assert_eq!(request.map(|it| (it.handle.0, it.start, it.length)), Ok((0x8102_0304, 5, 6))),
            _ => assert_eq!(request, Err(specification(0x8102_0304_0000_0000))),
        }
    }
    assert_eq!(Answer::status(u64::MAX, Status(0x12)).register, 0xffff_ffff_12ff_ffff);
    assert_eq!(Answer::status(0, Status(0xff)).register, 0xff00_0000);
    let codes = [
        (ProgramInterruption::Operation, 1),
        (ProgramInterruption::PrivilegedOperation, 2),
        (ProgramInterruption::Specification, 6),
        (ProgramInterruption::Operand, 0x15),
    ];
    assert!(codes.iter().all(|&(code, number)| code as u16 == number));
}

/// Every operation control: those that are not assigned are an operand exception.
#[test]
fn controls() {
    for rules in BOTH {
        for control in 0..=0xffff_u16 {
            let (answer, _) = registered(rules).modify(&mpcifc(control), &good());
            let known = [2, 3, 4, 5, 6, 7, 9, 10];
            let looked_at = if rules == Rules::QEMU { control & 0xff } else { control };
            assert_eq!(matches!(answer.end, End::Condition(_)), known.contains(&looked_at), "{control:#x}");
            // Directed interrupts are not for guests.
            assert!(looked_at != 16 || matches!(answer.end, End::ProgramCheck(_)));
        }
    }
}

fn exception(function: &mut FunctionControls, control: u16, fib: &Fib) -> Effect {
    let (answer, effect) = function.modify(&mpcifc(control), fib);
    assert_eq!(answer, Answer::program_check(REGISTER | u64::from(control), ProgramInterruption::Operand), "{fib:x?}");
    effect
}

#[test]
fn apertures() {
    for rules in BOTH {
        for (pba, pal) in [
            (0xffff_ffff, 0x1_ffff_ffff),
            (0, 0x1_ffff_ffff),
            (WHOLE.0, 0x0200_0000_0000_0000),
            (WHOLE.0, u64::MAX),
            (0x2_0000_0000, 0x1_ffff_ffff),
            (0x2_0000_0000, 0x1_0000_0000),
            (u64::MAX, 0),
        ] {
            let mut function = enabled(configuration(rules));
            assert_eq!(exception(&mut function, 4, &fib(0, pba, pal, TABLE | 0x804)), Effect::None);
            assert_eq!(function.registration(), None);
        }
        // One page, from both ends.
        for (pba, pal) in [(0x1_0000_0fff, 0x1_0000_0000), (WHOLE.1, WHOLE.1), (WHOLE.1 - 0xfff, WHOLE.1 - 0xfff)] {
            let mut function = enabled(configuration(rules));
            assert!(matches!(
                function.modify(&mpcifc(4), &fib(0, pba, pal, TABLE | 0x804)).1,
                Effect::Registered(it) if it.aperture.is_page()
            ));
        }
    }
}

/// Roots by what the group has; designation types that are no root never.
#[test]
fn designation_types() {
    for rules in BOTH {
        for dtsm in 0..=0xff {
            for designation_type in 0..8_u64 {
                let limits = Limits { designation_types: DesignationTypes(dtsm), ..configuration(rules).limits };
                let mut function = enabled(Configuration { limits, ..configuration(rules) });
                let fib = fib(0, WHOLE.0, WHOLE.1, TABLE | 0x800 | designation_type << 2);
                let is_root = matches!(designation_type, 1..=3) && dtsm & 0x80 >> designation_type != 0;
                let (answer, _) = function.modify(&mpcifc(4), &fib);
                assert_eq!(answer.end == End::Condition(ConditionCode::Zero), is_root, "{dtsm:#x} {designation_type}");
            }
        }
    }
}

#[test]
fn without_translation() {
    for rules in BOTH {
        let limits = Limits { relaxed_translation: true, ..configuration(rules).limits };
        let relaxed = Configuration { limits, ..configuration(rules) };
        let mut function = enabled(relaxed);
        let identity = fib(0, WHOLE.0, WHOLE.1, 0);
        assert!(matches!(function.modify(&mpcifc(4), &identity).1, Effect::Registered(it) if it.iota.into_bits() == 0));
        let Refreshed::Done(answer) = function.refresh(&rpcit(WHOLE.0, 0x1000)) else { panic!() };
        let mut other = enabled(relaxed);
        let (end, _) = other.modify(&mpcifc(4), &fib(0, WHOLE.0, WHOLE.1, 0x4));
        if rules == Rules::QEMU {
            assert_eq!(answer.event.map(|event| event.code()), Some(EventCode::INVALID_ADDRESS_SPACE));
            assert_eq!(function.state(), State::Error);
            assert_eq!(end.end, End::Condition(ConditionCode::Zero));
            // There is an anchor, and no table.
            assert_eq!(other.refresh(&rpcit(WHOLE.0, 0x1000)), Refreshed::Done(Answer::done(REGISTER)));
        } else {
            assert_eq!(answer, Answer::done(REGISTER));
            assert_eq!(function.refreshes(), 1);
            assert_eq!(end.end, End::ProgramCheck(ProgramInterruption::Operand));
        }
    }
}

/// A reregistration that fails: QEMU has deregistered by then.
#[test]
fn reregistration() {
    for rules in BOTH {
        let mut function = registered(rules);
        let effect = exception(&mut function, 6, &fib(0, 0, WHOLE.1, TABLE | 0x804));
        let is_qemu = rules == Rules::QEMU;
        assert_eq!(effect, if is_qemu { Effect::Deregistered } else { Effect::None });
        assert_eq!(function.registration().is_none(), is_qemu);

        let mut function = enabled(configuration(rules));
        assert_eq!(function.modify(&mpcifc(6), &good()).0, Answer::status(REGISTER | 6, Status(24)));
        let request = |control| Mpcifc::decode(REGISTER | 0x1_0000 | control, 0).unwrap();
        for control in 4..7 {
            let expected = Answer::status(REGISTER | 0x1_0000 | control, Status(28));
            assert_eq!(function.modify(&request(control), &good()), (expected, Effect::None));
        }
        let mut function = registered(rules);
        assert_eq!(function.modify(&mpcifc(5), &Fib::ZERO), (Answer::done(REGISTER | 5), Effect::Deregistered));
        assert_eq!(function.registration(), None);
    }
}

#[test]
fn measurement() {
    let measure = |function: &mut FunctionControls, address: u64| {
        let (answer, effect) = function.modify(&mpcifc(10), &Fib { measurement_block: address.into(), ..Fib::ZERO });
        (answer.end, answer.register, answer.event, effect)
    };
    let done = End::Condition(ConditionCode::Zero);
    for rules in BOTH {
        let mut function = enabled(configuration(rules));
        let at = Some(AbsoluteAddress::new(0x1_2340));
        assert_eq!(measure(&mut function, 0x1_2340), (done, REGISTER | 10, None, Effect::Measure(at)));
        assert_eq!(function.measurement(), at);
        assert_eq!(stored(&function)[64..72], 0x1_2340_u64.to_be_bytes());
        for key in 1..16 {
            let (end, register, event, effect) = measure(&mut function, 0x1_2340 | key);
            assert_eq!((end, register), (End::Condition(ConditionCode::One), REGISTER | 10));
            let event = event.unwrap();
            assert_eq!((event.code(), event.iova().get()), (EventCode::MEASUREMENT_PROTECTION, 0x1_2340 | key));
            assert_eq!((effect, function.measurement()), (Effect::Measure(None), None));
            // Such an event leaves the function at work.
            assert_eq!(function.state(), State::Enabled);
        }
        assert_eq!(measure(&mut function, 0x1_2340).0, done);
        assert_eq!(measure(&mut function, 0), (done, REGISTER | 10, None, Effect::Measure(None)));

        let mut without = enabled(Configuration { has_measurement: false, ..configuration(rules) });
        let (end, register, ..) = measure(&mut without, 0x1_2340);
        assert_eq!((end, register), (End::Condition(ConditionCode::One), REGISTER | 0x0400_000a));
        assert_eq!(measure(&mut without, 0).0, done);
    }
}

/// Reserved bits are not kept.
#[test]
fn interrupt_word() {
    for rules in BOTH {
        for (given, kept) in [(0xb004_c0c5_u32, 0x3004_0085_u32), (u32::MAX, 0x7fff_3fbf), (0x8000_c040, 0)] {
            let interrupts = InterruptParameters { word: given.into(), ..Fib::ZERO.interrupts };
            let without_limit = Configuration { max_interrupts: u16::MAX, ..configuration(rules) };
            let mut function = enabled(without_limit);
            let (answer, effect) = function.modify(&mpcifc(2), &Fib { interrupts, ..Fib::ZERO });
            assert_eq!(answer, Answer::done(REGISTER | 2));
            assert!(matches!(effect, Effect::InterruptsRegistered(it) if it.word.get() == kept));
            assert_eq!(stored(&function)[40..44], kept.to_be_bytes());
        }
    }
}

/// A block counts from where measurement is set; QEMU's counters start again where it ends alone.
#[test]
fn what_a_measurement_block_counts() {
    for rules in BOTH {
        let is_qemu = rules == Rules::QEMU;
        let mut function = registered(rules);
        let count = |function: &mut FunctionControls, measure: Option<u64>| {
            if let Some(address) = measure {
                let fib = Fib { measurement_block: address.into(), ..Fib::ZERO };
                let _ = function.modify(&mpcifc(10), &fib);
            }
            let Refreshed::Done(_) = function.refresh(&rpcit(WHOLE.0, 0)) else { panic!() };
            function.refreshes()
        };
        assert_eq!([None, None].map(|none| count(&mut function, none)), [1, 2]);
        assert_eq!(count(&mut function, Some(0x1_2340)), if is_qemu { 3 } else { 1 });
        // Another place for it.
        assert_eq!(count(&mut function, Some(0x1_2300)), if is_qemu { 4 } else { 1 });
        // An end, and one by a wrong address.
        assert_eq!(count(&mut function, Some(0)), 1);
        assert_eq!(count(&mut function, Some(0x1_2341)), 1);
        let _ = function.disable(DISABLED);
        function.enable(ENABLED);
        assert_eq!(function.refreshes(), 0);

        let without = Configuration { has_measurement: false, ..configuration(rules) };
        let mut function = enabled(without);
        let _ = function.modify(&mpcifc(4), &good());
        assert_eq!([None, Some(0x1_2340)].map(|measure| count(&mut function, measure)), [1, 2]);
    }
}

/// Vectors across a page end, and more interrupts than there are.
#[test]
fn interrupt_parameters() {
    for (word, vector, summary, fits) in [
        (0x3080_0080_u32, 0x1ff0_u64, 0x2000_u64, true),
        (0x3080_0080, 0x1ff8, 0x2000, false),
        (0x3040_0080, 0x1ff8, 0x2000, true),
        (0x3040_0180, 0x1ff8, 0x2000, false),
        (0x3001_00bf, 0x1000, 0x1ff8, true),
        (0x3001_00bf, 0x1000, 0x1ff9, false),
        (0x3001_003f, 0x1000, 0x1ff9, true),
        (0x3081_0080, 0x1000, 0x2000, false),
    ] {
        let interrupts = InterruptParameters {
            word: word.into(),
            vector: vector.into(),
            summary: summary.into(),
            ..Fib::ZERO.interrupts
        };
        let fib = Fib { interrupts, ..Fib::ZERO };
        for rules in BOTH {
            let mut function = enabled(configuration(rules));
            let (answer, _) = function.modify(&mpcifc(2), &fib);
            let expected = if fits || rules == Rules::QEMU {
                Answer::done(REGISTER | 2)
            } else {
                Answer::status(REGISTER | 2, Status(4))
            };
            assert_eq!(answer, expected, "{word:#x} {vector:#x} {summary:#x}");
            assert_eq!(function.interrupts().is_some(), expected == Answer::done(REGISTER | 2));
        }
    }
}

/// Linux gives an ISM function a last address one page too high, as it was told to by its firmware.
#[test]
fn ism() {
    let pal = 0x0200_0000_0000_0fff;
    for (rules, function_type, taken) in [
        (Rules::HARDWARE, FunctionType::ISM, true),
        (Rules::HARDWARE, FunctionType::NVME, false),
        (Rules::QEMU, FunctionType::ISM, false),
    ] {
        let limits = Limits { function_type, ..configuration(rules).limits };
        let mut function = enabled(Configuration { limits, ..configuration(rules) });
        let (answer, _) = function.modify(&mpcifc(4), &fib(0, WHOLE.0, pal, TABLE | 0x804));
        assert_eq!(answer.end == End::Condition(ConditionCode::Zero), taken);
        if taken {
            assert_eq!(stored(&function)[24..32], pal.to_be_bytes());
            assert_eq!(function.check_access(Iova::new(WHOLE.1)), Ok(()));
            let event = function.check_access(Iova::new(WHOLE.1 + 1)).unwrap_err().unwrap();
            assert_eq!(event.code(), EventCode::OUTSIDE_APERTURE);
        }
    }
}

#[test]
fn accesses() {
    for rules in BOTH {
        let mut function = enabled(configuration(rules));
        let accessed =
            function.check_access(Iova::new(5)).map_err(|event| event.map(|it| (it.code(), it.iova().get())));
        if rules == Rules::QEMU {
            assert_eq!((accessed, function.state()), (Err(None), State::Enabled));
            let _ = function.fail(EventCode::ACCESS_PROTECTION, Iova::new(5));
        } else {
            assert_eq!(accessed, Err(Some((EventCode::INVALID_ADDRESS_SPACE, 5))));
        }
        assert_eq!((function.state(), function.check_access(Iova::new(5))), (State::Error, Err(None)));
        let (answer, _) = function.modify(&mpcifc(9), &Fib::ZERO);
        assert_eq!((answer, function.state()), (Answer::done(REGISTER | 9), State::Blocked));
        assert_eq!(function.modify(&mpcifc(4), &good()).0, Answer::done(REGISTER | 4));
        // Translation is registered, and under QEMU it is used.
        let expected = if rules == Rules::QEMU { Ok(()) } else { Err(None) };
        assert_eq!(function.check_access(Iova::new(WHOLE.0)), expected);
        assert_eq!(function.modify(&mpcifc(7), &Fib::ZERO), (Answer::done(REGISTER | 7), Effect::Reset));
        assert_eq!(function.check_access(Iova::new(WHOLE.0)), Ok(()));
        let event = function.check_access(Iova::new(WHOLE.0 - 1)).unwrap_err().unwrap();
        assert_eq!(event.code(), EventCode::OUTSIDE_APERTURE);
        // QEMU's devices reach nothing behind the aperture, and nobody says so.
        let mut function = registered(rules);
        let accessed = function.check_access(Iova::new(WHOLE.1 + 1)).map_err(|event| event.map(|it| it.code()));
        let expected = match rules {
            Rules::QEMU => (Err(None), State::Enabled),
            _ => (Err(Some(EventCode::OUTSIDE_APERTURE)), State::Error),
        };
        assert_eq!((accessed, function.state()), expected);
        assert_eq!(disabled(rules).check_access(Iova::new(WHOLE.0)), Err(None));
        // All that was registered ends with a disable.
        let _ = function.disable(DISABLED);
        function.enable(ENABLED);
        assert_eq!((function.state(), function.registration()), (State::Enabled, None));
    }
}

#[test]
fn interruption_controls() {
    for operation in 0..=0xffff_u64 {
        let decoded = Sic::decode(0xabcd_0000 | operation, 5 << 27 | 0x7ff_ffff);
        let expected = match operation {
            0 => Ok(Sic { mode: InterruptionMode::All, subclass: 5 }),
            1 => Ok(Sic { mode: InterruptionMode::Single, subclass: 5 }),
            _ => Err(ProgramInterruption::Operand),
        };
        assert_eq!(decoded, expected);
    }
    let mut modes = Suppression::new();
    assert!(modes.present(3) && modes.present(3));
    modes.set(Sic { mode: InterruptionMode::Single, subclass: 3 });
    assert!(modes.present(3));
    assert!(!modes.present(3) && !modes.present(3));
    assert!(modes.present(4) && modes.present(4));
    modes.set(Sic { mode: InterruptionMode::Single, subclass: 3 });
    assert!(modes.present(3) && !modes.present(3));
    modes.set(Sic { mode: InterruptionMode::All, subclass: 3 });
    assert!(modes.present(3) && modes.present(3));
}
