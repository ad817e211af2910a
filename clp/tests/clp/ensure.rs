// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions enabled and disabled by their identifier, on machines that change under the caller's feet.

use crate::list::Page;
use crate::machine::{dirty_block, refusal, Command, Machine};
use clp::{Client, ClientError, ConditionCode, Enable, EnableError, FunctionHandle, FunctionId, Leftover};
use std::cell::RefCell;

const ID: FunctionId = FunctionId(0x42);

/// A machine with one function.
#[derive(Clone, Copy)]
struct Firmware {
    /// `None` when it is reserved.
    handle: Option<u32>,
    configured: bool,
    /// Code for a function that already is in the state asked for.
    already: u16,
    /// What happens right before the command of that number.
    before: fn(usize, &mut Firmware),
}

impl Firmware {
    fn answer(&mut self, number: usize, command: &Command) -> Result<Vec<u8>, ConditionCode> {
        (self.before)(number, self);
        if command.code() == 2 {
            let entries = self.handle.map(|handle| (ID.0, 0x1014, handle)).into_iter().collect();
            let mut bytes = Page { entries, ..Page::new([], 0) }.bytes();
            if let Some(state) = bytes.get_mut(36) {
                *state = if self.configured { 0x80 } else { 0 };
            }
            return Ok(bytes);
        }
        let enable = command.operation() == 0;
        match self.handle {
            Some(handle) if handle != command.handle() => Ok(refusal(0x0101, 160)),
            Some(handle) if (handle >> 31 == 1) == enable => Ok(refusal(self.already, 160)),
            Some(handle) => {
                let new = (handle ^ 0x8000_0000) + 0x100;
                self.handle = Some(new);
                let mut bytes = refusal(0x0010, 32);
                bytes.extend(new.to_be_bytes());
                bytes.resize(32, 0);
                Ok(bytes)
            }
            None => Ok(refusal(0x0101, 160)),
        }
    }
}

const FIRMWARE: Firmware = Firmware { handle: Some(0x0001_0001), configured: true, already: 0x0105, before: |_, _| {} };

fn machine(firmware: Firmware) -> Machine<impl FnMut(&Command) -> Result<Vec<u8>, ConditionCode>> {
    let state = RefCell::new((0, firmware));
    Machine::new(move |command| {
        let (number, firmware) = &mut *state.borrow_mut();
        *number += 1;
        firmware.answer(*number - 1, command)
    })
}

/// The results of enabling and of disabling, with the codes of the commands that were sent.
fn ensure(firmware: Firmware, enable: bool) -> (Result<FunctionHandle, ClientError>, Vec<u16>) {
    let machine = machine(firmware);
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let result = if enable { client.ensure_enabled(ID) } else { client.ensure_disabled(ID) };
    (result, machine.log().iter().map(Command::code).collect())
}

const ENABLED: Firmware = Firmware { handle: Some(0x8001_0001), ..FIRMWARE };

#[test]
fn state_is_changed_where_needed() {
    assert_eq!(ensure(FIRMWARE, true), (Ok(FunctionHandle(0x8001_0101)), vec![2, 5]));
    assert_eq!(ensure(ENABLED, false), (Ok(FunctionHandle(0x0001_0101)), vec![2, 5]));
    assert_eq!(ensure(ENABLED, true), (Ok(FunctionHandle(0x8001_0001)), vec![2]));
    assert_eq!(ensure(FIRMWARE, false), (Ok(FunctionHandle(0x0001_0001)), vec![2]));
}

#[test]
fn function_that_cannot_be_used_is_not_touched() {
    let reserved = Firmware { handle: None, ..FIRMWARE };
    let standby = Firmware { configured: false, ..FIRMWARE };
    for enable in [false, true] {
        assert_eq!(ensure(reserved, enable), (Err(ClientError::Reserved(ID)), vec![2]));
        assert_eq!(ensure(standby, enable), (Err(ClientError::Standby(ID)), vec![2]));
    }
    assert_eq!(ClientError::Standby(ID).to_string(), "function 0x00000042 is in standby");
    assert_eq!(ClientError::Reserved(ID).to_string(), "function 0x00000042 is not listed");
}

