// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The kernel series that are supported.

use std::fmt;

use clap::ValueEnum;

/// A series of stable kernels, packaged by Debian as source.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Series {
    /// The newest one.
    #[value(name = "7.3")]
    V7_3,
    /// The one before.
    #[value(name = "7.2")]
    V7_2,
    /// The long-term one.
    #[value(name = "6.12")]
    V6_12,
}

impl Series {
    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V7_3 => "7.3",
            Self::V7_2 => "7.2",
            Self::V6_12 => "6.12",
        }
    }

    /// All of them, as a sentence names them.
    pub(crate) fn names() -> String {
        Self::value_variants().iter().map(|series| series.name()).collect::<Vec<_>>().join(", ")
    }

    /// The series of a kernel with this version, such as `7.2.12`.
    pub(crate) fn of_version(version: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|series| {
            version.strip_prefix(series.name()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
        })
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_belongs_to_its_series_only() {
        assert_eq!(Series::of_version("7.3.4"), Some(Series::V7_3));
        assert_eq!(Series::of_version("7.2"), Some(Series::V7_2));
        assert_eq!(Series::of_version("7.2.12"), Some(Series::V7_2));
        assert_eq!(Series::of_version("7.2-rc3"), Some(Series::V7_2));
        assert_eq!(Series::of_version("6.12.117"), Some(Series::V6_12));
        assert_eq!(Series::of_version("7.20.1"), None);
        assert_eq!(Series::of_version("6.1.12"), None);
    }
}
