// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A chain of capabilities that C makes of what it is handed.

use s390_iommu::vfio::IommuInformation;
use zerocopy::IntoBytes;

use crate::binding::ForeignChain;

/// The bytes of a chain behind an information structure.
pub(crate) const START: usize = 24;

/// Calls `fill` with a chain of C that takes `accept` capabilities; returns the result of `fill`, how many capabilities came,
/// and the bytes of those that were taken.
pub(crate) fn collect(accept: u32, fill: impl FnOnce(&mut ForeignChain) -> i32) -> (i32, u32, Vec<u8>) {
    let mut buffer = vec![0xa5; 1 << 18];
    let mut chain =
        ForeignChain { buffer: buffer.as_mut_ptr(), capacity: buffer.len() as u64, size: 0, last: 0, accept, calls: 0 };
    let rc = fill(&mut chain);
    let (calls, size) = (chain.calls, chain.size as usize);
    assert!(buffer[size..].iter().all(|&byte| byte == 0xa5));
    buffer.truncate(size);
    (rc, calls, buffer)
}

/// Returns `chain` behind the structure that VFIO_IOMMU_GET_INFO returns.
pub(crate) fn answer(chain: &[u8]) -> Vec<u8> {
    let front = IommuInformation {
        argsz: (START + chain.len()) as u32,
        flags: IommuInformation::CAPABILITIES,
        cap_offset: START as u32,
        ..IommuInformation::new(0)
    };
    [front.as_bytes(), chain].concat()
}
