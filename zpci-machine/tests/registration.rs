// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Interrupts and measurement blocks, registered with the fake machine.

use std::cell::Cell;

use clp::{Client, ConditionCode, FunctionGroup, FunctionHandle};
use s390_iommu::{
    AbsoluteAddress, Fib, FunctionControl, Instruction, InterruptVectorError, IovaRange, Outcome, Status, Zpci,
};
use zpci_machine::{
    deregister_interrupts, register_interrupts, set_measurement, stop_measurement, InterruptError,
    InterruptRegistration, MeasureError,
};
use zpci_tests::fake::{Configuration, Fake};
use zpci_tests::Machine;

/// An enabled function of the fake machine, and its group: 128 interrupts.
fn enabled() -> (Fake, FunctionHandle, FunctionGroup) {
    let fake = Fake::new(Configuration::qemu());
    let id = fake.function().unwrap();
    let mut block = fake.block();
    let mut client = Client::new(&fake, &mut block);
    let handle = client.ensure_enabled(id).unwrap();
    let function = client.query_function(handle).unwrap();
    let group = client.query_function_group(function.group).unwrap();
    assert_eq!(group.max_interrupts, 128);
    (fake, handle, group)
}

const VECTOR: AbsoluteAddress = AbsoluteAddress::new(0x1_e000);
const SUMMARY: AbsoluteAddress = AbsoluteAddress::new(0x1_e040);

/// What was registered when `tests/fixtures/f-interrupts.hex` was recorded.
const RECORDED: InterruptRegistration = InterruptRegistration {
    subclass: 3,
    count: 4,
    vector: VECTOR,
    vector_offset: 0,
    summary: SUMMARY,
    summary_offset: 5,
};

#[test]
fn what_is_registered_are_the_recorded_bytes() {
    let (fake, handle, group) = enabled();
    // SAFETY: the fake machine writes no storage but its own.
    unsafe { register_interrupts(&fake, handle, &group, &RECORDED) }.unwrap();
    let (cc, fib) = fake.store_fib(handle.0);
    assert_eq!(cc, 0);
    let expected = [0x30, 0x04, 0x00, 0x85, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xe0, 0, 0, 0, 0, 0, 0, 1, 0xe0, 0x40];
    assert_eq!(fib[40..64], expected);

    // SAFETY: as above.
    let again = unsafe { register_interrupts(&fake, handle, &group, &RECORDED) };
    assert_eq!(again, Err(InterruptError::AlreadyRegistered));
    assert_eq!(deregister_interrupts(&fake, handle), Ok(()));
    assert_eq!(fake.store_fib(handle.0).1[40..64], [0; 24]);
    assert_eq!(deregister_interrupts(&fake, handle), Ok(()));
    assert_eq!(fake.complaints(), [""; 0]);
}

#[test]
fn operands_are_checked_before_the_machine_is_asked() {
    let (_, _, group) = enabled();
    let at = AbsoluteAddress::new;
    let with = |change: &dyn Fn(&mut InterruptRegistration)| {
        let mut registration = RECORDED;
        change(&mut registration);
        registration.parameters(&group).err()
    };
    let count = |wanted| Some(InterruptError::Count { wanted, most: 128 });
    assert_eq!(with(&|_| {}), None);
    assert_eq!(with(&|it| it.count = 0), count(0));
    assert_eq!(with(&|it| it.count = 128), None);
    assert_eq!(with(&|it| it.count = 129), count(129));
    assert_eq!(with(&|it| it.count = 0xffff), count(0xffff));
    assert_eq!(with(&|it| it.vector = at(0x1_e004)), Some(InterruptError::Unaligned(at(0x1_e004))));
    assert_eq!(with(&|it| it.summary = at(0x1_e041)), Some(InterruptError::Unaligned(at(0x1_e041))));
    let field = Some(InterruptError::Vector(InterruptVectorError::Field));
    assert_eq!(with(&|it| it.subclass = 7), None);
    assert_eq!(with(&|it| it.subclass = 8), field);
    assert_eq!(with(&|it| it.vector_offset = 63), None);
    assert_eq!(with(&|it| it.vector_offset = 64), field);
    assert_eq!(with(&|it| it.summary_offset = 63), None);
    assert_eq!(with(&|it| it.summary_offset = 64), field);

    // 128 bits from the last but one doubleword of a page end with it; a bit later they do not.
    let end = |it: &mut InterruptRegistration| (it.vector, it.count) = (AbsoluteAddress::new(0x1_eff0), 128);
    let crosses = Some(InterruptError::Vector(InterruptVectorError::CrossesPage(at(0x1_eff0))));
    let mut registration = RECORDED;
    end(&mut registration);
    assert_eq!(registration.parameters(&group).err(), None);
    registration.vector_offset = 1;
    assert_eq!(registration.parameters(&group).err(), crosses);
    registration.count = 127;
    assert_eq!(registration.parameters(&group).err(), None);

    // Bytes 8 to 23 from 0x1e000 on.
    let overlap = |summary, offset| {
        let vector = InterruptRegistration {
            count: 128,
            vector_offset: 60,
            summary: AbsoluteAddress::new(summary),
            summary_offset: offset,
            ..RECORDED
        };
        vector.parameters(&group).err()
    };
    let overlaps = |byte| Some(InterruptError::Overlap(at(byte)));
    assert_eq!(overlap(0x1_e000, 55), None);
    assert_eq!(overlap(0x1_e000, 56), overlaps(0x1_e007));
    assert_eq!(overlap(0x1_e010, 63), overlaps(0x1_e017));
    assert_eq!(overlap(0x1_e018, 0), None);
}

