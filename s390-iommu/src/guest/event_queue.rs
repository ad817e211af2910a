// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Events that wait for the guest.

use heapless::Deque;

use crate::format::event_information::Event;

/// Events that a guest has not asked for yet, the oldest first, `N` at most.
///
/// A guest that does not ask cannot make the queue grow: what does not fit is dropped and counted. The older events are
/// kept, since the first error says what began it. Nothing is queued before the guest asked once
/// ([`Self::listen`]), so that one that does not know of events costs nothing.
#[derive(Debug)]
pub struct EventQueue<const N: usize> {
    events: Deque<Event, N>,
    listens: bool,
    dropped: u64,
}

impl<const N: usize> EventQueue<N> {
    /// An empty queue that takes no event yet.
    pub const fn new() -> Self {
        Self { events: Deque::new(), listens: false, dropped: 0 }
    }

    /// Takes events from now on.
    pub const fn listen(&mut self) {
        self.listens = true;
    }

    /// Adds an event and returns whether it is kept. The guest is to be told, by a channel report, if the queue was empty.
    #[must_use = "an event that is not kept is counted alone"]
    pub fn push(&mut self, event: Event) -> bool {
        if !self.listens {
            return false;
        }
        let is_kept = self.events.push_back(event).is_ok();
        if !is_kept {
            self.dropped = self.dropped.saturating_add(1);
        }
        is_kept
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

    /// Forgets everything and takes no event until [`Self::listen`], as when the guest is reset.
    pub fn reset(&mut self) {
        self.events.clear();
        self.listens = false;
        self.dropped = 0;
    }
}

impl<const N: usize> Default for EventQueue<N> {
    fn default() -> Self {
        Self::new()
    }
}
