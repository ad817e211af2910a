// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The VFIO-facing structures: what user space learns of a function.
//!
//! Values are in host byte order and every byte is a named field, so that nothing but these fields reaches a user.

mod device;
mod header;

pub use device::{ZpciBase, ZpciGroup, ZpciPath, ZpciUtilityString};
pub use header::CapabilityHeader;
