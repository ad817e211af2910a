// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Interrupts of functions: the storage of their bits, and the registration of one function.

use core::cell::Cell;
use core::fmt;

use heapless::Vec;
use s390_iommu::{AbsoluteAddress, InterruptBits, PAGE_SIZE};
use zpci_machine::{deregister_interrupts, register_interrupts, InterruptError, InterruptRegistration};
use zpci_tests::Stop;

use crate::enabled::EnabledFunction;
use crate::platform::Platform;
use crate::stop::fail;

const PAGE: usize = PAGE_SIZE as usize;

/// Bits that are set, counted from the first of the page, in ascending order; more than any case wants.
pub type Bits = Vec<u16, 16>;

/// A page for the vectors and summary bits of several functions.
#[derive(Debug)]
pub struct Indicators<'p, P: Platform> {
    platform: &'p P,
    page: AbsoluteAddress,
    /// The machine may still write the page, which then must never become something else.
    is_lost: Cell<bool>,
}

impl<'p, P: Platform> Indicators<'p, P> {
    /// A page without a bit.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] if there is no storage.
    pub fn new(platform: &'p P) -> Result<Self, Stop> {
        let page = platform.allocate(PAGE, PAGE).ok_or_else(|| fail("no storage for interruption bit vectors"))?;
        let indicators = Self { platform, page, is_lost: Cell::new(false) };
        for offset in (0..PAGE).step_by(256) {
            platform.write(AbsoluteAddress::new(page.get() + offset as u64), &[0; 256]);
        }
        Ok(indicators)
    }

    /// The address of byte `offset`.
    pub const fn at(&self, offset: u16) -> AbsoluteAddress {
        AbsoluteAddress::new(self.page.get() + offset as u64)
    }

    /// Takes all bits of the page: first those of the doubleword at byte `summary`, with the summary bits, then all others.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] if there are more than fit into the answer.
    pub fn take(&self, summary: u16) -> Result<Bits, Stop> {
        let mut bits = Bits::new();
        for start in core::iter::once(usize::from(summary)).chain((0..PAGE).step_by(8)) {
            let at = self.at(start as u16);
            // Most of the page is empty.
            if self.platform.load_doubleword(at) == Some(0) {
                continue;
            }
            let taken = self.platform.with_atomics(at, 8, |bytes| {
                let all = InterruptBits(bytes);
                let taken = all.take_all().try_for_each(|bit| bits.push((start * 8 + bit) as u16));
                taken
            });
            if taken != Some(Ok(())) {
                return Err(fail("too many bits of the interruption bit vectors are set"));
            }
        }
        bits.sort_unstable();
        Ok(bits)
    }

    /// Whether a bit of the page is set, counted from its first; nothing changes.
    pub fn is_set(&self, bit: u16) -> bool {
        let mut byte = [0];
        self.platform.read(self.at(bit / 8), &mut byte);
        byte[0] & 0x80 >> (bit % 8) != 0
    }

    /// Sees that exactly the bits `expected` are set, in ascending order, and takes them.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] if other bits are set.
    pub fn must_hold(&self, summary: u16, expected: &[u16]) -> Result<(), Stop> {
        let bits = self.take(summary)?;
        if bits == expected {
            return Ok(());
        }
        Err(fail(format_args!("bits {expected:?} of the page should be set, and {bits:?} are")))
    }
}

impl<P: Platform> Drop for Indicators<'_, P> {
    fn drop(&mut self) {
        if !self.is_lost.get() {
            self.platform.free(self.page, PAGE);
        }
    }
}

/// Where in a page the bits of a function are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Layout {
    /// Interruption subclass.
    pub subclass: u8,
    /// Byte of the vector in the page.
    pub vector: u16,
    /// Bit of the vector for interrupt 0.
    pub vector_offset: u8,
    /// Byte of the doubleword with the summary bit in the page.
    pub summary: u16,
    /// Bit of the doubleword.
    pub summary_offset: u8,
}

impl Layout {
    /// Bit of the page for `interrupt`.
    pub const fn bit(&self, interrupt: u16) -> u16 {
        self.vector * 8 + self.vector_offset as u16 + interrupt
    }

    /// Bit of the page that summarizes.
    pub const fn summary_bit(&self) -> u16 {
        self.summary * 8 + self.summary_offset as u16
    }
}

/// The registered interrupts of an enabled function; deregistered when dropped, if not before.
pub struct Interrupts<'i, 'e, 'p, P: Platform> {
    function: &'e EnabledFunction<'p, P>,
    indicators: &'i Indicators<'p, P>,
    /// Where its bits are.
    pub layout: Layout,
    /// How many interrupts there are.
    pub count: u16,
}

impl<'i, 'e, 'p, P: Platform> Interrupts<'i, 'e, 'p, P> {
    /// Registers as many interrupts as the group of `function` has, with bits in `indicators`.
    ///
    /// # Errors
    ///
    /// [`InterruptError`] with what is wrong.
    pub fn new(
        function: &'e EnabledFunction<'p, P>,
        indicators: &'i Indicators<'p, P>,
        layout: Layout,
    ) -> Result<Self, InterruptError> {
        let interrupts = Self { function, indicators, layout, count: function.group().max_interrupts };
        interrupts.register()?;
        Ok(interrupts)
    }

    /// Registers them, also once more.
    ///
    /// # Errors
    ///
    /// [`InterruptError`] with what is wrong.
    pub fn register(&self) -> Result<(), InterruptError> {
        let Layout { subclass, vector, vector_offset, summary, summary_offset } = self.layout;
        let registration = InterruptRegistration {
            subclass,
            count: self.count,
            vector: self.indicators.at(vector),
            vector_offset,
            summary: self.indicators.at(summary),
            summary_offset,
        };
        let (platform, handle) = (self.function.platform(), self.function.handle());
        // SAFETY: The bytes are in the page of the indicators, which is accessed by its own methods alone. `drop` ends the
        // registration, or says that the page is lost.
        unsafe { register_interrupts(platform, handle, self.function.group(), &registration) }
    }

    /// Ends the registration. The device sends no interrupts.
    ///
    /// # Errors
    ///
    /// [`InterruptError::Refused`] with the answer.
    pub fn deregister(&self) -> Result<(), InterruptError> {
        deregister_interrupts(self.function.platform(), self.function.handle())
    }
}

impl<P: Platform> fmt::Debug for Interrupts<'_, '_, '_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupts").field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl<P: Platform> Drop for Interrupts<'_, '_, '_, P> {
    fn drop(&mut self) {
        if self.function.handle().is_enabled() && self.deregister().is_err() && self.function.disable().is_err() {
            self.indicators.is_lost.set(true);
        }
    }
}
