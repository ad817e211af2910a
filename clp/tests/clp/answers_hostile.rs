// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Guests that ask anything: there is an answer, within the room, and nothing in it that is not theirs.

use crate::hostile_guest::Host;
use clp::responder::Rules;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A block of anything, in most cases with headers that make a responder look at the rest.
fn block() -> impl Strategy<Value = Vec<u8>> {
    let size = prop_oneof![4 => Just(8192usize), 1 => 0..600usize];
    let request = prop_oneof![6 => Just(32u16), 2 => Just(16), 1 => any::<u16>(), 1 => (0..80u16).prop_map(|n| 8 * n)];
    let command = prop_oneof![9 => 1..6u16, 1 => 0..9u16, 1 => any::<u16>()];
    let room = prop_oneof![
        4 => (0..70u16).prop_map(|n| 8 * n),
        4 => (0..12u16).prop_map(|n| 32 + 16 * n),
        1 => Just(4064),
        1 => any::<u16>(),
    ];
    let handle = prop_oneof![9 => proptest::sample::select(&Host::HANDLES[..]), 1 => any::<u32>(), 2 => 0..8u32];
    let word =
        prop_oneof![4 => 0..8u32, 2 => (0..4u32, 0..3u32).prop_map(|(oc, spaces)| oc << 8 | spaces), 1 => any::<u32>()];
    let fill = prop_oneof![Just(Some(0)), Just(Some(0xa5)), Just(None)];
    (size, request, command, room, handle, word, fill, vec(any::<u8>(), 1..200), any::<[bool; 3]>()).prop_map(
        |(size, request, command, room, handle, word, fill, anything, zero)| {
            let mut block = match fill {
                Some(fill) => vec![fill; 8192],
                None => anything.into_iter().cycle().take(8192).collect(),
            };
            block[..2].copy_from_slice(&request.to_be_bytes());
            block[2..4].copy_from_slice(&command.to_be_bytes());
            block[16..20].copy_from_slice(&handle.to_be_bytes());
            block[20..24].copy_from_slice(&word.to_be_bytes());
            // Each zeroes what must be zero for an answer other than a refusal.
            if zero[0] {
                block[4..16].fill(0);
                block[24..32].fill(0);
            }
            if zero[1] {
                let token = [0, 0, 0, 0];
                block[if command == 2 { 16..20 } else { 20..24 }].copy_from_slice(&token);
            }
            if zero[2] && command == 4 {
                block[16..19].fill(0);
            }
            if let Some(length) = block.get_mut(usize::from(request)..usize::from(request) + 2) {
                length.copy_from_slice(&room.to_be_bytes());
            }
            block.truncate(size);
            block
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn guests_that_ask_anything(
        mut block in block(),
        qemu: bool,
        processor in prop_oneof![9 => Just(2u8), 1 => any::<u8>()],
        outcome: u8,
    ) {
        let rules = if qemu { Rules::QEMU } else { Rules::HARDWARE };
        Host::new().check(rules, processor, outcome, &mut block);
    }
}

/// Every room of every command, with a request that is in order: no byte behind it is written, in a block of any size.
#[test]
fn every_room_of_every_command() {
    let host = Host::new();
    let mut seen = BTreeSet::new();
    for rules in [Rules::HARDWARE, Rules::QEMU] {
        for command in 0..8u8 {
            for length in [16, 32] {
                for room in 0..=520u16 {
                    let mut block = vec![0xa5; 600];
                    block[..length].fill(0);
                    block[1] = length as u8;
                    block[3] = command;
                    if length == 32 {
                        match command {
                            3 | 5 => block[16..20].copy_from_slice(&Host::HANDLES[5].to_be_bytes()),
                            4 => block[19] = 7,
                            _ => {}
                        }
                        block[23] = u8::from(command == 5);
                    }
                    block[length..length + 2].copy_from_slice(&room.to_be_bytes());
                    seen.extend(host.check(rules, 2, 7, &mut block).map(|code| (command, code)));
                }
            }
        }
    }
    let expected = [
        (0, 0x0020),
        (0, 0x0050),
        (1, 0x0010),
        (1, 0x0020),
        (1, 0x0050),
        (2, 0x0010),
        (2, 0x0050),
        (2, 0x0060),
        (3, 0x0010),
        (3, 0x0050),
        (4, 0x0010),
        (4, 0x0050),
        (5, 0x0010),
        (5, 0x0050),
        (6, 0x0020),
        (6, 0x0050),
        (7, 0x0020),
        (7, 0x0050),
    ];
    assert_eq!(seen, BTreeSet::from(expected));
}
