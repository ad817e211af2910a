// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a guest sees: the client of this crate, run against the responder.

use crate::vmm::{emulated, in_slot, nested, Vmm, EMULATED_GROUP, NESTED, NO_BARS};
use clp::responder::{Groups, GroupsError, GuestFunction, Passthrough, PassthroughError, Rules, SetAction, SetRefusal};
use clp::set_pci_fn::Operation;
use clp::{
    Bar, Block, CallError, Characteristics, Client, ClientError, ConditionCode, DesignationTypes, Enable, EnableError,
    Function, FunctionError, FunctionGroup, FunctionGroupError, FunctionGroupId, FunctionHandle, FunctionId,
    FunctionState, FunctionType, Leftover, ListCapacity, ListEntry, ListSummary, LogicalProcessor, MioBar,
    ResponseCode, SetError, Uid, UtilityString,
};

const WITH_MIO: Enable = Enable { mio: true, ..Enable::PLAIN };

/// A function of the host, as its CLP told it.
fn host_function(group: u8) -> Function {
    Function {
        id: FunctionId(0x5051_5253),
        uid: Uid(0x5455),
        group: FunctionGroupId(group),
        function_type: FunctionType::NVME,
        is_physical: true,
        vfn: 0x0102,
        pchid: 0x01c0,
        port: 3,
        internal_path: [4, 5, 6, 7],
        fidparm: 8,
        rid: Some(0x5657),
        tid: Some(0x5859),
        bars: [Bar::new([0x5a; 4], 14).unwrap(); 6],
        mio: Some([Some(MioBar { write_back: 0x5b5b_5b5b_5b5b_5b5b, write_through: 0x5c5c_5c5c_5c5c_5c5c }); 6]),
        start_dma: 0x0000_0001_0000_0000,
        end_dma: 0x01ff_ffff_ffff_ffff,
        fmb_length: 0x100,
        utility_string: Some(UtilityString([0xc1; 64])),
    }
}

/// A group of the host that has little in common with the emulated one.
const HOST_GROUP: FunctionGroup = FunctionGroup {
    max_interrupts: 0x123,
    max_directed_interrupts: 0x45,
    max_cpu: 0x67,
    version: 1,
    relaxed_translation: true,
    frame: true,
    refresh: false,
    designation_types: DesignationTypes(0x70),
    max_store_block: 0x1000,
    measurement_interval_ms: 1000,
    maxfaal: 0x89,
    dasm: 0xffff_ffff_0000_0000,
    msi_address: 0xfe00_0000_0000_0000,
};

fn passthrough(id: u32, group: FunctionGroupId) -> Passthrough {
    Passthrough {
        id: FunctionId(id),
        uid: Uid(id + 0x10),
        group,
        bars: [Bar::new([4, 0, 0, 0], 14).unwrap(), Bar::ABSENT, Bar::ABSENT, Bar::ABSENT, Bar::ABSENT, Bar::ABSENT],
        start_dma: 0x0000_0002_0000_0000,
        end_dma: 0x0000_0002_ffff_ffff,
        fmb_length: 0,
        place: None,
    }
}

/// An emulated function in slot 1, and two passed through from host groups 7 and 9 in slots 3 and 4.
fn vmm(rules: Rules) -> Vmm {
    let mut groups = Groups::new();
    assert_eq!(groups.add(FunctionGroupId(0xff), &EMULATED_GROUP, &NESTED), Ok(FunctionGroupId(0xff)));
    let seven = groups.add(FunctionGroupId(7), &HOST_GROUP, &NESTED).unwrap();
    let nine = groups.add(FunctionGroupId(9), &FunctionGroup { max_store_block: 256, ..HOST_GROUP }, &NESTED).unwrap();
    let first = passthrough(3, seven).function(&host_function(7)).unwrap();
    let second = passthrough(4, nine).function(&host_function(9)).unwrap();
    let functions = vec![
        None,
        in_slot(1, 0x1af4, 0x1044, &emulated(1, 0x11, NO_BARS)),
        None,
        in_slot(3, 0x144d, 0xa808, &first),
        in_slot(4, 0x15b3, 0x1016, &second),
    ];
    Vmm::new(rules, functions, groups)
}

const PERSONALITIES: [Rules; 2] = [Rules::HARDWARE, Rules::QEMU];

