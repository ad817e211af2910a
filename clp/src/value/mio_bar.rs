// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Addresses of a BAR for mapped I/O, checked.

use core::fmt;

use crate::wire::mio::{MioAddress, MioInfo, ValidBars};

/// Addresses of a BAR for mapped I/O.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct MioBar {
    /// Address for write-back access.
    pub write_back: u64,
    /// Address for write-through access.
    pub write_through: u64,
}

impl fmt::Debug for MioBar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MioBar {{ write_back: {:#x}, write_through: {:#x} }}", self.write_back, self.write_through)
    }
}

pub(crate) fn mio_bars(info: &MioInfo) -> [Option<MioBar>; 6] {
    let mut bars = [None; 6];
    for (index, (bar, address)) in bars.iter_mut().zip(&info.addresses).enumerate() {
        *bar = info
            .valid
            .contains(index)
            .then(|| MioBar { write_back: address.write_back.get(), write_through: address.write_through.get() });
    }
    bars
}

pub(crate) fn mio_info(bars: &[Option<MioBar>; 6]) -> MioInfo {
    let mut info = MioInfo::NONE;
    let mut valid = 0;
    for (index, (bar, address)) in bars.iter().zip(&mut info.addresses).enumerate() {
        if let Some(bar) = bar {
            valid |= 0x20 >> index;
            *address = MioAddress { write_back: bar.write_back.into(), write_through: bar.write_through.into() };
        }
    }
    info.valid = ValidBars::new().with_bars(valid);
    info
}
