// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a function can reach: a translation table, registered for it.

use core::fmt;
use core::ops::Deref;

use s390_iommu::{
    issue, reset_error, Attachment, Change, FrameSize, FrameSizes, Iova, IovaRange, Limits, OneThread, Plan,
    Protection, ReadSide, RegisterError, TranslationTable, Unmapped, PAGE_SIZE,
};
use zpci_tests::Stop;

use crate::audit::{self, Expected};
use crate::device::DeviceError;
use crate::dma::{DmaBuffer, Order};
use crate::enabled::EnabledFunction;
use crate::frames::Buffer;
use crate::pci::{Configuration, PciFunction};
use crate::platform::Platform;
use crate::stop::{fail, skip};

const MIB: u64 = 1 << 20;

/// A table and the enabled function it is registered for.
pub struct AddressSpace<'e, 'p, P: Platform> {
    function: &'e EnabledFunction<'p, P>,
    table: Option<TranslationTable<P::Storage>>,
    attachment: Attachment<OneThread>,
}

impl<'e, 'p, P: Platform> AddressSpace<'e, 'p, P> {
    /// Makes an empty table and registers it for `function`.
    ///
    /// Its root is the smallest one that the function understands. The aperture is all that both the function can
    /// address and the table can translate.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] that says what is wrong; [`Stop::Skip`] if the two have no address in common.
    pub fn new(function: &'e EnabledFunction<'p, P>) -> Result<Self, Stop> {
        let limits = function.limits().ok_or_else(|| skip("the function can address no page"))?;
        let Plan { root, .. } = limits
            .plan(u64::MAX)
            .ok_or_else(|| skip(format_args!("no root of {:?} reaches {}", limits.designation_types, limits.window)))?;
        let table = TranslationTable::new(root, FrameSizes::WITH_LARGE, function.platform().storage())
            .ok_or_else(|| fail("no storage for a root table"))?;
        let attachment = Attachment::to_table(&limits, u64::MAX, &table, OneThread::new()).map_err(fail)?;
        let space = Self { function, table: Some(table), attachment };
        space.register()?;
        Ok(space)
    }

    /// The function.
    pub const fn function(&self) -> &'e EnabledFunction<'p, P> {
        self.function
    }

    /// What the function takes for translation.
    pub const fn limits(&self) -> &Limits {
        self.attachment.limits()
    }

    /// The addresses that the function may use.
    pub const fn aperture(&self) -> IovaRange {
        self.attachment.aperture()
    }

    /// The table.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] if it is gone, which only the end of the address space makes it.
    pub fn table(&self) -> Result<&TranslationTable<P::Storage>, Stop> {
        self.table.as_ref().ok_or_else(|| fail("the table is gone"))
    }

    /// Registers the table.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] that says whether the machine refused it or was not even asked.
    pub fn register(&self) -> Result<(), Stop> {
        let (platform, handle) = (self.function.platform(), self.function.handle());
        // SAFETY: `drop` ends the registration or disables the function before it lets go of the table, and keeps the
        // table for good where neither succeeds. What is mapped are buffers of the image, which outlive their mapping.
        let registered = unsafe { self.attachment.attach(platform, handle) };
        registered.map_err(|error| match error {
            RegisterError::Refused { .. } => fail(format_args!("registration refused by the machine: {error}")),
            _ => fail(format_args!("registration refused before the instruction: {error}")),
        })?;
        // SAFETY: the image reclaims no tables of an address space.
        let section = unsafe { ReadSide::new() };
        self.attachment.catch_up(platform, &self.table()?.reader(&section)).map_err(fail)
    }

    /// Ends translation.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] with what the machine answered.
    pub fn deregister(&self) -> Result<(), Stop> {
        self.attachment.detach(self.function.platform(), self.function.handle()).map_err(fail)
    }

