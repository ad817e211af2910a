// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the fuzz targets of `zpci` have in common.

pub mod command;
pub mod elf;
pub mod forms;
pub mod reports;
