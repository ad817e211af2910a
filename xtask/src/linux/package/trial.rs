// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Installs the packages into a new Debian for s390x, boots it from its disk, and takes them out again.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{bail, ensure, Context, Result};

use super::{kernel_in, packages_in};
use crate::apt::{self, Wanted};
use crate::console::ktap;
use crate::progress::Step;
use crate::qemu::{Machine, Run};
use crate::tool::{self, Tool};
use crate::workspace::Workspace;

/// What runs in the guest, below the workspace.
const SCRIPTS: &str = "glue-c/package";

/// Release of Debian that is installed: the oldest one that is supported.
const RELEASE: &str = "bookworm";

/// What it has beyond the smallest system.
const INCLUDED: &str = "systemd-sysv,udev,initramfs-tools,kmod,e2fsprogs,iproute2,zstd,netbase";

/// Size of the disk that it is installed to, in bytes.
const DISK: u64 = 4 << 30;

/// Main memory: the first boot has the whole system in it.
const MEMORY: &str = "4G";

/// Parameters of the same kernel while it installs, which is faster without filling what is allocated.
const INSTALLING: &str = "rdinit=/install init_on_alloc=0";

/// Parameters of the kernel that is tried. Its disks are of several paths, as those of machines are, which hides whose they are;
/// and a report must not have a name and an address, a disk of Fibre Channel.
const PARAMETERS: &str = "root=LABEL=trial systemd.show_status=0 systemd.getty_auto=0 nvme_core.multipath_always_on=1 \
                          zpci_trial=192.0.2.77,gate.secret.example \
                          rd.zfcp=0.0.1900,0x500507630300c562,0x4010403300000000";

/// The longest that a boot may take; an emulated processor sets up a hundred packages and thousands of modules, maybe beside
/// other work.
const LIMIT: Duration = Duration::from_secs(3 * 3600);

const TOOLS: [Tool; 2] = [
    Tool {
        program: "/usr/sbin/debootstrap",
        check: &["--version"],
        package: Wanted { name: "debootstrap", minimum: "0", purpose: "makes a new Debian" },
    },
    // Reads files of a disk.
    Tool {
        program: "/usr/sbin/debugfs",
        check: &["-V"],
        package: Wanted { name: "e2fsprogs", minimum: "0", purpose: "reads files of its disk" },
    },
];

/// Tries the packages in `packages`; returns whether all that was checked passed.
pub(super) fn run(workspace: &Workspace, packages: &Path) -> Result<bool> {
    tool::ensure_all(workspace, &TOOLS)?;
    let trial =
        Trial { workspace, qemu: tool::qemu_and_linker(workspace)?, directory: workspace.directory("linux/trial")? };
    let (kernel, initrd) = trial.unpacked(packages)?;
    let disks = [("root0", DISK), ("spare0", 64 << 20)].map(|(serial, size)| (trial.directory.join(serial), size));
    for (path, size) in &disks {
        fs::File::create(path)?.set_len(*size).with_context(|| format!("cannot make {}", path.display()))?;
    }
    let installed = trial.boot("Installing into Debian", &kernel, &initrd, INSTALLING)?;
    if !installed.console.iter().any(|line| line.contains("install: done")) {
        bail!(
            "the packages were not installed; {} has what was said",
            trial.console("Installing into Debian").display()
        );
    }
    fs::remove_file(&initrd)?;
    // As a boot loader would find them.
    let version = version_of(packages)?;
    let [kernel, initrd] =
        [format!("vmlinuz-{version}"), format!("initrd.img-{version}")].map(|name| trial.directory.join(name));
    for path in [&kernel, &initrd] {
        trial.read_of_disk(path)?;
    }
    let run = trial.boot("Booting Debian from NVMe", &kernel, &initrd, PARAMETERS)?;
    let log = ktap::parse(run.console.iter().map(String::as_str));
    for (name, test) in log.leaves() {
        println!("{:?} {}", test.verdict, name.join("/"));
    }
    let counts = log.counts();
    println!(
        "{} passed, {} failed; {}",
        counts.passed,
        counts.failed,
        trial.console("Booting Debian from NVMe").display()
    );
    log.problems.iter().for_each(|problem| println!("{problem}"));
    Ok(counts.failed == 0 && counts.passed != 0 && log.problems.is_empty())
}

struct Trial<'a> {
    workspace: &'a Workspace,
    qemu: OsString,
    directory: PathBuf,
}