fn entry(vendor: u16, device: u16, id: u32, handle: u32) -> ListEntry {
    ListEntry { vendor, device, configured: true, id: FunctionId(id), handle: FunctionHandle(handle) }
}

fn entries() -> [ListEntry; 3] {
    [
        entry(0x1af4, 0x1044, 1, 0x0002_0001),
        entry(0x144d, 0xa808, 3, 0x0002_0003),
        entry(0x15b3, 0x1016, 4, 0x0002_0004),
    ]
}

fn listed(vmm: &Vmm, room: u16) -> Vec<ListEntry> {
    let mut block = Block::zeroed();
    let mut client = Client::new(vmm, &mut block);
    let mut list = client.list_with(ListCapacity::entries(room));
    let entries = list.by_ref().map(Result::unwrap).collect();
    assert_eq!(list.summary(), Some(ListSummary { max_functions: 0x1000, uid_checking: true }));
    entries
}

#[test]
fn list_in_any_number_of_responses() {
    for rules in PERSONALITIES {
        for (room, responses) in [(1, 3), (2, 2), (3, 1), (252, 1)] {
            let vmm = vmm(rules);
            assert_eq!(listed(&vmm, room), entries());
            assert_eq!(vmm.calls.get(), responses);
        }
    }
}

#[test]
fn list_of_more_than_a_block_holds() {
    for rules in PERSONALITIES {
        let function = |slot| in_slot(slot, 0x1af4, 0x1044, &emulated(slot + 0x100, slot, NO_BARS));
        // Every third slot is empty.
        let functions: Vec<_> = (0..3000).map(|slot| if slot % 3 == 1 { None } else { function(slot) }).collect();
        let vmm = Vmm::new(rules, functions, Groups::new());
        let ids: Vec<u32> = listed(&vmm, 252).iter().map(|entry| entry.id.0).collect();
        assert_eq!(ids, (0x100..0x100 + 3000).filter(|id| (id - 0x100) % 3 != 1).collect::<Vec<u32>>());
        assert_eq!(vmm.calls.get(), 8);
    }
}

#[test]
fn virtualised_function() {
    let vmm = vmm(Rules::HARDWARE);
    let mut block = Block::zeroed();
    let mut client = Client::new(&vmm, &mut block);
    let expected = Function {
        id: FunctionId(3),
        uid: Uid(0x13),
        group: FunctionGroupId(7),
        function_type: FunctionType(0x0b),
        is_physical: false,
        vfn: 0,
        pchid: 0x01c0,
        port: 3,
        internal_path: [4, 5, 6, 7],
        fidparm: 8,
        rid: None,
        tid: None,
        bars: [Bar::new([4, 0, 0, 0], 14).unwrap(), Bar::ABSENT, Bar::ABSENT, Bar::ABSENT, Bar::ABSENT, Bar::ABSENT],
        mio: None,
        start_dma: 0x0000_0002_0000_0000,
        end_dma: 0x0000_0002_ffff_ffff,
        fmb_length: 0,
        utility_string: Some(UtilityString([0xc1; 64])),
    };
    assert_eq!(client.query_function(FunctionHandle(0x0002_0003)), Ok(expected));
    // Nothing that was put in place of the host's values is in the answer: 0x50 to 0x5c.
    assert!(block.bytes().iter().all(|byte| !(0x50..=0x5c).contains(byte)));
    let mut client = Client::new(&vmm, &mut block);
    let other = client.query_function(FunctionHandle(0x0002_0004)).unwrap();
    assert_eq!((other.id, other.uid, other.group), (FunctionId(4), Uid(0x14), FunctionGroupId(9)));
    assert_eq!(client.query_function(FunctionHandle(0x0002_0001)), Ok(emulated(1, 0x11, NO_BARS)));
    for handle in [0, 0x0002_0000, 0x0002_0002, 0x8002_0003, 0x0002_0005, 0x5051_5253] {
        let refused = Client::new(&vmm, &mut block).query_function(FunctionHandle(handle)).unwrap_err();
        let ClientError::Call(error) = refused else { panic!("{refused:?}") };
        assert_eq!(error.response_code(), Some(ResponseCode(0x0101)));
    }
}

