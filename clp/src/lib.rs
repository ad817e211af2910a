// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CLP (call logical processor): how an IBM Z machine tells what PCI functions it has, and enables and disables them.
#![no_std]
#![forbid(unsafe_code)]

mod bar;
mod block;
mod call;
mod characteristics;
mod client;
mod code;
mod ebcdic;
mod enable_with_mio;
mod ensure;
mod find;
mod function;
mod function_group;
mod function_type;
mod header;
mod id;
pub mod immediate;
mod list;
mod list_entry;
pub mod list_pci;
mod machine;
pub mod mio;
mod progress;
pub mod query_pci_fn;
pub mod query_pci_fngrp;
mod request;
mod response;
mod set;
pub mod set_pci_fn;
pub mod slpc;
mod utility_string;

pub use bar::Bar;
pub use block::Block;
pub use call::{call, CallError};
pub use characteristics::Characteristics;
pub use client::{Client, QueryError};
pub use code::{CommandCode, ConditionCode, LogicalProcessor, ResponseCode};
pub use enable_with_mio::EnableWithMioError;
pub use ensure::EnsureError;
pub use find::FindError;
pub use function::{Function, FunctionError, MioBar};
pub use function_group::{DesignationTypes, FunctionGroup, FunctionGroupError};
pub use function_type::FunctionType;
pub use header::{FormatWord, RequestHeader, ResponseHeader};
pub use id::{FunctionGroupId, FunctionHandle, FunctionId, Uid};
pub use immediate::InstalledProcessors;
pub use list::{List, ListError, ListRoom, ListSummary, ResumeToken};
pub use list_entry::{FunctionState, ListEntry};
pub use machine::Clp;
pub use request::{Request, RequestError};
pub use response::{Received, Response, ResponseError, RoomError};
pub use set::{MioEnabled, SetError};
pub use utility_string::UtilityString;
