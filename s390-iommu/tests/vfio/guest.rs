// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! From what a host reports to the CLP of a guest: a VMM reads the answer about its container and nothing else.

use clp::responder::{Answer, Groups, GuestFunction, GuestTranslation, Passthrough, Responder, Rules, Virtualization};
use clp::{
    Bar, Block, Client, Clp, Command, ConditionCode, DesignationTypes, Function, FunctionGroup, FunctionGroupId,
    FunctionHandle, FunctionId, FunctionType, ListSummary, LogicalProcessor, Uid,
};
use s390_iommu::vfio::{
    answer, ByteOrder, Capabilities, FunctionEntry, GroupEntry, IommuCapability, IommuInformation, TableFormatEntry,
};
use s390_iommu::{FrameSizes, TableFormat};

use crate::fixture;
use crate::sample::{
    append, first_function, first_group, second_function, second_group, third_function, with_container, FORMAT,
    OTHER_FORMAT,
};

/// The machine walks the guest's tables.
const NESTED: Virtualization = Virtualization { translation: GuestTranslation::Nested, max_store_block: 0x1fff };

/// What a VMM takes out of the answer.
#[derive(Default)]
struct Reported {
    functions: Vec<FunctionEntry>,
    groups: Vec<GroupEntry>,
    formats: Vec<TableFormatEntry>,
}

impl Reported {
    fn read(bytes: &[u8], order: ByteOrder) -> Self {
        let mut reported = Self::default();
        let (_, capabilities) = Capabilities::new::<IommuInformation>(bytes, order).unwrap();
        for raw in capabilities {
            match IommuCapability::new(&raw.unwrap()) {
                Some(IommuCapability::Functions(functions)) => reported.functions.extend(functions),
                Some(IommuCapability::Groups(groups)) => reported.groups.extend(groups),
                Some(IommuCapability::TableFormats(formats)) => reported.formats.extend(formats),
                _ => {}
            }
        }
        reported
    }
}

/// A machine whose CLP the VMM answers.
struct Vmm {
    functions: Vec<Option<GuestFunction>>,
    groups: Groups<4>,
}

impl Vmm {
    /// Passes through every function of the answer, with identifiers from 0x51 and 0x61 on.
    fn new(reported: &Reported) -> Self {
        let mut groups = Groups::new();
        // A group of the VMM's own has the number of the first group of the host.
        groups.add(FunctionGroupId(7), &FunctionGroup { max_interrupts: 1, ..first_group() }, &NESTED).unwrap();
        let functions = reported.functions.iter().zip(0..).map(|(capability, slot)| {
            let group = reported.groups.iter().find(|group| group.gid == capability.gid).unwrap();
            let format = reported.formats[usize::from(capability.format)].format().unwrap();
            let passthrough = Passthrough {
                id: FunctionId(0x51 + slot),
                uid: Uid(0x61 + slot),
                group: groups.add(FunctionGroupId(group.gid), &group.group(&format), &NESTED).unwrap(),
                bars: [Bar::ABSENT; 6],
                start_dma: capability.start_dma,
                end_dma: capability.end_dma,
                fmb_length: 0,
                place: None,
            };
            let function = passthrough.function(&capability.function()).unwrap();
            Some(GuestFunction::new(0x1b36, 0x0010, FunctionHandle(0x0001_0000 + slot), &function).unwrap())
        });
        Self { functions: functions.collect(), groups }
    }
}

impl Clp for Vmm {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        let responder = Responder {
            functions: &self.functions,
            groups: self.groups.as_slice(),
            summary: ListSummary { max_functions: 64, uid_checking: false },
            characteristics: None,
            rules: Rules::HARDWARE,
        };
        match responder.answer(processor, command.bytes_mut()) {
            Answer::Done(done) => done.condition,
            _ => panic!("nothing is enabled here"),
        }
    }

    fn immediate(&self, _: u64) -> Result<u64, ConditionCode> {
        Err(ConditionCode::Three)
    }

    fn pause(&self, _: u32) -> bool {
        false
    }
}

