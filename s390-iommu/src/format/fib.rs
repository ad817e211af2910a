// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The function information block.

use bitfield_struct::bitfield;
use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::format::address::Iova;
use crate::format::iota::{Iota, IOTA};
use crate::format::range::IovaRange;

/// Function information block (FIB), the operand of MPCIFC and the result of STPCIFC.
///
/// 80 bytes, aligned to eight, big-endian. Linux: `struct zpci_fib`, `arch/s390/include/asm/pci_insn.h`.
#[doc(alias = "zpci_fib")]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C, align(8))]
pub struct Fib {
    /// Format: 0, or 1 for directed interrupts.
    pub format: u8,
    /// Reserved.
    pub reserved_1: [u8; 7],
    /// State of the function (FC); only STPCIFC sets it.
    pub state: FunctionState,
    /// Reserved.
    pub reserved_9: [u8; 7],
    /// First usable I/O virtual address (PBA).
    #[doc(alias = "pba")]
    pub first: U64,
    /// Last usable I/O virtual address, inclusive (PAL).
    #[doc(alias = "pal")]
    pub last: U64,
    /// I/O translation anchor.
    pub iota: U64,
    /// Interrupts, as the format says.
    pub interrupts: InterruptParameters,
    /// Address of the function measurement block; the low four bits are a storage key.
    #[doc(alias = "fmb_addr")]
    pub measurement_block: U64,
    /// Reserved.
    pub reserved_72: U32,
    /// Guest interruption state area designation; 0 on the host.
    #[doc(alias = "gd")]
    pub gisa: U32,
}

const_assert_eq!(size_of::<Fib>(), 80);
const_assert_eq!(core::mem::offset_of!(Fib, state), 8);
const_assert_eq!(core::mem::offset_of!(Fib, first), 16);
const_assert_eq!(core::mem::offset_of!(Fib, last), 24);
const_assert_eq!(core::mem::offset_of!(Fib, iota), 32);
const_assert_eq!(core::mem::offset_of!(Fib, interrupts), 40);
const_assert_eq!(core::mem::offset_of!(Fib, measurement_block), 64);
const_assert_eq!(core::mem::offset_of!(Fib, gisa), 76);

layout! {
    /// The fields of [`Fib`].
    pub static FIB: Fib = "FIB", "struct zpci_fib", Order::Big;
    format: Kind::Number, "fmt", "Format: 0, or 1 for directed interrupts", rule Rule::AtMost(1);
    reserved_1: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    state: Kind::Bits, "fc", "State of the function; only STPCIFC sets it", word &FUNCTION_STATE;
    reserved_9: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    first: Kind::Address, "pba", "First usable I/O virtual address";
    last: Kind::Address, "pal", "Last usable I/O virtual address, inclusive", rule Rule::NotBelow("first");
    iota: Kind::Anchor, "iota", "I/O translation anchor", word &IOTA;
    interrupts: Kind::Structure(&INTERRUPT_PARAMETERS), "", "Interrupts, as the format says";
    measurement_block: Kind::Address, "fmb_addr", "Address of the measurement block; the low four bits are a key";
    reserved_72: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    gisa: Kind::Number, "gd", "Guest interruption state area; 0 on the host";
}

debug_by_layout!(Fib, FIB);

impl Fib {
    /// A block of zeros, as the operations that need no parameter take it.
    pub const ZERO: Self = Self {
        format: 0,
        reserved_1: [0; 7],
        state: FunctionState::new(),
        reserved_9: [0; 7],
        first: U64::ZERO,
        last: U64::ZERO,
        iota: U64::ZERO,
        interrupts: InterruptParameters {
            word: U32::ZERO,
            directed_vector_offset: U16::ZERO,
            reserved_46: U16::ZERO,
            vector: U64::ZERO,
            summary: U64::ZERO,
        },
        measurement_block: U64::ZERO,
        reserved_72: U32::ZERO,
        gisa: U32::ZERO,
    };

    /// The parameters that register translation through `iota` for the addresses of `aperture`.
    pub fn translation(aperture: IovaRange, iota: Iota) -> Self {
        Self {
            first: U64::new(aperture.start().get()),
            last: U64::new(aperture.last().get()),
            iota: U64::new(iota.into_bits()),
            ..Self::ZERO
        }
    }

    /// First and last usable address as stored; `None` if the two make no whole pages.
    pub fn aperture(&self) -> Option<IovaRange> {
        IovaRange::new(Iova::new(self.first.get()), Iova::new(self.last.get())).ok()
    }

    /// The anchor as stored.
    pub fn iota(&self) -> Iota {
        Iota::from_bits(self.iota.get())
    }
}

/// State of a function, as STPCIFC stores it.
#[doc(alias("fc", "ZPCI_FIB_FC_ENABLED"))]
#[bitfield(u8, order = Msb)]
#[derive(Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
pub struct FunctionState {
    /// The function is enabled.
    pub enabled: bool,
    /// The function is in error; it does no DMA.
    pub error: bool,
    /// Loads from and stores to the function are blocked.
    pub blocked: bool,
    /// Translation parameters are registered.
    pub registered: bool,
    #[bits(4)]
    __: u8,
}

