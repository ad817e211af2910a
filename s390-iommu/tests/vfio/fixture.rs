// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Bytes as text.

use s390_iommu::vfio::ByteOrder;

/// Decodes the bytes in `text`, which are hexadecimal; skips blanks, and lines that start with `#`.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let digits: Vec<u32> = lines.flat_map(str::chars).filter_map(|c| c.to_digit(16)).collect();
    assert_eq!(digits.len() % 2, 0);
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// A fixture in both byte orders.
macro_rules! fixture {
    ($name:literal) => {
        [
            (ByteOrder::Big, bytes(include_str!(concat!("../fixtures/", $name, "-big.hex")))),
            (ByteOrder::Little, bytes(include_str!(concat!("../fixtures/", $name, "-little.hex")))),
        ]
    };
}

pub(crate) fn device() -> [(ByteOrder, Vec<u8>); 2] {
    fixture!("device")
}

/// Device answers of hosts since Linux 7.3.
pub(crate) fn device_with_error_events() -> [(ByteOrder, Vec<u8>); 2] {
    fixture!("device-7.3")
}

pub(crate) fn device_with_utility_string() -> [(ByteOrder, Vec<u8>); 2] {
    fixture!("device-utility-string")
}

pub(crate) fn iommu() -> [(ByteOrder, Vec<u8>); 2] {
    fixture!("iommu")
}

/// Device answers of hosts up to Linux 5.9, of 5.10 to 5.19, of 6.0 to 6.5.
pub(crate) fn old_devices() -> [[(ByteOrder, Vec<u8>); 2]; 3] {
    [fixture!("device-5.9"), fixture!("device-5.10"), fixture!("device-6.1")]
}

/// IOMMU answers of hosts up to Linux 5.3, of 5.4 to 5.7, of 5.10 to 6.5.
pub(crate) fn old_iommus() -> [[(ByteOrder, Vec<u8>); 2]; 3] {
    [fixture!("iommu-5.3"), fixture!("iommu-5.4"), fixture!("iommu-6.1")]
}

pub(crate) fn container() -> [(ByteOrder, Vec<u8>); 2] {
    fixture!("container")
}
