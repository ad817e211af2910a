// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One refusal by itself, for a machine that stops there; and everything else.

use qemu_s390x::{list, refuse, run, Platform, Refusal};
use zpci_tests::fake::Configuration;

use super::bench::Bench;
use super::lines;
use super::sabotage::Sabotage;

/// Has the function of a machine be refused one access; whether it was, and what was printed.
fn refused(sabotage: Sabotage, refusal: Refusal) -> (bool, String) {
    let bench = Bench::new(Configuration::qemu(), sabotage);
    let (functions, mut text) = (list(&bench).unwrap(), String::new());
    let passed = refuse(&bench, Ok(&functions), refusal, &mut text).unwrap();
    (passed, text)
}

const ALL: [Refusal; 4] = [Refusal::ReadOnly, Refusal::Unmapped, Refusal::Unrefreshed, Refusal::UnmappedFrame];

/// The device works first, what it is going to be refused is announced, then it is refused.
#[test]
fn each_refusal_is_announced() {
    for refusal in ALL {
        let (passed, text) = refused(Sabotage::None, refusal);
        assert!(passed, "{text}");
        let order = ["ok 2 read-into-first-page", "zpci-target: {\"fid\":0,", &format!("ok 3 {}", refusal.name())];
        let places: Vec<_> =
            order.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"))).collect();
        assert!(places.is_sorted(), "{text}");
    }
    let (_, text) = refused(Sabotage::None, Refusal::UnmappedFrame);
    assert_eq!(lines(&text, r#""iova":"0x0000000104000000","bytes":1048576,"absolute":"0x"#).len(), 1, "{text}");
}

#[test]
fn a_refusal_that_is_none() {
    for (sabotage, refusal) in [
        (Sabotage::NoRefusal, Refusal::ReadOnly),
        (Sabotage::NoRefreshAfterUnmapping, Refusal::Unmapped),
        (Sabotage::NoRefreshAfterUnmapping, Refusal::UnmappedFrame),
    ] {
        let (passed, text) = refused(sabotage, refusal);
        assert!(!passed, "{text}");
        assert_eq!(lines(&text, &format!("not ok 3 {}", refusal.name())).len(), 1, "{text}");
        assert!(text.contains(&format!("was not refused DMA to {}", refusal.target())), "{text}");
    }
}

#[test]
fn no_function() {
    let bench = Bench::new(Configuration { functions: vec![], ..Configuration::qemu() }, Sabotage::None);
    let (functions, mut text) = (list(&bench).unwrap(), String::new());
    assert!(!refuse(&bench, Ok(&functions), Refusal::ReadOnly, &mut text).unwrap());
    assert!(text.contains("no function is listed"), "{text}");
}

/// Nothing is refused, and what is left out says so.
#[test]
fn without_refusals() {
    let bench = Bench::new(Configuration::qemu(), Sabotage::None).ended_by_refusals();
    assert!(!bench.survives_refusals());
    let (functions, mut text) = (list(&bench).unwrap(), String::new());
    assert!(run(&bench, Ok(&functions), &mut text).unwrap(), "{text}");
    let skipped: Vec<_> = lines(&text, "# SKIP the machine stops where a device is refused an access");
    let names: Vec<_> = skipped.iter().map(|line| line.split(' ').nth(2).unwrap_or_default()).collect();
    assert_eq!(
        names,
        [
            "read-only-page-is-refused",
            "unmapped-page-is-refused",
            "page-without-refresh-is-refused",
            "event-of-a-transfer"
        ]
    );
    assert_eq!(bench.refusals(), 0);
}
