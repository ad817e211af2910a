// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The list of cases, the same in every place.

mod commands;
mod dma;
mod function;
mod translation_table;

use crate::case::Group;
use crate::machine::{Device, Machine};

/// Every case that needs no more than a [`Machine`].
pub fn cases<M: Machine + 'static>() -> &'static [Group<M>] {
    List::<M>::GROUPS
}

/// Every case that needs a [`Device`] as well.
pub fn device_cases<M: Device + 'static>() -> &'static [Group<M>] {
    DeviceList::<M>::GROUPS
}

/// Carries the list, which is a constant for each kind of machine.
struct List<M>(core::marker::PhantomData<M>);

impl<M: Machine + 'static> List<M> {
    const GROUPS: &'static [Group<M>] = &[
        commands::group(),
        function::group(),
        translation_table::region_third_4k(),
        translation_table::region_third_1m(),
        translation_table::region_second_4k(),
        translation_table::region_second_1m(),
        translation_table::region_first_4k(),
        translation_table::region_first_1m(),
    ];
}

/// Carries the list, which is a constant for each kind of machine.
struct DeviceList<M>(core::marker::PhantomData<M>);

impl<M: Device + 'static> DeviceList<M> {
    const GROUPS: &'static [Group<M>] = &[dma::group()];
}
