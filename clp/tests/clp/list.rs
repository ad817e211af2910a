// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Lists of any length, of any form, and lists that a machine should not answer with.

use crate::machine::{dirty_block, refusal, Command, Machine};
use clp::{
    CallError, Client, ConditionCode, FunctionHandle, FunctionId, List, ListCapacity, ListEntry, ListError,
    ListSummary, ResponseError, ResumeToken,
};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// Bytes of a response to LIST PCI: `entries` are FID, vendor, handle; `mangle` has the last word.
pub(crate) struct Page {
    pub(crate) entries: Vec<(u32, u16, u32)>,
    pub(crate) resume: u64,
    pub(crate) max_functions: u16,
    pub(crate) entry_size: u8,
}

impl Page {
    pub(crate) fn new(ids: impl IntoIterator<Item = u32>, resume: u64) -> Self {
        let entries = ids.into_iter().map(|id| (id, 0x1014, id)).collect();
        Self { entries, resume, max_functions: 4096, entry_size: 16 }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 32];
        let length = 32 + self.entries.len() * usize::from(self.entry_size);
        bytes[..2].copy_from_slice(&(length as u16).to_be_bytes());
        bytes[3] = 0x10;
        bytes[16..24].copy_from_slice(&self.resume.to_be_bytes());
        bytes[28..30].copy_from_slice(&self.max_functions.to_be_bytes());
        bytes[31] = self.entry_size;
        for (id, vendor, handle) in &self.entries {
            let mut entry = vec![0x04, 0xed];
            entry.extend(vendor.to_be_bytes());
            entry.extend([0x80, 0, 0, 0]);
            entry.extend(id.to_be_bytes());
            entry.extend(handle.to_be_bytes());
            entry.resize(usize::from(self.entry_size), 0xee);
            bytes.extend(&entry);
        }
        bytes
    }
}

/// Answers like QEMU: the token is the index of the next function, and one without a function there is not known.
pub(crate) fn pages_of(ids: &[u32], command: &Command, entry_size: u8) -> Vec<u8> {
    let start = command.token() as usize;
    if start > 0 && start >= ids.len() {
        return refusal(0x010a, command.room as u16);
    }
    let count = (command.room - 32) / usize::from(entry_size);
    let end = ids.len().min(start + count);
    let resume = if end == ids.len() { 0 } else { end as u64 };
    Page { entry_size, ..Page::new(ids[start..end].iter().copied(), resume) }.bytes()
}

fn ids(list: &mut List<'_, impl clp::Clp>) -> Result<Vec<u32>, ListError> {
    list.map(|entry| entry.map(|entry| entry.id.0)).collect()
}

#[test]
fn room_holds_what_it_says() {
    for count in 0..=u16::MAX {
        let expected = match count {
            0 => 48,
            1..=252 => 32 + 16 * count,
            _ => 4064,
        };
        assert_eq!(ListCapacity::entries(count).bytes(), expected);
    }
    assert_eq!(ListCapacity::MAX.bytes(), 4064);
}

#[test]
fn any_number_of_functions_in_any_room() {
    for number in [0, 1, 2, 3, 40, 251, 252, 253, 504, 505, 1000, 4095, 4096] {
        let functions: Vec<u32> = (0..number).map(|n| n * 7 + 3).collect();
        for room in [1, 2, 3, 5, 16, 100, 251, 252] {
            let machine = Machine::new(|command| Ok(pages_of(&functions, command, 16)));
            let mut block = dirty_block();
            let mut client = Client::new(&machine, &mut block);
            let mut list = client.list_with(ListCapacity::entries(room));
            assert_eq!(ids(&mut list).unwrap(), functions);
            assert_eq!(list.next(), None);
            assert_eq!(machine.log().len() as u32, number.div_ceil(room.into()).max(1));
        }
    }
}

#[test]
fn entries_larger_than_known() {
    let functions: Vec<u32> = (1..=100).collect();
    for entry_size in 16..=255 {
        let machine = Machine::new(|command| Ok(pages_of(&functions, command, entry_size)));
        let mut block = dirty_block();
        let mut client = Client::new(&machine, &mut block);
        assert_eq!(ids(&mut client.list()).unwrap(), functions);
    }
}

