// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Commands of user space: what /dev/clp lets through.

use core::ffi::c_void;

use clp::{
    immediate, list_pci, query_pci_fn, query_pci_fngrp, slpc, Block, Clp, Command, CommandCode, ConditionCode,
    LogicalProcessor, RequestHeader, WireRequest,
};
use zerocopy::FromBytes;

use crate::errno;
use crate::kernel::KernelClp;

/// Executes the command in `block` for logical processor `processor`, if it is one for user space.
///
/// Those are the queries, never one that changes a function. 0 when the instruction was executed, whatever the
/// response code; -EINVAL for a command that is not let through, with nothing issued; -EOPNOTSUPP.
///
/// # Safety
///
/// `block` must be a page that nobody else uses.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_user_call(processor: u8, block: *mut c_void) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let block = unsafe { &mut *block.cast::<Block>() };
    let processor = LogicalProcessor(processor);
    let Ok(mut command) = Command::new(block) else {
        return errno::EINVAL;
    };
    if !is_allowed(processor, command.request()) {
        return errno::EINVAL;
    }
    match KernelClp.call(processor, &mut command) {
        ConditionCode::Zero => 0,
        _ => errno::EOPNOTSUPP,
    }
}

/// Asks for the installed logical processors, bit 0 the highest: 0 or -EINVAL.
///
/// # Safety
///
/// `installed` must be valid, and is written on success only.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_user_installed(installed: *mut u64) -> i32 {
    match KernelClp.immediate(immediate::INSTALLED_PROCESSORS) {
        Ok(mask) => {
            // SAFETY: by the contract `installed` is valid.
            unsafe { installed.write(mask) };
            0
        }
        Err(_) => errno::EINVAL,
    }
}

/// Whether `request` is one of those that change nothing, exactly, with zeros where they have to be.
fn is_allowed(processor: LogicalProcessor, request: &[u8]) -> bool {
    let Ok((header, _)) = RequestHeader::read_from_prefix(request) else {
        return false;
    };
    match (processor, header.command()) {
        (LogicalProcessor::BASE | LogicalProcessor::PCI, CommandCode::STORE_CHARACTERISTICS) => {
            is_well_formed::<slpc::Request>(request)
        }
        (LogicalProcessor::PCI, CommandCode::LIST_PCI) => is_well_formed::<list_pci::Request>(request),
        (LogicalProcessor::PCI, CommandCode::QUERY_PCI_FN) => is_well_formed::<query_pci_fn::Request>(request),
        (LogicalProcessor::PCI, CommandCode::QUERY_PCI_FNGRP) => is_well_formed::<query_pci_fngrp::Request>(request),
        _ => false,
    }
}

fn is_well_formed<R: WireRequest>(request: &[u8]) -> bool {
    R::parse(request).is_ok_and(|request| request.check().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block that starts with a request, offers `room` bytes, and is 0xa5 elsewhere.
    fn block(request: &[u8], room: u16) -> Block {
        let mut block = Block::zeroed();
        let bytes = block.bytes_mut();
        bytes.fill(0xa5);
        bytes[..request.len()].copy_from_slice(request);
        bytes[request.len()..request.len() + 2].copy_from_slice(&room.to_be_bytes());
        block
    }

    fn request(command: u8, length: usize) -> [u8; 32] {
        let mut request = [0; 32];
        request[1] = length as u8;
        request[3] = command;
        request
    }

    fn allowed(processor: u8, block: &Block) -> bool {
        let mut block = block.clone();
        Command::new(&mut block).is_ok_and(|command| is_allowed(LogicalProcessor(processor), command.request()))
    }

    #[test]
    fn queries_are_let_through_and_nothing_else() {
        for command in 0..=255 {
            let block = block(&request(command, 32), 64);
            assert_eq!(allowed(2, &block), (2..=4).contains(&command), "command {command}");
            assert!(!allowed(0, &block), "command {command}");
            assert!(!allowed(1, &block), "command {command}");
        }
        let characteristics = block(&request(1, 16)[..16], 128);
        assert!(allowed(0, &characteristics) && allowed(2, &characteristics));
        assert!(!allowed(3, &characteristics));
    }

    #[test]
    fn the_response_stays_in_the_block() {
        assert!(allowed(2, &block(&request(2, 32), 4064)));
        assert!(!allowed(2, &block(&request(2, 32), 4065)));
        assert!(!allowed(2, &block(&request(2, 32), 0xffff)));
        assert!(allowed(0, &block(&request(1, 16)[..16], 4080)));
        assert!(!allowed(0, &block(&request(1, 16)[..16], 4081)));
    }

    #[test]
    fn lengths_and_reserved_fields() {
        assert!(!allowed(2, &block(&request(2, 16), 64)));
        assert!(!allowed(2, &block(&request(2, 33), 64)));
        // Format, reserved bits of the header, and reserved fields of each body; byte 19 is a group's identifier.
        for (command, zeros) in [(2, 24..32), (3, 20..32), (4, 16..19)] {
            for index in (4..16).chain(zeros) {
                let mut request = request(command, 32);
                request[index] = 1;
                assert!(!allowed(2, &block(&request, 64)), "command {command}, byte {index}");
            }
        }
        let mut group = request(4, 32);
        group[19] = 0xff;
        assert!(allowed(2, &block(&group, 64)));
    }
}
