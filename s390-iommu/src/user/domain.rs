// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A domain as the user API knows it: what it translates, and for which functions.

use clp::{Function, FunctionGroup};

use crate::format::frame::FrameSizes;
use crate::format::range::IovaRange;
use crate::machine::limits::Limits;
use crate::user::attribute::MsiWindow;
use crate::user::reserved::{Reasons, ReservedRegion};
use crate::user::table_format::TableFormat;

/// A function that uses a domain.
#[derive(Clone, Copy, Debug)]
pub struct AttachedFunction {
    /// What CLP told of it.
    pub function: Function,
    /// What CLP told of its group.
    pub group: FunctionGroup,
    /// The frames that it understands.
    pub frame_sizes: FrameSizes,
}

impl AttachedFunction {
    /// What it takes for translation; nothing where it has no whole page to address.
    #[inline(never)]
    pub fn limits(&self) -> Option<Limits> {
        Limits::new(&self.function, &self.group)
    }
}

/// What names a domain; whoever made it chose the number.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct DomainId(pub u64);

/// One set of translation tables and the functions that use it.
#[derive(Clone, Copy, Debug)]
pub struct Domain<'a> {
    /// Its name.
    pub id: DomainId,
    /// The addresses that it translates, as registered.
    pub aperture: IovaRange,
    /// The tables that it may use.
    pub format: TableFormat,
    /// Addresses that must not be mapped, in any order; they may overlap.
    pub reserved: &'a [ReservedRegion],
    /// The functions that use it.
    pub functions: &'a [AttachedFunction],
}

impl<'a> Domain<'a> {
    /// All addresses that must not be mapped: those of [`Self::reserved`], and where its functions write interrupts to.
    pub fn reserved_regions(&self) -> impl Iterator<Item = ReservedRegion> + 'a {
        let interrupts = self.functions.iter().filter_map(|function| {
            let window = function.get_attr::<MsiWindow>()?;
            Some(ReservedRegion { range: window.range, reasons: Reasons::MSI })
        });
        self.reserved.iter().copied().chain(interrupts)
    }
}
