// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A firmware that says something else: what CLP stores is falsified behind the back of the kernel.
//!
//! QEMU answers as it should, and cannot be told to do otherwise. So its debugger stub stops the guest at every CLP,
//! lets it execute the instruction, and changes the response before the kernel sees it.

use anyhow::Result;

use super::debugger::Debugger;
use super::instruction::{Instruction, Operands};

/// Bytes of every request that is answered with something else.
const REQUEST: usize = 32;

/// What is said instead of what QEMU says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Falsification {
    /// What the case is called.
    pub(crate) name: &'static str,
    /// The command whose responses are changed.
    command: Command,
    change: Change,
    /// Whether the kernel must find no function; otherwise it must find those that there are.
    pub(crate) leaves_nothing: bool,
}

/// Commands of CLP, by their codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Command {
    ListPci = 2,
    QueryPciFn = 3,
    QueryPciFnGroup = 4,
}

/// What is done to a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    /// Bytes are stored, each at an offset.
    Store(&'static [(usize, &'static [u8])]),
    /// The resume token is another one each time, and one that QEMU takes, which looks at its low bits alone. Responses
    /// are full, of entries that stand for no function: the driver gives up the sooner. There can be 64 functions.
    NewToken,
}

/// Offsets in a response, and in that of LIST PCI.
const LENGTH: usize = 0;
const RESPONSE_CODE: usize = 2;
const RESUME_TOKEN: usize = 16;
const MAX_FUNCTIONS: usize = 28;
const ENTRY_SIZE: usize = 31;

/// Length of a response with as many entries as a block can have: 252.
const FULL: u16 = 32 + 252 * 16;

/// What cannot be. The last is the truth: it shows that the others fail for what they say.
pub(crate) const LIES: [Falsification; 10] = [
    lie("entries of no byte", Command::ListPci, Change::Store(&[(ENTRY_SIZE, &[0])])),
    lie("entries of one byte", Command::ListPci, Change::Store(&[(ENTRY_SIZE, &[1])])),
    lie("length less than that of the header", Command::ListPci, Change::Store(&[(LENGTH, &[0, 8])])),
    lie("length beyond the block", Command::ListPci, Change::Store(&[(LENGTH, &[0xff, 0xf0])])),
    lie("same token for ever", Command::ListPci, Change::Store(&[(RESUME_TOKEN, &[0, 0, 0, 0, 0, 0, 0, 1])])),
    lie("tokens without end", Command::ListPci, Change::NewToken),
    lie("no list", Command::ListPci, REFUSAL),
    lie("no function", Command::QueryPciFn, REFUSAL),
    lie("no group", Command::QueryPciFnGroup, REFUSAL),
    Falsification { name: "the truth", command: Command::ListPci, change: Change::Store(&[]), leaves_nothing: false },
];

/// Some response code that is not OK.
const REFUSAL: Change = Change::Store(&[(RESPONSE_CODE, &[0x01, 0x06])]);

const fn lie(name: &'static str, command: Command, change: Change) -> Falsification {
    Falsification { name, command, change, leaves_nothing: true }
}

/// What functions of a real machine have and those of QEMU have not.
pub(crate) const ATTRIBUTES: [Falsification; 1] = [Falsification {
    name: "all attributes",
    command: Command::QueryPciFn,
    change: Change::Store(&[
        // The utility string is there.
        (18, &[0x01]),
        // PCHID.
        (30, &[0x01, 0x3c]),
        // Function internal path.
        (56, &[0x12, 0x34, 0x56, 0x78]),
        // Port 2; measurement blocks of 128 bytes; an NVMe function.
        (61, &[0x02, 0x20, 0x0b]),
        // Utility string: ZPCI, and bytes that are no text.
        (128, &[0xe9, 0xd7, 0xc3, 0xc9, 0x00, 0x01, 0xfe, 0xff]),
        (188, &[0x40, 0x40, 0x40, 0xf1]),
    ]),
    leaves_nothing: false,
}];

impl Change {
    /// What to store, and where in the `n`-th response, from 0 on.
    fn stores(self, n: u64) -> Vec<(usize, Vec<u8>)> {
        match self {
            Self::Store(stores) => stores.iter().map(|(offset, bytes)| (*offset, bytes.to_vec())).collect(),
            Self::NewToken => {
                let token = ((n + 1) << 32) | 1;
                vec![
                    (LENGTH, FULL.to_be_bytes().to_vec()),
                    (RESUME_TOKEN, token.to_be_bytes().to_vec()),
                    (MAX_FUNCTIONS, vec![0, 64]),
                ]
            }
        }
    }
}

impl Falsification {
    /// Tells the guest by what it is called, without spaces: `zpci.said=the-truth`.
    pub(crate) fn parameter(&self) -> String {
        format!("zpci.said={}", self.name.replace(' ', "-"))
    }

    /// Says it to the guest behind `debugger` until it ends; returns in how many responses.
    ///
    /// # Errors
    ///
    /// The debugger does not do what it is asked.
    pub(crate) fn tell(&self, debugger: &mut Debugger, instructions: &[Instruction]) -> Result<u64> {
        let clps = instructions.iter().filter(|instruction| matches!(instruction.operands, Operands::Clp { .. }));
        for instruction in clps.clone() {
            debugger.stop_at(instruction.address)?;
        }
        let mut told = 0;
        while debugger.resume()? {
            let address = debugger.instruction_address()?;
            let Some(Operands::Clp { block }) = Instruction::at(instructions, address) else { continue };
            let block = debugger.general_register(block)?;
            debugger.step()?;
            let mut header = [0; 4];
            debugger.read(block, &mut header)?;
            // The length of the request, and the command.
            if header != [0, REQUEST as u8, 0, self.command as u8] {
                continue;
            }
            for (offset, bytes) in self.change.stores(told) {
                debugger.write(block + (REQUEST + offset) as u64, &bytes)?;
            }
            told += 1;
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_comes_back() {
        let first = Change::NewToken.stores(0);
        assert_eq!(first, [(0, vec![0x0f, 0xe0]), (16, vec![0, 0, 0, 1, 0, 0, 0, 1]), (28, vec![0, 64])]);
        assert_eq!(Change::NewToken.stores(1)[1], (16, vec![0, 0, 0, 2, 0, 0, 0, 1]));
    }
}
