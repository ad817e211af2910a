// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What was found out, as `--json` has it.

use serde::{Deserialize, Serialize};

use crate::statistics::Summary;

/// One run.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Run {
    /// Model of the processor.
    pub(crate) processor: String,
    /// Where the stock code comes from.
    pub(crate) stock: String,
    /// Samples of each.
    pub(crate) rounds: usize,
    /// Entries that were compared between our tables and those of stock.
    pub(crate) entries_compared: u64,
    /// Translations that were compared between all subjects.
    pub(crate) translations_compared: u64,
    pub(crate) results: Vec<Measured>,
}

/// One operation of one subject in one workload.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Measured {
    pub(crate) subject: String,
    pub(crate) workload: String,
    /// Pages a call, where all calls have the same number.
    pub(crate) pages: Option<u64>,
    pub(crate) operation: Operation,
    /// A page, a translation, or all tables at once.
    pub(crate) nanoseconds: Summary,
    /// A page, or a translation.
    pub(crate) instructions: Option<f64>,
}

/// What is done.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Operation {
    Map,
    Unmap,
    Translate,
    Free,
}

impl Operation {
    pub(crate) const ALL: [Self; 4] = [Self::Map, Self::Unmap, Self::Translate, Self::Free];

    /// Those whose instructions are counted, in the order in which they are done.
    pub(crate) const COUNTED: [Self; 3] = [Self::Map, Self::Translate, Self::Unmap];

    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Unmap => "unmap",
            Self::Translate => "translate",
            Self::Free => "free",
        }
    }

    /// Title of a table of times.
    pub(crate) fn times(self) -> &'static str {
        match self {
            Self::Map => "map, ns a page",
            Self::Unmap => "unmap, ns a page",
            Self::Translate => "translate, ns an address",
            Self::Free => "free tables in which all is mapped, ns in all",
        }
    }

    /// Title of a table of instructions.
    pub(crate) fn instructions(self) -> &'static str {
        match self {
            Self::Map => "map, instructions a page",
            Self::Unmap => "unmap, instructions a page",
            Self::Translate => "translate, instructions an address",
            Self::Free => "free, instructions in all",
        }
    }
}
