// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Answers to MPCIFC, RPCIT and SET PCI FN that QEMU does not give, when the guest asks for them.
//!
//! QEMU is never busy and never out of resources. So its debugger stub stops the guest at these instructions and answers
//! in place of QEMU, which does not see them. The guest asks by QUERY PCI FN with a handle that no function has
//! (`qemu-s390x/linux/answer.h`), so that nothing is stopped but CLP until then.

use std::num::NonZero;

use anyhow::Result;

use super::debugger::Debugger;
use super::instruction::{Instruction, Operands};

/// The heads of QUERY PCI FN and SET PCI FN: length of the request, and the command.
const QUERY: [u8; 4] = [0, 32, 0, 3];
const SET: [u8; 4] = [0, 32, 0, 5];

/// Offsets in the blocks of both, and of one.
const HANDLE: u64 = 16;
const RESPONSE_CODE: u64 = 32 + 2;
const VFN: u64 = 32 + 16;
const OPERATION: u64 = 22;

/// The part of a handle that stays when the function is disabled and enabled.
pub(crate) const INDEX: u64 = 0xff_ffff;

/// Operations of MPCIFC that are answered: register and deregister I/O address translation.
pub(crate) const OPERATIONS: [u64; 2] = [4, 5];

/// In place of a condition code: a program check.
const REFUSED: u8 = 4;

/// So many answers are answers without end.
const FOR_EVER: u32 = 0xfff;

/// The same of SET PCI FN.
const SET_FOR_EVER: u32 = 0xff;

/// The condition code where there is no response to SET PCI FN.
const NOT_EXECUTED: u8 = 3;

/// What the guest asks for, by the first digit of the handle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Request {
    /// Answers go to the function with this index, or to all with [`INDEX`].
    Function(u64),
    /// These answers from now on.
    Answers(Answers),
    /// The same, to SET PCI FN.
    Sets(Sets),
    /// No more answers; the number of those that were given is the VFN of the response.
    End,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Answers {
    /// MPCIFC, otherwise RPCIT.
    mpcifc: bool,
    /// The condition code, or [`REFUSED`].
    cc: u8,
    status: u8,
    /// After so many the instruction is executed again.
    count: u32,
}

/// Answers to SET PCI FN.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Sets {
    /// The operation code that is answered.
    operation: u8,
    /// The response code; without one there is no response, and the condition code is [`NOT_EXECUTED`].
    code: Option<NonZero<u16>>,
    /// After so many the command is executed again; [`SET_FOR_EVER`] is without end.
    count: u32,
}

impl Request {
    fn of(handle: u32) -> Option<Self> {
        match handle >> 28 {
            4 => Some(Self::Function(u64::from(handle) & INDEX)),
            5 => Some(Self::Answers(Answers {
                mpcifc: handle >> 24 & 1 == 1,
                status: (handle >> 16) as u8,
                cc: (handle >> 12) as u8 & 7,
                count: handle & 0xfff,
            })),
            6 => Some(Self::End),
            7 => Some(Self::Sets(Sets {
                operation: (handle >> 24) as u8 & 0xf,
                count: handle >> 16 & 0xff,
                code: NonZero::new(handle as u16),
            })),
            _ => None,
        }
    }
}

impl Answers {
    fn are_for(self, operands: Operands) -> bool {
        match operands {
            Operands::Mpcifc { .. } => self.mpcifc,
            Operands::Rpcit { .. } => !self.mpcifc,
            Operands::Clp { .. } => false,
        }
    }

    /// Whether the instruction is replaced by one that says busy to everybody: stops by the million take too long.
    fn are_busy_for_ever(self) -> bool {
        self.cc == 2 && self.count == FOR_EVER
    }
}

/// An instruction as long as that with `operands` that sets condition code 2 and changes nothing: it compares the low
/// word of the register, which is small and not negative, with the least number.
fn busy(operands: Operands) -> Vec<u8> {
    match operands {
        // COMPARE IMMEDIATE (32)
        Operands::Mpcifc { request, .. } => vec![0xc2, (request as u8) << 4 | 0xd, 0x80, 0, 0, 0],
        // COMPARE HALFWORD IMMEDIATE (32)
        Operands::Rpcit { function: register } | Operands::Clp { block: register } => {
            vec![0xa7, (register as u8) << 4 | 0xe, 0x80, 0]
        }
    }
}

