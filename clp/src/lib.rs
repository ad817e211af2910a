// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CLP (call logical processor): how an IBM Z machine reports which PCI functions it has, and enables and disables them.
//!
//! Layers, each a folder that imports from those before it alone:
//!
//! * The seam's blocks: [`Block`], and [`Command`], a block that is known to hold a request and the capacity for its
//!   response; [headers](RequestHeader), codes and identifiers; the traits [`WireRequest`] and [`WireResponse`].
//! * [`wire`]: structures, byte for byte, one module for each command: [`list_pci`], [`query_pci_fn`],
//!   [`query_pci_fngrp`], [`set_pci_fn`], [`slpc`]; [`immediate`] is the form without a block.
//! * [`field`]: tables of what each byte of these structures is called and means, for decoders.
//! * Values, checked, in host byte order and without reserved fields: [`ListEntry`], [`Function`], [`FunctionGroup`],
//!   [`Characteristics`]. `decode` reads them from a response, `encode` writes one.
//! * A [`Client`] that issues commands to a machine, any implementation of [`Clp`].
//! * A [`responder`] that answers the commands of a guest with the same structures, the other way round:
//!   [`Parts::split`], [`WireRequest::parse`], `encode` of a value and [`WireResponse::emit`], or a [`ListWriter`].
//!
//! The machine is not trusted: every length, count, exponent and token is checked before it is used, loops are bounded,
//! and codes without a name stay representable. No public document describes CLP; the sources are Linux and QEMU, cited
//! where a fact comes from, and what QEMU was measured to do.
//!
//! # Examples
//!
//! ```
//! use clp::{Block, Client, Clp, Command, ConditionCode, FunctionHandle, FunctionId, LogicalProcessor};
//!
//! /// A machine with one function that answers LIST PCI, whatever it is asked.
//! struct Recorded;
//!
//! impl Clp for Recorded {
//!     fn call(&self, _: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
//!         command.bytes_mut()[32..80].copy_from_slice(&[
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
//!
//!     fn pause(&self, _: u32) -> bool {
//!         false
//!     }
//! }
//!
//! let mut block = Block::zeroed();
//! let mut client = Client::new(&Recorded, &mut block);
//! for entry in client.list() {
//!     let entry = entry?;
//!     assert_eq!((entry.vendor, entry.device), (0x1af4, 0x1003));
//! }
//! assert_eq!(client.current_handle(FunctionId(1)), Ok(FunctionHandle(0x0002_0000)));
//! # Ok::<(), clp::ListError>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

mod block;
mod client;
mod code;
mod command;
pub mod field;
mod header;
mod id;
mod message;
pub mod responder;
mod value;
pub mod wire;

pub use block::Block;
pub use client::{
    call, CallError, Client, ClientError, Clp, Enable, EnableError, Enabled, Leftover, List, ListCapacity, ListError,
    SetError,
};
pub use code::{CommandCode, ConditionCode, LogicalProcessor, ResponseCode};
pub use command::{Command, CommandError};
pub use header::{FormatWord, RequestHeader, ResponseHeader, FORMAT_WORD, REQUEST_HEADER, RESPONSE_HEADER};
pub use id::{FunctionGroupId, FunctionHandle, FunctionId, ResumeToken, Uid};
pub use message::{CapacityError, Parts, PartsError, Received, RequestError, ResponseError, WireRequest, WireResponse};
pub use responder::ListWriter;
pub use value::{
    Bar, Characteristics, CharacteristicsError, DesignationTypes, Function, FunctionError, FunctionGroup,
    FunctionGroupError, FunctionState, FunctionType, ListEntry, ListSummary, MioBar, UtilityString,
};
pub use wire::immediate::InstalledProcessors;
pub use wire::{immediate, list_pci, mio, query_pci_fn, query_pci_fngrp, set_pci_fn, slpc};
/// Whose byte orders the fields of wire structures have, and whose traits make bytes of them.
pub use zerocopy;
