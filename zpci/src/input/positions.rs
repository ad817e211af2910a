// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where the bytes of an input stand in its text.

use super::Position;

/// Where the bytes of an input stand in its text. Bytes that the text leaves out have no place and take no room.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    /// Offsets in ascending order.
    places: Vec<(usize, Position)>,
}

impl Positions {
    /// Where the byte at `offset` stands; `None` if it is not in the text.
    pub fn get(&self, offset: usize) -> Option<Position> {
        let index = self.places.binary_search_by_key(&offset, |(offset, _)| *offset).ok()?;
        self.places.get(index).map(|(_, position)| *position)
    }

    /// Offset and place of each byte that is in the text, in ascending order of offsets.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Position)> + '_ {
        self.places.iter().copied()
    }

    /// Notes where the byte at `offset` stands, which is behind all those before.
    pub(super) fn push(&mut self, offset: usize, position: Position) {
        debug_assert!(self.places.last().is_none_or(|(last, _)| *last < offset), "offsets ascend");
        self.places.push((offset, position));
    }

    /// Follows the bytes when those of each word of `size` bytes are reversed; there are `count` bytes.
    pub(super) fn reverse_words(&mut self, size: usize, count: usize) {
        for (offset, _) in &mut self.places {
            let first = *offset / size * size;
            let last = (first + size).min(count) - 1;
            *offset = first + last - *offset;
        }
        self.places.sort_unstable_by_key(|(offset, _)| *offset);
    }
}
