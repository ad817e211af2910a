// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What translation tables a function takes, or a domain has.

use core::fmt;

use clp::{DesignationTypes, Function, FunctionGroup};

use crate::format::frame::FrameSizes;
use crate::machine::limits::Limits;

/// The tables that may be used: kinds of roots, frame sizes, and whether there may be none.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct TableFormat {
    /// The kinds of roots.
    pub designation_types: DesignationTypes,
    /// The sizes of frames.
    pub frame_sizes: FrameSizes,
    /// Whether a function may be registered without a table.
    pub relaxed_translation: bool,
}

impl TableFormat {
    /// Returns the tables that a function takes, with the frames that its IOMMU uses.
    ///
    /// `None` if the function has no whole page to address.
    pub fn of_function(function: &Function, group: &FunctionGroup, frame_sizes: FrameSizes) -> Option<Self> {
        let limits = Limits::new(function, group)?;
        Some(Self {
            designation_types: limits.designation_types,
            frame_sizes,
            relaxed_translation: limits.relaxed_translation,
        })
    }

    /// Checks that `found` is this very format.
    ///
    /// # Errors
    ///
    /// The first that differs: [`FormatError::DesignationTypes`], [`FormatError::FrameSizes`],
    /// [`FormatError::RelaxedTranslation`].
    pub fn check_same(&self, found: &Self) -> Result<(), FormatError> {
        if self.designation_types != found.designation_types {
            let (wanted, found) = (self.designation_types, found.designation_types);
            return Err(FormatError::DesignationTypes { wanted, found });
        }
        if self.frame_sizes != found.frame_sizes {
            return Err(FormatError::FrameSizes { wanted: self.frame_sizes, found: found.frame_sizes });
        }
        if self.relaxed_translation != found.relaxed_translation {
            return Err(FormatError::RelaxedTranslation { wanted: self.relaxed_translation });
        }
        Ok(())
    }
}

/// How two formats differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FormatError {
    /// Different kinds of roots.
    DesignationTypes {
        /// Those of the container.
        wanted: DesignationTypes,
        /// Those of the domain.
        found: DesignationTypes,
    },
    /// Different sizes of frames.
    FrameSizes {
        /// Those of the container.
        wanted: FrameSizes,
        /// Those of the domain.
        found: FrameSizes,
    },
    /// Relaxed translation on one side alone.
    RelaxedTranslation {
        /// Whether the container has it.
        wanted: bool,
    },
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DesignationTypes { wanted, found } => {
                write!(f, "designation types {:#04x} where {:#04x} are needed", found.0, wanted.0)
            }
            Self::FrameSizes { wanted, found } => {
                write!(f, "frame sizes {:#x} where {:#x} are needed", found.bitmap(), wanted.bitmap())
            }
            Self::RelaxedTranslation { wanted: true } => f.write_str("no relaxed translation where it is needed"),
            Self::RelaxedTranslation { wanted: false } => f.write_str("relaxed translation where there is none"),
        }
    }
}

impl core::error::Error for FormatError {}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString;

    const fn format(types: u8, frame_sizes: FrameSizes, relaxed_translation: bool) -> TableFormat {
        TableFormat { designation_types: DesignationTypes(types), frame_sizes, relaxed_translation }
    }

    #[test]
    fn formats_that_differ_in_one_thing() {
        let small = format(0x40, FrameSizes::SMALL, false);
        assert_eq!(small.check_same(&small), Ok(()));
        for (other, there, back) in [
            (format(0x60, FrameSizes::SMALL, false), "types 0x60 where 0x40", "types 0x40 where 0x60"),
            (format(0x40, FrameSizes::WITH_LARGE, false), "0x101000 where 0x1000", "0x1000 where 0x101000"),
            (format(0x40, FrameSizes::SMALL, true), "where there is none", "no relaxed"),
        ] {
            assert!(small.check_same(&other).unwrap_err().to_string().contains(there));
            assert!(other.check_same(&small).unwrap_err().to_string().contains(back));
        }
    }
}