impl Trial<'_> {
    /// A Debian that is only unpacked, with the kernel's modules and the packages in it, as an initial file system; and the
    /// kernel to boot it with.
    fn unpacked(&self, packages: &Path) -> Result<(PathBuf, PathBuf)> {
        let root = self.directory.join("debian");
        let step = Step::start(format!("Debian {RELEASE} for s390x"));
        let result = self.unpack(&step, &root, packages);
        step.end("unpacked", result)
    }

    fn unpack(&self, step: &Step, root: &Path, packages: &Path) -> Result<(PathBuf, PathBuf)> {
        let archive = apt::archive(self.workspace, step)?;
        if root.exists() {
            fs::remove_dir_all(root)?;
        }
        let mut debootstrap = Command::new("/usr/sbin/debootstrap");
        debootstrap.args(["--foreign", "--arch=s390x", "--variant=minbase"]).arg(format!("--include={INCLUDED}"));
        step.run(debootstrap.arg(RELEASE).arg(root).arg(archive)).context("debootstrap needs root")?;
        let image = kernel_in(packages)?;
        // Unpacked over the system, a directory would take the place of a link to one.
        let unpacked = self.directory.join("kernel");
        apt::unpack(step, &image, "lib", &unpacked).or_else(|_| apt::unpack(step, &image, "usr/lib", &unpacked))?;
        let modules = [unpacked.join("lib/modules"), unpacked.join("usr/lib/modules")];
        let modules = modules.iter().find(|path| path.is_dir()).context("the package has no modules")?;
        step.run(Command::new("cp").arg("-a").arg(modules).arg(root.join("usr/lib/")))?;
        let inside = root.join("packages");
        fs::create_dir_all(&inside)?;
        for deb in packages_in(packages)? {
            fs::copy(&deb, inside.join(deb.file_name().unwrap_or_default()))?;
        }
        let scripts = self.workspace.root.join(SCRIPTS);
        fs::copy(scripts.join("install"), root.join("install"))?;
        fs::copy(scripts.join("check"), inside.join("check"))?;
        apt::unpack(step, &image, "boot", &unpacked)?;
        let kernel = unpacked.join("boot").join(format!("vmlinuz-{}", version_of(packages)?));
        ensure!(kernel.is_file(), "there is no {} in {}", kernel.display(), image.display());
        let initrd = self.directory.join("debian.cpio");
        step.at("packing it");
        let pack = "find . -xdev | cpio --quiet -o -H newc > \"$0\"";
        step.run(Command::new("sh").args(["-c", pack]).arg(&initrd).current_dir(root))?;
        fs::remove_dir_all(root)?;
        Ok((kernel, initrd))
    }

    fn boot(&self, name: &str, kernel: &Path, initrd: &Path, parameters: &str) -> Result<Run> {
        let mut machine = Machine::new(self.qemu.clone(), kernel);
        machine.arguments(["-m", MEMORY, "-smp", "2"]);
        machine.arguments(["-initrd".into(), initrd.as_os_str().to_owned()]);
        machine.arguments(["-append", parameters]);
        for (number, serial) in ["root0", "spare0"].iter().enumerate() {
            let file = self.directory.join(serial).display().to_string().replace(',', ",,");
            machine.arguments(["-blockdev", &format!("driver=file,node-name={serial},filename={file}")]);
            let (uid, fid) = (0x20 + number, 0x300 + number);
            machine.arguments(["-device", &format!("zpci,id=z{number},uid={uid},fid={fid},target=d{number}")]);
            machine.arguments(["-device", &format!("nvme,id=d{number},drive={serial},serial={serial}")]);
        }
        // An echo, and nothing else of the world.
        machine.arguments(["-netdev", "user,id=net,restrict=on,guestfwd=tcp:10.0.2.100:7-cmd:cat"]);
        machine.arguments(["-device", "zpci,id=z2,uid=34,fid=770,target=d2"]);
        machine.arguments(["-device", "virtio-net-pci,id=d2,netdev=net,iommu_platform=on,disable-legacy=on,romfile="]);
        eprintln!("{machine}");
        // As it comes, so that one who waits for half an hour sees whether it goes forward.
        let console = self.console(name);
        let mut log = fs::File::create(&console).with_context(|| format!("cannot write {}", console.display()))?;
        let mut written = Ok(());
        eprintln!("what it says goes to {}", console.display());
        let step = Step::start(name);
        let result = machine.run_with(&step, LIMIT, |line| {
            if written.is_ok() {
                written = writeln!(log, "{line}");
            }
        });
        let run = step.end("ended", result)?;
        written.with_context(|| format!("cannot write {}", console.display()))?;
        if let Some(failure) = run.failure() {
            bail!("{failure}; {} has what was said", console.display());
        }
        Ok(run)
    }

    fn console(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{}.log", name.to_lowercase().replace(' ', "-")))
    }

    /// Copies the file of the name of `path` in `/boot` of the disk to `path`.
    fn read_of_disk(&self, path: &Path) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let request = format!("dump /boot/{name} {}", path.display());
        let output =
            Command::new("/usr/sbin/debugfs").args(["-R", &request]).arg(self.directory.join("root0")).output();
        let output = output.context("cannot run debugfs")?;
        ensure!(
            fs::metadata(path).is_ok_and(|file| file.len() != 0),
            "there is no /boot/{name} on the disk:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}

/// The version of the kernel in `packages`, as `uname -r` says it.
fn version_of(packages: &Path) -> Result<String> {
    let image = kernel_in(packages)?;
    let name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let version = name.strip_prefix("linux-image-").and_then(|rest| rest.split_once('_')).map(|(version, _)| version);
    version.map(str::to_owned).with_context(|| format!("{name} names no version"))
}
