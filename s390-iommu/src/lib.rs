// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The s390 IOMMU: DMA translation tables, their registration and refresh.
#![no_std]

mod address;
mod fib;
mod memory;
mod range;
mod zpci;

pub use address::{AbsoluteAddress, Iova, PAGE_SIZE, PAGE_SIZE_LOG2};
pub use fib::Fib;
pub use memory::{PhysToVirt, TableAllocator, TableSize};
pub use range::{IovaRange, RangeError};
pub use zpci::{FunctionControl, Outcome, Status, Zpci};
