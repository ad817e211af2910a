// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Machines and guests that answer and ask anything: nothing panics, and everything ends.

use clp::{
    list_pci, query_pci_fn, query_pci_fngrp, set_pci_fn, slpc, Block, Client, Clp, Command, ConditionCode, Enable,
    Function, FunctionGroupId, FunctionHandle, FunctionId, ListCapacity, LogicalProcessor, Parts, Received,
    WireRequest,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::cell::Cell;

/// A machine that overwrites all of the block, its request too, with one of several pages after the other.
struct Anything {
    pages: Vec<Vec<u8>>,
    condition: u8,
    calls: Cell<usize>,
}

impl Clp for Anything {
    fn call(&self, _: LogicalProcessor, block: &mut Command<'_>) -> ConditionCode {
        let number = self.calls.replace(self.calls.get() + 1);
        let page = &self.pages[number % self.pages.len()];
        block.bytes_mut().copy_from_slice(page);
        // Tokens that do not repeat make a list as long as it can get.
        if block.bytes()[3] & 1 != 0 {
            block.bytes_mut()[48..56].copy_from_slice(&(number as u64 + 1).to_be_bytes());
        }
        match self.condition {
            1 => ConditionCode::One,
            2 => ConditionCode::Two,
            3 => ConditionCode::Three,
            _ => ConditionCode::Zero,
        }
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        Ok(command)
    }

    fn pause(&self, busy: u32) -> bool {
        busy < 10
    }
}

/// A page of anything, in most cases with headers that let a client go on to look at the rest.
fn page() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![6 => Just(0x0010), 1 => Just(0x0108), 1 => Just(0x010a), 1 => any::<u16>()];
    let length = prop_oneof![
        2 => any::<u16>(),
        4 => (0..256u16).prop_map(|n| 32 + 16 * n),
        1 => prop_oneof![Just(32), Just(64), Just(128), Just(160), Just(192), Just(384)],
    ];
    let entry_size = prop_oneof![4 => Just(16), 1 => any::<u8>()];
    (vec(any::<u8>(), 4096), code, length, entry_size, any::<bool>()).prop_map(
        |(mut page, code, length, entry_size, sensible)| {
            // The response to a request of 16 bytes starts at 16, all others at 32.
            for start in [16, 32] {
                page[start..start + 2].copy_from_slice(&length.to_be_bytes());
                page[start + 2..start + 4].copy_from_slice(&code.to_be_bytes());
            }
            if sensible {
                page[32 + 31] = entry_size;
                page[32 + 24..32 + 30].iter_mut().for_each(|byte| *byte &= 0x3f);
            }
            page
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn machine_that_answers_anything(
        pages in vec(page(), 1..6),
        condition in prop_oneof![9 => Just(0u8), 1 => 1..4u8],
        room in 0..300u16,
        handle: u32,
    ) {
        let machine = Anything { pages, condition, calls: Cell::new(0) };
        let mut block = Block::zeroed();
        let mut client = Client::new(&machine, &mut block);
        let calls = |limit: usize| {
            let calls = machine.calls.replace(0);
            assert!(calls <= limit, "{calls} calls");
        };
        let capacity = ListCapacity::entries(room);
        let entries = client.list_with(capacity).count();
        prop_assert!(entries <= 0xffff + 252);
        let of_list = capacity.max_commands() as usize;
        calls(of_list);
        let handle = FunctionHandle(handle);
        let _ = client.query_function(handle);
        let _ = client.query_function_group(FunctionGroupId(handle.0 as u8));
        let _ = client.characteristics();
        let _ = client.installed_processors().map(|processors| processors.iter().count());
        calls(3);
        let _ = client.enable(handle, Enable::PLAIN);
        calls(4 * 10);
        let _ = client.disable(handle);
        let _ = client.disable_mio(handle);
        calls(2 * 10);
        let _ = client.enable(handle, Enable { mio: true, ..Enable::PLAIN });
        calls(5 * 10);
        let id = FunctionId(handle.0);
        let _ = client.find(id);
        calls(of_list);
        let _ = client.ensure_enabled(id);
        calls(4 * (of_list + 4 * 10));
        let _ = client.ensure_disabled(id);
        calls(4 * (of_list + 10));
    }

    #[test]
    fn responses_of_anything(page in page(), start in 0..4096usize) {
        for bytes in [&page[start..], &page[32..], &page[16..], &page[..start]] {
            if let Ok(received) = Received::<query_pci_fn::Response>::parse(bytes) {
                if let Ok(function) = Function::decode(&received) {
                    // What was understood is written as it was, and reads the same.
                    let mut room = vec![0xa5; 384];
                    let length = clp::WireResponse::emit(&function.encode().unwrap(), &mut room).unwrap();
                    let again = Received::parse(&room[..usize::from(length)]).unwrap();
                    prop_assert_eq!(Function::decode(&again), Ok(function));
                    let _ = function.utility_string.map(|text| text.to_string());
                }
            }
            let _ = Received::<query_pci_fngrp::Response>::parse(bytes).map(|received| {
                let group = clp::FunctionGroup::decode(&received);
                let interval = group.encode().map(|response| response.measurement_interval.get());
                assert_eq!(interval, Ok(group.measurement_interval_ms));
            });
            let _ = Received::<slpc::Response>::parse(bytes);
            let _ = Received::<set_pci_fn::Response>::parse(bytes);
            let _ = Received::<list_pci::Response>::parse(bytes);
        }
    }

    #[test]
    fn requests_of_anything(mut page in page(), command in 0..8u16, request in 0..12u16) {
        page[..2].copy_from_slice(&(8 * request).to_be_bytes());
        page[2..4].copy_from_slice(&command.to_be_bytes());
        if let Ok(parts) = Parts::split(&mut page) {
            prop_assert!(parts.request.len() >= 16 && parts.response.len() >= 8);
            let _ = list_pci::Request::parse(parts.request).map(|request| request.check());
            let _ = query_pci_fn::Request::parse(parts.request).map(|request| request.check());
            let _ = query_pci_fngrp::Request::parse(parts.request).map(|request| request.check());
            let _ = set_pci_fn::Request::parse(parts.request).map(|request| request.check());
            let _ = slpc::Request::parse(parts.request).map(|request| request.check());
        }
    }
}