/// The bits of [`FunctionState`].
pub static FUNCTION_STATE: Word = Word {
    title: "state of the function",
    width: 8,
    parts: &[
        Part::new(
            8,
            (FunctionState::ENABLED_OFFSET, FunctionState::ENABLED_BITS),
            "enabled",
            "ZPCI_FIB_FC_ENABLED",
            "enabled",
        ),
        Part::new(
            8,
            (FunctionState::ERROR_OFFSET, FunctionState::ERROR_BITS),
            "error",
            "ZPCI_FIB_FC_ERROR",
            "in error",
        ),
        Part::new(
            8,
            (FunctionState::BLOCKED_OFFSET, FunctionState::BLOCKED_BITS),
            "blocked",
            "ZPCI_FIB_FC_LS_BLOCKED",
            "loads and stores blocked",
        ),
        Part::new(
            8,
            (FunctionState::REGISTERED_OFFSET, FunctionState::REGISTERED_BITS),
            "registered",
            "ZPCI_FIB_FC_DMAAS_REG",
            "registered",
        ),
    ],
};

/// The part of a [`Fib`] that describes interrupts.
#[doc(alias("zpci_fib_fmt0", "aibv", "aisb"))]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct InterruptParameters {
    /// [`InterruptWord`]; with format 1 only the number of interrupts in it.
    pub word: U32,
    /// Format 1: offset of the directed interrupt bit vector (DIBVO); otherwise reserved.
    pub directed_vector_offset: U16,
    /// Reserved.
    pub reserved_46: U16,
    /// Format 0: address of the adapter interruption bit vector (AIBV).
    pub vector: U64,
    /// Format 0: address of the adapter interruption summary bit (AISB).
    pub summary: U64,
}

const_assert_eq!(size_of::<InterruptParameters>(), 24);
const_assert_eq!(core::mem::offset_of!(InterruptParameters, directed_vector_offset), 4);
const_assert_eq!(core::mem::offset_of!(InterruptParameters, vector), 8);

layout! {
    /// The fields of [`InterruptParameters`].
    pub static INTERRUPT_PARAMETERS: InterruptParameters = "interrupts", "struct zpci_fib_fmt0", Order::Big;
    word: Kind::Bits, "", "Subclass, number, offsets", word &INTERRUPT_WORD;
    directed_vector_offset: Kind::Number, "dibvo", "Format 1: offset of the directed interrupt bit vector";
    reserved_46: Kind::Reserved, "", "Reserved", rule Rule::Zero;
    vector: Kind::Address, "aibv", "Adapter interruption bit vector";
    summary: Kind::Address, "aisb", "Adapter interruption summary bit";
}

debug_by_layout!(InterruptParameters, INTERRUPT_PARAMETERS);

/// First word of the interrupt parameters.
#[bitfield(u32, order = Msb)]
#[derive(Eq, PartialEq)]
pub struct InterruptWord {
    #[bits(1)]
    __: u8,
    /// Interruption subclass (ISC).
    #[bits(3)]
    pub subclass: u8,
    /// Number of interrupts (NOI).
    #[bits(12)]
    pub count: u16,
    #[bits(2)]
    __: u8,
    /// Offset of the first bit of the vector in its byte string (AIBVO).
    #[bits(6)]
    pub vector_offset: u8,
    /// A summary bit is used.
    pub has_summary: bool,
    #[bits(1)]
    __: u8,
    /// Offset of the summary bit (AISBO).
    #[bits(6)]
    pub summary_offset: u8,
}

impl InterruptWord {
    /// The same with every reserved bit 0.
    #[must_use]
    pub(crate) const fn without_reserved(self) -> Self {
        Self::new()
            .with_subclass(self.subclass())
            .with_count(self.count())
            .with_vector_offset(self.vector_offset())
            .with_has_summary(self.has_summary())
            .with_summary_offset(self.summary_offset())
    }
}

/// The bits of an [`InterruptWord`].
pub static INTERRUPT_WORD: Word = Word {
    title: "interrupts",
    width: 32,
    parts: &[
        Part::new(
            32,
            (InterruptWord::SUBCLASS_OFFSET, InterruptWord::SUBCLASS_BITS),
            "subclass",
            "isc",
            "Interruption subclass",
        ),
        Part::new(32, (InterruptWord::COUNT_OFFSET, InterruptWord::COUNT_BITS), "count", "noi", "Number of interrupts"),
        Part::new(
            32,
            (InterruptWord::VECTOR_OFFSET_OFFSET, InterruptWord::VECTOR_OFFSET_BITS),
            "vector_offset",
            "aibvo",
            "Offset of the first bit of the vector",
        ),
        Part::new(
            32,
            (InterruptWord::HAS_SUMMARY_OFFSET, InterruptWord::HAS_SUMMARY_BITS),
            "has_summary",
            "sum",
            "A summary bit is used",
        ),
        Part::new(
            32,
            (InterruptWord::SUMMARY_OFFSET_OFFSET, InterruptWord::SUMMARY_OFFSET_BITS),
            "summary_offset",
            "aisbo",
            "Offset of the summary bit",
        ),
    ],
};
