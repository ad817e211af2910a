// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What translation tables a function, a domain or a container takes.

use core::fmt;

use clp::DesignationTypes;

use crate::format::frame::FrameSizes;

/// The tables that may be used: kinds of roots, frame sizes, and whether there may be none.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TableFormat {
    /// The kinds of roots.
    pub designation_types: DesignationTypes,
    /// The sizes of frames.
    pub frame_sizes: FrameSizes,
    /// Whether a function may be registered without a table.
    pub relaxed_translation: bool,
}

impl TableFormat {
    /// Checks that whoever takes `found` takes all of this format.
    ///
    /// # Errors
    ///
    /// The first that is missing: [`FormatError::DesignationTypes`], [`FormatError::FrameSizes`],
    /// [`FormatError::RelaxedTranslation`].
    pub fn check_within(&self, found: &Self) -> Result<(), FormatError> {
        self.check(
            found,
            self.designation_types.0 & !found.designation_types.0 == 0,
            self.frame_sizes.bitmap() & !found.frame_sizes.bitmap() == 0,
            found.relaxed_translation || !self.relaxed_translation,
        )
    }

    /// Checks that `found` is this very format.
    ///
    /// # Errors
    ///
    /// The first that differs: [`FormatError::DesignationTypes`], [`FormatError::FrameSizes`],
    /// [`FormatError::RelaxedTranslation`].
    pub fn check_same(&self, found: &Self) -> Result<(), FormatError> {
        self.check(
            found,
            self.designation_types == found.designation_types,
            self.frame_sizes == found.frame_sizes,
            self.relaxed_translation == found.relaxed_translation,
        )
    }

    #[inline(never)]
    fn check(&self, found: &Self, roots: bool, frames: bool, relaxed: bool) -> Result<(), FormatError> {
        if !roots {
            let (wanted, found) = (self.designation_types, found.designation_types);
            return Err(FormatError::DesignationTypes { wanted, found });
        }
        if !frames {
            return Err(FormatError::FrameSizes { wanted: self.frame_sizes, found: found.frame_sizes });
        }
        if !relaxed {
            return Err(FormatError::RelaxedTranslation { wanted: self.relaxed_translation });
        }
        Ok(())
    }
}

/// Why a format does not suit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FormatError {
    /// Other kinds of roots.
    DesignationTypes {
        /// Those that there must be.
        wanted: DesignationTypes,
        /// Those that there are.
        found: DesignationTypes,
    },
    /// Other sizes of frames.
    FrameSizes {
        /// Those that there must be.
        wanted: FrameSizes,
        /// Those that there are.
        found: FrameSizes,
    },
    /// Relaxed translation is there or not, the other way than wanted.
    RelaxedTranslation {
        /// Whether it must be there.
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
    use super::*;

    const fn format(types: u8, frame_sizes: FrameSizes, relaxed_translation: bool) -> TableFormat {
        TableFormat { designation_types: DesignationTypes(types), frame_sizes, relaxed_translation }
    }

    /// Everything that differs in one thing, both ways.
    #[test]
    fn more_is_enough_and_less_is_refused() {
        let small = format(0x40, FrameSizes::SMALL, false);
        for more in [
            format(0x60, FrameSizes::SMALL, false),
            format(0x40, FrameSizes::WITH_LARGE, false),
            format(0x40, FrameSizes::SMALL, true),
        ] {
            assert_eq!(small.check_within(&more), Ok(()));
            let error = more.check_within(&small).unwrap_err();
            assert_eq!(more.check_same(&small), Err(error));
            assert!(small.check_same(&more).is_err());
        }
        assert_eq!(small.check_same(&small), Ok(()));
        let other = format(0x20, FrameSizes::SMALL, false);
        assert_eq!(
            small.check_within(&other),
            Err(FormatError::DesignationTypes { wanted: DesignationTypes(0x40), found: DesignationTypes(0x20) })
        );
    }
}
