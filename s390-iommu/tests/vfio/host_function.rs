// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! From the answer of a stock kernel, of any age, to what a guest reads by CLP.

use clp::responder::{Answer, Groups, GuestFunction, GuestTranslation, Passthrough, Responder, Rules, Virtualization};
use clp::{
    Bar, ConditionCode, DesignationTypes, Function, FunctionGroup, FunctionGroupId, FunctionHandle, FunctionId,
    FunctionType, ListSummary, LogicalProcessor, Uid, UtilityString,
};
use s390_iommu::vfio::{ByteOrder, ChainError, HostFunction, HostFunctionError};

use crate::fixture;

/// What every answer of the fixtures describes.
fn function(utility_string: bool) -> Function {
    let mut string = [0x40; 64];
    string[..4].fill(0xc1);
    Function {
        id: FunctionId(0),
        uid: Uid(0),
        group: FunctionGroupId(7),
        function_type: FunctionType::ROC2,
        is_physical: false,
        vfn: 1,
        pchid: 0x01c0,
        port: 0,
        internal_path: [1, 2, 3, 4],
        fidparm: 0,
        rid: None,
        tid: None,
        bars: [Bar::ABSENT; 6],
        mio: None,
        start_dma: 0x0000_0001_0000_0000,
        end_dma: 0x01ff_ffff_ffff_ffff,
        fmb_length: 64,
        utility_string: utility_string.then_some(UtilityString(string)),
    }
}

fn group(max_store_block: u16) -> FunctionGroup {
    FunctionGroup {
        max_interrupts: 64,
        max_directed_interrupts: 0,
        max_cpu: 0,
        version: 1,
        relaxed_translation: false,
        frame: false,
        refresh: true,
        designation_types: DesignationTypes(0x40),
        max_store_block,
        measurement_interval_ms: 1000,
        maxfaal: 0,
        dasm: 0xffff_ffff_0000_0000,
        msi_address: 0xfe00_0000_0000_0000,
    }
}

/// The answers of all kernels: bytes, whether there is a handle, a utility string, the longest store block.
fn answers() -> Vec<(ByteOrder, Vec<u8>, bool, bool, u16)> {
    let [_, of_5_10, of_6_1] = fixture::old_devices();
    let mut answers = Vec::new();
    answers.extend(of_5_10.map(|(order, bytes)| (order, bytes, false, true, 128)));
    answers.extend(of_6_1.map(|(order, bytes)| (order, bytes, true, true, 4096)));
    answers.extend(fixture::device_with_error_events().map(|(order, bytes)| (order, bytes, true, false, 4096)));
    answers.extend(fixture::device().map(|(order, bytes)| (order, bytes, true, false, 4096)));
    answers.extend(fixture::device_with_utility_string().map(|(order, bytes)| (order, bytes, true, true, 4096)));
    answers
}

#[test]
fn every_kernel() {
    for (order, bytes, has_handle, has_string, max_store_block) in answers() {
        let host = HostFunction::read(&bytes, order).unwrap();
        assert_eq!(host.function(), function(has_string));
        assert_eq!((host.group_id(), host.group()), (FunctionGroupId(7), group(max_store_block)));
        assert_eq!(host.handle(), has_handle.then_some(FunctionHandle(0x8001_0007)));
    }
}

/// Asks by CLP and returns the response.
fn asked(functions: &[Option<GuestFunction>], groups: &Groups<2>, command: u8, operand: [u8; 4]) -> Vec<u8> {
    let responder = Responder {
        functions,
        groups: groups.as_slice(),
        summary: ListSummary { max_functions: 16, uid_checking: true },
        characteristics: None,
        rules: Rules::HARDWARE,
    };
    let mut block = vec![0; 4096];
    block[..4].copy_from_slice(&[0, 32, 0, command]);
    block[16..20].copy_from_slice(&operand);
    block[32..34].copy_from_slice(&0x0180_u16.to_be_bytes());
    let Answer::Done(done) = responder.answer(LogicalProcessor::PCI, &mut block) else { panic!() };
    assert_eq!(done.condition, ConditionCode::Zero);
    block[done.written()].to_vec()
}

