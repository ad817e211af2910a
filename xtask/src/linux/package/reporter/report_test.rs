// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What `zpci_report` prints, and what it does not.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::mock::{Mock, ADDRESS, FUNCTION};
use super::{file, install};

/// EBCDIC of PROD1NET.
const PNET: [u8; 8] = [0xd7, 0xd9, 0xd6, 0xc4, 0xf1, 0xd5, 0xc5, 0xe3];

const LOG: &str = r#"[0.0] Linux version 7.3.4-zpci (builder@forge.example) (s390x-linux-gnu-gcc 15)
[0.0] Kernel command line: root=/dev/nvme0n1 ip=192.0.2.9::192.0.2.1:255.255.255.0:www.secret.example:ens18193 pci=norid
[0.0] Unknown kernel command line parameters "zpci_trial=gate.secret.example", will be passed to user space.
[0.9] Run /sbin/init as init process
[0.9]   with arguments:
[0.9]     /sbin/init
[0.9]     pcisetting
[0.9]   with environment:
[0.9]     HOME=/
[0.9]     zpci_trial=192.0.2.9,gate.hidden.example
[1.0] zpci: 0a1b:00:00.0: event for FID 0x4711, word 4711x
[1.1] zpci: 0a1b:00:00.0: Event 0x3a reports an error for PCI function 0x4711
[1.2] zpci: Adding PCI function 00004812 failed because the configured limit of 16 is reached
[1.3] zpci: Adding PCI function 000049ab failed
[1.4] pci_bus 0a1b:00: root bus resource [mem 0x4000000000000000-0x4000000000003fff 64bit pref]
[1.5] zpci: Domain 0c2d is already assigned
[2.0] nvme 0a1b:00:00.0: S3R1AL on www, that is www.secret.example
[2.1] nvme nvme1: new ctrl: NQN "nqn.2014-08.org.nvmexpress:uuid:prod", addr 192.0.2.77:4420, hostnqn: nqn.x:y
[2.2] nvme nvme1: new ctrl: addr [fe80::1ff:fe23:4567:890a]:4420 and 2001:0db8:0000:0000:0000:0000:0000:0001
[2.3] nvme nvme2: host 0x500507630300c562 lun 0x4010403300000000
[3.0] mlx5_core 0a1b:00:00.0: 52:54:00:12:34:56 up
[3.1] mlx5_core 0a1b:00:00.0 ens18193: renamed from eth0
[3.2] mlx5_core 0a1b:00:00.0 ens18500np0: an alias; smc: ib device mlx5_0 port 1 has pnetid PROD1NET
[4.0] something else of PROD17
[5.0] ------------[ cut here ]------------
[5.0] WARNING: CPU: 0 PID: 1 at kernel/fork.c:1 foo+0x1/0x2
[5.0] Modules linked in: xfs ext4
[5.0] CPU: 0 UID: 0 PID: 1 Comm: swapper/0 Not tainted
[5.0] Hardware name: IBM 3931 A01 704 (LPAR)
[5.0] Krnl PSW : 0704c00180000000 000003ffe0123456 (foo+0x1/0x2)
[5.0]            R:0 T:1 IO:1 EX:1 Key:0 M:1 W:0 P:0 AS:3 CC:0 PM:0 RI:0 EA:3
[5.0] Krnl GPRS: 0000000000000000 000003ffe0123456 0000000000001234 5005076303000562
[5.0] Krnl Code: 000003ffe0123450: 0a1b          unknown
[5.0] Call Trace:
[5.0]  [<000003ffe0123456>] foo+0x1/0x2
[5.0] ([<000003ffe0123457>] bar+0x1/0x2)
[5.0] Last Breaking-Event-Address:
[5.0]  [<000003ffe0123458>] last+0x1/0x2
[5.0] ---[ end trace 0000000000000000 ]---
[5.1] audit: user of PROD17 came
[6.0] BUG: sleeping function called from invalid context at mm/slab.h:1
[6.0] CPU: 1 UID: 0 PID: 7 Comm: kworker
[6.0] Call Trace:
[6.0]  [<000003ffe0123459>] sleeps+0x1/0x2
[6.1] audit: user of PROD17 went
"#;

