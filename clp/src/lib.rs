// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CLP (call logical processor): how an IBM Z machine tells what PCI functions it has, and enables and disables them.
#![no_std]
#![forbid(unsafe_code)]

mod block;
mod code;
mod id;
mod machine;

pub use block::Block;
pub use code::{ConditionCode, LogicalProcessor, ResponseCode};
pub use id::{FunctionGroupId, FunctionHandle, FunctionId, Uid};
pub use machine::Clp;
