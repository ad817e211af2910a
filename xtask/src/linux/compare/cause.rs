// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Why the records of the stock driver and of this one differ, where they do.

/// What differs, and how.
struct Known {
    instruction: &'static str,
    answers: &'static [&'static str],
    /// Where the instruction was issued, and when it was looked at what is recorded.
    at: &'static [&'static str],
    /// What lines have that the stock driver alone records, by debug view or log.
    stock: &'static [(&'static str, &'static str)],
    /// What lines have that this driver alone records.
    ours: &'static [(&'static str, &'static str)],
    cause: &'static str,
}

/// The function does not do what it is asked for, with any status.
const FAILS: &[&str] =
    &["cc 1 status 4", "cc 1 status 8", "cc 1 status 16", "cc 1 status 24", "cc 1 status 28", "cc 1 status 40"];

/// What the stock kernel is not asked to do, since it does not come back.
const NOT_RUN: &[&str] = &["refused", "busy without end"];

/// Everywhere.
const ANYWHERE: &[&str] = &[
    "attach, then",
    "attach, brought back",
    "detach, then",
    "detach, brought back",
    "move, then",
    "move, brought back",
    "reset, then",
    "reset, brought back",
    "map, then",
    "map, brought back",
    "unmap, then",
    "unmap, brought back",
];

/// Whatever it is.
const ANYTHING: &[(&str, &str)] = &[("", "")];

const STOPS: &str = "the stock kernel stops or waits for ever, so that the case is not run on it";
const NOT_ENDED: &str =
    "the machine did not end the translation; what it reaches is kept until the function is disabled";

/// A piece may have several.
const KNOWN: [Known; 13] = [
    Known { instruction: "MPCIFC", answers: NOT_RUN, at: ANYWHERE, stock: &[], ours: ANYTHING, cause: STOPS },
    Known { instruction: "RPCIT", answers: NOT_RUN, at: ANYWHERE, stock: &[], ours: ANYTHING, cause: STOPS },
    Known {
        instruction: "MPCIFC",
        answers: &["busy 3 times"],
        at: &["reset, then"],
        stock: &[],
        ours: &[
            ("pci_msg", "3 rst fid:"),
            ("pci_msg", "3 dis fid:"),
            ("pci_msg", "3 ena fid:"),
            ("pci_error", "1 4d 02 00 "),
            ("pci_error", "1 4d 00 00 "),
            ("pci_error", "1 00 00 00 "),
            ("log", ": resetting"),
            ("log", ": reset done"),
        ],
        cause: "the stock kernel sleeps with a spinlock held, and loses the process",
    },
    Known {
        instruction: "MPCIFC",
        answers: &["cc 1 status 4", "cc 1 status 8", "cc 1 status 16", "cc 1 status 28", "cc 1 status 40"],
        at: &["detach, then"],
        stock: &[],
        ours: &[("log", NOT_ENDED)],
        cause: "the log says that the machine did not end a translation",
    },
    Known {
        instruction: "MPCIFC",
        answers: FAILS,
        at: &["move, then"],
        stock: &[("pci_msg", "3 reg ioat fid:"), ("pci_error", "0 4d 01 "), ("pci_error", "0 00 00 00 ")],
        ours: &[
            ("pci_msg", "3 unreg ioat fid:"),
            ("pci_error", "0 4d 01 "),
            ("pci_error", "0 00 00 00 "),
            ("log", NOT_ENDED),
        ],
        cause: "nothing is registered while what there was has not ended",
    },
    Known {
        instruction: "MPCIFC",
        answers: &["cc 1 status 24"],
        at: &["attach, then", "reset, then"],
        stock: &[],
        ours: &[("pci_error", "0 4d 01 18 "), ("pci_error", "0 00 00 00 "), ("log", NOT_ENDED)],
        cause: "a registration that there is already is ended, and made again",
    },
    Known {
        instruction: "MPCIFC",
        answers: &[
            "cc 1 status 4",
            "cc 1 status 8",
            "cc 1 status 16",
            "cc 1 status 24",
            "cc 1 status 28",
            "cc 1 status 40",
            "cc 3",
        ],
        at: &["reset, brought back"],
        stock: &[],
        ours: &[
            ("pci_msg", "3 dis fid:"),
            ("pci_msg", "3 deconf fid:"),
            ("pci_msg", "3 conf fid:"),
            ("pci_msg", "3 ena fid:"),
            ("log", "6 pci 00"),
            ("log", "6 nvme nvme"),
        ],
        cause: "a reset whose registration fails is EIO, so that the function is brought back by a power cycle",
    },
    Known {
        instruction: "RPCIT",
        answers: &[
            "busy 3 times",
            "cc 1 status 4",
            "cc 1 status 8",
            "cc 1 status 16",
            "cc 1 status 24",
            "cc 1 status 28",
            "cc 1 status 40",
            "cc 3",
        ],
        at: &["attach, then", "reset, then"],
        stock: &[],
        ours: &[
            ("pci_error", " 52 0"),
            ("pci_error", " 20 00 00 "),
            ("pci_error", "0 00 00 00 "),
            ("log", "the machine does not know all that is mapped; made up for by the next refresh"),
        ],
        cause: "what is in the tables is refreshed with a registration, which the stock kernel does not do",
    },
    Known {
        instruction: "RPCIT",
        answers: FAILS,
        at: &["map, then"],
        stock: &[("pci_error", "0 52 01 "), ("pci_error", "0 00 10 00 ")],
        ours: &[
            ("pci_error", "0 52 01 "),
            ("pci_error", "0 00 00 00 "),
            ("log", "; it is made up for by the next one"),
        ],
        cause: "a function that has missed a refresh is refreshed as a whole from then on, not piece by piece",
    },
    Known {
        instruction: "RPCIT",
        answers: FAILS,
        at: &["unmap, then"],
        stock: &[],
        ours: &[
            ("pci_error", "0 52 01 08 "),
            ("pci_error", "0 52 01 28 "),
            ("pci_error", "0 00 00 00 "),
            ("log", "; it is made up for by the next one"),
        ],
        cause: "a refresh that failed is in the log, and asked for again if it was refused in the error state",
    },
    Known {
        instruction: "CLP",
        answers: &["entries-of-one-byte", "length-less-than-that-of-the-header", "length-beyond-the-block"],
        at: &["boot, then"],
        stock: ANYTHING,
        ours: &[],
        cause: "a list that cannot be is not believed; the kernel does without PCI then, and has no views",
    },
    Known {
        instruction: "enable",
        answers: &["busy 3 times", "busy without end"],
        at: &["reset, then"],
        stock: &[("pci_error", "0 52 03 "), ("pci_error", "0 00 00 00 ")],
        ours: &[],
        cause: "nothing is refreshed for a function that was disabled and not enabled again",
    },
    Known {
        instruction: "RPCIT",
        answers: &["cc 3"],
        at: &["unmap, then"],
        stock: &[],
        ours: &[("pci_error", "0 52 03 "), ("pci_error", "0 20 00 00 ")],
        cause: "what empty tables covered is refreshed before they are given back",
    },
];

