// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a user of domains learns: attributes, usable ranges, and the structures of VFIO and iommufd.

pub(crate) mod attribute;
pub(crate) mod container;
pub(crate) mod domain;
pub(crate) mod gaps;
mod members;
pub(crate) mod reserved;
pub(crate) mod table_format;
pub mod vfio;
