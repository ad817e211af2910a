// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A chain of capabilities as it is written.
//!
//! Linux: `vfio_info_cap_add` and `vfio_info_cap_shift`, `drivers/vfio/vfio_main.c`.

use core::convert::Infallible;
use core::fmt;

use super::byte_order::ByteOrder;
use super::sink::{Bytes, Capability, Sink};
use super::Information;

/// Capabilities start at multiples of this many bytes.
const ALIGNMENT: usize = 8;

/// Offset in bytes of the field `next` in the header of a capability.
const NEXT: usize = 4;

/// A chain of capabilities behind an information structure.
#[derive(Debug)]
pub struct Chain<'a> {
    buffer: &'a mut [u8],
    order: ByteOrder,
    /// Offset of the end of the last capability, rounded up.
    end: usize,
    /// Offset of the last capability.
    last: Option<usize>,
    /// Offset of the end of the capabilities that are left out last; `None` while all of them are.
    required: Option<usize>,
    /// Whether a capability was left out, so that all that follow are.
    is_cut: bool,
}

impl<'a> Chain<'a> {
    /// Starts a chain whose first capability is at `start`.
    fn new(buffer: &'a mut [u8], order: ByteOrder, start: usize) -> Self {
        Self { buffer, order, end: start, last: None, required: None, is_cut: false }
    }

    /// Where the capabilities end that a buffer must hold if it is to have any.
    fn required(&self) -> usize {
        self.required.unwrap_or(self.end)
    }

    /// Writes `bytes` if the buffer holds them, and counts them in any case.
    #[inline(never)]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.end.saturating_add(bytes.len());
        if let Some(buffer) = self.buffer.get_mut(self.end..end) {
            buffer.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        }
        self.end = end;
    }

    /// Makes the capability at `last` lead to the one at `offset`.
    fn link(&mut self, last: usize, offset: usize) {
        let next = self.order.convert(in_32_bits(offset)).to_ne_bytes();
        let field = self.buffer.iter_mut().skip(last.saturating_add(NEXT));
        field.zip(next).for_each(|(to, from)| *to = from);
    }
}

impl Sink for Chain<'_> {
    type Error = Infallible;

    fn append_with<C: Capability, E: Bytes>(
        &mut self,
        capability: C,
        entries: impl Iterator<Item = E> + Clone,
    ) -> Result<(), Infallible> {
        if !self.buffer.is_empty() {
            let size = size_of::<C>().saturating_add(entries.clone().count().saturating_mul(size_of::<E>()));
            self.is_cut |= self.end.saturating_add(size).next_multiple_of(ALIGNMENT) > self.buffer.len();
        }
        if self.is_cut {
            return Ok(());
        }
        let offset = self.end;
        if let Some(last) = self.last.replace(offset) {
            self.link(last, offset);
        }
        self.put(self.order.convert(capability).as_bytes());
        entries.for_each(|entry| self.put(self.order.convert(entry).as_bytes()));
        let padding = self.end.wrapping_neg() % ALIGNMENT;
        self.put([0; ALIGNMENT].get(..padding).unwrap_or_default());
        Ok(())
    }

    fn begin_optional(&mut self) {
        self.required.get_or_insert(self.end);
    }
}

/// Answers an information call in `buffer`, which the caller passed, with the capabilities that `append` adds.
///
/// * A buffer that holds everything gets everything, and `argsz` is its size.
/// * A buffer that holds the capabilities before [`Sink::begin_optional`] gets these, and of the others as many as it
///   holds, in the order of the chain; `argsz` is its size. A caller that wants to know how much there is asks with a
///   buffer of the size of `information`.
/// * A smaller buffer gets as much of `information` as it holds; `argsz` is the size of everything, and `cap_offset` is 0.
///
/// Nothing behind the last capability is written. `append` is called twice and has to add the same both times.
///
/// # Errors
///
/// [`AnswerError`] if `buffer` is smaller than the smallest structure that Linux ever had; nothing is written.
pub fn answer<I: Information>(
    information: I,
    order: ByteOrder,
    buffer: &mut [u8],
    append: impl Fn(&mut Chain<'_>) -> Result<(), Infallible>,
) -> Result<(), AnswerError> {
    if buffer.len() < I::LEAST {
        return Err(AnswerError { size: buffer.len(), least: I::LEAST });
    }
    let start = size_of::<I>();
    let mut measured = Chain::new(&mut [], order, start);
    let Ok(()) = append(&mut measured);
    let size = buffer.len();
    let (argsz, cap_offset) = if measured.last.is_none() {
        (size, None)
    } else if size < measured.required() {
        (measured.end, Some(0))
    } else {
        let mut chain = Chain::new(buffer, order, start);
        let Ok(()) = append(&mut chain);
        match chain.last {
            Some(_) => (size, Some(start)),
            None => (measured.end, Some(0)),
        }
    };
    let information = order.convert(information.with_buffer(in_32_bits(argsz), cap_offset.map(in_32_bits)));
    buffer.iter_mut().zip(information.as_bytes()).for_each(|(to, from)| *to = *from);
    Ok(())
}

/// Returns `size`, or the largest number that a field of 32 bits holds.
fn in_32_bits(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// A buffer that does not hold the structure itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AnswerError {
    /// Size of the buffer in bytes.
    pub size: usize,
    /// Smallest size in bytes that is accepted.
    pub least: usize,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a buffer of {} bytes where at least {} are needed", self.size, self.least)
    }
}

impl core::error::Error for AnswerError {}
