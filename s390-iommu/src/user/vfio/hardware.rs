// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What iommufd reports of the IOMMU of one function.

use clp::field::{Kind, Order, Part, Rule, Word};
use clp::{debug_by_layout, layout};
use clp::{Function, FunctionGroup};
use static_assertions::const_assert_eq;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::byte_order::{swap_bytes, ByteOrder};
use crate::format::frame::FrameSizes;
use crate::user::attribute::MsiWindow;
use crate::user::table_format::TableFormat;

/// The s390 data of `IOMMU_GET_HW_INFO`, of the type [`identifier::HARDWARE`](super::identifier::HARDWARE).
///
/// It has no version: it may become longer, and the ioctl has the lengths of both sides.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct HardwareInformation {
    /// [`Self::RELAXED_TRANSLATION`], [`Self::REFRESH`], [`Self::MSI_WINDOW`]. Function.
    pub flags: u32,
    /// Kinds of roots: bit n, counted from the least significant, for designation type n. Function.
    pub designation_types: u16,
    /// The byte (DTSM) that the machine stored for them, as it is. Function.
    pub dtsm: u8,
    /// Zero.
    pub reserved: u8,
    /// Sizes of frames: bit n, counted from the least significant, for frames of 2^n bytes. IOMMU.
    pub frame_sizes: u64,
    /// First byte where interrupts are written to; 0 without [`Self::MSI_WINDOW`]. Function.
    pub msi_start: u64,
    /// Last byte where interrupts are written to, inclusive; 0 without [`Self::MSI_WINDOW`]. Function.
    pub msi_end: u64,
}

const_assert_eq!(size_of::<HardwareInformation>(), 32);
const_assert_eq!(core::mem::offset_of!(HardwareInformation, dtsm), 6);
const_assert_eq!(core::mem::offset_of!(HardwareInformation, frame_sizes), 8);

/// The bits of the flags of [`HardwareInformation`].
pub static HARDWARE_FLAGS: Word = Word {
    title: "flags",
    width: 32,
    parts: &[
        Part::new(32, (2, 1), "msi_window", "", "MSI window"),
        Part::new(32, (1, 1), "refresh", "", "refresh on map"),
        Part::new(32, (0, 1), "relaxed_translation", "", "relaxed translation"),
    ],
};

layout! {
    /// The fields of [`HardwareInformation`].
    pub static HARDWARE_INFORMATION: HardwareInformation = "IOMMU_GET_HW_INFO", "", Order::Native;
    flags: Kind::Bits, "", "Flags", word &HARDWARE_FLAGS;
    designation_types: Kind::Number, "", "Kinds of roots, bit n from the least significant for type n";
    dtsm: Kind::DesignationTypes, "", "The byte that the machine stored for them";
    reserved: Kind::Reserved, "", "Zero", rule Rule::Zero;
    frame_sizes: Kind::Number, "", "Sizes of frames, bit n from the least significant for 2^n bytes";
    msi_start: Kind::Address, "", "First byte where interrupts are written to";
    msi_end: Kind::Address, "", "Last byte where interrupts are written to, inclusive", rule Rule::NotBelow("msi_start");
}

debug_by_layout!(HardwareInformation, HARDWARE_INFORMATION);

swap_bytes!(HardwareInformation: flags, designation_types, frame_sizes, msi_start, msi_end);

impl HardwareInformation {
    /// The function may be registered without a table.
    pub const RELAXED_TRANSLATION: u32 = 1 << 0;
    /// The machine wants a refresh also when a translation becomes valid.
    pub const REFRESH: u32 = 1 << 1;
    /// The function has interrupts; what it writes to their addresses is not translated.
    pub const MSI_WINDOW: u32 = 1 << 2;

    /// Encodes what the IOMMU takes of a function, with the frames that it uses.
    ///
    /// `None` if the function has no whole page to address.
    pub fn new(function: &Function, group: &FunctionGroup, frame_sizes: FrameSizes) -> Option<Self> {
        let format = TableFormat::of_function(function, group, frame_sizes)?;
        let window = MsiWindow::of_group(group);
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        Some(Self {
            flags: flag(format.relaxed_translation, Self::RELAXED_TRANSLATION)
                | flag(group.refresh, Self::REFRESH)
                | flag(window.is_some(), Self::MSI_WINDOW),
            designation_types: u16::from(format.designation_types.0.reverse_bits()),
            dtsm: group.designation_types.0,
            reserved: 0,
            frame_sizes: format.frame_sizes.bitmap(),
            msi_start: window.map_or(0, |window| window.range.start().get()),
            msi_end: window.map_or(0, |window| window.range.last().get()),
        })
    }

    /// Reads the structure, whose numbers are in `order`; `None` if `bytes` are too few. What follows it is not looked
    /// at.
    pub fn read(bytes: &[u8], order: ByteOrder) -> Option<Self> {
        let (value, _) = Self::read_from_prefix(bytes).ok()?;
        Some(order.convert(value))
    }

    /// Writes the structure and zeros behind it into `buffer`, as much as it holds; returns the size of the structure.
    ///
    /// As iommufd does it: a short buffer is filled, and the size shows that there is more.
    ///
    /// Linux: `iommufd_get_hw_info`, `drivers/iommu/iommufd/device.c`.
    pub fn emit(&self, buffer: &mut [u8]) -> usize {
        let bytes = self.as_bytes().iter().chain(core::iter::repeat(&0));
        buffer.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        size_of::<Self>()
    }
}
