// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the bytes of a structure are called and mean: tables beside the structures, for decoders and documentation.
//!
//! [`layout!`](crate::layout) ties a table to its structure: offsets and lengths come from the structure itself, and a table
//! that leaves a field out, or has one that is not there, does not compile. The tables are data that nothing in a kernel
//! refers to, so a linker drops them.
//!
//! ```
//! use clp::list_pci;
//!
//! let field = list_pci::ENTRY.field("function_id").ok_or("no such field")?;
//! assert_eq!((field.offset, field.length, field.linux_name), (8, 4, Some("fid")));
//! let state = list_pci::ENTRY.field("state").and_then(|field| field.word).ok_or("no such field")?;
//! // Bits as the architecture counts them, from the most significant.
//! assert_eq!((state.parts[0].first, state.parts[0].last, state.parts[0].name), (0, 0, "configured"));
//! # Ok::<(), &str>(())
//! ```

use core::fmt;

/// A structure: its fields in ascending order, which together are all of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// What the structure is, in a few words.
    pub title: &'static str,
    /// What Linux calls it, and `None` if it does not know it.
    pub linux_name: Option<&'static str>,
    /// The order of the bytes in its numbers.
    pub order: Order,
    /// Size in bytes.
    pub size: usize,
    /// The fields.
    pub fields: &'static [Field],
}

/// The order of the bytes in a number.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Order {
    /// Highest byte first.
    Big,
    /// As the machine has it that made the structure.
    Native,
}

/// A field of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Offset in bytes.
    pub offset: usize,
    /// Length in bytes, of all elements together.
    pub length: usize,
    /// Number of elements that follow each other, all of the same length; 1 for a field that is no array.
    pub elements: usize,
    /// Name in the structure.
    pub name: &'static str,
    /// What Linux calls it, if it does.
    pub linux_name: Option<&'static str>,
    /// How it reads.
    pub kind: Kind,
    /// What it must be.
    pub rule: Rule,
    /// Its bits, if they have names.
    pub word: Option<&'static Word>,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

/// How a field reads.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind {
    /// In no use that is known.
    Reserved,
    /// A number of things, for people in decimal.
    Count,
    /// A number of bytes.
    Size,
    /// A size as a power of two, in bytes; 0: there is none.
    SizeLog2,
    /// A number of milliseconds.
    Milliseconds,
    /// A number that identifies or designates, for people in hexadecimal with all digits.
    Number,
    /// A number whose bytes are in the other order than those of the structure.
    LittleEndian,
    /// An address or the last byte of something.
    Address,
    /// Bytes, each for itself.
    Bytes,
    /// Text in EBCDIC, by code page 037.
    Text,
    /// Bits, which [`Field::word`] names.
    Bits,
    /// The format word of a header.
    Format,
    /// The code of a command, [`CommandCode`](crate::CommandCode).
    Command,
    /// A response code, [`ResponseCode`](crate::ResponseCode).
    Response,
    /// A function handle, [`FunctionHandle`](crate::FunctionHandle).
    Handle,
    /// A function type, [`FunctionType`](crate::FunctionType).
    FunctionType,
    /// What to do with a function, [`Operation`](crate::set_pci_fn::Operation).
    Operation,
    /// Designation types, [`DesignationTypes`](crate::DesignationTypes).
    DesignationTypes,
    /// The code of an event.
    Event,
    /// An I/O translation anchor.
    Anchor,
    /// A structure.
    Structure(&'static Layout),
}

/// What a field must be. What it breaks is a fault of the block, or one that this table does not know the use of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// Anything.
    Any,
    /// Zero, each byte of it.
    Zero,
    /// At most this number.
    AtMost(u64),
    /// At least this number.
    AtLeast(u64),
    /// This number.
    Is(u64),
    /// One of these numbers.
    OneOf(&'static [u64]),
    /// Not below the field of this name in the same structure.
    NotBelow(&'static str),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("anything"),
            Self::Zero => f.write_str("zero"),
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::AtLeast(least) => write!(f, "at least {least}"),
            Self::Is(value) => write!(f, "{value:#x}"),
            Self::OneOf(values) => {
                f.write_str("one of")?;
                values.iter().try_for_each(|value| write!(f, " {value:#x}"))
            }
            Self::NotBelow(other) => write!(f, "not below {other}"),
        }
    }
}

impl Rule {
    /// Whether a number keeps the rule; [`Self::NotBelow`] is not decided here, and kept.
    pub fn allows(self, value: u64) -> bool {
        match self {
            Self::Any | Self::NotBelow(_) => true,
            Self::Zero => value == 0,
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
            Self::Is(only) => value == only,
            Self::OneOf(values) => values.contains(&value),
        }
    }
}

/// A number whose bits have names.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// What it is, in a few words.
    pub title: &'static str,
    /// Number of bits.
    pub width: usize,
    /// The bits that have a name, in ascending order; the others are reserved.
    pub parts: &'static [Part],
}

