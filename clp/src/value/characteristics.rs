// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Characteristics of the PCI logical processor.

use crate::message::Received;
use crate::wire::slpc::{Response, WriteBack};
use core::fmt;

/// What SLPC reports of the PCI processor, in host byte order and without reserved fields.
#[doc(alias("lpif", "lpic"))]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Characteristics {
    /// Installed facilities (`lpif`); no public source says what the bits mean.
    pub facilities: [u32; 8],
    /// Characteristics (`lpic`); no public source says what the bits mean.
    pub characteristics: [u32; 8],
    /// Position of the bit that makes a 64-bit MIO address one for write-back, 0 to 63, bit 0 the most significant;
    /// `None` if there is no such bit.
    pub write_back_position: Option<u8>,
}

impl Characteristics {
    /// Reads a response; characteristics that it does not reach are 0.
    pub fn decode(received: &Received<Response>) -> Self {
        let response = received.response();
        let write_back = response.write_back;
        Self {
            facilities: response.lpif.map(|word| word.get()),
            characteristics: response.lpic.map(|word| word.get()),
            write_back_position: write_back.valid().then(|| write_back.position()),
        }
    }

    /// Writes a response, with every reserved field zero.
    ///
    /// # Errors
    ///
    /// [`CharacteristicsError::WriteBackPosition`].
    pub fn encode(&self) -> Result<Response, CharacteristicsError> {
        let mut response = Response::new();
        response.lpif = self.facilities.map(Into::into);
        response.lpic = self.characteristics.map(Into::into);
        response.write_back = match self.write_back_position {
            None => WriteBack::new(),
            Some(position @ 0..=63) => WriteBack::new().with_valid(true).with_position(position),
            Some(position) => return Err(CharacteristicsError::WriteBackPosition(position)),
        };
        Ok(response)
    }

    /// The bit that makes a 64-bit MIO address one for write-back; `None` if there is none.
    pub const fn write_back_mask(&self) -> Option<u64> {
        match self.write_back_position {
            Some(position @ 0..=63) => Some((1 << 63) >> position),
            _ => None,
        }
    }
}

/// A value that no processor can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CharacteristicsError {
    /// A bit above 63 of a 64-bit address.
    WriteBackPosition(u8),
}

impl fmt::Display for CharacteristicsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WriteBackPosition(position) => write!(f, "write-back bit {position}, above 63"),
        }
    }
}

impl core::error::Error for CharacteristicsError {}
