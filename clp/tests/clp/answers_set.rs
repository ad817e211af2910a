// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! SET PCI FN, byte for byte: what is in the block before and after the VMM has spoken.

use crate::vmm::{emulated, in_slot, NO_BARS};
use clp::responder::{Answer, ConfirmError, GuestFunction, Responder, Rules, SetAction, SetRefusal, SetRequest};
use clp::{ConditionCode, Function, FunctionHandle, LogicalProcessor, MioBar};

/// A disabled function in slot 0 and an enabled one in slot 1, both with mapped I/O.
fn functions() -> [Option<GuestFunction>; 2] {
    let mio = Some([Some(MioBar { write_back: 0x0102, write_through: 0x0304 }), None, None, None, None, None]);
    let function = |id| Function { mio, ..emulated(id, id, NO_BARS) };
    let mut functions = [1, 2].map(|id| in_slot(id - 1, 0x1af4, 0x1044, &function(id)));
    functions[1].as_mut().unwrap().handle = FunctionHandle(ENABLED);
    functions
}

/// A request with a room that is 0xa5, as is what follows.
fn block(handle: u32, operation: u8, spaces: u8, gisa: u32, room: u16) -> Vec<u8> {
    let mut block = vec![0xa5; 256];
    block[..32].fill(0);
    block[1] = 32;
    block[3] = 5;
    block[16..20].copy_from_slice(&handle.to_be_bytes());
    block[22..24].copy_from_slice(&[operation, spaces]);
    block[28..32].copy_from_slice(&gisa.to_be_bytes());
    block[32..34].copy_from_slice(&room.to_be_bytes());
    block
}

/// Lets `vmm` answer the request, and returns the response and what follows.
fn answered(rules: Rules, mut block: Vec<u8>, vmm: impl FnOnce(SetRequest<'_>)) -> Vec<u8> {
    let functions = functions();
    let responder =
        Responder { functions: &functions, groups: &[], summary: Rules::QEMU_SUMMARY, characteristics: None, rules };
    match responder.answer(LogicalProcessor::PCI, &mut block) {
        Answer::Set(request) => vmm(request),
        other => panic!("{other:?}"),
    }
    block.split_off(32)
}

/// Bytes, and 0xa5 up to the end of the block.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(224, 0xa5);
    bytes
}

const DISABLED: u32 = 0x0002_0000;
const ENABLED: u32 = 0x8000_0001;

