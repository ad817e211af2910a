// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Events on their way to the guest.

use clp::{FunctionHandle, FunctionId};
use s390_iommu::guest::{EventQueue, Queued};
use s390_iommu::{
    AvailabilityAction, AvailabilityCode, AvailabilityEvent, ErrorEvent, Event, EventAnswer, EventCode,
    EventInformation, Iova,
};
use zerocopy::{FromZeros, IntoBytes};

fn error(id: u32) -> Event {
    Event::Error(ErrorEvent::new(FunctionHandle(1), FunctionId(id), EventCode::TABLE_TYPE, Iova::new(0)))
}

const fn id(event: Event) -> u32 {
    match event {
        Event::Error(event) => event.id().0,
        Event::Availability(event) => event.id().0,
    }
}

#[test]
fn a_queue_that_runs_over() {
    let mut queue = EventQueue::<3>::new();
    let queued: Vec<Queued> = (0..5).map(|id| queue.push(error(id))).collect();
    assert_eq!(queued, [Queued::Report, Queued::Behind, Queued::Behind, Queued::Dropped, Queued::Dropped]);
    assert_eq!((queue.len(), queue.dropped()), (3, 2));
    assert_eq!((queue.take_dropped(), queue.dropped()), (2, 0));
    let mut popped = Vec::new();
    while let Some((event, more)) = queue.pop() {
        popped.push((id(event), more));
    }
    assert_eq!(popped, [(0, true), (1, true), (2, false)]);
    let queued = [6, 7, 6].map(|id| queue.push(error(id)));
    assert_eq!(queued, [Queued::Report, Queued::Behind, Queued::Behind]);
    queue.forget(|event| id(*event) == 6);
    assert_eq!(queue.pop(), Some((error(7), false)));
    assert_eq!((queue.push(error(8)), queue.is_empty()), (Queued::Report, false));
    queue.reset();
    assert!(queue.is_empty());
    assert_eq!((queue.push(error(8)), queue.dropped()), (Queued::Report, 0));
}

/// Linux asks when it gets a channel report and at no other time, and then until there is no more: `chsc_process_crw()`.
#[test]
fn a_guest_that_asks_after_a_report() {
    let mut queue = EventQueue::<4>::new();
    let mut got = Vec::new();
    for round in 0..3 {
        let mut reports = 0;
        for number in 0..=round {
            reports += u32::from(queue.push(error(10 * round + number)) == Queued::Report);
        }
        assert_eq!(reports, 1);
        while let Some((event, more)) = queue.pop() {
            got.push(id(event));
            if !more {
                break;
            }
        }
    }
    assert_eq!(got, [0, 10, 11, 20, 21, 22]);
}

/// Each event is given out once or counted, whatever the order of what happens.
#[test]
fn nothing_is_lost_uncounted() {
    let mut state = 7_u64;
    let mut queue = EventQueue::<5>::new();
    let (mut pushed, mut popped) = (0, Vec::new());
    for _ in 0..10_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if state >> 61 < 4 {
            popped.extend(queue.pop().map(|(event, _)| id(event)));
        } else {
            let _ = queue.push(error(pushed));
            pushed += 1;
        }
    }
    assert!(popped.is_sorted_by(|first, second| first < second) && popped.len() > 1000);
    assert!(queue.dropped() > 100);
    assert_eq!(popped.len() as u64 + queue.len() as u64 + queue.dropped(), u64::from(pushed));
}

#[test]
fn availability_bytes() {
    let event = AvailabilityEvent::new(FunctionHandle(0x8102_0304), FunctionId(0x0506_0708), AvailabilityCode(0x0304));
    let mut expected = [0; 32];
    expected[4..12].copy_from_slice(&[0x81, 2, 3, 4, 5, 6, 7, 8]);
    expected[30..].copy_from_slice(&[0x03, 0x04]);
    assert_eq!(event.as_bytes(), expected);
    assert_eq!((event.handle().0, event.id().0), (0x8102_0304, 0x0506_0708));
    assert_eq!(event.to_string(), "function 0x05060708: event 0x0304 (taken away)");
}

#[test]
fn availability_codes() {
    for code in 0..=u16::MAX {
        let action = match code {
            0x0301 => AvailabilityAction::Use,
            0x0302 => AvailabilityAction::Note,
            0x0303 => AvailabilityAction::GiveBack,
            0x0304 => AvailabilityAction::Forget,
            0x0306 => AvailabilityAction::List,
            0x0308 => AvailabilityAction::Remove,
            _ => AvailabilityAction::Nothing,
        };
        assert_eq!(AvailabilityCode(code).action(), action, "{code:#x}");
        assert_eq!(AvailabilityCode(code).meaning().is_some(), action != AvailabilityAction::Nothing);
    }
}

/// The block of the instruction, byte for byte, from the request to the answer and back.
#[test]
fn information() {
    let request = EventInformation::request();
    let mut bytes = [0; 112];
    bytes[..4].copy_from_slice(&[0, 0x10, 0, 0x0e]);
    bytes[8] = 0x20;
    assert_eq!(request.as_bytes(), bytes);
    assert!(request.wants_pci());
    assert!(!EventInformation::new_zeroed().wants_pci());

    // What was there before is nothing to the answer.
    let mut stale = EventInformation { event: [0xa5; 32], flags: 0xa5, ..request };
    stale.reserved_28 = [0xa5; 52];
    let nothing = stale.answered(None);
    bytes[16..20].copy_from_slice(&[0, 8, 0, 5]);
    assert_eq!(nothing.as_bytes(), bytes);
    assert_eq!(nothing.answer(), EventAnswer::Nothing);

    let availability = AvailabilityEvent::new(FunctionHandle(0x0002_0000), FunctionId(1), AvailabilityCode::CONFIGURED);
    for (event, more, content) in
        [(error(7), true, 1), (error(7), false, 1), (Event::Availability(availability), true, 2)]
    {
        let answered = stale.answered(Some((event, more)));
        bytes[16..20].copy_from_slice(&[0x0f, 0xf0, 0, 1]);
        bytes[23] = 2;
        bytes[24] = if more { 0x80 } else { 0 };
        bytes[27] = content;
        match &event {
            Event::Error(event) => bytes[80..].copy_from_slice(event.as_bytes()),
            Event::Availability(event) => bytes[80..].copy_from_slice(event.as_bytes()),
        }
        assert_eq!(answered.as_bytes(), bytes);
        assert_eq!(answered.answer(), EventAnswer::Event(event, more));
        let other = EventInformation { content: 3, ..answered };
        assert_eq!(other.answer(), EventAnswer::Other(more));
        let other = EventInformation { notification_type: 0, ..answered };
        assert_eq!(other.answer(), EventAnswer::Other(more));
    }
}
