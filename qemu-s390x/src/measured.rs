// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The measurement block of a function.

use core::fmt;

use s390_iommu::{AbsoluteAddress, Measurement, PAGE_SIZE};
use zpci_machine::{set_measurement, stop_measurement, MeasureError};
use zpci_tests::Stop;

use crate::enabled::EnabledFunction;
use crate::platform::Platform;
use crate::stop::fail;

const PAGE: usize = PAGE_SIZE as usize;

/// Where the block lies in its page: aligned as it must be, and no better.
const PLACE: usize = 0x710;

/// Bytes of the counters that every format has. QEMU says that a block has none, and stores these.
const LENGTH: u16 = 48;

/// What lies around the block.
const AROUND: u8 = 0xa5;

/// How often a sample that is torn is read again: an update takes far less.
const ATTEMPTS: u32 = 10_000;

/// A function that the machine measures; the measurement ends when this is dropped.
pub struct Measured<'e, 'p, P: Platform> {
    function: &'e EnabledFunction<'p, P>,
    page: AbsoluteAddress,
}

impl<'e, 'p, P: Platform> Measured<'e, 'p, P> {
    /// Starts the measurement of `function`, with all counters 0.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] that says what is wrong.
    pub fn new(function: &'e EnabledFunction<'p, P>) -> Result<Self, Stop> {
        let platform = function.platform();
        let page = platform.allocate(PAGE, PAGE).ok_or_else(|| fail("no storage for a measurement block"))?;
        let measured = Self { function, page };
        for offset in (0..PAGE).step_by(256) {
            platform.write(measured.at(offset), &[AROUND; 256]);
        }
        platform.write(measured.at(PLACE), &[0; LENGTH as usize]);
        // QEMU counts also what is not measured, and forgets it when measurement ends.
        measured.stop().map_err(fail)?;
        // SAFETY: The page is nobody else's, and is read by methods of this alone. `drop` ends the measurement, or keeps the
        // page for good.
        unsafe { set_measurement(platform, function.handle(), measured.at(PLACE), LENGTH) }.map_err(fail)?;
        Ok(measured)
    }

    /// The last sample; nothing before the first.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] if no sample was whole, or the machine stored something outside of the block.
    pub fn sample(&self) -> Result<Option<Measurement>, Stop> {
        let platform = self.function.platform();
        let load = |offset| platform.load_doubleword(self.at(PLACE + usize::from(offset)));
        let sample = Measurement::read(LENGTH, ATTEMPTS, load).map_err(fail)?;
        Ok((sample.last_update != 0).then_some(sample))
    }

    /// Sees that the machine has stored nothing outside of the block.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] if it has.
    pub fn must_be_bounded(&self) -> Result<(), Stop> {
        let (mut piece, end) = ([0; 16], PLACE + usize::from(LENGTH));
        for offset in (0..PAGE).step_by(piece.len()).filter(|offset| !(PLACE..end).contains(offset)) {
            self.function.platform().read(self.at(offset), &mut piece);
            if piece != [AROUND; 16] {
                return Err(fail(format_args!("the machine has stored at {}, outside of the block", self.at(offset))));
            }
        }
        Ok(())
    }

    /// Ends the measurement.
    ///
    /// # Errors
    ///
    /// [`MeasureError::Refused`] with the answer.
    pub fn stop(&self) -> Result<(), MeasureError> {
        stop_measurement(self.function.platform(), self.function.handle())
    }

    fn at(&self, offset: usize) -> AbsoluteAddress {
        AbsoluteAddress::new(self.page.get() + offset as u64)
    }
}

impl<P: Platform> fmt::Debug for Measured<'_, '_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measured").field("page", &self.page).finish_non_exhaustive()
    }
}

impl<P: Platform> Drop for Measured<'_, '_, P> {
    fn drop(&mut self) {
        if self.function.handle().is_enabled() && self.stop().is_err() && self.function.disable().is_err() {
            return;
        }
        self.function.platform().free(self.page, PAGE);
    }
}
