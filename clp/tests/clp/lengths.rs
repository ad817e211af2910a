// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every length of every response, read and written.

use crate::machine::{dirty_block, Machine};
use crate::values::full_function;
use clp::{
    list_pci, query_pci_fn, query_pci_fngrp, set_pci_fn, slpc, CallError, CapacityError, Client, ClientError, Enable,
    Function, FunctionGroupId, FunctionHandle, Received, ResponseError, ResponseHeader, SetError, WireResponse,
};

#[test]
fn query_of_every_length() {
    let (full, expected) = full_function();
    for length in 0..=u16::MAX {
        let machine = Machine::new(|_| {
            // What lies behind the length is not zero, and must not matter.
            let mut bytes = full.clone();
            bytes[..2].copy_from_slice(&length.to_be_bytes());
            Ok(bytes)
        });
        let mut block = dirty_block();
        let result = Client::new(&machine, &mut block).query_function(FunctionHandle(1));
        let response_error = |error| Err(ClientError::Call(CallError::Response(error)));
        match length {
            0..128 => {
                assert_eq!(result, response_error(ResponseError::TooShort { required: 128, actual: length }))
            }
            128..192 => assert_eq!(result, Ok(Function { utility_string: None, mio: None, ..expected })),
            192..384 => assert_eq!(result, Ok(Function { mio: None, ..expected })),
            // Firmware that knows more may store the length that it would have liked.
            _ => assert_eq!(result, Ok(expected)),
        }
    }
}

#[test]
fn other_responses_of_every_length() {
    for length in 0..=u16::MAX {
        let machine = Machine::new(|command| {
            let mut bytes = vec![0; command.room];
            bytes[..2].copy_from_slice(&length.to_be_bytes());
            bytes[3] = 0x10;
            bytes[16] = 0x80;
            bytes[31] = 16;
            Ok(bytes)
        });
        let mut block = dirty_block();
        let mut client = Client::new(&machine, &mut block);
        let expected = |required| (length < required).then_some(ResponseError::TooShort { required, actual: length });
        let group = client.query_function_group(FunctionGroupId(0)).err();
        assert_eq!(group, expected(48).map(CallError::Response));
        let characteristics = client.characteristics().err();
        assert_eq!(characteristics, expected(81).map(CallError::Response));
        let set = |error| SetError::Call(CallError::Response(error));
        let enable = client.enable(FunctionHandle(0), Enable::PLAIN).err();
        assert_eq!(enable.map(|error| error.error), expected(20).map(set));
        assert_eq!(client.disable(FunctionHandle(0)).err(), expected(20).map(set));
    }
}

/// Cutting the bytes themselves, as somebody does who reads them from a file.
#[test]
fn response_cut_anywhere() {
    let (full, expected) = full_function();
    for length in 0..=full.len() {
        let parsed = Received::<query_pci_fn::Response>::parse(&full[..length]);
        if length < 128 {
            assert_eq!(parsed, Err(ResponseError::TooShort { required: 128, actual: length as u16 }));
            continue;
        }
        let parsed = parsed.unwrap();
        assert_eq!((usize::from(parsed.length()), parsed.stored_length()), (length, 384));
        let cut = match length {
            ..192 => Function { utility_string: None, mio: None, ..expected },
            192..384 => Function { mio: None, ..expected },
            _ => expected,
        };
        assert_eq!(Function::decode(&parsed), Ok(cut));
    }
}

/// A response longer than its structure: what is known of it is read.
#[test]
fn response_longer_than_known() {
    let (mut bytes, expected) = full_function();
    bytes.resize(400, 0xee);
    bytes[..2].copy_from_slice(&400u16.to_be_bytes());
    let received = Received::<query_pci_fn::Response>::parse(&bytes).unwrap();
    assert_eq!(received.length(), 400);
    assert_eq!(Function::decode(&received), Ok(expected));
}

/// Emits into every length of room: nothing, or as much as fits with the parts that do not fit marked as absent.
fn emit_everywhere(response: &impl WireResponse, minimum: usize, size: usize) -> Vec<(usize, Vec<u8>)> {
    let mut whole = Vec::new();
    for offered in (0..=size + 32).chain([70_000]) {
        let mut room = vec![0xa5; offered];
        match response.emit(&mut room) {
            Ok(length) => {
                let length = usize::from(length);
                assert!(offered >= minimum);
                assert_eq!(length, offered.min(size));
                assert_eq!(room[..2], (length as u16).to_be_bytes());
                assert!(room[length..].iter().all(|&byte| byte == 0xa5));
                room.truncate(length);
                whole.push((length, room));
            }
            Err(error) => {
                assert!(offered < minimum);
                assert_eq!(error, CapacityError { required: minimum, offered });
                assert!(room.iter().all(|&byte| byte == 0xa5), "refused and written");
            }
        }
    }
    whole
}

#[test]
fn responses_written_into_every_room() {
    let (_, function) = full_function();
    for (length, bytes) in emit_everywhere(&function.encode().unwrap(), 128, 384) {
        let received = Received::parse(&bytes).unwrap();
        let expected = match length {
            0..192 => Function { utility_string: None, mio: None, ..function },
            192..384 => Function { mio: None, ..function },
            _ => function,
        };
        assert_eq!(Function::decode(&received), Ok(expected));
        let flags = if length < 192 {
            0x38
        } else if length < 384 {
            0x39
        } else {
            0x3b
        };
        assert_eq!(bytes[18], flags);
        assert!(length >= 192 || bytes[128..].iter().all(|&byte| byte == 0));
        assert!(length >= 384 || bytes.iter().skip(192).all(|&byte| byte == 0));
    }
    emit_everywhere(&query_pci_fngrp::Response::new(), 48, 64);
    emit_everywhere(&slpc::Response::new(), 128, 128);
    emit_everywhere(&list_pci::Response::new(1, true), 32, 32);
    let mut enabled = set_pci_fn::Response::new(FunctionHandle(0x8000_0001));
    enabled.mio.valid = clp::mio::ValidBars::new().with_bars(0x20);
    for (length, bytes) in emit_everywhere(&enabled, 32, 160) {
        assert_eq!(bytes[16..20], [0x80, 0, 0, 1]);
        assert_eq!(bytes.get(32), (length > 32).then_some(if length < 160 { &0 } else { &0x80 }));
    }
}

#[test]
fn header_written_into_every_room() {
    let header = ResponseHeader::new(clp::ResponseCode(0x010b), 0x1234);
    for offered in 0..64 {
        let mut room = vec![0xa5; offered];
        header.emit(&mut room);
        let mut expected = vec![0x12, 0x34, 0x01, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        expected.resize(64, 0xa5);
        assert_eq!(room, expected[..offered]);
    }
}
