// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A machine of files, with programs in its path that stand for the kernel and for what opens a disk.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::{file, SCRIPT};

/// Where the function is in sysfs.
pub(super) const FUNCTION: &str = "sys/devices/pci0a1b:00/0a1b:00:00.0";

/// Where the disk of it is: one that several paths may lead to.
pub(super) const DISK: &str = "sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1";

/// The address of the function.
pub(super) const ADDRESS: &str = "0a1b:00:00.0";

/// Files of a machine with one NVMe function that nobody uses.
const FILES: &[(&str, &str)] = &[
    ("proc/version", "Linux version 7.3.4-zpci (builder@forge.example) (s390x-linux-gnu-gcc 15)\n"),
    ("proc/cmdline", "root=/dev/nvme0n1 iommu.passthrough=1\n"),
    ("proc/sys/kernel/hostname", "secrethost\n"),
    ("proc/sysinfo", "Manufacturer: IBM\nSequence Code: 00000000000A1B2C\nLPAR Number: 23\nLPAR Name: PROD17\n"),
    ("proc/swaps", "Filename Type Size Used Priority\n"),
    ("proc/1/comm", "init\n"),
    ("proc/1/task/1/mountinfo", "21 1 8:1 / / rw - ext4 /dev/root rw\n"),
    ("proc/1/maps", "3ff0000-3ff1000 r-xp 00000000 08:01 7 /usr/sbin/init\n"),
    ("proc/1/task/1/fd/.keep", ""),
    ("run/.keep", ""),
    ("sys/class/net/.keep", ""),
    ("sys/kernel/debug/pci/0a1b:00:00.0/statistics", "Allocated pages: 17\n"),
    ("sys/kernel/debug/s390dbf/pci_msg/sprintf", "add fid:4711, fh:80000001\n"),
    ("sys/kernel/debug/s390dbf/pci_error/hex_ascii", ""),
    ("sys/bus/pci/slots/00004711/power", "1\n"),
    ("sys/bus/pci/slots/00004711/address", "0a1b:00:00\n"),
    ("sys/bus/pci/drivers/nvme/bind", ""),
    ("sys/bus/pci/drivers_probe", ""),
    ("dmesg", "[0.0] Linux version 7.3.4-zpci\n[1.0] zpci: 0a1b:00:00.0: added\n"),
];

/// The same below the function.
const FUNCTION_FILES: &[(&str, &str)] = &[
    ("class", "0x010802\n"),
    ("function_id", "0x00004711\n"),
    ("uid", "0xa1b\n"),
    ("pchid", "0x01c3\n"),
    ("pfgid", "0x05\n"),
    ("util_string", "\u{0}\u{0}"),
    ("reset", ""),
    ("iommu_group/type", "DMA-FQ\n"),
    ("nvme/nvme0/serial", "S3R1AL\n"),
    // As the next names of that kind.
    ("nvme/nvme0/dev", "10:125\n"),
    ("nvme/nvme0/uevent", "DEVNAME=nvme0\n"),
    ("nvme/nvme0/nvme0c0n1/hidden", "1\n"),
];

/// Size of the disk, in sectors.
const SECTORS: usize = 64;

/// What `env printf` runs: writes as a kernel would take them, each into a line of `writes`.
const KERNEL: &str = r#"#!/bin/sh
root=${0%/bin/printf}
written=$2
target=$(readlink /proc/$$/fd/1)
target=${target#"$root/"}
echo "$written > $target" >>"$root/writes"
device=$root/sys/bus/pci/devices/0a1b:00:00.0
real=$root/sys/devices/pci0a1b:00/0a1b:00:00.0
[ ! -e "$root/hook" ] || . "$root/hook"
case $target in
*/power)
	echo "$written"
	if [ "$written" = 0 ]; then rm -f "$device"; else ln -sfn "$real" "$device"; fi
	;;
*/unbind) rm -f "$real/driver" ;;
*/bind | */drivers_probe) ln -sfn "$root/sys/bus/pci/drivers/nvme" "$real/driver" ;;
esac
exit 0
"#;

/// Reads as the disk does, unless there is a file `unreadable`.
const DD: &str = r#"#!/bin/sh
root=${0%/bin/dd}
[ ! -e "$root/unreadable" ] || { echo "dd: error reading: Input/output error" >&2; exit 1; }
for word; do
	case $word in if=*) exec head -c 16777216 "${word#if=}" ;; esac
done
"#;

/// Opens a disk exclusively, unless there is a file `busy`.
const WIPEFS: &str = r#"#!/bin/sh
root=${0%/bin/wipefs}
[ "$1 $2 $3 $4" = "--no-act --all --types zpci-report" ] || exit 9
[ -e "$5" ] || exit 1
[ ! -e "$root/busy" ] || { echo "wipefs: error: $5: Device or resource busy" >&2; exit 1; }
"#;

/// Says what is on a disk as `blkid -p -o export` does: what is in the file `content`, or nothing.
const BLKID: &str = r#"#!/bin/sh
root=${0%/bin/blkid}
[ "$1 $2 $3" = "-p -o export" ] || exit 9
[ ! -e "$root/content" ] || exec cat "$root/content"
exit 2
"#;

