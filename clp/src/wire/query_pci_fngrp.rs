// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! QUERY PCI FNGRP, byte for byte.
//!
//! Linux: `struct clp_req_query_pci_grp` and `struct clp_rsp_query_pci_grp`, `arch/s390/include/asm/pci_clp.h`.

use crate::code::{CommandCode, ResponseCode};
use crate::field::{Kind, Order, Part, Rule, Word};
use crate::header::{RequestHeader, ResponseHeader, REQUEST_HEADER, RESPONSE_HEADER};
use crate::id::FunctionGroupId;
use crate::message::{WireRequest, WireResponse};
use crate::{debug_by_layout, layout};
use bitfield_struct::bitfield;
use core::mem::offset_of;
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Request: which group.
#[doc(alias = "clp_req_query_pci_grp")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Request {
    /// Header.
    pub header: RequestHeader,
    /// Reserved, zero.
    pub reserved_16: [u8; 3],
    /// Function group identifier (PFGID).
    pub group_id: u8,
    /// Reserved, zero.
    pub reserved_20: U32,
    /// Reserved, zero.
    pub reserved_24: U64,
}

const_assert_eq!(size_of::<Request>(), 32);
const_assert_eq!(offset_of!(Request, group_id), 19);
const_assert_eq!(offset_of!(Request, reserved_20), 20);
const_assert_eq!(offset_of!(Request, reserved_24), 24);

layout! {
    /// The fields of [`Request`].
    pub static REQUEST: Request = "QUERY PCI FNGRP request", "struct clp_req_query_pci_grp", Order::Big;
    header: Kind::Structure(&REQUEST_HEADER), "hdr", "Header";
    reserved_16: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    group_id: Kind::Number, "pfgid", "Function group identifier";
    reserved_20: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    reserved_24: Kind::Reserved, "", "Reserved", rule Rule::Zero;
}

debug_by_layout!(Request, REQUEST);

impl Request {
    /// The request for the group `id`.
    pub const fn new(id: FunctionGroupId) -> Self {
        Self {
            header: RequestHeader::new(CommandCode::QUERY_PCI_FNGRP, size_of::<Self>() as u16),
            reserved_16: [0; 3],
            group_id: id.0,
            reserved_20: U32::ZERO,
            reserved_24: U64::ZERO,
        }
    }
}

impl WireRequest for Request {
    const COMMAND: CommandCode = CommandCode::QUERY_PCI_FNGRP;

    type Response = Response;

    fn header(&self) -> &RequestHeader {
        &self.header
    }

    fn reserved_is_zero(&self) -> bool {
        self.reserved_16 == [0; 3] && self.reserved_20 == U32::ZERO && self.reserved_24 == U64::ZERO
    }
}

/// Number of interrupts of a function.
#[bitfield(u16, order = Msb, repr = U16, from = U16::new, into = U16::get)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct InterruptCount {
    /// Reserved.
    #[bits(4, access = RO)]
    pub reserved: u8,
    /// Number of interrupts.
    #[bits(12)]
    pub count: u16,
}

/// What the functions of the group can do.
#[bitfield(u8, order = Msb)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct Flags {
    /// Reserved.
    #[bits(2, access = RO)]
    pub reserved_0: u8,
    /// Relaxed translation: a function may be registered without translation (`rtr`).
    pub relaxed_translation: bool,
    /// Reserved.
    #[bits(3, access = RO)]
    pub reserved_3: u8,
    /// Named `frame` in Linux, which does not use it; no public source says what it means.
    pub frame: bool,
    /// Refresh is needed too when a translation becomes valid, since the hypervisor shadows the tables.
    pub refresh: bool,
}

/// Length of a store block.
#[bitfield(u16, order = Msb, repr = U16, from = U16::new, into = U16::get)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct StoreBlockLength {
    /// Reserved.
    #[bits(3, access = RO)]
    pub reserved: u8,
    /// Length in bytes.
    #[bits(13)]
    pub length: u16,
}

/// The bits of an [`InterruptCount`].
pub static INTERRUPT_COUNT: Word = Word {
    title: "number of interrupts",
    width: 16,
    parts: &[Part::new(16, (InterruptCount::COUNT_OFFSET, InterruptCount::COUNT_BITS), "count", "noi", "Number")],
};

/// The bits of [`Flags`].
pub static FLAGS: Word = Word {
    title: "what the functions can do",
    width: 8,
    parts: &[
        Part::new(
            8,
            (Flags::RELAXED_TRANSLATION_OFFSET, Flags::RELAXED_TRANSLATION_BITS),
            "relaxed_translation",
            "rtr",
            "relaxed translation",
        ),
        Part::new(8, (Flags::FRAME_OFFSET, Flags::FRAME_BITS), "frame", "frame", "frame, of which no source says more"),
        Part::new(8, (Flags::REFRESH_OFFSET, Flags::REFRESH_BITS), "refresh", "refresh", "refresh on map"),
    ],
};

