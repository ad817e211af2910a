// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions found by their identifier.

use crate::list::{pages_of, Page};
use crate::machine::{dirty_block, refusal, Command, Machine};
use clp::{Client, FindError, FunctionHandle, FunctionId, FunctionState, ListError};
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
    assert_eq!(client.refresh_handle(FunctionId(2)), Ok(FunctionHandle(0x8000_0002)));
    assert_eq!(client.refresh_handle(FunctionId(4)), Err(FindError::Reserved(FunctionId(4))));
    assert_eq!(FindError::Reserved(FunctionId(4)).to_string(), "function 0x00000004 is not listed");
}

#[test]
fn failure_to_list_is_not_absence() {
    let machine = Machine::new(|_| Ok(refusal(0x0106, 48)));
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    assert!(matches!(client.find(FunctionId(1)), Err(ListError::Call(_))));
    assert!(matches!(client.state(FunctionId(1)), Err(ListError::Call(_))));
    assert!(matches!(client.refresh_handle(FunctionId(1)), Err(FindError::List(ListError::Call(_)))));
}

#[test]
fn lost_place_is_searched_again() {
    // The list loses its place `times` times, each time by new functions on its first page and an unknown token.
    let search = |times: u32| {
        let commands = Cell::new(0);
        let machine = Machine::new(|command: &Command| {
            let number = commands.replace(commands.get() + 1);
            Ok(match command.token() {
                0 if number >= 3 * times => Page::new([0x99], 0).bytes(),
                0 if number % 3 == 2 => Page::new([number], 0).bytes(),
                0 => Page::new([number], 5).bytes(),
                _ => refusal(0x010a, command.room as u16),
            })
        });
        let mut block = dirty_block();
        Client::new(&machine, &mut block).find(FunctionId(0x99)).map(|entry| entry.map(|entry| entry.id.0))
    };
    for times in 0..=8 {
        assert_eq!(search(times), Ok(Some(0x99)));
    }
    assert_eq!(search(9), Err(ListError::PlaceLost { last: FunctionId(24) }));
}
