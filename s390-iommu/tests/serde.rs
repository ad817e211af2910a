// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Values in JSON, and what cannot be one.

use clp::{DesignationTypes, FunctionType};
use s390_iommu::{
    AbsoluteAddress, DmaWindow, FrameSize, FrameSizes, Iova, IovaRange, Limits, Mapping, Protection, RefreshOnMap,
    Root, TableFormat,
};
use serde_json::{from_value, json, to_value};

#[test]
fn values_come_back() {
    let limits = Limits {
        window: IovaRange::new(Iova::new(0x1_0000_0000), Iova::new(u64::MAX)).unwrap(),
        designation_types: DesignationTypes(0x40),
        relaxed_translation: false,
        refresh_on_map: true,
        function_type: FunctionType::ISM,
    };
    let value = to_value(limits).unwrap();
    assert_eq!(value["window"], json!({"start": 4294967296_u64, "last": 18446744073709551615_u64}));
    assert_eq!(from_value::<Limits>(value).unwrap(), limits);
    assert_eq!(to_value(DmaWindow(limits.window)).unwrap(), to_value(limits.window).unwrap());
    assert_eq!(to_value(RefreshOnMap(true)).unwrap(), json!(true));
    assert_eq!(to_value(Root::RegionThird).unwrap(), json!("RegionThird"));
    let format = TableFormat {
        designation_types: DesignationTypes(0x70),
        frame_sizes: FrameSizes::WITH_LARGE,
        relaxed_translation: true,
    };
    assert_eq!(from_value::<TableFormat>(to_value(format).unwrap()).unwrap(), format);
    let mapping = Mapping {
        range: IovaRange::page(Iova::new(0x1000)),
        origin: AbsoluteAddress::new(0x5000),
        protection: Protection::ReadOnly,
        frame: FrameSize::Size4K,
    };
    let value = to_value(mapping).unwrap();
    assert_eq!((&value["origin"], &value["protection"]), (&json!(0x5000), &json!("ReadOnly")));
    assert_eq!(from_value::<Mapping>(value).unwrap(), mapping);
}

#[test]
fn a_range_is_whole_pages() {
    for (start, last) in [(0, 0), (0x1000, 0xfff), (1, 0x1fff), (0x1000, 0x1ffe)] {
        let error = from_value::<IovaRange>(json!({"start": start, "last": last})).unwrap_err();
        assert!(!error.to_string().is_empty(), "{start:#x} to {last:#x}");
    }
    assert_eq!(from_value::<IovaRange>(json!({"start": 0, "last": 4095})).unwrap(), IovaRange::page(Iova::new(0)));
}