/// Somebody else gets there first: hardware says 0x0105 and QEMU 0x0102, if the handle is the same.
#[test]
fn function_that_changed_its_state_meanwhile() {
    for already in [0x0105, 0x0102] {
        let before: fn(usize, &mut Firmware) = |number, firmware| {
            if number == 1 {
                firmware.handle = firmware.handle.map(|handle| handle ^ 0x8000_0000);
            }
        };
        let result = (Ok(FunctionHandle(0x8001_0001)), vec![2, 5, 2]);
        assert_eq!(ensure(Firmware { already, before, ..FIRMWARE }, true), result);
        let result = (Ok(FunctionHandle(0x0001_0001)), vec![2, 5, 2]);
        assert_eq!(ensure(Firmware { already, before, ..ENABLED }, false), result);
    }
    // The handle stays the same, and so does the state that is listed: the refusal is not believed without end.
    for code in [0x0101, 0x0102, 0x0105] {
        let machine = Machine::new(|command: &Command| {
            Ok(match command.code() {
                2 => Page::new([ID.0], 0).bytes(),
                _ => refusal(code, 160),
            })
        });
        let mut block = dirty_block();
        let error = Client::new(&machine, &mut block).ensure_enabled(ID).unwrap_err();
        let ClientError::Enable(EnableError { function: Leftover::Unchanged, .. }) = error else { panic!("{error}") };
        assert_eq!(error.response_code().map(|code| code.0), Some(code));
        assert_eq!(machine.log().len(), 8);
    }
}

/// Recovery of a function gives it a new handle at any time.
#[test]
fn stale_handle_is_refreshed() {
    let moments: [fn(usize, &mut Firmware); 8] = [
        |number, firmware| change(number == 0, firmware),
        |number, firmware| change(number == 1, firmware),
        |number, firmware| change(number == 1 || number == 3, firmware),
        |number, firmware| change(number == 1 || number == 3 || number == 5, firmware),
        |number, firmware| change(number == 2, firmware),
        |number, firmware| change(number < 2, firmware),
        |number, firmware| change(number < 4, firmware),
        |number, firmware| change(number < 6, firmware),
    ];
    for before in moments {
        for (firmware, enable) in [(FIRMWARE, true), (ENABLED, false)] {
            let (result, commands) = ensure(Firmware { before, ..firmware }, enable);
            let handle = result.unwrap();
            assert_eq!(handle.is_enabled(), enable);
            assert_eq!(commands.iter().filter(|&&code| code == 5).count() * 2, commands.len());
        }
    }
    // The handle changes faster than it can be used.
    let before: fn(usize, &mut Firmware) = |_, firmware| change(true, firmware);
    let (result, commands) = ensure(Firmware { before, ..FIRMWARE }, true);
    assert!(matches!(result, Err(ClientError::Enable(_))));
    assert_eq!(commands, [2, 5, 2, 5, 2, 5, 2, 5]);
}

fn change(now: bool, firmware: &mut Firmware) {
    if now {
        firmware.handle = firmware.handle.map(|handle| handle + 1);
    }
}

#[test]
fn function_that_goes_meanwhile() {
    let before: fn(usize, &mut Firmware) = |number, firmware| {
        if number == 1 {
            firmware.handle = None;
        }
    };
    assert_eq!(ensure(Firmware { before, ..FIRMWARE }, true), (Err(ClientError::Reserved(ID)), vec![2, 5, 2]));
    assert_eq!(ensure(Firmware { before, ..ENABLED }, false), (Err(ClientError::Reserved(ID)), vec![2, 5, 2]));
}

#[test]
fn other_refusals_are_final() {
    for code in [0x0103, 0x0104, 0x0106, 0x0107, 0x0fff] {
        let machine = Machine::new(|command: &Command| {
            Ok(match command.code() {
                2 => Page::new([ID.0], 0).bytes(),
                _ => refusal(code, 160),
            })
        });
        let mut block = dirty_block();
        let error = Client::new(&machine, &mut block).ensure_enabled(ID).unwrap_err();
        assert!(matches!(error, ClientError::Enable(_)));
        assert_eq!(machine.log().len(), 2);
    }
}

#[test]
fn handle_of_before_is_not_valid_any_more() {
    let machine = machine(FIRMWARE);
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let old = client.current_handle(ID).unwrap();
    let enabled = client.enable(old, Enable::PLAIN).unwrap().handle;
    let stale = client.disable(old).unwrap_err();
    assert_eq!(stale.response_code().map(|code| code.0), Some(0x0101));
    assert_eq!(client.current_handle(ID), Ok(enabled));
    assert_eq!(client.ensure_enabled(ID), Ok(enabled));
}

/// z/VM lists a function in error as enabled, and says that it is disabled already (`zpci_hot_reset_device`,
/// `arch/s390/pci/pci.c`).
#[test]
fn function_that_is_listed_as_enabled_and_is_disabled() {
    for (code, expected) in [(0x0105, Ok(FunctionHandle(0x8001_0001))), (0x0102, Err(Some(0x0102)))] {
        let machine = Machine::new(|command: &Command| {
            Ok(match command.code() {
                2 => Page { entries: vec![(ID.0, 0x1014, 0x8001_0001)], ..Page::new([], 0) }.bytes(),
                _ => refusal(code, 160),
            })
        });
        let mut block = dirty_block();
        let result = Client::new(&machine, &mut block).ensure_disabled(ID);
        assert_eq!(result.map_err(|error| error.response_code().map(|code| code.0)), expected);
        assert_eq!(machine.log().len(), 8);
    }
}
