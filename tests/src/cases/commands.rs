// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CLP: the list and the two queries, and what no list has. Nothing is changed.
//!
//! No case stores a list, so that a machine may have any number of functions: where one is compared with another, the
//! machine is asked twice, with a block for each.

use clp::{
    CallError, Client, ClientError, ConditionCode, FunctionGroupId, FunctionHandle, FunctionId, ListCapacity,
    ListEntry, ListError, ResponseCode, ResponseError,
};
use s390_iommu::{Iova, IovaRange};

use crate::case::{ensure, fail, skip, Case, Group, Stop};
use crate::machine::Machine;

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

/// The entry, or a failure of the case.
fn listed(entry: Result<ListEntry, ListError>) -> Result<ListEntry, Stop> {
    match entry {
        Ok(entry) => Ok(entry),
        Err(error) => fail!("list: {error}"),
    }
}

/// Runs `check` for every function, while the list is under way; returns how many there are.
fn each<M: Machine>(machine: &M, mut check: impl FnMut(ListEntry) -> Result<(), Stop>) -> Result<u32, Stop> {
    let mut block = machine.block();
    let mut functions = 0_u32;
    for entry in Client::new(machine, &mut block).list() {
        check(listed(entry)?)?;
        functions = functions.saturating_add(1);
    }
    Ok(functions)
}

/// As [`each`], for a case that needs a function.
fn each_of_some<M: Machine>(machine: &M, check: impl FnMut(ListEntry) -> Result<(), Stop>) -> Result<(), Stop> {
    match each(machine, check)? {
        0 => skip!("no function"),
        _ => Ok(()),
    }
}

/// The first of `candidates` that no function has; `of` is what is compared.
fn absent<M: Machine, T: Copy + PartialEq>(
    machine: &M,
    candidates: impl IntoIterator<Item = T>,
    of: impl Fn(ListEntry) -> T,
) -> Result<Option<T>, Stop> {
    for candidate in candidates {
        let mut taken = false;
        each(machine, |entry| {
            taken |= of(entry) == candidate;
            Ok(())
        })?;
        if !taken {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// FID and handle name one function each.
fn list<M: Machine>(machine: &M) -> Result<(), Stop> {
    each(machine, |entry| {
        let (mut same_id, mut same_handle) = (0_u32, 0_u32);
        each(machine, |other| {
            same_id = same_id.saturating_add(u32::from(other.id == entry.id));
            same_handle = same_handle.saturating_add(u32::from(other.handle == entry.handle));
            Ok(())
        })?;
        if same_id != 1 {
            fail!("{same_id} functions with FID {}", entry.id);
        }
        if same_handle != 1 {
            fail!("{same_handle} functions with handle {}", entry.handle);
        }
        Ok(())
    })?;
    Ok(())
}

/// Capacity for one entry makes the machine answer in as many responses as it has functions.
fn list_one_at_a_time<M: Machine>(machine: &M) -> Result<(), Stop> {
    for capacity in [1, 2, 3] {
        let mut block = machine.block();
        let mut client = Client::new(machine, &mut block);
        let mut entries = client.list_with(ListCapacity::entries(capacity));
        each(machine, |expected| {
            let entry = entries.next().map(listed).transpose()?;
            ensure!(entry, Some(expected), "function in a response of {capacity}");
            Ok(())
        })?;
        let further = entries.next().map(listed).transpose()?;
        ensure!(further, None, "function behind all others in responses of {capacity}");
    }
    Ok(())
}

fn find<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    each(machine, |entry| {
        match client.find(entry.id) {
            Ok(found) => ensure!(found, Some(entry), "function with FID {}", entry.id),
            Err(error) => fail!("find FID {}: {error}", entry.id),
        }
        Ok(())
    })?;
    let ids = (0..=u32::MAX).rev().map(FunctionId);
    if let Some(absent) = absent(machine, ids, |entry| entry.id)? {
        ensure!(client.find(absent), Ok(None), "function with FID {absent}, which no function has");
    }
    Ok(())
}

/// The query agrees with the list, and its addresses make sense.
fn query_function<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    each_of_some(machine, |entry| {
        match client.query_listed(entry.id, entry.handle) {
            Ok(function) => {
                ensure!(function.start_dma % 0x1000, 0, "start of the DMA addresses of FID {}", entry.id);
            }
            Err(error) => fail!("query of {}, which is FID {}: {error}", entry.handle, entry.id),
        }
        Ok(())
    })
}

/// Every function's group exists, and a function of it can translate.
fn query_group<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    each_of_some(machine, |entry| {
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
        Ok(())
    })
}

fn refused(code: u16) -> CallError {
    CallError::Response(ResponseError::Refused(ResponseCode(code)))
}

fn unknown_handle<M: Machine>(machine: &M) -> Result<(), Stop> {
    let handles = [0xdead_beef, 0x7fff_ffff, 0xffff_ffff].map(FunctionHandle);
    let Some(unknown) = absent(machine, handles, |entry| entry.handle)? else {
        skip!("functions have all the handles that no function should have");
    };
    let mut block = machine.block();
    let answer = Client::new(machine, &mut block).query_function(unknown);
    ensure!(answer, Err(ClientError::Call(refused(0x0101))), "query of {unknown}");
    // The lowest handles are the first that a machine gives away, also to what has no device yet and is in no list.
    for handle in (0..16).map(FunctionHandle) {
        if let Some(unlisted) = absent(machine, [handle], |entry| entry.handle)? {
            let outcome = machine.rpcit(unlisted, IovaRange::page(Iova::new(0x1_0000_0000)));
            ensure!(outcome.cc, ConditionCode::Three, "refresh for {unlisted}");
        }
    }
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
