// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Everything the image does, in order.

use core::fmt::{self, Write};

use clp::{Block, Client, Clp, Function, FunctionGroup, ListEntry};
use heapless::Vec;
use zpci_tests::{Group, Message, Stop, Verdict};

use crate::checks::{interrupts, refused, together, transfers, Candidates, Driver, LifeCycle};
use crate::facts::FunctionFact;
use crate::platform::Platform;
use crate::report::Report;
use crate::selection::Refusal;
use crate::stop::fail;

/// As many functions as a machine says that it can have at most (QEMU: 4096).
const MOST_FUNCTIONS: usize = 4096;

/// Facilities without which there is no zPCI: Linux looks for the first two, SIC needs the third
/// (`arch/s390/pci/pci.c`, `pci_insn.c`).
const FACILITIES: [(u16, &str); 3] = [
    (69, "facility-69-zpci"),
    (71, "facility-71-adapter-event-notification"),
    (72, "facility-72-adapter-interruption-suppression"),
];

/// All functions of the machine.
pub type Functions = Vec<ListEntry, MOST_FUNCTIONS>;

/// Lists all functions of the machine.
///
/// # Errors
///
/// What is wrong with the list.
pub fn list(machine: &impl Clp) -> Result<Functions, Message> {
    let mut block = Block::zeroed();
    let mut functions = Functions::new();
    for entry in Client::new(machine, &mut block).list() {
        let entry = entry.map_err(|error| Message::new(format_args!("{error}")))?;
        if functions.push(entry).is_err() {
            return Err(Message::new(format_args!("more than {MOST_FUNCTIONS} functions")));
        }
    }
    Ok(functions)
}

/// Asks CLP for the first configured function of which `is_it` holds, and for its group.
///
/// # Errors
///
/// [`Stop::Fail`] that names `what` if there is none, or with what CLP answered.
pub fn find(
    platform: &impl Platform,
    what: &str,
    is_it: impl Fn(&ListEntry) -> bool,
) -> Result<(Function, FunctionGroup), Stop> {
    let functions = list(platform).map_err(Stop::Fail)?;
    let entry = functions.iter().find(|entry| entry.configured && is_it(entry));
    let entry = entry.ok_or_else(|| fail(format_args!("no {what} among the functions")))?;
    let mut block = platform.block();
    let mut client = Client::new(platform, &mut block);
    let function = client.query_function(entry.handle).map_err(fail)?;
    let group = client.query_function_group(function.group).map_err(fail)?;
    Ok((function, group))
}

/// Whether the machine has what the rest needs, given what tells of a facility whether it is installed; an instruction
/// that the machine does not have would end the program.
pub fn has_zpci(has_facility: impl Fn(u16) -> bool) -> bool {
    FACILITIES.iter().all(|(number, _)| has_facility(*number))
}

/// Runs everything and reports it, and tells whether nothing failed.
///
/// `functions` are all functions of the machine, as [`list`] tells them.
///
/// # Errors
///
/// Those of `out`; and one if something other than a case did not come to its end.
pub fn run<P: Platform + 'static, W: Write>(
    platform: &P,
    functions: Result<&[ListEntry], &Message>,
    out: W,
) -> Result<bool, fmt::Error> {
    let groups = zpci_tests::cases::<P>();
    // Where interruptions are somebody else's, what needs them is not announced.
    let own = usize::from(platform.processor().is_some());
    let mut report = Report::new(out, 2 + groups.len() + own)?;
    report.group("machine", FACILITIES.len() + 1, |report| {
        for (number, name) in FACILITIES {
            let installed = platform.has_facility(number);
            report.case(name, if installed { Ok(()) } else { Err(fail("not installed")) })?;
        }
        report.case("list", functions.map(drop).map_err(|message| Stop::Fail(message.clone())))
    })?;
    for group in groups {
        shared(platform, group, &mut report)?;
    }
    let functions = functions.unwrap_or_default();
    let mut candidates = Candidates::new();
    report.group("functions", functions.len(), |report| {
        functions.iter().try_for_each(|entry| {
            let mut result = Err(fmt::Error);
            platform.apart(&mut || result = function(platform, entry, &mut candidates, report));
            result
        })
    })?;
    if let Some(processor) = platform.processor() {
        together(platform, processor, &candidates, &mut report)?;
    }
    Ok(report.summary().failed == 0)
}

/// Has the first function of `functions` be refused one access, after which the machine may stop, reports that, and tells
/// whether nothing failed.
///
/// # Errors
///
/// Those of `out`.
pub fn refuse<P: Platform, W: Write>(
    platform: &P,
    functions: Result<&[ListEntry], &Message>,
    refusal: Refusal,
    out: W,
) -> Result<bool, fmt::Error> {
    let mut report = Report::new(out, 2)?;
    report.case("list", functions.map(drop).map_err(|message| Stop::Fail(message.clone())))?;
    let Some(entry) = functions.unwrap_or_default().first() else {
        report.case(refusal.name(), Err(fail("no function is listed")))?;
        return Ok(false);
    };
    let mut result = Err(fmt::Error);
    platform.apart(&mut || {
        result = report.group("function", 2, |report| {
            let mut life = LifeCycle::new(platform, *entry);
            life.run(report)?;
            let known = life.function.zip(life.group).zip(life.class);
            let known = known.map(|((function, group), class)| (function, group, class));
            refused(platform, entry, known, refusal, report)
        });
    });
    result?;
    Ok(report.summary().failed == 0)
}

/// Runs a group of the cases that are the same in every place.
fn shared<P: Platform, W: Write>(platform: &P, group: &Group<P>, report: &mut Report<W>) -> fmt::Result {
    report.group(group.name, group.cases.len(), |report| {
        for case in group.cases {
            let mut verdict = Verdict::Pass;
            if !platform.apart(&mut || verdict = case.verdict(platform)) {
                verdict = Verdict::Fail(Message::new(format_args!("the case did not come to its end")));
            }
            report.verdict(case.name, verdict)?;
        }
        Ok(())
    })
}

/// Does to one function all that can be done to it, and leaves it disabled.
fn function<P: Platform, W: Write>(
    platform: &P,
    entry: &ListEntry,
    candidates: &mut Candidates,
    report: &mut Report<W>,
) -> fmt::Result {
    let name = heapless::format!(32; "function {}", entry.id).unwrap_or_default();
    let plan = if platform.processor().is_some() { 3 } else { 2 };
    report.group(&name, plan, |report| {
        let mut life = LifeCycle::new(platform, *entry);
        life.run(report)?;
        let fact =
            FunctionFact { entry, function: life.function.as_ref(), group: life.group.as_ref(), class: life.class };
        report.diagnostic(fact)?;
        let known =
            life.function.zip(life.group).zip(life.class).map(|((function, group), class)| (function, group, class));
        if let Some(candidate) =
            known.and_then(|(function, group, class)| Driver::candidate(function, group, entry, class))
        {
            // Those that come first.
            let _ = candidates.push(candidate);
        }
        transfers(platform, entry, known, report)?;
        match platform.processor() {
            Some(processor) => interrupts(platform, processor, entry, known, report),
            None => Ok(()),
        }
    })
}
