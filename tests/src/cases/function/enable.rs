// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Handles, from enabled to disabled and back.

use clp::{
    CallError, Client, ClientError, Enable, EnableError, FunctionHandle, FunctionState, ResponseCode, ResponseError,
};

use super::subject::spare;
use crate::case::{ensure, fail, Stop};
use crate::machine::Machine;

/// The handle of the spare function, disabled.
fn disabled<M: Machine>(machine: &M, client: &mut Client<'_, M>) -> Result<FunctionHandle, Stop> {
    match client.ensure_disabled(spare(machine)?) {
        Ok(handle) => Ok(handle),
        Err(error) => fail!("disable: {error}"),
    }
}

fn enable<M: Machine>(client: &mut Client<'_, M>, handle: FunctionHandle) -> Result<FunctionHandle, Stop> {
    match client.enable(handle, Enable::PLAIN) {
        Ok(enabled) => Ok(enabled.handle),
        Err(error) => fail!("enable {handle}: {error}"),
    }
}

pub(super) fn enable_and_disable<M: Machine>(machine: &M) -> Result<(), Stop> {
    let id = spare(machine)?;
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    for _ in 0..3 {
        let handle = disabled(machine, &mut client)?;
        ensure!(handle.0 & 0x8000_0000, 0, "enable bit of the disabled handle");
        ensure!(client.state(id), Ok(FunctionState::Configured), "state after disable");
        let handle = enable(&mut client, handle)?;
        ensure!(handle.0 & 0x8000_0000, 0x8000_0000, "enable bit of the enabled handle");
        ensure!(client.state(id), Ok(FunctionState::Enabled), "state after enable");
        ensure!(client.current_handle(id), Ok(handle), "listed handle");
        if let Err(error) = client.disable(handle) {
            fail!("disable {handle}: {error}");
        }
    }
    Ok(())
}

/// An enabled function refuses to be enabled once more, with the code of QEMU or that of hardware.
pub(super) fn twice<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    let handle = disabled(machine, &mut client)?;
    let handle = enable(&mut client, handle)?;
    let again = client.enable(handle, Enable::PLAIN);
    disabled(machine, &mut client)?;
    match again.map_err(EnableError::response_code) {
        Err(Some(ResponseCode(0x0102 | 0x0105))) => Ok(()),
        other => fail!("second enable of {handle}: expected 0x0102 or 0x0105, found {other:?}"),
    }
}

/// The handle of before means nothing any more.
pub(super) fn old_handle<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    let old = disabled(machine, &mut client)?;
    enable(&mut client, old)?;
    let query = client.query_function(old);
    disabled(machine, &mut client)?;
    let refused = CallError::Response(ResponseError::Refused(ResponseCode(0x0101)));
    ensure!(query, Err(ClientError::Call(refused)), "query of the handle {old} of before");
    Ok(())
}
