// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any bytes, printed in every form that tools write them in, and read again.
//!
//! What must hold: they come back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zpci::input::{Input, Reading};
use zpci_fuzz::forms;

fuzz_target!(|bytes: &[u8]| {
    if bytes.is_empty() || bytes.len() > 1024 {
        return;
    }
    for forms::Text { form, text, words } in forms::all(bytes) {
        let reading = Reading { words, ..Reading::default() };
        let read = Input::parse("fuzz", text.clone().into_bytes(), &reading)
            .unwrap_or_else(|error| panic!("{form}: {error}\n{text}"));
        assert!(read.bytes == bytes, "{form}: {:02x?}\n{text}", read.bytes);
        assert_eq!((read.start, read.word_size), (0, None), "{form}\n{text}");
    }
});