fn mock() -> Mock {
    let mock = Mock::new();
    mock.file("proc/sys/kernel/hostname", "www.secret.example\n");
    mock.file(
        "proc/sysinfo",
        "Manufacturer:         IBM\nSequence Code:        00000000000A1B2C\nPlant:                02\n\
         LPAR Number:          23\nLPAR Characteristics: Shared\nLPAR Name:            PROD17\n",
    );
    mock.file("proc/cmdline", "root=/dev/mapper/vg_payroll-root ip=192.0.2.9:ens18193 rd.zfcp=0.0.1900,0x500507630300c562 iommu.passthrough=1 pci=norid\n");
    mock.network("ens18193", "0x1002\n");
    mock.bytes(&format!("{FUNCTION}/util_string"), &PNET);
    for (number, byte) in ["0x0b", "0x2c", "0x00", "0x00"].iter().enumerate() {
        mock.file(&format!("{FUNCTION}/pfip/segment{number}"), &format!("{byte}\n"));
    }
    // A function in standby, and one with a UID that is no more than a digit.
    mock.file("sys/bus/pci/slots/00004812/power", "0\n");
    mock.file("sys/bus/pci/slots/00004812/address", "0c2d:00:00\n");
    mock.file("sys/bus/pci/slots/00004812/uid", "0xc2d\n");
    mock.file("sys/devices/pci0001:00/0001:00:00.0/function_id", "0x000000f0\n");
    mock.file("sys/devices/pci0001:00/0001:00:00.0/uid", "0xf\n");
    mock.file("sys/devices/pci0001:00/0001:00:00.0/pchid", "0x0ff0\n");
    mock.link("sys/bus/pci/devices/0001:00:00.0", "sys/devices/pci0001:00/0001:00:00.0");
    mock.file("sys/class/iommu/s390-iommu.00004711/.keep", "");
    mock.file(
        "sys/kernel/debug/s390dbf/pci_msg/sprintf",
        "add fid:4711, fh:80000001\nadd fid:4812, fh:2\nrsv fid:49ab\nadd fid:f0, rc:0\n",
    );
    mock.file(
        "sys/kernel/debug/s390dbf/pci_error/hex_ascii",
        "00 01764355678:123456 0 - 00 000003ffe0  65 72 72 6f 72 20 43 43 44 46 3a 0a 00 00 00 00 | error CCDF:.....\n\
         00 01764355678:123457 0 - 00 000003ffe0  00 00 00 00 80 00 00 01 00 00 47 11 02 00 00 3a | ......G....:\n\
         00 01764355678:123458 0 - 00 000003ffe0  00 00 00 00 80 00 00 01 00 00 49 ab 02 00 00 3a | ......I....:\n\
         00 01764355678:123459 0 - 00 000003ffe0  52 01 00 00 00 00 00 00 00 00 47 11 00 00 10 00 | R.........G.....\n",
    );
    mock.file(
        "clp",
        "ADDRESS       FID         UID      PCHID\n\
         0a1b:00:00.0  0x00004711  0x0a1b*  0x01c3\n    path     0b.2c.00.00\n    util     PROD1NET\n\
         0001:00:00.0  0x000000f0  0x000f   0x0ff0\n\
         -             0x00004812  0x0c2d   0x01d7\n    path     0c.2c.00.00\n    util     PROD2NET\n",
    );
    mock.file("dmesg", LOG);
    mock
}

/// What must not be in a report, in whatever form.
const SECRETS: &[&str] = &[
    "0x4711",
    ":4711",
    "00004711",
    "00 00 47 11 02",
    "......G....:",
    "4812",
    "49ab",
    "00 00 49 ab",
    "a1b:",
    "0xa1b",
    "0x0a1b",
    "0c2d",
    "01d7",
    "000000f0",
    "fid:f0",
    "0xf\n",
    "0x000f",
    "0ff0",
    "01c3",
    "secret.example",
    "www",
    "payroll",
    "A1B2C",
    "PROD17",
    "Number: 23",
    "S3R1AL",
    "52:54:00",
    "192.0.2",
    "fe80",
    "2001:0db8",
    "builder",
    "forge",
    "nqn.",
    "0x5005076",
    "0x40104033",
    "PROD1NET",
    "PROD2NET",
    "d7 d9",
    "d7d9",
    "0b.2c",
    "0c.2c",
    "0x0b",
    "ens18",
    "vg_",
    "rd.zfcp",
];

