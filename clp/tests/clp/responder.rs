// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The other side: requests read and responses written.

use clp::set_pci_fn::Operation;
use clp::{
    list_pci, query_pci_fn, query_pci_fngrp, set_pci_fn, slpc, CapacityError, CommandCode, FunctionGroupId,
    FunctionHandle, FunctionId, ListEntry, ListSummary, ListWriter, Parts, PartsError, RequestError, ResponseCode,
    ResumeToken, WireRequest,
};

#[test]
fn parts_of_every_length() {
    for request in 0..=u16::MAX {
        let mut block = vec![0; 16384];
        block[..2].copy_from_slice(&request.to_be_bytes());
        if let Some(room) = block.get_mut(usize::from(request.max(2))..usize::from(request.max(2)) + 2) {
            room.copy_from_slice(&64u16.to_be_bytes());
        }
        let expected = match request {
            0..16 => Err(PartsError::Request(request)),
            _ if request % 8 != 0 => Err(PartsError::Request(request)),
            16..=8128 => Ok((usize::from(request), 64)),
            _ => Err(PartsError::Block { available: 16384 }),
        };
        assert_eq!(Parts::split(&mut block).map(|parts| (parts.request.len(), parts.response.len())), expected);
    }
    for room in 0..=u16::MAX {
        let mut block = vec![0; 16384];
        block[..2].copy_from_slice(&[0, 32]);
        block[32..34].copy_from_slice(&room.to_be_bytes());
        let expected = match room {
            0..8 => Err(PartsError::Capacity(room)),
            _ if room % 8 != 0 => Err(PartsError::Capacity(room)),
            8..=8160 => Ok((32, usize::from(room))),
            _ => Err(PartsError::Block { available: 16384 }),
        };
        assert_eq!(Parts::split(&mut block).map(|parts| (parts.request.len(), parts.response.len())), expected);
    }
}

#[test]
fn parts_within_the_block() {
    for available in 0..256 {
        let mut block = vec![0; available];
        for (offset, length) in [(1, 32), (33, 64)] {
            if let Some(byte) = block.get_mut(offset) {
                *byte = length;
            }
        }
        let parts = Parts::split(&mut block);
        assert_eq!(parts.is_ok(), available >= 96);
        if let Err(error) = parts {
            assert_eq!(error, PartsError::Block { available });
        }
    }
    assert_eq!(PartsError::Request(20).to_string(), "request of 20 bytes");
    assert_eq!(PartsError::Capacity(47).to_string(), "capacity of 47 bytes for a response");
}

/// Each request is read at its exact length alone, and only as what it is.
fn check_parse<R: WireRequest + PartialEq + core::fmt::Debug>(request: R, reserved: &[usize]) {
    let bytes = request.as_bytes();
    let required = bytes.len();
    assert_eq!(R::parse(bytes), Ok(request));
    assert_eq!(request.check(), Ok(()));
    for actual in (0..200).filter(|&length| length != required) {
        // The part has another length than the header says, then both have another one.
        let mut other = bytes.to_vec();
        other.resize(actual, 0);
        assert_eq!(R::parse(&other), Err(RequestError::Length { required, actual }));
        if actual >= 16 {
            other[..2].copy_from_slice(&(actual as u16).to_be_bytes());
            assert_eq!(R::parse(&other), Err(RequestError::Length { required, actual }));
        }
    }
    for command in (0..=u16::MAX).filter(|&command| command != R::COMMAND.0) {
        let mut other = bytes.to_vec();
        other[2..4].copy_from_slice(&command.to_be_bytes());
        assert_eq!(R::parse(&other), Err(RequestError::Command(CommandCode(command))));
    }
    // Every bit that is set where none may be is read, kept, and found by the check.
    for offset in 4..required {
        for bit in 0..8 {
            let mut other = bytes.to_vec();
            other[offset] ^= 1 << bit;
            let parsed = R::parse(&other).unwrap();
            assert_eq!(parsed.as_bytes(), other);
            let expected = match offset {
                4 if bit >= 4 => Err(RequestError::Format(1 << (bit - 4))),
                4..16 => Err(RequestError::Reserved),
                _ if reserved.contains(&offset) => Err(RequestError::Reserved),
                _ => Ok(()),
            };
            assert_eq!(parsed.check(), expected, "byte {offset}, bit {bit}");
        }
    }
}

