// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function.

use super::{mio_bar, Bar, FunctionType, MioBar, UtilityString};
use crate::id::{FunctionGroupId, FunctionId, Uid};
use crate::message::Received;
use crate::wire::query_pci_fn::{Flags, PortByte, Response};
use core::fmt;
use zerocopy::little_endian;

/// What QUERY PCI FN reports of a function, checked, in host byte order and without reserved fields.
#[derive(Clone, Copy, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct Function {
    /// Identifier (FID).
    #[doc(alias = "fid")]
    pub id: FunctionId,
    /// User-defined identifier (UID).
    pub uid: Uid,
    /// Identifier of its group (PFGID).
    #[doc(alias = "pfgid")]
    pub group: FunctionGroupId,
    /// Type (PFT).
    #[doc(alias = "pft")]
    pub function_type: FunctionType,
    /// Whether it is a physical function; QEMU never says so.
    pub is_physical: bool,
    /// Virtual function number; 0 for a physical function.
    pub vfn: u16,
    /// Physical channel identifier (PCHID).
    pub pchid: u16,
    /// Physical port, 0 to 15; 0 where a port does not apply.
    pub port: u8,
    /// Function internal path (PFIP), segments 0 to 3: the more they differ, the better two functions are isolated.
    #[doc(alias = "pfip")]
    pub internal_path: [u8; 4],
    /// Function identifier parameter; its meaning depends on the type. For a virtual function of type
    /// [`FunctionType::NETH`] 1 says that promiscuous mode is supported.
    pub fidparm: u8,
    /// Routing identifier (RID), where available; the low eight bits are device and function number.
    pub rid: Option<u16>,
    /// Topology identifier (TID), where available.
    pub tid: Option<u16>,
    /// Base address registers 0 to 5.
    pub bars: [Bar; 6],
    /// Addresses of BAR 0 to 5 for mapped I/O, where the function has them and the response reaches that far.
    pub mio: Option<[Option<MioBar>; 6]>,
    /// First usable DMA address.
    #[doc(alias = "sdma")]
    pub start_dma: u64,
    /// Last usable DMA address, inclusive; not below [`Self::start_dma`].
    #[doc(alias = "edma")]
    pub end_dma: u64,
    /// Length of the function measurement block in bytes: a multiple of 4, at most 1020; 0 if there is none.
    #[doc(alias = "fmb_len")]
    pub fmb_length: u16,
    /// Utility string, where available.
    #[doc(alias = "util_str")]
    pub utility_string: Option<UtilityString>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("id", &self.id)
            .field("uid", &self.uid)
            .field("group", &self.group)
            .field("function_type", &self.function_type)
            .field("is_physical", &self.is_physical)
            .field("vfn", &self.vfn)
            .field("pchid", &format_args!("{:#x}", self.pchid))
            .field("port", &self.port)
            .field("internal_path", &self.internal_path)
            .field("fidparm", &format_args!("{:#x}", self.fidparm))
            .field("rid", &self.rid)
            .field("tid", &self.tid)
            .field("bars", &self.bars)
            .field("mio", &self.mio)
            .field("start_dma", &format_args!("{:#x}", self.start_dma))
            .field("end_dma", &format_args!("{:#x}", self.end_dma))
            .field("fmb_length", &self.fmb_length)
            .field("utility_string", &self.utility_string)
            .finish()
    }
}

