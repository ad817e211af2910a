// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the example prints; the one in C (`glue-c/vmm/examples/vmm.c`) goes the same way and gets the same answers.

#[path = "../../examples/vmm.rs"]
#[expect(dead_code, reason = "its `main` is for the command line")]
mod vmm;

const EXPECTED: &str = "\
CLP command 2: response 0x0010, bytes 32 to 80 are copied back
CLP command 5: response 0x0010, bytes 32 to 64 are copied back
MPCIFC: cc 0, R1 0x8001000100000004, Registered(Registration { aperture: 0x100000000..=0x1ffffffff, iota: Iota(0x4804) })
RPCIT: cc 0, R1 0x8001000100000000, 8 pages mapped
RPCIT: cc 1, R1 0x8001000110000000, 8 pages mapped
RPCIT: cc 0, R1 0x8001000100000000, 10 pages mapped
the host has 10 pages, 1 of them read-only
RPCIT: cc 1, R1 0x8001000108000000, 10 pages mapped, event 0x9
MPCIFC: cc 0, R1 0x8001000100000005, Deregistered
the host has 0 pages
";

#[test]
fn output() {
    let mut text = Vec::new();
    vmm::run(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text, EXPECTED);
}
