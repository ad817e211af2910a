// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a guest is told in place of the host's values, by what the VMM does itself.

use clp::responder::{Emulated, Groups, GuestTranslation, Passthrough, Place, Rules, Virtualization};
use clp::{
    Bar, Block, Client, DesignationTypes, FunctionError, FunctionGroup, FunctionGroupId, FunctionHandle, FunctionId,
    FunctionType, Uid, UtilityString,
};

use crate::vmm::{emulated, Vmm, EMULATED_GROUP, NO_BARS};

/// A host that needs no refresh of what becomes valid, and has what no guest is to see.
const HOST: FunctionGroup = FunctionGroup {
    max_interrupts: 0x123,
    max_directed_interrupts: 0x45,
    max_cpu: 0x67,
    version: 1,
    relaxed_translation: true,
    frame: true,
    refresh: false,
    designation_types: DesignationTypes(0x78),
    max_store_block: 0x1000,
    measurement_interval_ms: 1000,
    maxfaal: 0x89,
    dasm: 0xffff_ffff_0000_0000,
    msi_address: 0xfe00_0000_0000_0000,
};

/// The bytes of the answer to QUERY PCI FNGRP, behind the header.
fn told(host: &FunctionGroup, virtualization: &Virtualization) -> Vec<u8> {
    let mut groups = Groups::new();
    let id = groups.add(FunctionGroupId(7), host, virtualization).unwrap();
    let vmm = Vmm::new(Rules::HARDWARE, vec![], groups);
    let mut block = Block::zeroed();
    Client::new(&vmm, &mut block).query_function_group(id).unwrap();
    block.bytes()[48..96].to_vec()
}

/// A VMM that shadows: refresh whatever the host needs, its own roots, its own buffer; nothing directed.
#[test]
fn shadowed() {
    let translation =
        |relaxed_translation| GuestTranslation::Shadowed { roots: DesignationTypes(0x60), relaxed_translation };
    for (host_refreshes, relaxed, flags) in [(false, false, 0x01), (true, false, 0x01), (false, true, 0x21)] {
        let virtualization = Virtualization { translation: translation(relaxed), max_store_block: 128 };
        let bytes = told(&FunctionGroup { refresh: host_refreshes, ..HOST }, &virtualization);
        let expected = [0x01, 0x23, 1, flags, 0, 128, 0x03, 0xe8, 0x60, 0, 0, 0x89, 0, 0, 0, 0];
        assert_eq!(bytes[..16], expected);
        assert_eq!(bytes[16..32], [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xfe, 0, 0, 0, 0, 0, 0, 0]);
    }
}

/// A machine that walks the guest's tables: its own roots and rules. Interrupts are not directed all the same.
#[test]
fn nested() {
    let virtualization = Virtualization { translation: GuestTranslation::Nested, max_store_block: 0x1fff };
    let bytes = told(&HOST, &virtualization);
    assert_eq!(bytes[..16], [0x01, 0x23, 1, 0x22, 0x10, 0, 0x03, 0xe8, 0x78, 0, 0, 0x89, 0, 0, 0, 0]);
    let bytes = told(&FunctionGroup { refresh: true, relaxed_translation: false, ..HOST }, &virtualization);
    assert_eq!(bytes[3], 0x03);
}

fn passthrough(fmb_length: u16, place: Option<Place>) -> Passthrough {
    Passthrough {
        id: FunctionId(1),
        uid: Uid(2),
        group: FunctionGroupId(3),
        bars: [Bar::ABSENT; 6],
        start_dma: 0x1_0000_0000,
        end_dma: 0x1_ffff_ffff,
        fmb_length,
        place,
    }
}

/// VFN, RID and TID are told together or not at all; the length of the measurement block is the VMM's.
#[test]
fn place_and_measurement() {
    let host = clp::Function { vfn: 3, rid: Some(0x1008), tid: Some(9), fmb_length: 64, ..emulated(5, 6, NO_BARS) };
    let alone = passthrough(0, None).function(&host).unwrap();
    assert_eq!((alone.vfn, alone.rid, alone.tid, alone.fmb_length), (0, None, None, 0));
    let place = Place { vfn: 3, rid: 0x0010, tid: 0x20 };
    let placed = passthrough(80, Some(place)).function(&host).unwrap();
    assert_eq!((placed.vfn, placed.rid, placed.tid, placed.fmb_length), (3, Some(0x10), Some(0x20), 80));
    // What there cannot be is found when the answer is made.
    let wrong = passthrough(6, None).function(&host).unwrap();
    assert_eq!(wrong.encode().map(|_| ()), Err(FunctionError::FmbLength(6)));
}

