// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What two kernels recorded, in their debug views and their logs, while the same was done to them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::cause::{cause, not_found};

/// How many lines of a piece are shown.
const SHOWN: usize = 8;

/// One line: `# zpci-record: {...}`.
#[derive(Debug, Deserialize)]
struct Record {
    row: String,
    r#in: String,
    level: u32,
    text: String,
}

/// Of which the records are compared as a whole.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Piece {
    boot: String,
    /// What was done.
    row: String,
    /// The debug view, or the log.
    place: String,
}

/// The records of one kernel, by piece in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Records(BTreeMap<Piece, Vec<String>>);

impl Records {
    /// Adds what the guest said in `boot`.
    ///
    /// # Errors
    ///
    /// It is no record.
    pub(super) fn add(&mut self, boot: &str, said: &Value) -> Result<()> {
        let Record { row, r#in: place, level, text } = Record::deserialize(said)?;
        let piece = Piece { boot: boot.to_owned(), row, place };
        self.0.entry(piece).or_default().push(format!("{level} {text}"));
        Ok(())
    }

    fn of(&self, piece: &Piece) -> &[String] {
        self.0.get(piece).map_or(&[], Vec::as_slice)
    }
}

/// A piece of which the records are not the same.
#[derive(Debug)]
pub(super) struct Difference {
    piece: Piece,
    /// Why, if that is known.
    cause: Option<&'static str>,
    /// Behind `-` what the first kernel alone recorded, behind `+` what the second one did.
    lines: Vec<String>,
}

/// The records of two kernels side by side.
#[derive(Debug)]
pub(super) struct Recorded {
    /// In how many pieces either kernel recorded something.
    pieces: usize,
    /// Whether both did.
    is_of_both: bool,
    different: Vec<Difference>,
}

impl Recorded {
    /// Compares the records of the stock driver and of this one, of the boots for which `is_compared`.
    pub(super) fn new(first: &Records, second: &Records, is_compared: impl Fn(&str) -> bool) -> Self {
        let [in_first, in_second] =
            [first, second].map(|side| side.0.keys().filter(|piece| is_compared(&piece.boot)).collect::<BTreeSet<_>>());
        let pieces: BTreeSet<&Piece> = in_first.union(&in_second).copied().collect();
        let differ = pieces.iter().filter(|piece| first.of(piece) != second.of(piece));
        let different = differ.map(|&piece| {
            let lines = differing(first.of(piece), second.of(piece));
            Difference { piece: piece.clone(), cause: cause(&piece.row, &piece.place, &lines), lines }
        });
        let is_of_both = !in_first.is_empty() && !in_second.is_empty();
        Self { pieces: pieces.len(), is_of_both, different: different.collect() }
    }

    /// Whether both kernels recorded something, and it is known why what differs does.
    pub(super) fn passed(&self) -> bool {
        self.is_of_both && self.unexplained() == 0
    }

