// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The calls that the example does not make, by their bytes.

use std::mem::MaybeUninit;
use std::ptr;

use zpci_vmm::commands::{zpci_clp, zpci_clp_immediate, ForeignCharacteristics, ForeignCommands, ForeignReply};
use zpci_vmm::event::{
    zpci_availability_event, zpci_event_answer, ZPCI_AVAILABILITY_CONFIGURED_TO_STANDBY, ZPCI_EVENT_AVAILABILITY,
    ZPCI_EVENT_ERROR, ZPCI_EVENT_INFORMATION_SIZE,
};
use zpci_vmm::function::{ZPCI_RULES_HARDWARE, ZPCI_RULES_QEMU};
use zpci_vmm::suppression::{zpci_sic, zpci_suppression_init, zpci_suppression_present, ForeignSuppression};

fn commands(rules: u8, characteristics: *const ForeignCharacteristics) -> ForeignCommands {
    ForeignCommands {
        slots: ptr::null_mut(),
        slot_count: 0,
        groups: ptr::null(),
        characteristics,
        max_functions: 64,
        uid_checking: true,
        rules,
        opaque: ptr::null_mut(),
        set: None,
    }
}

#[test]
fn interruption_controls() {
    let mut place = MaybeUninit::<ForeignSuppression>::uninit();
    let modes = place.as_mut_ptr();
    // SAFETY: storage for the modes, which are initialised before they are used.
    unsafe {
        zpci_suppression_init(modes);
        assert!(zpci_suppression_present(modes, 3) && zpci_suppression_present(modes, 3));
        // Mode 1 of subclass 3: one.
        assert_eq!(zpci_sic(modes, 1, 3 << 27), 0);
        assert!(zpci_suppression_present(modes, 3) && !zpci_suppression_present(modes, 3));
        assert!(zpci_suppression_present(modes, 4));
        assert_eq!(zpci_sic(modes, 1, 3 << 27), 0);
        assert!(zpci_suppression_present(modes, 3) && !zpci_suppression_present(modes, 3));
        // An operation for hosts changes nothing.
        assert_eq!(zpci_sic(modes, 2, 3 << 27), 0x15);
        assert!(!zpci_suppression_present(modes, 3));
        assert_eq!(zpci_sic(modes, 0, 3 << 27), 0);
        assert!(zpci_suppression_present(modes, 3) && zpci_suppression_present(modes, 3));
    }
}

#[test]
fn events() {
    let mut event = [0xa5; 32];
    // SAFETY: 32 bytes.
    unsafe { zpci_availability_event(0x0002_0001, 0x21, ZPCI_AVAILABILITY_CONFIGURED_TO_STANDBY, event.as_mut_ptr()) };
    let mut expected = [0; 32];
    expected[4..12].copy_from_slice(&[0, 2, 0, 1, 0, 0, 0, 0x21]);
    expected[30..].copy_from_slice(&[0x03, 0x04]);
    assert_eq!(event, expected);
    let request = {
        let mut request = [0_u8; ZPCI_EVENT_INFORMATION_SIZE];
        (request[1], request[3], request[8]) = (16, 0x0e, 0x20);
        request
    };
    for (content, more) in [(ZPCI_EVENT_ERROR, true), (ZPCI_EVENT_AVAILABILITY, false)] {
        let mut block = request;
        // SAFETY: a block of this size and 32 bytes.
        assert!(unsafe { zpci_event_answer(block.as_mut_ptr(), content, event.as_ptr(), more) });
        assert_eq!((block[23], block[24], block[27]), (2, if more { 0x80 } else { 0 }, content));
        assert_eq!(block[80..], event);
    }
    // None: length 8, response code 5. No such content: nothing.
    let mut block = request;
    // SAFETY: a block of this size.
    assert!(unsafe { zpci_event_answer(block.as_mut_ptr(), 0, ptr::null(), false) });
    assert_eq!(block[16..20], [0, 8, 0, 5]);
    let mut block = request;
    // SAFETY: a block of this size and 32 bytes.
    assert!(!unsafe { zpci_event_answer(block.as_mut_ptr(), 3, event.as_ptr(), false) });
    assert_eq!(block, request);
}

#[test]
fn immediate() {
    let ask = |rules, command| {
        let (mut reply, mut r1) = (ForeignReply::default(), 7);
        // SAFETY: nothing to be looked at in the commands, and storage for both.
        unsafe { zpci_clp_immediate(&commands(rules, ptr::null()), command, &mut r1, &mut reply) };
        assert_eq!(reply.written_length, 0);
        (reply.program_interruption, reply.condition_code, r1)
    };
    assert_eq!(ask(ZPCI_RULES_HARDWARE, 1), (0, 0, 1 << 61));
    assert_eq!(ask(ZPCI_RULES_HARDWARE, 2), (0, 3, 7));
    assert_eq!(ask(ZPCI_RULES_QEMU, 1), (0x15, 0, 7));
}

#[test]
fn characteristics() {
    let given = ForeignCharacteristics {
        facilities: [0x8000_0001, 0, 0, 0, 0, 0, 0, 2],
        characteristics: [3, 0, 0, 0, 0, 0, 0, 0x4000_0000],
        has_write_back: true,
        write_back_position: 5,
    };
    let ask = |rules, given: Option<&ForeignCharacteristics>| {
        let mut block = [0xa5; 8192];
        // SLPC, command 1: 16 bytes, and capacity for 4064.
        block[..16].fill(0);
        (block[1], block[3]) = (16, 1);
        block[16..24].copy_from_slice(&[0x0f, 0xe0, 0, 0, 0, 0, 0, 0]);
        let mut reply = ForeignReply::default();
        let commands = commands(rules, given.map_or(ptr::null(), ptr::from_ref));
        // SAFETY: no slots, no groups, characteristics or none, and a block of this length.
        unsafe { zpci_clp(&commands, 2, block.as_mut_ptr(), block.len(), &mut reply) };
        assert_eq!((reply.program_interruption, reply.condition_code), (0, 0));
        block[16..16 + 128].to_vec()
    };
    let response = ask(ZPCI_RULES_HARDWARE, Some(&given));
    let mut expected = [0; 128];
    expected[..4].copy_from_slice(&[0, 128, 0, 0x10]);
    expected[32..36].copy_from_slice(&[0x80, 0, 0, 1]);
    expected[63] = 2;
    expected[80] = 0x85;
    expected[99] = 3;
    expected[124] = 0x40;
    assert_eq!(response, expected);
    // Unknown: response code 0x0020; QEMU does not take its length.
    let code = |rules, given| ask(rules, given)[2..4].to_vec();
    assert_eq!(code(ZPCI_RULES_HARDWARE, None), [0, 0x20]);
    assert_eq!(code(ZPCI_RULES_QEMU, Some(&given)), [0, 0x50]);
    let wrong = ForeignCharacteristics { write_back_position: 64, ..given };
    assert_eq!(code(ZPCI_RULES_HARDWARE, Some(&wrong)), [0, 0x20]);
}
