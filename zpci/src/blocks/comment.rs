// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Lines of comments, which programs of mail do not break.

/// Most columns of a line. Programs of mail break what has 72 or more, and what is behind the break would be no comment.
const COLUMNS: usize = 71;

/// How a line goes on; no heading of a block starts so.
const CONTINUATION: &str = "#   ";

/// `text` as lines of comments, broken at blanks. A word that is longer than a line stays whole.
pub(crate) fn comment(text: &str) -> String {
    let mut lines = "#".to_owned();
    let mut column = 1;
    for (index, word) in text.split([' ', '\n']).enumerate() {
        let width = word.chars().count();
        if index > 0 && column + 1 + width > COLUMNS {
            lines.push('\n');
            lines.push_str(CONTINUATION);
            column = CONTINUATION.len();
        } else {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += width;
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks() {
        assert_eq!(comment("one two"), "# one two\n");
        let long = "x".repeat(80);
        assert_eq!(comment(&format!("a {long} b")), format!("# a\n#   {long}\n#   b\n"));
        // 71 columns are no reason to break, and one more is.
        let word = "y".repeat(67);
        assert_eq!(comment(&format!("z {word}")), format!("# z {word}\n"));
        assert_eq!(comment(&format!("zz {word}")), format!("# zz\n#   {word}\n"));
        assert_eq!(comment("one\ntwo"), "# one two\n");
    }
}