    /// Allocates a buffer of `bytes` bytes, fills it with 0xa5, maps it from `start` on and tells the machine.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] that says what is wrong; [`Stop::Skip`] if the aperture is too small.
    pub fn buffer(
        &self,
        start: Iova,
        bytes: usize,
        order: Order,
        protection: Protection,
    ) -> Result<Mapped<'_, 'e, 'p, P>, Stop> {
        let (mapped, change) = self.unrefreshed_buffer(start, bytes, order, protection)?;
        let told = self.attachment.mapped(self.function.platform(), &change);
        let _ = change.defer();
        told.map_err(fail)?;
        Ok(mapped)
    }

    /// As [`buffer`](Self::buffer), without telling the machine.
    ///
    /// # Errors
    ///
    /// As [`buffer`](Self::buffer).
    pub fn unrefreshed_buffer(
        &self,
        start: Iova,
        bytes: usize,
        order: Order,
        protection: Protection,
    ) -> Result<(Mapped<'_, 'e, 'p, P>, Change), Stop> {
        // Aligned so that storage in ascending order can be mapped by frames of 1 MiB where the addresses allow it.
        let alignment = if order == Order::Ascending && bytes as u64 >= MIB { MIB } else { PAGE_SIZE };
        let buffer = Buffer::new(self.function.platform(), bytes, alignment as usize).map_err(fail)?;
        let dma = DmaBuffer::new(buffer, start, order).map_err(fail)?;
        if !self.aperture().contains(dma.range()) {
            return Err(skip(format_args!("{} is not within the aperture {}", dma.range(), self.aperture())));
        }
        dma.fill(0xa5).map_err(fail)?;
        let change = self.map(&dma, protection)?;
        let mapped = Mapped { space: self, dma, is_mapped: true };
        match self.audit(&mapped, Some(protection)) {
            Ok(()) => Ok((mapped, change)),
            Err(stop) => {
                // `mapped` is unmapped on the way out, and refreshed then.
                let _ = change.defer();
                Err(stop)
            }
        }
    }

    /// Tells the machine of `change`.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] with what the machine answered.
    pub fn refresh(&self, change: Change) -> Result<(), Stop> {
        issue(change, self.function.platform(), [self.function.handle()]).map_err(fail)
    }

    /// Maps `dma` by one call, or page by page where the frames do not follow each other.
    fn map(&self, dma: &DmaBuffer<'_, P>, protection: Protection) -> Result<Change, Stop> {
        let table = self.table()?;
        let step = match dma.order() {
            Order::Ascending => dma.bytes(),
            Order::Descending => PAGE_SIZE as usize,
        };
        let mut whole = Change::NONE;
        for offset in (0..dma.bytes()).step_by(step) {
            let range = IovaRange::with_size(dma.iova(offset), step as u64);
            let mapped =
                range.map_err(fail).and_then(|range| table.map(range, dma.absolute(offset), protection).map_err(fail));
            match mapped {
                Ok(change) => whole = whole.merge(change),
                Err(stop) => {
                    self.refresh(whole)?;
                    return Err(stop);
                }
            }
        }
        Ok(whole)
    }

    /// Unmaps `dma`.
    fn unmap(&self, dma: &DmaBuffer<'_, P>) -> Result<Change, Stop> {
        let Unmapped { pages, change } = self.table()?.unmap(dma.range()).map_err(fail)?;
        let expected = dma.range().pages();
        if pages == expected {
            return Ok(change);
        }
        self.refresh(change)?;
        Err(fail(format_args!("unmap of {} found {pages} of {expected} pages mapped", dma.range())))
    }

    /// Reads the tables as the machine does and compares each page of `dma` with what it should be; `None`: unmapped.
    fn audit(&self, dma: &DmaBuffer<'_, P>, protection: Option<Protection>) -> Result<(), Stop> {
        let platform = self.function.platform();
        let iota = u64::from(self.table()?.iota());
        for offset in (0..dma.bytes()).step_by(PAGE_SIZE as usize) {
            let expected = protection.map(|protection| Expected {
                absolute: dma.absolute(offset),
                protection,
                frame: frame_size(dma, offset),
            });
            audit::check(&|address| platform.entry(address), iota, dma.iova(offset), expected).map_err(fail)?;
        }
        Ok(())
    }

    /// Brings the function out of its error state without disabling it.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] with what the machine answered.
    pub fn reset_error(&self) -> Result<(), Stop> {
        reset_error(self.function.platform(), self.function.handle()).map_err(fail)
    }

    /// Brings the function out of its error state by disabling and enabling it: it gets a new handle, the table is
    /// registered anew, and the machine is told of every mapping.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] that says what is wrong.
    pub fn disable_and_enable(&self) -> Result<(), Stop> {
        self.function.disable().map_err(fail)?;
        self.attachment.disabled();
        self.function.enable().map_err(fail)?;
        Configuration::new(self.function).enable_bus_master().map_err(fail)?;
        self.register()
    }

    /// Says that `what`, which was to move data at `range`, did not work and why.
    pub fn explain(&self, what: &str, range: IovaRange, error: DeviceError) -> Stop {
        let id = self.function.function().id;
        let refused = matches!(error, DeviceError::Refused { .. }) || self.function.state().is_ok_and(|s| s.error());
        if !refused {
            return fail(format_args!("function {id}: {what} at IOVA {range}: {error}"));
        }
        match self.function.error_event() {
            Some(event) => fail(format_args!(
                "function {id} refused DMA of {what} at IOVA {range}: {error}; {event}; was the range refreshed?"
            )),
            None => fail(format_args!(
                "function {id} refused DMA of {what} at IOVA {range}: {error}; was the range refreshed?"
            )),
        }
    }
}

