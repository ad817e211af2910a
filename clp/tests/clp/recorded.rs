// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Every recorded block: decoded to literal values, and encoded to the same bytes.

use crate::fixture::{fixture, Fixture, Outcome};
use crate::machine::{dirty_block, replay};
use crate::vmm::EMULATED_GROUP;
use clp::set_pci_fn::Operation;
use clp::{
    list_pci, query_pci_fn, query_pci_fngrp, set_pci_fn, slpc, Bar, CallError, Client, ClientError, CommandCode,
    ConditionCode, FormatWord, Function, FunctionGroupId, FunctionHandle, FunctionId, FunctionType, ListCapacity,
    ListEntry, ListError, ListSummary, ListWriter, Parts, PartsError, Received, RequestError, RequestHeader,
    ResponseCode, ResponseError, ResponseHeader, ResumeToken, SetError, Uid, WireRequest, WireResponse,
};
use zerocopy::IntoBytes;

fn encoded(request: &impl WireRequest) -> Vec<u8> {
    let mut buffer = vec![0xa5; 64];
    request.write_to_prefix(&mut buffer).unwrap();
    assert!(buffer[request.as_bytes().len()..].iter().all(|&byte| byte == 0xa5));
    buffer.truncate(request.as_bytes().len());
    buffer
}

/// Emits a response into room of `offered` bytes and checks that nothing behind it was touched.
fn emitted(response: &impl WireResponse, offered: usize) -> Vec<u8> {
    let mut buffer = vec![0xa5; offered + 16];
    let length = usize::from(response.emit(&mut buffer[..offered]).unwrap());
    assert!(buffer[length..].iter().all(|&byte| byte == 0xa5));
    buffer.truncate(length);
    buffer
}

/// Emits a refusal into room of `offered` bytes and checks that nothing behind the header was touched.
fn refused(code: u16, offered: usize) -> Vec<u8> {
    let mut buffer = vec![0xa5; offered];
    ResponseHeader::new(ResponseCode(code), offered as u16).emit(&mut buffer);
    assert!(buffer.iter().skip(16).all(|&byte| byte == 0xa5));
    buffer.truncate(16);
    buffer
}

const VIRTIO_SERIAL: ListEntry =
    ListEntry { vendor: 0x1af4, device: 0x1003, configured: true, id: FunctionId(1), handle: FunctionHandle(0x20000) };
const SUMMARY: ListSummary = ListSummary { max_functions: 0x1000, uid_checking: true };

fn check_list(fixture: &Fixture, token: u64, room: ListCapacity, entries: &[ListEntry], resume: u64) {
    assert_eq!(encoded(&list_pci::Request::new(token)), fixture.request(32));
    let length = 32 + 16 * entries.len();

    // To values: the fixed part and the entries by themselves, then by a client.
    let received = Received::<list_pci::Response>::parse(fixture.response(usize::from(room.bytes()))).unwrap();
    assert_eq!(usize::from(received.length()), length);
    let response = received.response();
    assert_eq!(response.resume_token.get(), resume);
    assert_eq!(response.mdd.get(), 0x00ff_0000);
    assert_eq!(response.max_functions.get(), 0x1000);
    assert!(response.flags.uid_checking());
    assert_eq!(response.entry_size, 16);
    if token == 0 {
        let machine = replay(fixture);
        let mut block = dirty_block();
        let mut client = Client::new(&machine, &mut block);
        let mut list = client.list_with(room);
        assert_eq!(list.summary(), None);
        for entry in entries {
            assert_eq!(list.next(), Some(Ok(*entry)));
            assert_eq!(list.summary(), Some(SUMMARY));
        }
        if resume == 0 {
            assert_eq!(list.next(), None);
            assert_eq!(list.summary(), Some(SUMMARY));
        }
        assert_eq!(machine.log()[0].room, usize::from(room.bytes()));
        assert_eq!(machine.log()[0].processor, 2);
    }

    // To bytes, by the writer, which leaves the reserved word zero that QEMU uses.
    let mut buffer = [0xa5; 4096];
    let mut writer = ListWriter::new(&mut buffer[..usize::from(room.bytes())], SUMMARY).unwrap();
    for entry in entries {
        assert!(writer.push(entry));
    }
    assert_eq!(usize::from(writer.finish(ResumeToken(resume), 0)), length);
    let mut expected = fixture.response(length).to_vec();
    expected[24..28].fill(0);
    assert_eq!(buffer[..length], expected);
    assert!(buffer[length..].iter().all(|&byte| byte == 0xa5));

    // To bytes, by the structures.
    let mut buffer = vec![0xa5; length];
    let mut fixed = list_pci::Response::new(0x1000, true);
    fixed.header.length.set(length as u16);
    fixed.resume_token.set(resume);
    fixed.mdd.set(0x00ff_0000);
    fixed.write_to_prefix(&mut buffer).unwrap();
    for (entry, bytes) in entries.iter().zip(buffer[32..].chunks_exact_mut(16)) {
        entry.encode().write_to(bytes).unwrap();
    }
    assert_eq!(buffer, fixture.response(length));
}

