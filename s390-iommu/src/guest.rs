// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The other side: what a guest's MPCIFC, RPCIT, STPCIFC and SIC mean, for the program that runs it (VMM).
//!
//! The VMM intercepts the instruction, [decodes](registers) its registers, finds the function by the handle and asks its
//! [`FunctionControls`]. These turn the instruction into a condition code with a status, or a program interruption, an
//! error event if there is one, and what is to be done on the host:
//!
//! * A registration changes what the device reaches as a whole: [`Effect`].
//! * RPCIT changes it in a range. [`FunctionControls::proceed`] walks the guest's tables through [`GuestMemory`], compares
//!   with what is mapped already, and calls [`Mappings`] for the difference, in runs.
//!
//! The guest is not trusted. No look reads more than five entries, each is read once, and whoever calls `proceed` says how
//! much is done before it returns. [`Rules`] says where QEMU and hardware differ. Commands (CLP) are answered by
//! [`clp::responder`].
//!
//! # Examples
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use clp::{DesignationTypes, FunctionHandle, FunctionId, FunctionType};
//! use s390_iommu::guest::{
//!     Answer, Configuration, Effect, Exhausted, FunctionControls, GuestMemory, Mapped, Mappings, Mpcifc, RefreshNumber,
//!     Refreshed, Rpcit, Rules, Run,
//! };
//! use s390_iommu::{AbsoluteAddress, Fib, Iova, IovaRange, Limits};
//!
//! /// A guest whose tables lead one page to 0x5000.
//! struct Storage;
//!
//! impl GuestMemory for Storage {
//!     fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
//!         Some(match address.get() {
//!             0x2_4010 => 0x2_8007, // region-third entry 2
//!             0x2_8000 => 0x2_c800, // segment entry 0
//!             0x2_c800 => 0x5000,   // page entry 0
//!             0x2_4000..0x2_c000 => 0x20,
//!             0x2_c808..0x2_d000 => 0x400,
//!             _ => return None,
//!         })
//!     }
//! }
//!
//! /// What is mapped, by first address. A VMM calls VFIO as well.
//! #[derive(Default)]
//! struct Host(BTreeMap<u64, Mapped>);
//!
//! impl Mappings for Host {
//!     fn first_in(&self, range: IovaRange) -> Option<Mapped> {
//!         self.0.values().find(|mapped| mapped.run.range.intersection(range).is_some()).copied()
//!     }
//!
//!     fn map(&mut self, run: Run, refresh: RefreshNumber) -> Result<(), Exhausted> {
//!         // Page by page, so that a page can be unmapped.
//!         for offset in (0..=run.range.size_less_one()).step_by(4096) {
//!             let page = IovaRange::page(Iova::new(run.range.start().get() + offset));
//!             let Some(run) = run.within(page) else { continue };
//!             self.0.insert(page.start().get(), Mapped { run, refresh });
//!         }
//!         Ok(())
//!     }
//!
//!     fn unmap(&mut self, range: IovaRange) {
//!         self.0.retain(|_, mapped| mapped.run.range.intersection(range).is_none());
//!     }
//! }
//!
//! let window = IovaRange::with_size(Iova::new(0x1_0000_0000), 0x1_0000_0000)?;
//! let limits = Limits {
//!     window,
//!     designation_types: DesignationTypes(0x40),
//!     relaxed_translation: false,
//!     refresh_on_map: true,
//!     function_type: FunctionType::UNCLASSIFIED,
//! };
//! let configuration = Configuration {
//!     id: FunctionId(1),
//!     limits,
//!     max_interrupts: 128,
//!     has_measurement: false,
//!     rules: Rules::HARDWARE,
//! };
//! let mut function = FunctionControls::new(FunctionHandle(0x0002_0000), configuration);
//! function.enable(FunctionHandle(0x8002_0000));
//!
//! // MPCIFC: operation 4, with a region-third table at 0x24000.
//! let request = Mpcifc::decode(0x8002_0000_0000_0004, 0x1000).map_err(|_| "refused")?;
//! let fib = Fib::translation(window, 0x2_4804.into());
//! let (answer, effect) = function.modify(&request, &fib);
//! assert_eq!(answer, Answer::done(0x8002_0000_0000_0004));
//! assert!(matches!(effect, Effect::Registered(registration) if registration.aperture == window));
//!
//! // RPCIT of everything, a hundred steps at a time.
//! let mut host = Host::default();
//! let request = Rpcit::decode(0x8002_0000_0000_0000, 2, [0x1_0000_0000, 0x1_0000_0000]).map_err(|_| "refused")?;
//! let mut progress = function.refresh(&request);
//! while let Refreshed::More(pending) = progress {
//!     progress = function.proceed(pending, &Storage, &mut host, 100);
//! }
//! assert_eq!(progress, Refreshed::Done(Answer::done(0x8002_0000_0000_0000)));
//! assert_eq!(host.0.len(), 1);
//! assert_eq!(host.0[&0x1_0000_0000].run.absolute, AbsoluteAddress::new(0x5000));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod controls;
mod effect;
mod event_queue;
mod mappings;
mod memory;
mod refresh;
pub mod registers;
mod rules;
mod suppression;
mod walk;

pub use answer::{Answer, End, ProgramInterruption};
pub use controls::{Configuration, FunctionControls, Pending, Refreshed, State};
pub use effect::{Effect, Registration};
pub use event_queue::{EventQueue, Queued};
pub use mappings::{Exhausted, Mapped, Mappings, RefreshNumber, Run};
pub use memory::GuestMemory;
pub use registers::{InterruptionMode, Mpcifc, Rpcit, Sic, Stpcifc};
pub use rules::Rules;
pub use suppression::Suppression;
pub use walk::{GuestTable, Look, WalkError};
