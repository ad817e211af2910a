// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The two traits for the storage of tables.

use core::ptr::NonNull;

use crate::format::address::AbsoluteAddress;

/// Which of the two shapes a table has.
#[doc(alias = "CRST")]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TableSize {
    /// A page table: 256 entries, 2 KiB, aligned to 2 KiB.
    Page,
    /// A region or segment table (Linux: CRST): 2048 entries, 16 KiB, aligned to 16 KiB.
    Crst,
}

impl TableSize {
    /// Size and alignment in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Page => 2 << 10,
            Self::Crst => 16 << 10,
        }
    }
}

/// Where absolute storage is visible to the program.
///
/// # Safety
///
/// For every address that [`TableAllocator::allocate`] of the same object returned, `phys_to_virt` must return a
/// pointer, aligned like the address, that is valid for reads and writes of the whole table until it is deallocated,
/// and the same one each time.
pub unsafe trait PhysToVirt {
    /// Converts the absolute address of a table.
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8>;
}

/// How one allocation may go about it, in the terms of the allocator: `gfp_t` in Linux.
///
/// The library hands them from [`TranslationTable::with_flags`](crate::TranslationTable::with_flags) to
/// [`TableAllocator::allocate_with`] and does not look at them.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct AllocationFlags(pub u32);

impl AllocationFlags {
    /// No bit; what an allocator takes that is asked for nothing in particular.
    pub const NONE: Self = Self(0);
}

/// Storage for tables.
///
/// # Safety
///
/// `allocate` and `allocate_with` must return the absolute address of storage of `size.bytes()` bytes, aligned to that size, not at
/// absolute address 0, that nobody else uses until it is deallocated.
pub unsafe trait TableAllocator: PhysToVirt {
    /// Allocates one table, contents unspecified.
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress>;

    /// Allocates one table as `flags` say, contents unspecified; by default as [`allocate`](Self::allocate).
    fn allocate_with(&self, size: TableSize, flags: AllocationFlags) -> Option<AbsoluteAddress> {
        let _ = flags;
        self.allocate(size)
    }

    /// Gives one table back.
    ///
    /// # Safety
    ///
    /// `origin` must come from `allocate` of the same object with the same `size`, and neither the program nor any
    /// device may use it again.
    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize);
}

// SAFETY: the answers are those of the object referred to, which satisfies the contract.
unsafe impl<T: PhysToVirt + ?Sized> PhysToVirt for &T {
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        (**self).phys_to_virt(origin)
    }
}

// SAFETY: the answers are those of the object referred to, which satisfies the contract.
unsafe impl<T: TableAllocator + ?Sized> TableAllocator for &T {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        (**self).allocate(size)
    }

    fn allocate_with(&self, size: TableSize, flags: AllocationFlags) -> Option<AbsoluteAddress> {
        (**self).allocate_with(size, flags)
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        // SAFETY: the caller answers for `origin` and `size`; "the same object" is the one referred to.
        unsafe { (**self).deallocate(origin, size) }
    }
}