#[test]
fn groups_of_the_host() {
    for rules in PERSONALITIES {
        let vmm = vmm(rules);
        let mut block = Block::zeroed();
        let mut client = Client::new(&vmm, &mut block);
        assert_eq!(client.query_function_group(FunctionGroupId(0xff)), Ok(EMULATED_GROUP));
        assert_eq!(client.query_function_group(FunctionGroupId(7)), Ok(nested(HOST_GROUP)));
        let nine = FunctionGroup { max_store_block: 256, ..HOST_GROUP };
        assert_eq!(client.query_function_group(FunctionGroupId(9)), Ok(nested(nine)));
        for unknown in (0..=0xfe).filter(|id| ![7, 9].contains(id)) {
            let error = client.query_function_group(FunctionGroupId(unknown)).unwrap_err();
            assert_eq!(error.response_code(), Some(ResponseCode(0x010b)));
        }
    }
}

#[test]
fn groups_with_one_identifier() {
    let other = FunctionGroup { max_store_block: 256, ..HOST_GROUP };
    let third = FunctionGroup { refresh: true, ..HOST_GROUP };
    let mut groups = Groups::<4>::new();
    assert_eq!(groups.add(FunctionGroupId(7), &HOST_GROUP, &NESTED), Ok(FunctionGroupId(7)));
    assert_eq!(groups.add(FunctionGroupId(7), &HOST_GROUP, &NESTED), Ok(FunctionGroupId(7)));
    assert_eq!(groups.add(FunctionGroupId(7), &other, &NESTED), Ok(FunctionGroupId(0xff)));
    assert_eq!(groups.add(FunctionGroupId(7), &other, &NESTED), Ok(FunctionGroupId(0xff)));
    // Another group may have the same values, and the identifier that was given away.
    assert_eq!(groups.add(FunctionGroupId(0xff), &other, &NESTED), Ok(FunctionGroupId(0xfe)));
    assert_eq!(groups.add(FunctionGroupId(8), &third, &NESTED), Ok(FunctionGroupId(8)));
    assert_eq!(groups.add(FunctionGroupId(9), &third, &NESTED), Err(GroupsError::Full { capacity: 4 }));
    assert_eq!(groups.add(FunctionGroupId(8), &third, &NESTED), Ok(FunctionGroupId(8)));
    let impossible = FunctionGroup { max_interrupts: 4096, ..third };
    let error = GroupsError::Group(FunctionGroupError::Interrupts(4096));
    assert_eq!(groups.add(FunctionGroupId(9), &impossible, &NESTED), Err(error));
    assert_eq!(error.to_string(), "4096 interrupts, above 4095");
    assert_eq!(GroupsError::Full { capacity: 4 }.to_string(), "no place for another group beside 4");

    let ids =
        |groups: &Groups<4>| groups.as_slice().iter().map(|group| Some(group.as_ref()?.id().0)).collect::<Vec<_>>();
    assert_eq!(ids(&groups), [Some(7), Some(0xff), Some(0xfe), Some(8)]);
    assert!(groups.remove(FunctionGroupId(0xff)));
    assert!(!groups.remove(FunctionGroupId(0xff)));
    assert_eq!(ids(&groups), [Some(7), None, Some(0xfe), Some(8)]);
    // The group that was renumbered is still known by where it comes from.
    assert_eq!(groups.add(FunctionGroupId(0xff), &other, &NESTED), Ok(FunctionGroupId(0xfe)));
    assert_eq!(groups.add(FunctionGroupId(9), &third, &NESTED), Ok(FunctionGroupId(9)));

    // A guest with functions of both.
    let mut groups = Groups::new();
    let first = groups.add(FunctionGroupId(7), &HOST_GROUP, &NESTED).unwrap();
    let second = groups.add(FunctionGroupId(7), &other, &NESTED).unwrap();
    let function = |id, group| passthrough(id, group).function(&host_function(7)).unwrap();
    let functions =
        vec![in_slot(0, 0x144d, 0xa808, &function(1, first)), in_slot(1, 0x144d, 0xa808, &function(2, second))];
    let vmm = Vmm::new(Rules::HARDWARE, functions, groups);
    let mut block = Block::zeroed();
    let mut client = Client::new(&vmm, &mut block);
    for (handle, expected) in [(0x0002_0000, HOST_GROUP), (0x0002_0001, other)] {
        let group = client.query_function(FunctionHandle(handle)).unwrap().group;
        assert_eq!(client.query_function_group(group), Ok(nested(expected)));
    }
}

