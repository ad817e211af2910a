// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CLP: the list and the two queries. Nothing is changed.

use clp::{
    CallError, Client, FunctionGroupId, FunctionHandle, FunctionId, ListEntry, ListRoom, QueryError, ResponseCode,
    ResponseError,
};
use heapless::Vec;

use crate::case::{ensure, fail, skip, Case, Group, Stop};
use crate::machine::Machine;

/// More functions than any place in which the cases run has.
const MOST: usize = 128;

pub(super) const fn group<M: Machine>() -> Group<M> {
    Group {
        name: "clp",
        cases: &[
            Case { name: "list", run: list },
            Case { name: "list-one-at-a-time", run: list_one_at_a_time },
            Case { name: "find", run: find },
            Case { name: "query-function", run: query_function },
            Case { name: "query-group", run: query_group },
            Case { name: "unknown-handle", run: unknown_handle },
            Case { name: "unknown-group", run: unknown_group },
        ],
    }
}

/// A function as the list tells of it, in little storage: FID and handle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Listed {
    id: FunctionId,
    handle: FunctionHandle,
}

/// All functions of a machine.
type List = Vec<Listed, MOST>;

impl From<ListEntry> for Listed {
    fn from(entry: ListEntry) -> Self {
        Self { id: entry.id, handle: entry.handle }
    }
}

/// Adds every function to `entries`.
fn listed<M: Machine>(machine: &M, room: ListRoom, entries: &mut List) -> Result<(), Stop> {
    let mut block = machine.block();
    for entry in Client::new(machine, &mut block).list_with_room(room) {
        match entry {
            Ok(entry) => {
                if entries.push(entry.into()).is_err() {
                    fail!("more than {MOST} functions");
                }
            }
            Err(error) => fail!("list with room for {} bytes: {error}", room.bytes()),
        }
    }
    Ok(())
}

/// FID and handle name one function each.
fn list<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut entries = List::new();
    listed(machine, ListRoom::MAX, &mut entries)?;
    for (index, entry) in entries.iter().enumerate() {
        for other in entries.iter().skip(index.saturating_add(1)) {
            ensure!(other.id == entry.id, false, "two functions with FID {}", entry.id);
            ensure!(other.handle == entry.handle, false, "two functions with handle {}", entry.handle);
        }
    }
    Ok(())
}

/// Room for one entry makes the machine answer in as many responses as it has functions.
fn list_one_at_a_time<M: Machine>(machine: &M) -> Result<(), Stop> {
    let (mut at_once, mut entries) = (List::new(), List::new());
    listed(machine, ListRoom::MAX, &mut at_once)?;
    for room in [1, 2, 3] {
        entries.clear();
        listed(machine, ListRoom::entries(room), &mut entries)?;
        ensure!(entries.len(), at_once.len(), "functions in responses of {room}");
        for (entry, expected) in entries.iter().zip(&at_once) {
            ensure!(entry, expected, "function in a response of {room}");
        }
    }
    Ok(())
}

fn find<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut entries = List::new();
    listed(machine, ListRoom::MAX, &mut entries)?;
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    for entry in &entries {
        match client.find(entry.id) {
            Ok(found) => ensure!(found.map(Listed::from), Some(*entry), "function with FID {}", entry.id),
            Err(error) => fail!("find FID {}: {error}", entry.id),
        }
    }
    let absent = (0..=u32::MAX).rev().map(FunctionId).find(|id| entries.iter().all(|entry| entry.id != *id));
    if let Some(absent) = absent {
        ensure!(client.find(absent), Ok(None), "function with FID {absent}, which no function has");
    }
    Ok(())
}

/// The query agrees with the list, and its addresses make sense.
fn query_function<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut entries = List::new();
    listed(machine, ListRoom::MAX, &mut entries)?;
    if entries.is_empty() {
        skip!("no function");
    }
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    for entry in &entries {
        match client.query_function(entry.handle) {
            Ok(function) => {
                ensure!(function.id, entry.id, "FID of the function with handle {}", entry.handle);
                ensure!(function.start_dma % 0x1000, 0, "start of the DMA addresses of FID {}", entry.id);
            }
            Err(error) => fail!("query of {}: {error}", entry.handle),
        }
    }
    Ok(())
}

/// Every function's group exists, and a function of it can translate.
fn query_group<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut entries = List::new();
    listed(machine, ListRoom::MAX, &mut entries)?;
    if entries.is_empty() {
        skip!("no function");
    }
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    for entry in &entries {
        let group = match client.query_function(entry.handle) {
            Ok(function) => function.group,
            Err(error) => fail!("query of {}: {error}", entry.handle),
        };
        match client.query_function_group(group) {
            Ok(group) => {
                let types = group.designation_types;
                ensure!([1, 2, 3].into_iter().any(|dt| types.supports(dt)), true, "region tables among {types:?}");
            }
            Err(error) => fail!("query of group {group}: {error}"),
        }
    }
    Ok(())
}

fn refused(code: u16) -> CallError {
    CallError::Response(ResponseError::Refused(ResponseCode(code)))
}

fn unknown_handle<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut entries = List::new();
    listed(machine, ListRoom::MAX, &mut entries)?;
    let unknown = [0xdead_beef, 0x7fff_ffff, 0xffff_ffff].map(FunctionHandle);
    let mut unknown = unknown.into_iter().filter(|handle| entries.iter().all(|entry| entry.handle != *handle));
    let Some(unknown) = unknown.next() else {
        skip!("functions have all the handles that no function should have");
    };
    let mut block = machine.block();
    let answer = Client::new(machine, &mut block).query_function(unknown);
    ensure!(answer, Err(QueryError::Call(refused(0x0101))), "query of {unknown}");
    Ok(())
}

fn unknown_group<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    // QEMU makes groups from 0xf0 up on its own.
    let refusals = (1..0xf0).filter(|id| client.query_function_group(FunctionGroupId(*id)) == Err(refused(0x010b)));
    ensure!(refusals.count() > 0, true, "a group that does not exist is refused with 0x010b");
    Ok(())
}