#[test]
fn emulated_functions() {
    let plain = Emulated::new(0x1af4, 0x1044, FunctionId(0x20), Uid(0x10));
    assert_eq!(*plain.values(), emulated(0x20, 0x10, NO_BARS));
    assert_eq!(Emulated::GROUP, EMULATED_GROUP);
    let whole = plain
        .bar(0, 14)
        .bar(4, 12)
        .window(0x2_0000_0000, 0x2_ffff_ffff)
        .group(FunctionGroupId(9))
        .function_type(FunctionType::NVME)
        .measurement(64)
        .utility_string(UtilityString([0xc1; 64]));
    let mut expected = emulated(0x20, 0x10, [(4, 14), (0, 0), (0, 0), (0, 0), (4, 12), (0, 0)]);
    expected = clp::Function {
        group: FunctionGroupId(9),
        function_type: FunctionType::NVME,
        start_dma: 0x2_0000_0000,
        end_dma: 0x2_ffff_ffff,
        fmb_length: 64,
        utility_string: Some(UtilityString([0xc1; 64])),
        ..expected
    };
    let handle = FunctionHandle(0x0002_0000);
    let function = whole.finish(handle).unwrap();
    assert_eq!((function.vendor, function.device, function.handle), (0x1af4, 0x1044, handle));
    let vmm = Vmm::new(Rules::HARDWARE, vec![Some(function)], Groups::new());
    let mut block = Block::zeroed();
    assert_eq!(Client::new(&vmm, &mut block).query_function(handle), Ok(expected));

    for (index, size_log2) in [(6, 12), (0, 64), (usize::MAX, 255)] {
        let error = FunctionError::BarSize { index, size_log2 };
        assert_eq!(plain.bar(index, size_log2).bar(0, 12).finish(handle), Err(error));
    }
    let error = FunctionError::DmaRange { start_dma: 2, end_dma: 1 };
    assert_eq!(plain.window(2, 1).finish(handle), Err(error));
}

/// Functions come and go in every way between the responses of a list: one that stays in its slot is listed once.
#[test]
fn lists_while_functions_come_and_go() {
    let mut state = 5_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let function = |slot: usize, id: u64| {
        let made = Emulated::new(0x1af4, 0x1044, FunctionId(id as u32), Uid(0));
        Some(made.finish(FunctionHandle(0x0002_0000 | slot as u32)).unwrap())
    };
    let (mut changed, mut restarted) = (0, 0);
    for round in 0..400 {
        let rules = if round % 2 == 0 { Rules::HARDWARE } else { Rules::QEMU };
        let mut id = 0;
        let mut functions: Vec<_> = (0..20)
            .map(|slot| {
                id += 1;
                if next() % 3 == 0 {
                    None
                } else {
                    function(slot, id)
                }
            })
            .collect();
        let mut stays: Vec<Option<FunctionId>> = functions.iter().map(|it| Some(it.as_ref()?.id())).collect();
        let (mut token, mut seen) = (0_u64, Vec::new());
        loop {
            let responder = clp::responder::Responder {
                functions: &functions,
                groups: &[],
                summary: Rules::QEMU_SUMMARY,
                characteristics: None,
                rules,
            };
            let mut block = [0_u8; 112];
            block[..4].copy_from_slice(&[0, 32, 0, 2]);
            block[16..24].copy_from_slice(&token.to_be_bytes());
            block[33] = 48 + 16 * (next() % 3) as u8;
            let answer = responder.answer(clp::LogicalProcessor::PCI, &mut block);
            assert!(matches!(answer, clp::responder::Answer::Done(done) if done.condition == clp::ConditionCode::Zero));
            if block[34..36] == [0x01, 0x0a] {
                // As QEMU the place is lost with the function, and the guest starts over.
                assert!(rules == Rules::QEMU && functions[token as usize].is_none());
                restarted += 1;
                (token, seen) = (0, Vec::new());
                continue;
            }
            let count = (usize::from(block[33]) - 32) / 16;
            seen.extend((0..count).map(|entry| {
                let at = 64 + entry * 16 + 8;
                FunctionId(u32::from_be_bytes(block[at..at + 4].try_into().unwrap()))
            }));
            token = u64::from_be_bytes(block[48..56].try_into().unwrap());
            if token == 0 {
                break;
            }
            for _ in 0..next() % 3 {
                let slot = next() as usize % functions.len();
                id += 1;
                functions[slot] = if functions[slot].is_some() { None } else { function(slot, id) };
                stays[slot] = None;
                changed += 1;
            }
        }
        for id in stays.into_iter().flatten() {
            assert_eq!(seen.iter().filter(|it| **it == id).count(), 1, "{id:?} in {seen:?}");
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{seen:?}");
    }
    assert!(changed > 500 && restarted > 20, "{changed} {restarted}");
}
