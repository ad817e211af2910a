// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions found by their identifier.

use crate::list::{pages_of, Page};
use crate::machine::{dirty_block, refusal, Command, Machine};
use crate::values::full_function;
use clp::{Client, ClientError, FunctionHandle, FunctionId, FunctionState, ListError, ListSummary};
use std::cell::Cell;

#[test]
fn found_on_any_page_or_not_at_all() {
    let functions: Vec<u32> = (0..600).map(|n| n * 3).collect();
    let machine = Machine::new(|command| Ok(pages_of(&functions, command, 16)));
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    for id in (0..1900).step_by(17) {
        let found = client.find(FunctionId(id)).unwrap();
        assert_eq!(found.map(|entry| entry.handle), functions.contains(&id).then_some(FunctionHandle(id)));
    }
}

#[test]
fn function_that_is_not_listed_is_reserved() {
    let machine = Machine::new(|_| {
        let mut bytes =
            Page { entries: vec![(1, 0x1014, 1), (2, 0x1014, 0x8000_0002), (3, 0x1014, 3)], ..Page::new([], 0) }
                .bytes();
        bytes[32 + 2 * 16 + 4] = 0;
        Ok(bytes)
    });
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    assert_eq!(client.state(FunctionId(1)), Ok(FunctionState::Configured));
    assert_eq!(client.state(FunctionId(2)), Ok(FunctionState::Enabled));
    assert_eq!(client.state(FunctionId(3)), Ok(FunctionState::Standby));
    assert_eq!(client.state(FunctionId(4)), Ok(FunctionState::Reserved));
    assert_eq!(client.current_handle(FunctionId(2)), Ok(FunctionHandle(0x8000_0002)));
    assert_eq!(client.current_handle(FunctionId(4)), Err(ClientError::Reserved(FunctionId(4))));
    assert_eq!(ClientError::Reserved(FunctionId(4)).to_string(), "function 0x00000004 is not listed");
}

#[test]
fn failure_to_list_is_not_absence() {
    let machine = Machine::new(|_| Ok(refusal(0x0106, 48)));
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    assert!(matches!(client.find(FunctionId(1)), Err(ListError::Call(_))));
    assert!(matches!(client.state(FunctionId(1)), Err(ListError::Call(_))));
    assert!(matches!(client.current_handle(FunctionId(1)), Err(ClientError::List(ListError::Call(_)))));
}

/// Linux compares the FID alone (`clp_find_pci`), and reads whether UIDs are unique from every list.
#[test]
fn entry_without_vendor_and_uid_checking() {
    for (flags, uid_checking) in [(0, false), (0xfe, false), (1, true), (0xff, true)] {
        let machine = Machine::new(|_| {
            let mut bytes = Page { entries: vec![(1, 0, 1), (2, 0x1014, 2)], ..Page::new([], 0) }.bytes();
            bytes[30] = flags;
            Ok(bytes)
        });
        let mut block = dirty_block();
        let mut client = Client::new(&machine, &mut block);
        let summary = Some(ListSummary { max_functions: 4096, uid_checking });
        for (id, handle) in [(1, Some(1)), (2, Some(2)), (3, None)] {
            let (entry, found) = client.find_with_summary(FunctionId(id)).unwrap();
            assert_eq!(entry.map(|entry| entry.handle), handle.map(FunctionHandle));
            assert_eq!(found, summary);
        }
        assert_eq!(client.list().count(), 1);
    }
}

#[test]
fn function_of_another_identifier() {
    let (bytes, function) = full_function();
    let machine = Machine::new(|_| Ok(bytes.clone()));
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    assert_eq!(client.query_listed(function.id, FunctionHandle(7)), Ok(function));
    let error = ClientError::OtherFunction(function.id);
    assert_eq!(client.query_listed(FunctionId(function.id.0 ^ 1), FunctionHandle(7)), Err(error));
    assert_eq!(error.to_string(), format!("query answered with function {}", function.id));
}

#[test]
fn lost_place_is_searched_again() {
    // The list loses its place `times` times, each time by new functions on its first page and an unknown token.
    let search = |times: u32| {
        let passes = Cell::new(0);
        let machine = Machine::new(|command: &Command| {
            Ok(match command.token() {
                0 if passes.get() == times => Page::new([0x99], 0).bytes(),
                0 => Page::new([passes.get()], 5).bytes(),
                _ => {
                    passes.set(passes.get() + 1);
                    refusal(0x010a, command.room as u16)
                }
            })
        });
        let mut block = dirty_block();
        Client::new(&machine, &mut block).find(FunctionId(0x99)).map(|entry| entry.map(|entry| entry.id.0))
    };
    for times in 0..=8 {
        assert_eq!(search(times), Ok(Some(0x99)));
    }
    assert_eq!(search(9), Err(ListError::TooManyRestarts));
}
