// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where machines differ.

use super::Refusal;
use crate::{query_pci_fn, CommandCode, ConditionCode, ListSummary, Request, RequestError, ResponseCode};
use zerocopy::little_endian;

/// Which machine the guest believes to run on, in what the machines answer differently.
///
/// | | [`Self::Hardware`] | [`Self::Qemu`] |
/// |---|---|---|
/// | format, reserved fields of a request | checked for each command | checked in the header of LIST PCI alone |
/// | length of a request | that of its command | 32, checked before the command |
/// | SLPC | answered | unknown command |
/// | enabled or disabled already | 0x0105 | 0x0102 |
/// | room too small for the fixed part | 0x0050 | response cut off |
/// | length in the response header | the bytes stored | as offered, but for LIST PCI |
/// | room for entries no multiple of 16 | 0x0050 | 0x0050 and condition code 3 |
/// | bytes 24 to 27 of a list | 0 | 0x00ff0000 |
/// | BARs | little-endian | big-endian |
/// | MIO | answered | 0x0102, and not in a response |
/// | resume token | any slot | a slot with a function |
///
/// The left column is what Linux expects of hardware (`arch/s390/pci/pci_clp.c`) and, where Linux says nothing, the
/// stricter choice. The right column is QEMU 10.0.2, measured.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Personality {
    /// As the architecture has it.
    Hardware,
    /// As QEMU 10.0.2 answers, byte for byte, in a block that was zero but for the request and the length of the room.
    ///
    /// QEMU leaves the fields that it does not know as they were; here they become zero.
    Qemu,
}

impl Personality {
    /// What QEMU tells in each list.
    pub const QEMU_SUMMARY: ListSummary = ListSummary { max_functions: 0x1000, uid_checking: true };

    /// Length of every request in QEMU.
    const QEMU_REQUEST: usize = 32;

    /// Checks what is checked before the command is known.
    pub(super) fn check_length(self, request: &[u8]) -> Result<(), ResponseCode> {
        match self {
            Self::Qemu if request.len() != Self::QEMU_REQUEST => Err(ResponseCode::LENGTH),
            _ => Ok(()),
        }
    }

    /// Reads a request, as strictly as the machine does.
    pub(super) fn parse<R: Request>(self, bytes: &[u8]) -> Result<R, RequestError> {
        let request = R::parse(bytes)?;
        match (self, R::COMMAND) {
            (Self::Hardware, _) => request.check()?,
            (Self::Qemu, CommandCode::LIST_PCI) => request.header().check()?,
            (Self::Qemu, _) => {}
        }
        Ok(request)
    }

    /// What a list gets whose room for entries is no multiple of their size.
    pub(super) const fn odd_list(self) -> Refusal {
        let condition = match self {
            Self::Hardware => ConditionCode::Zero,
            Self::Qemu => ConditionCode::Three,
        };
        Refusal { condition, code: ResponseCode::LENGTH }
    }

    /// What the wish gets to bring a function into the state it is in.
    pub(super) const fn already_in_state(self) -> ResponseCode {
        match self {
            Self::Hardware => ResponseCode::ALREADY_IN_STATE,
            Self::Qemu => ResponseCode::HANDLE_STATE,
        }
    }

    /// The word of a list that is reserved in Linux and that QEMU stores the emulation bits of a handle in.
    pub(super) const fn list_mdd(self) -> u32 {
        match self {
            Self::Hardware => 0,
            Self::Qemu => 0x00ff_0000,
        }
    }

    /// Puts the BARs, which are little-endian, into the byte order of the machine.
    pub(super) fn order_bars(self, response: &mut query_pci_fn::Response) {
        if self == Self::Qemu {
            for bar in &mut response.bar {
                *bar = little_endian::U32::new(bar.get().swap_bytes());
            }
        }
    }
}
