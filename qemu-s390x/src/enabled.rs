// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function while it is enabled.

use core::cell::Cell;

use clp::{Client, ClientError, Function, FunctionGroup, FunctionHandle, FunctionId};
use s390_iommu::{ErrorEvent, Fib, FunctionState, Limits};

use crate::pci::{Access, AccessError, PciFunction, Space, Width};
use crate::platform::Platform;

/// More events than can be pending: a function reports none while it is in its error state.
const MOST_EVENTS: usize = 4096;

/// A function that was enabled and that is disabled when dropped, if not before.
#[derive(Debug)]
pub struct EnabledFunction<'p, P: Platform> {
    platform: &'p P,
    /// The handle of now; recovery changes it.
    handle: Cell<FunctionHandle>,
    function: Function,
    group: FunctionGroup,
}

impl<'p, P: Platform> EnabledFunction<'p, P> {
    /// Enables `function`, which is of `group`.
    ///
    /// # Errors
    ///
    /// [`ClientError`] with what went wrong; the function is disabled then.
    pub fn new(platform: &'p P, function: Function, group: FunctionGroup) -> Result<Self, ClientError> {
        let mut block = platform.block();
        let handle = Client::new(platform, &mut block).ensure_enabled(function.id)?;
        Ok(Self { platform, handle: Cell::new(handle), function, group })
    }

    /// Disables the function, which resets it and ends translation.
    ///
    /// # Errors
    ///
    /// [`ClientError`] with what went wrong.
    pub fn disable(&self) -> Result<(), ClientError> {
        let platform = self.platform;
        let mut block = platform.block();
        let handle = Client::new(platform, &mut block).ensure_disabled(self.function.id)?;
        self.handle.set(handle);
        Ok(())
    }

    /// Enables the function again, after [`disable`](Self::disable).
    ///
    /// # Errors
    ///
    /// [`ClientError`] with what went wrong.
    pub fn enable(&self) -> Result<(), ClientError> {
        let platform = self.platform;
        let mut block = platform.block();
        let handle = Client::new(platform, &mut block).ensure_enabled(self.function.id)?;
        self.handle.set(handle);
        Ok(())
    }

    /// The machine.
    pub const fn platform(&self) -> &'p P {
        self.platform
    }

    /// The handle of now.
    pub fn handle(&self) -> FunctionHandle {
        self.handle.get()
    }

    /// What CLP told of it.
    pub const fn function(&self) -> &Function {
        &self.function
    }

    /// What CLP told of its group.
    pub const fn group(&self) -> &FunctionGroup {
        &self.group
    }

    /// What it takes for translation; nothing where it has no page to address.
    pub fn limits(&self) -> Option<Limits> {
        Limits::new(&self.function, &self.group)
    }

    /// The function controls of now.
    ///
    /// # Errors
    ///
    /// [`AccessError::Refused`] with the answer of STPCIFC.
    pub fn controls(&self) -> Result<Fib, AccessError> {
        let access = Access::Controls;
        let refused = |outcome| AccessError::Refused { access, error: zpci_machine::LoadStoreError::Refused(outcome) };
        self.platform.controls(self.handle()).map_err(refused)
    }

    /// The last event that says why the function is in error, out of all that are pending.
    pub fn error_event(&self) -> Option<ErrorEvent> {
        last_event(self.platform, self.function.id)
    }

    /// Whether the function has `width` bytes at `offset` of `space`.
    fn has(&self, space: Space, offset: u64, width: Width) -> bool {
        let size = match space {
            Space::Configuration => Some(4096),
            Space::Bar(index) => self.function.bars.get(usize::from(index)).and_then(|bar| bar.size()),
        };
        match (size, offset.checked_add(u64::from(width.bytes()))) {
            (Some(size), Some(end)) => end <= size,
            _ => false,
        }
    }
}

/// The last of all pending events that is of function `id`; there are no pending ones after that.
fn last_event(platform: &impl Platform, id: FunctionId) -> Option<ErrorEvent> {
    let pending = core::iter::from_fn(|| platform.error_event()).take(MOST_EVENTS);
    pending.filter(|event| event.id() == id).last()
}

impl<P: Platform> PciFunction for EnabledFunction<'_, P> {
    fn load(&self, space: Space, offset: u64, width: Width) -> Result<u64, AccessError> {
        let access = Access::Load { space, offset };
        if !self.has(space, offset, width) {
            return Err(AccessError::Absent(access));
        }
        self.platform.load(self.handle(), space, offset, width).map_err(|error| AccessError::Refused { access, error })
    }

    fn store(&self, space: Space, offset: u64, width: Width, value: u64) -> Result<(), AccessError> {
        let access = Access::Store { space, offset };
        if !self.has(space, offset, width) {
            return Err(AccessError::Absent(access));
        }
        self.platform
            .store(self.handle(), space, offset, width, value)
            .map_err(|error| AccessError::Refused { access, error })
    }

    fn state(&self) -> Result<FunctionState, AccessError> {
        Ok(self.controls()?.state)
    }

    fn microseconds(&self) -> u64 {
        self.platform.microseconds()
    }
}

impl<P: Platform> Drop for EnabledFunction<'_, P> {
    fn drop(&mut self) {
        if self.handle().is_enabled() {
            // Whoever wanted to know has disabled it before.
            let _ = self.disable();
        }
    }
}
