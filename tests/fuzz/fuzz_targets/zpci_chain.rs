// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any buffer of VFIO or iommufd; the last two bytes say of which call and in which order of bytes.
//!
//! What must hold: the report claims no byte that is not there, it reads every capability that the library's iterator finds and no
//! other, and what that refuses is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use s390_iommu::vfio::{ByteOrder, Capabilities, DeviceInformation, Information, IommuInformation};
use zpci::decode::{decode, Kind};
use zpci::input::Input;
use zpci::report::Report;
use zpci_fuzz::reports;

fuzz_target!(|input: &[u8]| {
    let [bytes @ .., call, order] = input else { return };
    let kind = [Kind::VfioDevice, Kind::VfioIommu, Kind::HwInfo][usize::from(call % 3)];
    let orders = [None, Some(ByteOrder::Big), Some(ByteOrder::Little)];
    let order = orders[usize::from(order % 3)];
    let mut input = Input { name: "fuzz".to_owned(), bytes: bytes.to_vec(), ..Input::default() };
    let report = decode(&mut input, Some(kind), order).unwrap();
    reports::check(&report, &input);
    match (kind, order) {
        (Kind::VfioDevice, Some(order)) => compare::<DeviceInformation>(&report, bytes, order),
        (Kind::VfioIommu, Some(order)) => compare::<IommuInformation>(&report, bytes, order),
        // 32 bytes, of which the first four are flags.
        (Kind::HwInfo, _) => assert!(bytes.len() >= 32 || !report.is_good(), "{report:#?}"),
        _ => {}
    }
});

fn compare<I: Information>(report: &Report, bytes: &[u8], order: ByteOrder) {
    let Ok((_, capabilities)) = Capabilities::new::<I>(bytes, order) else {
        assert!(!report.is_good(), "{report:#?}");
        return;
    };
    // An iterator over a chain in a buffer ends.
    let all: Vec<_> = capabilities.take(1 + bytes.len()).collect();
    assert!(all.len() <= bytes.len(), "{} capabilities in {} bytes", all.len(), bytes.len());
    let found = all.iter().take_while(|raw| raw.is_ok()).count();
    let said = report.sections.iter().filter(|section| section.list == Some("capabilities")).count();
    // More than 1,024 are not read.
    assert_eq!(found.min(1024), said, "{report:#?}");
    assert!(found <= 1024 || !report.is_good(), "{report:#?}");
    assert!(found == all.len() || !report.is_good(), "{report:#?}");
}
