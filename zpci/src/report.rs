// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What was found in some bytes.

/// What was found in some bytes: fields, what is wrong with them, and what is worth a word.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What the bytes are, for programs.
    pub kind: &'static str,
    /// What the bytes are, for people.
    pub title: String,
    /// One line that says all.
    pub headline: String,
    /// Response code, for a command that was answered.
    pub response_code: Option<u16>,
    /// Whether the machine refused what was asked, so that there are no fields.
    pub is_refused: bool,
    /// The fields, in ascending order.
    pub sections: Vec<Section>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is worth a word.
    pub notes: Vec<String>,
}

/// Fields that belong together.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Its name, for people and programs.
    pub name: String,
    /// The name of the list that it is an element of, for programs.
    pub list: Option<&'static str>,
    /// What it says in short, where that is enough; one line for each of several things.
    pub summary: String,
    /// The fields.
    pub rows: Vec<Row>,
}

/// A field with its value.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Offset in bytes from the start of the input.
    pub offset: usize,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Name, Linux's where it has one.
    pub name: String,
    /// Value, for programs: a number in hexadecimal, digits without `0x` for bytes that are no number.
    pub value: String,
    /// Value, for people.
    pub text: String,
    /// What the field means.
    pub meaning: &'static str,
    /// Whether it is in no use that is known.
    pub is_reserved: bool,
    /// Whether it says nothing of interest, and is shown on demand alone.
    pub is_minor: bool,
}

/// A rule that is broken.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Offset in bytes of what is wrong, from the start of the input.
    pub offset: usize,
    /// Number of bytes.
    pub length: usize,
    /// Name of the field.
    pub field: String,
    /// What the field must be.
    pub rule: String,
    /// What is wrong, in a sentence without its end.
    pub text: String,
}

impl Report {
    /// The value of the field `name` of the section `section`.
    pub fn value(&self, section: &str, name: &str) -> Option<&str> {
        let section = self.sections.iter().find(|it| it.name == section)?;
        section.rows.iter().find(|row| row.name == name).map(|row| row.value.as_str())
    }

    /// Whether nothing is wrong and nothing was refused.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && !self.is_refused
    }

    /// Says what is wrong at `offset`.
    pub(crate) fn complain(&mut self, offset: usize, length: usize, field: &str, rule: &str, text: String) {
        let problem = Problem { offset, length, field: field.to_owned(), rule: rule.to_owned(), text };
        self.problems.push(problem);
    }
}
