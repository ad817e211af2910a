// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What CLP reports of a function and its group, as it crosses to C.

use ::clp::{
    Bar, DesignationTypes, Function, FunctionGroup, FunctionGroupId, FunctionHandle, FunctionId, FunctionType, Uid,
    UtilityString,
};
use s390_iommu::{Iova, IovaRange, Limits, Plan};
use static_assertions::const_assert_eq;

/// C: `struct zpci_rust_function`; host byte order.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ForeignFunction {
    /// First usable DMA address.
    pub start_dma: u64,
    /// Last usable DMA address, inclusive.
    pub end_dma: u64,
    /// DMA address space mask of the group.
    pub dasm: u64,
    /// Address that MSIs are written to.
    pub msi_address: u64,
    /// Addresses of the BARs for write-back access; valid where [`mio_bars`](Self::mio_bars) says so.
    pub mio_write_back: [u64; 6],
    /// Addresses of the BARs for write-through access.
    pub mio_write_through: [u64; 6],
    /// Identifier (FID).
    pub id: u32,
    /// User-defined identifier (UID).
    pub uid: u32,
    /// Handle (FH).
    pub handle: u32,
    /// Guest interruption state area designation; 0 without interpretation by KVM.
    pub gisa: u32,
    /// Contents of the BARs.
    pub bars: [u32; 6],
    /// Virtual function number.
    pub vfn: u16,
    /// Physical channel identifier.
    pub pchid: u16,
    /// Length of the function measurement block in bytes.
    pub fmb_length: u16,
    /// Routing identifier, valid with [`RID`](Self::RID).
    pub rid: u16,
    /// Topology identifier, valid with [`TID`](Self::TID).
    pub tid: u16,
    /// Most interrupts.
    pub max_interrupts: u16,
    /// Longest block of PCISTB in bytes.
    pub max_store_block: u16,
    /// Interval in which the measurement block is updated, in milliseconds.
    pub measurement_interval: u16,
    /// Identifier of the group (PFGID).
    pub group: u8,
    /// Type of the function (PFT).
    pub function_type: u8,
    /// Physical port.
    pub port: u8,
    /// Function identifier parameter.
    pub fidparm: u8,
    /// Supported designation types, as the machine stored them.
    pub designation_types: u8,
    /// Version of PCI.
    pub version: u8,
    /// Which BARs have addresses for mapped I/O, bit n for BAR n.
    pub mio_bars: u8,
    /// What applies; see the constants.
    pub flags: u8,
    /// log2 of the size of the BARs in bytes; 0 where there is none.
    pub bar_size_log2: [u8; 6],
    /// Function internal path.
    pub internal_path: [u8; 4],
    /// 1 if interrupts may be directed at processors, whose numbers are then part of the MSI address.
    pub directed_interrupts: u8,
    /// The roots that may be registered, as `designation_types` has them; not from CLP.
    pub roots: u8,
    /// Zero.
    pub reserved: [u8; 4],
    /// Utility string, in EBCDIC, valid with [`UTILITY_STRING`](Self::UTILITY_STRING).
    pub utility_string: [u8; 64],
}

const_assert_eq!(size_of::<ForeignFunction>(), 272);
const_assert_eq!(core::mem::offset_of!(ForeignFunction, id), 128);
const_assert_eq!(core::mem::offset_of!(ForeignFunction, vfn), 168);
const_assert_eq!(core::mem::offset_of!(ForeignFunction, group), 184);
const_assert_eq!(core::mem::offset_of!(ForeignFunction, bar_size_log2), 192);
const_assert_eq!(core::mem::offset_of!(ForeignFunction, utility_string), 208);

impl ForeignFunction {
    /// It is a physical function.
    pub const PHYSICAL: u8 = 0x01;
    /// It has a routing identifier.
    pub const RID: u8 = 0x02;
    /// It has a topology identifier.
    pub const TID: u8 = 0x04;
    /// It has a utility string.
    pub const UTILITY_STRING: u8 = 0x08;
    /// It can do mapped I/O.
    pub const MIO: u8 = 0x10;
    /// Refresh is needed too when a translation becomes valid.
    pub const REFRESH: u8 = 0x20;
    /// It may be registered without translation.
    pub const RELAXED_TRANSLATION: u8 = 0x40;

