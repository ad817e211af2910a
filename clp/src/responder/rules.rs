// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where machines differ.

use super::Refusal;
use crate::code::{CommandCode, ConditionCode, ResponseCode};
use crate::message::{RequestError, WireRequest};
use crate::value::ListSummary;
use crate::wire::query_pci_fn;
use zerocopy::little_endian;

/// Which machine the guest believes to run on, in what the machines answer differently: [`Self::HARDWARE`] or
/// [`Self::QEMU`].
///
/// The former is what Linux expects of hardware (`arch/s390/pci/pci_clp.c`) and, where Linux says nothing, the stricter
/// choice. The latter is QEMU 10.0.2, measured.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Rules {
    /// Length that every request has, checked before the command; `None`: that of its command.
    request_length: Option<usize>,
    /// Whether format and reserved fields are checked for each command, or in the header of LIST PCI alone.
    checks_every_request: bool,
    /// Whether a processor other than the PCI processor gets condition code 3, or the same answer.
    pub(super) only_pci_processor: bool,
    /// Whether the immediate form says that the PCI processor is installed, or is an operand exception.
    pub(super) has_immediate: bool,
    /// Whether SLPC is answered, or an unknown command.
    pub(super) has_characteristics: bool,
    /// Whether mapped I/O is answered, or 0x0102 and not in a response.
    pub(super) has_mio: bool,
    /// Whether a response says how many bytes were stored, and one whose fixed part does not fit is refused; or it keeps
    /// the length that was offered, but for LIST PCI, and is cut off.
    pub(super) stores_length: bool,
    /// The code for a function that is in the state already.
    pub(super) already_in_state: ResponseCode,
    /// The condition code of a list whose capacity for entries is no multiple of their size; the response code is
    /// 0x0050.
    odd_list: ConditionCode,
    /// Bytes 24 to 27 of a list, reserved in Linux.
    pub(super) list_mdd: u32,
    /// Whether any slot is a resume token, or one with a function.
    pub(super) resumes_at_empty_slot: bool,
    /// Whether BARs are big-endian.
    big_endian_bars: bool,
}

impl Rules {
    /// As the architecture has it.
    pub const HARDWARE: Self = Self {
        request_length: None,
        checks_every_request: true,
        only_pci_processor: true,
        has_immediate: true,
        has_characteristics: true,
        has_mio: true,
        stores_length: true,
        already_in_state: ResponseCode::ALREADY_IN_STATE,
        odd_list: ConditionCode::Zero,
        list_mdd: 0,
        resumes_at_empty_slot: true,
        big_endian_bars: false,
    };

    /// As QEMU 10.0.2 answers, byte for byte, in a block that was zero but for the request and the capacity.
    ///
    /// QEMU leaves the fields that it does not know as they were; here they become zero.
    pub const QEMU: Self = Self {
        request_length: Some(32),
        checks_every_request: false,
        only_pci_processor: false,
        has_immediate: false,
        has_characteristics: false,
        has_mio: false,
        stores_length: false,
        already_in_state: ResponseCode::HANDLE_STATE,
        odd_list: ConditionCode::Three,
        list_mdd: 0x00ff_0000,
        resumes_at_empty_slot: false,
        big_endian_bars: true,
    };

    /// What QEMU says in each list.
    pub const QEMU_SUMMARY: ListSummary = ListSummary { max_functions: 0x1000, uid_checking: true };

    /// Checks what is checked before the command is known.
    pub(super) fn check_length(&self, request: &[u8]) -> Result<(), ResponseCode> {
        match self.request_length {
            Some(length) if request.len() != length => Err(ResponseCode::LENGTH),
            _ => Ok(()),
        }
    }

    /// Reads a request, as strictly as the machine does.
    pub(super) fn parse<R: WireRequest>(&self, bytes: &[u8]) -> Result<R, RequestError> {
        let request = R::parse(bytes)?;
        if self.checks_every_request {
            request.check()?;
        } else if R::COMMAND == CommandCode::LIST_PCI {
            request.header().check()?;
        }
        Ok(request)
    }

    /// The refusal of a list whose capacity for entries is no multiple of their size.
    pub(super) const fn odd_list(&self) -> Refusal {
        Refusal { condition: self.odd_list, code: ResponseCode::LENGTH }
    }

    /// Puts the BARs, which are little-endian, into the byte order of the machine.
    pub(super) fn order_bars(&self, response: &mut query_pci_fn::Response) {
        if self.big_endian_bars {
            for bar in &mut response.bar {
                *bar = little_endian::U32::new(bar.get().swap_bytes());
            }
        }
    }
}
