// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Functions to give to a guest that asks anything, and what must hold of every answer it gets.
//!
//! Shared with the fuzz target.

use clp::responder::{
    Answer, Done, Groups, GuestFunction, GuestTranslation, Passthrough, Responder, Rules, SetAction, SetRefusal,
    SetRequest, Virtualization,
};
use clp::{
    Bar, Characteristics, ConditionCode, DesignationTypes, Function, FunctionGroup, FunctionGroupId, FunctionHandle,
    FunctionId, FunctionType, ListSummary, LogicalProcessor, MioBar, Uid, UtilityString,
};
use std::ops::Range;

/// In every byte of what the guest must not see, and in no other value.
const POISON: u8 = 0xd7;

/// What the VMM has.
pub(crate) struct Host {
    functions: Vec<Option<GuestFunction>>,
    groups: Groups<3>,
}

fn group(max_store_block: u16) -> FunctionGroup {
    FunctionGroup {
        max_interrupts: 0xabc,
        max_directed_interrupts: 0xdef,
        max_cpu: 0x1234,
        version: 1,
        relaxed_translation: true,
        frame: true,
        refresh: true,
        designation_types: DesignationTypes(0x70),
        max_store_block,
        measurement_interval_ms: 0x4321,
        maxfaal: 0x5678,
        dasm: 0xffff_ffff_0000_0000,
        msi_address: 0xfe00_0000_0000_0000,
    }
}

impl Host {
    /// Seven slots: functions emulated, passed through, enabled and in standby, and two slots whose functions are gone.
    pub(crate) fn new() -> Self {
        let mut groups = Groups::new();
        let given = Virtualization { translation: GuestTranslation::Nested, max_store_block: 0x1fff };
        let first = groups.add(FunctionGroupId(7), &group(128), &given).unwrap();
        let second = groups.add(FunctionGroupId(7), &group(256), &given).unwrap();
        assert_eq!((first, second), (FunctionGroupId(7), FunctionGroupId(0xff)));
        let poisoned = u64::from_be_bytes([POISON; 8]);
        let address = MioBar { write_back: poisoned, write_through: poisoned };
        let host = Function {
            id: FunctionId(poisoned as u32),
            uid: Uid(poisoned as u32),
            group: FunctionGroupId(POISON),
            function_type: FunctionType::NVME,
            is_physical: true,
            vfn: poisoned as u16,
            pchid: 0x1c0,
            port: 2,
            internal_path: [1, 2, 3, 4],
            fidparm: 5,
            rid: Some(poisoned as u16),
            tid: Some(poisoned as u16),
            bars: [Bar::new([POISON; 4], 14).unwrap(); 6],
            mio: Some([Some(address); 6]),
            start_dma: 0,
            end_dma: poisoned,
            fmb_length: u16::from(POISON) * 4,
            utility_string: Some(UtilityString([0xc1; 64])),
        };
        let passthrough = |id, group| {
            let bars = [Bar::new([4, 0, 0, 0], 14).unwrap(); 6];
            let values = Passthrough {
                id: FunctionId(id),
                uid: Uid(id),
                group,
                bars,
                start_dma: 1 << 32,
                end_dma: 1 << 40,
                fmb_length: 0,
                place: None,
            };
            values.function(&host).unwrap()
        };
        let emulated = Function {
            mio: Some([Some(MioBar { write_back: 0x1111, write_through: 0x2222 }); 6]),
            rid: Some(0x33),
            tid: Some(0x44),
            ..passthrough(6, first)
        };
        let guest = |handle, function| GuestFunction::new(0x1af4, 0x1044, FunctionHandle(handle), function).unwrap();
        let mut functions = vec![
            Some(guest(0x0002_0000, &passthrough(0, first))),
            Some(guest(0x8001_0001, &passthrough(1, second))),
            Some(guest(poisoned as u32, &host)),
            Some(guest(0x0002_0003, &passthrough(3, second))),
            Some(guest(poisoned as u32 ^ 0x8000_0000, &host)),
            Some(guest(0x0002_0005, &emulated)),
            Some(guest(0x8002_0006, &emulated)),
        ];
        functions[3].as_mut().unwrap().configured = false;
        // Unplugged: the guest had them once.
        functions[2] = None;
        functions[4] = None;
        Self { functions, groups }
    }

    /// Handles that a guest may try, and sometimes has.
    pub(crate) const HANDLES: [u32; 8] =
        [0x0002_0000, 0x8001_0001, 0xd7d7_d7d7, 0x0002_0003, 0x57d7_d7d7, 0x0002_0005, 0x8002_0006, 0x8002_0000];

