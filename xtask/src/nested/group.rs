// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A group that QEMU's functions do not have. A VMM takes group 0xf0 and above for simulated, and QEMU's is 0xff; only of
//! another one does it read what the host says. So the first QEMU's debugger stub changes the answers of CLP.

use anyhow::Result;

use crate::linux::{Debugger, Instruction, Operands};

/// The group that the first kernel is told of, and the one that there is.
pub(crate) const GROUP: u8 = 0x05;
const REAL: u8 = 0xff;

/// Heads of the requests: length and command.
const QUERY_FUNCTION: [u8; 4] = [0, 32, 0, 3];
const QUERY_GROUP: [u8; 4] = [0, 32, 0, 4];

/// The handle, which no function has, by which the guest says that it has asked everything (`qemu-s390x/linux/answer.h`), and
/// where a request has it; the code of a good response, and its place.
const END: [u8; 4] = [0x60, 0, 0, 0];
const HANDLE: u64 = 16;
const OK: [u8; 2] = [0, 0x10];
const RESPONSE_CODE: u64 = RESPONSE + 2;

/// Where a request for a group names it; where the response about a function does.
const REQUESTED: u64 = 19;
const RESPONSE: u64 = 32;
const OF_FUNCTION: u64 = RESPONSE + 19;

/// Where in the response about a group is what is changed, and what is put there: 64 interrupts; version 1; relaxed
/// translation and refresh; blocks of 4096 bytes; an interval of 2 s.
const CHANGES: [(u64, &[u8]); 2] =
    [(RESPONSE + 16, &[0x00, 0x40, 0x01, 0x21]), (RESPONSE + 20, &[0x10, 0x00, 0x07, 0xd0])];

/// Tells that to the guest behind `debugger` until it has asked everything; returns how many answers were changed.
///
/// Places to stop at slow a guest down even where it does not stop, so they are taken away then.
///
/// # Errors
///
/// The debugger does not do what it is asked.
pub(crate) fn tell(debugger: &mut Debugger, instructions: &[Instruction]) -> Result<u64> {
    let clps = || instructions.iter().filter(|instruction| matches!(instruction.operands, Operands::Clp { .. }));
    for instruction in clps() {
        debugger.stop_at(instruction.address)?;
    }
    let mut told = 0;
    while debugger.resume()? {
        let address = debugger.instruction_address()?;
        let Some(Operands::Clp { block }) = Instruction::at(instructions, address) else { continue };
        let block = debugger.general_register(block)?;
        let (mut head, mut handle, mut group) = ([0; 4], [0; 4], [0]);
        debugger.read(block, &mut head)?;
        debugger.read(block + HANDLE, &mut handle)?;
        debugger.read(block + REQUESTED, &mut group)?;
        match head {
            QUERY_FUNCTION if handle == END => {
                debugger.step()?;
                debugger.write(block + RESPONSE_CODE, &OK)?;
                for instruction in clps() {
                    debugger.pass(instruction.address)?;
                }
            }
            QUERY_FUNCTION => {
                debugger.step()?;
                debugger.write(block + OF_FUNCTION, &[GROUP])?;
                told += 1;
            }
            QUERY_GROUP if group == [GROUP] => {
                debugger.write(block + REQUESTED, &[REAL])?;
                debugger.step()?;
                debugger.write(block + REQUESTED, &[GROUP])?;
                for (offset, bytes) in CHANGES {
                    debugger.write(block + offset, bytes)?;
                }
                told += 1;
            }
            _ => debugger.step()?,
        }
    }
    Ok(told)
}
