// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A structure, read by the table of its fields.

use clp::field::{Field, Kind, Layout, Order, Rule};
use s390_iommu::vfio::ByteOrder;

use super::text;
use crate::report::{Report, Row, Section};

/// A structure in the input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Structure<'a> {
    /// Its fields.
    pub(crate) layout: &'static Layout,
    /// Its bytes, all of them or as many as there are.
    pub(crate) bytes: &'a [u8],
    /// Where it is in the input.
    pub(crate) offset: usize,
    /// The order of bytes where the layout leaves that to the machine.
    pub(crate) order: ByteOrder,
}

impl<'a> Structure<'a> {
    /// A structure of the machine, which is big-endian.
    pub(crate) fn new(layout: &'static Layout, bytes: &'a [u8], offset: usize) -> Self {
        Self { layout, bytes, offset, order: ByteOrder::Big }
    }

    /// The bytes of a field.
    pub(crate) fn bytes_of(&self, field: &Field) -> Option<&'a [u8]> {
        self.bytes.get(field.offset..field.offset + field.length)
    }

    /// The number in the field `name`; `None` if the structure has no such field or ends before.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        number(self.order_of(), self.bytes_of(self.layout.field(name)?)?)
    }

    fn order_of(&self) -> ByteOrder {
        match self.layout.order {
            Order::Big => ByteOrder::Big,
            Order::Native => self.order,
        }
    }

    /// Reads the fields into a section, and complains of broken rules.
    pub(crate) fn read(&self, name: &str, report: &mut Report) -> Section {
        let mut section = Section { name: name.to_owned(), ..Section::default() };
        self.read_into(&mut section, report, "");
        section
    }

    /// Reads the fields into `section`; their names get `prefix`.
    pub(crate) fn read_into(&self, section: &mut Section, report: &mut Report, prefix: &str) {
        for field in self.layout.fields {
            let Some(bytes) = self.bytes_of(field) else {
                self.read_part(field, section, report, prefix);
                break;
            };
            self.read_field(field, bytes, section, report, prefix);
        }
    }

    /// Reads what there is of a field that the structure ends within.
    fn read_part(&self, field: &Field, section: &mut Section, report: &mut Report, prefix: &str) {
        let Some(bytes) = self.bytes.get(field.offset..).filter(|bytes| !bytes.is_empty()) else {
            return;
        };
        if matches!(field.kind, Kind::Reserved | Kind::Structure(_)) {
            self.read_field(field, bytes, section, report, prefix);
            return;
        }
        section.rows.push(Row {
            offset: self.offset + field.offset,
            bytes: bytes.to_vec(),
            name: format!("{prefix}{}", field.shown_name()),
            value: text::digits(bytes),
            text: format!("cut off: {} of {} bytes", bytes.len(), field.length),
            meaning: field.meaning,
            ..Row::default()
        });
    }

    fn read_field(&self, field: &Field, bytes: &'a [u8], section: &mut Section, report: &mut Report, prefix: &str) {
        let size = (field.length / field.elements).max(1);
        if let Kind::Structure(layout) = field.kind {
            for (index, bytes) in bytes.chunks(size).enumerate() {
                let offset = self.offset + field.offset + index * size;
                let inner = Self { layout, bytes, offset, order: self.order };
                let prefix = match (field.elements, field.shown_name()) {
                    (1, _) => prefix.to_owned(),
                    (_, name) => format!("{prefix}{name}[{index}]."),
                };
                let first = section.rows.len();
                inner.read_into(section, report, &prefix);
                if field.elements > 1 && bytes.iter().all(|byte| *byte == 0) {
                    section.rows.iter_mut().skip(first).for_each(|row| row.is_minor = true);
                }
            }
            return;
        }
        // Bytes that belong together are one row, whatever they are.
        let is_one = field.elements == 1 || size == 1;
        let step = if is_one { field.length } else { size };
        for (index, bytes) in bytes.chunks(step).enumerate() {
            let name = match is_one {
                true => format!("{prefix}{}", field.shown_name()),
                false => format!("{prefix}{}[{index}]", field.shown_name()),
            };
            let offset = self.offset + field.offset + index * step;
            let is_zero = bytes.iter().all(|byte| *byte == 0);
            let is_reserved = matches!(field.kind, Kind::Reserved);
            section.rows.push(Row {
                offset,
                bytes: bytes.to_vec(),
                text: text::of(field, bytes, self.order_of()),
                value: value(field, bytes, self.order_of()),
                meaning: field.meaning,
                is_reserved,
                is_minor: is_zero && (is_reserved || !is_one),
                name: name.clone(),
            });
            self.check(field, bytes, offset, &name, report);
        }
    }

    /// Complains of every rule of `field` that is broken.
    fn check(&self, field: &Field, bytes: &[u8], offset: usize, name: &str, report: &mut Report) {
        let title = self.layout.title;
        if field.rule == Rule::Zero {
            // Each run of bytes that are not zero by itself.
            let mut at = 0;
            for run in bytes.chunk_by(|one, other| (*one == 0) == (*other == 0)) {
                if run.first().is_some_and(|byte| *byte != 0) {
                    let text = format!("{title}: reserved field is 0x{}, must be zero", text::digits(run));
                    report.complain(offset + at, run.len(), "reserved", "zero", text);
                }
                at += run.len();
            }
            return;
        }
        let size = (field.length / field.elements).max(1);
        for (index, element) in bytes.chunks(size).enumerate() {
            let Some(number) = number(self.order_of(), element) else {
                continue;
            };
            let at = offset + index * size;
            let name = if size < bytes.len() { format!("{name}[{index}]") } else { name.to_owned() };
            let is_allowed = match field.rule {
                Rule::NotBelow(other) => self.number(other).is_none_or(|other| number >= other),
                rule => rule.allows(number),
            };
            if !is_allowed {
                let rule = match field.rule {
                    Rule::NotBelow(other) => {
                        let other = self.layout.field(other).map_or(other, Field::shown_name);
                        format!("not below {other}")
                    }
                    rule => rule.to_string(),
                };
                let text = match (field.kind, field.rule) {
                    (Kind::SizeLog2, Rule::AtMost(most)) => {
                        format!("{title}: BAR {index} has 2^{number} bytes, at most 2^{most}")
                    }
                    _ => format!("{title}: {name} is {number:#x}, must be {rule}"),
                };
                report.complain(at, element.len(), &name, &rule, text);
            }
            let Some(word) = field.word else {
                continue;
            };
            let is_anchor = matches!(field.kind, Kind::Anchor);
            if !is_anchor && number & word.reserved() != 0 {
                let bits = text::bits_of(word, number & word.reserved());
                let text = format!("{title}: {name} has reserved {bits} set, must be zero");
                report.complain(at, element.len(), &name, "reserved bits are zero", text);
            }
            for part in word.parts.iter().filter(|_| !is_anchor) {
                let value = word.value(part, number);
                if !part.rule.allows(value) {
                    let rule = part.rule.to_string();
                    let text = format!("{title}: {} is {value:#x}, must be {rule}", part.name);
                    report.complain(at, element.len(), part.name, &rule, text);
                }
            }
        }
    }
}

/// The number in `bytes`.
pub(crate) fn number(order: ByteOrder, bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 8 {
        return None;
    }
    let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    Some(match order {
        ByteOrder::Big => bytes.iter().fold(0, push),
        ByteOrder::Little => bytes.iter().rev().fold(0, push),
    })
}

/// The value of a field for programs.
fn value(field: &Field, bytes: &[u8], order: ByteOrder) -> String {
    let is_number = !matches!(field.kind, Kind::Reserved | Kind::Bytes | Kind::Text) && field.length == bytes.len();
    let is_array = field.elements > 1 && bytes.len() == field.length;
    let order = match (field.kind, order) {
        (Kind::LittleEndian, _) => ByteOrder::Little,
        (_, order) => order,
    };
    match number(order, bytes) {
        Some(number) if (is_number || field.length != bytes.len()) && !is_array => format!("{number:#x}"),
        _ => text::digits(bytes),
    }
}
