// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Any bytes, of which nobody says what they are; the last byte says whether zeros follow.
//!
//! What must hold: what they are taken for, they are also when that is said.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zpci::decode::{decode, Kind};
use zpci::input::Input;
use zpci_fuzz::reports;

fuzz_target!(|input: &[u8]| {
    let Some((control, bytes)) = input.split_last() else { return };
    let input = Input {
        name: "fuzz".to_owned(),
        bytes: bytes.to_vec(),
        zeros_follow: control & 1 != 0,
        condition: (control & 0x10 != 0).then_some(control >> 5 & 3),
        ..Input::default()
    };
    let report = match decode(&mut input.clone(), None, None) {
        Err(error) => return assert!(error.contains("--as says"), "{error}"),
        Ok(report) => report,
    };
    reports::check(&report, &input);
    let kind = match report.kind {
        "fib" => Kind::Fib,
        "error-event" => Kind::ErrorEvent,
        "availability-event" => Kind::AvailabilityEvent,
        "event-information" => Kind::EventInformation,
        "fmb" => Kind::Fmb,
        "vfio-device" => Kind::VfioDevice,
        "vfio-iommu" => Kind::VfioIommu,
        _ => Kind::Clp,
    };
    let said = decode(&mut input.clone(), Some(kind), None).unwrap();
    assert_eq!(zpci::render::report_json(&said), zpci::render::report_json(&report));
    // A condition code that says that nothing was stored is no good answer.
    assert!(kind != Kind::Clp || input.condition.is_none_or(|code| code == 0) || !report.is_good(), "{report:#?}");
});