#[test]
fn list_of_one_function() {
    check_list(&fixture!("a1-list"), 0, ListCapacity::MAX, &[VIRTIO_SERIAL], 0);
    let enabled = ListEntry { handle: FunctionHandle(0x8002_0000), ..VIRTIO_SERIAL };
    check_list(&fixture!("a2-list-enabled"), 0, ListCapacity::MAX, &[enabled], 0);
}

#[test]
fn list_of_three_functions() {
    let entries = [
        ListEntry { id: FunctionId(0x20), ..VIRTIO_SERIAL },
        ListEntry {
            vendor: 0x1b36,
            device: 0x000d,
            configured: true,
            id: FunctionId(0x21),
            handle: FunctionHandle(0x20001),
        },
        ListEntry {
            vendor: 0x1b36,
            device: 0x0010,
            configured: true,
            id: FunctionId(0x22),
            handle: FunctionHandle(0x20002),
        },
    ];
    check_list(&fixture!("d1-list"), 0, ListCapacity::MAX, &entries, 0);
    check_list(&fixture!("d2-list-first"), 0, ListCapacity::entries(1), &entries[..1], 1);
    check_list(&fixture!("d3-list-second"), 1, ListCapacity::entries(1), &entries[1..2], 2);
}

#[test]
fn list_of_nothing() {
    check_list(&fixture!("d4-list-empty"), 0, ListCapacity::MAX, &[], 0);
}

#[test]
fn list_of_other_devices() {
    let id = FunctionId(0);
    let nvme = ListEntry { vendor: 0x1b36, device: 0x0010, id, ..VIRTIO_SERIAL };
    check_list(&fixture!("e1-nvme-list"), 0, ListCapacity::MAX, &[nvme], 0);
    let xhci = ListEntry { vendor: 0x1b36, device: 0x000d, id, ..VIRTIO_SERIAL };
    check_list(&fixture!("e3-xhci-list"), 0, ListCapacity::MAX, &[xhci], 0);
}

const NO_BAR: Bar = Bar::ABSENT;

/// What QEMU says of every function; identifier and BARs differ.
fn emulated(id: u32, bars: [Bar; 6]) -> Function {
    Function {
        id: FunctionId(id),
        uid: Uid(1),
        group: FunctionGroupId(0xff),
        function_type: FunctionType(0),
        is_physical: false,
        vfn: 0,
        pchid: 0,
        port: 0,
        internal_path: [0; 4],
        fidparm: 0,
        rid: None,
        tid: None,
        bars,
        mio: None,
        start_dma: 0x0000_0001_0000_0000,
        end_dma: 0x01ff_ffff_ffff_ffff,
        fmb_length: 0,
        utility_string: None,
    }
}

fn bar(register: [u8; 4], size_log2: u8) -> Bar {
    Bar::new(register, size_log2).unwrap()
}

fn check_query_function(fixture: &Fixture, function: &Function) {
    check_query_function_at(fixture, FunctionHandle(0x20000), 0x140, function);
}

/// The same of the function at `handle`, to whose response `offered` bytes were offered.
fn check_query_function_at(fixture: &Fixture, handle: FunctionHandle, offered: usize, function: &Function) {
    assert_eq!(encoded(&query_pci_fn::Request::new(handle)), fixture.request(32));
    let machine = replay(fixture);
    let mut block = dirty_block();
    let queried = Client::new(&machine, &mut block).query_function(handle);
    assert_eq!(queried.as_ref(), Ok(function));
    assert_eq!(machine.log()[0].room, 384);
    assert_eq!(machine.log()[0].processor, 2);
    assert_eq!(emitted(&function.encode().unwrap(), offered), fixture.response(offered));
}

