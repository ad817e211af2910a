// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One figure, as the host reads it.

use core::fmt::{self, Display};

use qemu_s390x::json::Object;
use s390_iommu::{FrameSize, FrameSizes, Root};

/// The kind of table that is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) root: Root,
    pub(super) frames: FrameSizes,
}

impl Kind {
    /// Tables on the way from the root to a frame of 4 KiB.
    fn levels(self) -> u8 {
        self.root.designation_type() + 2
    }

    /// The largest frame.
    fn frame(self) -> FrameSize {
        match self.frames.contains(FrameSize::Size1M) {
            true => FrameSize::Size1M,
            false => FrameSize::Size4K,
        }
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = match self.frame() {
            FrameSize::Size4K => "4 KiB",
            FrameSize::Size1M => "1 MiB",
        };
        write!(f, "{} levels, frames of {frame}", self.levels())
    }
}

/// Instructions of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure<'a> {
    pub(super) kind: Kind,
    /// What was done.
    pub(super) what: &'a str,
    /// How many pages it was done to.
    pub(super) each: u64,
    pub(super) count: u64,
}

impl Display for Figure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("zpci-measurement: ")?;
        let mut object = Object::new(f)?;
        object.raw("levels", self.kind.levels())?;
        object.raw("frame_bytes", self.kind.frame().bytes())?;
        object.text("what", self.what)?;
        object.raw("each", self.each)?;
        object.raw("count", self.count)?;
        object.text("unit", "instructions")?;
        object.end()
    }
}
