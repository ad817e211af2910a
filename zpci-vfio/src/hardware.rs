// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What iommufd tells of the IOMMU of a function.

use std::io;

use s390_iommu::vfio::{identifier, ByteOrder, HardwareInformation};

/// What IOMMU_GET_HW_INFO takes and returns.
///
/// Linux: `struct iommu_hw_info`, `include/uapi/linux/iommufd.h`; kernels before 6.7 know the first 32 bytes and take
/// the others where they are zero.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Question {
    pub(crate) size: u32,
    pub(crate) flags: u32,
    pub(crate) device: u32,
    /// In bytes: how many there is room for, in the answer how many there are.
    pub(crate) data_length: u32,
    /// Where they go.
    pub(crate) data: u64,
    pub(crate) data_type: u32,
    pub(crate) max_pasid_log2: u8,
    pub(crate) reserved: [u8; 3],
    pub(crate) capabilities: u64,
}

const _: () = assert!(size_of::<Question>() == 40 && std::mem::offset_of!(Question, data_type) == 24);

/// The most bytes that are fetched; no kind of data is near it.
const MOST: u32 = 1 << 16;

/// How often is asked.
const ATTEMPTS: usize = 4;

/// What IOMMU_GET_HW_INFO tells of the IOMMU of one function.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct HardwareData {
    /// The type of the data, [`identifier::HARDWARE`] from a kernel with this project's driver; 0 if there is none, as
    /// from a kernel without.
    pub data_type: u32,
    /// What the IOMMU can do, as Linux counts it: `enum iommufd_hw_capabilities`.
    pub capabilities: u64,
    /// The data, in the byte order of this machine.
    pub data: Vec<u8>,
}

impl HardwareData {
    /// Asks for the number of bytes, and then for these.
    pub(crate) fn ask(mut call: impl FnMut(&mut Question) -> io::Result<()>, device: u32) -> io::Result<Self> {
        let mut data = Vec::<u8>::new();
        for _ in 0..ATTEMPTS {
            let mut question = Question {
                size: size_of::<Question>() as u32,
                device,
                data_length: data.len() as u32,
                data: if data.is_empty() { 0 } else { data.as_mut_ptr().expose_provenance() as u64 },
                ..Question::default()
            };
            call(&mut question)?;
            let there = question.data_length;
            if there > MOST {
                break;
            }
            let is_whole = there as usize <= data.len();
            data.resize(there as usize, 0);
            if is_whole {
                return Ok(Self { data_type: question.data_type, capabilities: question.capabilities, data });
            }
            data.fill(0);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "the kernel has more data each time"))
    }

    /// Returns the data of a zPCI function, `None` if it is of another type or too short.
    pub fn information(&self) -> Option<HardwareInformation> {
        if self.data_type != identifier::HARDWARE {
            return None;
        }
        HardwareInformation::read(&self.data, ByteOrder::NATIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel with these bytes of data.
    fn kernel(bytes: &[u8]) -> impl FnMut(&mut Question) -> io::Result<()> + '_ {
        move |question| {
            assert_eq!((question.size, question.flags, question.device), (40, 0, 3));
            assert_eq!(question.data == 0, question.data_length == 0);
            let room = question.data_length as usize;
            let to = std::ptr::with_exposed_provenance_mut::<u8>(question.data as usize);
            for (index, byte) in bytes.iter().enumerate().take(room) {
                // SAFETY: there are as many bytes as the structure says.
                unsafe { to.add(index).write(*byte) };
            }
            question.data_length = bytes.len() as u32;
            question.data_type = if bytes.is_empty() { 0 } else { 0xf395 };
            question.capabilities = 8;
            Ok(())
        }
    }

    #[test]
    fn all_of_the_data() {
        let mut bytes = vec![0; 32];
        bytes[..4].copy_from_slice(&6_u32.to_ne_bytes());
        bytes[4..6].copy_from_slice(&2_u16.to_ne_bytes());
        bytes[6] = 0x40;
        bytes[8..16].copy_from_slice(&0x1000_u64.to_ne_bytes());
        bytes[16..24].copy_from_slice(&0xfe00_0000_0000_0000_u64.to_ne_bytes());
        bytes[24..32].copy_from_slice(&0xfe00_0000_0000_0fff_u64.to_ne_bytes());
        let answer = HardwareData::ask(kernel(&bytes), 3).unwrap();
        assert_eq!((answer.data_type, answer.capabilities, &answer.data), (0xf395, 8, &bytes));
        let information = answer.information().unwrap();
        assert_eq!((information.flags, information.designation_types, information.dtsm), (6, 2, 0x40));
        assert_eq!((information.frame_sizes, information.msi_start), (0x1000, 0xfe00_0000_0000_0000));
        assert_eq!(information.msi_end, 0xfe00_0000_0000_0fff);
        // What a later kernel adds is fetched, and not looked at.
        bytes.extend([0x77; 24]);
        let answer = HardwareData::ask(kernel(&bytes), 3).unwrap();
        assert_eq!((answer.data.len(), answer.information()), (56, Some(information)));
        assert_eq!(HardwareData::ask(kernel(&bytes[..31]), 3).unwrap().information(), None);
    }

    #[test]
    fn a_kernel_that_tells_nothing() {
        let answer = HardwareData::ask(kernel(&[]), 3).unwrap();
        assert_eq!(answer, HardwareData { data_type: 0, capabilities: 8, data: Vec::new() });
        assert_eq!(answer.information(), None);
    }

    #[test]
    fn data_that_grows_without_end() {
        let mut there = 0;
        let growing = |question: &mut Question| {
            there += 8;
            question.data_length = there;
            Ok(())
        };
        assert_eq!(HardwareData::ask(growing, 3).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let huge = |question: &mut Question| {
            question.data_length = u32::MAX;
            Ok(())
        };
        assert_eq!(HardwareData::ask(huge, 3).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
