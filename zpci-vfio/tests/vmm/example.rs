// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the example prints; the one in C (`glue-c/vmm/examples/vmm.c`) goes the same way and gets the same answers.

#[path = "../../examples/vmm.rs"]
#[expect(dead_code, reason = "its `main` is for the command line")]
mod vmm;

const EXPECTED: &str = include_str!("../../examples/vmm.stdout");

#[test]
fn output() {
    let mut text = Vec::new();
    vmm::run(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text, EXPECTED);
}
