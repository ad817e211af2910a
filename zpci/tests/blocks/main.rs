// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Blocks of a fake machine as text: all that the machine said, in a form that is read again, and with stand-ins for what
//! identifies it.

mod machine;
mod masking;
#[cfg(target_os = "linux")]
mod numbers;
mod printed;
#[cfg(target_os = "linux")]
mod report;
mod wrong;

use clp::ConditionCode;
use zpci::blocks::{inquire, StandIns, Transcript};
use zpci::decode::{decode, Kind};
use zpci::input::{Input, Reading};
use zpci::render;
use zpci_tests::fake::{Configuration, Fake, FunctionConfiguration};

use machine::{exchanges, two, Changed};
use printed::{block, errors, file, headings, masked, notes, printed, read, run, text, transcripts};

#[test]
fn every_command_of_a_list_is_there() {
    let all = transcripts(&exchanges(&two()), None);
    assert!(all.iter().all(Transcript::is_good));
    let text = text(&all);
    assert_eq!(
        headings(&text),
        [
            "SLPC, capacity 128 bytes: response code 0x0010, OK",
            "LIST PCI, resume_token 0x0000000000000000, capacity 4064 bytes: response code 0x0010, OK",
            "QUERY PCI FN, fh 0x00020000, capacity 384 bytes: response code 0x0010, OK",
            "QUERY PCI FN, fh 0x00020001, capacity 384 bytes: response code 0x0010, OK",
            "QUERY PCI FNGRP, pfgid 0x07, capacity 64 bytes: response code 0x0010, OK",
        ]
    );
    assert_eq!((errors(&text), notes(&text)), (vec![], vec![]));
    assert_eq!(
        block(&text, 2),
        "# block 2: LIST PCI, resume_token 0x0000000000000000, capacity 4064 bytes: response code 0x0010, OK\n\
         # Behind the last row, rows of zeros are left out.\n\
         cc 0\n\
         0000: 00200002 00000000 00000000 00000000\n\
         0010: 00000000 00000000 00000000 00000000\n\
         0020: 00400010 00000000 00000000 00000000\n\
         0030: 00000000 00000000 00000000 10000110\n\
         0040: 00101b36 80000000 000004d2 00020000\n\
         0050: 00101b36 80000000 000004d3 00020001\n"
    );
}

/// What is read again is what the machine stored, byte for byte, and says the same.
#[test]
fn what_is_printed_is_read() {
    let all = exchanges(&two());
    for is_masked in [false, true] {
        let printed = printed(&transcripts(&all, is_masked.then(StandIns::default)));
        let inputs = read(&printed);
        assert_eq!(inputs.len(), all.len());
        for (mut input, exchange) in inputs.into_iter().zip(&all) {
            assert_eq!((input.condition, input.notes.as_slice()), (Some(0), [].as_slice()));
            let mut stored = Input { bytes: exchange.bytes.clone(), condition: Some(0), ..Input::default() };
            if !is_masked {
                let mut bytes = input.bytes.clone();
                bytes.resize(4096, 0);
                assert!(bytes == exchange.bytes, "{bytes:02x?}");
                assert_eq!(
                    render::report_json(&decode(&mut input, None, None).unwrap()),
                    render::report_json(&decode(&mut stored, Some(Kind::Clp), None).unwrap())
                );
                continue;
            }
            // But for identifiers the same values.
            let (read, stored) = (decode(&mut input, None, None).unwrap(), decode(&mut stored, None, None).unwrap());
            let rows = |report: &zpci::report::Report| {
                let names = ["fid", "fh", "uid", "pchid", "tid", "pfip", "util_str", "resume_token"];
                let rows = report.sections.iter().flat_map(|section| section.rows.clone());
                let rows = rows.map(|row| (row.offset, row.name, row.value));
                rows.filter(|(_, name, _)| !names.contains(&name.as_str())).collect::<Vec<_>>()
            };
            assert_eq!(rows(&read), rows(&stored));
        }
    }
}

