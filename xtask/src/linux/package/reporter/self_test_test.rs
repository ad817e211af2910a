// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The self-test of `zpci_report`: what it does, what it refuses, and what it leaves behind.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use super::mock::{Mock, ADDRESS, DISK, FUNCTION};

/// The whole self-test.
pub(super) const WRITES: [&str; 5] = [
    "1 > sys/devices/pci0a1b:00/0a1b:00:00.0/reset",
    "0a1b:00:00.0 > sys/bus/pci/drivers/nvme/unbind",
    "0a1b:00:00.0 > sys/bus/pci/drivers/nvme/bind",
    "0 > sys/bus/pci/slots/00004711/power",
    "1 > sys/bus/pci/slots/00004711/power",
];

/// Runs it; returns the exit status, the lines of its section, and what went to standard error.
pub(super) fn tested(mock: &Mock) -> (Option<i32>, Vec<String>, String) {
    let output = mock.run(&["--plain", "--self-test", ADDRESS]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with("== self-test")).skip(1);
    let section = lines.take_while(|line| !line.is_empty()).map(str::to_owned).collect();
    assert!(mock.is_clean());
    (output.status.code(), section, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_function_that_nobody_uses_is_tested() {
    let mock = Mock::new();
    let (status, lines, errors) = tested(&mock);
    assert_eq!(errors, "");
    assert_eq!(
        lines,
        [
            "driver: nvme, disks: 1",
            "ok: read again",
            "ok: reset",
            "ok: unbind and bind",
            "ok: power off and on",
            "ok: the kernel says nothing bad of it",
        ]
    );
    assert_eq!(status, Some(0));
    assert_eq!(mock.writes(), WRITES);
}

/// What is replaced in the report is looked for in all functions; the one that was chosen stays chosen.
#[test]
fn another_function_is_not_touched() {
    const OTHER: &str = "sys/devices/pci0b1b:00/0b1b:00:00.0";
    let mock = Mock::new();
    mock.file(&format!("{OTHER}/function_id"), "0x00004712\n");
    mock.file(&format!("{OTHER}/class"), "0x020000\n");
    mock.link("sys/bus/pci/devices/0b1b:00:00.0", OTHER);
    let output = mock.run(&["--self-test", ADDRESS]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("== self-test of DOM1:00:00.0\n"), "{text}");
    assert_eq!(mock.writes(), WRITES);
}

/// The power of another function of the same card is not touched.
#[test]
fn the_slot_is_that_of_the_identifier() {
    let mock = Mock::new();
    // Slots of functions have the number of the function where others have that of the device.
    mock.file("sys/bus/pci/slots/00004710/power", "1\n");
    mock.file("sys/bus/pci/slots/00004710/address", "0a1b:00:00\n");
    mock.file("sys/bus/pci/slots/00004711/address", "0a1b:00:01\n");
    assert_eq!(tested(&mock).0, Some(0));
    assert_eq!(mock.writes(), WRITES);
}

#[test]
fn only_one_is_tested_at_a_time() {
    let mock = Mock::new();
    let mut other = Command::new("flock")
        .arg(mock.path("run/zpci_report.lock"))
        .args(["sh", "-c", "echo; read -r _"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It has the lock when it says something.
    other.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    let (status, lines, errors) = tested(&mock);
    drop(other.stdin.take());
    other.wait().unwrap();
    assert_eq!((status, lines.len(), errors.as_str()), (Some(2), 0, "zpci_report: another self-test is running\n"));
    assert_eq!(mock.writes(), [""; 0]);
    assert_eq!(tested(&mock).0, Some(0));
}

#[test]
fn who_stops_it_does_not_leave_the_function_off() {
    for signal in ["TSTP", "TTIN", "TTOU"] {
        let mock = Mock::new();
        mock.file("hook", &format!("case $target in */power) [ \"$written\" = 1 ] || kill -{signal} $PPID ;; esac\n"));
        // Puts it into a process group of its own, with a parent in this session: of others these signals are taken away.
        let mut command = mock.command_behind(&["timeout", "60"], &["--plain", "--self-test", ADDRESS]);
        assert_eq!(command.output().unwrap().status.code(), Some(0), "{signal}");
        assert_eq!(mock.writes(), WRITES, "{signal}");
    }
}

#[test]
fn a_self_test_of_nothing_is_refused() {
    let mock = Mock::new();
    let output = mock.run(&["--self-test", ""]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout.len(), 0);
}

/// A system that mounts what appears.
#[test]
fn one_that_is_used_in_the_middle_is_left_alone() {
    let mock = Mock::new();
    mock.file("hook", "case $target in */bind) echo '9 1 259:1 / /d rw' >>\"$root/proc/1/task/1/mountinfo\" ;; esac\n");
    let (status, lines, _) = tested(&mock);
    assert_eq!(status, Some(1));
    assert_eq!(lines[4], "not ok: power off and on: left out, it is in use now: nvme0n1p1 is mounted");
    assert_eq!(mock.writes(), WRITES[..3]);
}

#[test]
fn a_disk_that_cannot_be_read_is_no_success() {
    let mock = Mock::new();
    mock.file("unreadable", "");
    let (status, lines, _) = tested(&mock);
    assert_eq!(status, Some(1));
    assert_eq!(
        lines[1],
        "not ok: read: nvme0n1: 0 of 32768 bytes could be read: dd: error reading: Input/output error"
    );
    assert_eq!(mock.writes(), [""; 0]);

    // The disk is longer than what comes of it.
    let mock = Mock::new();
    mock.file(&format!("{DISK}/size"), "65\n");
    let (status, lines, _) = tested(&mock);
    assert_eq!(status, Some(1));
    assert!(lines[1].starts_with("not ok: read: nvme0n1: 32768 of 33280 bytes could be read"), "{lines:?}");

    // It has no size.
    let mock = Mock::new();
    mock.file(&format!("{DISK}/size"), "0\n");
    mock.file("dev/nvme0n1", "");
    assert_eq!(tested(&mock).0, Some(1));

    // It fails in the middle.
    let mock = Mock::new();
    mock.file("hook", "case $target in */reset) : >\"$root/unreadable\" ;; esac\n");
    let (status, lines, _) = tested(&mock);
    assert_eq!(status, Some(1));
    assert!(lines[2].starts_with("not ok: reset: nvme0n1: 0 of 32768 bytes"), "{lines:?}");
}

#[test]
fn of_a_longer_disk_16_mib_are_read() {
    let mock = Mock::new();
    mock.file(&format!("{DISK}/size"), "40000\n");
    fs::File::create(mock.path("dev/nvme0n1")).unwrap().set_len(40000 * 512).unwrap();
    assert_eq!(tested(&mock).0, Some(0));
}

#[test]
fn another_content_is_found() {
    let mock = Mock::new();
    mock.file(
        "hook",
        "case $target in */reset) echo other | dd of=\"$root/x\"; sed -i s/disk/disc/ \"$root/dev/nvme0n1\" ;; esac\n",
    );
    let (status, lines, _) = tested(&mock);
    assert_eq!(status, Some(1));
    assert_eq!(lines[1..3], ["ok: read again", "not ok: reset: the first 16 MiB of a disk are not what they were"]);
}

#[test]
fn a_signal_leaves_the_function_on_and_no_file() {
    for (signal, status) in [("HUP", 129), ("INT", 130), ("QUIT", 131), ("TERM", 143)] {
        let mock = Mock::new();
        mock.file("hook", &format!("case $target in */power) [ \"$written\" = 1 ] || kill -{signal} $PPID ;; esac\n"));
        let (ended, lines, errors) = tested(&mock);
        assert_eq!((ended, lines.len(), errors.as_str()), (Some(status), 0, ""), "{signal}");
        assert_eq!(mock.writes(), WRITES, "{signal}");

        let mock = Mock::new();
        mock.file("hook", &format!("case $target in */unbind) kill -{signal} $PPID ;; esac\n"));
        assert_eq!(tested(&mock).0, Some(status), "{signal}");
        assert_eq!(mock.writes(), WRITES[..3], "{signal}");
    }
}

#[test]
fn what_fails_is_done_again() {
    let mock = Mock::new();
    let once = "[ -e \"$root/failed\" ] || { : >\"$root/failed\"; echo 'bind: Input/output error' >&2; exit 1; }";
    mock.file("hook", &format!("case $target in */bind) {once} ;; esac\n"));
    let (status, lines, errors) = tested(&mock);
    assert_eq!((status, errors.as_str()), (Some(1), ""));
    assert_eq!(lines[3..5], ["not ok: unbind and bind: bind: bind: Input/output error", "ok: power off and on"]);

    let mock = Mock::new();
    let once = once.replace("bind:", "power:");
    mock.file("hook", &format!("case $target in */power) [ \"$written\" = 0 ] || {once} ;; esac\n"));
    let (status, lines, errors) = tested(&mock);
    assert_eq!((status, errors.as_str()), (Some(1), ""));
    assert_eq!(lines[4], "not ok: power off and on: power: power: Input/output error");
    assert_eq!(fs::read_to_string(mock.path("sys/bus/pci/slots/00004711/power")).unwrap(), "1\n");
    assert!(mock.path("sys/bus/pci/devices/0a1b:00:00.0/class").exists());
}

#[test]
fn what_does_not_come_back_is_said_with_what_brings_it_back() {
    let mock = Mock::new();
    mock.file("hook", "case $target in */bind | */drivers_probe) echo 'bind: No such device' >&2; exit 1 ;; esac\n");
    let (status, lines, _) = tested(&mock);
    assert_eq!(status, Some(1));
    let expected = [
        format!("{ADDRESS} is not as it was. What brings it back:"),
        format!("  echo 1 >{}", mock.path("sys/bus/pci/slots/00004711/power").display()),
        format!("  echo {ADDRESS} >{}", mock.path("sys/bus/pci/drivers/nvme/bind").display()),
    ];
    assert!(lines.windows(3).any(|found| found == expected), "{lines:#?}");

    // A function in standby is anybody's.
    let mock = Mock::new();
    let taken = "rm -rf \"$root/sys/bus/pci/slots/00004711\" \"$device\"; exit 0";
    mock.file("hook", &format!("case $target in */power) [ \"$written\" = 1 ] || {{ {taken}; }} ;; esac\n"));
    let (status, lines, _) = tested(&mock);
    assert_eq!(status, Some(1));
    let expected = format!("{ADDRESS} is not here any more: another LPAR may have taken it while it was off");
    assert!(lines.contains(&expected), "{lines:#?}");
}

#[test]
fn trouble_in_the_log_is_found() {
    let mock = Mock::new();
    mock.file("hook", "case $target in */reset) echo '[2.0] WARNING: CPU: 0 at x' >>\"$root/dmesg\" ;; esac\n");
    let (status, lines, _) = tested(&mock);
    assert_eq!(status, Some(1));
    assert_eq!(lines.last().unwrap(), "not ok: the kernel has said something, see its log: [2.0] WARNING: CPU: 0 at x");

    // As many lines as before, of which one was there before.
    let mock = Mock::new();
    mock.file("dmesg", "[1.0] WARNING: old\n[1.1] last\n");
    mock.file("hook", "case $target in */reset) printf '[1.1] last\\n[2.0] BUG: new\\n' >\"$root/dmesg\" ;; esac\n");
    assert_eq!(tested(&mock).0, Some(1));

    // All that was there before is gone.
    let mock = Mock::new();
    mock.file("hook", "case $target in */reset) echo '[9.0] much later' >\"$root/dmesg\" ;; esac\n");
    assert_eq!(tested(&mock).1.last().unwrap(), "not ok: the log of the kernel no longer has what was said before");

    // The two logs cannot be compared, or not searched.
    for (program, script, said) in [
        ("awk", "exit 127", "not ok: the logs of the kernel cannot be compared"),
        (
            "grep",
            "case $* in *WARNING*) exit 2 ;; esac; PATH=/usr/bin:/bin exec grep \"$@\"",
            "not ok: the log of the kernel cannot be searched",
        ),
    ] {
        let mock = Mock::new();
        mock.program(program, &format!("#!/bin/sh\n{script}\n"));
        let (status, lines, _) = tested(&mock);
        assert_eq!((status, lines.last().unwrap().as_str()), (Some(1), said));
    }

    let mock = Mock::new();
    mock.remove("dmesg");
    assert_eq!(tested(&mock).0, Some(1));
    assert_eq!(mock.writes(), [""; 0]);
}

#[test]
fn a_function_without_a_slot_or_a_reset_says_so() {
    let mock = Mock::new();
    mock.remove("sys/bus/pci/slots/00004711");
    mock.remove(&format!("{FUNCTION}/reset"));
    let (status, lines, _) = tested(&mock);
    assert_eq!(status, Some(1));
    assert_eq!(lines[2], "left out: the kernel knows no reset of this function");
    assert_eq!(lines[4], "not ok: power off and on: it has no slot");
    assert_eq!(mock.writes(), WRITES[1..3]);
}