impl Known {
    /// Whether it is about `row`, which is `INSTRUCTION ANSWER at POINT, WHEN`.
    fn is_about(&self, row: &str) -> bool {
        let parts = row.split_once(" at ").and_then(|(done, at)| Some((done.split_once(' ')?, at)));
        parts.is_some_and(|((instruction, answer), at)| {
            instruction == self.instruction && self.answers.contains(&answer) && self.at.contains(&at)
        })
    }

    /// Whether it says so of `line` in `place`, behind `-` if the stock driver alone records it, else behind `+`.
    fn explains(&self, place: &str, line: &str) -> bool {
        let (known, line) = match line.split_at_checked(1) {
            Some(("-", line)) => (self.stock, line),
            Some(("+", line)) => (self.ours, line),
            _ => return false,
        };
        known.iter().any(|(in_place, part)| (in_place.is_empty() || *in_place == place) && line.contains(part))
    }
}

/// Why the records of what was done in `row` differ in `place` by `lines`; `None` if nobody has said so of each of them.
pub(super) fn cause(row: &str, place: &str, lines: &[String]) -> Option<&'static str> {
    let explains_all = |known: &&Known| lines.iter().all(|line| known.explains(place, line));
    KNOWN.iter().filter(|known| known.is_about(row)).find(explains_all).map(|known| known.cause)
}

/// The causes of which none is in `found`.
pub(super) fn not_found(found: &[&str]) -> Vec<&'static str> {
    let mut causes: Vec<_> = KNOWN.iter().map(|known| known.cause).filter(|cause| !found.contains(cause)).collect();
    // Two instructions have the same one.
    causes.dedup();
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_of_the_rows_places_and_lines_that_it_names() {
        for (row, place, line, start) in [
            ("RPCIT refused at map, then", "pci_msg", "+3 a", Some("the stock kernel stops")),
            ("RPCIT refused at map, then", "pci_msg", "-3 a", None),
            ("MPCIFC busy 3 times at reset, then", "log", "+4 vfio-pci a: reset done", Some("the stock kernel sleeps")),
            ("MPCIFC busy 3 times at reset, then", "log", "-4 vfio-pci a: reset done", None),
            ("MPCIFC busy 3 times at attach, then", "log", "+4 vfio-pci a: reset done", None),
            (
                "MPCIFC cc 1 status 40 at move, then",
                "pci_msg",
                "-3 reg ioat fid:1, cc:1",
                Some("nothing is registered"),
            ),
            ("MPCIFC cc 1 status 40 at move, then", "pci_msg", "+3 reg ioat fid:1, cc:1", None),
            ("MPCIFC cc 1 status 4 at detach, then", "pci_error", "+0 4d 01 04 ", None),
            ("RPCIT busy 3 times at attach, then", "pci_error", "+1 52 02 00 ", Some("what is in the tables")),
            ("RPCIT busy 3 times at unmap, then", "pci_error", "+1 52 02 00 ", None),
            ("RPCIT cc 1 status 8 at unmap, then", "pci_error", "+0 52 01 08 ", Some("a refresh that failed")),
            ("RPCIT cc 1 status 4 at unmap, then", "pci_error", "+0 52 01 04 ", None),
            ("RPCIT cc 3 at map, then", "pci_error", "+0 52 03 00 ", None),
            ("something else", "log", "+4 a", None),
        ] {
            let found = cause(row, place, &[line.to_owned()]);
            assert_eq!(found.is_some(), start.is_some(), "{row}: {place}: {line}: {found:?}");
            assert!(found.unwrap_or_default().starts_with(start.unwrap_or_default()), "{row}: {found:?}");
        }
    }

    #[test]
    fn every_line_has_to_be_explained() {
        let lines = ["+0 52 03 00 ", "+0 20 00 00 ", "+4 anything"].map(str::to_owned);
        assert!(cause("RPCIT cc 3 at unmap, then", "pci_error", &lines[..2]).is_some());
        assert_eq!(cause("RPCIT cc 3 at unmap, then", "pci_error", &lines), None);
    }

    #[test]
    fn causes_that_were_not_found_are_named_once() {
        let all = not_found(&[]);
        assert_eq!(all.len(), KNOWN.len() - 1);
        assert!(not_found(&all).is_empty());
        assert_eq!(not_found(&all[1..]), [STOPS]);
    }
}
