// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A guest's translations, carried out on the host.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use s390_iommu::guest::{Effect, Exhausted, Mapped, Mappings, RefreshNumber, Registration, Run};
use s390_iommu::{AbsoluteAddress, Iova, IovaRange, Protection, PAGE_SIZE};
use vm_memory::{Address, GuestAddress, GuestAddressSpace, GuestMemoryBackend, GuestMemoryRegion};

use crate::address_space::AddressSpace;

/// What a guest has mapped for a function, on the host: the books of a VMM that shadows, and the calls.
///
/// A guest's page is one mapping: neither type 1 (version 2) nor an iommufd cuts a mapping, and a guest may unmap any
/// page by itself. To unmap a longer one and map the rest of it again would leave moments in which the device reaches
/// nothing of the rest, which the guest never took from it: a DMA that then fails puts the function in error. So type 1,
/// which has 65,535 mappings for a container unless the module's `dma_entry_limit` says otherwise, lets a guest map
/// 256 MiB less a page at a time; a guest that wants more gets [`Exhausted`], which is the answer on which Linux
/// refreshes everything and tries again. An iommufd counts pinned storage alone, so there is [a limit](Self::with_limit) beside it.
/// What lies next to each other is unmapped
/// by one call. A function without translation takes one mapping for each region of the guest's storage.
///
/// Each function of a guest has tables of its own, so each has a shadow of its own, in a container or an IOAS of its own.
///
/// The guest's storage `A` is a [`GuestAddressSpace`]: a reference or an `Arc`; or a `GuestMemoryAtomic`, if regions come
/// and go, and then [`memory_changed`](Self::memory_changed) is called each time.
pub struct Shadow<A, S: AddressSpace> {
    memory: A,
    space: S,
    /// By the first address of each page.
    pages: BTreeMap<u64, Page>,
    /// A registration without translation, and the window that the guest was told.
    identity: Option<(Registration, IovaRange)>,
    /// Nothing is mapped for it, since everything was unmapped.
    is_cleared: bool,
    /// What is mapped for it.
    pieces: Vec<Piece>,
    /// Pages that may be mapped at a time, if the VMM said so.
    given_limit: Option<usize>,
    /// The same of the memory.
    limit: usize,
    refused: Option<io::Error>,
    broken: Option<io::Error>,
}

/// The least limit that is chosen: as many mappings as type 1 has for a container.
const LEAST_LIMIT: usize = 1 << 16;

#[derive(Clone, Copy, Debug)]
struct Page {
    absolute: AbsoluteAddress,
    protection: Protection,
    refresh: RefreshNumber,
    /// Its address in this process.
    host: usize,
}

/// Storage that a function without translation reaches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Piece {
    iova: u64,
    size: u64,
    /// Its address in this process.
    host: usize,
}

impl Piece {
    /// Whether it leads to a part of what `all` leads to, from the same addresses.
    fn is_within(&self, all: &Self) -> bool {
        let offset = self.iova.wrapping_sub(all.iova);
        self.iova >= all.iova
            && all.size.checked_sub(self.size).is_some_and(|more| offset <= more)
            && self.host.wrapping_sub(all.host) as u64 == offset
    }

    /// What is left of it, which leads to `storage`, without the pieces of `there` that are within it; these are in order.
    fn without(&self, storage: *mut u8, there: &[Self]) -> Vec<(Self, *mut u8)> {
        let (mut left, mut offset) = (Vec::new(), 0);
        let mut add = |from: u64, to: u64| {
            if from < to {
                let storage = storage.wrapping_add(from as usize);
                left.push((Self { iova: self.iova + from, size: to - from, host: storage.addr() }, storage));
            }
        };
        for piece in there.iter().filter(|piece| piece.is_within(self)) {
            add(offset, piece.iova - self.iova);
            offset = piece.iova - self.iova + piece.size;
        }
        add(offset, self.size);
        left
    }
}

impl<A: GuestAddressSpace<M: GuestMemoryBackend>, S: AddressSpace> Shadow<A, S> {
    /// A shadow in `space`, in which nothing is mapped.
    ///
    /// # Safety
    ///
    /// A device reads and writes `memory` as the guest wants it, until the shadow is dropped; if it is forgotten, until
    /// the space is gone. So `memory` has the storage of a guest, as `vm-memory` demands: nobody has a reference into
    /// it, and what is read from it is not relied on. It stays where it is as long as the shadow is there; a region that
    /// is taken from the memory stays until [`memory_changed`](Self::memory_changed) has returned.
    pub unsafe fn new(memory: A, space: S) -> Self {
        let limit = limit(&*memory.memory());
        Self {
            memory,
            space,
            pages: BTreeMap::new(),
            identity: None,
            is_cleared: false,
            pieces: Vec::new(),
            given_limit: None,
            limit,
            refused: None,
            broken: None,
        }
    }

