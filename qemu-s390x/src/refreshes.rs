// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Refreshes of one size, for whoever counts what they take outside: a range is mapped, refreshed, unmapped and refreshed,
//! again and again.

use core::fmt::{self, Write};

use qemu_s390x::address_space::AddressSpace;
use qemu_s390x::enabled::EnabledFunction;
use qemu_s390x::find;
use qemu_s390x::frames::Buffer;
use qemu_s390x::has_zpci;
use qemu_s390x::machine::RealMachine;
use qemu_s390x::report::Report;
use s390_iommu::{AbsoluteAddress, IovaRange, Protection, Unmapped, PAGE_SIZE};
use zpci_machine::has_facility;
use zpci_tests::{Message, Stop};

use crate::image::{frames, tables, Console};
use crate::variable::number;

/// Pages of the range, at most 256, and how often it is mapped and unmapped; `cargo xtask vmm` sets other ones.
const PAGES: u64 = number(option_env!("ZPCI_PAGES"), 1);
const STEPS: u64 = number(option_env!("ZPCI_STEPS"), 100);

/// What frames of 1 MiB are aligned to.
const MIB: u64 = 1 << 20;

/// Does all of it, and tells whether every refresh ended well.
///
/// # Errors
///
/// Why there is no use in going on.
pub(crate) fn refresh(console: &mut Console, _: [u8; 8]) -> Result<bool, &'static str> {
    if !has_zpci(has_facility) {
        return Err("this processor has no PCI instructions: facilities 69, 71 and 72 are needed");
    }
    // SAFETY: The linker script keeps both regions free, translation is off and the prefix zero, so that addresses are
    // absolute, this is the only machine, and its facilities are those of zPCI.
    let machine = unsafe { RealMachine::new(tables(), frames(), None, at_once, None) };
    let Some(machine) = machine else {
        return Err("no storage behind the image");
    };
    report(&machine, console).map_err(|_| "the console failed")
}

fn report<W: Write>(machine: &RealMachine, out: W) -> Result<bool, fmt::Error> {
    let mut report = Report::new(out, 1)?;
    report.diagnostic(format_args!("{STEPS} times {PAGES} pages, mapped and unmapped"))?;
    report.case("refreshes", every_refresh(machine))?;
    Ok(report.summary().failed == 0)
}

fn every_refresh(machine: &RealMachine) -> Result<(), Stop> {
    let (function, group) = find(machine, "function", |_| true)?;
    if !group.refresh {
        return Err(fail("the group needs no refresh when an entry becomes valid"));
    }
    let function = EnabledFunction::new(machine, function, group).map_err(fail)?;
    let space = AddressSpace::new(&function)?;
    // A page behind a boundary of 1 MiB, so that each page has an entry of its own.
    let buffer = Buffer::new(machine, ((PAGES + 1) * PAGE_SIZE) as usize, MIB as usize).map_err(fail)?;
    let origin = AbsoluteAddress::new(buffer.absolute().get() + PAGE_SIZE);
    let range = IovaRange::with_size(space.aperture().start(), PAGES * PAGE_SIZE).map_err(fail)?;
    for _ in 0..STEPS {
        let table = space.table()?;
        space.refresh(table.map(range, origin, Protection::ReadWrite).map_err(fail)?)?;
        let Unmapped { pages, change } = table.unmap(range).map_err(fail)?;
        space.refresh(change)?;
        if pages != PAGES {
            return Err(fail(format_args!("{pages} of {PAGES} pages were mapped")));
        }
    }
    Ok(())
}

fn fail(what: impl fmt::Display) -> Stop {
    Stop::Fail(Message::new(format_args!("{what}")))
}

/// There is one stack, and it is large; a panic ends everything.
fn at_once(case: &mut dyn FnMut()) -> bool {
    case();
    true
}
