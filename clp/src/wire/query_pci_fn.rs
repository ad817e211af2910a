// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! QUERY PCI FN, byte for byte.
//!
//! Linux: `struct clp_req_query_pci` and `struct clp_rsp_query_pci`, `arch/s390/include/asm/pci_clp.h`.
//! QEMU: `ClpRspQueryPci`, `include/hw/s390x/s390-pci-clp.h`, which ends with the utility string.

use crate::code::{CommandCode, ResponseCode};
use crate::field::{Kind, Order, Part, Rule, Word};
use crate::header::{RequestHeader, ResponseHeader, REQUEST_HEADER, RESPONSE_HEADER};
use crate::id::FunctionHandle;
use crate::message::{WireRequest, WireResponse};
use crate::wire::mio::{MioInfo, MIO_INFO};
use crate::{debug_by_layout, layout};
use bitfield_struct::bitfield;
use core::mem::offset_of;
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{little_endian, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Request: which function.
#[doc(alias = "clp_req_query_pci")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Request {
    /// Header.
    pub header: RequestHeader,
    /// Function handle (FH).
    pub handle: U32,
    /// Reserved, zero.
    pub reserved_20: U32,
    /// Reserved, zero.
    pub reserved_24: U64,
}

const_assert_eq!(size_of::<Request>(), 32);
const_assert_eq!(offset_of!(Request, handle), 16);
const_assert_eq!(offset_of!(Request, reserved_20), 20);
const_assert_eq!(offset_of!(Request, reserved_24), 24);

layout! {
    /// The fields of [`Request`].
    pub static REQUEST: Request = "QUERY PCI FN request", "struct clp_req_query_pci", Order::Big;
    header: Kind::Structure(&REQUEST_HEADER), "hdr", "Header";
    handle: Kind::Handle, "fh", "Function handle";
    reserved_20: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    reserved_24: Kind::Reserved, "", "Reserved", rule Rule::Zero;
}

debug_by_layout!(Request, REQUEST);

impl Request {
    /// The request for the function with `handle`.
    pub const fn new(handle: FunctionHandle) -> Self {
        Self {
            header: RequestHeader::new(CommandCode::QUERY_PCI_FN, size_of::<Self>() as u16),
            handle: U32::new(handle.0),
            reserved_20: U32::ZERO,
            reserved_24: U64::ZERO,
        }
    }
}

impl WireRequest for Request {
    const COMMAND: CommandCode = CommandCode::QUERY_PCI_FN;

    type Response = Response;

    fn header(&self) -> &RequestHeader {
        &self.header
    }

    fn reserved_is_zero(&self) -> bool {
        self.reserved_20 == U32::ZERO && self.reserved_24 == U64::ZERO
    }
}

/// Which fields are valid, and what the function is.
#[bitfield(u8, order = Msb)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct Flags {
    /// Reserved.
    #[bits(2, access = RO)]
    pub reserved_0: u8,
    /// Whether [`Response::tid`] is valid.
    pub tid_available: bool,
    /// Whether [`Response::rid`] is valid.
    pub rid_available: bool,
    /// Whether it is a physical function.
    pub is_physical: bool,
    /// Reserved.
    #[bits(access = RO)]
    pub reserved_5: bool,
    /// Whether [`Response::mio`] is valid.
    pub mio_available: bool,
    /// Whether [`Response::utility_string`] is valid.
    pub utility_string_available: bool,
}

/// The bits of [`Flags`].
pub static FLAGS: Word = Word {
    title: "which fields are valid",
    width: 8,
    parts: &[
        Part::new(8, (Flags::TID_AVAILABLE_OFFSET, Flags::TID_AVAILABLE_BITS), "tid_available", "tid_avail", "TID"),
        Part::new(8, (Flags::RID_AVAILABLE_OFFSET, Flags::RID_AVAILABLE_BITS), "rid_available", "rid_avail", "RID"),
        Part::new(
            8,
            (Flags::IS_PHYSICAL_OFFSET, Flags::IS_PHYSICAL_BITS),
            "is_physical",
            "is_physfn",
            "physical function",
        ),
        Part::new(
            8,
            (Flags::MIO_AVAILABLE_OFFSET, Flags::MIO_AVAILABLE_BITS),
            "mio_available",
            "mio_addr_avail",
            "MIO",
        ),
        Part::new(
            8,
            (Flags::UTILITY_STRING_AVAILABLE_OFFSET, Flags::UTILITY_STRING_AVAILABLE_BITS),
            "utility_string_available",
            "util_str_avail",
            "utility string",
        ),
    ],
};

