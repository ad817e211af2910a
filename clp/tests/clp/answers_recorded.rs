// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every recorded request, answered by the responder: as QEMU to the byte, and as hardware with each difference named.

use crate::fixture::{fixture, Fixture, Outcome};
use crate::vmm::{emulated, in_slot, End, Vmm, EMULATED_GROUP, NESTED, NO_BARS};
use clp::responder::{Groups, ImmediateAnswer, Responder, Rules};
use clp::{ConditionCode, FunctionGroupId, InstalledProcessors, LogicalProcessor};

/// The devices that QEMU had when a block was recorded.
#[derive(Clone, Copy)]
enum Devices {
    /// virtio-serial, UID 1, FID 1.
    Serial,
    /// The same, enabled.
    SerialEnabled,
    /// virtio-serial, qemu-xhci and nvme with UID 0x10 to 0x12 and FID 0x20 to 0x22.
    Three,
    Nothing,
    Nvme,
    Xhci,
}

fn vmm(devices: Devices, rules: Rules) -> Vmm {
    let serial_bars = [(1, 6), (0, 12), (0, 0), (0, 0), (0xc, 14), (0, 0)];
    let mut bars = NO_BARS;
    bars[0] = (4, 14);
    let mut functions = match devices {
        Devices::Serial | Devices::SerialEnabled => vec![in_slot(0, 0x1af4, 0x1003, &emulated(1, 1, serial_bars))],
        Devices::Three => vec![
            in_slot(0, 0x1af4, 0x1003, &emulated(0x20, 0x10, serial_bars)),
            in_slot(1, 0x1b36, 0x000d, &emulated(0x21, 0x11, bars)),
            in_slot(2, 0x1b36, 0x0010, &emulated(0x22, 0x12, bars)),
        ],
        Devices::Nothing => vec![],
        Devices::Nvme => vec![in_slot(0, 0x1b36, 0x0010, &emulated(0, 1, bars))],
        Devices::Xhci => vec![in_slot(0, 0x1b36, 0x000d, &emulated(0, 1, bars))],
    };
    if let (Devices::SerialEnabled, Some(Some(function))) = (devices, functions.first_mut()) {
        function.handle.0 |= 0x8000_0000;
    }
    let mut groups = Groups::new();
    assert_eq!(groups.add(FunctionGroupId(0xff), &EMULATED_GROUP, &NESTED), Ok(FunctionGroupId(0xff)));
    Vmm::new(rules, functions, groups)
}

/// A recorded block, what to ask for it, and what hardware answers differently.
struct Case {
    name: &'static str,
    fixture: Fixture,
    devices: Devices,
    /// Where the response starts.
    start: usize,
    /// The room that was offered; a list has another length in its recording.
    room: u16,
    /// Bytes in which the answer of hardware differs, by their offset, and why.
    hardware: &'static [(usize, &'static [u8], &'static str)],
}

macro_rules! cases {
    ($($name:literal, $devices:ident, $start:literal, $room:literal, [$($different:expr),* $(,)?];)*) => {
        vec![$(Case {
            name: $name,
            fixture: fixture!($name),
            devices: Devices::$devices,
            start: $start,
            room: $room,
            hardware: &[$($different),*],
        }),*]
    };
}

type Difference = (usize, &'static [u8], &'static str);

const RESERVED: Difference = (0x38, &[0, 0, 0, 0], "bytes 24 to 27 of a list are reserved");
const HEADER_ALONE: Difference = (0x20, &[0, 16], "a refusal says that it is a header");
const ALREADY: Difference = (0x20, &[0, 16, 0x01, 0x05], "already in that state is a code of its own");

fn cases() -> Vec<Case> {
    cases![
        "a1-list", Serial, 0x20, 4064, [RESERVED];
        "a2-list-enabled", SerialEnabled, 0x20, 4064, [RESERVED];
        "a3-query-function", Serial, 0x20, 0x140, [
            (0x40, &[1, 0, 0, 0], "BARs are little-endian"),
            (0x50, &[12, 0, 0, 0], "BARs are little-endian"),
        ];
        "a4-query-function-short", Serial, 0x20, 64, [
            (0x20, &[0, 16, 0, 0x50], "half an answer is none"),
            (0x30, &[0; 16], "half an answer is none"),
            (0x40, &[0; 32], "half an answer is none"),
        ];
        "a5-query-function-unknown", Serial, 0x20, 0x140, [HEADER_ALONE];
        "a6-query-function-format", Serial, 0x20, 0x140, [
            (0x20, &[0, 16, 0, 0x40], "the format is checked"),
            (0x30, &[0; 16], "the format is checked"),
        ];
        "a7-query-group", Serial, 0x20, 64, [];
        "a8-query-group-unknown", Serial, 0x20, 64, [HEADER_ALONE];
        "a9-enable", Serial, 0x20, 32, [];
        "a10-disable", SerialEnabled, 0x20, 32, [];
        "a11-enable-no-space", Serial, 0x20, 32, [HEADER_ALONE];
        "a11-enable-two-spaces", Serial, 0x20, 32, [HEADER_ALONE];
        "a11-enable-enabled", SerialEnabled, 0x20, 32, [ALREADY];
        "a11-disable-disabled", Serial, 0x20, 32, [ALREADY];
        "a11-enable-mio", Serial, 0x20, 32, [HEADER_ALONE];
        "a11-enable-stale", SerialEnabled, 0x20, 32, [HEADER_ALONE];
        "b-request-16", Serial, 0x10, 64, [(0x10, &[0, 16], "a refusal says that it is a header")];
        "b-room-40", Serial, 0x20, 40, [HEADER_ALONE];
        "b-room-56", Serial, 0x20, 56, [HEADER_ALONE];
        "b-room-47", Serial, 0x20, 47, [];
        "b-request-20", Serial, 0x14, 64, [];
        "b-token-unknown", Serial, 0x20, 48, [HEADER_ALONE];
        "b-format", Serial, 0x20, 64, [HEADER_ALONE];
        "b-reserved-header", Serial, 0x20, 64, [HEADER_ALONE];
        "b-reserved-body", Serial, 0x20, 4064, [
            (0x20, &[0, 16, 0, 0x70], "the reserved doubleword is checked"),
            (0x30, &[0; 32], "the reserved doubleword is checked"),
        ];
        "c1-slpc", Serial, 0x10, 0x100, [(0x10, &[0, 16, 0, 0x20], "the command comes before its length")];
        "c2-slpc-32", Serial, 0x20, 0x100, [HEADER_ALONE];
        "c3-unknown", Serial, 0x20, 64, [HEADER_ALONE];
        "d1-list", Three, 0x20, 4064, [RESERVED];
        "d2-list-first", Three, 0x20, 48, [RESERVED];
        "d3-list-second", Three, 0x20, 48, [RESERVED];
        "d4-list-empty", Nothing, 0x20, 4064, [RESERVED];
        "e1-nvme-list", Nvme, 0x20, 4064, [RESERVED];
        "e2-nvme-query", Nvme, 0x20, 0x140, [(0x40, &[4, 0, 0, 0], "BARs are little-endian")];
        "e3-xhci-list", Xhci, 0x20, 4064, [RESERVED];
        "e4-xhci-query", Xhci, 0x20, 0x140, [(0x40, &[4, 0, 0, 0], "BARs are little-endian")];
    ]
}

