// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The order of the bytes in a VFIO structure.

/// The order of the bytes in a number.
///
/// VFIO structures are in the byte order of the machine that made them. The other order is for programs that look at
/// the structures of another machine.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ByteOrder {
    /// Lowest byte first.
    Little,
    /// Highest byte first, as on s390x.
    Big,
}

impl ByteOrder {
    /// The order of this machine.
    pub const NATIVE: Self = if cfg!(target_endian = "big") { Self::Big } else { Self::Little };

    /// Converts `value` from the byte order of this machine to this order, or back.
    pub(crate) fn convert<T: SwapBytes>(self, value: T) -> T {
        if self == Self::NATIVE {
            value
        } else {
            value.swap_bytes()
        }
    }
}

/// A structure of numbers.
pub trait SwapBytes: Copy {
    /// Returns the structure with the bytes of each number reversed; single bytes stay as they are.
    #[must_use]
    fn swap_bytes(self) -> Self;
}

impl SwapBytes for u32 {
    fn swap_bytes(self) -> Self {
        self.swap_bytes()
    }
}

/// Implements [`SwapBytes`] for a structure, whose numbers are named.
macro_rules! swap_bytes {
    ($name:ty: $($field:ident),* $(,)?) => {
        impl $crate::user::vfio::SwapBytes for $name {
            fn swap_bytes(mut self) -> Self {
                $(self.$field = self.$field.swap_bytes();)*
                self
            }
        }
    };
}

pub(crate) use swap_bytes;