#[test]
fn query_virtio_serial() {
    let io = bar([0, 0, 0, 1], 6);
    let prefetchable = bar([0, 0, 0, 0x0c], 14);
    let function = emulated(1, [io, bar([0; 4], 12), NO_BAR, NO_BAR, prefetchable, NO_BAR]);
    check_query_function(&fixture!("a3-query-function"), &function);
    assert_eq!(function.bars.map(Bar::size), [Some(64), Some(4096), None, None, Some(16384), None]);
    // QEMU 10.0 stores the register big-endian: the little-endian reading of hardware is not the one meant.
    assert_eq!(prefetchable.register(), 0x0c00_0000);
    assert_eq!(u32::from_be_bytes(prefetchable.register_bytes()), 0x0000_000c);
}

/// QEMU 11.1 stores the register little-endian, as hardware does.
#[test]
fn query_nvme_of_a_newer_qemu() {
    let memory = bar([4, 0, 0, 0], 14);
    let function = Function { uid: Uid(0x10), ..emulated(0x200, [memory, NO_BAR, NO_BAR, NO_BAR, NO_BAR, NO_BAR]) };
    check_query_function_at(&fixture!("e5-nvme-query-11"), FunctionHandle(0x8002_0000), 0x180, &function);
    assert_eq!(memory.register(), 4);
}

#[test]
fn query_nvme_and_xhci() {
    let function = emulated(0, [bar([0, 0, 0, 4], 14), NO_BAR, NO_BAR, NO_BAR, NO_BAR, NO_BAR]);
    check_query_function(&fixture!("e2-nvme-query"), &function);
    check_query_function(&fixture!("e4-xhci-query"), &function);
}

#[test]
fn query_with_a_short_response() {
    let fixture = fixture!("a4-query-function-short");
    assert_eq!(encoded(&query_pci_fn::Request::new(FunctionHandle(0x20000))), fixture.request(32));
    // QEMU calls it a success and stores what fits; it is not enough to know the function.
    let machine = replay(&fixture);
    let mut block = dirty_block();
    assert_eq!(
        Client::new(&machine, &mut block).query_function(FunctionHandle(0x20000)),
        Err(ClientError::Call(CallError::Response(ResponseError::TooShort { required: 128, actual: 64 })))
    );
    // The structure itself can be cut anywhere.
    let mut response = emulated(1, [NO_BAR; 6]).encode().unwrap();
    response.header.length.set(64);
    response.bar_size_log2 = [6, 12, 0, 0, 14, 0];
    response.bar[0] = [0, 0, 0, 1].into();
    response.bar[4] = [0, 0, 0, 0x0c].into();
    assert_eq!(response.as_bytes()[..64], *fixture.response(64));
    // Our own responder refuses instead.
    assert!(response.emit(&mut [0xa5; 64]).is_err());
}

#[test]
fn query_of_an_unknown_handle() {
    let fixture = fixture!("a5-query-function-unknown");
    assert_eq!(encoded(&query_pci_fn::Request::new(FunctionHandle(0xdead_beef))), fixture.request(32));
    let machine = replay(&fixture);
    let mut block = dirty_block();
    assert_eq!(
        Client::new(&machine, &mut block).query_function(FunctionHandle(0xdead_beef)),
        Err(ClientError::Call(CallError::Response(ResponseError::Refused(ResponseCode::FUNCTION_HANDLE))))
    );
    assert_eq!(refused(0x0101, 0x140), fixture.response(16));
}

#[test]
fn query_in_another_format() {
    let fixture = fixture!("a6-query-function-format");
    let mut request = query_pci_fn::Request::new(FunctionHandle(0x20000));
    request.header.format.set_format(1);
    assert_eq!(encoded(&request), fixture.request(32));
    let parsed = query_pci_fn::Request::parse(fixture.request(32)).unwrap();
    assert_eq!(parsed, request);
    assert_eq!(parsed.check(), Err(RequestError::Format(1)));
    // The answer is the one to format 0, as far as it was recorded.
    assert_eq!(fixture.block[32..fixture.end], *fixture!("a3-query-function").response(32));
}

#[test]
fn query_of_the_emulated_group() {
    let fixture = fixture!("a7-query-group");
    assert_eq!(encoded(&query_pci_fngrp::Request::new(FunctionGroupId(0xff))), fixture.request(32));
    let machine = replay(&fixture);
    let mut block = dirty_block();
    assert_eq!(Client::new(&machine, &mut block).query_function_group(FunctionGroupId(0xff)), Ok(EMULATED_GROUP));
    assert_eq!(machine.log()[0].room, 64);
    assert_eq!(emitted(&EMULATED_GROUP.encode().unwrap(), 64), fixture.response(64));
}

