// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The section of blocks in a report, read as its page says.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use zpci::blocks::StandIns;
use zpci::decode::{decode, Kind};
use zpci::input::{Input, Reading};

use crate::machine::{exchanges, two, Changed};
use crate::printed::{printed, run, transcripts};

/// A report whose command `zpci` writes `text`, says `said` on its standard error, and ends with `status`.
fn report(folder: &Path, text: &str, said: &str, status: u8) -> String {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../glue-c/package");
    fs::create_dir_all(folder.join("root/sys/bus/pci/devices")).unwrap();
    fs::create_dir_all(folder.join("bin")).unwrap();
    fs::write(folder.join("blocks"), text).unwrap();
    fs::write(folder.join("said"), said).unwrap();
    let command = format!(
        "#!/bin/sh\n[ \"$1 $2\" = 'list --blocks' ] || exit 0\ncat '{0}/blocks'\ncat '{0}/said' >&2\nexit {status}\n",
        folder.display()
    );
    fs::write(folder.join("bin/zpci"), command).unwrap();
    fs::set_permissions(folder.join("bin/zpci"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    let mut script = Command::new("sh");
    script.arg(sources.join("zpci_report")).arg("--root").arg(folder.join("root")).env("PATH", path);
    let output = script.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What the page has to cut the section out of `after.txt`.
fn cut(folder: &Path) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/hardware.md");
    let page = fs::read_to_string(page).unwrap();
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("sed -n '/^== CLP blocks")).collect();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(Command::new("sh").arg("-c").arg(line).current_dir(folder).status().unwrap().success());
}

/// With blocks that are wrong, words on standard error and programs of mail, all blocks are read.
#[test]
fn the_section_is_read_as_the_page_says() {
    let machine = two();
    let short = |response: &mut [u8]| response[..2].copy_from_slice(&[0, 100]);
    let all = transcripts(&exchanges(&Changed::new(&machine, 3, &short)), Some(StandIns::default()));
    let text = printed(&all);
    let folder = tempfile::tempdir().unwrap();
    let report = report(folder.path(), &text, "error: of which nobody has thought\n0000: 00\n", 1);
    fs::write(folder.path().join("after.txt"), &report).unwrap();
    assert!(report.contains("# error: of which nobody has thought\n# 0000: 00\n\n(a block of CLP "), "{report}");
    cut(folder.path());

    let name = folder.path().join("blocks.txt");
    let name = name.to_str().unwrap();
    let inputs = Input::read_each(name, &Reading::default()).unwrap();
    assert_eq!(inputs.len(), all.len());
    for mut input in inputs {
        assert!(decode(&mut input, Some(Kind::Clp), None).is_ok(), "{}", input.title());
    }
    let (code, out, err) = run(&["list", "-o", "FID", name]);
    assert_eq!((code, out.as_str()), (1, "FID\n0xf1d00001\n0xf1d00002\n"), "{err}");
    let (code, out, err) = run(&["decode", name]);
    assert_eq!(code, 1, "{err}");
    assert_eq!(out.lines().filter(|line| line.starts_with(name)).count(), all.len(), "{out}");
}

/// Where there is no block, the report says that, and not that one is wrong.
#[test]
fn a_section_without_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let text = report(folder.path(), "", "error: /dev/clp: Permission denied\n", 2);
    let section = "\n== CLP blocks (zpci list --blocks)\n# error: /dev/clp: Permission denied\n\n\
                   (no block of CLP was read; its section says why)\n";
    assert!(text.contains(section), "{text}");
    assert!(!text.contains("is not as it should be"), "{text}");
    let text = report(folder.path(), "", "", 127);
    assert!(text.contains("\n\n(zpci list --blocks ended with the status 127; "), "{text}");
}
