// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function of the host, with the values that the guest sees instead of the host's.

use crate::id::{FunctionGroupId, FunctionId, Uid};
use crate::value::{Bar, Function};
use core::fmt;

/// What the VMM puts in the place of the host's values when it passes a function through.
///
/// | value | for the guest |
/// |---|---|
/// | FID, UID, PFGID, BARs, DMA window, length of the FMB | from here |
/// | PCHID, PFIP, PFT, port, function identifier parameter, utility string | as the host has them |
/// | VFN, RID, TID | from here, all of them or none: they place the function among others |
/// | whether it is a physical function | never: its virtual functions are the host's |
/// | MIO addresses | absent: they are addresses of the host |
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Passthrough {
    /// Identifier (FID) for the guest.
    pub id: FunctionId,
    /// User-defined identifier (UID) for the guest.
    pub uid: Uid,
    /// Identifier of the group (PFGID) for the guest, from [`Groups::add`](super::Groups::add).
    pub group: FunctionGroupId,
    /// Base address registers 0 to 5, little-endian, without host addresses: VFIO reports the sizes of the regions.
    pub bars: [Bar; 6],
    /// First DMA address, as the host registered the function.
    pub start_dma: u64,
    /// Last DMA address, inclusive, as the host registered the function.
    pub end_dma: u64,
    /// Length in bytes of the measurement block that the VMM writes; 0 if it writes none, whatever the host has: a guest
    /// that reads of one sets it up, and would be refused.
    pub fmb_length: u16,
    /// Where the function is among those of the guest; `None` for one that stands alone.
    pub place: Option<Place>,
}

/// Where a function is among others that the guest has on the same adapter.
///
/// A guest puts a function by its RID on a bus that its TID names, and takes one with a VFN for a virtual function of a
/// physical one on that bus (Linux: `arch/s390/pci/pci_bus.c`, `arch/s390/pci/pci_iov.c`). A VFN alone says something about a
/// function that the guest does not have, so it is told with the others or not at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Virtual function number (VFN); 0 for a function that is not virtual.
    pub vfn: u16,
    /// Routing identifier (RID).
    pub rid: u16,
    /// Topology identifier (TID).
    pub tid: u16,
}

impl Passthrough {
    /// The values of `host` for the guest.
    ///
    /// # Errors
    ///
    /// [`PassthroughError::Window`].
    pub fn function(&self, host: &Function) -> Result<Function, PassthroughError> {
        let (start_dma, end_dma) = (self.start_dma, self.end_dma);
        if start_dma > end_dma || start_dma < host.start_dma || end_dma > host.end_dma {
            return Err(PassthroughError::Window { start_dma, end_dma });
        }
        Ok(Function {
            id: self.id,
            uid: self.uid,
            group: self.group,
            function_type: host.function_type,
            is_physical: false,
            vfn: self.place.map_or(0, |place| place.vfn),
            pchid: host.pchid,
            port: host.port,
            internal_path: host.internal_path,
            fidparm: host.fidparm,
            rid: self.place.map(|place| place.rid),
            tid: self.place.map(|place| place.tid),
            bars: self.bars,
            mio: None,
            start_dma,
            end_dma,
            fmb_length: self.fmb_length,
            utility_string: host.utility_string,
        })
    }
}

/// Why a function cannot be passed through like that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PassthroughError {
    /// The DMA window is empty, or not within the addresses that the function can use.
    Window {
        /// First address.
        start_dma: u64,
        /// Last address, inclusive.
        end_dma: u64,
    },
}

impl fmt::Display for PassthroughError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window { start_dma, end_dma } => {
                write!(f, "DMA window from {start_dma:#x} to {end_dma:#x}, which the function cannot use")
            }
        }
    }
}

impl core::error::Error for PassthroughError {}
