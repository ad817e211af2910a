// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The commands of a list, whose answers are kept as they are.

use std::collections::BTreeSet;

use clp::field::{self, Order};
use clp::{
    query_pci_fn, Block, Client, ClientError, Clp, FunctionGroupId, FunctionHandle, ResponseCode, REQUEST_HEADER,
    RESPONSE_HEADER,
};

use super::recorder::Recorder;
use super::{Exchange, Wrong};

/// Issues the commands of `zpci list` to `machine`, and hands each with its answer to `take`: the characteristics of the
/// PCI processor, the list of functions, a query of each function and of each group that one of them names.
///
/// An answer that makes no sense ends nothing but the list. Where that ends so, functions with the handles `known`, such as
/// those that sysfs has, are queried too.
///
/// `refusal` is called behind each command. What it returns says why the system did not hand that to the machine: such a command
/// has no condition code.
///
/// # Errors
///
/// The first one of `take`; no more commands are issued then.
pub fn inquire<E>(
    machine: &impl Clp,
    refusal: impl Fn() -> Option<String>,
    known: &[FunctionHandle],
    mut take: impl FnMut(Exchange) -> Result<(), E>,
) -> Result<(), E> {
    let recorder = Recorder::new(machine, refusal);
    let mut give = |result: Result<(), ClientError>| {
        let mut exchanges = recorder.take();
        match (exchanges.last_mut(), result) {
            (_, Ok(())) => {}
            // What the system said comes first: the client cannot know of it.
            (Some(last), Err(error)) => {
                last.wrong.get_or_insert(Wrong::Client(error));
            }
            // What ends without a command, as a list does that never ends.
            (None, Err(error)) => {
                exchanges.push(Exchange { wrong: Some(Wrong::Client(error)), ..Exchange::default() });
            }
        }
        let groups: Vec<u8> = exchanges.iter().filter_map(group_of).collect();
        exchanges.into_iter().try_for_each(&mut take).map(|()| groups)
    };
    let mut block = Block::zeroed();
    let mut client = Client::new(&recorder, &mut block);

    give(client.characteristics().map(drop).map_err(ClientError::Call))?;

    let mut functions = Vec::new();
    let mut is_whole = true;
    let mut list = client.list();
    loop {
        match list.next() {
            Some(Ok(entry)) => {
                functions.push((Some(entry.id), entry.handle));
                give(Ok(()))?;
            }
            Some(Err(error)) => {
                is_whole = false;
                give(Err(error.into()))?;
            }
            None => break,
        }
    }
    // The last response may have no function in it.
    give(Ok(()))?;
    if !is_whole {
        let listed: BTreeSet<u32> = functions.iter().map(|(_, handle)| handle.0).collect();
        functions.extend(known.iter().filter(|handle| !listed.contains(&handle.0)).map(|handle| (None, *handle)));
    }

    let mut groups = BTreeSet::new();
    for (id, handle) in functions {
        let result = match id {
            Some(id) => client.query_listed(id, handle),
            None => client.query_function(handle),
        };
        groups.extend(give(result.map(drop))?);
    }
    for group in groups {
        give(client.query_function_group(FunctionGroupId(group)).map(drop).map_err(ClientError::Call))?;
    }
    Ok(())
}

/// The group in the answer to a query of a function, whatever else is wrong with that.
fn group_of(exchange: &Exchange) -> Option<u8> {
    let request = number(&exchange.bytes, REQUEST_HEADER.field("length")?)?;
    let command = number(&exchange.bytes, REQUEST_HEADER.field("command")?)?;
    let response = exchange.bytes.get(request as usize..)?;
    let code = number(response, RESPONSE_HEADER.field("code")?)?;
    let is_answer = exchange.condition == Some(0)
        && command == u64::from(clp::CommandCode::QUERY_PCI_FN.0)
        && code == u64::from(ResponseCode::OK.0);
    let group = number(response, query_pci_fn::RESPONSE.field("group_id")?)?;
    is_answer.then_some(group as u8)
}

fn number(bytes: &[u8], field: &field::Field) -> Option<u64> {
    field::number(Order::Big, bytes.get(field.offset..field.offset.checked_add(field.length)?)?)
}
