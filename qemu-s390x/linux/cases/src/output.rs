// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Where the results go: through C to whoever reads the module's file.

use core::ffi::c_void;
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicPtr, Ordering};

extern "C" {
    fn zpci_cases_write(out: *mut c_void, text: *const u8, length: usize);
}

/// The place of the run at hand; C makes sure that there is one at a time.
static PLACE: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

/// Text for the reader.
#[derive(Debug)]
pub(crate) struct Output(());

impl Output {
    /// That of the run at hand, whose place for text is `place`.
    pub(crate) fn open(place: *mut c_void) -> Self {
        PLACE.store(place, Ordering::Relaxed);
        Self(())
    }

    /// The same one again.
    pub(crate) const fn again() -> Self {
        Self(())
    }
}

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the place is the one that C gave for the run at hand, and the text is as long as it says.
        unsafe { zpci_cases_write(PLACE.load(Ordering::Relaxed), text.as_ptr(), text.len()) };
        Ok(())
    }
}