/// Linux divides by the size without a check.
#[test]
fn entries_smaller_than_known() {
    for entry_size in 0..16 {
        let machine = Machine::new(|_| {
            let mut bytes = Page::new([1, 2], 0).bytes();
            bytes[31] = entry_size;
            Ok(bytes)
        });
        let mut block = dirty_block();
        let mut client = Client::new(&machine, &mut block);
        let mut list = client.list();
        let error = ListError::EntrySize { entry_size };
        assert_eq!(list.next(), Some(Err(error)));
        assert_eq!(list.next(), None);
        assert_eq!(error.to_string(), format!("list with entries of {entry_size} bytes"));
    }
}

/// Linux subtracts 32 from the length without a check.
#[test]
fn lists_of_every_length() {
    let room = ListCapacity::entries(20);
    let mut page = Page::new(1..=20, 0).bytes();
    page.resize(352, 0xee);
    for length in 0..=u16::MAX {
        for entry_size in [16, 24] {
            page[..2].copy_from_slice(&length.to_be_bytes());
            page[31] = entry_size;
            let machine = Machine::new(|_| Ok(page.clone()));
            let mut block = dirty_block();
            let mut client = Client::new(&machine, &mut block);
            let mut list = client.list_with(room);
            let first = list.next();
            let call_error = |error| Some(Err(ListError::Call(CallError::Response(error))));
            match length {
                0..32 => assert_eq!(first, call_error(ResponseError::TooShort { required: 32, actual: length })),
                // Bytes that are no whole entry are none, as in Linux.
                32..=352 if length - 32 < u16::from(entry_size) => assert_eq!(first, None),
                32..=352 => {
                    assert_eq!(first.unwrap().unwrap().id, FunctionId(1));
                    assert_eq!(list.count(), usize::from((length - 32) / u16::from(entry_size)) - 1);
                    continue;
                }
                _ => assert_eq!(first, call_error(ResponseError::TooLong { offered: 352, actual: length })),
            }
            assert_eq!(list.next(), None);
        }
    }
}

#[test]
fn entries_without_vendor_are_left_out() {
    let machine = Machine::new(|command| {
        Ok(match command.token() {
            0 => Page { entries: vec![(1, 0, 1), (2, 0x1014, 2), (3, 0, 3)], ..Page::new([], 5) },
            5 => Page { entries: vec![(4, 0, 4)], ..Page::new([], 6) },
            _ => Page { entries: vec![(5, 0x1014, 0x8000_0005), (6, 0, 6)], ..Page::new([], 0) },
        }
        .bytes())
    });
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let entry = |id, handle| ListEntry {
        vendor: 0x1014,
        device: 0x04ed,
        configured: true,
        id: FunctionId(id),
        handle: FunctionHandle(handle),
    };
    let list: Result<Vec<_>, _> = client.list().collect();
    assert_eq!(list.unwrap(), [entry(2, 2), entry(5, 0x8000_0005)]);
    assert_eq!(machine.log().iter().map(Command::token).collect::<Vec<_>>(), [0, 5, 6]);
}

#[test]
fn summary_is_that_of_the_latest_response() {
    let machine = Machine::new(|command| {
        let mut bytes = Page::new([command.token() as u32 + 1], if command.token() == 0 { 1 } else { 0 }).bytes();
        bytes[30] = 0xfe | command.token() as u8;
        Ok(bytes)
    });
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let mut list = client.list();
    assert_eq!(list.summary(), None);
    for uid_checking in [false, true] {
        assert!(list.next().is_some());
        assert_eq!(list.summary(), Some(ListSummary { max_functions: 4096, uid_checking }));
    }
}

#[test]
fn token_that_stays_the_same() {
    let machine = Machine::new(|_| Ok(Page::new([1, 2], 0x77).bytes()));
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let mut list = client.list();
    let listed: Vec<_> = list.by_ref().collect();
    assert_eq!(listed.len(), 3, "the second response is refused as a whole");
    let error = ListError::NoProgress { token: ResumeToken(0x77) };
    assert_eq!(listed[2], Err(error));
    assert_eq!(error.to_string(), "list comes back to resume token 0x77");
    assert_eq!(list.next(), None);
    assert_eq!(machine.log().len(), 2);
}