/// Executes the request of a recording in a block of two pages that is 0xa5 behind the room; checks that it stays so.
fn execute(case: &Case, rules: Rules) -> (End, Vec<u8>) {
    let mut block = vec![0; 8192];
    block[..case.start].copy_from_slice(&case.fixture.block[..case.start]);
    block[case.start..case.start + 2].copy_from_slice(&case.room.to_be_bytes());
    let end_of_room = case.start + usize::from(case.room);
    block[end_of_room..].fill(0xa5);
    let end = vmm(case.devices, rules).execute(LogicalProcessor::PCI, &mut block);
    assert!(block[end_of_room..].iter().all(|&byte| byte == 0xa5), "{}: behind the room", case.name);
    block.truncate(end_of_room);
    (end, block)
}

fn recorded_end(fixture: &Fixture) -> End {
    match fixture.outcome {
        Outcome::ConditionCode(0) => End::Condition(ConditionCode::Zero),
        Outcome::ConditionCode(3) => End::Condition(ConditionCode::Three),
        Outcome::ProgramCheck(0x15) => End::OperandException,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_recording_is_a_case() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut recorded: Vec<String> = files.filter_map(|name| Some(name.strip_suffix(".hex")?.to_owned())).collect();
    // `Rules::QEMU` answers as QEMU 10.0; those of QEMU 11.1 are only read.
    recorded.retain(|name| !name.ends_with("-11"));
    let mut answered: Vec<String> = cases().iter().map(|case| case.name.to_owned()).collect();
    recorded.sort();
    answered.sort();
    assert_eq!(recorded.len(), 36);
    assert_eq!(answered, recorded);
}

#[test]
fn as_qemu() {
    for case in cases() {
        let (end, block) = execute(&case, Rules::QEMU);
        assert_eq!(end, recorded_end(&case.fixture), "{}", case.name);
        // The one recording with fewer rows than the block has: what follows is as in the same query without a format.
        let (recorded, rest) = match case.name {
            "a6-query-function-format" => (0x40, fixture!("a3-query-function").block),
            _ => (block.len(), case.fixture.block),
        };
        assert_eq!(block[..recorded], case.fixture.block[..recorded], "{}", case.name);
        assert_eq!(block[recorded..], rest[recorded..block.len()], "{}", case.name);
    }
}

#[test]
fn as_hardware() {
    for case in cases() {
        let (end, block) = execute(&case, Rules::HARDWARE);
        let expected_end = match recorded_end(&case.fixture) {
            // An odd list is refused by its response code alone.
            End::Condition(_) => End::Condition(ConditionCode::Zero),
            End::OperandException => End::OperandException,
        };
        assert_eq!(end, expected_end, "{}", case.name);
        let mut expected = case.fixture.block;
        for (offset, bytes, reason) in case.hardware {
            assert_ne!(&expected[*offset..offset + bytes.len()], *bytes, "{}: no difference: {reason}", case.name);
            expected[*offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        assert_eq!(block, expected[..block.len()], "{}", case.name);
    }
}

/// Recorded without a block: the command 1 in the immediate form, which is an operand exception in QEMU.
#[test]
fn immediate_form() {
    let mut responder = Responder {
        functions: &[],
        groups: &[],
        summary: Rules::QEMU_SUMMARY,
        characteristics: None,
        rules: Rules::QEMU,
    };
    assert_eq!(responder.immediate(1), ImmediateAnswer::OperandException);
    responder.rules = Rules::HARDWARE;
    assert_eq!(responder.immediate(1), ImmediateAnswer::Installed(InstalledProcessors(0x2000_0000_0000_0000)));
    for command in [0, 2, 1 << 32, u64::MAX] {
        assert_eq!(responder.immediate(command), ImmediateAnswer::Condition(ConditionCode::Three));
    }
}
