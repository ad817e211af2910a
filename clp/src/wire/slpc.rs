// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Store logical-processor characteristics (SLPC), byte for byte.
//!
//! Linux: `struct clp_req_slpc`, `arch/s390/include/asm/clp.h`, and `struct clp_rsp_slpc_pci`,
//! `arch/s390/include/asm/pci_clp.h`. QEMU does not know the command.

use crate::code::{CommandCode, ResponseCode};
use crate::field::{Kind, Order, Part, Rule, Word};
use crate::header::{RequestHeader, ResponseHeader, REQUEST_HEADER, RESPONSE_HEADER};
use crate::message::{WireRequest, WireResponse};
use crate::{debug_by_layout, layout};
use bitfield_struct::bitfield;
use core::mem::offset_of;
use static_assertions::const_assert_eq;
use zerocopy::big_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Request: the header alone.
#[doc(alias = "clp_req_slpc_pci")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Request {
    /// Header.
    pub header: RequestHeader,
}

const_assert_eq!(size_of::<Request>(), 16);

layout! {
    /// The fields of [`Request`].
    pub static REQUEST: Request = "SLPC request", "struct clp_req_slpc", Order::Big;
    header: Kind::Structure(&REQUEST_HEADER), "hdr", "Header";
}

debug_by_layout!(Request, REQUEST);

impl Request {
    /// The request.
    pub const fn new() -> Self {
        Self { header: RequestHeader::new(CommandCode::STORE_CHARACTERISTICS, size_of::<Self>() as u16) }
    }
}

impl Default for Request {
    fn default() -> Self {
        Self::new()
    }
}

impl WireRequest for Request {
    const COMMAND: CommandCode = CommandCode::STORE_CHARACTERISTICS;

    type Response = Response;

    fn header(&self) -> &RequestHeader {
        &self.header
    }

    fn reserved_is_zero(&self) -> bool {
        true
    }
}

/// Where an address says that it is for write-back MIO.
#[bitfield(u8, order = Msb)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct WriteBack {
    /// Whether the position is valid (`vwb`).
    pub valid: bool,
    /// Reserved.
    #[bits(access = RO)]
    pub reserved: bool,
    /// Position of the bit in a 64-bit address; bit 0 is the most significant (`mio_wb`).
    #[bits(6)]
    pub position: u8,
}

/// The bits of [`WriteBack`].
pub static WRITE_BACK: Word = Word {
    title: "write-back bit",
    width: 8,
    parts: &[
        Part::new(8, (WriteBack::VALID_OFFSET, WriteBack::VALID_BITS), "valid", "vwb", "the position is valid"),
        Part::new(8, (WriteBack::POSITION_OFFSET, WriteBack::POSITION_BITS), "position", "mio_wb", "position"),
    ],
};

/// Response, in the form of the PCI processor ([`LogicalProcessor::PCI`](crate::LogicalProcessor::PCI)).
///
/// For the base processor bytes 64 to 95 are reserved.
#[doc(alias = "clp_rsp_slpc_pci")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Response {
    /// Header.
    pub header: ResponseHeader,
    /// Reserved.
    pub reserved_16: [u8; 16],
    /// Installed facilities of the logical processor; no public source says what the bits mean.
    pub lpif: [U32; 8],
    /// Reserved.
    pub reserved_64: [u8; 16],
    /// Where an address says that it is for write-back MIO.
    pub write_back: WriteBack,
    /// Reserved.
    pub reserved_81: [u8; 15],
    /// Characteristics of the logical processor; no public source says what the bits mean.
    pub lpic: [U32; 8],
}

const_assert_eq!(size_of::<Response>(), 128);
const_assert_eq!(offset_of!(Response, lpif), 32);
const_assert_eq!(offset_of!(Response, write_back), 80);
const_assert_eq!(offset_of!(Response, lpic), 96);

layout! {
    /// The fields of [`Response`].
    pub static RESPONSE: Response = "SLPC response", "struct clp_rsp_slpc_pci", Order::Big;
    header: Kind::Structure(&RESPONSE_HEADER), "hdr", "Header";
    reserved_16: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    lpif[]: Kind::Number, "lpif", "Installed facilities; no public source says what the bits mean";
    reserved_64: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    write_back: Kind::Bits, "", "Where an address says that it is for write-back MIO", word &WRITE_BACK;
    reserved_81: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    lpic[]: Kind::Number, "lpic", "Characteristics; no public source says what the bits mean";
}

debug_by_layout!(Response, RESPONSE);

impl WireResponse for Response {
    const MINIMUM: usize = size_of::<Self>();

    /// What Linux reads: the position for write-back.
    const NEEDED: usize = offset_of!(Response, reserved_81);

    fn header_mut(&mut self) -> &mut ResponseHeader {
        &mut self.header
    }
}

impl Response {
    /// An answer with every field zero.
    pub const fn new() -> Self {
        Self {
            header: ResponseHeader::new(ResponseCode::OK, size_of::<Self>() as u16),
            reserved_16: [0; 16],
            lpif: [U32::ZERO; 8],
            reserved_64: [0; 16],
            write_back: WriteBack::new(),
            reserved_81: [0; 15],
            lpic: [U32::ZERO; 8],
        }
    }
}

impl Default for Response {
    fn default() -> Self {
        Self::new()
    }
}