/// The physical port of the function.
#[bitfield(u8, order = Msb)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct PortByte {
    /// Reserved.
    #[bits(4, access = RO)]
    pub reserved: u8,
    /// Port.
    #[bits(4)]
    pub port: u8,
}

/// The bits of [`PortByte`].
pub static PORT_BYTE: Word = Word {
    title: "physical port",
    width: 8,
    parts: &[Part::new(8, (PortByte::PORT_OFFSET, PortByte::PORT_BITS), "port", "port", "Port")],
};

/// Response: what the function is.
#[doc(alias = "clp_rsp_query_pci")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Response {
    /// Header.
    pub header: ResponseHeader,
    /// Virtual function number; 0 for a physical function.
    pub vfn: U16,
    /// Which fields are valid, and what the function is.
    pub flags: Flags,
    /// Function group identifier (PFGID).
    pub group_id: u8,
    /// Function identifier (FID).
    pub function_id: U32,
    /// Size of each BAR as a power of two, in bytes; 0: no such BAR.
    pub bar_size_log2: [u8; 6],
    /// Physical channel identifier (PCHID).
    pub pchid: U16,
    /// Base address registers. Little-endian on hardware, as Linux reads them; QEMU 10.0 stores them big-endian
    /// (measured), so the bytes as they are may be wanted: `IntoBytes::as_bytes`.
    pub bar: [little_endian::U32; 6],
    /// Function internal path (PFIP), segments 0 to 3.
    pub pfip: [u8; 4],
    /// Function identifier parameter; its meaning depends on the function type.
    pub fidparm: u8,
    /// Port.
    pub port: PortByte,
    /// Length of the function measurement block, in units of 4 bytes.
    pub fmb_length: u8,
    /// Function type (PFT).
    pub pft: u8,
    /// First usable DMA address.
    pub start_dma: U64,
    /// Last usable DMA address, inclusive.
    pub end_dma: U64,
    /// Routing identifier (RID); the low eight bits are device and function number.
    pub rid: U16,
    /// Reserved.
    pub reserved_82: U32,
    /// Topology identifier (TID).
    pub tid: U16,
    /// Reserved.
    pub reserved_88: [u8; 36],
    /// User-defined identifier (UID).
    pub uid: U32,
    /// Utility string, in EBCDIC.
    pub utility_string: [u8; 64],
    /// Reserved.
    pub reserved_192: [u8; 64],
    /// MIO addresses.
    pub mio: MioInfo,
}

const_assert_eq!(size_of::<Response>(), 384);
const_assert_eq!(offset_of!(Response, vfn), 16);
const_assert_eq!(offset_of!(Response, flags), 18);
const_assert_eq!(offset_of!(Response, group_id), 19);
const_assert_eq!(offset_of!(Response, function_id), 20);
const_assert_eq!(offset_of!(Response, bar_size_log2), 24);
const_assert_eq!(offset_of!(Response, pchid), 30);
const_assert_eq!(offset_of!(Response, bar), 32);
const_assert_eq!(offset_of!(Response, pfip), 56);
const_assert_eq!(offset_of!(Response, fidparm), 60);
const_assert_eq!(offset_of!(Response, port), 61);
const_assert_eq!(offset_of!(Response, fmb_length), 62);
const_assert_eq!(offset_of!(Response, pft), 63);
const_assert_eq!(offset_of!(Response, start_dma), 64);
const_assert_eq!(offset_of!(Response, end_dma), 72);
const_assert_eq!(offset_of!(Response, rid), 80);
const_assert_eq!(offset_of!(Response, reserved_82), 82);
const_assert_eq!(offset_of!(Response, tid), 86);
const_assert_eq!(offset_of!(Response, reserved_88), 88);
const_assert_eq!(offset_of!(Response, uid), 124);
const_assert_eq!(offset_of!(Response, utility_string), 128);
const_assert_eq!(offset_of!(Response, reserved_192), 192);
const_assert_eq!(offset_of!(Response, mio), 256);

