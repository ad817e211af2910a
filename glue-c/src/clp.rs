// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Listing, querying, enabling and disabling functions.

use core::ffi::c_void;

use ::clp::set_pci_fn::{Operation, Request};
use ::clp::{
    Block, CallError, Client, CommandCode, ConditionCode, FunctionHandle, FunctionId, ListError, QueryError, SetError,
};

use crate::errno;
use crate::function::ForeignFunction;
use crate::kernel::{self, KernelClp};

/// Hands every function of the machine to `zpci_rust_listed`, with `context`; 0 or -EIO.
///
/// # Safety
///
/// `block` must be a page that nobody else uses; `context` must be what `zpci_rust_listed` expects.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_list(block: *mut Block, context: *mut c_void) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block });
    let mut list = client.list();
    let mut told = None;
    loop {
        let entry = list.next();
        // C is told once, and again if a later response says something else.
        let uid_checking = list.summary().map(|summary| summary.uid_checking);
        if let Some(on) = uid_checking.filter(|_| uid_checking != told) {
            kernel::uid_checking(on);
            told = uid_checking;
        }
        match entry {
            // SAFETY: by the contract `context` is what C expects.
            Some(Ok(entry)) => unsafe { kernel::listed(context, &entry) },
            Some(Err(error)) => return list_failed(error),
            None => return 0,
        }
    }
}

/// Finds the function with identifier `id`: its handle and state (0 standby, 1 configured); 0, -ENODEV or -EIO.
///
/// # Safety
///
/// `block` must be a page that nobody else uses; `handle` and `configured` must be valid.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_find(block: *mut Block, id: u32, handle: *mut u32, configured: *mut bool) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block });
    match client.find(FunctionId(id)) {
        Ok(Some(entry)) => {
            // SAFETY: by the contract both are valid.
            unsafe {
                handle.write(entry.handle.0);
                configured.write(entry.configured);
            }
            0
        }
        Ok(None) => errno::ENODEV,
        Err(error) => list_failed(error),
    }
}

/// Queries the function with `handle`, and its group; 0 or -EIO.
///
/// # Safety
///
/// `block` must be a page that nobody else uses; `function` must be valid, and is written on success only.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_query(block: *mut Block, handle: u32, function: *mut ForeignFunction) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block });
    let handle = FunctionHandle(handle);
    let queried = match client.query_function(handle) {
        Ok(queried) => queried,
        Err(QueryError::Call(error)) => return call_failed(CommandCode::QUERY_PCI_FN, error),
        Err(_) => return refused(CommandCode::QUERY_PCI_FN),
    };
    let group = match client.query_function_group(queried.group) {
        Ok(group) => group,
        Err(error) => return call_failed(CommandCode::QUERY_PCI_FNGRP, error),
    };
    // SAFETY: by the contract `function` is valid.
    unsafe { function.write(ForeignFunction::of(&queried, &group, handle)) };
    0
}

/// Enables the function with `handle`, with mapped I/O where `mio` says so: both or nothing.
///
/// 0, and the new handle in `enabled`; a positive response code; -EIO. May sleep.
///
/// # Safety
///
/// `block` must be a page that nobody else uses; `enabled` must be valid, and is written on success only.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_enable(
    block: *mut Block,
    handle: u32,
    spaces: u8,
    gisa: u32,
    mio: bool,
    enabled: *mut u32,
) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block });
    let request = |handle: FunctionHandle, operation: Operation| Request {
        dma_address_spaces: spaces,
        gisa: gisa.into(),
        ..Request::new(handle, operation)
    };
    let mut new = match set(&mut client, &request(FunctionHandle(handle), Operation::ENABLE)) {
        Ok(new) => new,
        Err(code) => return code,
    };
    if mio {
        new = match set(&mut client, &request(new, Operation::ENABLE_MIO)) {
            Ok(new) => new,
            Err(code) => {
                // The first failure is what the caller has to know; a second one was recorded.
                let _ = set(&mut client, &Request::new(new, Operation::DISABLE));
                return code;
            }
        };
    }
    // SAFETY: by the contract `enabled` is valid.
    unsafe { enabled.write(new.0) };
    0
}

/// Disables the function with `handle`.
///
/// 0, and the new handle in `disabled`; a positive response code; -EIO. May sleep.
///
/// # Safety
///
/// `block` must be a page that nobody else uses; `disabled` must be valid, and is written on success only.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_disable(block: *mut Block, handle: u32, disabled: *mut u32) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block });
    match set(&mut client, &Request::new(FunctionHandle(handle), Operation::DISABLE)) {
        Ok(new) => {
            // SAFETY: by the contract `disabled` is valid.
            unsafe { disabled.write(new.0) };
            0
        }
        Err(code) => code,
    }
}

/// Asks which bit makes an address for mapped I/O one for write-back: its position, bit 0 the highest; 64 if there is
/// none; -EIO.
///
/// # Safety
///
/// `block` must be a page that nobody else uses.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_write_back(block: *mut Block) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block });
    match client.characteristics() {
        Ok(found) => found.write_back_position.map_or(64, i32::from),
        Err(error) => call_failed(CommandCode::STORE_CHARACTERISTICS, error),
    }
}

/// One SET PCI FN; the new handle, or the number for C.
fn set(client: &mut Client<'_, KernelClp>, request: &Request) -> Result<FunctionHandle, i32> {
    match client.set(request, kernel::pause_set) {
        Ok(received) => Ok(FunctionHandle(received.response().handle.get())),
        Err(error) => Err(match error.response_code() {
            Some(code) => {
                kernel::record(CommandCode::SET_PCI_FN, code.0, ConditionCode::Zero);
                i32::from(code.0)
            }
            None => match error {
                SetError::Call(error) => call_failed(CommandCode::SET_PCI_FN, error),
                _ => refused(CommandCode::SET_PCI_FN),
            },
        }),
    }
}

fn list_failed(error: ListError) -> i32 {
    match error {
        ListError::Call(error) => call_failed(CommandCode::LIST_PCI, error),
        _ => refused(CommandCode::LIST_PCI),
    }
}

fn call_failed(command: CommandCode, error: CallError) -> i32 {
    let condition = match error {
        CallError::Condition(condition) => condition,
        _ => ConditionCode::Zero,
    };
    kernel::record(command, error.response_code().map_or(0, |code| code.0), condition);
    errno::EIO
}

/// The machine said that all went well, and answered something that cannot be.
fn refused(command: CommandCode) -> i32 {
    kernel::record(command, 0, ConditionCode::Zero);
    errno::EIO
}
