// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any bytes, printed in every form that tools write them in, and read again.
//!
//! What must hold: with what a text does not say of itself they come back. Without the number system of its offsets they come
//! back too, or a note or an error names the option; the note's are octal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zpci::input::{Input, InputError, Radix, Reading};
use zpci_fuzz::forms::{self, Text};

fuzz_target!(|bytes: &[u8]| {
    if bytes.is_empty() || bytes.len() > 1024 {
        return;
    }
    for text in forms::all(bytes) {
        let Text { form, text: shown, offsets, .. } = &text;
        let told = read(&text, *offsets).unwrap_or_else(|error| panic!("{form}: {error}\n{shown}"));
        check(&text, &told, bytes);
        assert!(!names_offsets(&told.notes), "{form}: {:?}\n{shown}", told.notes);
        if offsets.is_none() {
            continue;
        }
        match read(&text, None) {
            Err(error) => assert!(error.to_string().contains("--offsets"), "{form}: {error}\n{shown}"),
            Ok(read) if names_offsets(&read.notes) && *offsets != Some(Radix::Octal) => {}
            Ok(read) => check(&text, &read, bytes),
        }
    }
});

fn read(text: &Text, offsets: Option<Radix>) -> Result<Input, InputError> {
    let reading = Reading { words: text.words, offsets, ..Reading::default() };
    Input::parse("fuzz", text.text.clone().into_bytes(), &reading)
}

fn names_offsets(notes: &[String]) -> bool {
    notes.iter().any(|note| note.contains("--offsets"))
}

fn check(text: &Text, read: &Input, bytes: &[u8]) {
    let Text { form, text, .. } = text;
    assert!(read.bytes == bytes, "{form}: {:02x?}\n{text}", read.bytes);
    assert_eq!((read.start, read.word_size), (0, None), "{form}\n{text}");
}