impl Function {
    /// Reads a response.
    ///
    /// A field that is marked as not available or that lies behind the end of the response is `None`.
    ///
    /// # Errors
    ///
    /// [`FunctionError::BarSize`], [`FunctionError::DmaRange`].
    pub fn decode(received: &Received<Response>) -> Result<Self, FunctionError> {
        let response = received.response();
        let flags = response.flags;
        let mut bars = [Bar::ABSENT; 6];
        for (index, ((bar, register), &size_log2)) in
            bars.iter_mut().zip(&response.bar).zip(&response.bar_size_log2).enumerate()
        {
            *bar = Bar::new(register.to_bytes(), size_log2).ok_or(FunctionError::BarSize { index, size_log2 })?;
        }
        let (start_dma, end_dma) = (response.start_dma.get(), response.end_dma.get());
        if start_dma > end_dma {
            return Err(FunctionError::DmaRange { start_dma, end_dma });
        }
        let utility_string = flags.utility_string_available() && received.covers(Response::UTILITY_STRING_END);
        let mio = flags.mio_available() && received.covers(Response::MIO_END);
        Ok(Self {
            id: FunctionId(response.function_id.get()),
            uid: Uid(response.uid.get()),
            group: FunctionGroupId(response.group_id),
            function_type: FunctionType(response.pft),
            is_physical: flags.is_physical(),
            vfn: response.vfn.get(),
            pchid: response.pchid.get(),
            port: response.port.port(),
            internal_path: response.pfip,
            fidparm: response.fidparm,
            rid: flags.rid_available().then(|| response.rid.get()),
            tid: flags.tid_available().then(|| response.tid.get()),
            bars,
            mio: mio.then(|| mio_bar::mio_bars(&response.mio)),
            start_dma,
            end_dma,
            fmb_length: u16::from(response.fmb_length) * 4,
            utility_string: utility_string.then_some(UtilityString(response.utility_string)),
        })
    }

    /// Writes a response, with every reserved field zero.
    ///
    /// # Errors
    ///
    /// [`FunctionError::DmaRange`], [`FunctionError::Port`], [`FunctionError::FmbLength`].
    pub fn encode(&self) -> Result<Response, FunctionError> {
        if self.start_dma > self.end_dma {
            return Err(FunctionError::DmaRange { start_dma: self.start_dma, end_dma: self.end_dma });
        }
        if self.port > 0xf {
            return Err(FunctionError::Port(self.port));
        }
        let fmb_length = match (self.fmb_length % 4, u8::try_from(self.fmb_length / 4)) {
            (0, Ok(units)) => units,
            _ => return Err(FunctionError::FmbLength(self.fmb_length)),
        };
        let mut response = Response::new();
        response.vfn.set(self.vfn);
        response.flags = Flags::new()
            .with_tid_available(self.tid.is_some())
            .with_rid_available(self.rid.is_some())
            .with_is_physical(self.is_physical)
            .with_mio_available(self.mio.is_some())
            .with_utility_string_available(self.utility_string.is_some());
        response.group_id = self.group.0;
        response.function_id.set(self.id.0);
        response.bar_size_log2 = self.bars.map(Bar::size_log2);
        response.pchid.set(self.pchid);
        response.bar = self.bars.map(|bar| little_endian::U32::from_bytes(bar.register_bytes()));
        response.pfip = self.internal_path;
        response.fidparm = self.fidparm;
        response.port = PortByte::new().with_port(self.port);
        response.fmb_length = fmb_length;
        response.pft = self.function_type.0;
        response.start_dma.set(self.start_dma);
        response.end_dma.set(self.end_dma);
        response.rid.set(self.rid.unwrap_or(0));
        response.tid.set(self.tid.unwrap_or(0));
        response.uid.set(self.uid.0);
        if let Some(UtilityString(bytes)) = self.utility_string {
            response.utility_string = bytes;
        }
        if let Some(bars) = &self.mio {
            response.mio = mio_bar::mio_info(bars);
        }
        Ok(response)
    }
}

/// A value that no function can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FunctionError {
    /// A BAR larger than 64 bits can say.
    BarSize {
        /// Which BAR, 0 to 5.
        index: usize,
        /// Its size as a power of two, above 63.
        size_log2: u8,
    },
    /// The DMA addresses end before they start.
    DmaRange {
        /// First address.
        start_dma: u64,
        /// Last address.
        end_dma: u64,
    },
    /// A port above 15.
    Port(u8),
    /// A measurement block length in bytes that is not a multiple of 4 or above 1020.
    FmbLength(u16),
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BarSize { index, size_log2 } => write!(f, "BAR {index} of 2^{size_log2} bytes"),
            Self::DmaRange { start_dma, end_dma } => {
                write!(f, "DMA addresses that start at {start_dma:#x} and end at {end_dma:#x}")
            }
            Self::Port(port) => write!(f, "port {port} above 15"),
            Self::FmbLength(length) => {
                write!(f, "measurement block of {length} bytes, not a multiple of 4 up to 1020")
            }
        }
    }
}

impl core::error::Error for FunctionError {}
