// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Which functions the self-test of `zpci_report` takes for used.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::mock::{Mock, ADDRESS, DISK, FUNCTION};
use super::self_test_test::{tested, WRITES};

type Change = fn(&Mock);

/// What makes a function one that must not be touched, and what is said of it.
const USED: &[(&str, Change)] = &[
    ("nvme0n1 is mounted", |mock| mock.file("proc/1/task/1/mountinfo", "21 1 259:0 / / rw - ext4 /dev/root rw\n")),
    // Of a container; by whatever name.
    ("nvme0n1p1 is mounted", |mock| {
        mock.file("proc/77/task/77/mountinfo", "99 1 259:1 / /data rw - xfs /dev/disk/by-uuid/8f3c rw\n");
    }),
    ("nvme0n1p1 is swapped to", |mock| mock.file("proc/swaps", "Filename\n/dev/nvme0n1p1 partition 1 0 -2\n")),
    ("nvme0n1 is held by dm-3", |mock| mock.file(&format!("{DISK}/holders/dm-3"), "")),
    ("nvme0n1p1 is held by md0", |mock| mock.file(&format!("{DISK}/nvme0n1p1/holders/md0"), "")),
    // The second disk of btrfs or ZFS.
    ("nvme0n1 cannot be had alone: wipefs: error", |mock| mock.file("busy", "")),
    ("nvme0n1 is used by /sys/block/loop4/loop/backing_file", |mock| {
        mock.file("sys/block/loop4/loop/backing_file", "/dev/nvme0n1\n");
    }),
    ("nvme0n1 is used by /sys/kernel/config/nvmet/subsystems/a/namespaces/1/device_path", |mock| {
        mock.link("dev/disk/by-id/nvme-S3R1AL", "dev/nvme0n1");
        mock.file("sys/kernel/config/nvmet/subsystems/a/namespaces/1/device_path", "/dev/disk/by-id/nvme-S3R1AL\n");
    }),
    ("nvme0n1 is used by /sys/kernel/config/target/core/fileio_0/d/udev_path", |mock| {
        mock.file("sys/kernel/config/target/core/fileio_0/d/udev_path", "/dev/nvme0n1");
    }),
    // A guest or a database that has a disk, a partition or the controller; /dev/null stands for them.
    ("process 77 (prog) has it open", |mock| {
        mock.file(&format!("{DISK}/nvme0n1p1/dev"), "1:3\n");
        mock.process(77, "/dev/null");
    }),
    ("process 77 (prog) has it open", |mock| {
        mock.file(&format!("{FUNCTION}/infiniband_verbs/uverbs0/dev"), "1:3\n");
        mock.process(77, "/dev/null");
    }),
    ("process 77 (prog) has it open", |mock| {
        mock.process(77, &mock.path(&format!("{FUNCTION}/resource0")).display().to_string());
    }),
    ("process 77 (prog) has it mapped", |mock| {
        let place = mock.path(&format!("{FUNCTION}/resource0"));
        mock.file("proc/77/comm", "prog\n");
        mock.file("proc/77/maps", &format!("3ff-400 rw-s 00000000 00:14 9    {}\n", place.display()));
    }),
    ("process 77 (prog) has it mapped", |mock| {
        mock.file("proc/77/comm", "prog\n");
        mock.file("proc/77/maps", "3ff-400 rw-s 00000000 00:05 9    /dev/nvme0n1p1\n");
    }),
    // The same by the character device of a namespace with several paths, which is not below the function.
    ("process 77 (prog) has it open", |mock| {
        mock.file("sys/devices/virtual/nvme-subsystem/nvme-subsys0/ng0n1/dev", "1:3\n");
        mock.link("sys/class/nvme-generic/ng0n1", "sys/devices/virtual/nvme-subsystem/nvme-subsys0/ng0n1");
        mock.process(77, "/dev/null");
    }),
    ("process 77 (prog) has it mapped", |mock| {
        mock.file("proc/77/comm", "prog\n");
        mock.file("proc/77/maps", "3ff-400 rw-s 00000000 00:05 9    /dev/ng0n1\n");
    }),
    ("nvme0 is used by /sys/kernel/config/nvmet/subsystems/s/passthru/device_path", |mock| {
        mock.file("dev/nvme0", "");
        mock.file("sys/kernel/config/nvmet/subsystems/s/passthru/device_path", "/dev/nvme0\n");
    }),
    // A thread with files of its own, and one of a process whose first thread has ended.
    ("process 77 (prog) has it open", |mock| {
        mock.file(&format!("{DISK}/nvme0n1p1/dev"), "1:3\n");
        mock.file("proc/77/comm", "prog\n");
        mock.file("proc/77/task/77/fd/.keep", "");
        mock.text_link("proc/77/task/78/fd/3", "/dev/null");
    }),
    ("process 77 (prog) has it mapped", |mock| {
        mock.file("proc/77/comm", "prog\n");
        mock.file("proc/77/maps", "");
        mock.file("proc/77/task/77/maps", "");
        mock.file("proc/77/task/78/maps", "3ff-400 rw-s 00000000 00:05 9    /dev/nvme0n1\n");
    }),
    // A node that is gone, has another name in a container, or sysfs at another place.
    ("process 77 (prog) has it mapped", |mock| {
        mock.file("proc/77/comm", "prog\n");
        mock.file("proc/77/maps", "3ff-400 rw-s 00000000 00:05 9    /dev/nvme0n1p1 (deleted)\n");
    }),
    ("process 77 (prog) has it mapped", |mock| {
        mock.file(&format!("{DISK}/nvme0n1p1/dev"), "1:3\n");
        mock.file("proc/77/comm", "prog\n");
        mock.file("proc/77/maps", "3ff-400 rw-s 00000000 00:05 9    /dev/xvda\n");
        mock.text_link("proc/77/map_files/3ff-400", "/dev/null");
    }),
    ("process 77 (prog) has it open", |mock| {
        mock.process(77, "/srv/chroot/sys/devices/pci0a1b:00/0a1b:00:00.0/resource0");
    }),
    ("it is used by /sys/block/loop4/loop/backing_file, as /null", |mock| {
        mock.file(&format!("{DISK}/nvme0n1p1/dev"), "1:3\n");
        mock.text_link("null", "/dev/null");
        mock.file("sys/block/loop4/loop/backing_file", "/null\n");
    }),
    ("cannot tell what /sys/block/loop4/loop/backing_file names", |mock| {
        mock.file("sys/block/loop4/loop/backing_file", "/dev/nvme0n1 (deleted)\n");
    }),
    ("cannot tell what /sys/block/loop4/loop/backing_file names", |mock| {
        mock.file("sys/block/loop4/loop/backing_file", "");
    }),
    ("nvme0n1 is used by /sys/kernel/config/target/core/fileio_0/d/udev_path", |mock| {
        mock.file("sys/kernel/config/target/core/fileio_0/d/udev_path", "");
        mock.file(
            "sys/kernel/config/target/core/fileio_0/d/info",
            "Status: ACTIVATED\n        TCM FILEIO ID: 0        File: /dev/nvme0n1  Size: 32768\n",
        );
    }),
    ("cannot tell what /sys/kernel/config/target/core/user_0/d/udev_path names", |mock| {
        mock.file("sys/kernel/config/target/core/user_0/d/udev_path", "");
    }),
    // What the machine itself may need, and nobody has open.
    ("/sys/firmware/ipl/fid names it", |mock| mock.file("sys/firmware/ipl/fid", "0x00004711\n")),
    ("/sys/firmware/reipl/nvme/fid names it", |mock| {
        mock.file("sys/firmware/reipl/nvme/fid", "0x00004711\n");
        mock.file("sys/firmware/reipl/nvme/nsid", "0x00000001\n");
    }),
    ("/sys/firmware/dump/nvme/fid names it", |mock| {
        mock.file("sys/firmware/dump/nvme/fid", "0x00004711\n");
        mock.file("sys/firmware/dump/nvme/nsid", "0x00000001\n");
    }),
    ("nvme0n1 is used by /etc/kdump.conf", |mock| mock.file("etc/kdump.conf", "path /x\nraw /dev/nvme0n1 # here\n")),
    ("nvme0n1 is used by /etc/kdump.conf", |mock| {
        mock.link("dev/disk/by-uuid/8f3c", "dev/nvme0n1");
        mock.file("etc/kdump.conf", "ext4 \"UUID=8f3c\"\n");
    }),
    ("cannot read its identifier", |mock| mock.remove(&format!("{FUNCTION}/function_id"))),
    // The system would assemble it when it appears again, and write to it.
    ("nvme0n1p1 is part of an array, a pool or a volume group", |mock| {
        mock.file("content", "DEVNAME=/dev/x\nTYPE=LVM2_member\nUSAGE=raid\n");
    }),
    ("nvme0n1 is part of an array, a pool or a volume group", |mock| {
        mock.file("content", "TYPE=zfs_member\nUSAGE=filesystem\n");
    }),
    ("cannot tell what is on nvme0n1: blkid: error", |mock| {
        mock.program("blkid", "#!/bin/sh\necho 'blkid: error: /dev/x: Input/output error' >&2\nexit 2\n");
    }),
    ("no driver has it: bind the one that it is for", |mock| mock.remove(&format!("{FUNCTION}/driver"))),
    ("sdb is mounted", |mock| {
        mock.driver("virtio-pci");
        let place = format!("{FUNCTION}/virtio3/host0/target0:0:0/0:0:0:0/block/sdb");
        mock.block("sdb", &place, "8:16");
        mock.file("proc/1/task/1/mountinfo", "21 1 8:16 / / rw - ext4 /dev/sdb rw\n");
    }),
    ("virtiofs has it, whose users cannot be told", |mock| {
        mock.driver("virtio-pci");
        mock.link(&format!("{FUNCTION}/virtio3/driver"), "sys/bus/virtio/drivers/virtiofs");
        mock.file("sys/bus/virtio/drivers/virtiofs/bind", "");
    }),
    ("vfio-pci has it", |mock| mock.driver("vfio-pci")),
    ("mlx5-vfio-pci has it, for a guest", |mock| mock.driver("mlx5-vfio-pci")),
    ("nvme_vfio_pci has it, for a guest", |mock| mock.driver("nvme_vfio_pci")),
    ("ism has it, whose users cannot be told", |mock| mock.driver("ism")),
    ("qat_4xxx has it, whose users cannot be told", |mock| mock.driver("qat_4xxx")),
    ("ens5 is up", |mock| mock.network("ens5", "0x1003\n")),
    ("cannot read the flags of ens5", |mock| mock.network("ens5", "")),
    ("ens5 belongs to bond0", |mock| {
        mock.network("ens5", "0x1002\n");
        mock.file("sys/devices/virtual/net/bond0/flags", "0x1003\n");
        mock.link(&format!("{FUNCTION}/net/ens5/master"), "sys/devices/virtual/net/bond0");
    }),
    ("ens5 belongs to vlan7", |mock| {
        mock.network("ens5", "0x1002\n");
        mock.file("sys/devices/virtual/net/vlan7/flags", "0x1003\n");
        mock.link(&format!("{FUNCTION}/net/ens5/upper_vlan7"), "sys/devices/virtual/net/vlan7");
    }),
    ("it may be in another network namespace", |mock| {
        mock.driver("mlx5_core");
        mock.file(&format!("{FUNCTION}/class"), "0x020000\n");
    }),
    ("cannot read what class it is of", |mock| mock.remove(&format!("{FUNCTION}/class"))),
    ("it has 2 virtual functions", |mock| mock.file(&format!("{FUNCTION}/sriov_numvfs"), "2\n")),
    ("it has an unknown number of virtual functions", |mock| mock.file(&format!("{FUNCTION}/sriov_numvfs"), "")),
    ("it has virtfn0", |mock| mock.file(&format!("{FUNCTION}/virtfn0/uid"), "0x1\n")),
    ("it has infiniband", |mock| mock.file(&format!("{FUNCTION}/infiniband/mlx5_0/node_guid"), "0011\n")),
    ("there is no disk nvme0n1", |mock| mock.remove("sys/class/block/nvme0n1")),
    ("nvme0n1 cannot be had alone", |mock| mock.remove("dev/nvme0n1")),
    ("cannot read the number of nvme0n1", |mock| mock.remove(&format!("{DISK}/dev"))),
    ("this is a container", |mock| mock.text_link("proc/self/ns/pid", "pid:[4026532445]")),
    ("cannot read which processes can be seen from here", |mock| mock.remove("proc/self/ns")),
    ("cannot read /proc/1/task/1/fd", |mock| mock.remove("proc/1/task/1/fd")),
    ("cannot read what is mounted", |mock| mock.remove("proc/1/task/1/mountinfo")),
    ("cannot read /sys/class/net", |mock| mock.remove("sys/class/net")),
    ("cannot read /sys/class/block", |mock| mock.remove("sys/class/block")),
];

