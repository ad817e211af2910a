// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What identifies a machine is replaced, wherever it is in a block, and nothing else.

use std::path::Path;

use zpci::blocks::{Exchange, StandIns, Transcript};

use crate::machine::{exchanges, two, Changed};
use crate::printed::{block, errors, headings, masked, read, text, transcripts};

/// Literal bytes: what identifies is replaced where it is, and nothing else.
#[test]
fn masked_bytes() {
    let text = masked(&two());
    assert_eq!(
        block(&text, 2),
        "# block 2: LIST PCI, resume_token 0x0000000000000000, capacity 4064 bytes: response code 0x0010, OK\n\
         # Behind the last row, rows of zeros are left out. Identifiers are replaced.\n\
         cc 0\n\
         0000: 00200002 00000000 00000000 00000000\n\
         0010: 00000000 00000000 00000000 00000000\n\
         0020: 00400010 00000000 00000000 00000000\n\
         0030: 00000000 00000000 00000000 10000110\n\
         0040: 00101b36 80000000 f1d00001 00f40001\n\
         0050: 00101b36 80000000 f1d00002 00f40002\n"
    );
    // The PCHID and the utility string are those of both; addresses of mapped I/O stay, whatever the fake makes them of.
    assert_eq!(
        block(&text, 3),
        "# block 3: QUERY PCI FN, fh 0x00f40001, capacity 384 bytes: response code 0x0010, OK\n\
         # Behind the last row, rows of zeros are left out. Identifiers are replaced.\n\
         cc 0\n\
         0000: 00200003 00000000 00000000 00000000\n\
         0010: 00f40001 00000000 00000000 00000000\n\
         0020: 01800010 00000000 00000000 00000000\n\
         0030: 00010307 f1d00001 0e000000 0000c1d1\n\
         0040: 04000000 00000000 00000000 00000000\n\
         0050: 00000000 00000000 fa700001 0000000b\n\
         0060: 00000000 00000000 ffffffff ffffffff\n\
         0070: 00000000 00000000 00000000 00000000\n\
         0080: 00000000 00000000 00000000 00000000\n\
         0090: 00000000 00000000 00000000 00001d01\n\
         00a0: e4e3c9d3 f1000000 00000000 00000000\n\
         00b0: 00000000 00000000 00000000 00000000\n\
         00c0: 00000000 00000000 00000000 00000000\n\
         00d0: 00000000 00000000 00000000 00000000\n\
         00e0: 00000000 00000000 00000000 00000000\n\
         00f0: 00000000 00000000 00000000 00000000\n\
         0100: 00000000 00000000 00000000 00000000\n\
         0110: 00000000 00000000 00000000 00000000\n\
         0120: 80000000 00000000 8004d200 00000000\n\
         0130: 0004d200 00000000 00000000 00000000\n"
    );
    let second = block(&text, 4);
    for row in ["0010: 00f40002 ", "0030: 00020107 f1d00002 0e000000 0000c1d1\n", "fa700002 0000000b\n", " 00001d02\n"]
    {
        assert!(second.contains(row), "{row} is not in\n{second}");
    }
    assert!(second.contains("00a0: e4e3c9d3 f1000000 "), "{second}");
    // A group identifies no machine.
    assert_eq!(block(&text, 5).replace(" Identifiers are replaced.", ""), {
        let plain = crate::printed::text(&transcripts(&exchanges(&two()), None));
        block(&plain, 5)
    });
    for secret in ["04d2 ", "04d3", "00020000", "00020001", "0a1b", "0a1c", "01c3", "01020304", "01020305", "d7d9"] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
}

/// What is behind the response is no less of this machine.
#[test]
fn entries_behind_the_end_are_masked() {
    let machine = two();
    let one_less = |response: &mut [u8]| response[..2].copy_from_slice(&[0, 48]);
    let text = masked(&Changed::new(&machine, 2, &one_less));
    assert!(block(&text, 2).contains("\n0050: 00101b36 80000000 f1d00002 00f40002\n"), "{text}");
    assert_eq!(headings(&text).len(), 4);
}

