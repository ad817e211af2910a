// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Identifiers of functions and groups.

use core::fmt;

/// Handle of a function (FH), as the machine gave it; it changes when the function is enabled, disabled or recovered.
///
/// It has no order on purpose: only equality and the enable bit mean anything.
#[doc(alias = "fh")]
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct FunctionHandle(pub u32);

impl FunctionHandle {
    /// The bit that is set in the handle of an enabled function.
    pub const ENABLED: u32 = 0x8000_0000;

    /// Whether the handle is that of an enabled function.
    pub const fn is_enabled(self) -> bool {
        self.0 & Self::ENABLED != 0
    }
}

impl fmt::Debug for FunctionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FunctionHandle({:#010x})", self.0)
    }
}

impl fmt::Display for FunctionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// Identifier of a function (FID), the same as long as the configuration of the machine is.
#[doc(alias = "fid")]
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct FunctionId(pub u32);

impl fmt::Debug for FunctionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FunctionId({:#010x})", self.0)
    }
}

impl fmt::Display for FunctionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// User-defined identifier of a function (UID); unique only where the list says that UID checking is on.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct Uid(pub u32);

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uid({:#x})", self.0)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// Identifier of a group of functions with the same properties (PFGID).
#[doc(alias = "pfgid")]
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct FunctionGroupId(pub u8);

impl fmt::Debug for FunctionGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FunctionGroupId({:#04x})", self.0)
    }
}

impl fmt::Display for FunctionGroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}

/// Where a list goes on: opaque, given by the machine.
#[doc(alias = "resume_token")]
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct ResumeToken(pub u64);

impl ResumeToken {
    /// Asks for the start of the list; as an answer, says that the list is complete.
    pub const START: Self = Self(0);
}

impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResumeToken({:#x})", self.0)
    }
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
