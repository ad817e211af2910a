// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The number system of offsets.
//!
//! od writes offsets with at least seven digits, octal by default and decimal with `-Ad`; hexdump with at least seven
//! hexadecimal ones before words. All others are hexadecimal: xxd and the kernel put a colon behind them, `hexdump -C` has
//! eight digits and `od -Ax` of GNU six (measured: coreutils 9.1, util-linux 2.38).

use super::error::InputError;
use super::placed::Placed;

/// The number system of the offsets of a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Radix {
    /// As xxd and hexdump write them, and od with -Ax.
    Hex,
    /// As od writes them by default.
    Octal,
    /// As od writes them with -Ad.
    Decimal,
}

impl Radix {
    /// Those that offsets of seven digits may have, the likeliest first.
    const ALL: [Self; 3] = [Self::Hex, Self::Octal, Self::Decimal];

    /// Number of different digits.
    pub(super) const fn base(self) -> u32 {
        match self {
            Self::Hex => 16,
            Self::Octal => 8,
            Self::Decimal => 10,
        }
    }

    /// Its name in a sentence.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Hex => "hexadecimal",
            Self::Octal => "octal",
            Self::Decimal => "decimal",
        }
    }

    /// `offset`, written in it.
    pub(super) fn shown(self, offset: u64) -> String {
        match self {
            Self::Hex => format!("{offset:#x}"),
            Self::Octal => format!("{offset:#o}"),
            Self::Decimal => offset.to_string(),
        }
    }
}

/// The number system in which each offset is where the bytes before it end, and what is to be told of it; `is_words`:
/// groups have more than one byte, `zeros`: rows may be left out.
///
/// # Errors
///
/// More than one fits, they mean different things, and none of them is what a tool writes by default.
pub(super) fn find(rows: &[Placed], is_words: bool, zeros: bool) -> Result<(Radix, Option<String>), InputError> {
    if !rows.iter().all(may_be_any) {
        return Ok((Radix::Hex, None));
    }
    let all_that_fit = |zeros| -> Vec<Radix> {
        Radix::ALL.into_iter().filter(|radix| reach(rows, *radix, zeros) == rows.len()).collect()
    };
    // What leaves nothing out comes before what does.
    let exact = all_that_fit(false);
    let fitting = if exact.is_empty() && zeros { all_that_fit(true) } else { exact };
    let Some(first) = fitting.first() else {
        return Ok((furthest(rows, is_words, zeros), None));
    };
    let differ = |row: &&Placed| fitting.iter().any(|radix| row.offset(*radix) != row.offset(*first));
    let Some(row) = rows.iter().find(differ) else {
        let note = (*first != Radix::Hex).then(|| format!("offsets are {}, as od writes them", first.name()));
        return Ok((*first, note));
    };
    if !is_words && fitting.contains(&Radix::Octal) {
        let others = fitting.iter().filter(|radix| **radix != Radix::Octal).map(|radix| radix.name());
        let others = others.collect::<Vec<_>>().join(" and ");
        let note =
            format!("offsets are taken for octal, as od writes them; {others} ones would fit too: --offsets says it");
        return Ok((Radix::Octal, Some(note)));
    }
    let readings = fitting.iter().map(|radix| format!("{} (byte {})", radix.name(), row.offset(*radix).unwrap_or(0)));
    let message = format!("the offset may be {}: --offsets says it", readings.collect::<Vec<_>>().join(" or "));
    let (column, width) = row.row.offset.as_ref().map_or((1, 1), |(digits, column, _)| (*column, digits.len()));
    Err(InputError::at(row.line, column, width, message))
}

/// Whether the offset of a row says nothing of its number system.
fn may_be_any(placed: &Placed) -> bool {
    let Some((digits, column, has_colon)) = &placed.row.offset else {
        return true;
    };
    // Seven digits, and more only where they are not enough.
    let is_padded_to_seven = digits.len() == 7 || digits.len() > 7 && !digits.starts_with('0');
    let first_group = placed.row.groups.first().map(|(_, column)| *column);
    let is_hexdump_c = digits.len() > 7 && first_group == Some(column + digits.len() + 2);
    is_padded_to_seven && !has_colon && !is_hexdump_c
}

/// How many rows are where they belong, up to the first that is not.
fn reach(rows: &[Placed], radix: Radix, zeros: bool) -> usize {
    let mut end: Option<u64> = None;
    let mut before = 0;
    let follows = |placed: &&Placed| {
        if placed.row.offset.is_none() {
            return true;
        }
        let Some(offset) = placed.offset(radix) else {
            return false;
        };
        let is_there = match end.map(|end| offset.checked_sub(end)) {
            None => true,
            Some(None) => false,
            Some(Some(0)) => !placed.is_squeezed,
            Some(Some(gap)) if placed.is_squeezed => before > 0 && gap % before == 0,
            Some(Some(_)) => zeros,
        };
        before = placed.bytes.len() as u64;
        end = Some(offset.saturating_add(before));
        is_there
    };
    rows.iter().take_while(follows).count()
}

/// The number system that tells best what is wrong where none fits.
fn furthest(rows: &[Placed], is_words: bool, zeros: bool) -> Radix {
    let mut likely = if is_words { Radix::Hex } else { Radix::Octal };
    for radix in Radix::ALL {
        if reach(rows, radix, zeros) > reach(rows, likely, zeros) {
            likely = radix;
        }
    }
    likely
}
