// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Registration: what is refused is refused before an instruction is issued, since that could trap.

use clp::{Client, DesignationTypes};
use s390_iommu::{Action, FunctionControl, Iota, Iova, IovaRange, RegisterError, Root, Status};
use zerocopy::IntoBytes;

use super::subject::Subject;
use crate::case::{ensure, fail, skip, Stop};
use crate::machine::Machine;
use crate::middleware::{Instruction, Trace};

const PAGE: u64 = 0x1000;

/// Sees that a registration is refused with `expected`, and that the machine was not asked.
fn expect_refusal<M: Machine>(
    subject: &Subject<'_, M>,
    aperture: IovaRange,
    iota: Iota,
    expected: RegisterError,
) -> Result<(), Stop> {
    let trace = Trace::new(subject.machine);
    let result = subject.try_register(&trace, aperture, iota);
    ensure!(result, Err(expected), "registration of {iota:?} for {aperture}");
    ensure!(trace.take().len(), 0, "instructions issued for a refused registration of {iota:?} for {aperture}");
    Ok(())
}

/// The operand of MPCIFC, byte for byte, and that the machine takes it.
pub(super) fn register<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let aperture = subject.aperture(&table)?;
    let trace = Trace::new(machine);
    ensure!(subject.try_register(&trace, aperture, table.iota()), Ok(()), "registration");
    let instructions = trace.take();
    let Some((Instruction::Modify { function, control, fib }, [])) = instructions.split_last() else {
        fail!("registration issued {instructions:?}");
    };
    ensure!(*function, subject.handle, "handle");
    ensure!(*control, FunctionControl(4), "operation control");
    let mut expected = [0; 80];
    expected[16..24].copy_from_slice(&aperture.start().get().to_be_bytes());
    expected[24..32].copy_from_slice(&aperture.last().get().to_be_bytes());
    let low_bits = match table.root() {
        Root::RegionThird => 0x804,
        Root::RegionSecond => 0x808,
        Root::RegionFirst => 0x80c,
    };
    expected[32..40].copy_from_slice(&(table.origin().get() | low_bits).to_be_bytes());
    ensure!(fib.as_bytes(), expected, "FIB");
    subject.deregister()?;
    // Once more: nothing is registered, and that is fine.
    subject.deregister()
}

/// The shortest apertures there are, at either end of what the function can address.
pub(super) fn first_and_last_page<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let usable = subject.aperture(&table)?;
    for page in [IovaRange::page(usable.start()), IovaRange::page(usable.last())] {
        ensure!(subject.try_register(machine, page, table.iota()), Ok(()), "registration for {page}");
        subject.deregister()?;
    }
    Ok(())
}

/// The second registration is answered as such, and the first one stands.
pub(super) fn twice<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let aperture = subject.register(&table)?;
    match subject.try_register(machine, aperture, table.iota()) {
        Err(RegisterError::Refused { action: Action::AlreadyDone, outcome, .. }) => {
            ensure!(outcome.status, Status(24), "status of the second registration");
        }
        other => fail!("second registration: {other:?}"),
    }
    subject.deregister()
}

/// One page more than the function can address, or than the table can translate where that ends first.
pub(super) fn one_page_too_long<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let (window, usable) = (subject.limits.window, subject.aperture(&table)?);
    let Some(last) = usable.last().checked_add(PAGE) else {
        skip!("function and table reach up to 2^64");
    };
    for start in [usable.start(), IovaRange::page(usable.last()).start(), IovaRange::page(last).start()] {
        let aperture = aperture(start, last)?;
        let refusal = if table.span().contains(aperture) {
            RegisterError::OutsideWindow { aperture, window }
        } else {
            RegisterError::OutsideTable { aperture, table: table.span() }
        };
        expect_refusal(&subject, aperture, table.iota(), refusal)?;
    }
    Ok(())
}

pub(super) fn one_page_too_low<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let (window, usable) = (subject.limits.window, subject.aperture(&table)?);
    let Some(start) = window.start().get().checked_sub(PAGE).map(Iova::new) else {
        skip!("the function can address everything from 0");
    };
    for last in [usable.last(), IovaRange::page(window.start()).last(), IovaRange::page(start).last()] {
        let aperture = aperture(start, last)?;
        expect_refusal(&subject, aperture, table.iota(), RegisterError::OutsideWindow { aperture, window })?;
    }
    Ok(())
}

fn aperture(start: Iova, last: Iova) -> Result<IovaRange, Stop> {
    match IovaRange::new(start, last) {
        Ok(range) => Ok(range),
        Err(error) => fail!("{error}"),
    }
}

/// Every designation type that the group does not list, with an origin that is a table all the same.
pub(super) fn wrong_designation_type<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    let table = subject.table()?;
    let window = subject.limits.window;
    let DesignationTypes(mask) = subject.limits.designation_types;
    let mut refused = 0_u8;
    for wanted in (0..8).filter(|wanted| mask & (0x80 >> wanted) == 0) {
        let iota = Iota::from_bits(table.origin().get() | 0x800 | u64::from(wanted) << 2);
        let supported = subject.limits.designation_types;
        expect_refusal(&subject, window, iota, RegisterError::DesignationType { wanted, supported })?;
        refused = refused.wrapping_add(1);
    }
    ensure!(refused > 0, true, "designation types that the function does not take");
    Ok(())
}

pub(super) fn no_translation<M: Machine>(machine: &M) -> Result<(), Stop> {
    let subject = Subject::new(machine)?;
    if subject.group.relaxed_translation {
        skip!("the function may do without translation");
    }
    expect_refusal(&subject, subject.limits.window, Iota::IDENTITY, RegisterError::Translation)
}

/// A disabled function takes no registration; its handle says so.
pub(super) fn disabled<M: Machine>(machine: &M) -> Result<(), Stop> {
    let mut subject = Subject::new(machine)?;
    let mut block = machine.block();
    let mut client = Client::new(machine, &mut block);
    match client.ensure_disabled(subject.id) {
        Ok(handle) => subject.handle = handle,
        Err(error) => fail!("disable: {error}"),
    }
    let table = subject.table()?;
    let refusal = RegisterError::NotEnabled(subject.handle);
    expect_refusal(&subject, subject.aperture(&table)?, table.iota(), refusal)
}
