// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! LIST PCI, byte for byte.
//!
//! Linux: `struct clp_req_list_pci`, `struct clp_rsp_list_pci` and `struct clp_fh_list_entry`,
//! `arch/s390/include/asm/pci_clp.h`.

use crate::code::{CommandCode, ResponseCode};
use crate::field::{Kind, Order, Part, Rule, Word};
use crate::header::{RequestHeader, ResponseHeader, REQUEST_HEADER, RESPONSE_HEADER};
use crate::message::{WireRequest, WireResponse};
use crate::{debug_by_layout, layout};
use bitfield_struct::bitfield;
use core::mem::offset_of;
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Request: from where to list.
#[doc(alias = "clp_req_list_pci")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Request {
    /// Header.
    pub header: RequestHeader,
    /// Where to go on: the token of the response before, 0 to start.
    pub resume_token: U64,
    /// Reserved, zero; QEMU does not check it (measured), `/dev/clp` of Linux does.
    pub reserved: U64,
}

const_assert_eq!(size_of::<Request>(), 32);
const_assert_eq!(offset_of!(Request, resume_token), 16);
const_assert_eq!(offset_of!(Request, reserved), 24);

layout! {
    /// The fields of [`Request`].
    pub static REQUEST: Request = "LIST PCI request", "struct clp_req_list_pci", Order::Big;
    header: Kind::Structure(&REQUEST_HEADER), "hdr", "Header";
    resume_token: Kind::Number, "resume_token", "Where to go on; 0 to start";
    reserved: Kind::Reserved, "", "Reserved", rule Rule::Zero;
}

debug_by_layout!(Request, REQUEST);

impl Request {
    /// The request for the functions from `resume_token` on.
    pub const fn new(resume_token: u64) -> Self {
        Self {
            header: RequestHeader::new(CommandCode::LIST_PCI, size_of::<Self>() as u16),
            resume_token: U64::new(resume_token),
            reserved: U64::ZERO,
        }
    }
}

impl WireRequest for Request {
    const COMMAND: CommandCode = CommandCode::LIST_PCI;

    type Response = Response;

    fn header(&self) -> &RequestHeader {
        &self.header
    }

    fn reserved_is_zero(&self) -> bool {
        self.reserved == U64::ZERO
    }
}

/// What holds for all functions.
#[bitfield(u8, order = Msb)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct Flags {
    /// Reserved.
    #[bits(7, access = RO)]
    pub reserved: u8,
    /// Whether the machine makes sure that the UIDs are unique.
    pub uid_checking: bool,
}

/// The bits of [`Flags`].
pub static FLAGS: Word = Word {
    title: "what holds for all functions",
    width: 8,
    parts: &[Part::new(
        8,
        (Flags::UID_CHECKING_OFFSET, Flags::UID_CHECKING_BITS),
        "uid_checking",
        "uid_checking",
        "UIDs are unique",
    )],
};

/// Response: what comes before the entries.
///
/// The entries follow from byte 32 to the length in the header, each of [`Self::entry_size`] bytes.
#[doc(alias = "clp_rsp_list_pci")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Response {
    /// Header.
    pub header: ResponseHeader,
    /// Where to go on: for the next request; 0 when the list is complete.
    pub resume_token: U64,
    /// Reserved in Linux; QEMU stores 0x00ff0000 and calls it `mdd` (measured).
    pub mdd: U32,
    /// Number of functions that the machine can have.
    pub max_functions: U16,
    /// What holds for all functions.
    pub flags: Flags,
    /// Size of an entry in bytes.
    pub entry_size: u8,
}

const_assert_eq!(size_of::<Response>(), 32);
const_assert_eq!(offset_of!(Response, resume_token), 16);
const_assert_eq!(offset_of!(Response, mdd), 24);
const_assert_eq!(offset_of!(Response, max_functions), 28);
const_assert_eq!(offset_of!(Response, flags), 30);
const_assert_eq!(offset_of!(Response, entry_size), 31);