    /// Executes one instruction of a guest and checks everything that can be said of the answer without knowing it.
    ///
    /// `outcome` chooses what the VMM does where it has a say. Returns the response code, if there is a response.
    pub(crate) fn check(&self, rules: Rules, processor: u8, outcome: u8, block: &mut [u8]) -> Option<u16> {
        let characteristics =
            Characteristics { facilities: [6; 8], characteristics: [7; 8], write_back_position: Some(8) };
        let responder = Responder {
            functions: &self.functions,
            groups: self.groups.as_slice(),
            summary: ListSummary { max_functions: 64, uid_checking: true },
            characteristics: Some(characteristics.encode().unwrap()),
            rules,
        };
        let before = block.to_vec();
        let room = room(&before);
        let answer = responder.answer(LogicalProcessor(processor), block);
        let done = match answer {
            Answer::Done(done) => done,
            Answer::OperandException => {
                assert!(room.is_none(), "possible lengths, and an operand exception");
                assert_eq!(block, before);
                return None;
            }
            Answer::Set(request) => self.set(request, outcome),
        };
        let condition = done.condition;
        if rules == Rules::HARDWARE && processor != 2 {
            assert!(done.written().is_empty());
            assert_eq!(condition, ConditionCode::Three);
            assert_eq!(block, before);
            return None;
        }
        let room = room.expect("impossible lengths, and no operand exception");
        let written = |offset: usize| block[offset] != before[offset];
        for offset in (0..block.len()).filter(|&offset| written(offset)) {
            assert!(done.written().contains(&offset), "byte {offset} is not said to be written: {done:?}");
            assert!(room.contains(&offset), "byte {offset} outside of the room {room:?} was written");
            assert_ne!(block[offset], POISON, "byte {offset} tells what the guest must not know");
        }
        let code = u16::from_be_bytes([block[room.start + 2], block[room.start + 3]]);
        // What is copied back is all in the room, and is no more than the response.
        let Range { start, end } = done.written();
        assert!(room.start <= start && start < end && end <= room.end, "{done:?} in {room:?}");
        let codes = [
            0x0010, 0x0020, 0x0040, 0x0050, 0x0060, 0x0070, 0x0101, 0x0102, 0x0103, 0x0104, 0x0105, 0x0106, 0x0107,
            0x0108, 0x010a, 0x010b,
        ];
        assert!(codes.contains(&code), "response code {code:#06x}");
        match rules {
            Rules::HARDWARE => {
                assert_eq!(condition, ConditionCode::Zero);
                let length = usize::from(u16::from_be_bytes([block[room.start], block[room.start + 1]]));
                assert_eq!(done.written(), room.start..room.start + length);
                assert!(length >= room.len().min(16) && length <= room.len(), "response of {length} bytes in {room:?}");
                assert!(code == 0x0010 || length == room.len().min(16), "refusal of {length} bytes");
                assert!(!(room.start + length..block.len()).any(written), "written behind {length} bytes in {room:?}");
            }
            _ => {
                assert!(matches!(condition, ConditionCode::Zero | ConditionCode::Three));
                assert!(condition == ConditionCode::Zero || code == 0x0050);
                if code != 0x0010 {
                    let refused = room.start + 2..room.start + 4;
                    assert_eq!(done.written(), refused);
                    assert!((0..block.len()).all(|offset| refused.contains(&offset) || !written(offset)));
                }
            }
        }
        Some(code)
    }

    fn set(&self, request: SetRequest<'_>, outcome: u8) -> Done {
        let handle = self.functions[request.slot()].as_ref().unwrap().handle;
        let refusal = match outcome % 8 {
            0 => SetRefusal::Gone,
            1 => SetRefusal::Resources,
            2 => SetRefusal::AlreadyInState,
            3 => SetRefusal::PermanentError,
            4 => SetRefusal::RecoveryPending,
            5 => SetRefusal::Busy,
            _ => {
                let changed = match request.action() {
                    SetAction::Enable | SetAction::EnableMio => handle.0 | 0x8000_0000,
                    SetAction::Disable => handle.0 & 0x7fff_ffff,
                    SetAction::DisableMio => handle.0,
                };
                return request.confirm(FunctionHandle(changed)).unwrap();
            }
        };
        request.refuse(refusal)
    }
}

/// Where the room for the response is, unless the lengths are impossible.
fn room(block: &[u8]) -> Option<Range<usize>> {
    let length = |offset: usize| Some(usize::from(u16::from_be_bytes([*block.get(offset)?, *block.get(offset + 1)?])));
    let request = length(0).filter(|length| *length >= 16 && length % 8 == 0)?;
    let room = length(request).filter(|length| *length >= 8 && length % 8 == 0)?;
    (request + room <= block.len().min(8192)).then_some(request..request + room)
}
