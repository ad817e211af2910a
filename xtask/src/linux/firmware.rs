// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A firmware that lies: what CLP stores for LIST PCI is falsified behind the back of the kernel.
//!
//! QEMU answers as it should, and cannot be told to do otherwise. So its debugger stub stops the guest at every CLP,
//! lets it execute the instruction, and changes the response before the kernel sees it.

use std::fs;

use anyhow::{ensure, Context, Result};
use object::{Object, ObjectSection, SectionKind};

use super::debugger::Debugger;
use super::kernel::Kernel;

/// Opcode of CALL LOGICAL PROCESSOR.
const CLP: [u8; 2] = [0xb9, 0xa0];

/// Bytes of the request, and of the response before its entries.
const REQUEST: usize = 32;
const RESPONSE: usize = 32;

/// How the request of LIST PCI begins: its length and the command.
const LIST_PCI: [u8; 4] = [0, REQUEST as u8, 0, 2];

/// Offsets in the response.
const LENGTH: usize = 0;
const RESUME_TOKEN: usize = 16;
const MAX_FUNCTIONS: usize = 28;
const ENTRY_SIZE: usize = 31;

/// One lie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Lie {
    /// What the case is called.
    pub(crate) name: &'static str,
    change: Change,
    /// Whether the kernel must find no function; otherwise it must find those that there are.
    pub(crate) leaves_nothing: bool,
}

/// What is done to a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    Nothing,
    /// These bytes are stored at an offset.
    Store(usize, &'static [u8]),
    /// The resume token is another one each time, and one that QEMU takes, which looks at its low bits alone. There can
    /// be 64 functions.
    NewToken,
}

/// All of them. The last is none: it shows that the others fail for what they say.
pub(crate) const LIES: [Lie; 7] = [
    lie("entries of no byte", Change::Store(ENTRY_SIZE, &[0])),
    lie("entries of one byte", Change::Store(ENTRY_SIZE, &[1])),
    lie("length less than that of the header", Change::Store(LENGTH, &[0, 8])),
    lie("length beyond the block", Change::Store(LENGTH, &[0xff, 0xf0])),
    lie("same token for ever", Change::Store(RESUME_TOKEN, &[0, 0, 0, 0, 0, 0, 0, 1])),
    lie("tokens without end", Change::NewToken),
    Lie { name: "the truth", change: Change::Nothing, leaves_nothing: false },
];

const fn lie(name: &'static str, change: Change) -> Lie {
    Lie { name, change, leaves_nothing: true }
}

impl Change {
    /// Does it to the `n`-th response, from 0 on.
    fn apply(self, response: &mut [u8; RESPONSE], n: u64) {
        match self {
            Self::Nothing => {}
            Self::Store(offset, bytes) => response[offset..offset + bytes.len()].copy_from_slice(bytes),
            Self::NewToken => {
                let token = ((n + 1) << 32) | 1;
                response[RESUME_TOKEN..RESUME_TOKEN + 8].copy_from_slice(&token.to_be_bytes());
                response[MAX_FUNCTIONS..MAX_FUNCTIONS + 2].copy_from_slice(&[0, 64]);
            }
        }
    }
}

impl Lie {
    /// Tells the lie to the guest behind `debugger` until it ends; returns how many responses were given to it.
    ///
    /// # Errors
    ///
    /// The debugger does not do what it is asked.
    pub(crate) fn tell(&self, debugger: &mut Debugger, instructions: &[Instruction]) -> Result<u64> {
        for instruction in instructions {
            debugger.stop_at(instruction.address)?;
        }
        let mut told = 0;
        while debugger.resume()? {
            let address = debugger.instruction_address()?;
            let Some(instruction) = instructions.iter().find(|instruction| instruction.address == address) else {
                continue;
            };
            let block = debugger.general_register(instruction.block)?;
            debugger.step()?;
            let mut request = [0; REQUEST];
            debugger.read(block, &mut request)?;
            if request[..4] != LIST_PCI {
                continue;
            }
            let mut response = [0; RESPONSE];
            debugger.read(block + REQUEST as u64, &mut response)?;
            self.change.apply(&mut response, told);
            debugger.write(block + REQUEST as u64, &response)?;
            told += 1;
        }
        Ok(told)
    }
}

/// A CLP of the kernel's that takes a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Instruction {
    address: u64,
    /// The general register that has the address of the block.
    block: u32,
}

impl Instruction {
    /// Every CLP of `kernel`, where it will run.
    ///
    /// What merely looks like one, being part of another instruction, does no harm: the guest never stands before it.
    ///
    /// # Errors
    ///
    /// There is no kernel, or none that has a CLP.
    pub(crate) fn of_kernel(kernel: &Kernel) -> Result<Vec<Self>> {
        let (path, offset) = (kernel.executable(), kernel.offset()?);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(bytes.as_slice()).with_context(|| format!("{}", path.display()))?;
        let mut instructions = Vec::new();
        for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
            instructions.extend(Self::of_text(offset.wrapping_add(section.address()), section.data()?));
        }
        ensure!(!instructions.is_empty(), "there is no CLP in {}", path.display());
        Ok(instructions)
    }

    /// Every CLP in `text`, which starts at `address`.
    fn of_text(address: u64, text: &[u8]) -> impl Iterator<Item = Self> + '_ {
        text.windows(4).enumerate().step_by(2).filter_map(move |(offset, word)| match *word {
            // The third byte says that there is a block, and whose command it is: the machine's or that of its PCI.
            [a, b, 0x00 | 0x02, registers] if [a, b] == CLP => {
                Some(Self { address: address + offset as u64, block: u32::from(registers & 0xf) })
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_with_a_block_are_found_at_even_addresses() {
        let text = [0xb9, 0xa0, 0x02, 0x13, 0x07, 0xb9, 0xa0, 0x00, 0xb9, 0xa0, 0x80, 0x42, 0xb9, 0xa0, 0x00, 0x15];
        let found: Vec<_> = Instruction::of_text(0x1000, &text).collect();
        assert_eq!(found, [Instruction { address: 0x1000, block: 3 }, Instruction { address: 0x100c, block: 5 }]);
    }

    #[test]
    fn lies_change_what_they_say() {
        let told = |name: &str, n| {
            let mut response = [0; RESPONSE];
            response[..4].copy_from_slice(&[0, 0x90, 0, 0x10]);
            response[ENTRY_SIZE] = 16;
            LIES.iter().find(|lie| lie.name == name).unwrap().change.apply(&mut response, n);
            response
        };
        assert_eq!(told("entries of no byte", 0)[31], 0);
        assert_eq!(told("length beyond the block", 0)[..4], [0xff, 0xf0, 0, 0x10]);
        assert_eq!(told("tokens without end", 0)[16..24], [0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(told("tokens without end", 1)[16..24], [0, 0, 0, 2, 0, 0, 0, 1]);
        assert_eq!(told("the truth", 5)[..4], [0, 0x90, 0, 0x10]);
    }
}
