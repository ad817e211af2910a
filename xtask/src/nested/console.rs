// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The console of the first guest, cut into its cases; what the inner guest, its QEMU and its monitor said is told apart.

use serde::Serialize;

/// What stands before a line of an inner guest, of its QEMU, and of its monitor (`qemu-s390x/linux/inner.c`).
const INNER: &str = "# inner| ";
const MESSAGE: &str = "# inner-qemu| ";
const MONITOR: &str = "# inner-monitor| ";

/// Spaces before the result of a case of the suite.
const INDENTATION: &str = "    ";

/// One case of the first guest's suite.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub(crate) struct Part {
    /// What the case is called; empty for what comes after the last one.
    pub(crate) name: String,
    /// Whether it passed.
    pub(crate) passed: bool,
    /// What the inner guest printed.
    pub(crate) inner: Vec<String>,
    /// What its QEMU said.
    pub(crate) messages: Vec<String>,
    /// What its monitor said.
    pub(crate) monitor: Vec<String>,
    /// What the first guest and its kernel printed.
    pub(crate) outer: Vec<String>,
}

impl Part {
    /// What the first guest said why the case failed.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = &str> {
        self.outer.iter().filter_map(|line| line.trim().strip_prefix("# ")).filter(|line| !line.starts_with("zpci-"))
    }

    /// The values of `# zpci-KIND: JSON` among `lines`.
    pub(crate) fn facts(lines: &[String], kind: &str) -> Vec<serde_json::Value> {
        let start = format!("# zpci-{kind}: ");
        lines.iter().filter_map(|line| serde_json::from_str(line.trim().strip_prefix(&start)?).ok()).collect()
    }
}

/// Cuts the console into its cases, in their order.
pub(crate) fn parts(console: &[String]) -> Vec<Part> {
    let (mut parts, mut part) = (Vec::new(), Part::default());
    for line in console {
        let text = line.trim_start();
        if let Some(inner) = told(text, INNER) {
            part.inner.push(inner.to_owned());
        } else if let Some(message) = told(text, MESSAGE) {
            part.messages.push(message.to_owned());
        } else if let Some(said) = told(text, MONITOR) {
            part.monitor.push(said.to_owned());
        } else if let Some((passed, name)) = line.strip_prefix(INDENTATION).and_then(result) {
            (part.name, part.passed) = (name.to_owned(), passed);
            parts.push(std::mem::take(&mut part));
        } else {
            part.outer.push(line.clone());
        }
    }
    parts.push(part);
    parts
}

/// What follows `start`, of which the blank at the end is gone where nothing does.
fn told<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    text.strip_prefix(start).or_else(|| (text == start.trim_end()).then_some(""))
}

/// Whether a case passed, and its name, of a line `ok 3 name`.
fn result(line: &str) -> Option<(bool, &str)> {
    let (passed, rest) = match (line.strip_prefix("ok "), line.strip_prefix("not ok ")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return None,
    };
    let (number, name) = rest.split_once(' ')?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some((passed, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_goes_to_whom_it_is_from() {
        let console = "\
KTAP version 1
1..1
    KTAP version 1
    # Subtest: nested
    1..2
        # inner| KTAP version 1
        # inner|     ok 1 find
        # inner|
        # inner-qemu| vfio: something
        # inner-monitor| {\"event\": \"STOP\"}
[    1.0] zpci: an event
        # zpci-refused: {\"told\":\"nobody\"}
    ok 1 read-only
        # nested.c:1: QEMU ended with 1
    not ok 2 frame
not ok 1 nested";
        let console: Vec<_> = console.lines().map(str::to_owned).collect();
        let parts = parts(&console);
        assert_eq!(parts.len(), 3);
        assert_eq!((parts[0].name.as_str(), parts[0].passed), ("read-only", true));
        assert_eq!(parts[0].inner, ["KTAP version 1", "    ok 1 find", ""]);
        assert_eq!(parts[0].messages, ["vfio: something"]);
        assert_eq!(parts[0].monitor, ["{\"event\": \"STOP\"}"]);
        assert!(parts[0].outer.iter().any(|line| line == "[    1.0] zpci: an event"));
        assert_eq!(Part::facts(&parts[0].outer, "refused")[0]["told"], "nobody");
        assert_eq!((parts[1].name.as_str(), parts[1].passed), ("frame", false));
        assert_eq!(parts[1].reasons().collect::<Vec<_>>(), ["nested.c:1: QEMU ended with 1"]);
        assert_eq!(parts[2].outer, ["not ok 1 nested"]);
    }
}
