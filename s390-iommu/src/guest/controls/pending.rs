// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! RPCIT of a guest's function: what it is answered, and how it is carried out in steps.

use clp::ConditionCode;

use super::{FunctionControls, State};
use crate::format::address::{Iova, PAGE_SIZE};
use crate::format::event_code::EventCode;
use crate::format::range::IovaRange;
use crate::guest::answer::Answer;
use crate::guest::effect::Registration;
use crate::guest::mappings::{Mappings, RefreshNumber};
use crate::guest::memory::GuestMemory;
use crate::guest::refresh::{Overlap, Progress, Refresh};
use crate::guest::registers::Rpcit;
use crate::guest::walk::GuestTable;
use crate::machine::zpci::Status;

/// How far RPCIT got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "the guest waits for the end of its instruction"]
pub enum Refreshed {
    /// The instruction ends.
    Done(Answer),
    /// There is more to do: call [`FunctionControls::proceed`] with it.
    More(Pending),
}

/// An RPCIT, or a refresh of the VMM's own, that is being carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pending {
    request: Rpcit,
    number: RefreshNumber,
    /// Whether the guest asked for it, which counts.
    is_guests: bool,
}

impl FunctionControls {
    /// RPCIT, as far as it goes without a look at the tables.
    ///
    /// With [`Refreshed::More`], [`Self::proceed`] does the work. Meanwhile every other RPCIT of this function, and every
    /// change of its translation, is answered with condition code 2, busy; Linux tries again. A VMM that gives up on the
    /// instruction, as when it resets the guest, disables the function.
    ///
    /// Of a function that is blocked, and does no DMA then, no table is looked at: [`Self::refresh_all`] does that.
    pub fn refresh(&mut self, request: &Rpcit) -> Refreshed {
        let register = request.register;
        if request.handle != self.handle || !self.is_operational() {
            return Refreshed::Done(Answer::not_there(register));
        }
        if self.state == State::Error {
            return Refreshed::Done(Answer::status(register, Status::RECOVERY));
        }
        if self.refresh.is_some() {
            return Refreshed::Done(Answer::condition(register, ConditionCode::Two));
        }
        let rules = self.configuration.rules;
        let start = Iova::new(request.start);
        let anchored = |it: &Registration| rules.refreshes_identity || it.iota.into_bits() != 0;
        let Some(Registration { aperture, iota }) = self.registration.filter(anchored) else {
            return self.refresh_failed(register, EventCode::INVALID_ADDRESS_SPACE, start);
        };
        let end = match (request.start.checked_add(request.length), rules.wraps) {
            (Some(end), _) => end,
            (None, true) => request.start.wrapping_add(request.length),
            (None, false) => u64::MAX,
        };
        // A range that ends where the aperture starts is not out of it (measured).
        if end < aperture.start().get() || start > aperture.last() {
            return self.refresh_failed(register, EventCode::OUTSIDE_APERTURE, start);
        }
        let pages = match request.length.checked_sub(1).map(|more| request.start.checked_add(more)) {
            None => None,
            Some(None) if rules.wraps => None,
            Some(last) => {
                let touched = IovaRange::page(start).hull(IovaRange::page(Iova::new(last.unwrap_or(u64::MAX))));
                self.effective(aperture).and_then(|aperture| match rules.steps_from_cursor {
                    true => Some((touched, aperture)),
                    false => touched.intersection(aperture).map(|range| (range, aperture)),
                })
            }
        };
        let Some((range, aperture)) = pages.filter(|_| iota.translation() && self.does_dma()) else {
            return self.refreshed(true, Answer::done(register));
        };
        let offset = request.start % PAGE_SIZE;
        let overlap = (rules.steps_from_cursor && offset != 0).then(|| Overlap {
            skips_last: (range.last().get() & !(PAGE_SIZE - 1)) | offset
                >= request.start.saturating_add(request.length),
        });
        Refreshed::More(self.begin(*request, true, (range, aperture), overlap))
    }

