// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Responses that make no sense.

use std::path::Path;

use clp::FunctionHandle;
use zpci::blocks::{Exchange, StandIns, Transcript};
use zpci::input::{Input, Reading};

use crate::machine::{exchanges, exchanges_with, two, Changed};
use crate::printed::{block, errors, headings, masked, notes, read, text, transcripts};

/// A response that is shorter than what is needed of it, one that is shorter than it says, and one that says nothing.
#[test]
fn a_response_whose_length_is_wrong() {
    let machine = two();
    let doubtful =
        "identifiers are replaced where the tables of the command have them, though this block is not as they \
                    say: look at it before you send it";

    let short = |response: &mut [u8]| response[..2].copy_from_slice(&[0, 100]);
    let all = transcripts(&exchanges(&Changed::new(&machine, 3, &short)), Some(StandIns::default()));
    let text = text(&all);
    assert!(!all[2].is_good() && !all[3].is_good(), "{text}");
    let third = block(&text, 3);
    assert_eq!(errors(&third), ["QUERY PCI FN response: response of 100 bytes where at least 128 are required"]);
    assert_eq!(notes(&third), [doubtful]);
    // The UID and the string are behind the 100 bytes, and replaced all the same.
    assert!(third.contains("\n0020: 00640010 ") && third.contains(" 00001d01\n"), "{third}");
    assert!(third.contains("\n00a0: e4e3c9d3 f1000000 "), "{third}");
    // The group of the function is known all the same.
    assert_eq!(headings(&text).len(), 5);

    // As a machine may that knows more: of the length that was offered there is no more than that.
    let long = |response: &mut [u8]| response[..2].copy_from_slice(&[1, 0xf4]);
    let all = transcripts(&exchanges(&Changed::new(&machine, 3, &long)), Some(StandIns::default()));
    let text = crate::printed::text(&all);
    assert!(all.iter().all(Transcript::is_good), "{text}");
    assert_eq!(notes(&block(&text, 3)), ["the response says that it has 500 bytes, with a capacity of 384"]);

    // A list that says that it is longer than the block: its entries are masked up to the end.
    let longer = |response: &mut [u8]| response[..2].copy_from_slice(&[0x10, 0]);
    let changed = Changed::new(&machine, 2, &longer);
    let all = transcripts(&exchanges(&changed), Some(StandIns::default()));
    let text = crate::printed::text(&all);
    assert_eq!(all.iter().map(Transcript::is_good).collect::<Vec<_>>(), [true, false]);
    let second = block(&text, 2);
    assert_eq!(errors(&second)[0], "LIST PCI response: it has 4096 bytes, and the input 4064", "{second}");
    assert_eq!(
        notes(&second),
        [
            "the response says that it has 4096 bytes, with a capacity of 4064",
            &format!("{doubtful}; the response has 4096 bytes of 4064")
        ]
    );
    assert!(second.contains("\n0050: 00101b36 80000000 f1d00002 00f40002\n"), "{second}");

    // What the kernel knows of functions is asked for where the list says nothing.
    let text = crate::printed::text(&transcripts(&exchanges_with(&changed, &[FunctionHandle(0x2_0001)]), None));
    assert_eq!(headings(&text)[2], "QUERY PCI FN, fh 0x00020001, capacity 384 bytes: response code 0x0010, OK");
    assert_eq!(headings(&text).len(), 4);
}

