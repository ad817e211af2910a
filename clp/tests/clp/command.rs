// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Commands that fit into their block, and blocks that hold none.

use crate::machine::dirty_block;
use clp::{Block, Command, CommandError};

/// A block with these two lengths, and 0xa5 elsewhere.
fn block(request: u16, capacity: u16) -> Block {
    let mut block = dirty_block();
    let bytes = block.bytes_mut();
    if let Some(field) = bytes.get_mut(usize::from(request)..usize::from(request) + 2) {
        field.copy_from_slice(&capacity.to_be_bytes());
    }
    bytes[..2].copy_from_slice(&request.to_be_bytes());
    block
}

/// Both lengths of a block, as the machine reads them at `address`.
fn lengths(block: &Block, request: usize) -> (u16, u16) {
    let at = |offset: usize| u16::from_be_bytes([block.bytes()[offset], block.bytes()[offset + 1]]);
    (at(0), at(request))
}

#[test]
fn every_length_of_a_request() {
    for request in 0..=u16::MAX {
        let mut block = block(request, 16);
        let result = Command::new(&mut block).map(|command| (command.request_length(), command.capacity()));
        match request {
            // The response has its header at least.
            16..=4080 => assert_eq!(result, Ok((usize::from(request), 16))),
            _ => assert_eq!(result, Err(CommandError::Request { length: request })),
        }
    }
}

#[test]
fn every_capacity_for_a_response() {
    for request in [16, 20, 32, 2048, 4080] {
        for capacity in 0..=u16::MAX {
            let mut block = block(request, capacity);
            let result = Command::new(&mut block).map(|command| (command.request_length(), command.capacity()));
            let available = 4096 - usize::from(request);
            if usize::from(capacity) <= available {
                assert_eq!(result, Ok((usize::from(request), usize::from(capacity))));
            } else {
                assert_eq!(result, Err(CommandError::Capacity { capacity, available }));
            }
        }
    }
}

#[test]
fn parts_of_a_command() {
    let mut block = block(32, 48);
    let before = block.clone();
    let command = Command::new(&mut block).unwrap();
    assert_eq!(command.request(), &before.bytes()[..32]);
    assert_eq!(command.response(), &before.bytes()[32..80]);
    assert_eq!(command.bytes(), before.bytes());
}

/// Whoever changes bytes on the way to the machine changes no length that the machine goes by.
#[test]
fn lengths_are_those_that_were_checked() {
    for value in [0, 0x1f, 0xff] {
        let mut block = block(32, 4064);
        let address = block.bytes().as_ptr();
        let mut command = Command::new(&mut block).unwrap();
        command.bytes_mut().fill(value);
        assert_eq!((command.request_length(), command.capacity()), (32, 4064));
        assert_eq!(command.as_mut_ptr().cast_const(), address);
        assert_eq!(lengths(&block, 32), (32, 4064));
        assert!(block.bytes()[2..32].iter().chain(&block.bytes()[34..]).all(|&byte| byte == value));
    }
}

#[test]
fn errors_say_what_is_wrong() {
    assert_eq!(CommandError::Request { length: 8 }.to_string(), "request of 8 bytes");
    let error = CommandError::Capacity { capacity: 8160, available: 4064 };
    assert_eq!(error.to_string(), "capacity of 8160 bytes for a response where the block has 4064");
}