/// As many bytes as the instruction with `operands` has, that are no instruction of any machine.
fn invalid(operands: Operands) -> &'static [u8] {
    match operands {
        Operands::Mpcifc { .. } => &[0xe3, 0, 0, 0, 0, 0xff],
        Operands::Rpcit { .. } | Operands::Clp { .. } => &[0xb9, 0xff, 0, 0],
    }
}

/// Gives the guest behind a debugger the answers that it asks for.
#[derive(Debug)]
pub(crate) struct Answerer<'a> {
    debugger: Debugger,
    instructions: &'a [Instruction],
    function: u64,
    answers: Option<Answers>,
    sets: Option<Sets>,
    /// What was replaced, and by what it was.
    replaced: Vec<(u64, Vec<u8>)>,
    given: u32,
}

impl<'a> Answerer<'a> {
    pub(crate) fn new(debugger: Debugger, instructions: &'a [Instruction]) -> Self {
        Self { debugger, instructions, function: 0, answers: None, sets: None, replaced: Vec::new(), given: 0 }
    }

    /// Runs the guest to its end; returns what was not as it should be.
    ///
    /// # Errors
    ///
    /// The debugger does not do what it is asked.
    pub(crate) fn run(mut self) -> Result<Vec<String>> {
        let mut asked = 0_u64;
        for instruction in self.instructions {
            if let Operands::Clp { .. } = instruction.operands {
                self.debugger.stop_at(instruction.address)?;
            }
        }
        while self.debugger.resume()? {
            let address = self.debugger.instruction_address()?;
            match Instruction::at(self.instructions, address) {
                Some(operands @ Operands::Clp { block }) => {
                    asked += u64::from(self.command(address + operands.length(), block)?);
                }
                Some(operands) => self.answer(address, operands)?,
                None => {}
            }
        }
        Ok(if asked == 0 { vec!["the guest asked for no answer".to_owned()] } else { Vec::new() })
    }

    /// Executes a CLP, which the instruction at `next` follows, or answers it; whether it asked for answers.
    fn command(&mut self, next: u64, block: u32) -> Result<bool> {
        let block = self.debugger.general_register(block)?;
        let (mut header, mut handle) = ([0; 4], [0; 4]);
        self.debugger.read(block, &mut header)?;
        self.debugger.read(block + HANDLE, &mut handle)?;
        let handle = u32::from_be_bytes(handle);
        if header == SET {
            return self.set(next, block, handle).map(|()| false);
        }
        self.debugger.step()?;
        let Some(request) = Request::of(handle).filter(|_| header == QUERY) else { return Ok(false) };
        match request {
            Request::Function(index) => self.function = index,
            Request::Answers(answers) => self.begin(answers)?,
            Request::Sets(sets) => {
                self.end()?;
                (self.sets, self.given) = (Some(sets), 0);
            }
            Request::End => self.end()?,
        }
        self.debugger.write(block + RESPONSE_CODE, &[0, 0x10])?;
        self.debugger.write(block + VFN, &(self.given as u16).to_be_bytes())?;
        Ok(matches!(request, Request::Answers(_) | Request::Sets(_)))
    }

    /// Answers a SET PCI FN of `handle` if it is for the function that the guest named, or lets it be executed.
    fn set(&mut self, next: u64, block: u64, handle: u32) -> Result<()> {
        let mut operation = [0];
        self.debugger.read(block + OPERATION, &mut operation)?;
        let is_for = |sets: &Sets| {
            (operation[0], u64::from(handle) & INDEX) == (sets.operation, self.function)
                && (sets.count == SET_FOR_EVER || self.given < sets.count)
        };
        let Some(sets) = self.sets.filter(is_for) else { return self.debugger.step() };
        self.given += 1;
        let Some(code) = sets.code else { return self.debugger.answer(NOT_EXECUTED, next) };
        self.debugger.write(block + RESPONSE_CODE, &code.get().to_be_bytes())?;
        self.debugger.answer(0, next)
    }

