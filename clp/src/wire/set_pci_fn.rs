// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! SET PCI FN, byte for byte.
//!
//! Linux: `struct clp_req_set_pci` and `struct clp_rsp_set_pci`, `arch/s390/include/asm/pci_clp.h`.
//! QEMU: `ClpRspSetPci`, `include/hw/s390x/s390-pci-clp.h`, which has no MIO addresses.

use crate::code::{CommandCode, ResponseCode};
use crate::field::{Kind, Order, Rule};
use crate::header::{RequestHeader, ResponseHeader, REQUEST_HEADER, RESPONSE_HEADER};
use crate::id::FunctionHandle;
use crate::message::{WireRequest, WireResponse};
use crate::wire::mio::{MioInfo, MIO_INFO};
use crate::{debug_by_layout, layout};
use core::fmt;
use core::mem::offset_of;
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What to do with the function; every value is representable.
#[doc(alias("oc", "CLP_SET_ENABLE_PCI_FN", "CLP_SET_DISABLE_PCI_FN"))]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct Operation(pub u8);

impl Operation {
    /// Enable the function (`0`).
    pub const ENABLE: Self = Self(0);
    /// Disable the function (`1`).
    pub const DISABLE: Self = Self(1);
    /// Enable mapped I/O (`2`).
    pub const ENABLE_MIO: Self = Self(2);
    /// Disable mapped I/O (`3`).
    pub const DISABLE_MIO: Self = Self(3);

    /// The name of the operation, if it is a known one.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::ENABLE => "enable",
            Self::DISABLE => "disable",
            Self::ENABLE_MIO => "enable MIO",
            Self::DISABLE_MIO => "disable MIO",
            _ => return None,
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "operation {}", self.0),
        }
    }
}

/// Request: which function, and what to do with it.
#[doc(alias = "clp_req_set_pci")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Request {
    /// Header.
    pub header: RequestHeader,
    /// Function handle (FH).
    pub handle: U32,
    /// Reserved, zero.
    pub reserved_20: U16,
    /// What to do (`oc`), see [`Operation`].
    pub operation: u8,
    /// Number of DMA address spaces (`ndas`): 1 to enable, with and without MIO, else 0.
    pub dma_address_spaces: u8,
    /// Reserved, zero.
    pub reserved_24: U32,
    /// Designation of the guest interruption state area (GISA); 0 without interpretation by KVM.
    pub gisa: U32,
}

const_assert_eq!(size_of::<Request>(), 32);
const_assert_eq!(offset_of!(Request, handle), 16);
const_assert_eq!(offset_of!(Request, reserved_20), 20);
const_assert_eq!(offset_of!(Request, operation), 22);
const_assert_eq!(offset_of!(Request, dma_address_spaces), 23);
const_assert_eq!(offset_of!(Request, reserved_24), 24);
const_assert_eq!(offset_of!(Request, gisa), 28);

layout! {
    /// The fields of [`Request`].
    pub static REQUEST: Request = "SET PCI FN request", "struct clp_req_set_pci", Order::Big;
    header: Kind::Structure(&REQUEST_HEADER), "hdr", "Header";
    handle: Kind::Handle, "fh", "Function handle";
    reserved_20: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    operation: Kind::Operation, "oc", "What to do", rule Rule::AtMost(3);
    dma_address_spaces: Kind::Count, "ndas", "Number of DMA address spaces: 1 to enable, else 0", rule Rule::AtMost(1);
    reserved_24: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    gisa: Kind::Number, "gisa", "Guest interruption state area; 0 without interpretation";
}

debug_by_layout!(Request, REQUEST);

impl Request {
    /// The request to do `operation` with the function that has `handle`.
    pub const fn new(handle: FunctionHandle, operation: Operation) -> Self {
        Self {
            header: RequestHeader::new(CommandCode::SET_PCI_FN, size_of::<Self>() as u16),
            handle: U32::new(handle.0),
            reserved_20: U16::ZERO,
            operation: operation.0,
            dma_address_spaces: match operation {
                Operation::ENABLE | Operation::ENABLE_MIO => 1,
                _ => 0,
            },
            reserved_24: U32::ZERO,
            gisa: U32::ZERO,
        }
    }
}

impl WireRequest for Request {
    const COMMAND: CommandCode = CommandCode::SET_PCI_FN;

    type Response = Response;

    fn header(&self) -> &RequestHeader {
        &self.header
    }

    fn reserved_is_zero(&self) -> bool {
        self.reserved_20 == U16::ZERO && self.reserved_24 == U32::ZERO
    }
}

/// Response: the new handle.
#[doc(alias = "clp_rsp_set_pci")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Response {
    /// Header.
    pub header: ResponseHeader,
    /// The handle that the function has now; the one of the request is dead.
    pub handle: U32,
    /// Reserved.
    pub reserved_20: U32,
    /// Reserved.
    pub reserved_24: U64,
    /// MIO addresses, after MIO was enabled.
    pub mio: MioInfo,
}

const_assert_eq!(size_of::<Response>(), 160);
const_assert_eq!(offset_of!(Response, handle), 16);
const_assert_eq!(offset_of!(Response, reserved_20), 20);
const_assert_eq!(offset_of!(Response, reserved_24), 24);
const_assert_eq!(offset_of!(Response, mio), 32);

layout! {
    /// The fields of [`Response`].
    pub static RESPONSE: Response = "SET PCI FN response", "struct clp_rsp_set_pci", Order::Big;
    header: Kind::Structure(&RESPONSE_HEADER), "hdr", "Header";
    handle: Kind::Handle, "fh", "The handle that the function has now";
    reserved_20: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    reserved_24: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    mio: Kind::Structure(&MIO_INFO), "mio", "MIO addresses, after MIO was enabled";
}

debug_by_layout!(Response, RESPONSE);

impl Response {
    /// Where the MIO addresses end.
    pub const MIO_END: usize = size_of::<Self>();

    /// The answer that the function now has `handle`.
    pub const fn new(handle: FunctionHandle) -> Self {
        Self {
            header: ResponseHeader::new(ResponseCode::OK, size_of::<Self>() as u16),
            handle: U32::new(handle.0),
            reserved_20: U32::ZERO,
            reserved_24: U64::ZERO,
            mio: MioInfo::NONE,
        }
    }
}

impl WireResponse for Response {
    /// Everything up to the MIO addresses.
    const MINIMUM: usize = offset_of!(Response, mio);

    /// The handle.
    const NEEDED: usize = offset_of!(Response, reserved_20);

    fn header_mut(&mut self) -> &mut ResponseHeader {
        &mut self.header
    }

    fn truncate(&mut self, length: usize) {
        if length < Self::MIO_END {
            self.mio = MioInfo::NONE;
        }
    }
}
