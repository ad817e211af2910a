// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The shared list of cases on fake machines: one test a machine, with the results as KTAP in its output.

use zpci_tests::fake::{Configuration, Fake, FunctionConfiguration, GroupConfiguration};
use zpci_tests::{cases, device_cases, run, Group, Summary};

/// Runs the groups of `list` whose names start with `prefix`, prints the results, and sees that none is a failure.
fn run_on(configuration: &Configuration, list: &[Group<Fake>], prefix: &str) -> Summary {
    let fake = Fake::new(configuration.clone());
    let mut summary = Summary::default();
    for group in list.iter().filter(|group| group.name.starts_with(prefix)) {
        let mut text = String::new();
        let results = run(&fake, std::slice::from_ref(group), &mut text).unwrap();
        println!("{text}");
        let failures: Vec<&str> = text.lines().map(str::trim).filter(|line| is_message(line)).collect();
        assert_eq!(results.failed, 0, "\n{}", failures.join("\n"));
        assert_eq!(results.passed + results.skipped, group.cases.len(), "{}", group.name);
        summary.passed += results.passed;
        summary.skipped += results.skipped;
    }
    summary
}

/// Whether the line says why a case failed.
fn is_message(line: &str) -> bool {
    line.starts_with("# ") && !line.starts_with("# Subtest: ")
}

/// Runs all cases that need a function; `skipped` of them find nothing to do on this machine.
fn run_function_cases(configuration: Configuration, skipped: usize) {
    for prefix in ["clp", "function"] {
        let summary = run_on(&configuration, cases(), prefix);
        assert!(summary.passed > 0, "{prefix}");
        assert_eq!(summary.skipped, if prefix == "function" { skipped } else { 0 }, "{prefix}: cases that did not run");
    }
    let summary = run_on(&configuration, device_cases(), "dma");
    assert!(summary.passed > 0);
    assert_eq!(summary.skipped, 0, "dma: cases that did not run");
}

/// One test for each group of table cases, which depend on no machine.
macro_rules! table_cases {
    ($($test:ident: $group:literal,)*) => {$(
        #[test]
        fn $test() {
            let summary = run_on(&Configuration::qemu(), cases(), $group);
            assert!(summary.passed > 0 && summary.skipped == 0, "{summary:?}");
        }
    )*};
}

table_cases! {
    region_third_4k: "translation-table/region-third/4K",
    region_third_1m: "translation-table/region-third/1M",
    region_second_4k: "translation-table/region-second/4K",
    region_second_1m: "translation-table/region-second/1M",
    region_first_4k: "translation-table/region-first/4K",
    region_first_1m: "translation-table/region-first/1M",
}

/// Whoever adds a group adds a test that runs it.
#[test]
fn every_group_is_run() {
    let list = cases::<Fake>();
    let known = list.iter().filter(|group| {
        ["clp", "function"].contains(&group.name) || group.name.starts_with("translation-table/region-")
    });
    assert_eq!((known.count(), list.len()), (8, 8));
    let names: Vec<&str> = device_cases::<Fake>().iter().map(|group| group.name).collect();
    assert_eq!(names, ["dma"]);
}

#[test]
fn qemu() {
    run_function_cases(Configuration::qemu(), 0);
}

/// A window that ends before the tables do, as that of a virtual device does.
#[test]
fn qemu_with_small_window() {
    let function = FunctionConfiguration { edma: 0x8_ffff_ffff, ..FunctionConfiguration::nvme() };
    run_function_cases(Configuration { functions: vec![function], ..Configuration::qemu() }, 0);
}

#[test]
fn qemu_with_forty_functions() {
    let functions = (0..40).map(|fid| FunctionConfiguration { fid, uid: fid + 1, ..FunctionConfiguration::nvme() });
    run_function_cases(Configuration { functions: functions.collect(), ..Configuration::qemu() }, 0);
}

/// More than a block lists, and more than a case could store.
#[test]
fn qemu_with_many_functions() {
    let functions = (0..600).map(|fid| FunctionConfiguration { fid, uid: fid + 1, ..FunctionConfiguration::nvme() });
    let many = Configuration { functions: functions.collect(), ..Configuration::qemu() };
    assert_eq!(run_on(&many, cases(), "clp"), Summary { passed: 7, failed: 0, skipped: 0 });
}

/// Everything can be addressed from 0, and no translation is needed: nothing to refuse for either.
#[test]
fn hardware_that_shadows_tables() {
    run_function_cases(Configuration::hardware(true), 2);
}

#[test]
fn hardware_that_walks_tables() {
    run_function_cases(Configuration::hardware(false), 2);
}

/// Each kind of root that a group can have alone.
#[test]
fn hardware_with_one_root() {
    for (dtsm, skipped) in [(0x40, 2), (0x20, 2), (0x10, 3)] {
        for refresh in [true, false] {
            let hardware = Configuration::hardware(refresh);
            let groups = hardware.groups.iter().map(|group| GroupConfiguration { dtsm, ..group.clone() }).collect();
            run_function_cases(Configuration { groups, ..hardware }, skipped);
        }
    }
}

/// Without a function the cases that need one do not run, and say so.
#[test]
fn no_function() {
    let functionless = Configuration { functions: Vec::new(), ..Configuration::qemu() };
    let summary = run_on(&functionless, cases(), "clp");
    assert_eq!(summary, Summary { passed: 5, failed: 0, skipped: 2 });
    let summary = run_on(&functionless, cases(), "function");
    assert_eq!(summary, Summary { passed: 0, failed: 0, skipped: 20 });
    let summary = run_on(&functionless, device_cases(), "dma");
    assert_eq!(summary, Summary { passed: 0, failed: 0, skipped: 11 });
}