/// The values of the capabilities.
#[test]
fn values_of_the_capabilities() {
    for (order, bytes) in fixture::container() {
        let reported = Reported::read(&bytes, order);
        let formats: Vec<_> = reported.formats.iter().map(|format| format.format().unwrap()).collect();
        assert_eq!(formats, [FORMAT, OTHER_FORMAT]);
        let indices: Vec<_> = reported.functions.iter().map(|function| function.format).collect();
        assert_eq!(indices, [0, 0, 1]);
        let absent = |function: Function, start_dma, end_dma| Function {
            bars: [Bar::ABSENT; 6],
            rid: None,
            tid: None,
            start_dma,
            end_dma,
            ..function
        };
        let functions: Vec<_> = reported.functions.iter().map(FunctionEntry::function).collect();
        let expected = [
            absent(first_function(), 0x1_0000_0000, 0x1_3fff_ffff),
            absent(third_function(), 0x1_0000_0000, 0x1_3fff_ffff),
            absent(second_function(), 0x1_0000_0000, 0x1_7fff_ffff),
        ];
        assert_eq!(functions, expected);
        let reported_group = |group: FunctionGroup| FunctionGroup {
            max_directed_interrupts: 0,
            max_cpu: 0,
            frame: false,
            maxfaal: 0,
            designation_types: DesignationTypes(0x60),
            ..group
        };
        let groups: Vec<_> = reported.groups.iter().map(|group| group.group(&FORMAT)).collect();
        assert_eq!(groups, [reported_group(first_group()), reported_group(second_group())]);
    }
}

#[test]
fn formats_there_and_back() {
    for (types, frame_sizes, relaxed_translation) in
        [(0x40, FrameSizes::SMALL, false), (0x70, FrameSizes::WITH_LARGE, true), (0, FrameSizes::SMALL, true)]
    {
        let designation_types = DesignationTypes(types);
        let format = TableFormat { designation_types, frame_sizes, relaxed_translation };
        assert_eq!(TableFormatEntry::new(&format).format(), Some(format));
    }
    let other = TableFormatEntry { format: 2, ..TableFormatEntry::new(&FORMAT) };
    assert_eq!(other.format(), None);
    let later = TableFormatEntry { designation_types: 0x102, ..TableFormatEntry::new(&FORMAT) };
    assert_eq!(later.format().map(|format| format.designation_types), Some(DesignationTypes(0x40)));
}

/// The client of a guest finds the functions under the VMM's identifiers, and the host's values for everything else.
#[test]
fn a_guest_sees_virtualised_values() {
    let mut bytes = vec![0xa5; 2048];
    with_container(|container| {
        answer(IommuInformation::new(0x1000), ByteOrder::NATIVE, &mut bytes, |chain| append(container, chain)).unwrap();
    });
    let vmm = Vmm::new(&Reported::read(&bytes, ByteOrder::NATIVE));
    let mut block = Block::zeroed();
    let mut client = Client::new(&vmm, &mut block);
    let entries: Vec<_> = client.list().map(|entry| entry.unwrap()).map(|entry| (entry.id.0, entry.handle.0)).collect();
    assert_eq!(entries, [(0x51, 0x0001_0000), (0x52, 0x0001_0001), (0x53, 0x0001_0002)]);

    let first = client.query_function(FunctionHandle(0x0001_0000)).unwrap();
    assert_eq!((first.id, first.uid, first.is_physical), (FunctionId(0x51), Uid(0x61), false));
    assert_eq!((first.pchid, first.vfn, first.port, first.fidparm), (0x3132, 0, 5, 6));
    assert_eq!((first.function_type, first.internal_path), (FunctionType(0x0a), [1, 2, 3, 4]));
    assert_eq!((first.start_dma, first.end_dma, first.fmb_length), (0x1_0000_0000, 0x1_3fff_ffff, 0));
    assert_eq!(first.utility_string, first_function().utility_string);
    assert_eq!((first.rid, first.tid, first.mio, first.bars), (None, None, None, [Bar::ABSENT; 6]));
    let second = client.query_function(FunctionHandle(0x0001_0002)).unwrap();
    assert_eq!((second.id, second.uid, second.group), (FunctionId(0x53), Uid(0x63), FunctionGroupId(9)));
    assert_eq!((second.start_dma, second.end_dma), (0x1_0000_0000, 0x1_7fff_ffff));

    // The number of the group was taken, so the guest knows it by another one.
    assert_eq!(first.group, FunctionGroupId(0xff));
    let group = client.query_function_group(first.group).unwrap();
    assert_eq!((group.max_interrupts, group.msi_address), (128, 0xfe00_0000_0000_0000));
    assert_eq!((group.max_store_block, group.measurement_interval_ms), (0x1234, 4000));
    assert_eq!((group.dasm, group.version, group.refresh), (0x0102_0304_0506_0708, 2, true));
    assert_eq!((group.designation_types, group.relaxed_translation), (DesignationTypes(0x60), true));
    let group = client.query_function_group(second.group).unwrap();
    assert_eq!((group.max_interrupts, group.refresh, group.max_store_block), (0xfff, false, 0x1fff));
    assert_eq!((group.max_directed_interrupts, group.designation_types), (0, DesignationTypes(0x40)));
}
