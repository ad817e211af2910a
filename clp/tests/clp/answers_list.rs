// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! LIST PCI, byte for byte: tokens, rooms and what is refused first.

use crate::vmm::{emulated, in_slot, NO_BARS};
use clp::responder::{Answer, Responder, Rules};
use clp::{ConditionCode, ListSummary, LogicalProcessor};

/// Answers a list with `room` bytes for the response, in a machine of at most 6 functions that has slots 0 to 4, of
/// which 1 and 3 have functions. Returns the condition code, and the response with what follows, which was 0xa5.
fn listed(rules: Rules, token: u64, format: u8, room: u16) -> (ConditionCode, Vec<u8>) {
    let function = |slot| in_slot(slot, 0x1af4, 0x1044, &emulated(slot, slot, NO_BARS));
    let functions = [None, function(1), None, function(3), None];
    let responder = Responder {
        functions: &functions,
        groups: &[],
        summary: ListSummary { max_functions: 6, uid_checking: false },
        characteristics: None,
        rules,
    };
    let mut block = vec![0xa5; 160];
    block[..32].fill(0);
    block[..5].copy_from_slice(&[0, 32, 0, 2, format]);
    block[16..24].copy_from_slice(&token.to_be_bytes());
    block[32..34].copy_from_slice(&room.to_be_bytes());
    match responder.answer(LogicalProcessor::PCI, &mut block) {
        Answer::Done(done) => {
            // A response is copied back as far as it goes; of a refusal of QEMU the code.
            let length = usize::from(u16::from_be_bytes([block[32], block[33]]));
            let is_list = block[34..36] == [0, 0x10];
            let expected = if is_list || rules == Rules::HARDWARE { 32..32 + length } else { 34..36 };
            assert_eq!(done.written(), expected);
            (done.condition, block.split_off(32))
        }
        other => panic!("{other:?}"),
    }
}

/// A list that goes on at `resume`, of functions with slot and identifier `ids`.
fn list(rules: Rules, resume: u8, ids: &[u8]) -> Vec<u8> {
    let mdd = if rules == Rules::QEMU { 0xff } else { 0 };
    let mut bytes = vec![0, 32 + 16 * ids.len() as u8, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([0, 0, 0, 0, 0, 0, 0, resume, 0, mdd, 0, 0, 0, 6, 0, 16]);
    for &id in ids {
        bytes.extend([0x10, 0x44, 0x1a, 0xf4, 0x80, 0, 0, 0, 0, 0, 0, id, 0, 2, 0, id]);
    }
    bytes.resize(128, 0xa5);
    bytes
}

fn refusal(rules: Rules, room: u8, code: [u8; 2]) -> Vec<u8> {
    let mut bytes = match rules {
        Rules::HARDWARE => vec![0, room.min(16), code[0], code[1], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        _ => vec![0, room, code[0], code[1]],
    };
    bytes.truncate(usize::from(room));
    bytes.resize(128, 0xa5);
    bytes
}

const OK: ConditionCode = ConditionCode::Zero;

#[test]
fn tokens() {
    let hardware = Rules::HARDWARE;
    assert_eq!(listed(hardware, 0, 0, 48), (OK, list(hardware, 3, &[1])));
    for (token, ids) in [(0, &[1, 3][..]), (1, &[1, 3]), (2, &[3]), (3, &[3]), (4, &[]), (5, &[])] {
        assert_eq!(listed(hardware, token, 0, 96), (OK, list(hardware, 0, ids)), "token {token}");
    }
    for token in [6, 0x1234, 1 << 16, 1 << 32, (1 << 32) + 1, (1 << 63) + 1, u64::MAX] {
        assert_eq!(listed(hardware, token, 0, 96), (OK, refusal(hardware, 96, [1, 0x0a])), "token {token:#x}");
    }
    let qemu = Rules::QEMU;
    assert_eq!(listed(qemu, 0, 0, 48), (OK, list(qemu, 3, &[1])));
    for (token, ids) in [(0, &[1, 3][..]), (1, &[1, 3]), (3, &[3])] {
        assert_eq!(listed(qemu, token, 0, 96), (OK, list(qemu, 0, ids)), "token {token}");
    }
    for token in [2, 4, 5, 6, 0x1234, 1 << 32, u64::MAX] {
        assert_eq!(listed(qemu, token, 0, 96), (OK, refusal(qemu, 96, [1, 0x0a])), "token {token:#x}");
    }
}

#[test]
fn rooms() {
    for rules in [Rules::HARDWARE, Rules::QEMU] {
        for room in (8..=128).step_by(8) {
            let expected = match (room, rules) {
                (0..48, _) => (OK, refusal(rules, room as u8, [0, 0x60])),
                (48, _) => (OK, list(rules, 3, &[1])),
                (_, _) if room % 16 == 0 => (OK, list(rules, 0, &[1, 3])),
                (_, Rules::HARDWARE) => (OK, refusal(rules, room as u8, [0, 0x50])),
                (_, _) => (ConditionCode::Three, refusal(rules, room as u8, [0, 0x50])),
            };
            assert_eq!(listed(rules, 0, 0, room), expected, "room {room}");
        }
    }
}

/// Each request has one thing wrong more than the one before.
#[test]
fn what_is_refused_first() {
    for rules in [Rules::HARDWARE, Rules::QEMU] {
        let refusal = |room, code| (OK, refusal(rules, room, code));
        assert_eq!(listed(rules, 0, 0, 40), refusal(40, [0, 0x60]));
        assert_eq!(listed(rules, 0x1234, 0, 40), refusal(40, [1, 0x0a]));
        assert_eq!(listed(rules, 0x1234, 0x01, 40), refusal(40, [0, 0x70]));
        assert_eq!(listed(rules, 0x1234, 0x11, 40), refusal(40, [0, 0x40]));
    }
}