layout! {
    /// The fields of [`Response`].
    pub static RESPONSE: Response = "QUERY PCI FN response", "struct clp_rsp_query_pci", Order::Big;
    header: Kind::Structure(&RESPONSE_HEADER), "hdr", "Header";
    vfn: Kind::Count, "vfn", "Virtual function number; 0 for a physical function";
    flags: Kind::Bits, "", "Which fields are valid", word &FLAGS;
    group_id: Kind::Number, "pfgid", "Function group identifier";
    function_id: Kind::Number, "fid", "Function identifier";
    bar_size_log2[]: Kind::SizeLog2, "bar_size", "Size of each BAR as a power of two; 0: no such BAR",
        rule Rule::AtMost(63);
    pchid: Kind::Number, "pchid", "Physical channel identifier";
    bar[]: Kind::LittleEndian, "bar", "Base address registers, little-endian; QEMU 10.0 stores them big-endian";
    pfip: Kind::Bytes, "pfip", "Function internal path, segments 0 to 3";
    fidparm: Kind::Number, "fidparm", "Function identifier parameter, as the function type says";
    port: Kind::Bits, "port", "Physical port", word &PORT_BYTE;
    fmb_length: Kind::Count, "fmb_len", "Length of the function measurement block, in units of 4 bytes";
    pft: Kind::FunctionType, "pft", "Function type";
    start_dma: Kind::Address, "sdma", "First usable DMA address";
    end_dma: Kind::Address, "edma", "Last usable DMA address, inclusive", rule Rule::NotBelow("start_dma");
    rid: Kind::Number, "rid", "Routing identifier, if the flag says so";
    reserved_82: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    tid: Kind::Number, "tid", "Topology identifier, if the flag says so";
    reserved_88: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    uid: Kind::Number, "uid", "User-defined identifier";
    utility_string: Kind::Text, "util_str", "Utility string in EBCDIC, if the flag says so";
    reserved_192: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    mio: Kind::Structure(&MIO_INFO), "mio", "MIO addresses, if the flag says so";
}

debug_by_layout!(Response, RESPONSE);

impl Response {
    /// Where the utility string ends.
    pub const UTILITY_STRING_END: usize = offset_of!(Self, reserved_192);
    /// Where the MIO addresses end.
    pub const MIO_END: usize = size_of::<Self>();

    /// An answer with every field zero.
    pub const fn new() -> Self {
        Self {
            header: ResponseHeader::new(ResponseCode::OK, size_of::<Self>() as u16),
            vfn: U16::ZERO,
            flags: Flags::new(),
            group_id: 0,
            function_id: U32::ZERO,
            bar_size_log2: [0; 6],
            pchid: U16::ZERO,
            bar: [little_endian::U32::ZERO; 6],
            pfip: [0; 4],
            fidparm: 0,
            port: PortByte::new(),
            fmb_length: 0,
            pft: 0,
            start_dma: U64::ZERO,
            end_dma: U64::ZERO,
            rid: U16::ZERO,
            reserved_82: U32::ZERO,
            tid: U16::ZERO,
            reserved_88: [0; 36],
            uid: U32::ZERO,
            utility_string: [0; 64],
            reserved_192: [0; 64],
            mio: MioInfo::NONE,
        }
    }
}

impl Default for Response {
    fn default() -> Self {
        Self::new()
    }
}

impl WireResponse for Response {
    /// Everything up to the UID.
    const MINIMUM: usize = offset_of!(Response, utility_string);

    fn header_mut(&mut self) -> &mut ResponseHeader {
        &mut self.header
    }

    fn truncate(&mut self, length: usize) {
        if length < Self::UTILITY_STRING_END {
            self.flags.set_utility_string_available(false);
            self.utility_string = [0; 64];
        }
        if length < Self::MIO_END {
            self.flags.set_mio_available(false);
            self.mio = MioInfo::NONE;
        }
    }
}
