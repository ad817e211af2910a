// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Samples of a measurement block for user space.

use zpci_glue::measurement::{zpci_rust_sample, SAMPLE_SIZE};

const EAGAIN: i32 = -11;
const EINVAL: i32 = -22;

/// The block that QEMU writes: sample 3, 7 refreshes; 100 loads.
fn block(time: u64) -> [u64; 6] {
    [0x0000_0000_0000_0003, time, 100, 0, 0, 7].map(u64::to_be)
}

fn sample(block: &[u64], length: u16) -> (i32, [u8; SAMPLE_SIZE]) {
    let mut buffer = [0xa5; SAMPLE_SIZE];
    // SAFETY: the block has so many doublewords, and the buffer its size.
    let rc = unsafe { zpci_rust_sample(block.as_ptr(), length, 4000, buffer.as_mut_ptr()) };
    (rc, buffer)
}

#[test]
fn a_whole_sample_is_written() {
    let (rc, buffer) = sample(&block(0x2468), 48);
    assert_eq!(rc, 0);
    let words = [4000_u32, 3].map(u32::to_ne_bytes).concat();
    let counters = [0x2468_u64, 100, 0, 0, 7, 0, 0, 0, 0].map(u64::to_ne_bytes).concat();
    assert_eq!(buffer[..], [&words[..], &[0; 8], &counters].concat());
}

#[test]
fn half_a_sample_is_not() {
    assert_eq!(sample(&block(0x2469), 48), (EAGAIN, [0xa5; SAMPLE_SIZE]));
}

#[test]
fn a_block_without_the_counters_of_every_format_is_none() {
    assert_eq!(sample(&block(0x2468), 47), (EINVAL, [0xa5; SAMPLE_SIZE]));
}
