// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Machines that do what a test says.

use crate::fixture::{Fixture, Outcome};
use clp::{Block, Clp, ConditionCode, LogicalProcessor};
use std::cell::{Cell, RefCell};

/// A command as the machine saw it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Command {
    pub(crate) processor: u8,
    pub(crate) request: Vec<u8>,
    pub(crate) room: usize,
}

impl Command {
    pub(crate) fn code(&self) -> u16 {
        u16::from_be_bytes([self.request[2], self.request[3]])
    }

    /// The doubleword at byte 16: the resume token of LIST PCI.
    pub(crate) fn token(&self) -> u64 {
        u64::from_be_bytes(self.request[16..24].try_into().unwrap())
    }

    /// The word at byte 16: the handle of QUERY PCI FN and SET PCI FN.
    pub(crate) fn handle(&self) -> u32 {
        u32::from_be_bytes(self.request[16..20].try_into().unwrap())
    }

    /// The operation of SET PCI FN.
    pub(crate) fn operation(&self) -> u8 {
        self.request[22]
    }
}

type Answer = Result<Vec<u8>, ConditionCode>;

/// A machine whose answers a closure makes up: the bytes of the response, or a condition code.
///
/// It checks that a client hands it a block that is zero but for the request and the length of the room.
pub(crate) struct Machine<F> {
    answer: RefCell<F>,
    log: RefCell<Vec<Command>>,
    pauses: RefCell<Vec<u32>>,
    patience: Cell<Option<u32>>,
}

impl<F: FnMut(&Command) -> Answer> Machine<F> {
    pub(crate) fn new(answer: F) -> Self {
        Self {
            answer: RefCell::new(answer),
            log: RefCell::default(),
            pauses: RefCell::default(),
            patience: Cell::new(None),
        }
    }

    /// Pauses at most `patience` times in a row; without it a pause is a failure of the test.
    pub(crate) fn pausing(self, patience: u32) -> Self {
        self.patience.set(Some(patience));
        self
    }

    /// Numbers of busy answers that the machine paused after.
    pub(crate) fn pauses(&self) -> Vec<u32> {
        self.pauses.borrow().clone()
    }

    /// All commands so far.
    pub(crate) fn log(&self) -> Vec<Command> {
        self.log.borrow().clone()
    }
}

impl<F: FnMut(&Command) -> Answer> Clp for Machine<F> {
    fn call(&self, processor: LogicalProcessor, command: &mut clp::Command<'_>) -> ConditionCode {
        let (request, capacity) = (command.request_length(), command.capacity());
        let bytes = command.bytes_mut();
        let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        let room = usize::from(u16::from_be_bytes([bytes[length], bytes[length + 1]]));
        assert_eq!((length, room), (request, capacity));
        assert!(length + room <= Block::SIZE && length % 8 == 0 && room % 8 == 0 && room >= 16);
        assert!(bytes[length + 2..].iter().all(|&byte| byte == 0), "block not zeroed");
        let command = Command { processor: processor.0, request: bytes[..length].to_vec(), room };
        self.log.borrow_mut().push(command.clone());
        match (self.answer.borrow_mut())(&command) {
            Ok(response) => {
                let stored = response.len().min(room);
                bytes[length..length + stored].copy_from_slice(&response[..stored]);
                ConditionCode::Zero
            }
            Err(condition) => condition,
        }
    }

    fn immediate(&self, _: u64) -> Result<u64, ConditionCode> {
        Err(ConditionCode::Three)
    }

    fn pause(&self, busy: u32) -> bool {
        self.pauses.borrow_mut().push(busy);
        busy <= self.patience.get().expect("not busy")
    }
}

/// A machine that expects the request of a recording and answers with its response.
pub(crate) fn replay(fixture: &Fixture) -> Machine<impl FnMut(&Command) -> Answer + '_> {
    Machine::new(|command| {
        let length = command.request.len();
        assert_eq!(command.request, fixture.request(length));
        match fixture.outcome {
            Outcome::ConditionCode(0) => Ok(fixture.block[length..fixture.end].to_vec()),
            _ => Err(ConditionCode::Three),
        }
    })
}

/// A response that is a header and nothing else.
pub(crate) fn refusal(code: u16, length: u16) -> Vec<u8> {
    let mut bytes = vec![0; 16];
    bytes[..2].copy_from_slice(&length.to_be_bytes());
    bytes[2..4].copy_from_slice(&code.to_be_bytes());
    bytes
}

/// A block that is anything but zeroed.
pub(crate) fn dirty_block() -> Block {
    let mut block = Block::zeroed();
    *block.bytes_mut() = [0xa5; Block::SIZE];
    block
}
