// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Stand-ins have the numbers that `zpci_report` gives.

use std::path::Path;

use zpci::blocks::{Exchange, StandIns, Transcript};
use zpci_tests::fake::Fake;

use crate::machine::{exchanges, two};
use crate::printed::read;

/// What identifies a function: FID, UID, PCHID, internal path, and the first byte of the utility string.
type Identity = (u32, u16, u16, [u8; 4], u8);

/// A folder like `/` of a system with these functions and slots.
fn system(functions: &[Identity], slots: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let write = |name: String, content: &[u8]| {
        let path = root.path().join("sys/bus/pci").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    for (number, (fid, uid, pchid, path, name)) in (1..).zip(functions) {
        let folder = format!("devices/{number:04x}:00:00.0");
        write(format!("{folder}/function_id"), format!("{fid:#010x}\n").as_bytes());
        write(format!("{folder}/uid"), format!("{uid:#x}\n").as_bytes());
        write(format!("{folder}/pchid"), format!("{pchid:#06x}\n").as_bytes());
        write(format!("{folder}/util_string"), &[*name; 64]);
        for (index, segment) in path.iter().enumerate() {
            write(format!("{folder}/pfip/segment{index}"), format!("{segment:#04x}\n").as_bytes());
        }
    }
    slots.iter().for_each(|slot| write(format!("slots/{slot}/power"), b"0\n"));
    root
}

/// The block of a query that says this of a function.
fn query(machine: &Fake, (fid, uid, pchid, path, name): Identity) -> Exchange {
    let mut exchange = exchanges(machine).remove(2);
    let response = &mut exchange.bytes[32..];
    response[20..24].copy_from_slice(&fid.to_be_bytes());
    response[30..32].copy_from_slice(&pchid.to_be_bytes());
    response[56..60].copy_from_slice(&path);
    response[124..128].copy_from_slice(&u32::from(uid).to_be_bytes());
    response[128..192].fill(name);
    exchange
}

/// A stand-in has the number of the word that `zpci_report` prints, by the script itself.
#[test]
fn numbers_are_those_that_the_script_gives() {
    // UIDs and PCHIDs that several have, none of what there may be none of, a path and a string that come back.
    let functions: [Identity; 6] = [
        (0x300, 0x21, 0x1c3, [1, 2, 3, 4], 0xc1),
        (0x200, 0x20, 0x1c3, [0; 4], 0),
        (u32::MAX, 0, 0, [0; 4], 0),
        (0x350, 0, 0, [0xff; 4], 0xff),
        (0x400, 0x21, 0x1c4, [1, 2, 3, 5], 0xc2),
        (0x401, 0x22, 0xffff, [1, 2, 3, 4], 0xc1),
    ];
    let root = system(&functions, &["00000500", "00000000", "00000300", "00000450", "other", "0000045G"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../glue-c/package/zpci_report");
    let output = std::process::Command::new("sh").arg(script).arg("--root").arg(root.path()).output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    let mut stand_ins = StandIns::of_sysfs(&root.path().join("sys"));
    let machine = two();

    let number = |word: &str, name: &str| word.strip_prefix(name).and_then(|digits| digits.parse::<u32>().ok());
    let sections: Vec<&str> = report.split("\n== function ").skip(1).collect();
    assert_eq!(sections.len(), functions.len(), "{report}");
    for (section, function) in sections.iter().zip(functions) {
        let word = |name: &str| {
            let value = section.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            value.unwrap_or_else(|| panic!("{name}: {section}"))
        };
        let exchange = query(&machine, function);
        let bytes = &read(&Transcript::new(&exchange, Some(&mut stand_ins)).text(1))[0].bytes[32..];
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let digits = |from: usize, to: usize| hex(&bytes[from..to]);
        let fid = word("function_id");
        let fid = number(fid, "FID").map_or(fid[2..].to_owned(), |n| format!("{:08x}", 0xf1d0_0000 + n));
        assert_eq!(digits(20, 24), fid, "{section}");
        let uid = number(word("uid"), "UID").map_or("00000000".to_owned(), |n| format!("{:08x}", 0x1d00 + n));
        assert_eq!(digits(124, 128), uid, "{section}");
        let pchid =
            number(word("pchid"), "PCHID").map_or(word("pchid")[2..].to_owned(), |n| format!("{:04x}", 0xc1d0 + n));
        assert_eq!(digits(30, 32), pchid, "{section}");
        let path = number(word("pfip"), "PATH").map_or(hex(&function.3), |n| format!("{:08x}", 0xfa70_0000 + n));
        assert_eq!(digits(56, 60), path, "{section}");
        let name = number(word("util_string"), "UTIL").map_or(hex(&[function.4; 5]), |n| format!("e4e3c9d3f{n}"));
        assert_eq!(digits(128, 133), name, "{section}");
    }
    // Those in standby.
    for (slot, fid) in ["FID7", "FID8"].iter().zip([0x450, 0x500]) {
        assert!(report.lines().any(|line| line.starts_with(&format!("{slot} power = 0"))), "{report}");
        let text = Transcript::new(&query(&machine, (fid, 0, 0, [0; 4], 0)), Some(&mut stand_ins)).text(1);
        assert!(text.contains(&format!(" f1d0000{} ", &slot[3..])), "{text}");
    }
}