#[test]
fn the_enable_bit_is_kept_and_none_stays_none() {
    let mut bytes = exchanges(&two())[1].bytes.clone();
    bytes[64 + 12..64 + 16].copy_from_slice(&[0x80, 0x02, 0, 0]);
    bytes[80 + 12..80 + 16].copy_from_slice(&[0x80, 0, 0, 0]);
    bytes[80 + 8..80 + 12].copy_from_slice(&[0xff; 4]);
    bytes[96..112].copy_from_slice(&[0, 0x10, 0x1b, 0x36, 0x80, 0, 0, 0, 0, 0, 0x04, 0xd2, 0, 2, 0, 0]);
    let exchange = Exchange { bytes, condition: Some(0), ..Exchange::default() };
    let text = text(&transcripts(&[exchange], Some(StandIns::default())));
    // The first and the third are one function, once enabled and once not.
    for row in [
        "0040: 00101b36 80000000 f1d00001 80f40001\n",
        "0050: 00101b36 80000000 ffffffff 80000000\n",
        "0060: 00101b36 80000000 f1d00001 00f40001\n",
    ] {
        assert!(text.contains(row), "{row} is not in\n{text}");
    }
}

/// The numbers are those of the words in a report: devices by address, then slots of others by identifier.
#[test]
fn numbers_are_those_of_the_report() {
    let sysfs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sys");
    let mut stand_ins = StandIns::of_sysfs(&sysfs);
    let list = |fids: &[[u8; 2]]| {
        let mut bytes = exchanges(&two())[1].bytes[..64].to_vec();
        bytes[33] = 32 + 16 * fids.len() as u8;
        for fid in fids {
            bytes.extend([0, 0x10, 0x1b, 0x36, 0x80, 0, 0, 0, 0, 0, fid[0], fid[1], 0, 2, 0, fid[1]]);
        }
        Exchange { bytes, condition: Some(0), ..Exchange::default() }
    };
    // In this sysfs: 0x101, 0x103, and 0x102 in standby; handles 0x20000 and 0x20002 of the first two.
    let text = Transcript::new(&list(&[[1, 2], [1, 4], [1, 3], [1, 1]]), Some(&mut stand_ins)).text(1);
    for row in ["f1d00003 00f40002", "f1d00004 00f40004", "f1d00002 00f40005", "f1d00001 00f40006"] {
        assert!(text.contains(&format!(" {row}\n")), "{row} is not in\n{text}");
    }
}

/// Captured blocks, as `zpci list --blocks FILE` takes them: cut off, longer than a page, and of no command that is known.
#[test]
fn what_was_captured() {
    let all = exchanges(&two());
    // In the middle of the UID: what is left of it is replaced.
    let cut = Exchange { bytes: all[2].bytes[..0x9f].to_vec(), ..Exchange::default() };
    let text = text(&transcripts(&[cut], Some(StandIns::default())));
    assert!(text.contains("\n0090: 00000000 00000000 00000000 00001d\n"), "{text}");
    assert!(text.contains("\n# Identifiers are replaced.\n0000: "), "{text}");
    assert_eq!(read(&text)[0].bytes.len(), 0x9f);

    let two_pages = Exchange { bytes: vec![0; 8192], ..Exchange::default() };
    assert_eq!(transcripts(&[two_pages], None)[0].text(1).lines().filter(|line| line.contains(": 0000")).count(), 512);

    let unknown = Exchange { bytes: [&[0, 32, 0, 9][..], &[0x5e; 60]].concat(), ..Exchange::default() };
    let all = transcripts(&[unknown, all[1].clone()], Some(StandIns::default()));
    let text = crate::printed::text(&all);
    assert!(!all[0].is_good() && !text.contains("5e5e"), "{text}");
    assert_eq!(headings(&text)[0], "a block that is left out");
    assert_eq!(errors(&text), ["identifiers cannot be replaced: there is no table of the command 0x0009"]);
    // It is no block for who reads this.
    assert_eq!(read(&text).len(), 1);
}

/// Where a request has a length that its command has not, nobody knows where the response is: nothing of it is shown.
#[test]
fn a_request_whose_length_is_wrong() {
    for length in [[0, 0], [0, 8], [0, 0x10], [0, 0x28], [0, 0x30], [0x0f, 0xf8], [0xff, 0xf8]] {
        let mut bytes = exchanges(&two())[2].bytes.clone();
        bytes[..2].copy_from_slice(&length);
        let exchange = Exchange { bytes, condition: Some(0), ..Exchange::default() };
        let all = transcripts(&[exchange], Some(StandIns::default()));
        let text = text(&all);
        assert!(!all[0].is_good(), "{text}");
        assert_eq!(headings(&text), ["a block that is left out"]);
        let said = u16::from_be_bytes(length);
        assert_eq!(
            errors(&text),
            [format!("identifiers cannot be replaced: the request has {said} bytes, and that of this command has 32")]
        );
        assert!(!text.contains("\n00") && !text.contains("cc 0"), "{text}");
    }
    // One with a length that its command has, which is not all there.
    let cut = Exchange { bytes: exchanges(&two())[2].bytes[..24].to_vec(), ..Exchange::default() };
    let text = text(&transcripts(&[cut], Some(StandIns::default())));
    assert_eq!(errors(&text), ["identifiers cannot be replaced: the request has 32 bytes of 24"]);
}

