// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function that may do without translation, and the window that it is registered with.
//!
//! QEMU has no such function, and takes it for an error of the guest to register one without tables. So its debugger
//! stub puts the flag into the response about the group, for a function that no driver uses, and accepts what is
//! registered for it in place of QEMU.

use anyhow::Result;

use super::answer::{INDEX, OPERATIONS};
use super::debugger::Debugger;
use super::instruction::{Instruction, Operands};

/// The function: an igb, for which the kernel has no driver.
const FID: u32 = 0x205;

/// Lengths of the requests, and the commands.
const QUERY_FUNCTION: [u8; 4] = [0, 32, 0, 3];
const QUERY_GROUP: [u8; 4] = [0, 32, 0, 4];

/// Offsets in their blocks: handle of the request; FID, first and last address; flags of the group.
const HANDLE: u64 = 16;
const RESPONSE_FID: u64 = 32 + 20;
const RESPONSE_START: u64 = 32 + 64;
const RESPONSE_LAST: u64 = 32 + 72;
const RESPONSE_FLAGS: u64 = 32 + 19;

/// Relaxed translation, among the flags of a group.
const RELAXED_TRANSLATION: u8 = 0x20;

/// Offsets in a FIB.
const PBA: u64 = 16;
const PAL: u64 = 24;
const IOTA: u64 = 32;

/// PBA or SDMA, PAL or EDMA, and the IOTA.
type Window = [u64; 3];

/// Runs the guest behind `debugger` to its end; returns everything that was not as it should be.
///
/// # Errors
///
/// The debugger does not do what it is asked.
pub(crate) fn run(mut debugger: Debugger, instructions: &[Instruction]) -> Result<Vec<String>> {
    // What CLP said of the function, with its handle, and what was registered for it.
    let mut function: Option<(u64, Window)> = None;
    let mut asked_last = 0;
    let mut registered = Vec::new();
    for instruction in instructions.iter().filter(|i| !matches!(i.operands, Operands::Rpcit { .. })) {
        debugger.stop_at(instruction.address)?;
    }
    while debugger.resume()? {
        let address = debugger.instruction_address()?;
        match Instruction::at(instructions, address) {
            Some(Operands::Clp { block }) => {
                let block = debugger.general_register(block)?;
                debugger.step()?;
                let mut header = [0; 4];
                debugger.read(block, &mut header)?;
                if header == QUERY_FUNCTION {
                    asked_last = debugger.word(block + RESPONSE_FID)?;
                    if asked_last == FID {
                        let window = [
                            debugger.doubleword(block + RESPONSE_START)?,
                            debugger.doubleword(block + RESPONSE_LAST)?,
                            0,
                        ];
                        function = Some((u64::from(debugger.word(block + HANDLE)?) & INDEX, window));
                    }
                } else if header == QUERY_GROUP && asked_last == FID {
                    let mut flags = [0];
                    debugger.read(block + RESPONSE_FLAGS, &mut flags)?;
                    debugger.write(block + RESPONSE_FLAGS, &[flags[0] | RELAXED_TRANSLATION])?;
                }
            }
            Some(operands @ Operands::Mpcifc { request, base, displacement }) => {
                let value = debugger.general_register(request)?;
                let is_ours = function.is_some_and(|(index, _)| value >> 32 & INDEX == index);
                if !is_ours || !OPERATIONS.contains(&(value & 0xff)) {
                    debugger.step()?;
                    continue;
                }
                let fib = debugger.general_register(base)?.wrapping_add_signed(displacement.into());
                if value & 0xff == OPERATIONS[0] {
                    registered.push([
                        debugger.doubleword(fib + PBA)?,
                        debugger.doubleword(fib + PAL)?,
                        debugger.doubleword(fib + IOTA)?,
                    ]);
                }
                debugger.answer(0, address + operands.length())?;
            }
            _ => {}
        }
    }
    Ok(judge(function.map(|(_, window)| window), &registered))
}

/// What is wrong with `registered`, which should be all of `window`, without tables.
fn judge(window: Option<Window>, registered: &[Window]) -> Vec<String> {
    let Some(window) = window else { return vec!["the kernel did not ask for the function".to_owned()] };
    if registered.is_empty() {
        return vec!["nothing was registered for the function".to_owned()];
    }
    let wrong = registered.iter().filter(|found| **found != window);
    wrong
        .map(|found| format!("registered are [PBA, PAL, IOTA] {found:#x?}, where CLP says {window:#x?} without tables"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_window_is_wanted_without_tables() {
        let window = [0x1_0000_0000, 0x1ff_ffff_ffff_ffff, 0];
        assert_eq!(judge(Some(window), &[window]), [""; 0]);
        assert_eq!(judge(Some(window), &[window, [window[0], 0x1_3fff_ffff, 0]]).len(), 1);
        assert_eq!(judge(Some(window), &[[window[0], window[1], 0x1000_0404]]).len(), 1);
        assert_eq!(judge(Some(window), &[]).len(), 1);
        assert_eq!(judge(None, &[window]).len(), 1);
    }
}
