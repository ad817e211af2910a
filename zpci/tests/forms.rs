// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Bytes with rows that are alike, printed in every form that tools write them in, and read again.

use zpci::input::{Input, InputError, Radix, Reading};

#[path = "../../tests/fuzz/src/forms.rs"]
#[expect(unreachable_pub, reason = "in the fuzz targets it is of a library")]
mod forms;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }
}

/// Rows of a few kinds, each some times, and a part of one.
fn bytes(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..1 + random.below(3) {
        let row = match random.below(3) {
            0 => [0; 16],
            1 => [b'z'; 16],
            _ => std::array::from_fn(|_| random.below(256) as u8),
        };
        let count = [1, 1, 2, 3, 5, 8, 16, 64, 256][random.below(9)];
        bytes.extend(std::iter::repeat_n(row, count).flatten());
    }
    let tail = random.below(16);
    bytes.extend(std::iter::repeat_with(|| random.below(256) as u8).take(tail));
    bytes
}

fn read(text: &forms::Text, offsets: Option<Radix>) -> Result<Input, InputError> {
    let reading = Reading { words: text.words, offsets, ..Reading::default() };
    Input::parse("-", text.text.clone().into_bytes(), &reading)
}

fn tells(input: &Input) -> bool {
    input.notes.iter().any(|note| note.contains("--offsets"))
}

/// With what a text does not say they come back. Without the number system of its offsets they do too, or it is told.
#[test]
fn bytes_come_back() {
    let mut random = Random(0x5eed);
    let (mut come_back, mut told, mut refused) = (0, 0, 0);
    let short = (1..=33).map(|count| (0..count).collect::<Vec<u8>>());
    let long: Vec<Vec<u8>> = std::iter::repeat_with(|| bytes(&mut random)).take(300).collect();
    for bytes in short.chain(long) {
        for text in forms::all(&bytes) {
            let form = text.form;
            let input = read(&text, text.offsets).unwrap_or_else(|error| panic!("{form}: {error}\n{}", text.text));
            assert!(input.bytes == bytes && input.start == 0 && !tells(&input), "{form}\n{}", text.text);
            if text.offsets.is_none() {
                continue;
            }
            match read(&text, None) {
                Err(error) => {
                    assert!(error.to_string().contains("--offsets") && error.position().is_some(), "{form}: {error}");
                    refused += 1;
                }
                Ok(input) if tells(&input) => {
                    assert!(text.offsets != Some(Radix::Octal) || input.bytes == bytes, "{form}\n{}", text.text);
                    told += 1;
                }
                Ok(input) => {
                    assert!(input.bytes == bytes && input.start == 0, "{form}\n{}", text.text);
                    come_back += 1;
                }
            }
        }
    }
    assert!(come_back > 1000 && told > 20 && refused > 50, "{come_back} came back, {told} told, {refused} refused");
}
