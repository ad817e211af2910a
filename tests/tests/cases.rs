// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The shared list of cases on fake machines: one test a machine, and its KTAP in the output.

use zpci_tests::fake::{Configuration, Fake};
use zpci_tests::{cases, run, Summary};

/// Runs every case on `configuration` and prints the results.
fn run_on(configuration: Configuration) -> Summary {
    let fake = Fake::new(configuration);
    let mut text = String::new();
    let summary = run(&fake, cases(), &mut text).expect("a String takes all text");
    println!("{text}");
    let failures: Vec<&str> =
        text.lines().filter(|line| line.trim_start().starts_with("# ") && !line.contains("# Subtest:")).collect();
    assert_eq!(summary.failed, 0, "{}", failures.join("\n"));
    summary
}

#[test]
fn qemu() {
    run_on(Configuration::qemu());
}
#[test]
fn hardware_refresh() {
    run_on(Configuration::hardware(true));
}
#[test]
fn hardware_no_refresh() {
    run_on(Configuration::hardware(false));
}
