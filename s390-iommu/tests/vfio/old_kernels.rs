// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The answers of hosts before Linux 6.6, as bytes.

use s390_iommu::vfio::{
    ByteOrder, Capabilities, ChainError, DeviceCapability, DeviceInformation, Information, IommuCapability,
    IommuInformation,
};

use crate::fixture;

/// Identifier, version and size in bytes of each capability, up to the first error.
fn chain<I: Information>(bytes: &[u8], order: ByteOrder) -> Result<Vec<(u16, u16, usize)>, ChainError> {
    let (_, capabilities) = Capabilities::new::<I>(bytes, order)?;
    capabilities.map(|raw| raw.map(|raw| (raw.header.id, raw.header.version, raw.bytes.len()))).collect()
}

/// A structure of 20 bytes, and capabilities that start wherever the one before ends.
#[test]
fn a_device_before_6_6() {
    let [_, of_5_10, of_6_1] = fixture::old_devices();
    for (order, bytes) in of_6_1 {
        let (information, capabilities) = Capabilities::new::<DeviceInformation>(&bytes, order).unwrap();
        // The padding is not there: the first capability starts in its place.
        let expected =
            DeviceInformation { argsz: 200, flags: 0x82, num_regions: 9, num_irqs: 5, cap_offset: 20, pad: 0 };
        assert_eq!(information, expected);
        let found: Vec<_> = capabilities.map(|raw| DeviceCapability::new(&raw.unwrap()).unwrap()).collect();
        let [DeviceCapability::Base(base), DeviceCapability::Group(group), DeviceCapability::UtilityString(string), DeviceCapability::Path(path)] =
            found[..]
        else {
            panic!("{found:?}");
        };
        assert_eq!((base.start_dma, base.end_dma, base.fh), (0x1_0000_0000, 0x1ff_ffff_ffff_ffff, 0x8001_0007));
        assert_eq!((group.noi, group.maxstbl, group.imaxstbl), (64, 128, 4096));
        assert_eq!((string.util_str[..5].to_vec(), path.pfip), (vec![0xc1, 0xc1, 0xc1, 0xc1, 0x40], [1, 2, 3, 4]));
        let expected = [(1, 2, 40), (2, 2, 48), (3, 1, 76), (4, 1, 16)];
        assert_eq!(chain::<DeviceInformation>(&bytes, order).unwrap(), expected);
    }
    for (order, bytes) in of_5_10 {
        let expected = [(1, 1, 32), (2, 1, 40), (3, 1, 76), (4, 1, 16)];
        assert_eq!(chain::<DeviceInformation>(&bytes, order).unwrap(), expected);
        let (_, capabilities) = Capabilities::new::<DeviceInformation>(&bytes, order).unwrap();
        let found: Vec<_> = capabilities.filter_map(|raw| DeviceCapability::new(&raw.unwrap())).collect();
        let [DeviceCapability::Base(base), DeviceCapability::Group(group), ..] = found[..] else {
            panic!("{found:?}");
        };
        assert_eq!((base.pchid, base.gid, base.fh), (0x1c0, 7, 0));
        assert_eq!((group.mui, group.version, group.imaxstbl), (1000, 1, 0));
    }
}

/// The kernel writes 16 bytes and sets no flag; what lies behind is the caller's.
#[test]
fn a_kernel_without_capabilities() {
    let [of_5_9, ..] = fixture::old_devices();
    for (order, bytes) in of_5_9 {
        let (information, capabilities) = Capabilities::new::<DeviceInformation>(&bytes, order).unwrap();
        assert_eq!((information.flags, information.cap_offset, information.pad), (2, 0, 0));
        assert_eq!(capabilities.count(), 0);
    }
    let [of_5_3, ..] = fixture::old_iommus();
    for (order, bytes) in of_5_3 {
        let (information, capabilities) = Capabilities::new::<IommuInformation>(&bytes, order).unwrap();
        assert_eq!((information.iova_pgsizes, information.cap_offset, information.pad), (0xffff_f000, 0, 0));
        assert_eq!(capabilities.count(), 0);
    }
}

#[test]
fn a_container_before_6_6() {
    let [_, of_5_4, of_6_1] = fixture::old_iommus();
    let of_5_4 = of_5_4.into_iter().map(|answer| (answer, vec![(1, 1, 32)]));
    let of_6_1 = of_6_1.into_iter().map(|answer| (answer, vec![(2, 1, 32), (3, 1, 12), (1, 1, 32)]));
    for ((order, bytes), expected) in of_5_4.chain(of_6_1) {
        assert_eq!(chain::<IommuInformation>(&bytes, order).unwrap(), expected);
        let (_, capabilities) = Capabilities::new::<IommuInformation>(&bytes, order).unwrap();
        let last = capabilities.last().unwrap().unwrap();
        let Some(IommuCapability::IovaRanges(entries)) = IommuCapability::new(&last) else { panic!("no ranges") };
        let entries: Vec<_> = entries.map(|it| (it.start, it.end)).collect();
        assert_eq!(entries, [(0x1_0000_0000, 0x1_0fff_ffff)]);
    }
}

/// Sets the field of 32 bits at `offset`.
fn put(bytes: &mut [u8], offset: usize, order: ByteOrder, value: u32) {
    let value = if order == ByteOrder::Big { value.to_be_bytes() } else { value.to_le_bytes() };
    bytes[offset..offset + 4].copy_from_slice(&value);
}

/// A buffer of 16, 20 or 24 bytes gets the flag and how many bytes are needed, and none of the list.
#[test]
fn a_buffer_that_was_too_small() {
    let [_, _, of_6_1] = fixture::old_devices();
    for (order, bytes) in of_6_1 {
        for size in [16, 19, 20, 24] {
            let mut bytes = bytes[..size].to_vec();
            bytes[16..].fill(0);
            let (information, mut capabilities) = Capabilities::new::<DeviceInformation>(&bytes, order).unwrap();
            assert_eq!((information.argsz, information.cap_offset), (200, 0), "{size}");
            assert_eq!(capabilities.next(), Some(Err(ChainError::Missing { argsz: 200 })), "{size}");
            assert_eq!(capabilities.next(), None);
        }
    }
}

/// What lies behind `argsz` was not answered, even if the buffer goes on.
#[test]
fn nothing_behind_argsz_is_read() {
    let [_, _, of_6_1] = fixture::old_devices();
    for (order, original) in of_6_1 {
        for argsz in 0..=200 {
            let mut bytes = original.clone();
            put(&mut bytes, 0, order, argsz);
            let result = chain::<DeviceInformation>(&bytes, order);
            let expected = match argsz {
                0..16 => Err(ChainError::Truncated { offset: 0 }),
                16..20 => Err(ChainError::Missing { argsz }),
                20 => Err(ChainError::Outside { offset: 20 }),
                21..28 => Err(ChainError::Truncated { offset: 20 }),
                60 => Err(ChainError::Outside { offset: 60 }),
                61..68 => Err(ChainError::Truncated { offset: 60 }),
                192..=200 => {
                    let path = argsz as usize - 184;
                    Ok(vec![(1, 2, 40), (2, 2, 48), (3, 1, 76), (4, 1, path)])
                }
                _ => {
                    assert!(result.is_err(), "{argsz}");
                    continue;
                }
            };
            assert_eq!(result, expected, "{argsz}");
        }
        // A buffer that is shorter than argsz ends where it ends.
        assert!(chain::<DeviceInformation>(&original[..199], order).is_ok());
        assert_eq!(chain::<DeviceInformation>(&original[..184], order), Err(ChainError::Outside { offset: 184 }));
    }
}
