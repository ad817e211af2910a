// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Values in JSON, and what cannot be one.

use clp::{
    Bar, Characteristics, DesignationTypes, Function, FunctionGroup, FunctionGroupId, FunctionHandle, FunctionId,
    FunctionState, FunctionType, ListEntry, MioBar, ResponseCode, Uid, UtilityString,
};
use serde_json::{from_value, json, to_value};

const BYTES: [u8; 64] = {
    let mut bytes = [0x40; 64];
    (bytes[0], bytes[1], bytes[2], bytes[63]) = (0xc1, 0x0e, 0x00, 0xff);
    bytes
};

fn function() -> Function {
    let mut bars = [Bar::ABSENT; 6];
    bars[2] = Bar::new([4, 0, 0, 0x80], 63).unwrap();
    let mut mio = [None; 6];
    mio[2] = Some(MioBar { write_back: 1 << 63, write_through: u64::MAX });
    Function {
        id: FunctionId(0x101),
        uid: Uid(0x11),
        group: FunctionGroupId(0xff),
        function_type: FunctionType::NVME,
        is_physical: true,
        vfn: 0,
        pchid: 0x1c5,
        port: 3,
        internal_path: [1, 2, 3, 4],
        fidparm: 0,
        rid: Some(8),
        tid: None,
        bars,
        mio: Some(mio),
        start_dma: 0x1_0000_0000,
        end_dma: u64::MAX,
        fmb_length: 128,
        utility_string: Some(UtilityString(BYTES)),
    }
}

#[test]
fn a_function_is_numbers_and_names() {
    let value = to_value(function()).unwrap();
    assert_eq!(value["id"], json!(0x101));
    assert_eq!(value["group"], json!(255));
    assert_eq!(value["end_dma"], json!(18446744073709551615_u64));
    assert_eq!(value["bars"][2], json!({"register": [4, 0, 0, 128], "size_log2": 63}));
    assert_eq!(value["mio"][2]["write_back"], json!(9223372036854775808_u64));
    assert_eq!((&value["tid"], &value["rid"]), (&json!(null), &json!(8)));
    let text = value["utility_string"].as_str().unwrap();
    assert_eq!((text.chars().count(), text.chars().next(), text.chars().nth(3)), (64, Some('A'), Some(' ')));
    assert_eq!(from_value::<Function>(value).unwrap(), function());
}

#[test]
fn every_byte_of_a_utility_string_comes_back() {
    for first in [0, 64, 128, 192] {
        let string = UtilityString(std::array::from_fn(|index| first + index as u8));
        assert_eq!(from_value::<UtilityString>(to_value(string).unwrap()).unwrap(), string);
    }
}

#[test]
fn the_others_are_what_they_look_like() {
    let entry = ListEntry {
        vendor: 0x1af4,
        device: 0x1042,
        configured: true,
        id: FunctionId(1),
        handle: FunctionHandle(0x8000_0001),
    };
    let value = to_value(entry).unwrap();
    assert_eq!(value, json!({"vendor": 6900, "device": 4162, "configured": true, "id": 1, "handle": 2147483649_u32}));
    assert_eq!(from_value::<ListEntry>(value).unwrap(), entry);
    assert_eq!(to_value(FunctionState::Standby).unwrap(), json!("Standby"));
    assert_eq!(to_value(ResponseCode::OK).unwrap(), json!(16));
    let group = FunctionGroup { designation_types: DesignationTypes(0x70), ..clp::responder::Emulated::GROUP };
    let value = to_value(group).unwrap();
    assert_eq!((&value["designation_types"], &value["max_interrupts"]), (&json!(0x70), &json!(128)));
    assert_eq!(from_value::<FunctionGroup>(value).unwrap(), group);
    let characteristics =
        Characteristics { facilities: [1; 8], characteristics: [u32::MAX; 8], write_back_position: Some(5) };
    assert_eq!(from_value::<Characteristics>(to_value(characteristics).unwrap()).unwrap(), characteristics);
}

#[test]
fn what_cannot_be_is_refused() {
    let bar = json!({"register": [0, 0, 0, 0], "size_log2": 64});
    assert!(from_value::<Bar>(bar).unwrap_err().to_string().contains("2^63"));
    for text in ["A".repeat(63), "A".repeat(65), "\u{20ac}".repeat(64)] {
        assert!(from_value::<UtilityString>(json!(text)).is_err(), "{text}");
    }
    assert!(from_value::<FunctionGroupId>(json!(256)).is_err());
    assert!(from_value::<FunctionState>(json!("Busy")).is_err());
}