#[test]
fn entries_of_another_size() {
    let machine = two();
    // Smaller ones cannot be: the table's size is taken.
    let small = |response: &mut [u8]| response[31] = 8;
    let text = masked(&Changed::new(&machine, 2, &small));
    let second = block(&text, 2);
    assert_eq!(errors(&second), ["LIST PCI response: entry_size is 0x8, must be at least 16"]);
    assert!(notes(&second)[0].ends_with("; entries have 8 bytes, and are taken to have 16"), "{second}");
    assert!(second.contains("\n0040: 00101b36 80000000 f1d00001 00f40001\n0050: 00101b36 80000000 f1d00002 00f40002\n"));

    // Larger ones have bytes behind what is known of them, which stay.
    let large = |response: &mut [u8]| {
        let entries: [u8; 32] = response[32..64].try_into().unwrap();
        response[..2].copy_from_slice(&[0, 32 + 2 * 24]);
        response[31] = 24;
        response[32..48].copy_from_slice(&entries[..16]);
        response[48..56].copy_from_slice(&[0x5a; 8]);
        response[56..72].copy_from_slice(&entries[16..]);
        response[72..80].copy_from_slice(&[0xa5; 8]);
    };
    let text = masked(&Changed::new(&machine, 2, &large));
    let second = block(&text, 2);
    for row in [
        "0040: 00101b36 80000000 f1d00001 00f40001\n",
        "0050: 5a5a5a5a 5a5a5a5a 00101b36 80000000\n",
        "0060: f1d00002 00f40002 a5a5a5a5 a5a5a5a5\n",
    ] {
        assert!(second.contains(row), "{row} is not in\n{second}");
    }
    assert_eq!(errors(&second).len(), 2, "{second}");
    assert_eq!(headings(&text).len(), 5, "{text}");
}

/// What the client finds out, and no block shows by itself.
#[test]
fn an_answer_about_another_function() {
    let machine = two();
    let other = |response: &mut [u8]| response[20..24].copy_from_slice(&[0, 0, 0x04, 0xd3]);
    let all = exchanges(&Changed::new(&machine, 3, &other));
    let plain = text(&transcripts(&all, None));
    assert_eq!(errors(&plain), ["query answered with function 0x000004d3"]);
    let text = text(&transcripts(&all, Some(StandIns::default())));
    assert_eq!(errors(&text), ["query answered with function 0xf1d00002"]);
}

#[test]
fn an_answer_without_a_code() {
    let machine = two();
    let nothing = |response: &mut [u8]| {
        response[2..4].fill(0);
        response[16..].fill(0);
    };
    let text = masked(&Changed::new(&machine, 3, &nothing));
    assert!(headings(&text)[2].ends_with(": no response code"), "{text}");
    assert_eq!(errors(&text), ["response without a code"; 2]);
}

/// A token that comes back is said without the token.
#[test]
fn a_list_that_comes_back() {
    let machine = two();
    let again = |response: &mut [u8]| response[16..24].copy_from_slice(&[0x5e; 8]);
    let all = exchanges(&Changed::new(&machine, 2, &again));
    let text = text(&transcripts(&all, Some(StandIns::default())));
    assert!(!text.contains("5e5e"), "{text}");
    assert!(text.contains("70ce0000 00000001"), "{text}");
    assert!(
        errors(&text).iter().any(|error| error.contains("0x010a") && error.contains("0x70ce000000000001")),
        "{text}"
    );
}

/// Whatever is wrong with a block, it is printed, and what is printed is what is read.
#[test]
fn every_fixture_is_printed_however_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clp/tests/fixtures");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = Input::read(path.to_str().unwrap(), &Reading::default()).unwrap();
        let exchange = Exchange::from(&input);
        for at in 0..=exchange.bytes.len().min(128) {
            for value in [0, 0x0f, 0xff] {
                let mut wrong = exchange.clone();
                // The last one is as it was.
                if let Some(byte) = wrong.bytes.get_mut(at).filter(|_| at < 128) {
                    *byte = value;
                }
                let printed = Transcript::new(&wrong, None).text(1);
                let mut read = read(&printed).remove(0).bytes;
                read.resize(wrong.bytes.len().max(read.len()), 0);
                assert!(read == wrong.bytes, "{}: {at}\n{printed}", path.display());
                // There is no table of every command, and nothing to hide without one.
                let hidden = Transcript::new(&wrong, Some(&mut StandIns::default()));
                if let Ok(bytes) = Input::parse_each("-", hidden.text(1).into_bytes(), &Reading::default()) {
                    assert!(bytes.len() == 1 && bytes[0].bytes.len() <= wrong.bytes.len());
                    count += 1;
                } else {
                    assert!(!hidden.is_good());
                }
            }
        }
    }
    assert!(count > 10_000, "{count}");
}
