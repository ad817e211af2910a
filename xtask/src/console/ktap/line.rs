// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One line of KTAP.

use super::Verdict;

/// Columns of a tab.
const TAB: usize = 8;

/// A line that means something.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Line<'a> {
    /// `KTAP version 1`, or TAP of any version.
    Version,
    /// `1..N`, and the reason if it says that all tests are skipped.
    Plan(u64, Option<&'a str>),
    /// `ok N - name # SKIP reason`.
    Result(TestLine<'a>),
    /// `# Subtest: name`.
    Subtest,
    /// `# text`, without the `#` and one space behind it.
    Diagnostic(&'a str),
    /// `Bail out! reason`.
    BailOut(&'a str),
}

impl<'a> Line<'a> {
    /// Reads `raw` and returns the columns in front of it, `None` if it is not KTAP.
    ///
    /// A kernel may have put a time stamp, and who printed the line, in front of everything.
    pub(super) fn parse(raw: &'a str) -> Option<(usize, Self)> {
        let raw = raw.trim_end();
        let (indentation, text) = indentation(raw);
        if let Some(line) = Self::of_text(text) {
            return Some((indentation, line));
        }
        let (indentation, text) = indentation_behind_stamp(raw)?;
        Some((indentation, Self::of_text(text)?))
    }

    fn of_text(text: &'a str) -> Option<Self> {
        if text == "KTAP version 1" || text.strip_prefix("TAP version ").is_some_and(|it| it.parse::<u32>().is_ok()) {
            return Some(Self::Version);
        }
        if let Some(comment) = text.strip_prefix('#') {
            let comment = comment.strip_prefix(' ').unwrap_or(comment);
            let is_subtest = comment.starts_with("Subtest:");
            return Some(if is_subtest { Self::Subtest } else { Self::Diagnostic(comment) });
        }
        if let Some(reason) = strip_prefix_in_any_case(text, "bail out!") {
            return Some(Self::BailOut(reason.trim()));
        }
        if let Some(rest) = text.strip_prefix("1..") {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (count, rest) = rest.split_at(end);
            let (_, directive) = Directive::split(rest);
            let reason = directive.filter(|it| it.word == Word::Skip).map(|it| it.reason);
            return Some(Self::Plan(count.parse().ok()?, reason));
        }
        TestLine::parse(text).map(Self::Result)
    }
}

/// The columns in front of the text, and the text.
fn indentation(line: &str) -> (usize, &str) {
    let text = line.trim_start_matches([' ', '\t']);
    let blanks = &line[..line.len() - text.len()];
    (blanks.chars().map(|blank| if blank == '\t' { TAB } else { 1 }).sum(), text)
}

/// The same behind `<6>[    1.234567][    T1] `, `None` if there is nothing of the kind.
fn indentation_behind_stamp(line: &str) -> Option<(usize, &str)> {
    let level = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let rest = match level {
        Some((level, rest)) if level.parse::<u32>().is_ok() => rest,
        _ => line,
    };
    let (stamp, mut rest) = rest.strip_prefix('[')?.split_once(']')?;
    let (seconds, fraction) = stamp.trim_start().split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    if let Some((_, behind)) = rest.strip_prefix('[').and_then(|caller| caller.split_once(']')) {
        rest = behind;
    }
    Some(indentation(rest.strip_prefix(' ').unwrap_or(rest)))
}

fn strip_prefix_in_any_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A line `ok N - name # SKIP reason`.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct TestLine<'a> {
    /// `None` for a failure that has no number, as TAP allows.
    pub(super) number: Option<u64>,
    pub(super) name: &'a str,
    pub(super) verdict: Verdict,
}

impl<'a> TestLine<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (passed, rest) = match text.strip_prefix("not ok") {
            Some(rest) => (false, rest),
            None => (true, text.strip_prefix("ok")?),
        };
        if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
            return None;
        }
        let blanks = rest.len() - rest.trim_start().len();
        let end = rest[blanks..].find(char::is_whitespace).map_or(rest.len(), |end| blanks + end);
        let number = rest[blanks..end].parse().ok();
        let (name, directive) = Directive::split(if number.is_some() { &rest[end..] } else { rest });
        let name = name.trim();
        let name = name.strip_prefix('-').map_or(name, str::trim_start);
        let verdict = match (passed, directive) {
            (_, Some(Directive { word: Word::Skip, reason })) => Verdict::Skipped(reason.to_owned()),
            (_, Some(Directive { word: Word::Failure, .. })) | (false, _) => Verdict::Failed,
            (true, _) => Verdict::Passed,
        };
        // Without a number it may be any sentence that starts with "ok"; a failure is taken for one all the same.
        (number.is_some() || !passed).then_some(Self { number, name, verdict })
    }
}

/// What follows the `#` of a result or a plan.
#[derive(Debug, Eq, PartialEq)]
struct Directive<'a> {
    word: Word,
    reason: &'a str,
}

#[derive(Debug, Eq, PartialEq)]
enum Word {
    /// `SKIP`: it was not run.
    Skip,
    /// `TIMEOUT` or `ERROR`: it did not come to a result.
    Failure,
}

