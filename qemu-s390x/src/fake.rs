// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function and frames that are memory of the test, for the unit tests of the drivers.

use core::cell::{Cell, RefCell};
use core::sync::atomic::AtomicU8;
use std::collections::BTreeMap;

use s390_iommu::{AbsoluteAddress, FunctionState};

use crate::frames::Frames;
use crate::pci::{AccessError, PciFunction, Space, Width};

/// A function whose registers hold what was written to them last.
#[derive(Debug, Default)]
pub(crate) struct FakeFunction {
    bytes: RefCell<BTreeMap<(u8, u64), u8>>,
    microseconds: Cell<u64>,
    state: Cell<FunctionState>,
}

impl FakeFunction {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Puts `bytes` where the program will read them.
    pub(crate) fn put(&self, space: Space, offset: u64, bytes: &[u8]) {
        for (at, byte) in (offset..).zip(bytes) {
            self.bytes.borrow_mut().insert((space.identifier(), at), *byte);
        }
    }

    /// What lies in the registers.
    pub(crate) fn bytes(&self, space: Space, offset: u64, length: u64) -> Vec<u8> {
        (offset..offset + length).map(|at| *self.bytes.borrow().get(&(space.identifier(), at)).unwrap_or(&0)).collect()
    }

    pub(crate) fn set_state(&self, state: FunctionState) {
        self.state.set(state);
    }
}

impl PciFunction for FakeFunction {
    fn load(&self, space: Space, offset: u64, width: Width) -> Result<u64, AccessError> {
        assert_eq!(offset % u64::from(width.bytes()), 0, "unaligned load");
        let mut value = [0; 8];
        let bytes = self.bytes(space, offset, u64::from(width.bytes()));
        value[..bytes.len()].copy_from_slice(&bytes);
        Ok(u64::from_le_bytes(value))
    }

    fn store(&self, space: Space, offset: u64, width: Width, value: u64) -> Result<(), AccessError> {
        assert_eq!(offset % u64::from(width.bytes()), 0, "unaligned store");
        self.put(space, offset, &value.to_le_bytes()[..usize::from(width.bytes())]);
        Ok(())
    }

    fn state(&self) -> Result<FunctionState, AccessError> {
        Ok(self.state.get())
    }

    /// Every look at the clock takes a millisecond.
    fn microseconds(&self) -> u64 {
        self.microseconds.set(self.microseconds.get() + 1000);
        self.microseconds.get()
    }
}

/// Frames from 0x100000 up, filled with 0xa5.
#[derive(Debug)]
pub(crate) struct FakeFrames {
    bytes: RefCell<Vec<u8>>,
    next: Cell<usize>,
}

const FIRST: u64 = 0x10_0000;

impl FakeFrames {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { bytes: RefCell::new(vec![0xa5; bytes]), next: Cell::new(0) }
    }
}

impl Frames for FakeFrames {
    fn allocate(&self, bytes: usize, alignment: usize) -> Option<AbsoluteAddress> {
        let at = self.next.get().next_multiple_of(alignment);
        if at + bytes > self.bytes.borrow().len() {
            return None;
        }
        self.next.set(at + bytes);
        Some(AbsoluteAddress::new(FIRST + at as u64))
    }

    fn free(&self, _at: AbsoluteAddress, _bytes: usize) {}

    fn read(&self, from: AbsoluteAddress, into: &mut [u8]) {
        let at = (from.get() - FIRST) as usize;
        into.copy_from_slice(&self.bytes.borrow()[at..at + into.len()]);
    }

    fn write(&self, to: AbsoluteAddress, from: &[u8]) {
        let at = (to.get() - FIRST) as usize;
        self.bytes.borrow_mut()[at..at + from.len()].copy_from_slice(from);
    }

    fn load_doubleword(&self, at: AbsoluteAddress) -> Option<u64> {
        let mut bytes = [0; 8];
        self.read(at, &mut bytes);
        Some(u64::from_be_bytes(bytes))
    }

    fn with_atomics<R>(&self, at: AbsoluteAddress, bytes: usize, using: impl FnOnce(&[AtomicU8]) -> R) -> Option<R> {
        let mut copy = vec![0; bytes];
        self.read(at, &mut copy);
        let atomics: Vec<AtomicU8> = copy.into_iter().map(AtomicU8::new).collect();
        let result = using(&atomics);
        self.write(at, &atomics.into_iter().map(AtomicU8::into_inner).collect::<Vec<_>>());
        Some(result)
    }
}