#[test]
fn all_identifiers_of_groups() {
    let mut groups = Groups::<300>::new();
    let mut seen = std::collections::BTreeSet::new();
    for interval in 0..256 {
        let group = FunctionGroup { measurement_interval_ms: interval, ..HOST_GROUP };
        assert!(seen.insert(groups.add(FunctionGroupId(0x80), &group, &NESTED).unwrap()));
    }
    let one_more = FunctionGroup { measurement_interval_ms: 256, ..HOST_GROUP };
    assert_eq!(groups.add(FunctionGroupId(0x80), &one_more, &NESTED), Err(GroupsError::Full { capacity: 300 }));
}

#[test]
fn window_within_that_of_the_host() {
    let host = host_function(7);
    let with = |start_dma, end_dma| Passthrough { start_dma, end_dma, ..passthrough(3, FunctionGroupId(7)) };
    let (first, last) = (host.start_dma, host.end_dma);
    for (start_dma, end_dma) in [(first, last), (first, first), (last, last)] {
        let function = with(start_dma, end_dma).function(&host).unwrap();
        assert_eq!((function.start_dma, function.end_dma), (start_dma, end_dma));
    }
    for (start_dma, end_dma) in [(first - 1, last), (first, last + 1), (first + 1, first), (0, u64::MAX)] {
        let error = PassthroughError::Window { start_dma, end_dma };
        assert_eq!(with(start_dma, end_dma).function(&host), Err(error));
    }
    assert_eq!(
        PassthroughError::Window { start_dma: 1, end_dma: 2 }.to_string(),
        "DMA window from 0x1 to 0x2, which the function cannot use",
    );
}

/// What could not be answered is refused when the function is made.
#[test]
fn values_that_no_function_can_have() {
    let made = |function: &Function| GuestFunction::new(0x1af4, 0x1044, FunctionHandle(0x0002_0000), function);
    let function = emulated(1, 1, NO_BARS);
    assert_eq!(made(&Function { port: 16, ..function }), Err(FunctionError::Port(16)));
    assert_eq!(made(&Function { fmb_length: 6, ..function }), Err(FunctionError::FmbLength(6)));
    let range = FunctionError::DmaRange { start_dma: 2, end_dma: 1 };
    assert_eq!(made(&Function { start_dma: 2, end_dma: 1, ..function }), Err(range));
    let made = made(&function).unwrap();
    assert_eq!((made.id(), made.state(), made.configured), (FunctionId(1), FunctionState::Configured, true));
}

#[test]
fn enabled_and_disabled() {
    for rules in PERSONALITIES {
        let vmm = vmm(rules);
        let mut block = Block::zeroed();
        let mut client = Client::new(&vmm, &mut block);
        let old = FunctionHandle(0x0002_0003);
        let new = FunctionHandle(0x8002_0003);
        assert_eq!(client.enable(old, Enable::PLAIN).map(|enabled| enabled.handle), Ok(new));
        assert_eq!(client.state(FunctionId(3)), Ok(FunctionState::Enabled));
        assert_eq!(client.current_handle(FunctionId(3)), Ok(new));
        assert_eq!(client.query_function(new).map(|function| function.id), Ok(FunctionId(3)));
        let stale = client.enable(old, Enable::PLAIN).unwrap_err();
        assert_eq!(stale.response_code(), Some(ResponseCode(0x0101)));
        let already = match rules {
            Rules::HARDWARE => 0x0105,
            _ => 0x0102,
        };
        let enabled = client.enable(new, Enable::PLAIN).unwrap_err();
        assert_eq!(enabled.response_code(), Some(ResponseCode(already)));
        assert_eq!(client.ensure_enabled(FunctionId(3)), Ok(new));
        assert_eq!(client.disable(new), Ok(old));
        let disabled = client.disable(old).unwrap_err();
        assert_eq!(disabled.response_code(), Some(ResponseCode(already)));
        assert_eq!(client.ensure_enabled(FunctionId(4)), Ok(FunctionHandle(0x8002_0004)));
        assert_eq!(client.ensure_disabled(FunctionId(4)), Ok(FunctionHandle(0x0002_0004)));
        assert_eq!(client.find(FunctionId(2)), Ok(None));
        assert_eq!(client.current_handle(FunctionId(2)), Err(ClientError::Reserved(FunctionId(2))));
        let enable = SetAction::Enable;
        let disable = SetAction::Disable;
        assert_eq!(*vmm.actions.borrow(), [(3, enable), (3, disable), (4, enable), (4, disable)]);
    }
}

