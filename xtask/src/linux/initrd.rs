// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The initial file system: a cpio archive of the format `newc` (Linux: Documentation/driver-api/early-userspace/buffer-format.rst).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

const DIRECTORY: u32 = 0o40755;
const PROGRAM: u32 = 0o100755;
const FILE: u32 = 0o100644;
const CHARACTER_DEVICE: u32 = 0o20600;

/// Everything is padded to this many bytes.
const ALIGNMENT: usize = 4;

/// An archive under construction.
#[derive(Debug, Default)]
pub(crate) struct Initrd {
    bytes: Vec<u8>,
    inode: u32,
}

impl Initrd {
    /// An archive with `/dev/console`, which the kernel opens before the first process mounts anything.
    pub(crate) fn new() -> Self {
        let mut initrd = Self::default();
        initrd.directory("dev");
        initrd.entry("dev/console", CHARACTER_DEVICE, (5, 1), &[]);
        initrd
    }

    /// Adds an empty directory.
    pub(crate) fn directory(&mut self, name: &str) {
        self.entry(name, DIRECTORY, (0, 0), &[]);
    }

    /// Adds the program at `path` under `name`.
    pub(crate) fn program(&mut self, name: &str, path: &Path) -> Result<()> {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        self.entry(name, PROGRAM, (0, 0), &content);
        Ok(())
    }

    /// Adds a file with `content` under `name`.
    pub(crate) fn file(&mut self, name: &str, content: &[u8]) {
        self.entry(name, FILE, (0, 0), content);
    }

    /// Ends the archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.inode += 1;
        let (links, owner, time) = (1, 0, 0);
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        // The name ends with a zero, which counts.
        let name_length = length(name.len() + 1);
        let fields = [
            self.inode,
            mode,
            owner,
            owner,
            links,
            time,
            length(content.len()),
            0,
            0,
            device.0,
            device.1,
            name_length,
            0,
        ];
        self.bytes.extend(b"070701");
        fields.iter().for_each(|field| self.bytes.extend(format!("{field:08x}").bytes()));
        self.bytes.extend(name.bytes().chain([0]));
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_the_bytes_of_the_format() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("program");
        fs::write(&path, b"12345").unwrap();
        let mut initrd = Initrd::default();
        initrd.directory("d");
        initrd.program("d/p", &path).unwrap();
        let expected = "\
070701\
00000001000041ed0000000000000000000000010000000000000000\
0000000000000000000000000000000000000002\
00000000d\0\
070701\
00000002000081ed0000000000000000000000010000000000000005\
0000000000000000000000000000000000000004\
00000000d/p\0\0\0\
12345\0\0\0\
070701\
00000003000000000000000000000000000000010000000000000000\
000000000000000000000000000000000000000b\
00000000TRAILER!!!\0\0\0\0";
        assert_eq!(String::from_utf8(initrd.finish()).unwrap(), expected);
    }

    #[test]
    fn the_console_is_a_character_device() {
        let bytes = Initrd::new().finish();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("00002180"), "{text}");
        assert!(text.contains("0000000500000001"), "{text}");
    }
}