impl<'a> Directive<'a> {
    /// Splits a line into what comes before the directive, and the directive, if there is one.
    ///
    /// A `#` behind a blank starts one if a word that is known follows, in any case. What else follows `# ` is a remark and
    /// is left out.
    fn split(text: &'a str) -> (&'a str, Option<Self>) {
        let marks = text.match_indices('#').map(|(at, _)| at);
        let mut behind_blank = marks.filter(|&at| at == 0 || text[..at].ends_with([' ', '\t']));
        let mut remark = text.len();
        let directive = behind_blank.find_map(|at| {
            let rest = &text[at + 1..];
            if rest.is_empty() || rest.starts_with([' ', '\t']) {
                remark = remark.min(at);
            }
            let rest = rest.trim_start();
            let end = rest.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(rest.len());
            let word = match rest[..end].to_ascii_uppercase().as_str() {
                "SKIP" | "SKIPPED" => Word::Skip,
                "TIMEOUT" | "ERROR" => Word::Failure,
                _ => return None,
            };
            Some((at, Self { word, reason: rest[end..].trim_start_matches(':').trim() }))
        });
        match directive {
            Some((at, directive)) => (&text[..at.min(remark)], Some(directive)),
            None => (&text[..remark], None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(text: &str) -> (Option<u64>, &str, Verdict) {
        match Line::parse(text) {
            Some((0, Line::Result(line))) => (line.number, line.name, line.verdict),
            other => panic!("{text}: {other:?}"),
        }
    }

    fn skipped(reason: &str) -> Verdict {
        Verdict::Skipped(reason.to_owned())
    }

    #[test]
    fn directives_in_any_case_and_behind_any_blank() {
        for text in [
            "ok 1 a # SKIP why",
            "ok 1 - a # skip why",
            "ok 1 a\t# Skip why",
            "ok 1 a  #SKIP: why",
            "ok 1 a #\tskipped why",
            "not ok 1 a # SKIP why",
            "ok 1 a # took 3 ms # skip why",
        ] {
            assert_eq!(result(text), (Some(1), "a", skipped("why")), "{text}");
        }
        assert_eq!(result("ok 1 # SKIP"), (Some(1), "", skipped("")));
        assert_eq!(result("ok 1 a # TIMEOUT"), (Some(1), "a", Verdict::Failed));
        assert_eq!(result("ok 1 a # error no device"), (Some(1), "a", Verdict::Failed));
        assert_eq!(result("not ok 1 a # XFAIL later"), (Some(1), "a", Verdict::Failed));
    }

    #[test]
    fn what_is_no_directive() {
        assert_eq!(result("ok 1 a # skipping nothing"), (Some(1), "a", Verdict::Passed));
        assert_eq!(result("ok 1 device #3 of 4"), (Some(1), "device #3 of 4", Verdict::Passed));
        assert_eq!(result("ok 1 a#skip"), (Some(1), "a#skip", Verdict::Passed));
        assert_eq!(result("not ok 2 #skip1"), (Some(2), "#skip1", Verdict::Failed));
    }

    #[test]
    fn results_without_a_number() {
        assert_eq!(result("not ok"), (None, "", Verdict::Failed));
        assert_eq!(result("not ok - b"), (None, "b", Verdict::Failed));
        assert_eq!(result("not ok 1..3 selftests: vfio"), (None, "1..3 selftests: vfio", Verdict::Failed));
        assert_eq!(result("not ok 3\tb"), (Some(3), "b", Verdict::Failed));
        assert_eq!(Line::parse("ok then"), None);
        assert_eq!(Line::parse("okay 1 a"), None);
    }

    #[test]
    fn plans() {
        assert_eq!(Line::parse("1..2"), Some((0, Line::Plan(2, None))));
        assert_eq!(Line::parse("  1..0 # SKIP no device"), Some((2, Line::Plan(0, Some("no device")))));
        assert_eq!(Line::parse("1..0 # skip"), Some((0, Line::Plan(0, Some("")))));
        assert_eq!(Line::parse("1..3 # of them"), Some((0, Line::Plan(3, None))));
        assert_eq!(Line::parse("1..x"), None);
    }

    #[test]
    fn time_stamps() {
        for stamp in ["[    0.123456] ", "[12345.1] ", "<6>[    0.123456] ", "[    0.123456][    T1] ", "[ 1.2][ C0] "]
        {
            let line = format!("{stamp}    not ok 2 b");
            let Some((4, Line::Result(found))) = Line::parse(&line) else { panic!("{line}") };
            assert_eq!((found.number, found.verdict), (Some(2), Verdict::Failed));
            assert_eq!(Line::parse(&format!("{stamp}KTAP version 1")), Some((0, Line::Version)));
            assert_eq!(Line::parse(&format!("{stamp}a kernel message")), None);
        }
        for line in ["[a.b] ok 1 c", "[1] ok 1 c", "[ ok 1 c", "<x>[1.2] ok 1 c", "[1.] ok 1 c"] {
            assert_eq!(Line::parse(line), None, "{line}");
        }
    }

    #[test]
    fn other_lines() {
        assert_eq!(Line::parse("TAP version 14"), Some((0, Line::Version)));
        assert_eq!(Line::parse("KTAP version 2"), None);
        assert_eq!(Line::parse("\t# Subtest: x"), Some((8, Line::Subtest)));
        assert_eq!(Line::parse("#  left"), Some((0, Line::Diagnostic(" left"))));
        assert_eq!(Line::parse("bail out!  no memory"), Some((0, Line::BailOut("no memory"))));
    }
}
