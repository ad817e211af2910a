// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Test results as text: the Kernel Test Anything Protocol, version 1.
//!
//! The format is `Documentation/dev-tools/ktap.rst` of Linux; `tools/testing/kunit/kunit.py parse` reads it.

use core::fmt::{self, Display, Write};

/// One level of results: a plan, and a line for each test of it.
#[derive(Debug)]
pub struct Ktap<W> {
    out: W,
    /// 0 for the outermost level.
    depth: usize,
    /// Number of the last result.
    number: u32,
}

impl<W: Write> Ktap<W> {
    /// Starts the outermost level, in which `plan` results will follow.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, plan: usize) -> Result<Self, fmt::Error> {
        let mut ktap = Self { out, depth: 0, number: 0 };
        ktap.line(format_args!("KTAP version 1"))?;
        ktap.line(format_args!("1..{plan}"))?;
        Ok(ktap)
    }

    /// Starts a level below this one, whose `plan` results add up to the next result of this one.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn subtest(&mut self, name: &str, plan: usize) -> Result<Ktap<&mut W>, fmt::Error> {
        let mut ktap = Ktap { out: &mut self.out, depth: self.depth.saturating_add(1), number: 0 };
        ktap.line(format_args!("KTAP version 1"))?;
        ktap.line(format_args!("# Subtest: {}", Plain(name)))?;
        ktap.line(format_args!("1..{plan}"))?;
        Ok(ktap)
    }

    /// Writes text for people, each line of it on a line of its own.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn diagnostic(&mut self, text: impl Display) -> fmt::Result {
        let mut lines = Lines { out: &mut self.out, depth: self.depth, at_start: true };
        write!(lines, "{text}")?;
        lines.finish()
    }

    /// Writes that the next test passed.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn ok(&mut self, name: &str) -> fmt::Result {
        let number = self.next();
        self.line(format_args!("ok {number} {}", Plain(name)))
    }

    /// Writes that the next test failed.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn not_ok(&mut self, name: &str) -> fmt::Result {
        let number = self.next();
        self.line(format_args!("not ok {number} {}", Plain(name)))
    }

    /// Writes that the next test was not run, and why.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn skip(&mut self, name: &str, reason: &str) -> fmt::Result {
        let number = self.next();
        self.line(format_args!("ok {number} {} # SKIP {}", Plain(name), Plain(reason)))
    }

    fn next(&mut self) -> u32 {
        self.number = self.number.saturating_add(1);
        self.number
    }

    fn line(&mut self, content: fmt::Arguments<'_>) -> fmt::Result {
        indent(&mut self.out, self.depth)?;
        self.out.write_fmt(content)?;
        self.out.write_char('\n')
    }
}

/// Two spaces for each level.
fn indent(out: &mut impl Write, depth: usize) -> fmt::Result {
    for _ in 0..depth {
        out.write_str("  ")?;
    }
    Ok(())
}

/// A name or a reason: what would end the line or start a directive is replaced.
struct Plain<'a>(&'a str);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            let plain = match character {
                '#' => '_',
                other if other.is_control() => ' ',
                other => other,
            };
            f.write_char(plain)?;
        }
        Ok(())
    }
}

/// Puts `# ` before every line.
struct Lines<'a, W> {
    out: &'a mut W,
    depth: usize,
    at_start: bool,
}

impl<W: Write> Lines<'_, W> {
    fn finish(&mut self) -> fmt::Result {
        if self.at_start {
            return Ok(());
        }
        self.out.write_char('\n')
    }
}

impl<W: Write> Write for Lines<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.at_start {
                indent(self.out, self.depth)?;
                self.out.write_str("# ")?;
            }
            self.out.write_char(character)?;
            self.at_start = character == '\n';
        }
        Ok(())
    }
}