/// Size of the frame that the page at `offset` should be in: each whole aligned MiB in ascending order is one frame.
fn frame_size<P: Platform>(dma: &DmaBuffer<'_, P>, offset: usize) -> FrameSize {
    let iova = dma.iova(offset).get();
    let start = iova & !(MIB - 1);
    let whole = start >= dma.range().start().get() && start + (MIB - 1) <= dma.range().last().get();
    let aligned = (dma.absolute(offset).get() ^ iova) & (MIB - 1) == 0;
    match dma.order() {
        Order::Ascending if whole && aligned => FrameSize::Size1M,
        _ => FrameSize::Size4K,
    }
}

impl<P: Platform> fmt::Debug for AddressSpace<'_, '_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressSpace").field("aperture", &self.aperture()).finish_non_exhaustive()
    }
}

impl<P: Platform> Drop for AddressSpace<'_, '_, P> {
    fn drop(&mut self) {
        if self.function.handle().is_enabled() && self.deregister().is_err() && self.function.disable().is_err() {
            // The machine may still walk the table: it must never become something else.
            core::mem::forget(self.table.take());
        }
    }
}

/// A buffer that is mapped, and that is unmapped when dropped, if not before.
pub struct Mapped<'s, 'e, 'p, P: Platform> {
    space: &'s AddressSpace<'e, 'p, P>,
    dma: DmaBuffer<'p, P>,
    is_mapped: bool,
}

impl<P: Platform> Mapped<'_, '_, '_, P> {
    /// Unmaps the buffer and tells the machine; the buffer stays.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] that says what is wrong.
    pub fn unmap(&mut self) -> Result<(), Stop> {
        self.is_mapped = false;
        let change = self.space.unmap(&self.dma)?;
        let audited = self.space.audit(&self.dma, None);
        self.space.refresh(change).and(audited)
    }

    /// Unmaps the buffer, tells the machine, and gives the buffer back.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] that says what is wrong.
    pub fn release(mut self) -> Result<(), Stop> {
        self.unmap()
    }
}

impl<'p, P: Platform> Deref for Mapped<'_, '_, 'p, P> {
    type Target = DmaBuffer<'p, P>;

    fn deref(&self) -> &DmaBuffer<'p, P> {
        &self.dma
    }
}

impl<P: Platform> fmt::Debug for Mapped<'_, '_, '_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped").field("range", &self.dma.range()).finish_non_exhaustive()
    }
}

impl<P: Platform> Drop for Mapped<'_, '_, '_, P> {
    fn drop(&mut self) {
        if self.is_mapped {
            // The case has failed already, or the function is disabled and reaches nothing.
            let _ = self.unmap();
        }
    }
}
