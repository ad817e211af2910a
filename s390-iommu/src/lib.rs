// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The s390 IOMMU: DMA translation tables, their registration and refresh.
//!
//! A PCI function of an IBM Z machine addresses storage through tables in that storage. An I/O virtual address is split
//! into indices, one a table, from the root down:
//!
//! ```text
//!  0          11           22          33          44        52          63   (bit 0 is the highest)
//! +-----------+------------+-----------+-----------+---------+------------+
//! |    RFX    |    RSX     |    RTX    |    SX     |   PX    |   offset   |
//! +-----------+------------+-----------+-----------+---------+------------+
//!       |           |            |           |          |
//!  region-first  -second      -third      segment      page ---> frame of 4 KiB
//!     8 PiB       4 TiB        2 GiB       1 MiB ------------> frame of 1 MiB (FC bit)
//! ```
//!
//! The root is a region-third, -second or -first table ([`Root`]); the IOTA ([`Iota`]) says where it is and of which
//! kind. [`TranslationTable`] maps and unmaps; [`Reader`] translates and walks. Machines cache what they walked, so each
//! operation returns a [`Change`] that has to be issued to every registered function. [`Attachment`] is a function and
//! the translation that it has: it registers, refreshes and ends, and keeps the rules of the function's group and type.
//!
//! What user space learns is in a [`Container`]: its [`Domain`]s and their functions have typed attributes, and [`vfio`]
//! makes capabilities of them.
//!
//! Storage comes through [`TableAllocator`], the instructions through [`Zpci`], and [`Gate`] keeps the two apart that
//! must not meet: seams, implemented by the kernel, by a bare-metal program, and by the fake machine of the tests.
//!
//! # Unsafe code
//!
//! Mapping is safe: it fills tables. Letting a device at them is not: [`Attachment::attach`] and [`register`] are
//! `unsafe`, and so is [`TranslationTable::reclaim`], which takes tables away from under others. These do not compile:
//!
//! ```compile_fail,E0133
//! # #![forbid(unsafe_code)]
//! // A device is let at storage that the number names.
//! use s390_iommu::{register, AbsoluteAddress, Iota, Limits, Root, Zpci};
//! fn anywhere(zpci: &impl Zpci, function: clp::FunctionHandle, limits: &Limits) {
//!     let iota = Iota::designating(Root::RegionThird, AbsoluteAddress::new(0x7fff_dead_c000));
//!     let _ = register(zpci, function, limits, limits.window, iota);
//! }
//! ```
//!
//! ```compile_fail,E0133
//! # #![forbid(unsafe_code)]
//! // The instruction itself.
//! use s390_iommu::{Fib, FunctionControl, Zpci};
//! fn instruction(zpci: &impl Zpci, function: clp::FunctionHandle, fib: &Fib) {
//!     zpci.mpcifc(function, FunctionControl::REGISTER_IOAT, fib);
//! }
//! ```
//!
//! ```compile_fail,E0133
//! # #![forbid(unsafe_code)]
//! // Tables are taken away from under who maps in the same range.
//! use s390_iommu::{IovaRange, TableAllocator, TranslationTable};
//! fn beside_a_map<M: TableAllocator>(table: &TranslationTable<M>) {
//!     let _ = table.reclaim(IovaRange::ALL);
//! }
//! ```
//!
//! ```compile_fail,E0599
//! // A walk without a proof that the tables stay.
//! use s390_iommu::{Iova, TableAllocator, TranslationTable};
//! fn look<M: TableAllocator>(table: &TranslationTable<M>) {
//!     let _ = table.translate(Iova::new(0x1_0000_0000));
//! }
//! ```
//!
//! ```compile_fail,E0451
//! // A change that no table made.
//! use s390_iommu::{Change, IovaRange};
//! let forged = Change { range: Some(IovaRange::ALL) };
//! ```
//!
//! # A table
//!
//! ```
//! use s390_iommu::{AbsoluteAddress, FrameSizes, Iova, IovaRange, Protection, Root, TranslationTable};
//! # use std::alloc::{alloc, dealloc, Layout};
//! # use std::ptr::NonNull;
//! # use s390_iommu::{PhysToVirt, TableAllocator, TableSize};
//! # struct Heap;
//! # fn layout(size: TableSize) -> Layout { Layout::from_size_align(size.bytes(), size.bytes()).unwrap() }
//! # unsafe impl PhysToVirt for Heap {
//! #     fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
//! #         NonNull::new(std::ptr::with_exposed_provenance_mut(origin.get() as usize)).unwrap()
//! #     }
//! # }
//! # unsafe impl TableAllocator for Heap {
//! #     fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
//! #         let table = NonNull::new(unsafe { alloc(layout(size)) })?;
//! #         Some(AbsoluteAddress::new(table.as_ptr().expose_provenance() as u64))
//! #     }
//! #     unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
//! #         unsafe { dealloc(self.phys_to_virt(origin).as_ptr(), layout(size)) }
//! #     }
//! # }
//! let mut table = TranslationTable::new(Root::RegionThird, FrameSizes::SMALL, Heap).ok_or("no storage")?;
//! let range = IovaRange::with_size(Iova::new(0x1_0000_0000), 0x3000)?;
//! table.map(range, AbsoluteAddress::new(0x5_0000), Protection::ReadOnly)?.unseen();
//!
//! let found = table.exclusive_reader().translate(Iova::new(0x1_0000_1234)).ok_or("not mapped")?;
//! assert_eq!(found.absolute, AbsoluteAddress::new(0x5_1234));
//! assert_eq!(found.protection, Protection::ReadOnly);
//!
//! let unmapped = table.unmap(range)?;
//! assert_eq!(unmapped.pages, 3);
//! unmapped.change.unseen();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A function
//!
//! The same for a device. The handle and the limits are what CLP says of it (the crate `zpci-clp`, whose library is
//! `clp`); [`Zpci`] issues the instructions. Whoever registers the table says `unsafe`; all that follows is safe.
//!
//! ```
//! use clp::{DesignationTypes, FunctionHandle, FunctionType};
//! use s390_iommu::{
//!     mapped_to_all, unmapped_from_all, AbsoluteAddress, Attachment, FrameSizes, Iova, IovaRange, Limits, OneThread,
//!     Protection, TranslationTable,
//! };
//! # use s390_iommu::{Fib, FunctionControl, Instruction, Outcome, Zpci};
//! # use std::alloc::{alloc, dealloc, Layout};
//! # use std::ptr::NonNull;
//! # use s390_iommu::{PhysToVirt, TableAllocator, TableSize};
//! # struct Heap;
//! # fn layout(size: TableSize) -> Layout { Layout::from_size_align(size.bytes(), size.bytes()).unwrap() }
//! # unsafe impl PhysToVirt for Heap {
//! #     fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
//! #         NonNull::new(std::ptr::with_exposed_provenance_mut(origin.get() as usize)).unwrap()
//! #     }
//! # }
//! # unsafe impl TableAllocator for Heap {
//! #     fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
//! #         let table = NonNull::new(unsafe { alloc(layout(size)) })?;
//! #         Some(AbsoluteAddress::new(table.as_ptr().expose_provenance() as u64))
//! #     }
//! #     unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
//! #         unsafe { dealloc(self.phys_to_virt(origin).as_ptr(), layout(size)) }
//! #     }
//! # }
//! # struct Machine;
//! # impl Zpci for Machine {
//! #     unsafe fn mpcifc(&self, _: FunctionHandle, _: FunctionControl, _: &Fib) -> Outcome { Outcome::DONE }
//! #     fn rpcit(&self, _: FunctionHandle, _: IovaRange) -> Outcome { Outcome::DONE }
//! #     fn pause(&self, _: Instruction, busy: u32) -> bool { busy < 1000 }
//! # }
//! let function = FunctionHandle(0x8002_0000);
//! let limits = Limits {
//!     window: IovaRange::new(Iova::new(0x1_0000_0000), Iova::new(0x1ff_ffff_ffff))?,
//!     designation_types: DesignationTypes(0x40),
//!     relaxed_translation: false,
//!     refresh_on_map: true,
//!     function_type: FunctionType(0),
//! };
//! // As much of the window as is wanted, and the root for it.
//! let bytes = 1 << 30;
//! let plan = limits.plan(bytes).ok_or("no root reaches the window")?;
//! let table = TranslationTable::new(plan.root, FrameSizes::SMALL, Heap).ok_or("no storage")?;
//! let attachment = Attachment::to_table(&limits, bytes, &table, OneThread::new())?;
//! // The table is dropped after `detach`, and what is mapped is the device's to use.
//! unsafe { attachment.attach(&Machine, function) }?;
//!
//! let page = IovaRange::page(plan.aperture.start());
//! let change = table.map(page, AbsoluteAddress::new(0x5_0000), Protection::ReadWrite)?;
//! mapped_to_all(change, &Machine, [&attachment])?;
//! // The device reads and writes.
//! let unmapped = table.unmap(page)?;
//! unmapped_from_all(unmapped.change, &Machine, [&attachment])?;
//!
//! attachment.detach(&Machine, function)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