fn dropped(_: SetRequest<'_>) {}

#[test]
fn busy_until_the_vmm_answers() {
    let request = || block(DISABLED, 0, 1, 0, 40);
    let busy = padded(&[0, 16, 0x01, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(answered(Rules::HARDWARE, request(), dropped), busy);
    assert_eq!(answered(Rules::QEMU, request(), dropped), padded(&[0, 40, 0x01, 0x08]));
    // The same when the handle contradicts what was done.
    for (handle, operation, wrong, action, text) in [
        (DISABLED, 0, 0x0002_0000, SetAction::Enable, "enabled, with handle 0x00020000"),
        (ENABLED, 1, 0x8000_0001, SetAction::Disable, "disabled, with handle 0x80000001"),
        (ENABLED, 2, 0x0000_0001, SetAction::EnableMio, "MIO enabled, with handle 0x00000001"),
    ] {
        let response = answered(Rules::HARDWARE, block(handle, operation, 1, 0, 40), |request| {
            let handle = FunctionHandle(wrong);
            let error = ConfirmError { action, handle, done: request.busy() };
            assert_eq!(error.done.written(), 32..48);
            assert_eq!(request.confirm(handle), Err(error));
            assert_eq!(error.to_string(), text);
        });
        assert_eq!(response, busy);
    }
}

#[test]
fn what_the_vmm_is_told() {
    for (handle, operation, spaces, slot, action) in [
        (DISABLED, 0, 1, 0, SetAction::Enable),
        (ENABLED, 1, 0, 1, SetAction::Disable),
        (ENABLED, 2, 1, 1, SetAction::EnableMio),
        (ENABLED, 3, 0, 1, SetAction::DisableMio),
    ] {
        let _ = answered(Rules::HARDWARE, block(handle, operation, spaces, 0x0102_0304, 32), |request| {
            assert_eq!((request.slot(), request.action()), (slot, action));
        });
    }
}

#[test]
fn confirmed() {
    let confirm = |handle| {
        move |request: SetRequest<'_>| {
            let done = request.confirm(FunctionHandle(handle)).unwrap();
            assert_eq!(done.condition, ConditionCode::Zero);
        }
    };
    let mut expected = vec![0; 32];
    expected[..4].copy_from_slice(&[0, 32, 0, 0x10]);
    expected[16..20].copy_from_slice(&[0x80, 1, 2, 3]);
    assert_eq!(answered(Rules::HARDWARE, block(DISABLED, 0, 1, 0, 32), confirm(0x8001_0203)), padded(&expected),);
    // With more room there is more of the same: an enable has no MIO addresses, an enable of MIO has them if all fit.
    let no_mio = |length: usize| {
        let mut response = expected.clone();
        response[1] = length as u8;
        response.resize(length, 0);
        response
    };
    let enable = answered(Rules::HARDWARE, block(DISABLED, 0, 1, 0, 200), confirm(0x8001_0203));
    assert_eq!(enable, padded(&no_mio(160)));
    let short = answered(Rules::HARDWARE, block(ENABLED, 2, 1, 0, 152), confirm(0x8001_0203));
    assert_eq!(short, padded(&no_mio(152)));
    let mut with_mio = no_mio(160);
    with_mio[32] = 0x80;
    with_mio[40..56].copy_from_slice(&[0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4]);
    let whole = answered(Rules::HARDWARE, block(ENABLED, 2, 1, 0, 200), confirm(0x8001_0203));
    assert_eq!(whole, padded(&with_mio));
    // QEMU: the code, and from the body what the room holds.
    let mut qemu = vec![0xa5; 32];
    qemu[..4].copy_from_slice(&[0, 200, 0, 0x10]);
    qemu[16..32].copy_from_slice(&expected[16..]);
    assert_eq!(answered(Rules::QEMU, block(DISABLED, 0, 1, 0, 200), confirm(0x8001_0203)), padded(&qemu));
    qemu.truncate(24);
    qemu[1] = 24;
    assert_eq!(answered(Rules::QEMU, block(DISABLED, 0, 1, 0, 24), confirm(0x8001_0203)), padded(&qemu));
    assert_eq!(answered(Rules::QEMU, block(DISABLED, 0, 1, 0, 8), confirm(0x8001_0203)), padded(&[0, 8, 0, 0x10]),);
}

#[test]
fn refused_by_the_vmm() {
    for (refusal, hardware, qemu) in [
        (SetRefusal::Gone, [1, 1], [1, 1]),
        (SetRefusal::Resources, [1, 4], [1, 4]),
        (SetRefusal::AlreadyInState, [1, 5], [1, 2]),
        (SetRefusal::PermanentError, [1, 6], [1, 6]),
        (SetRefusal::RecoveryPending, [1, 7], [1, 7]),
        (SetRefusal::Busy, [1, 8], [1, 8]),
    ] {
        let refuse = |request: SetRequest<'_>| assert_eq!(request.refuse(refusal).condition, ConditionCode::Zero);
        let response = answered(Rules::HARDWARE, block(DISABLED, 0, 1, 0, 32), refuse);
        assert_eq!(response, padded(&[0, 16, hardware[0], hardware[1], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        let response = answered(Rules::QEMU, block(DISABLED, 0, 1, 0, 32), refuse);
        assert_eq!(response, padded(&[0, 32, qemu[0], qemu[1]]));
    }
}

/// What is refused before the VMM hears of it, for every operation and number of address spaces.
#[test]
fn refused_by_the_responder() {
    let functions = functions();
    for rules in [Rules::HARDWARE, Rules::QEMU] {
        let responder = Responder {
            functions: &functions,
            groups: &[],
            summary: Rules::QEMU_SUMMARY,
            characteristics: None,
            rules,
        };
        let mio = rules == Rules::HARDWARE;
        let already = if rules == Rules::HARDWARE { 0x0105 } else { 0x0102 };
        for operation in 0..=u8::MAX {
            for spaces in 0..=u8::MAX {
                for handle in [DISABLED, ENABLED, 0x8002_0000, 0x0000_0001] {
                    let expected = match (handle, operation, spaces) {
                        (0x8002_0000 | 0x0000_0001, _, _) => Some(0x0101),
                        (_, 0, 0) => Some(0x0103),
                        (_, 0, 2..) => Some(0x0104),
                        (ENABLED, 0, 1) | (DISABLED, 1, _) => Some(already),
                        (DISABLED, 0, 1) | (ENABLED, 1, _) => None,
                        (ENABLED, 2 | 3, _) if mio => None,
                        _ => Some(0x0102),
                    };
                    let mut block = block(handle, operation, spaces, 0, 32);
                    let answer = responder.answer(LogicalProcessor::PCI, &mut block);
                    match (expected, answer) {
                        (None, Answer::Set(request)) => {
                            assert_eq!(request.refuse(SetRefusal::Gone).condition, ConditionCode::Zero)
                        }
                        (Some(code), Answer::Done(done)) => {
                            assert_eq!(done.condition, ConditionCode::Zero);
                            assert_eq!(u16::from_be_bytes([block[34], block[35]]), code);
                        }
                        other => panic!("handle {handle:#x}, operation {operation}, {spaces} spaces: {other:?}"),
                    }
                }
            }
        }
        // Too little room for the new handle: hardware says so, and the function stays as it is.
        let mut block = block(DISABLED, 0, 1, 0, 24);
        let answer = responder.answer(LogicalProcessor::PCI, &mut block);
        match rules {
            Rules::HARDWARE => {
                assert!(matches!(answer, Answer::Done(done) if done.condition == ConditionCode::Zero));
                assert_eq!(block[32..48], [0, 16, 0, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            }
            _ => assert!(matches!(answer, Answer::Set(_))),
        }
    }
}