/// The list of the blocks is that of the machine, and each block is decoded.
#[test]
fn the_command_reads_the_text_of_all_blocks() {
    let printed = file(&text(&transcripts(&exchanges(&two()), None)));
    let name = printed.path().to_str().unwrap();
    let (code, out, err) = run(&["list", "-o", "ADDRESS,FID,UID,PCHID,PATH,UTIL,STATE,HANDLE,NOI,DTSM", name]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "ADDRESS       FID         UID     PCHID   PATH         UTIL     STATE       HANDLE      NOI  DTSM\n\
         0a1b:00:00.0  0x000004d2  0x0a1b  0x01c3  01.02.03.04  PRODNET  configured  0x00020000  64   \
         region-third, region-second, region-first\n\
         0a1c:00:00.0  0x000004d3  0x0a1c  0x01c3  01.02.03.05  PRODNET  configured  0x00020001  64   \
         region-third, region-second, region-first\n"
    );
    let (code, out, err) = run(&["decode", name]);
    assert_eq!((code, err.as_str()), (0, ""));
    let titles: Vec<&str> = out.lines().filter(|line| line.starts_with(name)).collect();
    assert_eq!(titles.len(), 5);
    assert_eq!(titles[1], format!("{name}:11"));

    let printed = file(&masked(&two()));
    let (code, out, err) =
        run(&["list", "-o", "ADDRESS,FID,UID,PCHID,PATH,UTIL,STATE,HANDLE,NOI,DTSM", printed.path().to_str().unwrap()]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        out,
        "ADDRESS       FID         UID     PCHID   PATH         UTIL   STATE       HANDLE      NOI  DTSM\n\
         1d01:00:00.0  0xf1d00001  0x1d01  0xc1d1  fa.70.00.01  UTIL1  configured  0x00f40001  64   \
         region-third, region-second, region-first\n\
         1d02:00:00.0  0xf1d00002  0x1d02  0xc1d1  fa.70.00.02  UTIL1  configured  0x00f40002  64   \
         region-third, region-second, region-first\n"
    );
}

#[test]
fn a_list_in_several_responses() {
    let mut configuration = Configuration::hardware(true);
    let one = configuration.functions[0].clone();
    let functions =
        (0..260).map(|number| FunctionConfiguration { fid: 0x500 + number, uid: 0x900 + number, ..one.clone() });
    configuration.functions = functions.collect();
    let machine = Fake::new(configuration);
    let all = exchanges(&machine);
    let plain = text(&transcripts(&all, None));
    let lists: Vec<&str> = headings(&plain).into_iter().filter(|it| it.starts_with("LIST PCI")).collect();
    assert_eq!(lists.len(), 2);
    assert_eq!(headings(&plain).len(), 1 + 2 + 260 + 1);
    // The token of the first response is that of the second request; so is its stand-in.
    let (first, second) = (&all[1].bytes, &all[2].bytes);
    assert!(first[48..56] == second[16..24] && first[48..56] != [0; 8]);
    let hidden = masked(&machine);
    assert!(block(&hidden, 2).contains("\n0030: 70ce0000 00000001 "), "{hidden}");
    assert!(block(&hidden, 3).contains("\n0010: 70ce0000 00000001 "), "{hidden}");
    assert!(headings(&hidden)[2].starts_with("LIST PCI, resume_token 0x70ce000000000001, "), "{hidden}");
    // The last entry has the last number, and the function is queried by the same.
    assert!(block(&hidden, 3).contains(" f1d00104 00f40104\n"), "{hidden}");
    assert!(
        block(&hidden, 263).contains("\n0010: 00f40104 ") && block(&hidden, 263).contains(" f1d00104 "),
        "{hidden}"
    );
    assert_eq!(read(&hidden).len(), 264);
}

#[test]
fn a_command_that_is_refused() {
    let machine = two();
    let refuse = |response: &mut [u8]| {
        response[..4].copy_from_slice(&[0, 16, 0x01, 0x01]);
        response[16..].fill(0);
    };
    let all = transcripts(&exchanges(&Changed::new(&machine, 3, &refuse)), Some(StandIns::default()));
    assert_eq!(all.iter().map(Transcript::is_good).collect::<Vec<_>>(), [true, true, false, false]);
    let text = text(&all);
    assert_eq!(
        block(&text, 4),
        "# block 4: QUERY PCI FN, fh 0x00f40002, capacity 384 bytes: response code 0x0101, invalid function handle\n\
         # error: QUERY PCI FN: refused with 0x0101, invalid function handle: 0x00f40002, disabled\n\
         # Behind the last row, rows of zeros are left out. Identifiers are replaced.\n\
         cc 0\n\
         0000: 00200003 00000000 00000000 00000000\n\
         0010: 00f40002 00000000 00000000 00000000\n\
         0020: 00100101 00000000 00000000 00000000\n"
    );
    // It is still a block, of which the rest of the list says nothing.
    let printed = file(&text);
    let (code, out, err) = run(&["list", "-o", "FID,HANDLE,UID", printed.path().to_str().unwrap()]);
    assert_eq!(code, 1);
    assert_eq!(out, "FID         HANDLE      UID\n0xf1d00001  0x00f40001  -\n0xf1d00002  0x00f40002  -\n");
    assert_eq!(err.matches("left out: QUERY PCI FN: refused with 0x0101").count(), 2, "{err}");
}

