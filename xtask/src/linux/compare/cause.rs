// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Why the records of the stock driver and of this one differ, where they do.

/// Pieces that differ. Every part is how something starts; an empty one is any.
struct Known {
    instruction: &'static str,
    answer: &'static str,
    /// Where the instruction is issued, and when it was looked at what is recorded.
    at: &'static [&'static str],
    /// The debug view, or the log.
    places: &'static [&'static str],
    cause: &'static str,
}

const ANY: &[&str] = &[""];

/// The first one that fits counts.
const KNOWN: [Known; 11] = [
    Known {
        instruction: "",
        answer: "refused",
        at: ANY,
        places: ANY,
        cause: "the stock kernel stops there, so that the case is not run on it",
    },
    Known {
        instruction: "MPCIFC",
        answer: "busy",
        at: &["reset, then"],
        places: ANY,
        cause: "the stock kernel sleeps with a spinlock held, and loses the process",
    },
    Known {
        instruction: "MPCIFC",
        answer: "cc 1",
        at: &["detach, then"],
        places: &["log"],
        cause: "the log says that the machine did not end a translation",
    },
    Known {
        instruction: "MPCIFC",
        answer: "cc 1",
        at: &["move, then"],
        places: ANY,
        cause: "nothing is registered while what there was has not ended",
    },
    Known {
        instruction: "MPCIFC",
        answer: "cc 1 status 24",
        at: &["attach, then", "reset, then"],
        places: &["pci_error", "log"],
        cause: "a registration that there is already is ended, and made again",
    },
    Known {
        instruction: "MPCIFC",
        answer: "cc",
        at: &["reset, brought back"],
        places: &["pci_msg", "log"],
        cause: "a reset whose registration fails is EIO, so that the function is brought back by a power cycle",
    },
    Known {
        instruction: "RPCIT",
        answer: "",
        at: &["attach, then", "reset, then"],
        places: &["pci_error"],
        cause: "what is in the tables is refreshed with a registration, which the stock kernel does not do",
    },
    Known {
        instruction: "RPCIT",
        answer: "cc 1",
        at: &["attach, then", "reset, then", "map, then", "unmap, then"],
        places: &["log"],
        cause: "the log says that a refresh failed, and that it is made up for",
    },
    Known {
        instruction: "RPCIT",
        answer: "cc 1",
        at: &["map, then"],
        places: &["pci_error"],
        cause: "a function that has missed a refresh is refreshed as a whole from then on, not piece by piece",
    },
    Known {
        instruction: "RPCIT",
        answer: "cc 1",
        at: &["unmap, then"],
        places: &["pci_error"],
        cause: "a refresh that was refused in the error state is asked for again",
    },
    Known {
        instruction: "RPCIT",
        answer: "cc 3",
        at: &["unmap, then"],
        places: &["pci_error"],
        cause: "what empty tables covered is refreshed before they are given back",
    },
];

impl Known {
    /// Whether it is about `row`, `INSTRUCTION ANSWER at POINT, WHEN`, in `place`.
    fn is_about(&self, row: &str, place: &str) -> bool {
        let starts = |text: &str, starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
        let parts = row.split_once(" at ").and_then(|(done, at)| Some((done.split_once(' ')?, at)));
        parts.is_some_and(|((instruction, answer), at)| {
            instruction.starts_with(self.instruction)
                && answer.starts_with(self.answer)
                && starts(at, self.at)
                && starts(place, self.places)
        })
    }
}

/// Why the records of what was done in `row` differ in `place`; `None` if nobody has said so.
pub(super) fn cause(row: &str, place: &str) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.is_about(row, place)).map(|known| known.cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_of_the_rows_and_places_that_they_name() {
        for (row, place, start) in [
            ("RPCIT refused at map, then", "pci_msg", Some("the stock kernel stops")),
            ("MPCIFC busy 3 times at reset, then", "log", Some("the stock kernel sleeps")),
            ("MPCIFC busy 3 times at attach, then", "log", None),
            ("MPCIFC cc 1 status 4 at detach, then", "log", Some("the log says")),
            ("MPCIFC cc 1 status 4 at detach, then", "pci_error", None),
            ("MPCIFC cc 1 status 4 at detach, brought back", "log", None),
            ("RPCIT busy 3 times at attach, then", "pci_error", Some("what is in the tables")),
            ("RPCIT cc 3 at unmap, then", "pci_error", Some("what empty tables covered")),
            ("RPCIT cc 3 at map, then", "pci_error", None),
            ("something else", "log", None),
        ] {
            let found = cause(row, place);
            assert_eq!(found.is_some(), start.is_some(), "{row}: {place}: {found:?}");
            assert!(found.unwrap_or_default().starts_with(start.unwrap_or_default()), "{row}: {found:?}");
        }
    }
}
