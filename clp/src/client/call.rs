// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One command, executed.

use super::machine::Clp;
use crate::block::Block;
use crate::code::{ConditionCode, LogicalProcessor, ResponseCode};
use crate::command::Command;
use crate::header::ResponseHeader;
use crate::message::{Received, ResponseError, WireRequest};
use core::fmt;
use zerocopy::FromBytes;

/// Executes one command and returns the bytes of capacity that were offered for its response.
///
/// `capacity` is that many bytes, header included: a multiple of 8, at least 16, and not more than the request leaves of
/// a [`Block`]; QEMU answers others with an operand exception (measured).
/// The block is zeroed first, since the machine may store less than it says (QEMU, measured).
/// Nothing of the response but the condition code has been checked yet: [`Received::parse`].
///
/// # Errors
///
/// [`CallError::Capacity`] if `capacity` is not possible, with nothing issued; [`CallError::Condition`].
#[doc(alias = "clp_req")]
pub fn call<'b, R: WireRequest>(
    machine: &impl Clp,
    block: &'b mut Block,
    processor: LogicalProcessor,
    request: &R,
    capacity: u16,
) -> Result<&'b [u8], CallError> {
    let length = size_of::<R>();
    let impossible = CallError::Capacity { offered: capacity };
    if !capacity.is_multiple_of(8) {
        return Err(impossible);
    }
    *block.bytes_mut() = [0; Block::SIZE];
    let Some((request_part, response_part)) = block.bytes_mut().split_at_mut_checked(length) else {
        return Err(impossible);
    };
    request.write_to(request_part).map_err(|_| impossible)?;
    let offered = response_part.get_mut(..usize::from(capacity)).ok_or(impossible)?;
    let (header, _) = ResponseHeader::mut_from_prefix(offered).map_err(|_| impossible)?;
    header.length.set(capacity);
    let mut command = Command::new(block).map_err(|_| impossible)?;
    match machine.call(processor, &mut command) {
        ConditionCode::Zero => block.bytes().get(length..length + usize::from(capacity)).ok_or(impossible),
        condition => Err(CallError::Condition(condition)),
    }
}

/// Executes one command for the PCI processor and reads the fixed part of its response, with capacity for all of it.
pub(super) fn call_fixed<R: WireRequest>(
    machine: &impl Clp,
    block: &mut Block,
    request: &R,
) -> Result<Received<R::Response>, CallError> {
    let capacity = size_of::<R::Response>() as u16;
    let bytes = call(machine, block, LogicalProcessor::PCI, request, capacity)?;
    Ok(Received::parse(bytes)?)
}

/// Why a command brought no response that can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CallError {
    /// The instruction was not executed; the block is as the machine left it.
    Condition(ConditionCode),
    /// The response says nothing.
    Response(ResponseError),
    /// The capacity for the response is not a multiple of 8, is less than 16 or more than the request leaves of the
    /// block.
    Capacity {
        /// Bytes of capacity that were asked for.
        offered: u16,
    },
}

impl CallError {
    /// The response code, if the command was executed and refused; never 0 and never [`ResponseCode::OK`].
    pub const fn response_code(self) -> Option<ResponseCode> {
        match self {
            Self::Response(ResponseError::Refused(code)) => Some(code),
            _ => None,
        }
    }
}

impl From<ResponseError> for CallError {
    fn from(error: ResponseError) -> Self {
        Self::Response(error)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition(condition) => write!(f, "command not executed: {condition}"),
            Self::Response(error) => error.fmt(f),
            Self::Capacity { offered } => write!(f, "capacity of {offered} bytes for a response"),
        }
    }
}

impl core::error::Error for CallError {}
