// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A group of functions.

use crate::message::Received;
use crate::wire::query_pci_fngrp::{Flags, InterruptCount, Response, StoreBlockLength};
use core::fmt;

/// What QUERY PCI FNGRP reports of a group, in host byte order and without reserved fields.
#[derive(Clone, Copy, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct FunctionGroup {
    /// Most interrupts (MSIs) of a function, 0 to 4095 (`noi`).
    #[doc(alias = "noi")]
    pub max_interrupts: u16,
    /// Most directed interrupts of a function, 0 to 4095 (`dnoi`).
    #[doc(alias = "dnoi")]
    pub max_directed_interrupts: u16,
    /// Most processors for directed interrupts (`maxcpu`).
    #[doc(alias = "maxcpu")]
    pub max_cpu: u16,
    /// Version of PCI; Linux takes 1 for 5 GT/s and knows no other.
    pub version: u8,
    /// Relaxed translation: a function may be registered without translation (`rtr`).
    #[doc(alias = "rtr")]
    pub relaxed_translation: bool,
    /// Named `frame` in Linux, which does not use it; no public source says what it means.
    pub frame: bool,
    /// Refresh is needed too when a translation becomes valid, since the hypervisor shadows the tables.
    #[doc(alias = "tlb_refresh")]
    pub refresh: bool,
    /// Supported designation types (`dtsm`).
    #[doc(alias = "dtsm")]
    pub designation_types: DesignationTypes,
    /// Longest block of PCISTB in bytes, 0 to 8191 (`maxstbl`).
    #[doc(alias = "maxstbl")]
    pub max_store_block: u16,
    /// Interval in which the measurement block is updated, in milliseconds (`mui`).
    #[doc(alias = "mui")]
    pub measurement_interval_ms: u16,
    /// Named `maxfaal` in Linux, which does not use it; no public source says what it means.
    pub maxfaal: u16,
    /// DMA address space mask; no public source says what it means.
    pub dasm: u64,
    /// Address that MSIs are written to (`msia`); it is not translated.
    #[doc(alias = "msia")]
    pub msi_address: u64,
}

impl fmt::Debug for FunctionGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionGroup")
            .field("max_interrupts", &self.max_interrupts)
            .field("max_directed_interrupts", &self.max_directed_interrupts)
            .field("max_cpu", &self.max_cpu)
            .field("version", &self.version)
            .field("relaxed_translation", &self.relaxed_translation)
            .field("frame", &self.frame)
            .field("refresh", &self.refresh)
            .field("designation_types", &self.designation_types)
            .field("max_store_block", &self.max_store_block)
            .field("measurement_interval_ms", &self.measurement_interval_ms)
            .field("maxfaal", &format_args!("{:#x}", self.maxfaal))
            .field("dasm", &format_args!("{:#x}", self.dasm))
            .field("msi_address", &format_args!("{:#x}", self.msi_address))
            .finish()
    }
}

impl FunctionGroup {
    /// Reads a response.
    pub fn decode(received: &Received<Response>) -> Self {
        let response = received.response();
        Self {
            max_interrupts: response.max_interrupts.count(),
            max_directed_interrupts: response.max_directed_interrupts.count(),
            max_cpu: response.max_cpu.get(),
            version: response.version,
            relaxed_translation: response.flags.relaxed_translation(),
            frame: response.flags.frame(),
            refresh: response.flags.refresh(),
            designation_types: DesignationTypes(response.designation_types),
            max_store_block: response.max_store_block.length(),
            measurement_interval_ms: response.measurement_interval.get(),
            maxfaal: response.maxfaal.get(),
            dasm: response.dasm.get(),
            msi_address: response.msi_address.get(),
        }
    }

    /// Writes a response, with every reserved field zero.
    ///
    /// # Errors
    ///
    /// [`FunctionGroupError::Interrupts`], [`FunctionGroupError::StoreBlock`].
    pub fn encode(&self) -> Result<Response, FunctionGroupError> {
        if self.max_store_block > 0x1fff {
            return Err(FunctionGroupError::StoreBlock(self.max_store_block));
        }
        let mut response = Response::new();
        response.max_interrupts = interrupts(self.max_interrupts)?;
        response.version = self.version;
        response.flags = Flags::new()
            .with_relaxed_translation(self.relaxed_translation)
            .with_frame(self.frame)
            .with_refresh(self.refresh);
        response.max_store_block = StoreBlockLength::new().with_length(self.max_store_block);
        response.measurement_interval.set(self.measurement_interval_ms);
        response.designation_types = self.designation_types.0;
        response.maxfaal.set(self.maxfaal);
        response.max_directed_interrupts = interrupts(self.max_directed_interrupts)?;
        response.max_cpu.set(self.max_cpu);
        response.dasm.set(self.dasm);
        response.msi_address.set(self.msi_address);
        Ok(response)
    }
}

fn interrupts(count: u16) -> Result<InterruptCount, FunctionGroupError> {
    match count {
        0..=0xfff => Ok(InterruptCount::new().with_count(count)),
        _ => Err(FunctionGroupError::Interrupts(count)),
    }
}

/// Designation types that the functions of a group support: what an I/O translation anchor may designate (`dtsm`).
///
/// The byte is as the machine stored it. Bit n, bit 0 the most significant, is taken as type n: QEMU stores 0x40 and
/// supports type 1, a region-third table, alone (measured). Linux tests it with 0x08 and 0x0c instead
/// (`drivers/iommu/s390-iommu.c`); no public source settles it.
#[doc(alias = "dtsm")]
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[repr(transparent)]
pub struct DesignationTypes(pub u8);

impl DesignationTypes {
    /// Whether designation type `designation_type` is supported; never for one above 7.
    pub const fn supports(self, designation_type: u8) -> bool {
        match designation_type {
            0..=7 => self.0 & (0x80 >> designation_type) != 0,
            _ => false,
        }
    }
}

impl fmt::Debug for DesignationTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DesignationTypes({:#04x})", self.0)
    }
}

/// A value that no group can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FunctionGroupError {
    /// More than 4095 interrupts.
    Interrupts(u16),
    /// A store block of more than 8191 bytes.
    StoreBlock(u16),
}

impl fmt::Display for FunctionGroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupts(count) => write!(f, "{count} interrupts, above 4095"),
            Self::StoreBlock(length) => write!(f, "store block of {length} bytes, above 8191"),
        }
    }
}

impl core::error::Error for FunctionGroupError {}
