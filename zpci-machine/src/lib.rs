// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The zPCI instructions of s390x themselves, for bare-metal programs: what [`clp`] and [`s390_iommu`] reach through their
//! seams, and what a driver needs beside them. `no_std`, no heap.
//!
//! | what | instruction: opcode, format; operands | here |
//! |---|---|---|
//! | functions: list, query, enable, disable | CLP: 0xb9a0, RRF; R2 block | `Hardware`, behind [`clp::Clp`] |
//! | translation | MPCIFC: 0xe3..d0, RXY; R1 request, second operand FIB | `Hardware`, behind [`s390_iommu::Zpci`] |
//! | | RPCIT: 0xb9d3, RRE; R1 request, R2 and R2 + 1 first address and bytes | |
//! | state of a function | STPCIFC: 0xe3..d4, RXY; R1 request, second operand FIB | `controls` |
//! | registers, configuration space | PCILG: 0xb9d2, RRE; R1 data, R2 and R2 + 1 request and offset | `load` |
//! | | PCISTG: 0xb9d0, RRE; the same | `store` |
//! | | PCISTB: 0xeb..d0, RSY; R1 request, R3 offset, second operand block | `store_block` |
//! | interrupts of a function | MPCIFC, controls 2 and 3 | [`register_interrupts`], [`deregister_interrupts`] |
//! | interruptions of the processor | SIC: 0xeb..d1, RSY; R1 control, R3 subclass, second operand block | [`interruption`] |
//! | | control registers 6 and 14, PSW | |
//! | measurement blocks | MPCIFC, control 10 | [`set_measurement`], [`stop_measurement`] |
//! | events | STCRW: 0xb239, S; second operand word | [`ChannelReport`] |
//! | | CHSC: 0xb25f, RRE; R1 block | [`EventBlock`] |
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
//! What goes through the seams takes any machine; on s390x that is `&Hardware`.
//!
//! ```
//! use clp::{Client, Clp, FunctionHandle};
//! use s390_iommu::{AbsoluteAddress, Zpci};
//! use zpci_machine::{deregister_interrupts, register_interrupts, InterruptRegistration};
//!
//! /// Enables the first function, and lets the machine note its first two interrupts in `bits`: two doublewords, of which
//! /// the first has the vector and the second the summary bit.
//! ///
//! /// # Safety
//! ///
//! /// The doublewords are storage for nothing else until the function is disabled.
//! unsafe fn with_interrupts(
//!     machine: &(impl Clp + Zpci),
//!     block: &mut clp::Block,
//!     bits: AbsoluteAddress,
//! ) -> Result<FunctionHandle, Box<dyn core::error::Error>> {
//!     let mut client = Client::new(machine, block);
//!     let entry = client.list().next().ok_or("no function")??;
//!     let handle = client.ensure_enabled(entry.id)?;
//!     let function = client.query_function(handle)?;
//!     let group = client.query_function_group(function.group)?;
//!     let registration = InterruptRegistration {
//!         subclass: 3,
//!         count: 2,
//!         vector: bits,
//!         vector_offset: 0,
//!         summary: bits.checked_add(8).ok_or("the end of storage")?,
//!         summary_offset: 0,
//!     };
//!     // By the contract of this function.
//!     unsafe { register_interrupts(machine, handle, &group, &registration)? };
//!     Ok(handle)
//! }
//! # let machine = zpci_tests::fake::Fake::new(zpci_tests::fake::Configuration::qemu());
//! # let mut block = clp::Block::zeroed();
//! # let handle = unsafe { with_interrupts(&machine, &mut block, AbsoluteAddress::new(0x8000)) }?;
//! # assert_eq!(machine.store_fib(handle.0).1[40..44], [0x30, 0x02, 0x00, 0x80]);
//! # deregister_interrupts(&machine, handle)?;
//! # assert_eq!(machine.store_fib(handle.0).1[40..44], [0; 4]);
//! # Ok::<(), Box<dyn core::error::Error>>(())
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
    check_access, check_block, condition_code, LoadStoreError, OperandError, RequestRegister, Space, Width,
};
