// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The storage that every table comes from, whoever makes it: the same allocator with the same cost for all.

use std::alloc::{alloc_zeroed, Layout};
use std::cell::UnsafeCell;
use std::ptr::NonNull;

/// Bytes of storage; twenty tables of 1 GiB need less.
const SIZE: usize = 96 << 20;
/// What tables are aligned to at most.
const ALIGN: usize = 16 << 10;
/// Absolute address of the first byte. No table is at 0.
const FIRST: u64 = 0x10_0000;
/// Sizes of tables: page tables of ours, tables of 512 entries, region and segment tables of ours.
const SIZES: [usize; 3] = [2 << 10, 4 << 10, 16 << 10];

struct Arena {
    /// The first byte, and what an absolute address differs from a pointer by.
    start: *mut u8,
    next: usize,
    /// Tables that were given back, for each size.
    free: [Vec<*mut u8>; SIZES.len()],
    live: usize,
}

struct Global(UnsafeCell<Option<Arena>>);

// SAFETY: the program has one thread that measures, and no other one uses this.
unsafe impl Sync for Global {}

static ARENA: Global = Global(UnsafeCell::new(None));

/// What an absolute address differs from a pointer by.
#[no_mangle]
static mut zpci_bench_base: usize = 0;

/// Makes the arena, touched so that no page of it is new to the machine later.
pub(crate) fn prepare() {
    let layout = Layout::from_size_align(SIZE, ALIGN).expect("a power of two");
    // SAFETY: the size is not 0.
    let start = unsafe { alloc_zeroed(layout) };
    assert!(!start.is_null(), "no storage for tables");
    // SAFETY: the storage has `SIZE` bytes.
    unsafe { start.write_bytes(0xa5, SIZE) };
    // SAFETY: nobody uses the arena yet.
    unsafe {
        zpci_bench_base = (start as usize).wrapping_sub(FIRST as usize);
        *ARENA.0.get() = Some(Arena { start, next: 0, free: SIZES.map(|_| Vec::with_capacity(1 << 15)), live: 0 });
    }
}

fn arena() -> &'static mut Arena {
    // SAFETY: there is one thread, and no function here calls another while it holds the reference.
    unsafe { (*ARENA.0.get()).as_mut() }.expect("prepared first")
}

/// Bytes of tables that are in use.
pub(crate) fn live() -> usize {
    arena().live
}

/// A table of `size` bytes, aligned to that; contents unspecified.
pub(crate) fn allocate(size: usize) -> Option<NonNull<u8>> {
    let arena = arena();
    let kind = SIZES.iter().position(|known| *known == size)?;
    arena.live += size;
    if let Some(table) = arena.free[kind].pop() {
        return NonNull::new(table);
    }
    let offset = arena.next.next_multiple_of(size);
    arena.next = offset + size;
    assert!(arena.next <= SIZE, "the arena is too small");
    // SAFETY: the offset lies in the arena.
    NonNull::new(unsafe { arena.start.add(offset) })
}

/// Takes a table back.
pub(crate) fn deallocate(table: NonNull<u8>, size: usize) {
    let arena = arena();
    if let Some(kind) = SIZES.iter().position(|known| *known == size) {
        arena.live -= size;
        arena.free[kind].push(table.as_ptr());
    }
}

/// What an absolute address differs from a pointer by.
pub(crate) fn base() -> u64 {
    // SAFETY: it is written once, before anything is measured.
    unsafe { zpci_bench_base as u64 }
}

/// The absolute address of a table.
pub(crate) fn absolute(table: NonNull<u8>) -> u64 {
    (table.as_ptr() as u64).wrapping_sub(base())
}

/// Where the table at an absolute address is.
pub(crate) fn pointer(absolute: u64) -> *mut u8 {
    absolute.wrapping_add(base()) as *mut u8
}

/// What the stock code allocates by.
#[no_mangle]
extern "C" fn zpci_bench_allocate(size: usize) -> *mut u8 {
    allocate(size).map_or(std::ptr::null_mut(), NonNull::as_ptr)
}

/// What the stock code gives back by.
#[no_mangle]
extern "C" fn zpci_bench_deallocate(table: *mut u8, size: usize) {
    if let Some(table) = NonNull::new(table) {
        deallocate(table, size);
    }
}
