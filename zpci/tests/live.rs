// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What asks the machine, on a machine that is none. In a guest it is a boot: `cargo xtask linux --boot zpci`.
#![cfg(not(all(target_os = "linux", target_arch = "s390x")))]

use std::process::Command;

/// Exit status, standard output and standard error.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_zpci")).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn what_needs_the_machine_says_so_and_what_can_be_done() {
    let here = format!("asks Linux on s390x, and this is {} on {}", std::env::consts::OS, std::env::consts::ARCH);
    for (arguments, instead) in [
        (&["list"][..], "zpci list FILE..."),
        (&["list", "-j"], "zpci list FILE..."),
        (&["list", "--blocks"], "zpci list --blocks FILE..."),
        (&["list", "--blocks", "--mask", "-j"], "zpci list --blocks FILE..."),
        (&["caps", "--device", "0001:00:00.0"], "zpci caps FILE..."),
        (&["caps", "--container", "0001:00:00.0", "0002:00:00.0"], "zpci caps FILE..."),
        (&["caps", "-j", "--hw-info", "0001:00:00.0"], "zpci caps FILE..."),
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(err.starts_with("error: ") && err.contains(&here) && err.contains(instead), "{err}");
    }
}

#[test]
fn sources_exclude_each_other() {
    for arguments in [
        &["caps"][..],
        &["caps", "file", "--device", "0001:00:00.0"],
        &["caps", "--device", "0001:00:00.0", "--hw-info", "0001:00:00.0"],
        &["caps", "--device", "0001:00:00.0", "--as", "device"],
        &["caps", "file", "--by", "type1"],
        &["list", "file", "--clp", "/dev/clp"],
        &["list", "--mask", "file"],
        &["list", "--blocks", "-v", "file"],
        &["list", "--blocks", "-o", "fid", "file"],
    ] {
        let (code, _, err) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(err.contains("Usage:"), "{err}");
    }
}

/// A device that was named is asked, or it is said why not.
#[test]
fn a_device_that_is_none() {
    let (code, _, err) = run(&["list", "--clp", "/dev/null"]);
    assert_eq!(code, Some(2));
    assert!(err.starts_with("error: /dev/null: LIST PCI: not executed: Inappropriate ioctl for device"), "{err}");
    let (code, _, err) = run(&["list", "--clp", "no-such-device"]);
    assert_eq!(code, Some(2));
    assert!(err.starts_with("error: no-such-device: "), "{err}");
}

/// The blocks are there with nothing in them, and why.
#[test]
fn blocks_of_a_device_that_is_none() {
    let (code, out, err) = run(&["list", "--blocks", "--clp", "/dev/null"]);
    assert_eq!((code, err.as_str()), (Some(1), ""));
    let said = "LIST PCI, resume_token 0x0000000000000000, capacity 4064\n#   bytes: not executed: \
                Inappropriate ioctl for device";
    assert!(!out.contains("condition code") && !out.contains("\ncc "), "{out}");
    assert!(out.contains(said) && out.contains("\n# error: Inappropriate ioctl for device"), "{out}");
    assert!(out.contains("\n# note: Inappropriate ioctl for device"), "{out}");
    let (code, out, err) = run(&["list", "--blocks", "--mask", "--clp", "no-such-device"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.starts_with("error: no-such-device: "), "{err}");
}

/// A list of functions that another system had has no blocks in it.
#[test]
fn sysfs_has_no_blocks() {
    let (code, out, err) = run(&["list", "--blocks", "--sysfs", "tests/sys"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("zpci list --blocks FILE..."), "{err}");
}
