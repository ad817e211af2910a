// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The function that the cases work on.

use core::cell::Cell;

use clp::{Client, FunctionGroup, FunctionHandle, FunctionId};
use s390_iommu::{
    deregister, mapped_to_all, refresh_all, register, unmapped_from_all, Attachment, Change, FrameSizes, Iota,
    IovaRange, Limits, OneThread, RegisterError, Root, TranslationTable, Zpci,
};

use crate::case::{fail, skip, Stop};
use crate::machine::Machine;

/// The machine's spare function, enabled; disabled again when dropped.
pub(in crate::cases) struct Subject<'m, M: Machine> {
    pub(in crate::cases) machine: &'m M,
    pub(in crate::cases) id: FunctionId,
    pub(in crate::cases) handle: FunctionHandle,
    pub(in crate::cases) limits: Limits,
    pub(in crate::cases) group: FunctionGroup,
    /// What [`register`](Self::register) made.
    attachment: Cell<Option<Attachment<OneThread>>>,
}

/// The machine's spare function.
pub(in crate::cases) fn spare<M: Machine>(machine: &M) -> Result<FunctionId, Stop> {
    match machine.function() {
        Some(id) => Ok(id),
        None => skip!("no function to spare"),
    }
}

impl<'m, M: Machine> Subject<'m, M> {
    pub(in crate::cases) fn new(machine: &'m M) -> Result<Self, Stop> {
        let id = spare(machine)?;
        let mut block = machine.block();
        let mut client = Client::new(machine, &mut block);
        let handle = match client.ensure_enabled(id) {
            Ok(handle) => handle,
            Err(error) => fail!("enable FID {id}: {error}"),
        };
        let function = match client.query_function(handle) {
            Ok(function) => function,
            Err(error) => fail!("query of {handle}: {error}"),
        };
        let group = match client.query_function_group(function.group) {
            Ok(group) => group,
            Err(error) => fail!("query of group {}: {error}", function.group),
        };
        match Limits::new(&function, &group) {
            Some(limits) => Ok(Self { machine, id, handle, limits, group, attachment: Cell::new(None) }),
            None => fail!("FID {id} has no page to address"),
        }
    }

    /// The shallowest root that the function takes.
    pub(in crate::cases) fn root(&self) -> Result<Root, Stop> {
        let types = self.limits.designation_types;
        match Root::ALL.into_iter().find(|root| types.supports(root.designation_type())) {
            Some(root) => Ok(root),
            None => fail!("FID {} takes no region table: {types:?}", self.id),
        }
    }

    /// An empty table that suits the function.
    pub(in crate::cases) fn table(&self) -> Result<TranslationTable<M::Storage>, Stop> {
        match TranslationTable::new(self.root()?, FrameSizes::WITH_LARGE, self.machine.storage()) {
            Some(table) => Ok(table),
            None => fail!("no storage for an empty table"),
        }
    }

    /// What the function can address and the table can translate.
    pub(in crate::cases) fn aperture(&self, table: &TranslationTable<M::Storage>) -> Result<IovaRange, Stop> {
        match table.span().intersection(self.limits.window) {
            Some(aperture) => Ok(aperture),
            None => fail!("{} and {} have nothing in common", table.span(), self.limits.window),
        }
    }

    /// The function with `table` as its translation, not registered yet.
    pub(in crate::cases) fn attachment(
        &self,
        table: &TranslationTable<M::Storage>,
    ) -> Result<Attachment<OneThread>, Stop> {
        match Attachment::to_table(&self.limits, u64::MAX, table, OneThread::new()) {
            Ok(attachment) => Ok(attachment),
            Err(error) => fail!("attachment to {table:?}: {error}"),
        }
    }

    /// Registers `iota` for `aperture`.
    pub(in crate::cases) fn try_register(
        &self,
        zpci: &impl Zpci,
        aperture: IovaRange,
        iota: Iota,
    ) -> Result<(), RegisterError> {
        // SAFETY: a case deregisters or disables the function before it drops the table, and maps the machine's data.
        unsafe { register(zpci, self.handle, &self.limits, aperture, iota) }
    }

    /// Registers `table` for all that it and the function have in common.
    pub(in crate::cases) fn register(&self, table: &TranslationTable<M::Storage>) -> Result<IovaRange, Stop> {
        let attachment = self.attachment(table)?;
        // SAFETY: a case deregisters or disables the function before it drops the table, and maps the machine's data.
        if let Err(error) = unsafe { attachment.attach(self.machine, self.handle) } {
            fail!("attach to {table:?}: {error}");
        }
        let aperture = attachment.aperture();
        self.attachment.set(Some(attachment));
        Ok(aperture)
    }

    /// Ends the registration, if there is one.
    pub(in crate::cases) fn deregister(&self) -> Result<(), Stop> {
        let ended = match self.attachment.take() {
            Some(attachment) => attachment.detach(self.machine, self.handle),
            None => deregister(self.machine, self.handle),
        };
        match ended {
            Ok(()) => Ok(()),
            Err(error) => fail!("deregister: {error}"),
        }
    }

    /// Tells the function of `change`, in whose range something was mapped, if it needs that.
    pub(in crate::cases) fn mapped(&self, change: Change) -> Result<(), Stop> {
        let attachment = self.attachment.take();
        let told = mapped_to_all(change, self.machine, &attachment);
        self.attachment.set(attachment);
        match told {
            Ok(()) => Ok(()),
            Err(error) => fail!("{error}"),
        }
    }

    /// Issues `change`, whatever it was.
    pub(in crate::cases) fn refresh(&self, change: Change) -> Result<(), Stop> {
        let attachment = self.attachment.take();
        let told = unmapped_from_all(change, self.machine, &attachment);
        self.attachment.set(attachment);
        match told {
            Ok(()) => Ok(()),
            Err(error) => fail!("{error}"),
        }
    }

    /// Refreshes all of `range`.
    pub(in crate::cases) fn refresh_all(&self, range: IovaRange) -> Result<(), Stop> {
        match refresh_all(self.machine, self.handle, range) {
            Ok(()) => Ok(()),
            Err(error) => fail!("{error}"),
        }
    }
}

impl<M: Machine> Drop for Subject<'_, M> {
    /// Whatever the case left registered goes with the function.
    fn drop(&mut self) {
        let mut block = self.machine.block();
        let mut client = Client::new(self.machine, &mut block);
        // A function that stays enabled fails the next case.
        let _ = client.ensure_disabled(self.id);
    }
}
