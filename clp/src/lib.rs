// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CLP (call logical processor): how an IBM Z machine tells what PCI functions it has, and enables and disables them.
//!
//! Three layers, of which a caller mostly needs the last:
//!
//! * **Wire structures**, byte for byte, one module for each command: [`list_pci`], [`query_pci_fn`],
//!   [`query_pci_fngrp`], [`set_pci_fn`], [`slpc`]; [`immediate`] is the form without a block. The traits [`Request`]
//!   and [`Response`] are what they have in common.
//! * **Values**, checked, in host byte order and without reserved fields: [`ListEntry`], [`Function`],
//!   [`FunctionGroup`], [`Characteristics`]. `decode` reads them from a response, `encode` writes one.
//! * A [`Client`] that issues commands to a machine, any implementation of [`Clp`].
//!
//! The [`responder`] answers the commands of a guest with the same structures, the other way round: [`Parts::split`],
//! [`Request::parse`], `encode` of a value and [`Response::emit`], or a [`ListWriter`].
//!
//! The machine is not trusted: every length, count, exponent and token is checked before it is used, loops are bounded,
//! and codes without a name stay representable. No public document describes CLP; the sources are Linux and QEMU, cited
//! where a fact comes from, and what QEMU was measured to do.
//!
//! # Examples
//!
//! ```
//! use clp::{Block, Client, Clp, ConditionCode, FunctionHandle, FunctionId, LogicalProcessor};
//!
//! /// A machine with one function that answers LIST PCI, whatever it is asked.
//! struct Recorded;
//!
//! impl Clp for Recorded {
//!     fn call(&self, _: LogicalProcessor, block: &mut Block) -> ConditionCode {
//!         block.bytes_mut()[32..80].copy_from_slice(&[
//!             0x00, 0x30, 0x00, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // length 48, OK
//!             0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x00, 0x01, 0x10, // complete, UID checking, entries of 16
//!             0x10, 0x03, 0x1a, 0xf4, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, // virtio-serial, FID 1
//!         ]);
//!         ConditionCode::Zero
//!     }
//!
//!     fn immediate(&self, _: u64) -> Result<u64, ConditionCode> {
//!         Err(ConditionCode::Three)
//!     }
//! }
//!
//! let mut block = Block::zeroed();
//! let mut client = Client::new(&Recorded, &mut block);
//! for entry in client.list() {
//!     let entry = entry?;
//!     assert_eq!((entry.vendor, entry.device), (0x1af4, 0x1003));
//! }
//! assert_eq!(client.refresh_handle(FunctionId(1)), Ok(FunctionHandle(0x0002_0000)));
//! # Ok::<(), clp::ListError>(())
//! ```
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
mod list_writer;
mod machine;
pub mod mio;
mod parts;
mod progress;
pub mod query_pci_fn;
pub mod query_pci_fngrp;
mod request;
pub mod responder;
mod response;
mod set;
pub mod set_pci_fn;
pub mod slpc;
mod utility_string;

pub use bar::Bar;
pub use block::Block;
pub use call::{call, CallError};
pub use characteristics::{Characteristics, CharacteristicsError};
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
pub use list_writer::ListWriter;
pub use machine::Clp;
pub use parts::{Parts, PartsError};
pub use request::{Request, RequestError};
pub use response::{Received, Response, ResponseError, RoomError};
pub use set::{MioEnabled, SetError};
pub use utility_string::UtilityString;
