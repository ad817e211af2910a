// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The function information block as the machine reads and writes it, byte by byte.

/// Fields of an operand of MPCIFC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Operand {
    pub(super) format: u8,
    /// First byte of the aperture.
    pub(super) pba: u64,
    /// Last byte of the aperture.
    pub(super) pal: u64,
    pub(super) iota: u64,
    /// Interrupt class, vectors and offsets in one word.
    pub(super) interrupts: u32,
    /// Address of the interrupt bit vector.
    pub(super) aibv: u64,
    /// Address of the summary bit.
    pub(super) aisb: u64,
    /// Address of the measurement block.
    pub(super) fmb: u64,
}

impl Operand {
    pub(super) fn read(bytes: &[u8; 80]) -> Self {
        let long = |at: usize| {
            let mut value = [0; 8];
            value.copy_from_slice(&bytes[at..at + 8]);
            u64::from_be_bytes(value)
        };
        Self {
            format: bytes[0],
            pba: long(16),
            pal: long(24),
            iota: long(32),
            interrupts: (long(40) >> 32) as u32,
            aibv: long(48),
            aisb: long(56),
            fmb: long(64),
        }
    }

    /// The block that STPCIFC stores, with `state` as the state byte.
    pub(super) fn stored(self, state: u8) -> [u8; 80] {
        let mut bytes = [0; 80];
        bytes[8] = state;
        bytes[16..24].copy_from_slice(&self.pba.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.pal.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.iota.to_be_bytes());
        bytes[40..44].copy_from_slice(&self.interrupts.to_be_bytes());
        bytes[48..56].copy_from_slice(&self.aibv.to_be_bytes());
        bytes[56..64].copy_from_slice(&self.aisb.to_be_bytes());
        bytes[64..72].copy_from_slice(&self.fmb.to_be_bytes());
        bytes
    }
}