#[test]
fn tokens_in_a_cycle() {
    for before in 0..40 {
        for cycle in 1..40 {
            let machine = Machine::new(|command| {
                let token = command.token() + 1;
                let next = if token > before + cycle { before + 1 } else { token };
                Ok(Page { max_functions: 0xffff, ..Page::new([7], next) }.bytes())
            });
            let mut block = dirty_block();
            let mut client = Client::new(&machine, &mut block);
            let last = client.list_with(ListCapacity::entries(1)).last().unwrap();
            assert!(matches!(last, Err(ListError::NoProgress { token }) if token.0 > before), "{last:?}");
            let calls = machine.log().len() as u64;
            assert!(calls <= 3 * (before + cycle) + 2, "{before} tokens, then a cycle of {cycle}: {calls} calls");
        }
    }
}

/// The error of a list, and the numbers of entries before it and of commands; a search fails with as many commands.
fn broken_list(capacity: ListCapacity, answer: impl Fn(&Command) -> Vec<u8>) -> (ListError, usize, usize) {
    let machine = Machine::new(|command| Ok(answer(command)));
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let mut list = client.list_with(capacity);
    let mut entries = 0;
    let error = loop {
        match list.next().unwrap() {
            Ok(_) => entries += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(list.next(), None);
    let calls = machine.log().len();
    if capacity == ListCapacity::MAX {
        assert_eq!(client.find(FunctionId(u32::MAX)), Err(error));
        assert_eq!(machine.log().len(), 2 * calls);
    }
    (error, entries, calls)
}

/// New tokens without end, with so many entries in each response.
fn endless(capacity: u16, entries_each: u32) -> (ListError, usize, usize) {
    broken_list(ListCapacity::entries(capacity), |command| {
        let first = command.token() as u32 * entries_each;
        Page::new(first..first + entries_each, command.token() + 1).bytes()
    })
}

const TOO_LONG: ListError = ListError::TooLong { functions: 65535 };

#[test]
fn list_without_end() {
    assert_eq!(endless(252, 252), (TOO_LONG, 260 * 252, 261));
    assert_eq!(endless(252, 100), (TOO_LONG, 655 * 100, 656));
    assert_eq!(endless(252, 1), (TOO_LONG, 65535, 65536));
    assert_eq!(endless(1, 1), (TOO_LONG, 65535, 65536));
    // A response without an entry counts as a full one.
    assert_eq!(endless(252, 0), (TOO_LONG, 0, 261));
    assert_eq!(endless(1, 0), (TOO_LONG, 0, 65536));
    assert_eq!(TOO_LONG.to_string(), "list does not end where one of 65535 functions would");
    assert_eq!(ListCapacity::MAX.max_commands(), 65536);
    assert_eq!(ListCapacity::entries(1).max_commands(), 65536);
}

/// Nothing says that a machine fills its responses.
#[test]
fn a_machine_that_stores_fewer_entries_than_it_could() {
    for (number, each) in [(300, 1), (300, 2), (4096, 1), (65535, 1)] {
        let machine = Machine::new(|command| {
            let start = command.token() as u32;
            let end = number.min(start + each);
            Ok(Page::new(start..end, if end == number { 0 } else { end.into() }).bytes())
        });
        let mut block = dirty_block();
        let mut client = Client::new(&machine, &mut block);
        assert!(ids(&mut client.list()).unwrap().into_iter().eq(0..number));
        assert_eq!(machine.log().len() as u32, number.div_ceil(each));
        let last = client.find(FunctionId(number - 1)).unwrap();
        assert_eq!(last.map(|entry| entry.handle), Some(FunctionHandle(number - 1)));
        assert_eq!(client.find(FunctionId(number)), Ok(None));
        assert_eq!(machine.log().len() as u32, 3 * number.div_ceil(each));
    }
}

/// As many functions as QEMU and Linux can have, one in each response, and a token that is lost as late and as often as
/// it may be.
#[test]
fn restarts_leave_enough_for_all_functions() {
    let losses = Cell::new(0);
    let machine = Machine::new(|command| {
        let id = command.token() as u32;
        if id == 4095 && losses.get() < 8 {
            losses.set(losses.get() + 1);
            return Ok(refusal(0x010a, command.room as u16));
        }
        Ok(Page::new([id], if id == 4095 { 0 } else { (id + 1).into() }).bytes())
    });
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    assert!(ids(&mut client.list()).unwrap().into_iter().eq(0..4096));
    assert_eq!(machine.log().len(), 9 * 4096);
    losses.set(0);
    assert_eq!(client.find(FunctionId(4096)), Ok(None));
}

/// Linux does not read it.
#[test]
fn number_of_functions_that_the_machine_can_have_does_not_matter() {
    let functions: Vec<u32> = (1..=600).collect();
    for max_functions in [0, 1, 599, 600, 0xffff] {
        let machine = Machine::new(|command| {
            let mut bytes = pages_of(&functions, command, 16);
            bytes[28..30].copy_from_slice(&u16::to_be_bytes(max_functions));
            Ok(bytes)
        });
        let mut block = dirty_block();
        let mut client = Client::new(&machine, &mut block);
        assert_eq!(ids(&mut client.list()).unwrap(), functions);
        assert_eq!(client.find(FunctionId(600)).unwrap().map(|entry| entry.id.0), Some(600));
    }
}

/// One bound holds for all passes together.
#[test]
fn restarts_do_not_multiply() {
    // A token becomes unknown after so many responses; in the second case the refusals, too, count as full responses.
    for (responses, entries, listed, calls) in [(60, 252, 60 * 252, 4 * 61 + 17), (30, 200, 30 * 200, 9 * 31)] {
        let lie = broken_list(ListCapacity::MAX, |command| match command.token() as u32 {
            token if token == responses => refusal(0x010a, command.room as u16),
            token => Page::new(token * entries..(token + 1) * entries, u64::from(token) + 1).bytes(),
        });
        let error = if entries == 252 { TOO_LONG } else { ListError::TooManyRestarts };
        assert_eq!(lie, (error, listed, calls));
    }
}

#[test]
fn empty_response_on_the_way_is_no_error() {
    let machine = Machine::new(|command| {
        Ok(match command.token() {
            0 => Page::new([1], 10),
            10 => Page::new([], 20),
            _ => Page::new([2], 0),
        }
        .bytes())
    });
    let mut block = dirty_block();
    assert_eq!(ids(&mut Client::new(&machine, &mut block).list()).unwrap(), [1, 2]);
}

/// A machine that loses functions while it is listed, with room for `room` entries at a time.
///
/// `lose` is called with the number of each command and the functions there are.
fn list_while(
    functions: &[u32],
    room: u16,
    lose: impl Fn(usize, &mut Vec<u32>),
) -> (Result<Vec<u32>, ListError>, usize) {
    let functions = RefCell::new(functions.to_vec());
    let calls = Cell::new(0);
    let machine = Machine::new(|command| {
        lose(calls.replace(calls.get() + 1), &mut functions.borrow_mut());
        // Tokens are the FID of the next function, so that they become unknown when it goes.
        let functions = functions.borrow();
        let start = match command.token() {
            0 => 0,
            token => match functions.iter().position(|&id| u64::from(id) == token) {
                Some(start) => start,
                None => return Ok(refusal(0x010a, command.room as u16)),
            },
        };
        let end = functions.len().min(start + (command.room - 32) / 16);
        let resume = functions.get(end).map_or(0, |&id| id.into());
        Ok(Page::new(functions[start..end].iter().copied(), resume).bytes())
    });
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let result = ids(&mut client.list_with(ListCapacity::entries(room)));
    (result, calls.get())
}

#[test]
fn unknown_token_goes_on_after_the_last_function() {
    // The function that the token stood for goes: nothing is listed twice, nothing else is lost.
    let (list, calls) = list_while(&[1, 2, 3, 4, 5, 6, 7], 2, |call, functions| {
        if call == 2 {
            functions.retain(|&id| id != 5);
        }
    });
    assert_eq!(list.unwrap(), [1, 2, 3, 4, 6, 7]);
    assert_eq!(calls, 3 + 3);
    // It happens again, while the place is looked for and after that.
    let (list, _) = list_while(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 2, |call, functions| match call {
        2 => functions.retain(|&id| id != 5),
        4 => functions.retain(|&id| id != 3),
        7 => functions.retain(|&id| id != 7),
        _ => {}
    });
    assert_eq!(list.unwrap(), [1, 2, 3, 4, 6, 8, 9]);
    // Functions before the place go, and the place moves forward.
    let (list, _) = list_while(&[1, 2, 3, 4, 5, 6], 1, |call, functions| {
        if call == 3 {
            functions.retain(|&id| id != 1 && id != 4);
        }
    });
    assert_eq!(list.unwrap(), [1, 2, 3, 5, 6]);
}

#[test]
fn every_single_loss_at_every_moment() {
    let functions = [10, 11, 12, 13, 14, 15, 16];
    for room in 1..=4 {
        for when in 0..8 {
            for &gone in &functions {
                let (list, _) = list_while(&functions, room, |call, functions| {
                    if call == when {
                        functions.retain(|&id| id != gone);
                    }
                });
                let list = list.unwrap();
                let listed: HashSet<u32> = list.iter().copied().collect();
                assert_eq!(listed.len(), list.len(), "twice: {list:?}");
                assert!(functions.iter().all(|id| *id == gone || listed.contains(id)), "lost: {list:?}");
            }
        }
    }
}

#[test]
fn unknown_token_and_the_last_function_gone() {
    let (list, _) = list_while(&[1, 2, 3, 4, 5], 2, |call, functions| {
        if call == 1 {
            functions.retain(|&id| id != 2 && id != 3);
        }
    });
    let error = ListError::PlaceLost { last: FunctionId(2) };
    assert_eq!(list, Err(error));
    assert_eq!(error.to_string(), "resume token of the list became unknown, and function 0x00000002 is gone");
    // No function was handed out yet: the start is the place.
    let machine = Machine::new({
        let mut calls = 0;
        move |_: &Command| {
            calls += 1;
            Ok(match calls {
                1 => Page { entries: vec![(0, 0, 0)], ..Page::new([], 9) }.bytes(),
                2 => refusal(0x010a, 48),
                _ => Page::new([1, 2], 0).bytes(),
            })
        }
    });
    let mut block = dirty_block();
    assert_eq!(ids(&mut Client::new(&machine, &mut block).list()).unwrap(), [1, 2]);
}

#[test]
fn nothing_comes_after_an_error_while_the_place_is_looked_for() {
    for (restarted, error) in [
        (Ok(Page::new([2], 0).bytes()), ListError::PlaceLost { last: FunctionId(1) }),
        (Err(ConditionCode::Three), ListError::Call(CallError::Condition(ConditionCode::Three))),
    ] {
        let mut answers = vec![Ok(Page::new([1], 5).bytes()), Ok(refusal(0x010a, 4064)), restarted].into_iter();
        let machine = Machine::new(|_| answers.next().unwrap());
        let mut block = dirty_block();
        let mut client = Client::new(&machine, &mut block);
        let mut list = client.list();
        assert_eq!(list.next().unwrap().unwrap().id, FunctionId(1));
        assert_eq!(list.next(), Some(Err(error)));
        assert_eq!(list.next(), None);
        assert_eq!(list.next(), None);
    }
}

#[test]
fn tokens_that_never_stay_known() {
    let machine = Machine::new(|command| {
        Ok(match command.token() {
            0 => Page::new([1], 5).bytes(),
            _ => refusal(0x010a, command.room as u16),
        })
    });
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let mut list = client.list();
    assert_eq!(list.next().unwrap().unwrap().id, FunctionId(1));
    assert_eq!(list.next(), Some(Err(ListError::TooManyRestarts)));
    assert_eq!(list.next(), None);
    // One pass and eight restarts, each of two commands.
    assert_eq!(machine.log().len(), 18);
    assert_eq!(ListError::TooManyRestarts.to_string(), "resume tokens of the list become unknown again and again");
}

#[test]
fn unknown_token_at_the_start_is_an_error() {
    let machine = Machine::new(|command| Ok(refusal(0x010a, command.room as u16)));
    let mut block = dirty_block();
    let error = Client::new(&machine, &mut block).list().next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "command refused: 0x010a (resume token not recognized)");
    assert_eq!(machine.log().len(), 1);
}

#[test]
fn failure_in_the_middle_ends_the_list() {
    let machine = Machine::new(|command| match command.token() {
        0 => Ok(Page::new([1], 5).bytes()),
        _ => Err(ConditionCode::Three),
    });
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    let mut list = client.list();
    assert_eq!(list.next().unwrap().unwrap().id, FunctionId(1));
    let error = ListError::Call(CallError::Condition(ConditionCode::Three));
    assert_eq!(list.next(), Some(Err(error)));
    assert_eq!(error.to_string(), "command not executed: condition code 3");
    assert_eq!(list.next(), None);
    assert_eq!(machine.log().len(), 2);
}
