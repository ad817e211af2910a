// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The storage that a command and its response share.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A command block: the request, directly followed by the response.
///
/// One page, aligned to a page, as Linux passes it (`CLP_BLK_SIZE`, `arch/s390/include/asm/clp.h`).
#[doc(alias("CLP_BLK_SIZE", "clp_alloc_block"))]
#[derive(Clone, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C, align(4096))]
pub struct Block([u8; Self::SIZE]);

impl Block {
    /// Size in bytes.
    pub const SIZE: usize = 4096;

    /// A block of zeros.
    pub const fn zeroed() -> Self {
        Self([0; Self::SIZE])
    }

    /// The bytes of the block.
    pub const fn bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// The bytes of the block, to write.
    pub const fn bytes_mut(&mut self) -> &mut [u8; Self::SIZE] {
        &mut self.0
    }
}

impl core::fmt::Debug for Block {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Block").finish_non_exhaustive()
    }
}