/// QEMU does not know its own characteristics.
#[test]
fn a_machine_need_not_know_its_characteristics() {
    let all = transcripts(&exchanges(&Fake::new(Configuration::qemu())), None);
    assert!(all.iter().all(Transcript::is_good));
    let text = text(&all);
    assert_eq!(headings(&text)[0], "SLPC, capacity 128 bytes: response code 0x0050, invalid request length");
    assert_eq!(
        notes(&text),
        ["SLPC: refused with 0x0050, invalid request length; a machine need not have this command"]
    );
    let printed = file(&text);
    let (code, out, err) = run(&["list", "-o", "FID", printed.path().to_str().unwrap()]);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "FID\n0x00000000\n", ""));
}

#[test]
fn a_command_that_is_not_executed() {
    let machine = two();
    let none = |_: &mut [u8]| {};
    let changed = Changed { condition: ConditionCode::Three, ..Changed::new(&machine, 4, &none) };
    let all = transcripts(&exchanges(&changed), Some(StandIns::default()));
    assert_eq!(all.iter().map(Transcript::is_good).collect::<Vec<_>>(), [true, true, true, true, false]);
    let text = text(&all);
    assert_eq!(
        block(&text, 5),
        "# block 5: QUERY PCI FNGRP, pfgid 0x07, capacity 64 bytes: not executed, condition code 3\n\
         # error: QUERY PCI FNGRP: a request with room for 64 bytes, not answered (condition code 3: not executed)\n\
         # Behind the last row, rows of zeros are left out. Identifiers are replaced.\n\
         cc 3\n\
         0000: 00200004 00000000 00000000 00000000\n\
         0010: 00000007 00000000 00000000 00000000\n\
         0020: 00400000 00000000 00000000 00000000\n"
    );
    assert_eq!(read(&text)[4].condition, Some(3));
}

/// What the system does not hand on has no condition code, and is said of the command that it was.
#[test]
fn a_command_that_does_not_reach_the_machine() {
    let machine = two();
    let none = |_: &mut [u8]| {};
    let changed = Changed { condition: ConditionCode::Three, ..Changed::new(&machine, 3, &none) };
    let calls = std::cell::Cell::new(0);
    // The third is the first query.
    let refusal = || {
        calls.set(calls.get() + 1);
        (calls.get() == 3).then(|| "Permission denied (os error 13)".to_owned())
    };
    let mut all = Vec::new();
    let taken: Result<(), ()> = inquire(&changed, refusal, &[], |exchange| {
        all.push(exchange);
        Ok(())
    });
    assert_eq!(taken, Ok(()));
    let conditions: Vec<_> = all.iter().map(|exchange| exchange.condition).collect();
    assert_eq!(conditions, [Some(0), Some(0), None, Some(3)]);
    let all = transcripts(&all, Some(StandIns::default()));
    assert_eq!(all.iter().map(Transcript::is_good).collect::<Vec<_>>(), [true, true, false, false]);
    let text = text(&all);
    let third = block(&text, 3);
    assert_eq!(
        headings(&third),
        ["QUERY PCI FN, fh 0x00f40001, capacity 384 bytes: not executed: Permission denied (os error 13)"]
    );
    assert_eq!(errors(&third), ["Permission denied (os error 13)"]);
    assert!(!third.contains("\ncc ") && !third.contains("condition code"), "{third}");
    assert!(headings(&text)[3].ends_with(": not executed, condition code 3"), "{text}");
    assert_eq!(read(&text)[2].condition, None);
    assert_eq!(all[2].json()["condition_code"], serde_json::Value::Null);
}

#[test]
fn nothing_is_asked_when_nobody_listens() {
    let mut count = 0;
    let result = inquire(
        &two(),
        || None,
        &[],
        |_| {
            count += 1;
            if count == 2 {
                Err("full")
            } else {
                Ok(())
            }
        },
    );
    assert_eq!((result, count), (Err("full"), 2));
}

/// A text of several blocks whose rows cannot be read names the line in the file.
#[test]
fn an_error_in_one_of_several_blocks() {
    let printed = text(&transcripts(&exchanges(&two()), None));
    let wrong = printed.replace("0050: 00101b36 80000000 000004d3", "0050: 00101b36 80000000 00000xd3");
    let error = Input::parse_each("-", wrong.into_bytes(), &Reading::default()).unwrap_err();
    let position = error.position().unwrap();
    assert_eq!((position.line, position.column), (19, 30), "{error}");
    // --lines reads what is in a part of it.
    let reading = Reading { lines: Some(11..=25), ..Reading::default() };
    let some = Input::parse_each("-", printed.into_bytes(), &reading).unwrap();
    assert_eq!(some.iter().map(|input| input.line).collect::<Vec<_>>(), [Some(11), Some(20)]);
}
