// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The block that is added to the end of a file of the kernel's, between two lines that mark it.

const BEGIN: &str = "\n# zpci-rust: begin\n";
const END: &str = "# zpci-rust: end\n";

/// `text` with `block` at its end, in place of a block that is there already.
pub(super) fn with(text: &str, block: &str) -> String {
    let without = without(text);
    format!("{}{BEGIN}{block}{END}", without.as_deref().unwrap_or(text))
}

/// `text` without its block; nothing where it has none.
pub(super) fn without(text: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_and_goes() {
        for text in ["obj-y += a.o\n", "obj-y += a.o", ""] {
            let edited = with(text, "obj-y += b.o\n");
            assert_eq!(edited, format!("{text}\n# zpci-rust: begin\nobj-y += b.o\n# zpci-rust: end\n"));
            assert_eq!(without(&edited).as_deref(), Some(text));
            assert_eq!(with(&edited, "obj-y += b.o\n"), edited);
            assert_eq!(without(text), None);
        }
    }

    #[test]
    fn what_others_added_behind_it_stays() {
        let edited = with("one\n", "block\n") + "two\n";
        assert_eq!(without(&edited).as_deref(), Some("one\ntwo\n"));
    }
}