#[test]
fn refused_by_the_vmm() {
    for rules in PERSONALITIES {
        let vmm = vmm(rules);
        let mut block = Block::zeroed();
        let mut client = Client::new(&vmm, &mut block);
        let handle = FunctionHandle(0x0002_0001);
        vmm.patience.set(3);
        vmm.refusals.replace(vec![SetRefusal::Busy; 3]);
        let busy = EnableError { error: SetError::Busy { answers: 3 }, function: Leftover::Unchanged };
        assert_eq!(client.enable(handle, Enable::PLAIN), Err(busy));
        vmm.refusals.replace(vec![SetRefusal::Busy; 2]);
        assert_eq!(client.enable(handle, Enable::PLAIN).map(|enabled| enabled.handle), Ok(FunctionHandle(0x8002_0001)));
        let already = match rules {
            Rules::HARDWARE => 0x0105,
            _ => 0x0102,
        };
        for (refusal, code) in [
            (SetRefusal::Gone, 0x0101),
            (SetRefusal::Resources, 0x0104),
            (SetRefusal::AlreadyInState, already),
            (SetRefusal::PermanentError, 0x0106),
            (SetRefusal::RecoveryPending, 0x0107),
        ] {
            vmm.refusals.replace(vec![refusal]);
            let error = client.disable(FunctionHandle(0x8002_0001)).unwrap_err();
            assert_eq!(error.response_code(), Some(ResponseCode(code)));
        }
    }
}

#[test]
fn standby() {
    for rules in PERSONALITIES {
        let vmm = vmm(rules);
        vmm.functions.borrow_mut()[3].as_mut().unwrap().configured = false;
        let mut block = Block::zeroed();
        let mut client = Client::new(&vmm, &mut block);
        assert_eq!(client.state(FunctionId(3)), Ok(FunctionState::Standby));
        assert_eq!(client.ensure_enabled(FunctionId(3)), Err(ClientError::Standby(FunctionId(3))));
        let error = client.enable(FunctionHandle(0x0002_0003), Enable::PLAIN).unwrap_err();
        assert_eq!(error.response_code(), Some(ResponseCode(0x0102)));
        assert!(vmm.actions.borrow().is_empty());
    }
}

#[test]
fn mapped_io_of_an_emulated_function() {
    let bars = [Some(MioBar { write_back: 0x11, write_through: 0x22 }), None, None, None, None, None];
    let function = Function { mio: Some(bars), ..emulated(1, 1, NO_BARS) };
    for rules in PERSONALITIES {
        let functions =
            vec![in_slot(0, 0x1af4, 0x1044, &function), in_slot(1, 0x1af4, 0x1044, &emulated(2, 2, NO_BARS))];
        let mut vmm = Vmm::new(rules, functions, Groups::new());
        let characteristics =
            Characteristics { facilities: [1; 8], characteristics: [2; 8], write_back_position: Some(5) };
        vmm.characteristics = Some(characteristics.encode().unwrap());
        let mut block = Block::zeroed();
        let mut client = Client::new(&vmm, &mut block);
        let handle = FunctionHandle(0x8002_0000);
        let enabled = client.enable(FunctionHandle(0x0002_0000), WITH_MIO);
        match rules {
            Rules::HARDWARE => {
                assert_eq!(client.characteristics(), Ok(characteristics));
                assert_eq!(client.query_function(handle).unwrap().mio, Some(bars));
                let enabled = enabled.unwrap();
                assert_eq!((enabled.handle, enabled.mio), (handle, Some(bars)));
                assert_eq!(client.disable_mio(handle), Ok(handle));
                let actions: Vec<_> = vmm.actions.borrow().iter().map(|(_, action)| *action).collect();
                assert_eq!(actions[1..], [SetAction::EnableMio, SetAction::DisableMio]);
                assert_eq!(client.disable(handle), Ok(FunctionHandle(0x0002_0000)));
            }
            _ => {
                // All or nothing.
                let error = enabled.unwrap_err();
                assert_eq!(error.response_code(), Some(ResponseCode(0x0102)));
                assert_eq!(error.function, Leftover::Disabled(FunctionHandle(0x0002_0000)));
                let code = client.characteristics().unwrap_err().response_code();
                assert_eq!(code, Some(ResponseCode(0x0050)));
                assert_eq!(client.query_function(FunctionHandle(0x0002_0000)).unwrap().mio, None);
            }
        }
        // Neither a function without addresses nor a disabled one can have it.
        let error = client.enable(FunctionHandle(0x0002_0001), WITH_MIO).unwrap_err();
        assert_eq!(error.response_code(), Some(ResponseCode(0x0102)));
        assert_eq!(error.function, Leftover::Disabled(FunctionHandle(0x0002_0001)));
        let request = clp::set_pci_fn::Request::new(FunctionHandle(0x0002_0000), Operation::ENABLE_MIO);
        assert_eq!(client.set(&request).unwrap_err().response_code(), Some(ResponseCode(0x0102)));
    }
}

