// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The s390 IOMMU: DMA translation tables, their registration and refresh.
#![no_std]

mod action;
mod address;
mod dump;
mod entry;
mod fib;
mod frame;
mod iota;
mod map;
mod memory;
mod range;
mod refresh;
mod registration;
mod run;
mod slot;
mod table_type;
mod translation_table;
mod unmap;
mod walk;
mod zpci;

pub use action::{Action, Request};
pub use address::{AbsoluteAddress, Iova, PAGE_SIZE, PAGE_SIZE_LOG2};
pub use entry::{PageEntry, RegionEntry, SegmentEntry};
pub use fib::{Fib, FunctionState, InterruptParameters, InterruptWord};
pub use frame::{FrameSize, FrameSizes, Protection};
pub use iota::Iota;
pub use map::MapError;
pub use memory::{PhysToVirt, TableAllocator, TableSize};
pub use range::{IovaRange, RangeError};
pub use refresh::{Refresh, RefreshError};
pub use registration::{deregister, register, reset_error, Limits, RegisterError};
pub use table_type::{page_index, Root, TableType, CRST_ENTRIES, PAGE_TABLE_ENTRIES};
pub use translation_table::{Translation, TranslationTable};
pub use unmap::{SplitError, UnmapError, Unmapped};
pub use walk::{Mapping, Walk};
pub use zpci::{FunctionControl, Outcome, Status, Zpci};
