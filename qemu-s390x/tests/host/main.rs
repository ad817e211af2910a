// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the image does, on the host: the fake machine of `zpci-tests` with an NVMe controller in its function.

mod bench;
mod interruptions;
mod measurement;
mod nvme;
mod refusal;
mod sabotage;

use clp::FunctionId;
use qemu_s390x::pattern::Pattern;
use qemu_s390x::{find, list, run};
use zpci_tests::fake::{Configuration, FunctionConfiguration};
use zpci_tests::Stop;

use self::bench::Bench;
use self::measurement::Counter;
use self::sabotage::Sabotage;

/// Runs everything and returns whether it passed, and what was printed.
fn boot(bench: &Bench) -> (bool, String) {
    let functions = list(bench).unwrap();
    let mut text = String::new();
    let passed = run(bench, Ok(&functions), &mut text).unwrap();
    (passed, text)
}

/// The lines of `text` that contain `part`.
fn lines<'t>(text: &'t str, part: &str) -> Vec<&'t str> {
    text.lines().map(str::trim).filter(|line| line.contains(part)).collect()
}

/// Everything passes, and the disk holds what the image says it wrote and nothing else.
fn passes(configuration: Configuration) -> String {
    let bench = Bench::new(configuration, Sabotage::None);
    let (passed, text) = boot(&bench);
    assert!(passed, "{text}");
    assert_eq!(lines(&text, "not ok"), [""; 0]);
    assert_eq!(bench.complaints(), [""; 0]);

    let written =
        [(0x20_0000, 0x14_0000), (0x40_0000, 0x10_0000), (0x60_0000, 0x1000), (0x60_1000, 0x1000), (0x60_2000, 0x1000)];
    for (offset, length) in written {
        let fact = format!(r#""serial":"ZPCI-HOST-0001","offset":{offset},"length":{length}}}"#);
        assert_eq!(lines(&text, &fact).len(), 1, "{fact}");
    }
    let disk = bench.disk();
    for (offset, block) in (0..).step_by(0x1000).zip(disk.chunks(0x1000)) {
        let is_written = written.iter().any(|(start, length)| (*start..start + length).contains(&offset));
        let pattern = if is_written { Pattern::WRITTEN } else { Pattern::INITIAL };
        assert_eq!(pattern.compare(offset, block), Ok(()));
    }
    text
}

#[test]
fn qemu() {
    let text = passes(Configuration::qemu());
    assert_eq!(lines(&text, r#""serial":"ZPCI-HOST-0001","model":"fake""#).len(), 1);
    assert_eq!(lines(&text, "SKIP").len(), 0, "{:?}", lines(&text, "SKIP"));
}

/// The root is a region-first table, there are new handles all the time, and entries that become valid need no
/// refresh.
#[test]
fn hardware() {
    for refresh in [false, true] {
        let text = passes(Configuration::hardware(refresh));
        let skipped = lines(&text, "page-without-refresh-is-refused # SKIP");
        assert_eq!(skipped.len(), usize::from(!refresh));
        let reason = "# SKIP the function and the table reach the end of all addresses";
        assert_eq!(lines(&text, reason).len(), 1);
    }
}

#[test]
fn no_function() {
    let configuration = Configuration { functions: vec![], ..Configuration::qemu() };
    let (passed, text) = boot(&Bench::new(configuration, Sabotage::None));
    assert!(passed, "{text}");
    let end = "  # Subtest: functions\n  1..0\nok 10 functions\nok 11 together # SKIP no function has a driver\n";
    assert!(text.ends_with(end), "{text}");
}

/// A function in standby cannot be used and one without a driver is not driven; neither is a failure.
#[test]
fn other_functions() {
    let mut configuration = Configuration::qemu();
    let other = FunctionConfiguration { fid: 1, device_id: 0x000d, ..FunctionConfiguration::nvme() };
    configuration.functions.push(other.clone());
    configuration.functions.push(FunctionConfiguration { fid: 2, configured: false, ..other });
    let (passed, text) = boot(&Bench::new(configuration, Sabotage::None));
    assert!(passed, "{text}");
    assert_eq!(lines(&text, "no driver for device 1b36:000d of class 0x0c0330").len(), 2);
    assert_eq!(lines(&text, "# SKIP the function is in standby").len(), 10);
    assert_eq!(lines(&text, "zpci-function").len(), 3);
}

/// What is printed for a function, by its name.
fn function(text: &str, id: FunctionId) -> &str {
    let (_, rest) = text.split_once(&format!("# Subtest: function {id}\n")).unwrap();
    rest.split_once(&format!(" function {id}\n")).map_or("", |(part, _)| part)
}

/// Something is broken: the run fails, and what is printed for the function names it.
fn fails(sabotage: Sabotage, message: &str) {
    let (passed, text) = boot(&Bench::new(Configuration::qemu(), sabotage));
    assert!(!passed, "{text}");
    let text = function(&text, FunctionId(0));
    assert!(text.contains(message), "{message:?} is not in {text}");
}

#[test]
fn an_entry_off_by_one_bit() {
    fails(Sabotage::RegionEntries, "bring-up: table entry at region-third index 0x2: expected 0x");
    fails(Sabotage::PageEntries, "bring-up: table entry at ");
}

#[test]
fn a_refresh_that_is_not_executed() {
    fails(
        Sabotage::NoRefresh,
        "function 0x00000000 refused DMA of bringing up the device at IOVA 0x101000000..=0x101005fff: state error (fc \
         0xf0) while waiting for the completion of Identify; event 0x4 (translation refused) at IOVA 0x101000000; was \
         the range refreshed?",
    );
}

#[test]
fn a_refresh_after_unmapping_that_is_not_executed() {
    fails(
        Sabotage::NoRefreshAfterUnmapping,
        "was not refused DMA to an unmapped page at IOVA 0x102000000..=0x102000fff",
    );
}

#[test]
fn a_refusal_that_is_none() {
    fails(Sabotage::NoRefusal, "was not refused DMA to a read-only page at IOVA 0x102000000..=0x102000fff");
}

/// What a host does that maps the first page of a table in one way and those beside it in another.
#[test]
fn a_page_that_can_be_written_since_it_has_a_neighbour() {
    fails(Sabotage::WritableBeside, "was not refused DMA to a read-only page at IOVA 0x102000000..=0x102000fff");
}

#[test]
fn a_function_is_found_with_its_group() {
    let bench = Bench::new(Configuration::qemu(), Sabotage::None);
    let (function, group) = find(&bench, "NVMe controller", |entry| entry.device == 0x0010).unwrap();
    assert_eq!((function.id, group.refresh), (FunctionId(0), true));
    let missing = find(&bench, "virtio-rng", |entry| entry.device == 0x1044).unwrap_err();
    assert!(matches!(missing, Stop::Fail(message) if message.to_string() == "no virtio-rng among the functions"));
    // In standby it cannot be enabled.
    let mut configuration = Configuration::qemu();
    configuration.functions[0].configured = false;
    assert!(find(&Bench::new(configuration, Sabotage::None), "function", |_| true).is_err());
}

#[test]
fn data_in_the_wrong_pages() {
    fails(
        Sabotage::WrongPages,
        "data at IOVA 0x1fff80000: disk offset 0x0: expected 0x5a5043492d504154, found 0x5a5043492d505154",
    );
}

#[test]
fn a_device_that_never_answers() {
    fails(Sabotage::NoCompletion, "waited 10000 ms for the completion of Identify");
}

/// A case that ends nowhere fails, and nothing else does.
#[test]
fn a_case_that_does_not_come_to_its_end() {
    let (passed, text) = boot(&Bench::new(Configuration::qemu(), Sabotage::NoEnd));
    assert!(!passed, "{text}");
    assert_eq!(lines(&text, "# list: the case did not come to its end").len(), 1);
    assert_eq!(lines(&text, "not ok"), ["not ok 1 list", "not ok 2 clp"]);
}

/// Every interruption, its bits and its time are looked at.
#[test]
fn interrupts() {
    let lost = "one-interrupt-a-request: waited 2000 ms for an interruption";
    fails(Sabotage::LostInterruption, lost);
    fails(
        Sabotage::TwoInterruptions,
        "one-interrupt-a-request: 2 adapter interruptions of subclass 3 instead of 1 adapter interruptions of subclass 3",
    );
    fails(Sabotage::NoBit, "one-interrupt-a-request: bits [2048, 30725] of the page should be set, and [30725] are");
    fails(
        Sabotage::WrongVector,
        "one-interrupt-a-request: bits [2048, 30725] of the page should be set, and [2049, 30725] are",
    );
    fails(Sabotage::WrongSubclass, "one-interrupt-a-request: waited 2000 ms for an interruption");
    fails(Sabotage::NoMask, "masked-vector-is-silent: waited 2000 ms for the pending bit");
    fails(
        Sabotage::NoSuppression,
        "suppressed-until-set-again: 1 adapter interruptions of subclass 3 instead of no interruption",
    );
    fails(
        Sabotage::NoEndOfInterrupts,
        "deregistered-is-silent: bits [] of the page should be set, and [2048, 30725] are",
    );
    fails(Sabotage::EarlyInterrupt, "one-interrupt-a-request: the device interrupts before it is done");
}

/// What is printed for the functions that are used together.
fn together(sabotage: Sabotage, message: &str) {
    let (passed, text) = boot(&Bench::new(Configuration::qemu(), sabotage));
    assert!(!passed, "{text}");
    let (_, text) = text.split_once("# Subtest: together\n").unwrap();
    assert!(text.contains(message), "{message:?} is not in {text}");
}

/// An event is announced, and names what happened to whom.
#[test]
fn events() {
    together(Sabotage::NoChannelReport, "event-of-a-transfer: waited 2000 ms for a machine check");
    let right = "event 0x4 (translation refused) at IOVA 0x102000000 of function 0x00000000, handle 0x80020000";
    for (sabotage, wrong) in [
        (
            Sabotage::WrongEventFunction,
            "event 0x4 (translation refused) at IOVA 0x102000000 of function 0x00000001, handle 0x80020000",
        ),
        (
            Sabotage::WrongEventHandle,
            "event 0x4 (translation refused) at IOVA 0x102000000 of function 0x00000000, handle 0x00020000",
        ),
        (
            Sabotage::WrongEventCode,
            "event 0x5 (access refused) at IOVA 0x102000000 of function 0x00000000, handle 0x80020000",
        ),
        (
            Sabotage::WrongEventAddress,
            "event 0x4 (translation refused) at IOVA 0x102001000 of function 0x00000000, handle 0x80020000",
        ),
    ] {
        together(sabotage, &format!("event-of-a-transfer: {wrong}, instead of {right}"));
    }
}

/// Each counter is compared, and each sample must be whole and where it belongs.
#[test]
fn measurement_blocks() {
    for counter in [Counter::Load, Counter::Store, Counter::BlockStore, Counter::Refresh] {
        together(Sabotage::Miscounted(counter), "is not between Counts {");
    }
    together(Sabotage::TornSample, "measurement-blocks: the measurement block was being updated");
    together(Sabotage::StoreBehindBlock, "outside of the block");
}