#[test]
fn query_of_an_unknown_group() {
    let fixture = fixture!("a8-query-group-unknown");
    assert_eq!(encoded(&query_pci_fngrp::Request::new(FunctionGroupId(1))), fixture.request(32));
    let machine = replay(&fixture);
    let mut block = dirty_block();
    assert_eq!(
        Client::new(&machine, &mut block).query_function_group(FunctionGroupId(1)),
        Err(CallError::Response(ResponseError::Refused(ResponseCode::FUNCTION_GROUP)))
    );
    assert_eq!(refused(0x010b, 64), fixture.response(16));
}

#[test]
fn enable_and_disable() {
    let (disabled, enabled) = (FunctionHandle(0x20000), FunctionHandle(0x8002_0000));
    let fixture = fixture!("a9-enable");
    assert_eq!(encoded(&set_pci_fn::Request::new(disabled, Operation::ENABLE)), fixture.request(32));
    let machine = replay(&fixture);
    let mut block = dirty_block();
    assert_eq!(
        Client::new(&machine, &mut block).enable(disabled, clp::Enable::PLAIN).map(|enabled| enabled.handle),
        Ok(enabled)
    );
    assert_eq!(machine.log()[0].room, 160);
    assert_eq!(emitted(&set_pci_fn::Response::new(enabled), 32), fixture.response(32));

    let fixture = fixture!("a10-disable");
    assert_eq!(encoded(&set_pci_fn::Request::new(enabled, Operation::DISABLE)), fixture.request(32));
    let machine = replay(&fixture);
    assert_eq!(Client::new(&machine, &mut block).disable(enabled), Ok(disabled));
    assert_eq!(emitted(&set_pci_fn::Response::new(disabled), 32), fixture.response(32));
}

#[test]
fn refusals_of_set() {
    let request = |handle, operation, spaces| {
        let mut request = set_pci_fn::Request::new(FunctionHandle(handle), operation);
        request.dma_address_spaces = spaces;
        request
    };
    let (enable, disable) = (Operation::ENABLE, Operation::DISABLE);
    for (fixture, request, code) in [
        (fixture!("a11-enable-no-space"), request(0x20000, enable, 0), 0x0103),
        (fixture!("a11-enable-two-spaces"), request(0x20000, enable, 2), 0x0104),
        (fixture!("a11-enable-enabled"), request(0x8002_0000, enable, 1), 0x0102),
        (fixture!("a11-disable-disabled"), request(0x20000, disable, 1), 0x0102),
        (fixture!("a11-enable-mio"), request(0x20000, Operation::ENABLE_MIO, 1), 0x0102),
        (fixture!("a11-enable-stale"), request(0x20000, enable, 1), 0x0101),
    ] {
        assert_eq!(encoded(&request), fixture.request(32));
        assert_eq!(set_pci_fn::Request::parse(fixture.request(32)), Ok(request));
        let machine = replay(&fixture);
        let mut block = dirty_block();
        let error = Client::new(&machine, &mut block).set(&request).unwrap_err();
        assert_eq!(error, SetError::Call(CallError::Response(ResponseError::Refused(ResponseCode(code)))));
        assert_eq!(refused(code, 32), fixture.response(16));
    }
}

/// The client sends none of these requests, so they are read and written part by part.
#[test]
fn list_requests_at_the_edges() {
    let header = |length, command| RequestHeader::new(CommandCode(command), length);

    let fixture = fixture!("b-request-16");
    assert_eq!(header(16, 2).as_bytes(), fixture.request(16));
    let mut block = fixture.block;
    let parts = Parts::split(&mut block).unwrap();
    assert_eq!((parts.request.len(), parts.response.len()), (16, 64));
    let error = list_pci::Request::parse(parts.request).unwrap_err();
    assert_eq!(error, RequestError::Length { required: 32, actual: 16 });
    assert_eq!(error.response_code(), ResponseCode(0x0050));
    assert_eq!(refused(0x0050, 64), fixture.block[16..32]);

    let mut reserved = list_pci::Request::new(0);
    reserved.header.format = FormatWord::from_bits(1.into());
    let mut format = list_pci::Request::new(0);
    format.header.format.set_format(1);
    for (fixture, request, room, check, code) in [
        (fixture!("b-room-40"), list_pci::Request::new(0), 40, Ok(()), 0x0060),
        (fixture!("b-token-unknown"), list_pci::Request::new(0x1234), 48, Ok(()), 0x010a),
        (fixture!("b-format"), format, 64, Err(RequestError::Format(1)), 0x0040),
        (fixture!("b-reserved-header"), reserved, 64, Err(RequestError::Reserved), 0x0070),
    ] {
        assert_eq!(encoded(&request), fixture.request(32));
        let mut block = fixture.block;
        let parts = Parts::split(&mut block).unwrap();
        assert_eq!(parts.response.len(), room);
        let parsed = list_pci::Request::parse(parts.request).unwrap();
        assert_eq!(parsed, request);
        assert_eq!(parsed.check(), check);
        assert_eq!(check.err().map_or(ResponseCode(code), RequestError::response_code), ResponseCode(code));
        assert_eq!(
            Received::<list_pci::Response>::parse(parts.response),
            Err(ResponseError::Refused(ResponseCode(code)))
        );
        assert_eq!(refused(code, room), fixture.response(16));
    }
    assert!(ListWriter::new(&mut [0xa5; 40], SUMMARY).is_err());
}

