// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The fake machine's answers to CLP against recorded blocks: the same request gets the same block, byte for byte.

use crate::fixture::block;
use clp::{
    Block, Client, Clp, Command, ConditionCode, Enable, Enabled, FunctionHandle, FunctionId, LogicalProcessor,
    ResponseCode,
};
use zpci_tests::fake::{Configuration, Fake, FunctionConfiguration};

/// The recorded block of that name.
macro_rules! recorded {
    ($name:literal) => {
        (concat!($name), include_str!(concat!("../../../clp/tests/fixtures/", $name, ".hex")))
    };
}

fn virtio_serial() -> FunctionConfiguration {
    FunctionConfiguration {
        fid: 1,
        uid: 1,
        device_id: 0x1003,
        vendor_id: 0x1af4,
        bar_sizes: [0x06, 0x0c, 0, 0, 0x0e, 0],
        bars: [1, 0, 0, 0, 0x0c, 0],
        ..FunctionConfiguration::nvme()
    }
}

fn xhci() -> FunctionConfiguration {
    FunctionConfiguration { device_id: 0x000d, ..FunctionConfiguration::nvme() }
}

fn machine(functions: Vec<FunctionConfiguration>) -> Fake {
    Fake::new(Configuration { functions, ..Configuration::qemu() })
}

/// Executes the request of a recorded block in a block that is otherwise as it was then: zeros, and the room offered.
///
/// LIST PCI stores the length of what it answers, so there the room is `room` bytes.
fn replay(fake: &Fake, (name, text): (&str, &str), room: Option<u16>) {
    let recorded: [u8; 4096] = block(text);
    let mut command = Block::zeroed();
    let request = usize::from(u16::from_be_bytes([recorded[0], recorded[1]]));
    let bytes = command.bytes_mut();
    bytes[..request].copy_from_slice(&recorded[..request]);
    let offered = room.map_or([recorded[request], recorded[request + 1]], u16::to_be_bytes);
    bytes[request..request + 2].copy_from_slice(&offered);
    // Recorded with rows of sixteen bytes, a request of 20 bytes ends in the middle of one.
    let before = *bytes;
    let condition = fake.call(LogicalProcessor::PCI, &mut Command::new(&mut command).unwrap());
    let outcome = text.lines().find(|line| !line.starts_with('#')).unwrap();
    match outcome.strip_prefix("cc ") {
        Some(code) => {
            assert_eq!((condition as u8).to_string(), code, "{name}");
            assert!(command.bytes() == &recorded, "{name}: {:x?}", &command.bytes()[..0x100]);
        }
        None => {
            assert_eq!(outcome, "program check 0x15", "{name}");
            assert_eq!(condition, ConditionCode::Three, "{name}");
            assert!(command.bytes() == &before, "{name}: a program check stores nothing");
        }
    }
}

#[test]
fn one_function() {
    let fake = machine(vec![virtio_serial()]);
    replay(&fake, recorded!("a1-list"), Some(4064));
    replay(&fake, recorded!("a3-query-function"), None);
    replay(&fake, recorded!("a4-query-function-short"), None);
    replay(&fake, recorded!("a5-query-function-unknown"), None);
    replay(&fake, recorded!("a7-query-group"), None);
    replay(&fake, recorded!("a8-query-group-unknown"), None);
    replay(&fake, recorded!("a11-enable-no-space"), None);
    replay(&fake, recorded!("a11-enable-two-spaces"), None);
    replay(&fake, recorded!("a11-disable-disabled"), None);
    replay(&fake, recorded!("a11-enable-mio"), None);
    replay(&fake, recorded!("a9-enable"), None);
    replay(&fake, recorded!("a2-list-enabled"), Some(4064));
    replay(&fake, recorded!("a11-enable-enabled"), None);
    replay(&fake, recorded!("a11-enable-stale"), None);
    replay(&fake, recorded!("a10-disable"), None);
    replay(&fake, recorded!("a1-list"), Some(4064));
}

#[test]
fn refused_lists() {
    let fake = machine(vec![virtio_serial()]);
    replay(&fake, recorded!("b-request-16"), None);
    replay(&fake, recorded!("b-request-20"), None);
    replay(&fake, recorded!("b-room-40"), None);
    replay(&fake, recorded!("b-room-47"), None);
    replay(&fake, recorded!("b-room-56"), None);
    replay(&fake, recorded!("b-token-unknown"), None);
    replay(&fake, recorded!("b-format"), None);
    replay(&fake, recorded!("b-reserved-header"), None);
    replay(&fake, recorded!("b-reserved-body"), Some(4064));
}