/// A machine that answers MPCIFC as it was told to, so many times.
struct Answering {
    outcome: Outcome,
    busy: Cell<u32>,
    asked: Cell<u32>,
}

impl Zpci for Answering {
    unsafe fn mpcifc(&self, _: FunctionHandle, _: FunctionControl, _: &Fib) -> Outcome {
        self.asked.set(self.asked.get() + 1);
        match self.busy.get().checked_sub(1) {
            Some(left) => {
                self.busy.set(left);
                Outcome { cc: ConditionCode::Two, status: Status(0) }
            }
            None => self.outcome,
        }
    }

    fn rpcit(&self, _: FunctionHandle, _: IovaRange) -> Outcome {
        Outcome::DONE
    }

    fn pause(&self, _: Instruction, busy: u32) -> bool {
        busy < 10
    }
}

fn answering(outcome: Outcome, busy: u32) -> Answering {
    Answering { outcome, busy: Cell::new(busy), asked: Cell::new(0) }
}

const HANDLE: FunctionHandle = FunctionHandle(0x8002_0000);

#[test]
fn answers() {
    let (_, _, group) = enabled();
    let gone = Outcome { cc: ConditionCode::Three, status: Status(0) };
    let one = |status| Outcome { cc: ConditionCode::One, status: Status(status) };
    // SAFETY: this machine writes no storage.
    let register = |machine: &Answering| unsafe { register_interrupts(machine, HANDLE, &group, &RECORDED) };
    // SAFETY: likewise.
    let measure = |machine: &Answering| unsafe { set_measurement(machine, HANDLE, VECTOR, 48) };

    let busy = Outcome { cc: ConditionCode::Two, status: Status(0) };
    for (outcome, times, refused, asked) in [
        (Outcome::DONE, 0, None, 1),
        (Outcome::DONE, 9, None, 10),
        (Outcome::DONE, 10, Some(busy), 10),
        (one(4), 0, Some(one(4)), 1),
        (gone, 1, Some(gone), 2),
    ] {
        let machine = answering(outcome, times);
        assert_eq!(register(&machine).err(), refused.map(InterruptError::Refused));
        assert_eq!(machine.asked.get(), asked);
        let machine = answering(outcome, times);
        assert_eq!(measure(&machine).err(), refused.map(MeasureError::Refused));
        assert_eq!(machine.asked.get(), asked);
    }
    // What is not there any more, or was not registered, is not registered afterwards.
    for (outcome, result) in
        [(Outcome::DONE, Ok(())), (gone, Ok(())), (one(24), Ok(())), (one(40), Err(InterruptError::Refused(one(40))))]
    {
        assert_eq!(deregister_interrupts(&answering(outcome, 3), HANDLE), result);
    }
    // A disabled function is not asked for.
    let disabled = FunctionHandle(0x0002_0000);
    let machine = answering(Outcome::DONE, 0);
    // SAFETY: as above.
    let registered = unsafe { register_interrupts(&machine, disabled, &group, &RECORDED) };
    assert_eq!(registered, Err(InterruptError::NotEnabled(disabled)));
    // SAFETY: as above.
    assert_eq!(unsafe { set_measurement(&machine, disabled, VECTOR, 48) }, Err(MeasureError::NotEnabled(disabled)));
    assert_eq!(machine.asked.get(), 0);
}

#[test]
fn measurement_blocks() {
    let (fake, handle, _) = enabled();
    // SAFETY: the fake machine writes no storage but its own.
    let set = |at: u64, length| unsafe { set_measurement(&fake, handle, AbsoluteAddress::new(at), length) };
    let registered = || u64::from_be_bytes(fake.store_fib(handle.0).1[64..72].try_into().unwrap());
    for (at, length) in [(0, 48), (0x1_e001, 48), (0x1_e008, 48), (0x1_efe0, 48), (0x1_efe0, 0), (0x1_efb0, 81)] {
        assert_eq!(set(at, length), Err(MeasureError::Block(AbsoluteAddress::new(at))), "{at:#x} {length}");
    }
    assert_eq!(registered(), 0);
    for (at, length) in [(0x1_efd0, 48), (0x1_efd0, 0), (0x1_efb0, 80)] {
        assert_eq!(set(at, length), Ok(()), "{at:#x} {length}");
        assert_eq!(registered(), at);
    }
    assert_eq!(stop_measurement(&fake, handle), Ok(()));
    assert_eq!(stop_measurement(&fake, handle), Ok(()));
    assert_eq!(registered(), 0);
    // No event either, which the machine would have of a storage key.
    assert_eq!(fake.complaints(), [""; 0]);
}
