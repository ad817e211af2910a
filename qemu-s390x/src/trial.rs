// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Random MPCIFC, STPCIFC and RPCIT on random tables: what the machine answers is told, and compared with what
//! `s390_iommu::guest` makes of the same in this very program.

mod choice;
mod instruction;
mod model;
mod operands;
mod probe;
mod sequence;
mod step;
mod tables;

use core::fmt::{self, Write};

use clp::{Function, FunctionGroup};
use qemu_s390x::machine::RealMachine;
use qemu_s390x::report::Report;
use qemu_s390x::virtio::DeviceType;
use qemu_s390x::{find, has_zpci};
use zpci_machine::has_facility;
use zpci_tests::{Message, Stop};

use self::sequence::{Found, Sequence};
use crate::image::{frames, tables as table_storage, Console};
use crate::variable::number;

/// Instructions to issue, and the number that they follow from; `cargo xtask vmm` sets other ones.
const STEPS: u64 = number(option_env!("ZPCI_STEPS"), 10_000);
const SEED: u64 = number(option_env!("ZPCI_SEED"), 1);

/// Says what went differently in so many places at most.
const MOST_SAID: u32 = 20;

/// Does all of it, and tells whether the machine and the model agree.
///
/// # Errors
///
/// Why there is no use in going on.
pub(crate) fn trial(console: &mut Console, _: [u8; 8]) -> Result<bool, &'static str> {
    if !has_zpci(has_facility) {
        return Err("this processor has no PCI instructions: facilities 69, 71 and 72 are needed");
    }
    // SAFETY: The linker script keeps both regions free, translation is off and the prefix zero, so that addresses are
    // absolute, this is the only machine, and its facilities are those of zPCI.
    let machine = unsafe { RealMachine::new(table_storage(), frames(), None, at_once, None) };
    let Some(machine) = machine else {
        return Err("no storage behind the image");
    };
    report(&machine, console).map_err(|_| "the console failed")
}

fn report<W: Write>(machine: &RealMachine, out: W) -> Result<bool, fmt::Error> {
    let mut report = Report::new(out, 1)?;
    report.group("random", 5, |report| {
        let found = match source(machine) {
            Ok((function, group)) => issue(machine, function, group, report)?,
            Err(stop) => {
                report.case("comes-up", Err(stop))?;
                None
            }
        };
        let Some(found) = found else {
            let nothing = || Err(Stop::Skip(Message::new(format_args!("nothing came up"))));
            return NAMES.iter().skip(1).try_for_each(|name| report.case(name, nothing()));
        };
        for (name, result) in NAMES.iter().skip(1).zip(found.results()) {
            report.case(name, result)?;
        }
        Ok(())
    })?;
    Ok(report.summary().failed == 0)
}

/// The cases, of which the first is that there is something to work with.
const NAMES: [&str; 5] = ["comes-up", "every-instruction", "agrees-with-the-model", "every-answer", "pages-sampled"];

/// The source of random numbers among the functions of the machine.
fn source(machine: &RealMachine) -> Result<(Function, FunctionGroup), Stop> {
    find(machine, "virtio-rng", |entry| DeviceType::of(entry.vendor, entry.device) == Some(DeviceType::Entropy))
}

fn issue<W: Write>(
    machine: &RealMachine,
    function: Function,
    group: FunctionGroup,
    report: &mut Report<W>,
) -> Result<Option<Found>, fmt::Error> {
    let mut found = None;
    let result = Sequence::run(machine, function, group, SEED, |sequence| -> fmt::Result {
        report.case("comes-up", Ok(()))?;
        report.diagnostic(format_args!("{STEPS} steps of seed {SEED}"))?;
        for number in 0..STEPS as u32 {
            let step = sequence.step(number);
            report.diagnostic(step)?;
            if let Some(difference) = sequence.take_difference() {
                if sequence.found().differences <= MOST_SAID {
                    report.diagnostic(format_args!("step {number}: {difference}"))?;
                }
            }
            if let Some(broken) = sequence.take_broken() {
                report.diagnostic(format_args!("step {number}: {broken}"))?;
                break;
            }
        }
        found = Some(sequence.found());
        Ok(())
    });
    match result {
        Ok(written) => written?,
        Err(stop) => report.case("comes-up", Err(stop))?,
    }
    Ok(found)
}

/// There is one stack, and it is large; a panic ends everything.
fn at_once(case: &mut dyn FnMut()) -> bool {
    case();
    true
}