/// A host of Linux 5.10 or 6.1 and a VMM that shadows: the bytes that the guest reads.
#[test]
fn what_the_guest_reads() {
    for (order, bytes, _, has_string, _) in answers() {
        let host = HostFunction::read(&bytes, order).unwrap();
        let mut groups = Groups::new();
        let translation = GuestTranslation::Shadowed { roots: DesignationTypes(0x40), relaxed_translation: false };
        let given = Virtualization { translation, max_store_block: 128 };
        let passthrough = Passthrough {
            id: FunctionId(0x21),
            uid: Uid(0x11),
            group: groups.add(host.group_id(), &host.group(), &given).unwrap(),
            bars: [
                Bar::new([4, 0, 0, 0], 14).unwrap(),
                Bar::ABSENT,
                Bar::ABSENT,
                Bar::ABSENT,
                Bar::ABSENT,
                Bar::ABSENT,
            ],
            start_dma: 0x1_0000_0000,
            end_dma: 0x1_ffff_ffff,
            fmb_length: 0,
            place: None,
        };
        let function = passthrough.function(&host.function()).unwrap();
        let functions = [Some(GuestFunction::new(0x15b3, 0x1016, FunctionHandle(0x0001_0000), &function).unwrap())];

        let response = asked(&functions, &groups, 3, [0, 1, 0, 0]);
        let mut expected = vec![0; 384];
        expected[..4].copy_from_slice(&[0x01, 0x80, 0x00, 0x10]);
        expected[18..24].copy_from_slice(&[u8::from(has_string), 7, 0, 0, 0, 0x21]);
        expected[24] = 14;
        expected[30..36].copy_from_slice(&[0x01, 0xc0, 4, 0, 0, 0]);
        expected[56..64].copy_from_slice(&[1, 2, 3, 4, 0, 0, 0, 0x0a]);
        expected[64..80].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]);
        expected[127] = 0x11;
        if has_string {
            expected[128..132].fill(0xc1);
            expected[132..192].fill(0x40);
        }
        assert_eq!(response, expected);

        let response = asked(&functions, &groups, 4, [0, 0, 0, 7]);
        let mut expected = vec![0; 64];
        expected[..4].copy_from_slice(&[0, 64, 0x00, 0x10]);
        expected[16..25].copy_from_slice(&[0, 64, 1, 0x01, 0, 128, 0x03, 0xe8, 0x40]);
        expected[32..36].fill(0xff);
        expected[40] = 0xfe;
        assert_eq!(response, expected);
    }
}

#[test]
fn no_function() {
    let [of_5_9, ..] = fixture::old_devices();
    for (order, bytes) in of_5_9 {
        assert_eq!(HostFunction::read(&bytes, order), Err(HostFunctionError::NoFunction));
    }
    for (order, bytes, ..) in answers() {
        for length in 0..bytes.len() {
            assert!(HostFunction::read(&bytes[..length], order).is_err() || length + 16 > bytes.len(), "{length}");
        }
        let mut small = bytes[..24].to_vec();
        small[16..].fill(0);
        let error = HostFunction::read(&small, order).unwrap_err();
        assert!(matches!(error, HostFunctionError::Chain(ChainError::Missing { .. })), "{error}");
        // The last address before the first.
        let start = if order == ByteOrder::Big {
            0x01ff_ffff_ffff_ffff_u64.to_be_bytes()
        } else {
            0x01ff_ffff_ffff_ffff_u64.to_le_bytes()
        };
        let at = bytes.windows(8).position(|window| window == start).unwrap();
        let mut wrong = bytes.clone();
        wrong[at..at + 8].fill(0);
        let error = HostFunctionError::DmaRange { start_dma: 0x1_0000_0000, end_dma: 0 };
        assert_eq!(HostFunction::read(&wrong, order), Err(error));
    }
}

/// The group alone, and of two of a kind the first.
#[test]
fn which_capabilities() {
    for (order, bytes) in fixture::device() {
        let put = |bytes: &mut Vec<u8>, at: usize, id: u16| {
            let id = if order == ByteOrder::Big { id.to_be_bytes() } else { id.to_le_bytes() };
            bytes[at..at + 2].copy_from_slice(&id);
        };
        // Capabilities at 24, 64 and 112.
        let mut without = bytes.clone();
        put(&mut without, 24, 0x7000);
        assert_eq!(HostFunction::read(&without, order), Err(HostFunctionError::NoFunction));
        let mut without = bytes.clone();
        put(&mut without, 64, 0x7000);
        assert_eq!(HostFunction::read(&without, order), Err(HostFunctionError::NoGroup));
        let mut without = bytes.clone();
        put(&mut without, 112, 0x7000);
        assert_eq!(HostFunction::read(&without, order).unwrap().function().internal_path, [0; 4]);
        // A second group in the place of the first function's is not looked at.
        let mut twice = bytes.clone();
        put(&mut twice, 64, 1);
        assert_eq!(HostFunction::read(&twice, order), Err(HostFunctionError::NoGroup));
    }
}
