// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A VMM that has nothing yet: an array of which C has no storage is NULL.

use std::mem::MaybeUninit;
use std::ptr;

use zpci_vmm::commands::{zpci_clp, ForeignCommands, ForeignReply, ZPCI_SET_GONE};
use zpci_vmm::function::ZPCI_RULES_QEMU;
use zpci_vmm::groups::{zpci_groups_init, ForeignGroups};

/// Answers `block` for a guest without functions.
fn answer(block: &mut [u8]) -> ForeignReply {
    answer_at(block.as_mut_ptr(), block.len())
}

fn answer_at(block: *mut u8, length: usize) -> ForeignReply {
    answer_with(true, block, length)
}

fn answer_with(has_groups: bool, block: *mut u8, length: usize) -> ForeignReply {
    unsafe extern "C" fn set(_: *mut std::ffi::c_void, _: usize, _: u8, _: *mut u32) -> u8 {
        ZPCI_SET_GONE
    }
    let mut groups = MaybeUninit::<ForeignGroups>::uninit();
    // SAFETY: storage for the groups.
    unsafe { zpci_groups_init(groups.as_mut_ptr()) };
    let commands = ForeignCommands {
        slots: ptr::null_mut(),
        slot_count: 0,
        groups: if has_groups { groups.as_ptr() } else { ptr::null() },
        characteristics: ptr::null(),
        max_functions: 64,
        uid_checking: true,
        rules: ZPCI_RULES_QEMU,
        opaque: ptr::null_mut(),
        set: Some(set),
    };
    let mut reply = ForeignReply::default();
    // SAFETY: no slots, groups that were initialised, and a block of this length.
    unsafe { zpci_clp(&commands, 2, block, length, &mut reply) };
    reply
}

#[test]
fn a_guest_without_functions_lists_none() {
    let mut block = [0; 4096];
    (block[1], block[3], block[33]) = (32, 2, 64);
    let reply = answer(&mut block);
    assert_eq!((reply.program_interruption, reply.condition_code), (0, 0));
    // Length 32: the header of a list, and no entry; response 0x0010.
    assert_eq!(block[32..36], [0, 32, 0, 0x10]);
    assert_eq!(block[60..62], [0, 64]);
    // SET PCI FN of a handle that nobody has: response 0x0101.
    let mut block = [0; 4096];
    (block[1], block[3], block[16], block[33]) = (32, 5, 0x80, 32);
    let reply = answer(&mut block);
    assert_eq!((reply.program_interruption, reply.condition_code, &block[34..36]), (0, 0, &[0x01, 0x01][..]));
}

#[test]
fn groups_that_are_not_there_are_none() {
    // QUERY PCI FNGRP of group 7: response 0x010b, as with groups of which none is that.
    let mut block = [0; 4096];
    (block[1], block[3], block[19], block[33]) = (32, 4, 7, 32);
    for groups in [true, false] {
        let mut block = block;
        let reply = answer_with(groups, block.as_mut_ptr(), block.len());
        assert_eq!((reply.program_interruption, reply.condition_code, &block[34..36]), (0, 0, &[0x01, 0x0b][..]));
    }
}

#[test]
fn a_block_of_nothing_is_none() {
    let reply = answer_at(ptr::null_mut(), 0);
    assert_eq!((reply.program_interruption, reply.written_length), (0x15, 0));
}