#[test]
fn requests_are_read_exactly() {
    let rest: Vec<usize> = (20..32).collect();
    check_parse(list_pci::Request::new(0x0123_4567_89ab_cdef), &rest[4..]);
    check_parse(query_pci_fn::Request::new(FunctionHandle(0x1234_5678)), &rest);
    check_parse(query_pci_fngrp::Request::new(FunctionGroupId(0x9a)), &[&[16, 17, 18][..], &rest].concat());
    check_parse(set_pci_fn::Request::new(FunctionHandle(0x1234_5678), Operation(0xff)), &[20, 21, 24, 25, 26, 27]);
    check_parse(slpc::Request::new(), &[]);
}

#[test]
fn requests_have_their_values() {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&[0, 32, 0, 5]);
    bytes[16..32].copy_from_slice(&[0x81, 2, 3, 4, 0, 0, 2, 1, 0, 0, 0, 0, 9, 10, 11, 12]);
    let request = set_pci_fn::Request::parse(&bytes).unwrap();
    assert_eq!(request.handle.get(), 0x8102_0304);
    assert_eq!(Operation(request.operation), Operation::ENABLE_MIO);
    assert_eq!(request.dma_address_spaces, 1);
    assert_eq!(request.gisa.get(), 0x090a_0b0c);
    bytes[3] = 2;
    let request = list_pci::Request::parse(&bytes).unwrap();
    assert_eq!(request.resume_token.get(), 0x8102_0304_0000_0201);
    bytes[3] = 3;
    assert_eq!(query_pci_fn::Request::parse(&bytes).unwrap().handle.get(), 0x8102_0304);
    bytes[3] = 4;
    assert_eq!(query_pci_fngrp::Request::parse(&bytes).unwrap().group_id, 4);
}

#[test]
fn request_errors_have_their_codes() {
    for (error, code, text) in [
        (
            RequestError::Length { required: 32, actual: 16 },
            ResponseCode::LENGTH,
            "request of 16 bytes where 32 are required",
        ),
        (RequestError::Command(CommandCode(7)), ResponseCode::COMMAND, "request of another command: 0x0007"),
        (RequestError::Format(1), ResponseCode::FORMAT, "request of unknown format 1"),
        (RequestError::Reserved, ResponseCode::RESERVED_NOT_ZERO, "reserved field of the request not zero"),
    ] {
        assert_eq!(error.response_code(), code);
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn list_written_into_every_room() {
    let entry = ListEntry {
        vendor: 0x1014,
        device: 0x044b,
        configured: false,
        id: FunctionId(0x0102_0304),
        handle: FunctionHandle(0x8506_0708),
    };
    let bytes = [0x04, 0x4b, 0x10, 0x14, 0, 0, 0, 0, 1, 2, 3, 4, 0x85, 6, 7, 8];
    let summary = ListSummary { max_functions: 0x0203, uid_checking: false };
    for offered in 0..600 {
        let mut room = vec![0xa5; offered];
        let Ok(mut writer) = ListWriter::new(&mut room, summary) else {
            assert!(offered < 48);
            assert_eq!(ListWriter::new(&mut room, summary).unwrap_err(), CapacityError { required: 48, offered });
            assert!(room.iter().all(|&byte| byte == 0xa5));
            continue;
        };
        let mut count = 0;
        while writer.push(&entry) {
            count += 1;
        }
        assert_eq!(count, (offered - 32) / 16);
        assert!(!writer.push(&entry));
        let length = usize::from(writer.finish(ResumeToken(0xfedc), 0));
        assert_eq!(length, 32 + 16 * count);
        let mut expected = vec![0; 32];
        expected[..2].copy_from_slice(&(length as u16).to_be_bytes());
        expected[3] = 0x10;
        expected[22..24].copy_from_slice(&[0xfe, 0xdc]);
        expected[28..32].copy_from_slice(&[2, 3, 0, 16]);
        expected.extend(bytes.iter().cycle().take(16 * count));
        expected.resize(offered, 0xa5);
        assert_eq!(room, expected);
    }
    // The length has 16 bits, whatever the room.
    let mut room = vec![0xa5; 100_000];
    let mut writer = ListWriter::new(&mut room, summary).unwrap();
    while writer.push(&entry) {}
    assert_eq!(writer.finish(ResumeToken::START, 0), 0xfff0);
}
