// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions enabled and disabled by their handle.

use crate::machine::{dirty_block, refusal, Command, Machine};
use clp::set_pci_fn::{Operation, Request};
use clp::{
    CallError, Client, ConditionCode, Enable, EnableError, Enabled, FunctionHandle, Leftover, MioBar, ResponseCode,
    ResponseError, SetError,
};
use std::cell::RefCell;
use std::collections::VecDeque;

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

const WITH_MIO: Enable = Enable { mio: true, ..Enable::PLAIN };

/// The result of enabling the function with handle 1, and what was sent, when the machine answers so.
fn enable(how: Enable, responses: &[Vec<u8>]) -> (Result<Enabled, EnableError>, Vec<(u8, u32)>) {
    let machine = answers(responses);
    let mut block = dirty_block();
    let result = Client::new(&machine, &mut block).enable(FunctionHandle(1), how);
    let sent = sent(&machine.log());
    assert_eq!(sent.len(), responses.len(), "answers are left");
    (result, sent)
}

/// What is left of the function after enabling it failed, and what was sent.
fn failed(how: Enable, responses: &[Vec<u8>]) -> (SetError, Leftover, Vec<(u8, u32)>) {
    let (result, sent) = enable(how, responses);
    let error = result.unwrap_err();
    (error.error, error.function, sent)
}

#[test]
fn each_operation_sends_its_request() {
    let machine =
        answers(&[accepted(0x8000_0001), accepted(1), accepted(0x8000_0002), accepted(0x8000_0003), accepted(2)]);
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let handle = FunctionHandle(0x1234_5678);
    let enabled = Enabled { handle: FunctionHandle(0x8000_0001), mio: None };
    assert_eq!(client.enable(handle, Enable::PLAIN), Ok(enabled));
    assert_eq!(client.disable(handle), Ok(FunctionHandle(1)));
    let bar = MioBar { write_back: 0x8000_1000, write_through: 0x4000_1000 };
    let how = Enable { spaces: 1, gisa: 0x1122_3344, mio: true };
    let mio = Some([Some(bar), None, None, None, None, None]);
    assert_eq!(client.enable(handle, how), Ok(Enabled { handle: FunctionHandle(0x8000_0003), mio }));
    assert_eq!(client.disable_mio(handle), Ok(FunctionHandle(2)));
    let old = [0x12, 0x34, 0x56, 0x78];
    let expected = [
        (old, [0, 1], [0; 4]),
        (old, [1, 0], [0; 4]),
        (old, [0, 1], [0x11, 0x22, 0x33, 0x44]),
        ([0x80, 0, 0, 2], [2, 1], [0x11, 0x22, 0x33, 0x44]),
        (old, [3, 0], [0; 4]),
    ];
    assert_eq!(machine.log().len(), expected.len());
    for (command, (handle, operation, gisa)) in machine.log().iter().zip(expected) {
        let mut request = [0; 32];
        request[..4].copy_from_slice(&[0, 32, 0, 5]);
        request[16..20].copy_from_slice(&handle);
        request[22..24].copy_from_slice(&operation);
        request[28..32].copy_from_slice(&gisa);
        assert_eq!(command.request, request);
        assert_eq!(command.processor, 2);
    }
}

#[test]
fn spaces_are_what_the_caller_says() {
    for spaces in [0, 2, 255] {
        let machine = answers(&[refused(0x0103)]);
        let mut block = dirty_block();
        let how = Enable { spaces, ..Enable::default() };
        assert!(Client::new(&machine, &mut block).enable(FunctionHandle(1), how).is_err());
        assert_eq!(machine.log()[0].request[22..24], [0, spaces]);
    }
}

/// Linux never looks at the handle; z/VM is known to leave the enable bit where it should not be.
#[test]
fn the_response_code_decides_and_the_handle_must_be_of_use() {
    let set = |operation, handle| {
        let machine = answers(&[accepted(handle)]);
        let mut block = dirty_block();
        let request = Request::new(FunctionHandle(7), operation);
        Client::new(&machine, &mut block).set(&request).map(|received| received.response().handle.get())
    };
    for (operation, without_bit) in [
        (Operation::ENABLE, false),
        (Operation::DISABLE, true),
        (Operation::ENABLE_MIO, false),
        (Operation::DISABLE_MIO, true),
    ] {
        for (handle, accepted) in [(0x8000_0007, true), (0xffff_ffff, true), (7, without_bit), (0, false)] {
            let error = SetError::Handle { operation, handle: FunctionHandle(handle) };
            assert_eq!(set(operation, handle), if accepted { Ok(handle) } else { Err(error) });
        }
    }
    let error = SetError::Handle { operation: Operation::ENABLE, handle: FunctionHandle(7) };
    assert_eq!(error.to_string(), "enable returned handle 0x00000007");
    assert_eq!(error.response_code(), None);
}