#[test]
fn identifiers_are_replaced_each_by_the_same_word() {
    let text = mock().report(&[]);
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    for line in [
        "Linux version 7.3.4-zpci (USER@HOST) (s390x-linux-gnu-gcc 15)",
        "parameters: iommu.passthrough=1 pci=norid (and 3 others)",
        "LPAR Number:          NUMBER",
        "LPAR Characteristics: Shared",
        "LPAR Name:            MACHINE",
        "== function DOM2:00:00.0",
        "function_id = FID2",
        "uid = UID2",
        "pchid = PCHID2",
        "pfgid = 0x05",
        "util_string = UTIL1",
        "pfip = PATH1",
        "iommu_group/type = DMA-FQ",
        "statistics: Allocated pages: 17",
        "function_id = FID1",
        "uid = UID1",
        "pchid = PCHID1",
        "FID2 power = 1, address = DOM2:00:00",
        "FID3 power = 0, address = DOM3:00:00",
        "s390-iommu.FID2",
        "DOM2:00:00.0  FID2  UID2*  PCHID2",
        "    path     PATH1",
        "    util     UTIL",
        "DOM1:00:00.0  FID1  UID1   PCHID1",
        "-             FID3  UID3   PCHID",
        "    path     PATH",
        "add fid:FID2, fh:80000001",
        "add fid:FID3, fh:2",
        "rsv fid:FID",
        "add fid:FID1, rc:0",
        "00 01764355678:123456 0 - 00 000003ffe0  65 72 72 6f 72 20 43 43 44 46 3a 0a 00 00 00 00 | error CCDF:.....",
        "00 01764355678:123457 0 - 00 000003ffe0  00 00 00 00 80 00 00 01 FID2 02 00 00 3a",
        "00 01764355678:123458 0 - 00 000003ffe0  00 00 00 00 80 00 00 01 FID 02 00 00 3a",
        "00 01764355678:123459 0 - 00 000003ffe0  52 01 00 00 00 00 00 00 00 00 47 11 00 00 10 00 | R.........G.....",
        "[0.0] Kernel command line (left out)",
        "[0.0] Unknown kernel command line (left out)",
        "[1.0] zpci: DOM2:00:00.0: event for FID 0xFID2, word 4711x",
        "[1.1] zpci: DOM2:00:00.0: Event 0x3a reports an error for PCI function 0xFID2",
        "[1.2] zpci: Adding PCI function FID3 failed because the configured limit of 16 is reached",
        "[1.3] zpci: Adding PCI function FID failed",
        "[1.4] pci_bus DOM2:00: root bus resource [mem 0x4000000000000000-0x4000000000003fff 64bit pref]",
        "[1.5] zpci: Domain DOM is already assigned",
        "[2.1] nvme nvme1: new ctrl: NQN \"NQN\", addr IP:4420, hostnqn: NQN",
        "[2.2] nvme nvme1: new ctrl: addr [IP]:4420 and IP",
        "[2.3] nvme nvme2: host WWN lun LUN",
        "[3.0] mlx5_core DOM2:00:00.0: MAC2 up",
        "[2.0] nvme DOM2:00:00.0: SERIAL2 on HOST, that is HOST",
        "[3.1] mlx5_core DOM2:00:00.0 NET2: renamed from eth0",
        "[3.2] mlx5_core DOM2:00:00.0 NET: an alias; smc: ib device mlx5_0 port 1 has pnetid UTIL",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("something else"));
    // What of the command line goes to the first process.
    assert!(!text.contains("pcisetting") && !text.contains("hidden"), "{text}");
}

#[test]
fn a_trace_is_whole_and_what_follows_it_is_not_there() {
    let text = mock().report(&[]);
    let traces = LOG.lines().skip_while(|line| !line.contains("cut here")).filter(|line| !line.contains("audit"));
    let expected = traces.collect::<Vec<_>>().join("\n");
    assert!(expected.lines().count() == 19, "{expected}");
    assert!(text.contains(&expected), "{expected}\nis not in\n{text}");
    assert!(!text.contains("audit"));
}

#[test]
fn a_report_of_the_sanitizer_is_whole() {
    let mock = Mock::new();
    let log = "[0.0] Linux version 7.3.4-zpci\n\
               [1.0] ==================================================================\n\
               [1.0] BUG: KASAN: slab-use-after-free in foo+0x1/0x2\n[1.0] Call Trace:\n[1.0]  [<0000>] foo\n[1.0] \n\
               [1.0] Allocated by task 1:\n[1.0]  bar+0x1/0x2\n[1.0] The buggy address belongs to the object\n\
               [1.0] ==================================================================\n[1.1] audit: other\n";
    mock.file("dmesg", log);
    let text = mock.report(&[]);
    for line in log.lines().skip(1) {
        assert_eq!(text.lines().any(|found| found == line), !line.contains("audit"), "{line}");
    }
}