#[test]
fn commands_that_qemu_lacks() {
    let fake = machine(vec![virtio_serial()]);
    replay(&fake, recorded!("c1-slpc"), None);
    replay(&fake, recorded!("c2-slpc-32"), None);
    replay(&fake, recorded!("c3-unknown"), None);
    assert_eq!(fake.immediate(1), Err(ConditionCode::Three));
}

#[test]
fn three_functions_and_none() {
    let three = vec![
        FunctionConfiguration { uid: 0x10, fid: 0x20, ..virtio_serial() },
        FunctionConfiguration { uid: 0x11, fid: 0x21, ..xhci() },
        FunctionConfiguration { uid: 0x12, fid: 0x22, ..FunctionConfiguration::nvme() },
    ];
    let fake = machine(three);
    replay(&fake, recorded!("d1-list"), Some(4064));
    replay(&fake, recorded!("d2-list-first"), Some(48));
    replay(&fake, recorded!("d3-list-second"), Some(48));
    replay(&machine(Vec::new()), recorded!("d4-list-empty"), Some(4064));
}

#[test]
fn other_devices() {
    let nvme = machine(vec![FunctionConfiguration::nvme()]);
    replay(&nvme, recorded!("e1-nvme-list"), Some(4064));
    replay(&nvme, recorded!("e2-nvme-query"), None);
    let xhci = machine(vec![xhci()]);
    replay(&xhci, recorded!("e3-xhci-list"), Some(4064));
    replay(&xhci, recorded!("e4-xhci-query"), None);
}

/// Where hardware differs from QEMU the fake machine can be hardware; the client gets along with both.
#[test]
fn hardware() {
    let mut configuration = Configuration::hardware(true);
    configuration.functions[0].mio = true;
    configuration.functions[0].utility_string = Some([0xc1; 64]);
    let fake = Fake::new(configuration);
    let mut block = Block::zeroed();
    let mut client = Client::new(&fake, &mut block);

    let installed = client.installed_processors().unwrap();
    assert_eq!(installed.0, 0xa000_0000_0000_0000);
    let mut raw = Block::zeroed();
    raw.bytes_mut()[..20].copy_from_slice(&[0, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0]);
    assert_eq!(fake.call(LogicalProcessor::PCI, &mut Command::new(&mut raw).unwrap()), ConditionCode::Zero);
    assert_eq!(raw.bytes()[16..20], [0, 128, 0, 0x10]);
    assert_eq!(raw.bytes()[16 + 80], 0x80);
    let mut raw = Command::new(&mut raw).unwrap();
    assert_eq!(fake.call(LogicalProcessor::BASE, &mut raw), ConditionCode::Three);

    // Two busy answers come before each change, and every change gives a new handle.
    let disabled = FunctionHandle(0x0002_0000);
    let enabled = client.enable(disabled, Enable::PLAIN);
    assert_eq!(enabled, Ok(Enabled { handle: FunctionHandle(0x8102_0000), mio: None }));
    let twice = client.enable(FunctionHandle(0x8102_0000), Enable::PLAIN);
    assert_eq!(twice.unwrap_err().response_code(), Some(ResponseCode(0x0105)));
    assert_eq!(client.enable(disabled, Enable::PLAIN).unwrap_err().response_code(), Some(ResponseCode(0x0101)));

    let function = client.query_function(FunctionHandle(0x8102_0000)).unwrap();
    assert_eq!(function.id, FunctionId(0x100));
    assert_eq!(function.uid.0, 0x2_0001);
    assert_eq!((function.vfn, function.pchid, function.internal_path), (1, 0x1c0, [1, 2, 3, 4]));
    assert_eq!(function.function_type.0, 0x0b);
    // A 64-bit memory BAR, little-endian as in config space.
    assert_eq!(function.bars[0].register_bytes(), [4, 0, 0, 0]);
    assert_eq!(function.utility_string.unwrap().0, [0xc1; 64]);
    let mio = function.mio.unwrap()[0].unwrap();
    assert_eq!((mio.write_back, mio.write_through), (0x8001_0000_0000_0000, 0x0001_0000_0000_0000));
    assert_eq!(function.mio.unwrap()[1], None);

    let group = client.query_function_group(function.group).unwrap();
    assert_eq!((group.refresh, group.relaxed_translation, group.designation_types.0), (true, true, 0x70));
    let disabled = client.disable(FunctionHandle(0x8102_0000));
    assert_eq!(disabled, Ok(FunctionHandle(0x0202_0000)));
    assert_eq!(fake.complaints(), Vec::<String>::new());
}
