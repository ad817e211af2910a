// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! How a command is put into its block and taken out of it.

use crate::machine::{dirty_block, refusal, Machine};
use clp::{call, slpc, Block, CallError, Client, ClientError, ConditionCode, FunctionHandle, LogicalProcessor};

#[test]
fn block_is_a_page() {
    assert_eq!((size_of::<Block>(), align_of::<Block>()), (4096, 4096));
    assert_eq!(Block::zeroed().bytes(), &[0; 4096]);
}

#[test]
fn room_that_is_not_possible_issues_nothing() {
    let machine = Machine::new(|_| panic!("issued"));
    let mut block = dirty_block();
    for room in (0..=u16::MAX).filter(|room| room % 8 != 0 || !(16..=4080).contains(room)) {
        assert_eq!(
            call(&machine, &mut block, LogicalProcessor::PCI, &slpc::Request::new(), room),
            Err(CallError::Capacity { offered: room })
        );
    }
}

#[test]
fn room_that_is_possible_is_offered_and_returned() {
    for room in (16..=4080).step_by(8) {
        let machine = Machine::new(|command| Ok(vec![0x5a; command.room]));
        let mut block = dirty_block();
        let bytes = call(&machine, &mut block, LogicalProcessor::BASE, &slpc::Request::new(), room).unwrap();
        assert_eq!(bytes, vec![0x5a; usize::from(room)]);
        let log = machine.log();
        assert_eq!((log[0].processor, log[0].room, log.len()), (0, usize::from(room), 1));
        assert_eq!(log[0].request, [0, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}

#[test]
fn condition_codes_come_before_everything() {
    for condition in [ConditionCode::One, ConditionCode::Two, ConditionCode::Three] {
        let machine = Machine::new(|_| Err(condition));
        let mut block = dirty_block();
        assert_eq!(
            Client::new(&machine, &mut block).query_function(FunctionHandle(0)),
            Err(ClientError::Call(CallError::Condition(condition)))
        );
    }
}

#[test]
fn response_code_comes_before_the_length() {
    for length in [0, 8, 16, 384, 392, 0xffff] {
        let machine = Machine::new(|_| Ok(refusal(0x0106, length)));
        let mut block = dirty_block();
        let error = Client::new(&machine, &mut block).characteristics().unwrap_err();
        assert_eq!(error.response_code(), Some(clp::ResponseCode::PERMANENT_ERROR));
    }
}
