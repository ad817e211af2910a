// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Variables of the environment in which a program is compiled.

/// The number in `text`, or `default` without one.
///
/// # Panics
///
/// If it is no number; the program does not compile then.
pub(crate) const fn number(text: Option<&str>, default: u64) -> u64 {
    match text {
        None => default,
        Some(text) => match u64::from_str_radix(text, 10) {
            Ok(number) => number,
            Err(_) => panic!("a variable is to be a number, and is not"),
        },
    }
}