/// All bits of a field 0 or 1 say that there is none; some of them do not.
#[test]
fn only_no_identifier_is_kept() {
    for (value, none) in [("0x0\n", true), ("0xffff\n", true), ("0xf\n", false), ("0xff0\n", false), ("0xfff\n", false)]
    {
        let mock = Mock::new();
        mock.file(&format!("{FUNCTION}/uid"), value);
        assert_eq!(mock.report(&[]).contains(&format!("uid = {value}")), none, "{value}");
    }
    for (value, none) in
        [("0xffffffff\n", true), ("0x00000000\n", true), ("0x000000ff\n", false), ("0x0000ffff\n", false)]
    {
        let mock = Mock::new();
        mock.file(&format!("{FUNCTION}/function_id"), value);
        assert_eq!(mock.report(&[]).contains(&format!("function_id = {value}")), none, "{value}");
    }
}

#[test]
fn one_network_has_one_word() {
    let mock = mock();
    for (address, value) in [("0002:00:00.0", &PNET), ("0003:00:00.0", &[0xd7; 8]), ("0004:00:00.0", &[0; 8])] {
        mock.bytes(&format!("sys/bus/pci/devices/{address}/util_string"), value);
    }
    let text = mock.report(&[]);
    let words: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("util_string = ")).collect();
    assert_eq!(words, ["UTIL1", "UTIL2", "none", "UTIL1"]);
}

/// The command has replaced the identifiers in blocks: what looks like one there is none, and stays.
#[test]
fn blocks_are_as_the_command_writes_them() {
    let mock = mock();
    let blocks = "# block 1: QUERY PCI FN, fh 0x00f40001, capacity 384 bytes: response code 0x0010, OK\ncc 0\n\
                  0000: 00200003 00000000 00004711 00000000\n0c2d: 0a1b 00004812 0xf1d00001 fid f1d00001\n";
    mock.file("blocks", blocks);
    let text = mock.report(&[]);
    let section = format!("\n\n== CLP blocks (zpci list --blocks)\nof list --blocks --mask\n{blocks}\n== ");
    assert!(text.contains(&section), "{section} is not in\n{text}");
    let section = section.replace(" --mask", "");
    assert!(mock.report(&["--plain"]).contains(&section), "{section}");

    // Whatever else is said stands behind `#`, or behind an empty line, where the section ends for who reads it.
    for (status, said) in [
        ("1", "a block of CLP is not as it should be; its section says what is wrong"),
        ("2", "no block of CLP was read; its section says why"),
        ("139", "zpci list --blocks ended with the status 139; blocks of CLP may be missing"),
    ] {
        mock.file("wrong-blocks", status);
        let output = mock.run(&[]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!("{blocks}# error: of FID2\n\n({said})\n")), "{text}");
        assert!(text.ends_with(&format!("== what could not be read\n{said}\n")), "{text}");
        assert_eq!(output.status.code(), Some(3));
    }
}

#[test]
fn they_are_kept_on_request() {
    let text = mock().report(&["--plain"]);
    for secret in [
        "0x00004711",
        "0a1b:00:00.0",
        "PROD17",
        "www.secret.example",
        "52:54:00:12:34:56",
        "rd.zfcp=",
        "util_string = d7d9",
        "pfip = 0b.2c.00.00",
        "Kernel command line: root=",
        "192.0.2.77",
        "builder@forge.example",
    ] {
        assert!(text.contains(secret), "{secret} is not in\n{text}");
    }
}

#[test]
fn what_could_not_be_read_is_said() {
    for (name, said) in [
        ("sys/kernel/debug", "no counters: debugfs is not mounted, or locked down"),
        ("sys/kernel/debug", "no debug view pci_msg/sprintf: debugfs is not mounted, or locked down"),
        (
            "sys/kernel/debug/s390dbf/pci_error",
            "no debug view pci_error/hex_ascii: debugfs is not mounted, or locked down",
        ),
        ("dmesg", "no log of the kernel"),
    ] {
        let mock = Mock::new();
        mock.remove(name);
        let output = mock.run(&[]);
        let text = String::from_utf8(output.stdout).unwrap();
        let (before, after) =
            text.split_once("== what could not be read\n").unwrap_or_else(|| panic!("{name}: {text}"));
        assert!(before.contains(&format!("({said})\n")), "{said} is not in\n{text}");
        assert!(after.contains(&format!("{said}\n")), "{said} is not in\n{text}");
        assert_eq!(output.status.code(), Some(3), "{name}");
    }
    // With lockdown, files of debugfs are there and cannot be opened; no more can a directory be read as a file.
    for name in ["sys/kernel/debug/pci/0a1b:00:00.0/statistics", "sys/kernel/debug/s390dbf/pci_msg/sprintf"] {
        let mock = Mock::new();
        mock.remove(name);
        mock.file(&format!("{name}/x"), "");
        let output = mock.run(&[]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("debugfs is not mounted, or locked down)\n"), "{text}");
        assert_eq!((output.status.code(), output.stderr.len()), (Some(3), 0), "{name}");
    }
    assert!(!Mock::new().report(&[]).contains("could not be read"));
}