impl Word {
    /// The bits without a name.
    pub fn reserved(&self) -> u64 {
        let all = self.width.checked_sub(1).map_or(0, |last| mask(self.width, 0, last));
        self.parts.iter().fold(all, |rest, part| rest & !mask(self.width, part.first, part.last))
    }

    /// The value of `part` in `value`.
    pub fn value(&self, part: &Part, value: u64) -> u64 {
        let shift = self.width.saturating_sub(1).saturating_sub(part.last);
        (value & mask(self.width, part.first, part.last)).checked_shr(shift as u32).unwrap_or(0)
    }
}

/// The bits `first` to `last` of a number with `width` bits, counted from the most significant.
const fn mask(width: usize, first: usize, last: usize) -> u64 {
    let low = width.saturating_sub(1).saturating_sub(last);
    let count = last.saturating_sub(first).saturating_add(1);
    let ones = match u64::MAX.checked_shr(64_usize.saturating_sub(count) as u32) {
        Some(ones) => ones,
        None => 0,
    };
    match ones.checked_shl(low as u32) {
        Some(mask) => mask,
        None => 0,
    }
}

/// Some bits of a number, counted as the architecture does, from the most significant.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// First bit.
    pub first: usize,
    /// Last bit, inclusive.
    pub last: usize,
    /// Name in the structure.
    pub name: &'static str,
    /// What Linux calls it, if it does.
    pub linux_name: Option<&'static str>,
    /// What it must be.
    pub rule: Rule,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

impl Part {
    /// The `bits` bits that lie `offset` bits above the least significant of a number with `width` bits.
    ///
    /// Where `bitfield_struct` made the number, it made the constants for the two as well. A name of Linux that is empty is
    /// none.
    pub const fn new(
        width: usize,
        (offset, bits): (usize, usize),
        name: &'static str,
        linux_name: &'static str,
        meaning: &'static str,
    ) -> Self {
        let last = width.saturating_sub(offset).saturating_sub(1);
        let first = last.saturating_sub(bits.saturating_sub(1));
        Self { first, last, name, linux_name: some(linux_name), rule: Rule::Any, meaning }
    }

    /// The same, with a rule.
    pub const fn must(self, rule: Rule) -> Self {
        Self { rule, ..self }
    }
}

/// `None` for a name that is empty.
#[doc(hidden)]
pub const fn some(name: &'static str) -> Option<&'static str> {
    if name.is_empty() {
        None
    } else {
        Some(name)
    }
}

/// Size in bytes of what `of` refers to.
#[doc(hidden)]
pub const fn size_of_field<S, F>(_of: fn(&S) -> &F) -> usize {
    size_of::<F>()
}

/// Number of elements of the array that `of` refers to.
#[doc(hidden)]
pub const fn elements_of_field<S, F, const N: usize>(_of: fn(&S) -> &[F; N]) -> usize {
    N
}

/// Makes the [`Layout`] of a structure, tied to it.
///
/// ```
/// use clp::field::{Kind, Order, Rule};
/// use zerocopy::big_endian::U16;
///
/// #[repr(C)]
/// struct Pair {
///     first: U16,
///     others: [U16; 3],
/// }
///
/// clp::layout! {
///     /// The fields of [`Pair`].
///     static PAIR: Pair = "a pair", "", Order::Big;
///     first: Kind::Count, "", "The first", rule Rule::AtMost(7);
///     others[]: Kind::Number, "", "The others";
/// }
/// assert_eq!((PAIR.size, PAIR.fields[1].offset, PAIR.fields[1].elements), (8, 2, 3));
/// ```
///
/// A table without one of the fields does not compile:
///
/// ```compile_fail,E0027
/// # use clp::field::{Kind, Order};
/// # struct Pair { first: u16, second: u16 }
/// clp::layout! {
///     static PAIR: Pair = "a pair", "", Order::Big;
///     first: Kind::Count, "", "The first";
/// }
/// ```
#[macro_export]
macro_rules! layout {
    (
        $(#[$attribute:meta])*
        $visibility:vis static $table:ident: $structure:ident = $title:literal, $linux:literal, $order:expr;
        $($field:ident $([$($element:tt)?])?: $kind:expr, $linux_name:literal, $meaning:literal
            $(, rule $rule:expr)? $(, word $word:expr)?;)*
    ) => {
        $(#[$attribute])*
        $visibility static $table: $crate::field::Layout = $crate::field::Layout {
            title: $title,
            linux_name: $crate::field::some($linux),
            order: $order,
            size: size_of::<$structure>(),
            fields: {
                // Each field once, and all of them.
                const _: fn(&$structure) = |structure| {
                    let $structure { $($field: _),* } = structure;
                };
                &[$($crate::field::Field {
                    offset: ::core::mem::offset_of!($structure, $field),
                    length: $crate::field::size_of_field(|structure: &$structure| &structure.$field),
                    elements: $crate::layout!(@elements $structure, $field $([$($element)?])?),
                    name: stringify!($field),
                    linux_name: $crate::field::some($linux_name),
                    kind: $kind,
                    rule: $crate::layout!(@rule $($rule)?),
                    word: $crate::layout!(@word $($word)?),
                    meaning: $meaning,
                }),*]
            },
        };
    };
    (@elements $structure:ident, $field:ident) => { 1 };
    (@elements $structure:ident, $field:ident []) => {
        $crate::field::elements_of_field(|structure: &$structure| &structure.$field)
    };
    (@rule) => { $crate::field::Rule::Any };
    (@rule $rule:expr) => { $rule };
    (@word) => { None };
    (@word $word:expr) => { Some($word) };
}

/// Implements `Debug` for a structure by its [`Layout`]: numbers in hexadecimal.
#[macro_export]
macro_rules! debug_by_layout {
    ($structure:ty, $table:ident) => {
        impl ::core::fmt::Debug for $structure {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $table.debug(stringify!($structure), ::zerocopy::IntoBytes::as_bytes(self), f)
            }
        }
    };
}

impl Layout {
    /// The field with this name in the structure.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Writes `bytes`, the structure as it is in storage of this machine, in the form of `Debug`, numbers in hexadecimal
    /// and without reserved fields that are zero.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    pub fn debug(&self, name: &str, bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_struct(name);
        for field in self.fields {
            let bytes = bytes.get(field.offset..field.offset.saturating_add(field.length)).unwrap_or_default();
            if !matches!(field.kind, Kind::Reserved) || bytes.iter().any(|&byte| byte != 0) {
                list.field(field.name, &FieldValue { field, order: self.order, bytes });
            }
        }
        list.finish()
    }
}

impl Field {
    /// The name that Linux uses, or else that in the structure.
    pub fn shown_name(&self) -> &'static str {
        self.linux_name.unwrap_or(self.name)
    }
}

