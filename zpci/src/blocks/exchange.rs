// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A command that was issued, and what came back.

use clp::{Block, ClientError};

use crate::input::Input;

/// A command that was issued, and what came back.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// The block: the request, and behind it the response.
    pub bytes: Vec<u8>,
    /// Capacity for the response in bytes, header included; `None` if nobody knows it, since the machine stores over it.
    pub capacity: Option<u16>,
    /// The condition code, if it is known.
    pub condition: Option<u8>,
    /// The program check with which the instruction ended.
    pub program_check: Option<u16>,
    /// What is wrong that the block itself need not show.
    pub wrong: Option<Wrong>,
    /// What was done to get the bytes that is worth a word.
    pub notes: Vec<String>,
}

/// What is wrong with an exchange that its block need not show.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wrong {
    /// What the client of `clp` says of it.
    Client(ClientError),
    /// What the system says that was to hand it to the machine, and did not.
    System(String),
}

impl From<&Input> for Exchange {
    /// A block that was captured, with the zeros that its text leaves out.
    fn from(input: &Input) -> Self {
        let mut bytes = input.bytes.clone();
        if input.zeros_follow && bytes.len() < Block::SIZE {
            bytes.resize(Block::SIZE, 0);
        }
        Self {
            bytes,
            condition: input.condition,
            program_check: input.program_check,
            notes: input.notes.clone(),
            ..Self::default()
        }
    }
}
