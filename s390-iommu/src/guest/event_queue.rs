// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Events that wait for the guest.

use heapless::Deque;

use crate::format::event_information::Event;

/// Events that a guest has not asked for yet, the oldest first, `N` at most.
///
/// A guest asks (CHSC, store event information) when it is told by a channel report, and then until there is no more; Linux
/// asks at no other time (`chsc_process_crw()`, `drivers/s390/cio/chsc.c`). So events are queued from the start on, and
/// [`Self::push`] says when a report is due.
///
/// A guest that does not ask cannot make the queue grow: what does not fit is dropped and counted. The older events are
/// kept, since the first error says what began it.
#[derive(Debug)]
pub struct EventQueue<const N: usize> {
    events: Deque<Event, N>,
    dropped: u64,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[must_use = "the guest asks for events when it is told by a channel report"]
pub enum Queued {
    /// It waits alone: the guest is to be told, by a channel report.
    Report,
    /// It waits behind others, of which the guest was told: no report is due.
    Behind,
    /// The queue was full: the event is counted alone.
    Dropped,
}

impl<const N: usize> EventQueue<N> {
    /// An empty queue.
    pub const fn new() -> Self {
        Self { events: Deque::new(), dropped: 0 }
    }

    /// Adds an event; returns what became of it.
    pub fn push(&mut self, event: Event) -> Queued {
        let is_first = self.events.is_empty();
        match self.events.push_back(event) {
            Ok(()) if is_first => Queued::Report,
            Ok(()) => Queued::Behind,
            Err(_) => {
                self.dropped = self.dropped.saturating_add(1);
                Queued::Dropped
            }
        }
    }

    /// Takes the oldest event, and whether there are more: what
    /// [`EventInformation::answered`](crate::EventInformation::answered) is given.
    pub fn pop(&mut self) -> Option<(Event, bool)> {
        let event = self.events.pop_front()?;
        Some((event, !self.events.is_empty()))
    }

    /// Number of events that wait.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Number of events that did not fit since the last [`Self::take_dropped`].
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns the number of events that did not fit and starts to count anew.
    pub const fn take_dropped(&mut self) -> u64 {
        core::mem::replace(&mut self.dropped, 0)
    }

    /// Forgets all events of the function that `belongs` says, as when it goes away for good.
    pub fn forget(&mut self, mut belongs: impl FnMut(&Event) -> bool) {
        // Each event is taken once and put back behind the others, in the same order.
        for _ in 0..self.events.len() {
            if let Some(event) = self.events.pop_front().filter(|event| !belongs(event)) {
                let put = self.events.push_back(event);
                debug_assert!(put.is_ok(), "one was just taken");
            }
        }
    }

    /// Forgets everything, as when the guest is reset.
    pub fn reset(&mut self) {
        self.events.clear();
        self.dropped = 0;
    }
}

impl<const N: usize> Default for EventQueue<N> {
    fn default() -> Self {
        Self::new()
    }
}