#[test]
fn list_with_a_reserved_field_set() {
    let fixture = fixture!("b-reserved-body");
    let mut request = list_pci::Request::new(0);
    request.reserved.set(1);
    assert_eq!(encoded(&request), fixture.request(32));
    let parsed = list_pci::Request::parse(fixture.request(32)).unwrap();
    assert_eq!(parsed.reserved.get(), 1);
    assert_eq!(parsed.header.check(), Ok(()));
    assert_eq!(parsed.check(), Err(RequestError::Reserved));
    // QEMU does not check it.
    assert_eq!(fixture.response(48), fixture!("a1-list").response(48));
}

#[test]
fn conditions_and_program_checks() {
    let fixture = fixture!("b-room-56");
    assert_eq!(fixture.outcome, Outcome::ConditionCode(3));
    assert_eq!(encoded(&list_pci::Request::new(0)), fixture.request(32));
    assert_eq!(refused(0x0050, 56), fixture.response(16));
    let machine = replay(&fixture);
    let mut block = dirty_block();
    assert_eq!(
        Client::new(&machine, &mut block).list().next(),
        Some(Err(ListError::Call(CallError::Condition(ConditionCode::Three))))
    );

    let fixture = fixture!("b-room-47");
    assert_eq!(fixture.outcome, Outcome::ProgramCheck(0x15));
    assert_eq!(encoded(&list_pci::Request::new(0)), fixture.request(32));
    assert_eq!(refused(0, 47), fixture.response(16));
    assert_eq!(Parts::split(&mut fixture!("b-room-47").block), Err(PartsError::Capacity(47)));

    let fixture = fixture!("b-request-20");
    assert_eq!(fixture.outcome, Outcome::ProgramCheck(0x15));
    assert_eq!(RequestHeader::new(CommandCode::LIST_PCI, 20).as_bytes(), fixture.request(16));
    assert_eq!(refused(0, 64), fixture.block[20..36]);
    assert_eq!(Parts::split(&mut fixture!("b-request-20").block), Err(PartsError::Request(20)));
}

#[test]
fn commands_that_qemu_does_not_know() {
    let fixture = fixture!("c1-slpc");
    assert_eq!(encoded(&slpc::Request::new()), fixture.request(16));
    assert_eq!(slpc::Request::parse(fixture.request(16)), Ok(slpc::Request::new()));
    assert_eq!(refused(0x0050, 0x100), fixture.block[16..32]);
    let machine = replay(&fixture);
    let mut block = dirty_block();
    let mut client = Client::new(&machine, &mut block);
    assert_eq!(client.characteristics(), Err(CallError::Response(ResponseError::Refused(ResponseCode::LENGTH))));
    assert_eq!(client.installed_processors(), Err(ConditionCode::Three));

    for (fixture, command, room, code) in
        [(fixture!("c2-slpc-32"), 1, 0x100, 0x0020), (fixture!("c3-unknown"), 7, 64, 0x0020)]
    {
        let mut request = [0; 32];
        RequestHeader::new(CommandCode(command), 32).write_to_prefix(&mut request).unwrap();
        assert_eq!(request, *fixture.request(32));
        let mut block = fixture.block;
        let parts = Parts::split(&mut block).unwrap();
        assert_eq!((parts.request.len(), parts.response.len()), (32, room));
        assert_eq!(refused(code, room), fixture.response(16));
        assert_eq!(Received::<slpc::Response>::parse(parts.response), Err(ResponseError::Refused(ResponseCode(code))));
        let mut block = fixture.block;
        let parts = Parts::split(&mut block).unwrap();
        let error = slpc::Request::parse(parts.request).unwrap_err();
        match command {
            1 => assert_eq!(error, RequestError::Length { required: 16, actual: 32 }),
            _ => assert_eq!(error, RequestError::Command(CommandCode(7))),
        }
    }
}