    /// How many pieces differ, and nobody has said why.
    fn unexplained(&self) -> usize {
        self.different.iter().filter(|difference| difference.cause.is_none()).count()
    }
}

/// The lines that only one of the two has.
fn differing(first: &[String], second: &[String]) -> Vec<String> {
    let [first, second] = [first, second].map(|lines| lines.iter().map(String::as_str).collect::<Vec<_>>());
    let diff = TextDiff::from_slices(&first, &second);
    let changes = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal);
    changes.map(|change| format!("{}{}", change.tag(), change.value())).collect()
}

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (different, unexplained) = (self.different.len(), self.unexplained());
        writeln!(
            f,
            "\n{} pieces in which either kernel recorded something, {different} differ, {unexplained} of them for no known cause",
            self.pieces
        )?;
        if !self.is_of_both {
            writeln!(f, "  One of the kernels recorded nothing, which is wrong")?;
        }
        let causes: BTreeSet<_> = self.different.iter().map(|difference| difference.cause).collect();
        for cause in causes {
            let of_cause = || self.different.iter().filter(|difference| difference.cause == cause);
            writeln!(f, "\n  {}: {}", of_cause().count(), cause.unwrap_or("for no known cause"))?;
            for Difference { piece: Piece { boot, row, place }, lines, .. } in of_cause() {
                writeln!(f, "    {boot}: {row}: {place}")?;
                lines.iter().take(SHOWN).try_for_each(|line| writeln!(f, "      {line}"))?;
                if lines.len() > SHOWN {
                    writeln!(f, "      and {} more", lines.len() - SHOWN)?;
                }
            }
        }
        let found: Vec<_> = self.different.iter().filter_map(|difference| difference.cause).collect();
        not_found(&found).into_iter().try_for_each(|cause| writeln!(f, "\n  0, which is known of others: {cause}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Records of one boot, each of a row, a place and a text.
    fn records(lines: &[[&str; 3]]) -> Records {
        let mut records = Records::default();
        for [row, place, text] in lines {
            records.add("instructions", &json!({"row": row, "in": place, "level": 0, "text": text})).unwrap();
        }
        records
    }

    const ROW: &str = "RPCIT cc 3 at map, then";

    #[test]
    fn equal_records_do_not_differ() {
        let lines = [[ROW, "pci_msg", "a"], [ROW, "log", "b"], [ROW, "log", "c"]];
        let compared = Recorded::new(&records(&lines), &records(&lines), |_| true);
        assert_eq!((compared.pieces, compared.different.len()), (2, 0));
    }

    #[test]
    fn what_one_kernel_alone_recorded_is_shown() {
        let first = records(&[[ROW, "log", "a"], [ROW, "log", "b"]]);
        let second = records(&[[ROW, "log", "b"], [ROW, "log", "c"], [ROW, "pci_msg", "d"]]);
        let compared = Recorded::new(&first, &second, |_| true);
        assert_eq!((compared.pieces, compared.unexplained()), (2, 2));
        let text = compared.to_string();
        assert!(text.contains("\n    instructions: RPCIT cc 3 at map, then: log\n      -0 a\n      +0 c\n"), "{text}");
        assert!(text.contains(": pci_msg\n      +0 d\n"), "{text}");
    }

    #[test]
    fn a_difference_with_a_known_cause_is_none_that_nobody_explained() {
        let first = records(&[[ROW, "log", "a"]]);
        let second = records(&[["RPCIT cc 3 at unmap, then", "pci_error", "52 03 00"], [ROW, "log", "a"]]);
        let compared = Recorded::new(&first, &second, |_| true);
        assert_eq!((compared.different.len(), compared.unexplained()), (1, 0));
        assert!(compared.passed());
        assert!(compared.to_string().contains("\n  1: what empty tables covered"), "{compared}");
    }

    #[test]
    fn of_many_lines_some_are_shown() {
        let second = records(&[[ROW, "log", "a"]; SHOWN + 2]);
        let text = Recorded::new(&records(&[]), &second, |_| true).to_string();
        assert_eq!(text.matches("+0 a\n").count(), SHOWN);
        assert!(text.contains("      and 2 more\n"), "{text}");
    }

    #[test]
    fn nothing_is_no_pass() {
        let (nothing, something) = (records(&[]), records(&[["RPCIT refused at map, then", "log", "a"]]));
        for [first, second] in [[&nothing, &nothing], [&nothing, &something], [&something, &nothing]] {
            let compared = Recorded::new(first, second, |_| true);
            assert!(!compared.passed());
            assert!(compared.to_string().contains("recorded nothing"), "{compared}");
        }
        assert!(Recorded::new(&something, &something, |_| true).passed());
    }

    #[test]
    fn another_order_is_a_difference() {
        let [first, second] = [["a", "b"], ["b", "a"]].map(|texts| records(&texts.map(|text| [ROW, "log", text])));
        assert_eq!(Recorded::new(&first, &second, |_| true).unexplained(), 1);
    }

    #[test]
    fn a_boot_that_is_not_compared_is_left_out() {
        let first = records(&[[ROW, "log", "a"]]);
        let compared = Recorded::new(&first, &records(&[]), |boot| boot != "instructions");
        assert_eq!((compared.pieces, compared.unexplained()), (0, 0));
    }

    #[test]
    fn what_is_no_record_is_refused() {
        assert!(Records::default().add("lazy", &json!({"row": ROW})).is_err());
    }
}
