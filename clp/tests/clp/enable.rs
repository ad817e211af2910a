// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions enabled and disabled by their handle.

use crate::machine::{dirty_block, refusal, Command, Machine};
use clp::set_pci_fn::{Operation, Request};
use clp::{Client, ConditionCode, EnableWithMioError, FunctionHandle, MioBar, MioEnabled, ResponseCode, SetError};
use std::cell::RefCell;
use std::collections::VecDeque;

const NEVER: fn(u32) -> bool = |_| panic!("not busy");

/// A response to SET PCI FN of 160 bytes with a handle and MIO addresses for BAR 0.
fn accepted(handle: u32) -> Vec<u8> {
    let mut bytes = refusal(0x0010, 160);
    bytes.resize(160, 0);
    bytes[16..20].copy_from_slice(&handle.to_be_bytes());
    bytes[32] = 0x80;
    bytes[40..48].copy_from_slice(&0x8000_1000u64.to_be_bytes());
    bytes[48..56].copy_from_slice(&0x4000_1000u64.to_be_bytes());
    bytes
}

fn refused(code: u16) -> Vec<u8> {
    refusal(code, 160)
}

/// Answers with one response after the other.
fn answers(responses: &[Vec<u8>]) -> Machine<impl FnMut(&Command) -> Result<Vec<u8>, ConditionCode>> {
    let responses = RefCell::new(VecDeque::from(responses.to_vec()));
    Machine::new(move |_| Ok(responses.borrow_mut().pop_front().expect("no further command")))
}

/// Operation and handle of each command.
fn sent(commands: &[Command]) -> Vec<(u8, u32)> {
    commands.iter().map(|command| (command.operation(), command.handle())).collect()
}

#[test]
fn each_operation_sends_its_request() {
    let machine = answers(&[accepted(0x8000_0001), accepted(1), accepted(0x8000_0002), accepted(2)]);
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let handle = FunctionHandle(0x1234_5678);
    assert_eq!(client.enable(handle, NEVER), Ok(FunctionHandle(0x8000_0001)));
    assert_eq!(client.disable(handle, NEVER), Ok(FunctionHandle(1)));
    let bar = MioBar { write_back: 0x8000_1000, write_through: 0x4000_1000 };
    assert_eq!(
        client.enable_mio(handle, NEVER),
        Ok(MioEnabled { handle: FunctionHandle(0x8000_0002), bars: [Some(bar), None, None, None, None, None] })
    );
    assert_eq!(client.disable_mio(handle, NEVER), Ok(FunctionHandle(2)));
    let expected = [(0, 1), (1, 0), (2, 1), (3, 0)];
    for (command, (operation, spaces)) in machine.log().iter().zip(expected) {
        let mut request = [0; 32];
        request[..4].copy_from_slice(&[0, 32, 0, 5]);
        request[16..20].copy_from_slice(&[0x12, 0x34, 0x56, 0x78]);
        request[22..24].copy_from_slice(&[operation, spaces]);
        assert_eq!(command.request, request);
        assert_eq!(command.processor, 2);
    }
}

#[test]
fn gisa_is_sent_where_the_caller_sets_it() {
    let machine = answers(&[accepted(0x8000_0001)]);
    let mut block = dirty_block();
    let mut request = Request::new(FunctionHandle(1), Operation::ENABLE);
    request.gisa.set(0x1122_3344);
    Client::new(&machine, &mut block).set(&request, NEVER).unwrap();
    assert_eq!(machine.log()[0].request[24..], [0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44]);
}

#[test]
fn handle_must_agree_with_the_operation() {
    let set = |operation, handle| {
        let machine = answers(&[accepted(handle)]);
        let mut block = dirty_block();
        let request = Request::new(FunctionHandle(7), operation);
        Client::new(&machine, &mut block).set(&request, NEVER).map(|received| received.response().handle.get())
    };
    let contradicts = |operation, handle| Err(SetError::Handle { operation, handle: FunctionHandle(handle) });
    for (operation, enabled, disabled) in [
        (Operation::ENABLE, true, false),
        (Operation::DISABLE, false, true),
        (Operation::ENABLE_MIO, true, false),
        (Operation::DISABLE_MIO, true, true),
    ] {
        for (handle, agrees) in [(0x8000_0007, enabled), (0xffff_ffff, enabled), (7, disabled), (0, disabled)] {
            let expected = if agrees { Ok(handle) } else { contradicts(operation, handle) };
            assert_eq!(set(operation, handle), expected);
        }
    }
    let error = SetError::Handle { operation: Operation::ENABLE, handle: FunctionHandle(7) };
    assert_eq!(error.to_string(), "enable returned handle 0x00000007");
    assert_eq!(error.response_code(), None);
}