    /// Begins a refresh of everything that is registered, of the VMM's own: [`Self::proceed`] does the work.
    ///
    /// It makes up for what no RPCIT of the guest does: after [`Effect::Reset`](crate::guest::Effect::Reset), and wherever
    /// the VMM has unmapped something that is registered still. An RPCIT that is being carried out is given up for it, with
    /// condition code 2; the guest tries again.
    ///
    /// The guest is not told how it ends, but for an event if a table is wrong: the function is in error then. With any answer
    /// but condition code 0 not all that is registered is mapped: 2 if something came between two steps, and it is begun again;
    /// status 40 if the function is in error or blocked again, until the next reset; [`Status::INSUFFICIENT_RESOURCE`] if the
    /// host can map no more, and a VMM that has kept the guest waiting then [takes the reset back](Self::take_back).
    ///
    /// Returns `None` if there is no table to look at: without a registration, without translation, where all of the guest is
    /// mapped as for [`Effect::Registered`](crate::guest::Effect::Registered), and while the function does no DMA.
    pub fn refresh_all(&mut self) -> Option<Pending> {
        let Registration { aperture, iota } = self.registration.filter(|_| self.does_dma())?;
        let aperture = self.effective(aperture).filter(|_| iota.translation())?;
        let register = u64::from(self.handle.0) << 32;
        let request = Rpcit { register, handle: self.handle, start: aperture.start().get(), length: 0 };
        Some(self.begin(request, false, (aperture, aperture), None))
    }

    fn begin(
        &mut self,
        request: Rpcit,
        is_guests: bool,
        (range, aperture): (IovaRange, IovaRange),
        overlap: Option<Overlap>,
    ) -> Pending {
        self.number = RefreshNumber(self.number.0.wrapping_add(1));
        self.refresh = Some(Refresh::new(range, aperture, overlap, self.number));
        Pending { request, number: self.number, is_guests }
    }

    /// Carries out `pending`, what [`Self::refresh`] or [`Self::refresh_all`] began, for about `budget` entries that are read
    /// and pages that are mapped or unmapped.
    ///
    /// What the tables say is made true on the host: what is gone is unmapped, what is new is mapped, what changed is
    /// unmapped and mapped or protected anew, and what is the same is not touched. If the host can map no more, the answer
    /// is condition code 1 with [`Status::INSUFFICIENT_RESOURCE`], and of what is new nothing is mapped. If an entry is
    /// wrong, what lies before it is mapped and the function is in error, as under QEMU.
    ///
    /// A budget of 0 does nothing. A single call of [`Mappings::map`] gets at most as many pages as the budget; with
    /// `u64::MAX` the instruction is done at once. If the function is disabled or in error when it is called, nothing is
    /// done.
    pub fn proceed<M: GuestMemory + ?Sized, H: Mappings + ?Sized>(
        &mut self,
        pending: Pending,
        memory: &M,
        mappings: &mut H,
        budget: u64,
    ) -> Refreshed {
        let Pending { request, number, is_guests } = pending;
        let register = request.register;
        let refresh = self.refresh.take_if(|refresh| refresh.number() == number);
        match self.state {
            // Disabled meanwhile: its handle is of the past.
            _ if number <= self.past => return Refreshed::Done(Answer::not_there(register)),
            State::Disabled | State::PermanentError => return Refreshed::Done(Answer::not_there(register)),
            State::Error => return Refreshed::Done(Answer::status(register, Status::RECOVERY)),
            State::Blocked if is_guests && !self.does_dma() => return self.refreshed(true, Answer::done(register)),
            State::Blocked if !self.does_dma() => return Refreshed::Done(Answer::status(register, Status::RECOVERY)),
            State::Enabled | State::Blocked => {}
        }
        let Some(mut refresh) = refresh else {
            return Refreshed::Done(Answer::condition(register, ConditionCode::Two));
        };
        let iota = self.registration.map(|it| it.iota);
        let Some(mut table) = iota.and_then(|iota| GuestTable::new(memory, iota, self.configuration.rules)) else {
            debug_assert!(false, "a refresh without a table");
            return self.refresh_failed(register, EventCode::INVALID_TRANSLATION_FORMAT, Iova::new(request.start));
        };
        match refresh.proceed(&mut table, mappings, budget) {
            Progress::More => {
                self.refresh = Some(refresh);
                Refreshed::More(pending)
            }
            Progress::Done => self.refreshed(is_guests, Answer::done(register)),
            Progress::Exhausted => self.refreshed(is_guests, Answer::status(register, Status::INSUFFICIENT_RESOURCE)),
            Progress::Wrong(iova, error) => {
                // The same byte of each page (QEMU, measured).
                self.refresh_failed(register, error.code, Iova::new(iova.get() | (request.start % PAGE_SIZE)))
            }
        }
    }

    const fn refreshed(&mut self, is_guests: bool, answer: Answer) -> Refreshed {
        self.refreshes = self.refreshes.wrapping_add(is_guests as u64);
        Refreshed::Done(answer)
    }

    fn refresh_failed(&mut self, register: u64, code: EventCode, iova: Iova) -> Refreshed {
        let event = self.fail(code, iova);
        Refreshed::Done(Answer::status(register, Status::IN_ERROR).with_event(event))
    }
}
