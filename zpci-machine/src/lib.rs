// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The zPCI instructions of s390x themselves, for bare-metal programs: what [`clp`] and [`s390_iommu`] reach through their
//! seams, and what a driver needs beside them. `no_std`, no heap.
//!
//! | what | instruction | here |
//! |---|---|---|
//! | functions: list, query, enable, disable | CLP 0xb9a0 | `Hardware`, behind [`clp::Clp`] |
//! | translation | MPCIFC 0xe3..d0, RPCIT 0xb9d3 | `Hardware`, behind [`s390_iommu::Zpci`] |
//! | state of a function | STPCIFC 0xe3..d4 | `controls` |
//! | registers of a device, configuration space | PCILG 0xb9d2, PCISTG 0xb9d0, PCISTB 0xeb..d0 | `load`, `store`, `store_block` |
//! | interrupts of a function | MPCIFC, controls 2 and 3 | [`register_interrupts`], [`deregister_interrupts`] |
//! | interruptions of the processor | SIC 0xeb..d1, control registers 6 and 14, PSW | [`interruption`] |
//! | measurement blocks | MPCIFC, control 10 | [`set_measurement`], [`stop_measurement`] |
//! | events | STCRW 0xb239, CHSC 0xb25f | [`ChannelReport`], [`EventBlock`] |
//! | facilities, time | STFLE, STCKF | `has_facility`, `clock` |
//!
//! [`RequestRegister`] has the register by which a function is asked, and where its answer is. Names in code above without a
//! link exist on s390x alone.
//!
//! # Elsewhere than on s390x
//!
//! The instructions are compiled for s390x alone. The rest is compiled and tested everywhere: checks of operands, layouts,
//! and what goes through the seams, such as [`register_interrupts`].
//!
//! # What a program needs
//!
//! It runs in supervisor state, with translation off or storage mapped one to one, on a machine with the facilities 69 (zPCI),
//! 71 (adapter event notification) and 72 (adapter interruption suppression, for SIC). Instructions of a program in the
//! problem state end in a program interruption. [`exception`] says what it supplies so that an instruction that is refused
//! by a program interruption becomes an answer, and [`interruption`] how interruptions reach it.
//!
//! ```no_run
//! # #[cfg(target_arch = "s390x")]
//! # fn example() -> Result<(), Box<dyn core::error::Error>> {
//! use clp::{Block, Client};
//! use s390_iommu::AbsoluteAddress;
//! use zpci_machine::{load, register_interrupts, Hardware, InterruptRegistration, Space, Width};
//!
//! let mut block = Block::zeroed();
//! let mut client = Client::new(&Hardware, &mut block);
//! let entry = client.list().next().ok_or("no function")??;
//! let handle = client.ensure_enabled(entry.id)?;
//! let function = client.query_function(handle)?;
//! let group = client.query_function_group(function.group)?;
//! println!("{:#x}", load(handle, Space::Configuration, 0, Width::Word)?);
//!
//! # let (vector, summary) = (AbsoluteAddress::new(0x8000), AbsoluteAddress::new(0x8100));
//! let registration =
//!     InterruptRegistration { subclass: 3, count: 2, vector, vector_offset: 0, summary, summary_offset: 0 };
//! // SAFETY: both doublewords are storage for nothing else, and accessed by atomic operations.
//! unsafe { register_interrupts(&Hardware, handle, &group, &registration)? };
//! # Ok(())
//! # }
//! ```
#![cfg_attr(not(test), no_std)]

mod channel_report;
#[cfg(target_arch = "s390x")]
pub mod clock;
#[cfg(target_arch = "s390x")]
mod controls;
mod event;
pub mod exception;
#[cfg(target_arch = "s390x")]
mod facility;
#[cfg(target_arch = "s390x")]
mod hardware;
pub mod interruption;
mod interrupts;
#[cfg(target_arch = "s390x")]
mod load_store;
mod measurement;
mod modify;
mod operand;

pub use channel_report::ChannelReport;
#[cfg(target_arch = "s390x")]
pub use controls::controls;
pub use event::EventBlock;
#[cfg(target_arch = "s390x")]
pub use facility::has_facility;
#[cfg(target_arch = "s390x")]
pub use hardware::Hardware;
pub use interrupts::{deregister_interrupts, register_interrupts, InterruptError, InterruptRegistration};
#[cfg(target_arch = "s390x")]
pub use load_store::{load, store, store_block};
pub use measurement::{set_measurement, stop_measurement, MeasureError};
pub use operand::{
    check_access, check_block, condition_code, AccessError, OperandError, RequestRegister, Space, Width,
};
