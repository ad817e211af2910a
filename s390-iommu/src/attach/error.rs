// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Why a function is not attached, before anything is asked of the machine.

use core::fmt;

use clp::DesignationTypes;

use crate::format::range::IovaRange;
use crate::format::table_type::Root;

/// Why a function cannot be attached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AttachError {
    /// The function does not understand the root of the table; MPCIFC would end in a program check.
    DesignationType {
        /// The root of the table.
        root: Root,
        /// What the function understands.
        supported: DesignationTypes,
    },
    /// The table spans no address that the function is to use.
    NothingInCommon {
        /// What the function can address.
        window: IovaRange,
        /// What the table can translate.
        span: IovaRange,
    },
    /// The function cannot do without translation.
    Translation,
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DesignationType { root, supported } => {
                write!(f, "a {} is not among the roots of the function (DTSM {:#04x})", root.table_type(), supported.0)
            }
            Self::NothingInCommon { window, span } => {
                write!(f, "the table spans {span}, the function addresses {window}")
            }
            Self::Translation => f.write_str("the function cannot do without translation"),
        }
    }
}

impl core::error::Error for AttachError {}
