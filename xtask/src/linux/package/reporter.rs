// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The package of what tells us in an hour what no emulator can: `zpci_report`, and the page.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::program;
use crate::progress::Step;
use crate::workspace::Workspace;

/// The script, below the workspace.
const SCRIPT: &str = "glue-c/package/zpci_report";

/// Makes the package in `out`.
pub(super) fn make(workspace: &Workspace, out: &Path) -> Result<()> {
    let root = workspace.empty_directory("linux/zpci-report")?;
    let version = env!("CARGO_PKG_VERSION");
    let control = format!(
        "Package: zpci-report\n\
         Version: {version}\n\
         Architecture: s390x\n\
         Section: admin\n\
         Priority: optional\n\
         Maintainer: zpci <zpci@localhost>\n\
         Description: what an s390x machine says of its PCI functions\n \
         The command zpci, which asks the machine by CLP and the kernel by VFIO.\n \
         A script that prints CLP's attributes, counters, debug views and log lines\n \
         with identifiers replaced, and tests a function that nobody uses.\n"
    );
    file(&root, "DEBIAN/control", control.as_bytes(), 0o644)?;
    let script = workspace.root.join(SCRIPT);
    let script = fs::read(&script).with_context(|| format!("cannot read {}", script.display()))?;
    file(&root, "usr/sbin/zpci_report", &script, 0o755)?;
    let command = program::build(workspace, program::ZPCI)?;
    file(&root, "usr/bin/zpci", &fs::read(&command)?, 0o755)?;
    let page = fs::read(workspace.root.join(super::PAGE)).with_context(|| format!("cannot read {}", super::PAGE))?;
    file(&root, "usr/share/doc/zpci-report/README.md", &page, 0o644)?;
    let step = Step::start("Package zpci-report");
    let mut build = Command::new("dpkg-deb");
    build.args(["--build", "--root-owner-group"]).arg(&root).arg(out.join(format!("zpci-report_{version}_s390x.deb")));
    let result = step.run(&mut build);
    step.end("built", result).map(drop)
}

fn file(root: &Path, name: &str, content: &[u8], mode: u32) -> Result<()> {
    let path = root.join(name);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755))?;
    }
    fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of a machine with one NVMe function.
    const FILES: [(&str, &str); 15] = [
        ("proc/version", "Linux version 7.3.4-zpci"),
        ("proc/cmdline", "root=/dev/nvme0n1"),
        ("proc/sys/kernel/hostname", "secrethost"),
        ("proc/sysinfo", "Manufacturer: IBM\nSequence Code: 00000000000A1B2C\nLPAR Name: PROD17\n"),
        ("sys/bus/pci/devices/0a1b:00:00.0/function_id", "0x00004711"),
        ("sys/bus/pci/devices/0a1b:00:00.0/uid", "0xa1b"),
        ("sys/bus/pci/devices/0a1b:00:00.0/pchid", "0x01c3"),
        ("sys/bus/pci/devices/0a1b:00:00.0/pfgid", "0x05"),
        ("sys/bus/pci/devices/0a1b:00:00.0/util_string", "\u{1}"),
        ("sys/bus/pci/devices/0a1b:00:00.0/nvme/nvme0/serial", "S3R1AL"),
        ("sys/bus/pci/devices/0a1b:00:00.0/iommu_group/type", "DMA-FQ"),
        ("sys/kernel/debug/pci/0a1b:00:00.0/statistics", "Allocated pages: 17"),
        ("sys/bus/pci/slots/00004711/power", "1"),
        ("sys/kernel/debug/s390dbf/pci_msg/sprintf", "add fid:4711, fh:80000001"),
        (
            "dmesg",
            "[1.0] zpci: 0a1b:00:00.0: event for FID 0x4711, word 4711x\n[2.0] nvme 0a1b:00:00.0: S3R1AL on secrethost\n\
             [3.0] mlx5_core 0a1b:00:00.0: 52:54:00:12:34:56 up\n[4.0] something else of PROD17\n",
        ),
    ];

    fn report(arguments: &[&str]) -> String {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in FILES {
            file(root.path(), name, content.as_bytes(), 0o644).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SCRIPT);
        let output = Command::new("sh").arg(script).arg("--root").arg(root.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    const SECRETS: [&str; 8] = [" 0x4711", "a1b", "01c3", "secrethost", "A1B2C", "PROD17", "S3R1AL", "52:54:00"];

    #[test]
    fn identifiers_are_replaced_each_by_the_same_word() {
        let text = report(&[]);
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
        for line in [
            "== function DOM1:00:00.0",
            "function_id = FID1",
            "uid = UID1",
            "pchid = PCHID1",
            "pfgid = 0x05",
            "util_string =  01 ",
            "iommu_group/type = DMA-FQ",
            "statistics: Allocated pages: 17",
            "FID1 power = 1, address = ",
            "add fid:FID1, fh:80000001",
            "[1.0] zpci: DOM1:00:00.0: event for FID 0xFID1, word 4711x",
            "[2.0] nvme DOM1:00:00.0: SERIAL1 on HOST",
            "[3.0] mlx5_core DOM1:00:00.0: MAC up",
            "LPAR Name: MACHINE",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("something else"));
    }

    #[test]
    fn they_are_kept_on_request() {
        let text = report(&["--plain"]);
        for secret in ["0x00004711", "0a1b:00:00.0", "PROD17", "secrethost", "52:54:00:12:34:56"] {
            assert!(text.contains(secret), "{secret} is not in\n{text}");
        }
    }
}