    fn begin(&mut self, answers: Answers) -> Result<()> {
        self.end()?;
        (self.answers, self.given) = (Some(answers), 0);
        for instruction in self.instructions.iter().filter(|instruction| answers.are_for(instruction.operands)) {
            if answers.are_busy_for_ever() {
                let mut bytes = vec![0; instruction.operands.length() as usize];
                self.debugger.read(instruction.address, &mut bytes)?;
                self.debugger.write(instruction.address, &busy(instruction.operands))?;
                self.replaced.push((instruction.address, bytes));
            } else {
                self.debugger.stop_at(instruction.address)?;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.sets = None;
        for (address, bytes) in self.replaced.drain(..) {
            self.debugger.write(address, &bytes)?;
        }
        let Some(answers) = self.answers.take().filter(|answers| !answers.are_busy_for_ever()) else { return Ok(()) };
        for instruction in self.instructions.iter().filter(|instruction| answers.are_for(instruction.operands)) {
            self.debugger.pass(instruction.address)?;
        }
        Ok(())
    }

    /// Answers the instruction at `address` if it is for the function that the guest named, or lets it be executed.
    fn answer(&mut self, address: u64, operands: Operands) -> Result<()> {
        let (Operands::Mpcifc { request: register, .. } | Operands::Rpcit { function: register }) = operands else {
            return Ok(());
        };
        let value = self.debugger.general_register(register)?;
        let is_translation = matches!(operands, Operands::Rpcit { .. }) || OPERATIONS.contains(&(value & 0xff));
        match self.answers.filter(|answers| answers.count == FOR_EVER || self.given < answers.count) {
            Some(answers) if [value >> 32 & INDEX, INDEX].contains(&self.function) && is_translation => {
                self.given += 1;
                if answers.cc == REFUSED {
                    return self.refuse(address, operands);
                }
                let status = value & !(0xff << 24) | u64::from(answers.status) << 24;
                self.debugger.set_general_register(register, status)?;
                self.debugger.answer(answers.cc, address + operands.length())
            }
            _ => self.debugger.step(),
        }
    }

    /// Has the instruction at `address` end in a program check, which is where the guest is then.
    fn refuse(&mut self, address: u64, operands: Operands) -> Result<()> {
        let mut bytes = vec![0; operands.length() as usize];
        self.debugger.read(address, &mut bytes)?;
        self.debugger.write(address, invalid(operands))?;
        self.debugger.step()?;
        self.debugger.write(address, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_handles_that_no_function_has() {
        assert_eq!(Request::of(0x4002_0001), Some(Request::Function(0x02_0001)));
        let answers = Answers { mpcifc: true, cc: 1, status: 40, count: 3 };
        assert_eq!(Request::of(0x5128_1003), Some(Request::Answers(answers)));
        let refused = Answers { mpcifc: false, cc: REFUSED, status: 0, count: FOR_EVER };
        assert_eq!(Request::of(0x5000_4fff), Some(Request::Answers(refused)));
        assert_eq!(Request::of(0x6000_0000), Some(Request::End));
        let sets = Sets { operation: 1, code: NonZero::new(0x0108), count: 3 };
        assert_eq!(Request::of(0x7103_0108), Some(Request::Sets(sets)));
        let not_executed = Sets { operation: 0, code: None, count: SET_FOR_EVER };
        assert_eq!(Request::of(0x70ff_0000), Some(Request::Sets(not_executed)));
        for handle in [0, 0x0002_0001, 0x8002_0001, 0xff02_0001] {
            assert_eq!(Request::of(handle), None);
        }
    }

    #[test]
    fn what_says_busy_is_as_long_as_what_it_replaces() {
        let mpcifc = Operands::Mpcifc { request: 3, base: 4, displacement: 0 };
        for operands in [mpcifc, Operands::Rpcit { function: 3 }] {
            assert_eq!(busy(operands).len() as u64, operands.length());
            assert_eq!(invalid(operands).len() as u64, operands.length());
        }
        // cfi %r3,-2147483648 and chi %r5,-32768
        assert_eq!(busy(mpcifc), [0xc2, 0x3d, 0x80, 0, 0, 0]);
        assert_eq!(busy(Operands::Rpcit { function: 5 }), [0xa7, 0x5e, 0x80, 0]);
    }
}
