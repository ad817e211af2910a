// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A chain of capabilities as it is written.
//!
//! Linux: `vfio_info_cap_add` and `vfio_info_cap_shift`, `drivers/vfio/vfio_main.c`.

use core::fmt;
use core::iter;

use zerocopy::{Immutable, IntoBytes};

use super::byte_order::{ByteOrder, SwapBytes};
use super::Information;

/// Capabilities start at multiples of this.
pub(crate) const ALIGNMENT: usize = 8;

/// Offset of the field `next` in the header of a capability.
const NEXT: usize = 4;

/// A chain of capabilities behind an information structure.
#[derive(Debug)]
pub struct Chain<'a> {
    room: &'a mut [u8],
    order: ByteOrder,
    /// Offset of the first capability.
    start: usize,
    /// Offset of the end of the last capability, rounded up.
    end: usize,
    /// Offset of the last capability.
    last: Option<usize>,
}

impl<'a> Chain<'a> {
    fn new(room: &'a mut [u8], order: ByteOrder, start: usize) -> Self {
        Self { room, order, start, end: start, last: None }
    }

    /// Adds a capability, which starts with its header, to the end of the chain.
    pub fn append<C: IntoBytes + Immutable + SwapBytes>(&mut self, capability: C) {
        self.append_with(capability, iter::empty::<C>());
    }

    /// Adds a capability, which starts with its header, and the entries that belong to it.
    pub fn append_with<C, E>(&mut self, capability: C, entries: impl Iterator<Item = E>)
    where
        C: IntoBytes + Immutable + SwapBytes,
        E: IntoBytes + Immutable + SwapBytes,
    {
        let offset = self.end;
        if let Some(last) = self.last.replace(offset) {
            self.link(last, offset);
        }
        self.put(self.order.convert(capability).as_bytes());
        entries.for_each(|entry| self.put(self.order.convert(entry).as_bytes()));
        let padding = self.end.wrapping_neg() % ALIGNMENT;
        self.put([0; ALIGNMENT].get(..padding).unwrap_or_default());
    }

    /// Writes `bytes` where there is room, and counts them in any case.
    #[inline(never)]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.end.saturating_add(bytes.len());
        if let Some(room) = self.room.get_mut(self.end..end) {
            room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        }
        self.end = end;
    }

    /// Makes the capability at `last` lead to the one at `offset`.
    #[inline(never)]
    fn link(&mut self, last: usize, offset: usize) {
        let next = in_32_bits(offset);
        let bytes = match self.order {
            ByteOrder::Little => next.to_le_bytes(),
            ByteOrder::Big => next.to_be_bytes(),
        };
        let field = self.room.iter_mut().skip(last.saturating_add(NEXT));
        field.zip(bytes).for_each(|(to, from)| *to = from);
    }
}

/// Answers an information call in `buffer`, the room that the caller has, with the capabilities that `append` adds.
///
/// Where there is room for everything, everything is written, and `argsz` is the size of `buffer`. Where there is not,
/// as much of `information` as there is room for is written and nothing of any capability; `argsz` then says how much
/// room it takes, and `cap_offset` is 0. Nothing behind the last capability is written. `append` is called twice and
/// has to add the same both times.
///
/// # Errors
///
/// [`AnswerError`] if there is less room than the smallest structure that Linux ever had takes; nothing is written.
pub fn answer<I: Information>(
    information: I,
    order: ByteOrder,
    buffer: &mut [u8],
    append: impl Fn(&mut Chain<'_>),
) -> Result<(), AnswerError> {
    if buffer.len() < I::LEAST {
        return Err(AnswerError { room: buffer.len(), least: I::LEAST });
    }
    let mut measured = Chain::new(&mut [], order, size_of::<I>());
    append(&mut measured);
    let needed = measured.end;
    let (argsz, cap_offset) = if measured.last.is_none() {
        (buffer.len(), None)
    } else if let Some(room) = buffer.get_mut(..needed) {
        let mut chain = Chain::new(room, order, size_of::<I>());
        append(&mut chain);
        (buffer.len(), Some(measured.start))
    } else {
        (needed, Some(0))
    };
    let information = order.convert(information.with_room(in_32_bits(argsz), cap_offset.map(in_32_bits)));
    buffer.iter_mut().zip(information.as_bytes()).for_each(|(to, from)| *to = *from);
    Ok(())
}

/// Writes the capabilities that `append` adds, without a structure before them; returns how many bytes they take.
///
/// This is for whoever puts them behind others: offsets count from the first one, and the last one has none. Nothing is
/// written where there is no room for everything. `append` is called twice and has to add the same both times.
pub fn write_chain(order: ByteOrder, buffer: &mut [u8], append: impl Fn(&mut Chain<'_>)) -> usize {
    let mut measured = Chain::new(&mut [], order, 0);
    append(&mut measured);
    let needed = measured.end;
    if let Some(room) = buffer.get_mut(..needed) {
        append(&mut Chain::new(room, order, 0));
    }
    needed
}

/// What a field of 32 bits can hold of `size`.
fn in_32_bits(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// Too little room for the structure itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AnswerError {
    /// The room in bytes.
    pub room: usize,
    /// The least room in bytes that it takes.
    pub least: usize,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "room for {} bytes where at least {} are needed", self.room, self.least)
    }
}

impl core::error::Error for AnswerError {}
