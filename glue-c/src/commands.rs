// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Listing, querying, enabling and disabling functions.

use core::ffi::c_void;

use clp::{
    Block, CallError, Client, ClientError, CommandCode, ConditionCode, Enable, FunctionHandle, FunctionId, Leftover,
    ListError, ResponseCode, SetError,
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
pub unsafe extern "C" fn zpci_rust_list(block: *mut c_void, context: *mut c_void) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block.cast::<Block>() });
    let mut list = client.list();
    let mut reported = None;
    loop {
        let entry = list.next();
        // Reported once, and again if a later response differs.
        let uid_checking = list.summary().map(|summary| summary.uid_checking);
        if let Some(on) = uid_checking.filter(|_| uid_checking != reported) {
            kernel::uid_checking(on);
            reported = uid_checking;
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
/// Reports to C whether UIDs are unique, as every list does. Does not sleep, and what a machine answers makes it issue
/// 65,536 commands at most: C calls it with a spinlock held.
///
/// # Safety
///
/// `block` must be a page that nobody else uses; `handle` and `configured` must be valid.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_find(block: *mut c_void, id: u32, handle: *mut u32, configured: *mut bool) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block.cast::<Block>() });
    let (entry, summary) = match client.find_with_summary(FunctionId(id)) {
        Ok(found) => found,
        Err(error) => return list_failed(error),
    };
    if let Some(summary) = summary {
        kernel::uid_checking(summary.uid_checking);
    }
    match entry {
        Some(entry) => {
            // SAFETY: by the contract both are valid.
            unsafe {
                handle.write(entry.handle.0);
                configured.write(entry.configured);
            }
            0
        }
        None => errno::ENODEV,
    }
}

/// Queries the function with `handle`, which was listed as `id`, and its group; 0 or -EIO.
///
/// # Safety
///
/// `block` must be a page that nobody else uses; `function` must be valid, and is written on success only.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_query(
    block: *mut c_void,
    id: u32,
    handle: u32,
    function: *mut ForeignFunction,
) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block.cast::<Block>() });
    let handle = FunctionHandle(handle);
    let queried = match client.query_listed(FunctionId(id), handle) {
        Ok(queried) => queried,
        Err(ClientError::Call(error)) => return call_failed(CommandCode::QUERY_PCI_FN, error),
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
/// 0; a response code or a condition code, both positive; -EIO. `now` receives the handle that the function has afterwards, also on failure: one
/// with the enable bit only if the function may be enabled all the same. May sleep.
///
/// # Safety
///
/// `block` must be a page that nobody else uses; `now` must be valid, and is always written.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_enable(
    block: *mut c_void,
    handle: u32,
    spaces: u8,
    gisa: u32,
    mio: bool,
    now: *mut u32,
) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block.cast::<Block>() });
    let (rc, after) = match client.enable(FunctionHandle(handle), Enable { spaces, gisa, mio }) {
        Ok(enabled) => (0, enabled.handle.0),
        Err(error) => {
            let rc = set_failed(error.error);
            let after = match error.function {
                Leftover::Unchanged => handle,
                Leftover::Disabled(disabled) => disabled.0,
                Leftover::MaybeEnabled { handle, error } => {
                    // The first failure is what the caller has to know; this one is recorded.
                    set_failed(error);
                    handle.0
                }
            };
            (rc, after)
        }
    };
    // SAFETY: by the contract `now` is valid.
    unsafe { now.write(after) };
    rc
}

/// Disables the function with `handle`.
///
/// 0, and the new handle in `disabled`; a response code or a condition code, both positive; -EIO. May sleep.
///
/// # Safety
///
/// `block` must be a page that nobody else uses; `disabled` must be valid, and is written on success only.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_disable(block: *mut c_void, handle: u32, disabled: *mut u32) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block.cast::<Block>() });
    match client.disable(FunctionHandle(handle)) {
        Ok(new) => {
            // SAFETY: by the contract `disabled` is valid.
            unsafe { disabled.write(new.0) };
            0
        }
        Err(error) => set_failed(error),
    }
}

/// Asks which bit makes an address for mapped I/O one for write-back: its position, bit 0 the highest; 64 if there is
/// none; -EIO.
///
/// # Safety
///
/// `block` must be a page that nobody else uses.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_write_back(block: *mut c_void) -> i32 {
    // SAFETY: by the contract `block` is a page, and a block may have any contents.
    let mut client = Client::new(&KernelClp, unsafe { &mut *block.cast::<Block>() });
    match client.characteristics() {
        Ok(found) => found.write_back_position.map_or(64, i32::from),
        Err(error) => call_failed(CommandCode::STORE_CHARACTERISTICS, error),
    }
}

/// Records a SET PCI FN that failed; the number for C, which is never 0.
fn set_failed(error: SetError) -> i32 {
    match (error.response_code(), error) {
        (Some(code @ ResponseCode(1..)), _) => {
            kernel::record(CommandCode::SET_PCI_FN, code.0, ConditionCode::Zero);
            i32::from(code.0)
        }
        (_, SetError::Call(error)) => {
            let failed = call_failed(CommandCode::SET_PCI_FN, error);
            match error {
                CallError::Condition(condition) if condition != ConditionCode::Zero => condition as i32,
                _ => failed,
            }
        }
        _ => refused(CommandCode::SET_PCI_FN),
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

/// Records a command that was answered OK, with a response that makes no sense.
fn refused(command: CommandCode) -> i32 {
    kernel::record(command, 0, ConditionCode::Zero);
    errno::EIO
}