/// The bits of a [`StoreBlockLength`].
pub static STORE_BLOCK_LENGTH: Word = Word {
    title: "length of a store block",
    width: 16,
    parts: &[Part::new(
        16,
        (StoreBlockLength::LENGTH_OFFSET, StoreBlockLength::LENGTH_BITS),
        "length",
        "maxstbl",
        "Length in bytes",
    )],
};

/// Response: what the group is.
#[doc(alias = "clp_rsp_query_pci_grp")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Response {
    /// Header.
    pub header: ResponseHeader,
    /// Most interrupts (MSIs) of a function (`noi`).
    pub max_interrupts: InterruptCount,
    /// Version of PCI; Linux takes 1 for 5 GT/s.
    pub version: u8,
    /// What the functions of the group can do.
    pub flags: Flags,
    /// Longest block of PCISTB, in bytes (`maxstbl`).
    pub max_store_block: StoreBlockLength,
    /// Interval in which the measurement block is updated, in milliseconds (`mui`).
    pub measurement_interval: U16,
    /// Supported designation types: bit n, bit 0 the most significant, is type n (`dtsm`).
    pub designation_types: u8,
    /// Reserved.
    pub reserved_25: u8,
    /// Named `maxfaal` in Linux, which does not use it; no public source says what it means.
    pub maxfaal: U16,
    /// Most directed interrupts of a function (`dnoi`).
    pub max_directed_interrupts: InterruptCount,
    /// Most processors for directed interrupts (`maxcpu`).
    pub max_cpu: U16,
    /// DMA address space mask (`dasm`).
    pub dasm: U64,
    /// Address that MSIs are written to (`msia`).
    pub msi_address: U64,
    /// Reserved.
    pub reserved_48: [u8; 16],
}

const_assert_eq!(size_of::<Response>(), 64);
const_assert_eq!(offset_of!(Response, max_interrupts), 16);
const_assert_eq!(offset_of!(Response, version), 18);
const_assert_eq!(offset_of!(Response, flags), 19);
const_assert_eq!(offset_of!(Response, max_store_block), 20);
const_assert_eq!(offset_of!(Response, measurement_interval), 22);
const_assert_eq!(offset_of!(Response, designation_types), 24);
const_assert_eq!(offset_of!(Response, maxfaal), 26);
const_assert_eq!(offset_of!(Response, max_directed_interrupts), 28);
const_assert_eq!(offset_of!(Response, max_cpu), 30);
const_assert_eq!(offset_of!(Response, dasm), 32);
const_assert_eq!(offset_of!(Response, msi_address), 40);
const_assert_eq!(offset_of!(Response, reserved_48), 48);

layout! {
    /// The fields of [`Response`].
    pub static RESPONSE: Response = "QUERY PCI FNGRP response", "struct clp_rsp_query_pci_grp", Order::Big;
    header: Kind::Structure(&RESPONSE_HEADER), "hdr", "Header";
    max_interrupts: Kind::Bits, "noi", "Most interrupts of a function", word &INTERRUPT_COUNT;
    version: Kind::Number, "version", "Version of PCI; Linux takes 1 for 5 GT/s";
    flags: Kind::Bits, "", "What the functions of the group can do", word &FLAGS;
    max_store_block: Kind::Bits, "maxstbl", "Longest block of PCISTB, in bytes", word &STORE_BLOCK_LENGTH;
    measurement_interval: Kind::Milliseconds, "mui", "Interval in which the measurement block is updated";
    designation_types: Kind::DesignationTypes, "dtsm", "Supported designation types";
    reserved_25: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    maxfaal: Kind::Number, "maxfaal", "No public source says what it means";
    max_directed_interrupts: Kind::Bits, "dnoi", "Most directed interrupts of a function", word &INTERRUPT_COUNT;
    max_cpu: Kind::Count, "maxcpu", "Most processors for directed interrupts";
    dasm: Kind::Number, "dasm", "DMA address space mask";
    msi_address: Kind::Address, "msia", "Address that MSIs are written to";
    reserved_48: Kind::Reserved, "", "Reserved", rule Rule::Zero;
}

debug_by_layout!(Response, RESPONSE);

impl Response {
    /// An answer with every field zero.
    pub const fn new() -> Self {
        Self {
            header: ResponseHeader::new(ResponseCode::OK, size_of::<Self>() as u16),
            max_interrupts: InterruptCount::new(),
            version: 0,
            flags: Flags::new(),
            max_store_block: StoreBlockLength::new(),
            measurement_interval: U16::ZERO,
            designation_types: 0,
            reserved_25: 0,
            maxfaal: U16::ZERO,
            max_directed_interrupts: InterruptCount::new(),
            max_cpu: U16::ZERO,
            dasm: U64::ZERO,
            msi_address: U64::ZERO,
            reserved_48: [0; 16],
        }
    }
}

impl Default for Response {
    fn default() -> Self {
        Self::new()
    }
}

impl WireResponse for Response {
    /// Everything up to the MSI address.
    const MINIMUM: usize = offset_of!(Response, reserved_48);

    fn header_mut(&mut self) -> &mut ResponseHeader {
        &mut self.header
    }
}