/// The number in `bytes`, at most eight; `None` if there are more, or none.
pub fn number(order: Order, bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 8 {
        return None;
    }
    let push = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    let is_little = order == Order::Native && cfg!(target_endian = "little");
    Some(if is_little { bytes.iter().rev().fold(0, push) } else { bytes.iter().fold(0, push) })
}

/// A field as `Debug` shows it.
struct FieldValue<'a> {
    field: &'static Field,
    order: Order,
    bytes: &'a [u8],
}

impl fmt::Debug for FieldValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.field.length.checked_div(self.field.elements).unwrap_or(0).max(1);
        match self.field.kind {
            Kind::Structure(layout) if self.field.elements == 1 => layout.debug(layout.title, self.bytes, f),
            Kind::Text | Kind::Reserved => Hexadecimal(self.bytes).fmt(f),
            _ if self.field.elements == 1 && size <= 8 => {
                write!(f, "{:#x}", number(self.order, self.bytes).unwrap_or(0))
            }
            _ => f.debug_list().entries(self.bytes.chunks(size).map(Hexadecimal)).finish(),
        }
    }
}

/// Bytes in a row.
struct Hexadecimal<'a>(&'a [u8]);

impl fmt::Debug for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_most_significant() {
        assert_eq!(mask(8, 0, 0), 0x80);
        assert_eq!(mask(8, 7, 7), 1);
        assert_eq!(mask(64, 0, 63), u64::MAX);
        assert_eq!(mask(64, 0, 51), 0xffff_ffff_ffff_f000);
        assert_eq!(mask(32, 4, 15), 0x0fff_0000);
        static PARTS: [Part; 2] = [Part::new(8, (6, 2), "high", "", ""), Part::new(8, (0, 3), "low", "", "")];
        let word = Word { title: "", width: 8, parts: &PARTS };
        assert_eq!((PARTS[0].first, PARTS[0].last, PARTS[1].first, PARTS[1].last), (0, 1, 5, 7));
        assert_eq!(word.reserved(), 0b0011_1000);
        assert_eq!((word.value(&PARTS[0], 0x9d), word.value(&PARTS[1], 0x9d)), (2, 5));
    }

    #[test]
    fn numbers_have_one_to_eight_bytes() {
        assert_eq!(number(Order::Big, &[]), None);
        assert_eq!(number(Order::Big, &[0; 9]), None);
        assert_eq!(number(Order::Big, &[1, 2, 3]), Some(0x01_0203));
        assert_eq!(number(Order::Native, &0x1234_u16.to_ne_bytes()), Some(0x1234));
    }

    #[test]
    fn rules() {
        assert!(Rule::AtMost(63).allows(63) && !Rule::AtMost(63).allows(64));
        assert!(Rule::AtLeast(16).allows(16) && !Rule::AtLeast(16).allows(15));
        assert!(Rule::OneOf(&[0, 3]).allows(3) && !Rule::OneOf(&[0, 3]).allows(1));
        assert!(Rule::Zero.allows(0) && !Rule::Zero.allows(1) && Rule::Is(3).allows(3) && !Rule::Is(3).allows(2));
    }
}