#[test]
fn busy_is_tried_again_as_often_as_the_caller_says() {
    for bound in 0..=100 {
        for busy in 0..=100 {
            let mut responses = vec![refused(0x0108); busy];
            responses.push(accepted(0x8000_0001));
            let machine = answers(&responses);
            let mut block = dirty_block();
            let mut pauses = Vec::new();
            let result = Client::new(&machine, &mut block).enable(FunctionHandle(1), |answers| {
                pauses.push(answers);
                answers <= bound
            });
            if busy <= bound as usize {
                assert_eq!(result, Ok(FunctionHandle(0x8000_0001)));
                assert_eq!(pauses, (1..=busy as u32).collect::<Vec<_>>());
            } else {
                assert_eq!(result, Err(SetError::Busy { answers: bound + 1 }));
                assert_eq!(pauses, (1..=bound + 1).collect::<Vec<_>>());
            }
            let log = machine.log();
            assert_eq!(log.len(), pauses.len() + usize::from(result.is_ok()));
            assert!(log.iter().all(|command| *command == log[0]), "the same request each time");
        }
    }
    let error = SetError::Busy { answers: 3 };
    assert_eq!(error.to_string(), "function busy 3 times");
    assert_eq!(error.response_code(), Some(ResponseCode::BUSY));
}

#[test]
fn busy_and_then_refused() {
    let machine = answers(&[refused(0x0108), refused(0x0106)]);
    let mut block = dirty_block();
    let error = Client::new(&machine, &mut block).disable(FunctionHandle(1), |_| true).unwrap_err();
    assert_eq!(error.response_code(), Some(ResponseCode::PERMANENT_ERROR));
    assert_eq!(error.to_string(), "command refused: 0x0106 (permanent error)");
}

#[test]
fn mio_is_enabled_with_the_new_handle() {
    let machine = answers(&[accepted(0x8000_0002), accepted(0x8000_0003)]);
    let mut block = dirty_block();
    let enabled = Client::new(&machine, &mut block).enable_with_mio(FunctionHandle(1), NEVER).unwrap();
    assert_eq!(enabled.handle, FunctionHandle(0x8000_0003));
    assert_eq!(sent(&machine.log()), [(0, 1), (2, 0x8000_0002)]);
}

#[test]
fn mio_that_fails_leaves_the_function_disabled() {
    for failure in [refused(0x0102), refused(0x0106), accepted(4), refusal(0x0010, 16), refusal(0x0010, 0xffff)] {
        let machine = answers(&[accepted(0x8000_0002), failure, accepted(3)]);
        let mut block = dirty_block();
        let error = Client::new(&machine, &mut block).enable_with_mio(FunctionHandle(1), NEVER).unwrap_err();
        assert!(matches!(error, EnableWithMioError::Mio { handle: FunctionHandle(3), .. }), "{error}");
        // The handle from before would be refused as not valid, and the function left enabled.
        assert_eq!(sent(&machine.log()), [(0, 1), (2, 0x8000_0002), (1, 0x8000_0002)]);
    }
}

#[test]
fn mio_that_fails_and_cannot_be_undone() {
    let machine = answers(&[accepted(0x8000_0002), refused(0x0106), refused(0x0107)]);
    let mut block = dirty_block();
    let error = Client::new(&machine, &mut block).enable_with_mio(FunctionHandle(1), NEVER).unwrap_err();
    let EnableWithMioError::Disable { error: mio, disable, handle } = error else { panic!("{error}") };
    assert_eq!(mio.response_code(), Some(ResponseCode::PERMANENT_ERROR));
    assert_eq!(disable.response_code(), Some(ResponseCode::RECOVERY_PENDING));
    assert_eq!(handle, FunctionHandle(0x8000_0002));
    assert_eq!(
        error.to_string(),
        "MIO not enabled: command refused: 0x0106 (permanent error); \
         function 0x80000002 left enabled: command refused: 0x0107 (error recovery pending)"
    );
}

#[test]
fn function_that_is_not_enabled_is_not_disabled() {
    let machine = answers(&[refused(0x0106)]);
    let mut block = dirty_block();
    let error = Client::new(&machine, &mut block).enable_with_mio(FunctionHandle(1), NEVER).unwrap_err();
    assert!(matches!(error, EnableWithMioError::Enable(_)));
    assert_eq!(machine.log().len(), 1);
}

#[test]
fn busy_is_counted_for_each_command() {
    let busy = || refused(0x0108);
    let machine = answers(&[busy(), busy(), accepted(0x8000_0002), busy(), refused(0x0106), busy(), accepted(3)]);
    let mut block = dirty_block();
    let mut pauses = Vec::new();
    let error = Client::new(&machine, &mut block)
        .enable_with_mio(FunctionHandle(1), |answers| {
            pauses.push(answers);
            true
        })
        .unwrap_err();
    assert!(matches!(error, EnableWithMioError::Mio { handle: FunctionHandle(3), .. }));
    assert_eq!(pauses, [1, 2, 1, 1]);
}
