// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The block that is added to the end of a file of the kernel's, between two lines that mark it.

use anyhow::{bail, Result};

const BEGIN: &str = "\n# zpci-rust: begin\n";
const END: &str = "# zpci-rust: end\n";

/// `text`, which has none, with `block` at its end.
pub(super) fn with(text: &str, block: &str) -> String {
    format!("{text}{BEGIN}{block}{END}")
}

/// `text` without its block, and whether it has one.
///
/// # Errors
///
/// A mark has been moved or doubled, so that it is not known what is between them.
pub(super) fn without(text: &str) -> Result<(String, bool)> {
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (without, had_one) =
        parts.map_or_else(|| (text.to_owned(), false), |(before, after)| (format!("{before}{after}"), true));
    for mark in [BEGIN.trim(), END.trim()] {
        if without.lines().any(|line| line.trim() == mark) {
            bail!("the line \"{mark}\" is not where it was put");
        }
    }
    Ok((without, had_one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_and_goes() {
        for text in ["obj-y += a.o\n", "obj-y += a.o", ""] {
            let edited = with(text, "obj-y += b.o\n");
            assert_eq!(edited, format!("{text}\n# zpci-rust: begin\nobj-y += b.o\n# zpci-rust: end\n"));
            assert_eq!(without(&edited).unwrap(), (text.to_owned(), true));
            assert_eq!(without(text).unwrap(), (text.to_owned(), false));
        }
    }

    #[test]
    fn what_others_added_behind_it_stays() {
        let edited = with("one\n", "block\n") + "two\n";
        assert_eq!(without(&edited).unwrap(), ("one\ntwo\n".to_owned(), true));
    }

    #[test]
    fn marks_that_are_not_a_pair_are_refused() {
        let edited = with("one\n", "block\n");
        for wrong in [
            edited.replace("# zpci-rust: end\n", ""),
            edited.replace("\n# zpci-rust: begin\n", ""),
            edited.replace("one\n\n#", "one\n#").replace("one\n", "one"),
            edited.clone() + &edited,
        ] {
            assert!(without(&wrong).is_err(), "{wrong}");
        }
    }
}