#[test]
fn processors() {
    for rules in PERSONALITIES {
        let vmm = vmm(rules);
        let mut block = Block::zeroed();
        for processor in (0..16).map(LogicalProcessor) {
            let result =
                clp::call(&vmm, &mut block, processor, &clp::list_pci::Request::new(0), 4064).map(|room| room[1]);
            // The QEMU that was measured does not look at the processor.
            match (rules, processor) {
                (Rules::HARDWARE, LogicalProcessor(0..=1 | 3..)) => {
                    assert_eq!(result, Err(CallError::Condition(ConditionCode::Three)));
                }
                _ => assert_eq!(result, Ok(80)),
            }
        }
        let installed = Client::new(&vmm, &mut block).installed_processors();
        match rules {
            Rules::HARDWARE => assert!(installed.unwrap().iter().eq([LogicalProcessor(2)])),
            _ => assert_eq!(installed, Err(ConditionCode::Three)),
        }
    }
}

/// Entries of one response each; `unplug` goes between the first response and the second.
fn listed_with_unplug(rules: Rules, unplug: usize) -> (Vec<u32>, usize) {
    let vmm = vmm(rules);
    vmm.unplug.set(Some((1, unplug)));
    let ids = listed(&vmm, 1).iter().map(|entry| entry.id.0).collect();
    (ids, vmm.calls.get())
}

#[test]
fn unplugged_between_two_responses() {
    // The token stands for the slot: the list goes on behind the function that is gone.
    assert_eq!(listed_with_unplug(Rules::HARDWARE, 3), (vec![1, 4], 2));
    assert_eq!(listed_with_unplug(Rules::HARDWARE, 4), (vec![1, 3], 2));
    assert_eq!(listed_with_unplug(Rules::HARDWARE, 1), (vec![1, 3, 4], 3));
    // QEMU knows the token no more; the client starts over.
    assert_eq!(listed_with_unplug(Rules::QEMU, 3), (vec![1, 4], 4));
    assert_eq!(listed_with_unplug(Rules::QEMU, 4), (vec![1, 3], 2));
    assert_eq!(listed_with_unplug(Rules::QEMU, 1), (vec![1, 3, 4], 3));

    // The last slots go away for good: the end of the list, not a lost place.
    let vmm = vmm(Rules::HARDWARE);
    let mut block = Block::zeroed();
    let mut client = Client::new(&vmm, &mut block);
    let mut list = client.list_with(ListCapacity::entries(2));
    assert!(list.next().is_some() && list.next().is_some());
    vmm.functions.borrow_mut().truncate(2);
    assert_eq!(list.next(), None);
}

#[test]
fn plugged_between_two_responses() {
    let vmm = vmm(Rules::HARDWARE);
    let mut block = Block::zeroed();
    let mut client = Client::new(&vmm, &mut block);
    let mut list = client.list_with(ListCapacity::entries(2));
    assert_eq!(list.next(), Some(Ok(entries()[0])));
    assert_eq!(list.next(), Some(Ok(entries()[1])));
    for slot in [0, 2, 5] {
        let function = in_slot(slot, 0x1af4, 0x1044, &emulated(slot + 0x20, slot, NO_BARS));
        let mut functions = vmm.functions.borrow_mut();
        functions.resize(6, None);
        functions[slot as usize] = function;
    }
    // Those before the place are for the next list; nothing comes twice.
    assert_eq!(list.next(), Some(Ok(entries()[2])));
    assert_eq!(list.next(), Some(Ok(entry(0x1af4, 0x1044, 0x25, 0x0002_0005))));
    assert_eq!(list.next(), None);
}