#[test]
fn one_that_is_used_or_cannot_be_looked_at_is_refused() {
    for (number, (reason, change)) in USED.iter().enumerate() {
        let mock = Mock::new();
        change(&mock);
        let (status, lines, errors) = tested(&mock);
        assert!(errors.starts_with(&format!("zpci_report: {ADDRESS} is in use: ")), "{number}: {reason}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{number}: {reason}: {errors}");
        assert!(errors.contains(reason), "{number}: {reason}: {errors}");
        assert_eq!((status, lines.len()), (Some(2), 0), "{number}: {reason}");
        assert_eq!(mock.writes(), [""; 0], "{number}: {reason}");
    }
}

#[test]
fn what_others_use_is_no_reason() {
    let mock = Mock::new();
    mock.process(77, "/dev/null");
    mock.text_link("proc/77/task/77/fd/4", "socket:[1234]");
    mock.file("proc/77/maps", "3ff-400 rw-s 00000000 00:05 9    /dev/nvme0n10\n");
    mock.file("proc/swaps", "Filename\n/dev/nvme0n10 partition 1 0 -2\n");
    mock.block("sda", "sys/devices/css0/sda", "8:0");
    mock.file("sys/devices/css0/net/enc1/flags", "0x1003\n");
    mock.link("sys/class/net/enc1", "sys/devices/css0/net/enc1");
    mock.file(&format!("{FUNCTION}/sriov_numvfs"), "0\n");
    mock.file("proc/77/task/78/fd/.keep", "");
    mock.text_link("proc/77/map_files/3ff-400", "/dev/zero");
    mock.file("sys/block/loop3/loop/backing_file", "/dmesg\n");
    mock.file("sys/kernel/config/target/core/rd_mcp_0/d/udev_path", "");
    mock.file("sys/kernel/config/nvmet/subsystems/s/passthru/device_path", "(null)\n");
    mock.file("sys/firmware/ipl/fid", "0x00004712\n");
    // Nothing was set: there is no namespace 0.
    mock.file("sys/firmware/reipl/nvme/fid", "0x00004711\n");
    mock.file("sys/firmware/reipl/nvme/nsid", "0x00000000\n");
    mock.file("etc/kdump.conf", "#raw /dev/nvme0n1\next4 /dev/none\n");
    mock.file("content", "TYPE=ext4\nUSAGE=filesystem\n");
    // A kernel that has no PID namespaces.
    mock.remove("proc/self/ns/pid");
    mock.text_link("proc/self/ns/mnt", "mnt:[4026531841]");
    let (status, lines, errors) = tested(&mock);
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{lines:?}");
}

