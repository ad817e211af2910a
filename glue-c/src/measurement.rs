// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The measurement block of a function, for user space.

use s390_iommu::vfio::MeasurementSample;
use s390_iommu::{Measurement, MeasurementError};
use zerocopy::IntoBytes;

use crate::errno;

/// C: `ZPCI_RUST_SAMPLE_SIZE`.
pub const SAMPLE_SIZE: usize = size_of::<MeasurementSample>();

/// How often a sample is read that the machine is writing.
const ATTEMPTS: u32 = 100;

/// Writes `struct vfio_device_feature_zpci_sample` of the measurement block at `block`, which has `length` bytes and is
/// written by the machine every `interval` milliseconds.
///
/// 0; -EAGAIN if the machine is writing it; -EINVAL if it is too short for the counters that every format has. `buffer` is
/// written on success alone.
///
/// # Safety
///
/// `block` must be valid for `length` bytes and at a doubleword; `buffer` must have `ZPCI_RUST_SAMPLE_SIZE` bytes.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_sample(block: *const u64, length: u16, interval: u32, buffer: *mut u8) -> i32 {
    let load = |offset: u16| {
        // SAFETY: `read` asks for doublewords within `length`, where by the contract the block is; the machine writes it,
        // and a doubleword is loaded at once.
        let stored = unsafe { block.byte_add(usize::from(offset)).read_volatile() };
        Some(u64::from_be(stored))
    };
    match Measurement::read(length, ATTEMPTS, load) {
        Ok(measured) => {
            // SAFETY: by the contract the buffer has this size.
            let buffer = unsafe { core::slice::from_raw_parts_mut(buffer, SAMPLE_SIZE) };
            let sample = MeasurementSample::new(&measured, interval);
            buffer.iter_mut().zip(sample.as_bytes()).for_each(|(to, from)| *to = *from);
            0
        }
        Err(MeasurementError::Torn) => errno::EAGAIN,
        Err(_) => errno::EINVAL,
    }
}