#[test]
fn busy_is_tried_again_as_often_as_the_machine_pauses() {
    for bound in 0..=100 {
        for busy in 0..=100 {
            let mut responses = vec![refused(0x0108); busy];
            responses.push(accepted(0x8000_0001));
            let machine = answers(&responses).pausing(bound);
            let mut block = dirty_block();
            let result = Client::new(&machine, &mut block).enable(FunctionHandle(1), Enable::PLAIN);
            let pauses = machine.pauses();
            if busy <= bound as usize {
                assert_eq!(result, Ok(Enabled { handle: FunctionHandle(0x8000_0001), mio: None }));
                assert_eq!(pauses, (1..=busy as u32).collect::<Vec<_>>());
            } else {
                let error = SetError::Busy { answers: bound + 1 };
                assert_eq!(result, Err(EnableError { error, function: Leftover::Unchanged }));
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
    let machine = answers(&[refused(0x0108), refused(0x0106)]).pausing(1);
    let mut block = dirty_block();
    let error = Client::new(&machine, &mut block).disable(FunctionHandle(1)).unwrap_err();
    assert_eq!(error.response_code(), Some(ResponseCode::PERMANENT_ERROR));
    assert_eq!(error.to_string(), "command refused: 0x0106 (permanent error)");
}

#[test]
fn busy_is_counted_for_each_command() {
    let busy = || refused(0x0108);
    let machine =
        answers(&[busy(), busy(), accepted(0x8000_0002), busy(), refused(0x0106), busy(), accepted(3)]).pausing(9);
    let mut block = dirty_block();
    let error = Client::new(&machine, &mut block).enable(FunctionHandle(1), WITH_MIO).unwrap_err();
    assert_eq!(error.function, Leftover::Disabled(FunctionHandle(3)));
    assert_eq!(machine.pauses(), [1, 2, 1, 1]);
}

#[test]
fn function_that_is_refused_is_left_alone() {
    for code in [0x0101, 0x0102, 0x0103, 0x0104, 0x0105, 0x0106, 0xffff] {
        let (error, function, sent) = failed(WITH_MIO, &[refused(code)]);
        assert_eq!(error.response_code(), Some(ResponseCode(code)));
        assert_eq!((function, sent), (Leftover::Unchanged, vec![(0, 1)]));
    }
    for condition in [ConditionCode::One, ConditionCode::Two, ConditionCode::Three] {
        let machine = Machine::new(|_| Err(condition));
        let mut block = dirty_block();
        let error = Client::new(&machine, &mut block).enable(FunctionHandle(1), Enable::PLAIN).unwrap_err();
        let expected = SetError::Call(CallError::Condition(condition));
        assert_eq!(error, EnableError { error: expected, function: Leftover::Unchanged });
        assert_eq!(machine.log().len(), 1);
    }
}

/// OK, and a handle without the enable bit: the function is disabled, whether it was enabled or not.
#[test]
fn enabled_with_a_handle_of_a_disabled_function() {
    let error = SetError::Handle { operation: Operation::ENABLE, handle: FunctionHandle(7) };
    for (answer, now) in [(accepted(9), 9), (refused(0x0105), 7), (refused(0x0102), 7)] {
        let found = failed(Enable::PLAIN, &[accepted(7), answer]);
        assert_eq!(found, (error, Leftover::Disabled(FunctionHandle(now)), vec![(0, 1), (1, 7)]));
    }
    // The handle is not valid: the same one with the bit, then that of the request.
    let found = failed(Enable::PLAIN, &[accepted(7), refused(0x0101), accepted(9)]);
    assert_eq!(found, (error, Leftover::Disabled(FunctionHandle(9)), vec![(0, 1), (1, 7), (1, 0x8000_0007)]));
    let found = failed(Enable::PLAIN, &[accepted(7), refused(0x0101), refused(0x0101), refused(0x0102)]);
    let sent = vec![(0, 1), (1, 7), (1, 0x8000_0007), (1, 1)];
    assert_eq!(found, (error, Leftover::Disabled(FunctionHandle(1)), sent));
}

/// A response that is too short for a handle, or that has no code: the handle is not known.
#[test]
fn enabled_and_no_handle() {
    let short = |length| SetError::Call(CallError::Response(ResponseError::TooShort { required: 20, actual: length }));
    let no_code = SetError::Call(CallError::Response(ResponseError::NoCode));
    let no_handle = SetError::Handle { operation: Operation::ENABLE, handle: FunctionHandle(0) };
    for (response, error) in [
        (refusal(0x0010, 16), short(16)),
        (refusal(0x0010, 19), short(19)),
        (refusal(0x0010, 0), short(0)),
        (Vec::new(), no_code),
        (refusal(0, 160), no_code),
        (accepted(0), no_handle),
    ] {
        let found = failed(Enable::PLAIN, &[response.clone(), accepted(9)]);
        assert_eq!(found, (error, Leftover::Disabled(FunctionHandle(9)), vec![(0, 1), (1, 0x8000_0001)]));
        // It was not enabled after all.
        for code in [0x0102, 0x0105] {
            let found = failed(Enable::PLAIN, &[response.clone(), refused(0x0101), refused(code)]);
            let sent = vec![(0, 1), (1, 0x8000_0001), (1, 1)];
            assert_eq!(found, (error, Leftover::Disabled(FunctionHandle(1)), sent));
        }
    }
}

#[test]
fn function_that_stays_enabled() {
    let left = |handle, code| Leftover::MaybeEnabled {
        handle: FunctionHandle(handle),
        error: SetError::Call(CallError::Response(ResponseError::Refused(ResponseCode(code)))),
    };
    // No handle is valid, or the machine does not want to.
    let (_, function, sent) = failed(Enable::PLAIN, &[refused(0), refused(0x0101), refused(0x0101)]);
    assert_eq!((function, sent), (left(0x8000_0001, 0x0101), vec![(0, 1), (1, 0x8000_0001), (1, 1)]));
    let (_, function, sent) = failed(Enable::PLAIN, &[accepted(7), refused(0x0106)]);
    assert_eq!((function, sent), (left(0x8000_0007, 0x0106), vec![(0, 1), (1, 7)]));
    // 0x0102 says that the function is disabled if the handle is that of a disabled one alone.
    let (_, function, _) = failed(Enable::PLAIN, &[refused(0), refused(0x0102)]);
    assert_eq!(function, left(0x8000_0001, 0x0102));
    // A response to the disable that has no code is no success either.
    let (_, function, _) = failed(WITH_MIO, &[accepted(0x8000_0002), refused(0x0102), refused(0)]);
    let error = SetError::Call(CallError::Response(ResponseError::NoCode));
    assert_eq!(function, Leftover::MaybeEnabled { handle: FunctionHandle(0x8000_0002), error });
}

#[test]
fn mio_is_enabled_with_the_new_handle() {
    let (enabled, sent) = enable(WITH_MIO, &[accepted(0x8000_0002), accepted(0x8000_0003)]);
    assert_eq!(enabled.unwrap().handle, FunctionHandle(0x8000_0003));
    assert_eq!(sent, [(0, 1), (2, 0x8000_0002)]);
    // A response without the addresses.
    let mut short = accepted(0x8000_0003);
    short[..2].copy_from_slice(&[0, 159]);
    let (enabled, _) = enable(WITH_MIO, &[accepted(0x8000_0002), short]);
    assert_eq!(enabled.unwrap().mio, Some([None; 6]));
}

#[test]
fn mio_that_fails_leaves_the_function_disabled() {
    for failure in [refused(0x0102), refused(0x0106), refused(0), accepted(4), accepted(0), refusal(0x0010, 16)] {
        let (_, function, sent) = failed(WITH_MIO, &[accepted(0x8000_0002), failure, accepted(3)]);
        // The handle from before would be refused as not valid, and the function left enabled.
        assert_eq!(sent, [(0, 1), (2, 0x8000_0002), (1, 0x8000_0002)]);
        assert_eq!(function, Leftover::Disabled(FunctionHandle(3)));
    }
    // The handle changed with the command.
    let (_, function, sent) = failed(WITH_MIO, &[accepted(0x8000_0002), accepted(4), refused(0x0101), refused(0x0102)]);
    assert_eq!(sent, [(0, 1), (2, 0x8000_0002), (1, 0x8000_0002), (1, 4)]);
    assert_eq!(function, Leftover::Disabled(FunctionHandle(4)));
}

#[test]
fn mio_that_fails_and_cannot_be_undone() {
    let (result, _) = enable(WITH_MIO, &[accepted(0x8000_0002), refused(0x0106), refused(0x0107)]);
    let error = result.unwrap_err();
    assert_eq!(error.response_code(), Some(ResponseCode::PERMANENT_ERROR));
    let Leftover::MaybeEnabled { handle, error: disable } = error.function else { panic!("{error}") };
    assert_eq!(disable.response_code(), Some(ResponseCode::RECOVERY_PENDING));
    assert_eq!(handle, FunctionHandle(0x8000_0002));
    assert_eq!(
        error.to_string(),
        "command refused: 0x0106 (permanent error); \
         function 0x80000002 left enabled: command refused: 0x0107 (error recovery pending)"
    );
}