/// Lists what is in the file `clp`, or the blocks in the file `blocks`; ends with what is in the file `wrong-blocks`.
const ZPCI: &str = r#"#!/bin/sh
root=${0%/bin/zpci}
case $* in
--version) echo "zpci 0.1.0" ;;
"list --blocks" | "list --blocks --mask")
	echo "of $*"
	cat "$root/blocks" 2>/dev/null
	[ ! -e "$root/wrong-blocks" ] || { echo "error: of 0x00004711" >&2; exit "$(cat "$root/wrong-blocks")"; }
	;;
*) cat "$root/clp" 2>/dev/null ;;
esac
exit 0
"#;

pub(super) struct Mock {
    directory: tempfile::TempDir,
}

impl Mock {
    pub(super) fn new() -> Self {
        let mock = Self { directory: tempfile::tempdir().unwrap() };
        FILES.iter().for_each(|(name, content)| mock.file(name, content));
        FUNCTION_FILES.iter().for_each(|(name, content)| mock.file(&format!("{FUNCTION}/{name}"), content));
        mock.link("sys/bus/pci/devices/0a1b:00:00.0", FUNCTION);
        mock.link(&format!("{FUNCTION}/driver"), "sys/bus/pci/drivers/nvme");
        // A file that is written to by way of the link of the driver.
        mock.file("sys/bus/pci/drivers/nvme/unbind", "");
        mock.link("sys/class/nvme/nvme0", &format!("{FUNCTION}/nvme/nvme0"));
        mock.link("sys/class/block/nvme0c0n1", &format!("{FUNCTION}/nvme/nvme0/nvme0c0n1"));
        mock.block("nvme0n1", DISK, "259:0");
        mock.file(&format!("{DISK}/size"), &format!("{SECTORS}\n"));
        mock.file("dev/nvme0n1", &"disk".repeat(SECTORS * 512 / 4));
        mock.block("nvme0n1p1", &format!("{DISK}/nvme0n1p1"), "259:1");
        mock.file(&format!("{DISK}/nvme0n1p1/partition"), "1\n");
        mock.text_link("proc/self/ns/pid", "pid:[4026531836]");
        mock.program("printf", KERNEL);
        mock.program("dd", DD);
        mock.program("wipefs", WIPEFS);
        mock.program("blkid", BLKID);
        mock.program("zpci", ZPCI);
        fs::create_dir(mock.path("tmp")).unwrap();
        mock
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn file(&self, name: &str, content: &str) {
        file(self.directory.path(), name, content.as_bytes(), 0o644).unwrap();
    }

    pub(super) fn bytes(&self, name: &str, content: &[u8]) {
        file(self.directory.path(), name, content, 0o644).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        let path = self.path(name);
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    /// A link to something of the machine.
    pub(super) fn link(&self, name: &str, target: &str) {
        self.text_link(name, &self.path(target).display().to_string());
    }

    /// A link that says `text`, in place of one that is there.
    pub(super) fn text_link(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        symlink(text, path).unwrap();
    }

    /// A block device at `place`.
    pub(super) fn block(&self, name: &str, place: &str, number: &str) {
        self.file(&format!("{place}/dev"), &format!("{number}\n"));
        self.link(&format!("sys/class/block/{name}"), place);
    }

    /// A network interface of the function, `flags` as sysfs has them.
    pub(super) fn network(&self, name: &str, flags: &str) {
        let place = format!("{FUNCTION}/net/{name}");
        self.file(&format!("{place}/flags"), flags);
        self.file(&format!("{place}/address"), "52:54:00:12:34:56\n");
        self.link(&format!("sys/class/net/{name}"), &place);
    }

    /// Lets `name` have the function.
    pub(super) fn driver(&self, name: &str) {
        self.file(&format!("sys/bus/pci/drivers/{name}/unbind"), "");
        self.link(&format!("{FUNCTION}/driver"), &format!("sys/bus/pci/drivers/{name}"));
    }

    /// A process that has `target` open.
    pub(super) fn process(&self, number: u32, target: &str) {
        self.file(&format!("proc/{number}/comm"), "prog\n");
        self.text_link(&format!("proc/{number}/task/{number}/fd/3"), target);
    }

    pub(super) fn program(&self, name: &str, text: &str) {
        file(self.directory.path(), &format!("bin/{name}"), text.as_bytes(), 0o755).unwrap();
    }

    /// The script, run by the shell of this system, in the machine.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SCRIPT), arguments)
    }

    /// The same of the script at `script`.
    pub(super) fn command_of(&self, script: &Path, arguments: &[&str]) -> Command {
        // Whoever runs the tests may ignore signals, as nohup does, and a shell cannot take that back.
        let mut command = Command::new("env");
        command.args(["--default-signal", "sh"]).arg(script).arg("--root").arg(self.directory.path()).args(arguments);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.path("bin").display())).env("TMPDIR", self.path("tmp"));
        command
    }

    /// The same, run by the program and its arguments `outer`, which are given the command.
    pub(super) fn command_behind(&self, outer: &[&str], arguments: &[&str]) -> Command {
        let script = self.command(arguments);
        let mut command = Command::new(outer[0]);
        command.args(&outer[1..]).arg(script.get_program()).args(script.get_args());
        command.envs(script.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What the script prints, with nothing that went wrong.
    pub(super) fn report(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}");
        text
    }

    /// What was written to files of sysfs, each as `VALUE > FILE`.
    pub(super) fn writes(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("writes")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Whether no temporary file is left.
    pub(super) fn is_clean(&self) -> bool {
        fs::read_dir(self.path("tmp")).unwrap().next().is_none()
    }
}
