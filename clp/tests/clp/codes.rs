// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! All codes there are.

use crate::machine::{dirty_block, refusal, Machine};
use clp::set_pci_fn::Operation;
use clp::{Client, CommandCode, ConditionCode, Enable, FunctionGroupId, FunctionHandle, FunctionType, ResponseCode};
use std::cell::Cell;

const RESPONSE_CODES: [(u16, &str); 19] = [
    (0x0010, "0x0010 (OK)"),
    (0x0020, "0x0020 (command not recognized)"),
    (0x0030, "0x0030 (command not authorized)"),
    (0x0040, "0x0040 (invalid request format)"),
    (0x0050, "0x0050 (invalid request length)"),
    (0x0060, "0x0060 (block of 8 KiB needed)"),
    (0x0070, "0x0070 (reserved field not zero)"),
    (0x0080, "0x0080 (no data available)"),
    (0x0100, "0x0100 (function code not recognized)"),
    (0x0101, "0x0101 (invalid function handle)"),
    (0x0102, "0x0102 (function handle not valid for this operation)"),
    (0x0103, "0x0103 (invalid DMA address space)"),
    (0x0104, "0x0104 (insufficient resources)"),
    (0x0105, "0x0105 (function already in requested state)"),
    (0x0106, "0x0106 (permanent error)"),
    (0x0107, "0x0107 (error recovery pending)"),
    (0x0108, "0x0108 (function busy)"),
    (0x010a, "0x010a (resume token not recognized)"),
    (0x010b, "0x010b (function group not recognized)"),
];

#[test]
fn response_codes_have_their_names() {
    for code in 0..=u16::MAX {
        let expected = match RESPONSE_CODES.iter().find(|(known, _)| *known == code) {
            Some((_, text)) => String::from(*text),
            None => format!("0x{code:04x}"),
        };
        assert_eq!(ResponseCode(code).to_string(), expected);
    }
}

/// Linux once returned success for a refused SET PCI FN.
#[test]
fn every_response_code_but_one_is_an_error() {
    let code = Cell::new(0);
    // A response of zeros is a valid one, but for the handle of an enabled function.
    let machine = Machine::new(|command| {
        let mut response = refusal(code.get(), command.room as u16);
        response.resize(command.room, 0);
        match command.code() {
            2 => response[31] = 16,
            5 => response[16] = 0x80,
            _ => {}
        }
        Ok(response)
    })
    .pausing(0);
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    for number in 0..=u16::MAX {
        code.set(number);
        let handle = FunctionHandle(0);
        let refused = (number != 0x0010).then_some(ResponseCode(number));
        assert_eq!(ResponseCode(number).is_ok(), refused.is_none());
        let list = client.list().next().transpose();
        assert_eq!(list.is_err(), refused.is_some());
        if let Err(error) = list {
            let text = match number {
                0 => "response without a code".to_string(),
                _ => format!("command refused: {}", ResponseCode(number)),
            };
            assert_eq!(error.to_string(), text);
        }
        // 0 is no answer, so it is not handed on as one.
        let refusal = refused.map(|code| Some(code).filter(|_| number != 0));
        let query = client.query_function(handle);
        assert_eq!(query.is_err(), refused.is_some());
        let group = client.query_function_group(FunctionGroupId(0));
        assert_eq!(group.err().map(|error| error.response_code()), refusal);
        let characteristics = client.characteristics();
        assert_eq!(characteristics.err().map(|error| error.response_code()), refusal);
        for set in [
            client.enable(handle, Enable::PLAIN).map(|enabled| enabled.handle).map_err(|error| error.error),
            client.disable(handle),
            client.disable_mio(handle),
        ] {
            assert_eq!(set.err().map(|error| error.response_code()), refusal);
        }
    }
}

#[test]
fn other_codes_have_their_names() {
    let names = [
        (CommandCode::STORE_CHARACTERISTICS, "0x0001 (store logical-processor characteristics)"),
        (CommandCode::LIST_PCI, "0x0002 (list PCI functions)"),
        (CommandCode::QUERY_PCI_FN, "0x0003 (query PCI function)"),
        (CommandCode::QUERY_PCI_FNGRP, "0x0004 (query PCI function group)"),
        (CommandCode::SET_PCI_FN, "0x0005 (set PCI function)"),
        (CommandCode(0xffff), "0xffff"),
    ];
    for (code, text) in names {
        assert_eq!(code.to_string(), text);
    }
    for (operation, text) in [(0, "enable"), (1, "disable"), (2, "enable MIO"), (3, "disable MIO"), (4, "operation 4")]
    {
        assert_eq!(Operation(operation).to_string(), text);
    }
    let types = [
        (0x00, "UNC"),
        (0x02, "ROCE"),
        (0x05, "ISM"),
        (0x0a, "ROC2"),
        (0x0b, "NVMe"),
        (0x0c, "NETH"),
        (0x0d, "CNW"),
        (0x0f, "NETD"),
    ];
    for number in 0..=u8::MAX {
        let name = types.iter().find(|(known, _)| *known == number).map(|(_, name)| *name);
        assert_eq!(FunctionType(number).name(), name);
        let text = name.map_or(format!("0x{number:02x}"), |name| format!("0x{number:02x} ({name})"));
        assert_eq!(FunctionType(number).to_string(), text);
    }
    for bits in 0..=0xff {
        assert_eq!(ConditionCode::from_bits(bits) as u8, bits & 3);
        assert_eq!(ConditionCode::from_bits(bits).to_string(), format!("condition code {}", bits & 3));
    }
}