    /// The facts of `function` and its `group`.
    pub(crate) fn of(function: &Function, group: &FunctionGroup, handle: FunctionHandle) -> Self {
        let flag = |applies: bool, flag: u8| if applies { flag } else { 0 };
        let mio = function.mio.unwrap_or([None; 6]);
        let mut mio_bars = 0;
        for (index, bar) in mio.iter().enumerate() {
            mio_bars |= flag(bar.is_some(), 1 << index);
        }
        Self {
            start_dma: function.start_dma,
            end_dma: function.end_dma,
            dasm: group.dasm,
            msi_address: group.msi_address,
            mio_write_back: mio.map(|bar| bar.map_or(0, |bar| bar.write_back)),
            mio_write_through: mio.map(|bar| bar.map_or(0, |bar| bar.write_through)),
            id: function.id.0,
            uid: function.uid.0,
            handle: handle.0,
            gisa: 0,
            bars: function.bars.map(Bar::register),
            vfn: function.vfn,
            pchid: function.pchid,
            fmb_length: function.fmb_length,
            rid: function.rid.unwrap_or(0),
            tid: function.tid.unwrap_or(0),
            max_interrupts: group.max_interrupts,
            max_store_block: group.max_store_block,
            measurement_interval: group.measurement_interval_ms,
            group: function.group.0,
            function_type: function.function_type.0,
            port: function.port,
            fidparm: function.fidparm,
            designation_types: group.designation_types.0,
            version: group.version,
            mio_bars,
            flags: flag(function.is_physical, Self::PHYSICAL)
                | flag(function.rid.is_some(), Self::RID)
                | flag(function.tid.is_some(), Self::TID)
                | flag(function.utility_string.is_some(), Self::UTILITY_STRING)
                | flag(function.mio.is_some(), Self::MIO)
                | flag(group.refresh, Self::REFRESH)
                | flag(group.relaxed_translation, Self::RELAXED_TRANSLATION),
            bar_size_log2: function.bars.map(Bar::size_log2),
            internal_path: function.internal_path,
            directed_interrupts: 0,
            roots: 0xff,
            reserved: [0; 4],
            utility_string: function.utility_string.map_or([0; 64], |string| string.0),
        }
    }

    /// The function for the user API: without BARs and addresses for mapped I/O.
    #[inline(never)]
    pub(crate) fn function(&self) -> Function {
        Function {
            id: FunctionId(self.id),
            uid: Uid(self.uid),
            group: FunctionGroupId(self.group),
            function_type: FunctionType(self.function_type),
            is_physical: self.has(Self::PHYSICAL),
            vfn: self.vfn,
            pchid: self.pchid,
            port: self.port,
            internal_path: self.internal_path,
            fidparm: self.fidparm,
            rid: self.has(Self::RID).then_some(self.rid),
            tid: self.has(Self::TID).then_some(self.tid),
            bars: [Bar::ABSENT; 6],
            mio: None,
            start_dma: self.start_dma,
            end_dma: self.end_dma,
            fmb_length: self.fmb_length,
            utility_string: self.has(Self::UTILITY_STRING).then_some(UtilityString(self.utility_string)),
        }
    }

    /// The group for the user API.
    #[inline(never)]
    pub(crate) fn group(&self) -> FunctionGroup {
        FunctionGroup {
            max_interrupts: self.max_interrupts,
            max_directed_interrupts: if self.directed_interrupts == 0 { 0 } else { self.max_interrupts },
            max_cpu: 0,
            version: self.version,
            relaxed_translation: self.has(Self::RELAXED_TRANSLATION),
            frame: false,
            refresh: self.has(Self::REFRESH),
            designation_types: DesignationTypes(self.designation_types),
            max_store_block: self.max_store_block,
            measurement_interval_ms: self.measurement_interval,
            maxfaal: 0,
            dasm: self.dasm,
            msi_address: self.msi_address,
        }
    }

    /// What the function takes for translation.
    pub(crate) fn limits(&self) -> Option<Limits> {
        let limits = Limits {
            window: IovaRange::within(Iova::new(self.start_dma), Iova::new(self.end_dma))?,
            designation_types: DesignationTypes(self.designation_types),
            relaxed_translation: self.has(Self::RELAXED_TRANSLATION),
            refresh_on_map: self.has(Self::REFRESH),
            function_type: FunctionType(self.function_type),
        };
        Some(limits.with_roots(DesignationTypes(self.roots)).with_some_root())
    }

    /// What of the window is used when at most `aperture_bytes` are wanted.
    #[inline(never)]
    pub(crate) fn plan(&self, aperture_bytes: u64) -> Option<Plan> {
        self.limits()?.plan(aperture_bytes)
    }

    /// The handle of the function.
    pub(crate) const fn handle(&self) -> FunctionHandle {
        FunctionHandle(self.handle)
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}
