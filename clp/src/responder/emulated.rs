// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function that the VMM emulates.

use super::GuestFunction;
use crate::id::{FunctionGroupId, FunctionHandle, FunctionId, Uid};
use crate::value::{Bar, DesignationTypes, Function, FunctionError, FunctionGroup, FunctionType, UtilityString};

/// A function that the VMM emulates, with the values that QEMU gives its own: change what is different, then
/// [`finish`](Self::finish).
///
/// ```
/// use clp::responder::Emulated;
/// use clp::{FunctionHandle, FunctionId, Uid};
///
/// let nvme = Emulated::new(0x1b36, 0x0010, FunctionId(0x101), Uid(0x11)).bar(0, 14);
/// let function = nvme.finish(FunctionHandle(0x0002_0000))?;
/// assert_eq!(function.id(), FunctionId(0x101));
/// # Ok::<(), clp::FunctionError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "`finish` makes a function of it"]
pub struct Emulated {
    vendor: u16,
    device: u16,
    function: Function,
    /// The first BAR that was wrong: which, and its size.
    wrong: Option<(usize, u8)>,
}

/// Bits of a BAR: memory, with 64-bit addresses.
const MEMORY_64: u8 = 0x4;

impl Emulated {
    /// The group that an emulated function is in unless [`Self::group`] says another.
    pub const GROUP_ID: FunctionGroupId = FunctionGroupId(0xff);

    /// The values of that group, as QEMU has them (measured); what is said of translation comes from the
    /// [`Virtualization`](super::Virtualization) that [`Groups::add`](super::Groups::add) gets with it.
    pub const GROUP: FunctionGroup = FunctionGroup {
        max_interrupts: 128,
        max_directed_interrupts: 0,
        max_cpu: 0,
        version: 0,
        relaxed_translation: false,
        frame: false,
        refresh: true,
        designation_types: DesignationTypes(0x40),
        max_store_block: 128,
        measurement_interval_ms: 4000,
        maxfaal: 0,
        dasm: 0,
        msi_address: 0xfe00_0000_0000_0000,
    };

    /// A function of this PCI vendor and device: no BAR, unclassified, DMA from 4 GiB to 2^57 - 1, no measurement block.
    pub const fn new(vendor: u16, device: u16, id: FunctionId, uid: Uid) -> Self {
        let function = Function {
            id,
            uid,
            group: Self::GROUP_ID,
            function_type: FunctionType::UNCLASSIFIED,
            is_physical: false,
            vfn: 0,
            pchid: 0,
            port: 0,
            internal_path: [0; 4],
            fidparm: 0,
            rid: None,
            tid: None,
            bars: [Bar::ABSENT; 6],
            mio: None,
            start_dma: 0x1_0000_0000,
            end_dma: 0x01ff_ffff_ffff_ffff,
            fmb_length: 0,
            utility_string: None,
        };
        Self { vendor, device, function, wrong: None }
    }

    /// Memory of 2^`size_log2` bytes behind BAR `index`, 0 to 5, with 64-bit addresses.
    pub fn bar(mut self, index: usize, size_log2: u8) -> Self {
        match (self.function.bars.get_mut(index), Bar::new([MEMORY_64, 0, 0, 0], size_log2)) {
            (Some(place), Some(bar)) => *place = bar,
            _ => self.wrong = self.wrong.or(Some((index, size_log2))),
        }
        self
    }

    /// The addresses of its DMA, `last` inclusive.
    pub const fn window(mut self, first: u64, last: u64) -> Self {
        (self.function.start_dma, self.function.end_dma) = (first, last);
        self
    }

    /// Another group.
    pub const fn group(mut self, group: FunctionGroupId) -> Self {
        self.function.group = group;
        self
    }

    /// Another type.
    pub const fn function_type(mut self, function_type: FunctionType) -> Self {
        self.function.function_type = function_type;
        self
    }

    /// A measurement block of `bytes` bytes, which the VMM writes.
    pub const fn measurement(mut self, bytes: u16) -> Self {
        self.function.fmb_length = bytes;
        self
    }

    /// A utility string.
    pub const fn utility_string(mut self, utility_string: UtilityString) -> Self {
        self.function.utility_string = Some(utility_string);
        self
    }

    /// The values so far.
    pub const fn values(&self) -> &Function {
        &self.function
    }

    /// The function, disabled or enabled as `handle` says.
    ///
    /// # Errors
    ///
    /// [`FunctionError`]: a value that no function can have, a BAR that there cannot be included.
    pub fn finish(&self, handle: FunctionHandle) -> Result<GuestFunction, FunctionError> {
        if let Some((index, size_log2)) = self.wrong {
            return Err(FunctionError::BarSize { index, size_log2 });
        }
        GuestFunction::new(self.vendor, self.device, handle, &self.function)
    }
}
