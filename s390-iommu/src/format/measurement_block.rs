// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The function measurement block, byte for byte.

use clp::field::{Kind, Order, Part, Word};
use clp::{debug_by_layout, layout};
use static_assertions::const_assert_eq;
use zerocopy::big_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Function measurement block (FMB) of the longest format; [`Measurement`](crate::Measurement) reads one that a machine
/// writes.
///
/// Linux: `struct zpci_fmb`, `arch/s390/include/asm/pci.h`.
#[doc(alias("zpci_fmb", "FMB"))]
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned)]
#[repr(C)]
pub struct MeasurementBlock {
    /// Format, 0 to 3.
    pub format: u8,
    /// Indicators; the most significant bit says that the counters of format 0 are valid.
    pub indicators: [u8; 3],
    /// Number of the sample.
    pub sample: U32,
    /// Time of the last update; the least significant bit is 1 while the machine writes the block.
    pub last_update: U64,
    /// Loads (PCILG).
    pub loads: U64,
    /// Stores (PCISTG).
    pub stores: U64,
    /// Block stores (PCISTB).
    pub block_stores: U64,
    /// Refreshes (RPCIT).
    pub refreshes: U64,
    /// Counters of the format: [`Self::counters`].
    pub transfers: [U64; 4],
}

const_assert_eq!(size_of::<MeasurementBlock>(), 80);
const_assert_eq!(core::mem::offset_of!(MeasurementBlock, loads), 16);
const_assert_eq!(core::mem::offset_of!(MeasurementBlock, transfers), 48);

/// The bits of the indicators.
pub static INDICATORS: Word = Word {
    title: "indicators",
    width: 24,
    parts: &[Part::new(24, (23, 1), "dma_valid", "ZPCI_FMB_DMA_COUNTER_VALID", "the counters of format 0 are valid")],
};

/// The bits of the time of the last update.
pub static LAST_UPDATE: Word = Word {
    title: "last update",
    width: 64,
    parts: &[
        Part::new(64, (1, 63), "time", "last_update", "Time, of which QEMU stores a TOD clock value"),
        Part::new(64, (0, 1), "updating", "", "being written"),
    ],
};

layout! {
    /// The fields of [`MeasurementBlock`].
    pub static MEASUREMENT_BLOCK: MeasurementBlock = "FMB", "struct zpci_fmb", Order::Big;
    format: Kind::Number, "format", "Format";
    indicators: Kind::Bits, "fmt_ind", "Indicators", word &INDICATORS;
    sample: Kind::Count, "samples", "Number of the sample";
    last_update: Kind::Number, "last_update", "Time of the last update; the last bit: being written", word &LAST_UPDATE;
    loads: Kind::Count, "ld_ops", "Loads (PCILG)";
    stores: Kind::Count, "st_ops", "Stores (PCISTG)";
    block_stores: Kind::Count, "stb_ops", "Block stores (PCISTB)";
    refreshes: Kind::Count, "rpcit_ops", "Refreshes (RPCIT)";
    transfers[]: Kind::Count, "", "Counters of the format";
}

debug_by_layout!(MeasurementBlock, MEASUREMENT_BLOCK);

impl MeasurementBlock {
    /// Linux's names of the counters in [`Self::transfers`] that `format` has; none for a format that is not known.
    pub const fn counters(format: u8) -> &'static [&'static str] {
        match format {
            0 => &["dma_rbytes", "dma_wbytes"],
            1 => &["rx_bytes", "rx_packets", "tx_bytes", "tx_packets"],
            2 => &["consumed_work_units", "max_work_units"],
            3 => &["tx_bytes"],
            _ => &[],
        }
    }
}