mod attach;
mod format;
#[cfg(feature = "guest")]
pub mod guest;
mod machine;
mod table;
mod user;

pub use attach::{mapped_to_all, unmapped_from_all, AttachError, Attachment, FirstStep, Mapped};
pub use format::address::{AbsoluteAddress, Iova, PAGE_SIZE, PAGE_SIZE_LOG2};
pub use format::availability_event::{AvailabilityAction, AvailabilityCode, AvailabilityEvent, AVAILABILITY_EVENT};
pub use format::entry::{PageEntry, RegionEntry, SegmentEntry, PAGE_ENTRY, REGION_ENTRY, SEGMENT_ENTRY};
pub use format::error_event::{ErrorAccess, ErrorEvent, ERROR_ACCESS, ERROR_EVENT};
pub use format::event_code::{EventCode, Severity};
pub use format::event_information::{Event, EventAnswer, EventInformation, EVENT_FLAGS, EVENT_INFORMATION};
pub use format::fib::{
    Fib, FunctionState, InterruptParameters, InterruptWord, FIB, FUNCTION_STATE, INTERRUPT_PARAMETERS, INTERRUPT_WORD,
};
pub use format::frame::{FrameSize, FrameSizes, Protection};
pub use format::interrupt_vector::{BitLocation, InterruptBits, InterruptVector, InterruptVectorError};
pub use format::iota::{Iota, IOTA};
pub use format::measurement::{Measurement, MeasurementError, Transfers};
pub use format::measurement_block::{MeasurementBlock, INDICATORS, LAST_UPDATE, MEASUREMENT_BLOCK};
pub use format::range::{IovaRange, RangeError};
pub use format::table_type::{page_index, Root, TableType, CRST_ENTRIES, PAGE_TABLE_ENTRIES};
pub use machine::action::{Action, Request};
pub use machine::gate::{Gate, OneThread};
pub use machine::limits::{Limits, Plan};
pub use machine::refresh::{issue, refresh_all, RefreshError};
pub use machine::registration::{check_registration, deregister, register, reset_error, RegisterError};
pub use machine::zpci::{FunctionControl, Instruction, Outcome, Status, Zpci};
pub use table::change::Change;
pub use table::map::MapError;
pub use table::reader::{ReadSide, Reader, Translation};
pub use table::reclaim::Reclaimed;
pub use table::seam::{AllocationFlags, PhysToVirt, TableAllocator, TableSize};
pub use table::translation_table::TranslationTable;
pub use table::unmap::{SplitError, UnmapError, Unmapped};
pub use table::walk::{Mapping, Walk};
pub use table::with_flags::WithFlags;
pub use user::attribute::{Attribute, DmaWindow, MsiWindow, RefreshOnMap, RelaxedTranslation};
pub use user::container::Container;
pub use user::domain::{Domain, DomainFunction};
pub use user::gaps::{IovaRun, IovaRuns};
pub use user::reserved::{Reasons, ReservedRegion};
pub use user::table_format::{FormatError, TableFormat};
pub use user::vfio;
/// Whose byte orders the fields of blocks have, and whose traits make bytes of them.
pub use zerocopy;

/// The fields of every block of the instructions; those of VFIO are [`vfio::LAYOUTS`].
pub static LAYOUTS: [&clp::field::Layout; 6] =
    [&FIB, &INTERRUPT_PARAMETERS, &ERROR_EVENT, &AVAILABILITY_EVENT, &EVENT_INFORMATION, &MEASUREMENT_BLOCK];

/// The bits of table entries and of the anchor; those of words in blocks are in their fields.
pub static WORDS: [&clp::field::Word; 4] = [&REGION_ENTRY, &SEGMENT_ENTRY, &PAGE_ENTRY, &IOTA];