    /// Does what MPCIFC and the disabling of the function ask for of the host: maps all of the guest for a function that is
    /// registered without translation, and unmaps everything when a registration ends. `window` is that of the function, as
    /// the guest was told.
    ///
    /// After an error in which everything was [unmapped](Self::clear), [`Effect::Reset`] has all of the guest mapped again for a
    /// function without translation. For one with tables it is for whoever has the controls and the guest's storage:
    /// [`FunctionControls::refresh_all`](s390_iommu::guest::FunctionControls::refresh_all).
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if the host cannot map it; nothing is mapped then. The VMM takes the instruction back, by
    /// [`FunctionControls::take_back`](s390_iommu::guest::FunctionControls::take_back), or the function's DMA fails.
    pub fn apply(&mut self, effect: &Effect, window: IovaRange) -> Result<(), Exhausted> {
        match effect {
            // A registration starts with nothing mapped, also where somebody did not say that the one before ended.
            Effect::Registered(registration) | Effect::Reregistered(registration) => {
                self.clear();
                self.identity = None;
                self.register(registration, window)
            }
            Effect::Deregistered => {
                self.clear();
                self.identity = None;
                Ok(())
            }
            Effect::Reset if self.is_cleared => match self.identity {
                Some((registration, window)) => self.register(&registration, window),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Looks at the guest's memory again, of which regions came or went.
    ///
    /// What is mapped and has no storage any more, or other storage, is unmapped. A function without translation gets what
    /// came. To other functions a page that came is mapped by the next refresh of an address that leads there.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if the host cannot map what came; nothing of that is mapped then, and all the rest is: of a region that became
    /// smaller, or moved in this process, without translation that is nothing.
    pub fn memory_changed(&mut self) -> Result<(), Exhausted> {
        let memory = self.memory.memory();
        self.limit = limit(&*memory);
        let gone = |(iova, page): (&u64, &Page)| {
            let storage = storage(&*memory, page.absolute);
            (storage.map(<*mut u8>::addr) != Some(page.host)).then_some(*iova)
        };
        let gone: Vec<u64> = self.pages.iter().filter_map(gone).collect();
        self.unmap_pages(gone);
        let Some((registration, window)) = self.identity.filter(|_| !self.is_cleared) else { return Ok(()) };
        let wanted = pieces(&*memory, &registration, window);
        let pieces = std::mem::take(&mut self.pieces).into_iter();
        let (stay, gone): (Vec<_>, Vec<_>) =
            pieces.partition(|piece| wanted.iter().any(|(all, _)| piece.is_within(all)));
        gone.iter().for_each(|piece| self.unmap_piece(piece.iova, piece.size));
        let came: Vec<_> = wanted.iter().flat_map(|(all, storage)| all.without(*storage, &stay)).collect();
        self.pieces = stay;
        self.map_pieces(&came)
    }

    fn register(&mut self, registration: &Registration, window: IovaRange) -> Result<(), Exhausted> {
        if registration.iota.translation() {
            return Ok(());
        }
        let wanted = pieces(&*self.memory.memory(), registration, window);
        self.identity = Some((*registration, window));
        self.map_pieces(&wanted)?;
        self.is_cleared = false;
        Ok(())
    }

    /// Maps all of `pieces` to the storage beside each, or nothing of them.
    fn map_pieces(&mut self, pieces: &[(Piece, *mut u8)]) -> Result<(), Exhausted> {
        let before = self.pieces.len();
        for (piece, storage) in pieces {
            if let Err(exhausted) = self.map_piece(piece.iova, *storage, piece.size, Protection::ReadWrite) {
                self.unmap_pieces(before);
                return Err(exhausted);
            }
            self.pieces.push(*piece);
        }
        self.pieces.sort_unstable_by_key(|piece| piece.iova);
        Ok(())
    }
}

impl<A, S: AddressSpace> Shadow<A, S> {
    /// The same with at most `pages` pages at a time; a guest that wants more gets [`Exhausted`].
    ///
    /// Unless it is set the limit is twice as many as `memory` has, and 65,536 at least. A guest's tables may lead to one page
    /// from any number of addresses: 34 KiB of them can name 2^30. Each takes storage of this process and of the kernel.
    #[must_use]
    pub const fn with_limit(mut self, pages: usize) -> Self {
        self.given_limit = Some(pages);
        self
    }

    /// Number of pages that are mapped.
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Why the kernel refused the last mapping that it did. `ENOSPC` and `ENOMEM` are what a guest can bring about;
    /// anything else is worth a line in a log.
    pub const fn refused(&self) -> Option<&io::Error> {
        self.refused.as_ref()
    }

    /// Why the kernel refused to unmap, if it ever did.
    ///
    /// A device may then still reach what the guest took from it. Nothing is mapped any more; the VMM has to end the
    /// function: close it, or reset it and keep the guest from it.
    pub const fn broken(&self) -> Option<&io::Error> {
        self.broken.as_ref()
    }

    /// Unmaps everything, as when the function is disabled or in error.
    pub fn clear(&mut self) {
        let pages = self.pages.keys().copied().collect();
        self.unmap_pages(pages);
        self.unmap_pieces(0);
        self.is_cleared = true;
    }

    /// Unmaps the pieces from number `first` on.
    fn unmap_pieces(&mut self, first: usize) {
        for piece in self.pieces.split_off(first) {
            self.unmap_piece(piece.iova, piece.size);
        }
    }

    /// Unmaps `pages`, which are in order.
    fn unmap_pages(&mut self, pages: Vec<u64>) {
        let mut rows: Vec<(u64, u64)> = Vec::new();
        for iova in pages {
            self.pages.remove(&iova);
            match rows.last_mut() {
                Some((first, size)) if first.wrapping_add(*size) == iova => *size += PAGE_SIZE,
                _ => rows.push((iova, PAGE_SIZE)),
            }
        }
        rows.into_iter().for_each(|(first, size)| self.unmap_piece(first, size));
    }

    fn map_piece(&mut self, iova: u64, storage: *mut u8, size: u64, protection: Protection) -> Result<(), Exhausted> {
        if self.broken.is_some() {
            return Err(Exhausted);
        }
        // SAFETY: storage of the memory, which is the device's to use by the contract of `new`.
        unsafe { self.space.map(iova, storage, size, protection) }.map_err(|error| {
            self.refused = Some(error);
            Exhausted
        })
    }

    fn unmap_piece(&mut self, iova: u64, size: u64) {
        if let Err(error) = self.space.unmap(iova, size) {
            self.broken.get_or_insert(error);
        }
    }
}

impl<A: GuestAddressSpace<M: GuestMemoryBackend>, S: AddressSpace> Mappings for Shadow<A, S> {
    fn first_in(&self, range: IovaRange) -> Option<Mapped> {
        let (iova, page) = self.pages.range(range.start().get()..=range.last().get()).next()?;
        let run =
            Run { range: IovaRange::page(Iova::new(*iova)), absolute: page.absolute, protection: page.protection };
        Some(Mapped { run, refresh: page.refresh })
    }

    fn map(&mut self, run: Run, refresh: RefreshNumber) -> Result<(), Exhausted> {
        let more = usize::try_from(run.range.pages()).unwrap_or(usize::MAX);
        if self.pages.len().saturating_add(more) > self.given_limit.unwrap_or(self.limit) {
            return Err(Exhausted);
        }
        let memory = self.memory.memory();
        let start = run.range.start().get();
        for offset in (0..=run.range.size_less_one()).step_by(PAGE_SIZE as usize) {
            let (iova, absolute) = (start.wrapping_add(offset), run.absolute.get().wrapping_add(offset));
            let absolute = AbsoluteAddress::new(absolute);
            let Some(storage) = storage(&*memory, absolute) else { continue };
            if let Err(exhausted) = self.map_piece(iova, storage, PAGE_SIZE, run.protection) {
                // Nothing was mapped in the run before.
                self.unmap(run.range);
                return Err(exhausted);
            }
            let page = Page { absolute, protection: run.protection, refresh, host: storage.addr() };
            self.pages.insert(iova, page);
        }
        Ok(())
    }

    fn unmap(&mut self, range: IovaRange) {
        let pages = self.pages.range(range.start().get()..=range.last().get());
        let pages = pages.map(|(iova, _)| *iova).collect();
        self.unmap_pages(pages);
    }
}

impl<A, S: AddressSpace> Drop for Shadow<A, S> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<A, S: AddressSpace> fmt::Debug for Shadow<A, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadow").field("pages", &self.pages.len()).field("broken", &self.broken).finish_non_exhaustive()
    }
}

/// Twice as many pages as `memory` has.
fn limit<M: GuestMemoryBackend>(memory: &M) -> usize {
    let pages = memory.iter().fold(0_u64, |pages, region| pages.saturating_add(region.len() / PAGE_SIZE));
    usize::try_from(pages.saturating_mul(2)).unwrap_or(usize::MAX).max(LEAST_LIMIT)
}

/// Where a page of the guest is in this process; `None` if the guest has no storage there, or not all of it.
fn storage<M: GuestMemoryBackend>(memory: &M, absolute: AbsoluteAddress) -> Option<*mut u8> {
    let address = GuestAddress(absolute.get());
    memory.get_slice(address, PAGE_SIZE as usize).ok()?;
    memory.get_host_address(address).ok()
}

/// All that a function reaches in `memory` that is registered without translation, with the storage: whole pages of each
/// region.
fn pieces<M: GuestMemoryBackend>(memory: &M, registration: &Registration, window: IovaRange) -> Vec<(Piece, *mut u8)> {
    let piece = |region: &M::R| {
        let iova = |address: GuestAddress| window.start().checked_add(address.raw_value());
        // A page of which the guest has a part alone is none.
        let range = iova(region.start_addr()).zip(iova(region.last_addr()));
        let range = range.and_then(|(first, last)| IovaRange::within(first, last))?;
        let range = range.intersection(registration.aperture)?;
        let address = GuestAddress(range.start().get().wrapping_sub(window.start().get()));
        let size = range.size_less_one().saturating_add(1);
        let storage = memory.get_host_address(address).ok()?;
        Some((Piece { iova: range.start().get(), size, host: storage.addr() }, storage))
    };
    memory.iter().filter_map(piece).collect()
}
