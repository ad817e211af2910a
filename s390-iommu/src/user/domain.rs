// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A domain as the user API describes it: translation tables and the functions that use them.

use clp::{Function, FunctionGroup};

use crate::format::range::IovaRange;
use crate::user::attribute::MsiWindow;
use crate::user::reserved::{Reasons, ReservedRegion};
use crate::user::table_format::TableFormat;

/// A function that uses a domain.
#[derive(Clone, Copy, Debug)]
pub struct DomainFunction {
    /// The function.
    pub function: Function,
    /// Its group.
    pub group: FunctionGroup,
    /// The addresses that are registered for it (PBA to PAL).
    pub aperture: IovaRange,
}

/// One set of translation tables and the functions that use it.
///
/// `F` iterates over the functions; each has an aperture of its own.
#[derive(Clone, Copy, Debug)]
pub struct Domain<'a, F> {
    /// What the tables are.
    pub format: TableFormat,
    /// Addresses that must not be mapped, in any order; they may overlap. Interrupts are not among them.
    pub reserved: &'a [ReservedRegion],
    /// The functions.
    pub functions: F,
}

impl<'a, F: Iterator<Item = DomainFunction> + Clone> Domain<'a, F> {
    /// Returns all addresses that must not be mapped: [`Self::reserved`], and where its functions write interrupts to.
    pub fn reserved_regions(&self) -> impl Iterator<Item = ReservedRegion> + use<'a, F> {
        let interrupts = self.functions.clone().filter_map(|function| {
            let window = function.get_attr::<MsiWindow>()?;
            Some(ReservedRegion { range: window.range, reasons: Reasons::MSI })
        });
        self.reserved.iter().copied().chain(interrupts)
    }
}