/// A UID and a function ID may be as small as any number.
#[test]
fn a_number_that_is_no_identifier_is_kept() {
    let mock = Mock::new();
    for (address, id, uid) in [("0001:00:00.0", 1, 1), ("0005:00:00.0", 5, 5), ("0010:00:00.0", 2, 0x10)] {
        let place = format!("sys/devices/pci/{address}");
        mock.file(&format!("{place}/function_id"), &format!("{id:#010x}\n"));
        mock.file(&format!("{place}/uid"), &format!("{uid:#x}\n"));
        mock.file(&format!("{place}/vfn"), &format!("{id:#06x}\n"));
        // They are of one card.
        mock.file(&format!("{place}/pchid"), "0x0010\n");
        mock.link(&format!("sys/bus/pci/devices/{address}"), &place);
    }
    mock.file(
        "dmesg",
        "[0.0] Linux version 7.3.4-zpci\n[1.0] zpci: 0005:00:00.0: Event 0x10 reports an error for PCI function 0x5\n\
         [1.1] zpci_map+0x10/0x1 called, zpci_unmap+0x5/0x120\n[1.2] nvme nvme1: pci function 0005:00:00.0\n",
    );
    mock.file(
        "clp",
        "ADDRESS       FID         UID      PCHID   VFN\n0001:00:00.0  0x00000001  0x0001   0x0010  1\n\
         0010:00:00.0  0x00000002  0x0010   0x0010  5\n-             0x00000007  0x0000*  0xffff  1\n",
    );
    let text = mock.report(&[]);
    for line in [
        "[1.0] zpci: DOM2:00:00.0: Event 0x10 reports an error for PCI function 0xFID2",
        "[1.1] zpci_map+0x10/0x1 called, zpci_unmap+0x5/0x120",
        "[1.2] nvme nvme1: pci function DOM2:00:00.0",
        "function_id = FID1",
        "function_id = FID2",
        "function_id = FID3",
        "uid = UID1",
        "uid = UID2",
        "uid = UID3",
        "vfn = 0x0001",
        "vfn = 0x0005",
        "pchid = PCHID1",
        "DOM1:00:00.0  FID1  UID1   PCHID1  1",
        "DOM3:00:00.0  FID3  UID3   PCHID1  5",
        "-             0x00000007  0x0000*  0xffff  1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

/// Programs write into the log of the kernel too.
#[test]
fn what_programs_say_is_left_out() {
    let mock = Mock::new();
    let log = "[0.0] Linux version 7.3.4-zpci\n[1.0] systemd[1]: Expecting device dev-pci\\x2d0a1b:00:00.0-nvme.device\n\
               [1.1] audit: type=1400 name=\"/srv/jsmith/x\" comm=\"lspci\"\n[1.2] dracut-cmdline[240]: nvme\n\
               [1.3] BTRFS: device label PAYROLL_PROD devid 1 transid 7 /dev/nvme0n1p3\n[1.4] ism 0c2d:00:00.0: removed\n";
    mock.file("dmesg", log);
    let text = mock.report(&[]);
    for secret in ["systemd", "jsmith", "dracut", "PAYROLL", "0c2d"] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    assert!(text.contains("[1.3] BTRFS: device label LABEL devid 1"), "{text}");
    assert!(text.contains("[1.4] ism DOM:00:00.0: removed"), "{text}");
    assert!(mock.report(&["--plain"]).contains(log));
}

/// As drivers and programs write them: of no list, two in a row, before a full stop or a colon.
#[test]
fn identifiers_of_ordinary_lines_are_replaced() {
    let mock = Mock::new();
    mock.file(&format!("{FUNCTION}/infiniband/roceP2587p0s0/node_guid"), "1\n");
    mock.file(&format!("{FUNCTION}/infiniband/payroll_rdma/node_guid"), "1\n");
    mock.file(&format!("{FUNCTION}/infiniband/mlx5_0/node_guid"), "1\n");
    let lines = [
        ("infiniband roceP2587p0s0: mlx5_ib_event: 1", Some("infiniband NET1: mlx5_ib_event: 1")),
        ("infiniband payroll_rdma: nvme mlx5_0", Some("infiniband NET1: nvme mlx5_0")),
        ("infiniband rocep0s0,ibP2588p0s0 ibx0c42a1f40b2c: nvme", Some("infiniband NET,NET NET: nvme")),
        ("(udev-worker)[412]: nvme0n1p1: Process /opt/payroll/hook failed with exit code 1.", None),
        ("mount.sh: nvme0n1 goes to payroll", None),
        ("Web Content[77]: nvme0n1 goes to payroll", None),
        ("infiniband mlx5_0: mlx5_ib_event: 1", Some("infiniband mlx5_0: mlx5_ib_event: 1")),
        ("pcicheck.sh: goes to payroll", None),
        ("nvme nvme1: paths 192.0.2.77,192.0.2.78 lost to 192.0.2.79.", Some("nvme nvme1: paths IP,IP lost to IP.")),
        ("nvme nvme1: 192.0.2.77 is no version 1.2.3", Some("nvme nvme1: IP is no version 1.2.3")),
        ("nvme nvme3: 2001:db8::1 2001:db8::2 2001:db8::3: no", Some("nvme nvme3: IP IP IP: no")),
        ("nvme nvme3: addr:2001:db8::1, 2001:db8:1:: 2001:db8:2::/48.", Some("nvme nvme3: addr:IP, IP IP/48.")),
        ("nvme nvme3: 2001:db8:0:0:0:0:0:1,2001:db8:0:0:0:0:0:2.", Some("nvme nvme3: IP,IP.")),
        ("mlx5_core: 0002:c903:00aa:bbcc,0002:c903:00aa:bbcd: 1", Some("mlx5_core: GUID,GUID: 1")),
        ("pci 0c2d:00:00,0c2e:00:00: x", Some("pci DOM:00:00,DOM:00:00: x")),
        ("zpci: Domain 0c2d.", Some("zpci: Domain DOM.")),
        (
            "BTRFS: device label Pay Roll Prod devid 1 transid 7 /dev/nvme0n1p3",
            Some("BTRFS: device label LABEL devid 1 transid 7 /dev/nvme0n1p3"),
        ),
        ("nvme: device label Pay Roll", Some("nvme: device label LABEL")),
        ("pci_hp_core: Slot [000049ab] registered", Some("pci_hp_core: Slot [FID] registered")),
    ];
    let log: String = lines.iter().map(|(line, _)| format!("[1.0] {line}\n")).collect();
    mock.file("dmesg", &format!("[0.0] Linux version 7.3.4-zpci\n{log}"));
    // Events of availability: of a function in standby, as Linux writes them, and with their code in the same line.
    let events = "00 017:1 0 - 00 000003ffe0  00 00 00 00 00 05 00 01 00 00 49 ab 00 00 03 02 | ..........I.....\n\
                  00 017:1 0 - 00 000003ffe0  00 00 00 00 00 05 00 01 00 00 49 ab 00 00 00 00 | ..........I.....\n\
                  00 017:1 0 - 00 000003ffe0  00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 02 | ................\n\
                  00 017:1 0 - 00 000003ffe0  00 00 00 00 00 05 00 01 00 00 49 ab 12 34 03 02 | ..........I..4..\n";
    mock.file("sys/kernel/debug/s390dbf/pci_error/hex_ascii", events);
    let text = mock.report(&[]);
    let (_, found) = text.split_once("Linux version 7.3.4-zpci\n[1.0]").unwrap();
    let found: Vec<&str> = found.lines().map(|line| line.trim_start_matches("[1.0]").trim_start()).collect();
    assert_eq!(found, lines.iter().filter_map(|(_, printed)| *printed).collect::<Vec<_>>());
    for line in [
        "00 017:1 0 - 00 000003ffe0  00 00 00 00 00 05 00 01 FID 00 00 03 02",
        "00 017:1 0 - 00 000003ffe0  00 00 00 00 00 05 00 01 FID 00 00 00 00",
        "00 017:1 0 - 00 000003ffe0  00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 02 | ................",
        "00 017:1 0 - 00 000003ffe0  00 00 00 00 00 05 00 01 00 00 49 ab 12 34 03 02 | ..........I..4..",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

/// Names and serial numbers are what somebody chose, and may be as the words that take the place of others.
#[test]
fn a_name_does_not_change_the_rest_of_the_report() {
    for (name, serial) in [
        ("DOM1", "1"),
        ("1", "00001"),
        ("FID1", "0a"),
        ("MACHINE", "DOM1"),
        ("00", "zpci"),
        ("IP", "kernel"),
        ("x", "x"),
        ("ab", "ab"),
    ] {
        let other = Mock::new();
        let mock = Mock::new();
        mock.file("proc/sysinfo", &format!("LPAR Number: 23\nLPAR Name: {name}\nVM00 Extended Name: {name}\n"));
        other.file("proc/sysinfo", "LPAR Number: 23\nLPAR Name: PROD17\nVM00 Extended Name: PROD18\n");
        mock.file("proc/sys/kernel/hostname", &format!("{name}\n"));
        mock.file(&format!("{FUNCTION}/nvme/nvme0/serial"), &format!("{serial}\n"));
        mock.network(name, "0x1002\n");
        other.network("payroll0", "0x1002\n");
        for (machine, name, serial) in [(&mock, name, serial), (&other, "payroll0", "S3R1AL")] {
            machine.file(
                "dmesg",
                &format!(
                    "[0.0] Linux version 7.3.4-zpci\n[1.0] nvme 0a1b:00:00.0: serial number: {serial}, 1 queue\n\
                     [1.1] mlx5_core 0a1b:00:00.0 {name}: renamed from x, ab 192.0.2.1\n"
                ),
            );
            machine.file("proc/interrupts", "           CPU0\n 12:   7  PCI-MSI  mlx5_comp0@pci:0a1b:00:00.0\n");
        }
        let text = mock.report(&[]);
        assert_eq!(text, other.report(&[]), "{name}, {serial}");
        for line in [
            "LPAR Name: MACHINE",
            "VM00 Extended Name: MACHINE",
            "[1.0] nvme DOM1:00:00.0: serial number: SERIAL1, 1 queue",
            "[1.1] mlx5_core DOM1:00:00.0 NET1: renamed from x, ab IP",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
    // No word of the report, though it looks like one.
    for name in ["DOM1A", "vmpayroll", "nvmeprod", "cpu1payroll", "12345678"] {
        let mock = Mock::new();
        mock.file("proc/sysinfo", &format!("LPAR Name: {name}\n"));
        mock.file("dmesg", &format!("[0.0] Linux version 7.3.4-zpci\n[1.0] nvme nvme0: of {name}\n"));
        assert!(mock.report(&[]).contains("[1.0] nvme nvme0: of MACHINE\n"), "{name}");
    }
}

/// `USER@HOST` is who built a kernel, or whom a program met.
#[test]
fn an_interrupt_is_nobody_at_a_host() {
    let mock = Mock::new();
    mock.file(
        "proc/interrupts",
        "           CPU0\n 12:   7  PCI-MSI  mlx5_comp0@pci:0a1b:00:00.0\n 13:   7  PCI-MSI  mlx5_comp0@pci:0c2d:00:00.0\n 14:   7  PCI-MSI  mlx4-1@0c2d:00:00.0\n",
    );
    mock.file("dmesg", "[0.0] Linux version 7.3.4-zpci (jsmith@pci) (gcc)\n[0.1] nvme nvme0: of jsmith@pci:/srv\n");
    let text = mock.report(&[]);
    for line in [
        " 12:   7  PCI-MSI  mlx5_comp0@pci:DOM1:00:00.0",
        " 13:   7  PCI-MSI  mlx5_comp0@pci:DOM:00:00.0",
        " 14:   7  PCI-MSI  mlx4-1@DOM:00:00.0",
        "[0.0] Linux version 7.3.4-zpci (USER@HOST) (gcc)",
        "[0.1] nvme nvme0: of USER@HOST:/srv",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

/// A machine may be called as anything is.
#[test]
fn a_name_that_is_a_word_of_the_report_is_kept() {
    let mock = Mock::new();
    mock.file("proc/sys/kernel/hostname", "zpci\n");
    mock.file("proc/sysinfo", "LPAR Number: 23\nLPAR Name: LPAR\n");
    mock.network("pci", "0x1002\n");
    let text = mock.report(&[]);
    for line in
        ["LPAR Name: MACHINE", "[1.0] zpci: DOM1:00:00.0: added", "parameters: iommu.passthrough=1 (and 1 others)"]
    {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_log_without_its_start_is_said_to_be_one() {
    let mock = Mock::new();
    mock.file("dmesg", "[9.0] zpci: 0a1b:00:00.0: added\n");
    let output = mock.run(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("(the log of the kernel does not go back to its start: boot with log_buf_len=16M)\n"),
        "{text}"
    );
    assert!(text.contains("[9.0] zpci: DOM1:00:00.0: added\n"), "{text}");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn what_a_developer_asks_first_is_there() {
    let mock = Mock::new();
    mock.file("etc/os-release", "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n");
    mock.file("proc/uptime", "86400.12 99.00\n");
    mock.file(
        "proc/interrupts",
        "           CPU0\nPCI:     7   [I/O] PCI Interrupts\nRST:     1   [CPU] CPU Restart\n",
    );
    mock.file("sys/firmware/zpci/uid_checking", "1\n");
    mock.file("sys/module/nvme_core/parameters/multipath", "Y\n");
    mock.file("sys/kernel/debug/s390dbf/pci_msg/level", "3\n");
    for number in 0..4 {
        mock.file(&format!("{FUNCTION}/pfip/segment{number}"), "0x00\n");
    }
    let text = mock.report(&[]);
    for line in [
        "system = \"Debian GNU/Linux 12\"",
        "up for 86400 s",
        "PCI:     7   [I/O] PCI Interrupts",
        "/sys/firmware/zpci/uid_checking = 1",
        "/sys/module/nvme_core/parameters/multipath = Y",
        "== debug view pci_msg/sprintf, level 3",
        "zpci 0.1.0",
        "pfip = none",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("RST:"));
}

/// As it is installed, wherever that is.
#[test]
fn the_installed_script_finds_its_parts() {
    let system = tempfile::tempdir().unwrap();
    install(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), system.path()).unwrap();
    let mock = mock();
    let output = mock.command_of(&system.path().join("usr/sbin/zpci_report"), &[]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), mock.report(&[]));

    // The command beside it is its own, wherever it was unpacked.
    file(system.path(), "usr/bin/zpci", b"#!/bin/sh\necho of the package\n", 0o755).unwrap();
    let output = mock.command_of(&system.path().join("usr/sbin/zpci_report"), &[]).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("\nof the package\n"));

    let part = system.path().join("usr/lib/zpci-report/use.sh");
    fs::remove_file(&part).unwrap();
    let output = mock.command_of(&system.path().join("usr/sbin/zpci_report"), &[]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

#[test]
fn what_cannot_be_begun_is_refused() {
    for arguments in
        [&["--self-test"][..], &["--self-test", "ffff:00:00.0"], &["--self-test", "../devices"], &["--other"]]
    {
        let mock = Mock::new();
        assert_eq!(mock.run(arguments).status.code(), Some(2), "{arguments:?}");
        assert!(mock.is_clean());
    }
    let mock = Mock::new();
    mock.remove("sys/bus/pci/devices");
    assert_eq!(mock.run(&["--self-test", ADDRESS]).status.code(), Some(2));
}

/// Runs the script where no file may have more than `blocks` of 512 bytes, as on a file system that is full.
fn run_in_little_space(mock: &Mock, blocks: u32) -> Output {
    // Behind what `env` is told of all signals.
    let limit = format!("ulimit -f {blocks}; all=$1; shift; exec \"$0\" \"$all\" --ignore-signal=XFSZ \"$@\"");
    mock.command_behind(&["dash", "-c", &limit], &[]).output().unwrap()
}

/// Rules that could not be written replace nothing.
#[test]
fn without_space_for_the_rules_there_is_no_report() {
    let mock = mock();
    for blocks in [0, 1, 2] {
        let output = run_in_little_space(&mock, blocks);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{blocks}");
        assert_eq!(output.status.code(), Some(2), "{blocks}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains("zpci_report: cannot write to "), "{blocks}: {errors}");
    }
    assert_eq!(run_in_little_space(&mock, 4096).status.code(), Some(0));
}

/// A report that nobody gets is no success.
#[test]
fn a_report_that_cannot_be_written_is_said() {
    let mock = mock();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = mock.command(&[]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("zpci_report: the report could not be written"));
}

#[test]
fn what_of_a_function_cannot_be_read_is_said() {
    let mock = mock();
    for name in ["proc/sysinfo", "proc/cmdline"] {
        mock.remove(name);
    }
    // One that cannot be read even by root.
    mock.remove(&format!("{FUNCTION}/pfgid"));
    mock.file(&format!("{FUNCTION}/pfgid/.keep"), "");
    let output = mock.run(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    let end = text.split("== what could not be read\n").nth(1).unwrap();
    assert_eq!(end, "no /proc/cmdline\nno /proc/sysinfo\ncannot read pfgid of DOM2:00:00.0\n");
}