/// What a page had before, behind a response that is shorter than the one before it.
#[test]
fn what_is_behind_the_response_is_not_shown() {
    let all = exchanges(&two());
    let mut bytes = all[1].bytes.clone();
    bytes[..160].copy_from_slice(&all[4].bytes[..160]);
    bytes[160..176].copy_from_slice(&all[1].bytes[64..80]);
    bytes[4095] = 0x5e;
    let exchange = Exchange { bytes, condition: Some(0), ..Exchange::default() };
    let plain = Transcript::new(&exchange, None);
    assert!(plain.is_good() && plain.text(1).contains(" 000004d2 00020000\n"));
    let all = transcripts(&[exchange], Some(StandIns::default()));
    let text = text(&all);
    assert_eq!(
        errors(&text),
        ["8 bytes from 0xa1 to 0xfff, behind what is known of the response, are not zero: \
                                zeros are in their place"]
    );
    assert!(
        !all[0].is_good() && !text.contains("04d2") && text.ends_with("\n0040: ffffffff 00000000 fe000000 00000000\n"),
        "{text}"
    );

    // A command that is refused stores a header, behind which the page may have what a list had there.
    let mut bytes = exchanges(&two())[1].bytes.clone();
    bytes[..48].copy_from_slice(&exchanges(&two())[4].bytes[..48]);
    bytes[32..36].copy_from_slice(&[0, 16, 1, 2]);
    let exchange = Exchange { bytes, condition: Some(0), ..Exchange::default() };
    let refused = crate::printed::text(&transcripts(&[exchange], Some(StandIns::default())));
    assert!(errors(&refused)[1].contains(", behind what is known of the response, are not zero"), "{refused}");
    assert!(
        !refused.contains("04d2") && refused.ends_with("\n0020: 00100102 00000000 00000000 00000000\n"),
        "{refused}"
    );

    // The request of characteristics may be longer than what is known of it.
    let mut bytes = exchanges(&two())[0].bytes.clone();
    bytes.copy_within(16..4080, 32);
    bytes[1] = 32;
    bytes[16..32].fill(0x5e);
    let exchange = Exchange { bytes, condition: Some(0), ..Exchange::default() };
    let text = crate::printed::text(&transcripts(&[exchange], Some(StandIns::default())));
    assert!(!text.contains("5e5e"), "{text}");
    assert_eq!(
        errors(&text).last(),
        Some(
            &"16 bytes from 0x10 to 0x1f, behind what is known of the request, are not \
                                            zero: zeros are in their place"
        )
    );
}

/// A block is one page: what is behind it in a file is none.
#[test]
fn a_second_page_is_not_shown() {
    let all = exchanges(&two());
    for (number, page) in [(1, 2), (2, 1)] {
        let bytes = [all[number].bytes.as_slice(), &all[page].bytes].concat();
        let exchange = Exchange { bytes, condition: Some(0), ..Exchange::default() };
        let shown = transcripts(&[exchange], Some(StandIns::default()));
        let text = text(&shown);
        assert!(errors(&text).contains(&"4096 bytes behind the block are left out"), "{text}");
        assert!(!shown[0].is_good());
        assert_eq!(read(&text)[0].bytes.len().next_multiple_of(4096), 4096);
        for secret in ["000004d2", "000004d3", "0a1b", "01c3", "01020304", "d7d9"] {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
    }
}

/// Linux names a bus by the topology identifier where there is one: which functions have the same shows.
#[test]
fn topology_identifiers_are_replaced() {
    let query = |tid: u16| {
        let mut bytes = exchanges(&two())[2].bytes.clone();
        bytes[32 + 86..32 + 88].copy_from_slice(&tid.to_be_bytes());
        Exchange { bytes, condition: Some(0), ..Exchange::default() }
    };
    let all = [query(0x01c3), query(0x01c4), query(0x01c3), query(0), query(0xffff)];
    let text = text(&transcripts(&all, Some(StandIns::default())));
    let tids: Vec<u16> =
        read(&text).iter().map(|input| u16::from_be_bytes([input.bytes[32 + 86], input.bytes[32 + 87]])).collect();
    assert_eq!(tids, [0x71d1, 0x71d2, 0x71d1, 0, 0xffff]);
    // It is no PCHID, which may have the same number.
    assert!(block(&text, 1).contains("0000c1d1\n"), "{text}");
}