/// What is found on the way is in no file, so that a file system which is full hides nothing.
#[test]
fn a_full_file_system_hides_no_reason() {
    let mock = Mock::new();
    let size = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "none"]).arg(mock.path("tmp")).status();
    if !size.is_ok_and(|status| status.success()) {
        // Without root; what is not written cannot be lost all the same.
        for part in ["use", "self_test"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../glue-c/package/zpci-report/{part}.sh"));
            let text = fs::read_to_string(path).unwrap();
            assert!(!text.contains(">>\"$scratch"), "{part}");
        }
        return;
    }
    mock.file(&format!("{DISK}/nvme0n1p1/dev"), "1:3\n");
    let used = "mkdir -p \"$root/proc/77/task/77/fd\"; ln -s /dev/null \"$root/proc/77/task/77/fd/3\"";
    let full = "cat /dev/zero >\"$root/tmp/other\" 2>/dev/null";
    mock.file("hook", &format!("case $target in */reset) {used}; {full} ;; esac\n"));
    let output = mock.run(&["--plain", "--self-test", ADDRESS]);
    let unmounted = Command::new("umount").arg(mock.path("tmp")).status().unwrap();
    assert!(unmounted.success());
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("not ok: unbind and bind: left out, it is in use now: process 77 () has it open"), "{text}");
    assert_eq!(mock.writes(), WRITES[..1]);
}

/// What opens a disk for writing has udev look at it anew.
#[test]
fn a_disk_that_is_known_to_be_used_is_not_opened() {
    let mock = Mock::new();
    mock.program("wipefs", "#!/bin/sh\necho opened >>\"${0%/bin/wipefs}/opened\"\n");
    mock.file(&format!("{DISK}/holders/dm-3"), "");
    assert_eq!(tested(&mock).0, Some(2));
    assert!(!mock.path("opened").exists());
    mock.remove(&format!("{DISK}/holders/dm-3"));
    assert_eq!(tested(&mock).0, Some(0));
    assert!(mock.path("opened").exists());
}