layout! {
    /// The fields of [`Response`]; the entries follow.
    pub static RESPONSE: Response = "LIST PCI response", "struct clp_rsp_list_pci", Order::Big;
    header: Kind::Structure(&RESPONSE_HEADER), "hdr", "Header";
    resume_token: Kind::Number, "resume_token", "Where to go on; 0 when the list is complete";
    mdd: Kind::Number, "", "Reserved in Linux; QEMU stores 0x00ff0000", rule Rule::OneOf(&[0, 0x00ff_0000]);
    max_functions: Kind::Count, "max_fn", "Number of functions that the machine can have";
    flags: Kind::Bits, "", "What holds for all functions", word &FLAGS;
    entry_size: Kind::Size, "entry_size", "Size of an entry", rule Rule::AtLeast(16);
}

debug_by_layout!(Response, RESPONSE);

impl WireResponse for Response {
    const MINIMUM: usize = size_of::<Self>();

    fn header_mut(&mut self) -> &mut ResponseHeader {
        &mut self.header
    }
}

impl Response {
    /// An empty and complete list.
    pub const fn new(max_functions: u16, uid_checking: bool) -> Self {
        Self {
            header: ResponseHeader::new(ResponseCode::OK, size_of::<Self>() as u16),
            resume_token: U64::ZERO,
            mdd: U32::ZERO,
            max_functions: U16::new(max_functions),
            flags: Flags::new().with_uid_checking(uid_checking),
            entry_size: Entry::SIZE as u8,
        }
    }
}

/// State of a listed function.
#[bitfield(u32, order = Msb, repr = U32, from = U32::new, into = U32::get)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct EntryState {
    /// Configured; standby when not.
    pub configured: bool,
    /// Reserved.
    #[bits(31, access = RO)]
    pub reserved: u32,
}

/// The bits of [`EntryState`].
pub static ENTRY_STATE: Word = Word {
    title: "state",
    width: 32,
    parts: &[Part::new(
        32,
        (EntryState::CONFIGURED_OFFSET, EntryState::CONFIGURED_BITS),
        "configured",
        "config_state",
        "configured",
    )],
};

/// One function of the list.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct Entry {
    /// PCI device identifier.
    pub device: U16,
    /// PCI vendor identifier; 0: the entry stands for no function.
    pub vendor: U16,
    /// State.
    pub state: EntryState,
    /// Function identifier (FID).
    pub function_id: U32,
    /// Function handle (FH).
    pub handle: U32,
}

const_assert_eq!(size_of::<Entry>(), 16);
const_assert_eq!(offset_of!(Entry, vendor), 2);
const_assert_eq!(offset_of!(Entry, state), 4);
const_assert_eq!(offset_of!(Entry, function_id), 8);
const_assert_eq!(offset_of!(Entry, handle), 12);

layout! {
    /// The fields of [`Entry`].
    pub static ENTRY: Entry = "LIST PCI entry", "struct clp_fh_list_entry", Order::Big;
    device: Kind::Number, "device_id", "PCI device identifier";
    vendor: Kind::Number, "vendor_id", "PCI vendor identifier; 0: no function";
    state: Kind::Bits, "config_state", "State", word &ENTRY_STATE;
    function_id: Kind::Number, "fid", "Function identifier";
    handle: Kind::Handle, "fh", "Function handle";
}

debug_by_layout!(Entry, ENTRY);

/// The entries in `bytes`, a list of which each is [`Response::entry_size`] bytes long; those that stand for no function
/// too. What follows the last whole entry is not looked at, and entries shorter than [`Entry::SIZE`] are none.
pub fn entries(bytes: &[u8], entry_size: u8) -> impl Iterator<Item = Entry> + '_ {
    let size = usize::from(entry_size);
    let known = if size < Entry::SIZE { &[] } else { bytes };
    known.chunks_exact(size.max(1)).filter_map(|entry| Entry::read_from_prefix(entry).ok().map(|(entry, _)| entry))
}

impl Entry {
    /// Size in bytes.
    pub const SIZE: usize = size_of::<Self>();
}
