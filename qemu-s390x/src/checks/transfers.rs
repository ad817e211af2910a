// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Which driver a function gets, and what is done with it: transfers, and interrupts.

use core::fmt::{self, Write};

use clp::{Function, FunctionGroup, ListEntry};
use s390_iommu::Protection;
use zpci_tests::Stop;

use super::any_device::AnyDevice;
use super::disk::{self, DiskCheck};
use super::entropy::{self, EntropyCheck};
use super::interrupts::{self, InterruptCheck};
use super::places::Places;
use super::together::Candidate;
use crate::address_space::{AddressSpace, Mapped};
use crate::device::DeviceError;
use crate::dma::Order;
use crate::enabled::EnabledFunction;
use crate::interrupts::Indicators;
use crate::nvme::Controller;
use crate::pci::{ClassCode, Configuration};
use crate::platform::Platform;
use crate::processor::Processor;
use crate::report::Report;
use crate::selection::Refusal;
use crate::stop::{fail, skip};
use crate::virtio::{Block, DeviceType, Entropy, Transport, ACCESS_PLATFORM};

/// Name of the result.
const NAME: &str = "transfers";
/// Name of that of a refusal by itself.
const REFUSAL: &str = "refusal";
/// Name of the other one.
const INTERRUPTS: &str = "interrupts";
/// Name of the first case of every driver.
const BRING_UP: &str = "bring-up";

/// A driver.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Driver {
    Nvme,
    Virtio(DeviceType),
}

impl Driver {
    /// A function that can be used together with others; nothing if there is no driver for it.
    pub(crate) fn candidate(
        function: Function,
        group: FunctionGroup,
        entry: &ListEntry,
        class: ClassCode,
    ) -> Option<Candidate> {
        Self::of(entry, class).map(|driver| Candidate { function, group, driver })
    }

    /// The driver of a function, with what is known of it.
    pub(super) fn choose(
        entry: &ListEntry,
        known: Option<(Function, FunctionGroup, ClassCode)>,
    ) -> Result<(Function, FunctionGroup, Self), Stop> {
        let (function, group, class) = known.ok_or_else(|| skip("the function could not be queried and enabled"))?;
        let driver = Self::of(entry, class).ok_or_else(|| {
            let (vendor, device) = (entry.vendor, entry.device);
            skip(format_args!("no driver for device {vendor:04x}:{device:04x} of class {class}"))
        })?;
        Ok((function, group, driver))
    }

    const fn of(entry: &ListEntry, class: ClassCode) -> Option<Self> {
        match DeviceType::of(entry.vendor, entry.device) {
            Some(device_type) => Some(Self::Virtio(device_type)),
            None if class.0 == ClassCode::NVM_EXPRESS.0 => Some(Self::Nvme),
            None => None,
        }
    }
}

/// Has the device behind a function move data, if there is a driver for it, and reports one result.
///
/// # Errors
///
/// Those of the output.
pub(crate) fn transfers<P: Platform, W: Write>(
    platform: &P,
    entry: &ListEntry,
    known: Option<(Function, FunctionGroup, ClassCode)>,
    report: &mut Report<W>,
) -> fmt::Result {
    let (enabled, driver) = match bring_up(platform, entry, known) {
        Ok(up) => up,
        Err(stop) => return report.case(NAME, Err(stop)),
    };
    let space = match prepare(&enabled, driver) {
        Ok(space) => space,
        Err(stop) => return report.case(NAME, Err(stop)),
    };
    match driver {
        Driver::Nvme => nvme(&space, report),
        Driver::Virtio(DeviceType::Block) => block(&space, report),
        Driver::Virtio(DeviceType::Entropy) => entropy(&space, report),
    }
}

/// Has the disk behind a function be refused one access, and reports one result.
///
/// # Errors
///
/// Those of the output.
pub(crate) fn refused<P: Platform, W: Write>(
    platform: &P,
    entry: &ListEntry,
    known: Option<(Function, FunctionGroup, ClassCode)>,
    refusal: Refusal,
    report: &mut Report<W>,
) -> fmt::Result {
    let up = bring_up(platform, entry, known).and_then(|(enabled, driver)| match driver {
        Driver::Nvme => Ok(enabled),
        Driver::Virtio(_) => Err(skip("only an NVMe controller is refused something by itself")),
    });
    let enabled = match up {
        Ok(enabled) => enabled,
        Err(stop) => return report.case(REFUSAL, Err(stop)),
    };
    let space = match prepare(&enabled, Driver::Nvme) {
        Ok(space) => space,
        Err(stop) => return report.case(REFUSAL, Err(stop)),
    };
    let memory = memory(&space, Controller::<EnabledFunction<'_, P>, P>::MEMORY);
    let up = memory.as_ref().map_err(Stop::clone).and_then(|memory| {
        Controller::new(space.function(), memory)
            .map(|device| (memory, device))
            .map_err(|error| explain(&space, memory, error))
    });
    group(REFUSAL, up, 2, report, |(memory, disk), report| DiskCheck::refuse(&space, memory, disk, refusal, report))
}

/// Has the device behind a function interrupt, if there is a driver for it, and reports one result.
///
/// # Errors
///
/// Those of the output.
pub(crate) fn interrupts<'p, P: Platform, W: Write>(
    platform: &'p P,
    processor: &'p dyn Processor,
    entry: &ListEntry,
    known: Option<(Function, FunctionGroup, ClassCode)>,
    report: &mut Report<W>,
) -> fmt::Result {
    let (enabled, driver) = match bring_up(platform, entry, known) {
        Ok(up) => up,
        Err(stop) => return report.case(INTERRUPTS, Err(stop)),
    };
    let space = match prepare(&enabled, driver) {
        Ok(space) => space,
        Err(stop) => return report.case(INTERRUPTS, Err(stop)),
    };
    let (indicators, memory) =
        (Indicators::new(platform), memory(&space, AnyDevice::<EnabledFunction<'_, P>, P>::MEMORY));
    let up = indicators.as_ref().map_err(Stop::clone).and_then(|indicators| {
        let memory = memory.as_ref().map_err(Stop::clone)?;
        let device = AnyDevice::new(driver, &enabled, memory).map_err(|error| explain(&space, memory, error))?;
        InterruptCheck::new(&enabled, processor, indicators, device)
    });
    group(INTERRUPTS, up, interrupts::PLAN, report, |check, report| check.run(report))
}

/// Enables the function that there is a driver for.
fn bring_up<'p, P: Platform>(
    platform: &'p P,
    entry: &ListEntry,
    known: Option<(Function, FunctionGroup, ClassCode)>,
) -> Result<(EnabledFunction<'p, P>, Driver), Stop> {
    let (function, group, driver) = Driver::choose(entry, known)?;
    Ok((enable(platform, function, group)?, driver))
}

pub(super) fn enable<P: Platform>(
    platform: &P,
    function: Function,
    group: FunctionGroup,
) -> Result<EnabledFunction<'_, P>, Stop> {
    EnabledFunction::new(platform, function, group).map_err(fail)
}

/// Sees that the device's DMA is translated at all, and gives it an address space.
pub(super) fn prepare<'e, 'p, P: Platform>(
    enabled: &'e EnabledFunction<'p, P>,
    driver: Driver,
) -> Result<AddressSpace<'e, 'p, P>, Stop> {
    Configuration::new(enabled).enable_bus_master().map_err(fail)?;
    if let Driver::Virtio(_) = driver {
        let offered = match Transport::new(enabled).and_then(|transport| transport.offered_features()) {
            Err(error @ DeviceError::Unsupported { .. }) => return Err(skip(error)),
            offered => offered.map_err(fail)?,
        };
        if offered & ACCESS_PLATFORM == 0 {
            return Err(skip("the device bypasses translation: it does not offer VIRTIO_F_ACCESS_PLATFORM"));
        }
    }
    AddressSpace::new(enabled)
}

fn nvme<P: Platform, W: Write>(space: &AddressSpace<'_, '_, P>, report: &mut Report<W>) -> fmt::Result {
    let memory = memory(space, Controller::<EnabledFunction<'_, P>, P>::MEMORY);
    let up = memory.as_ref().map_err(Stop::clone).and_then(|memory| {
        Controller::new(space.function(), memory)
            .map(|device| (memory, device))
            .map_err(|error| explain(space, memory, error))
    });
    group(NAME, up, disk::PLAN, report, |(memory, disk), report| DiskCheck::run(space, memory, disk, "nvme", report))
}

fn block<P: Platform, W: Write>(space: &AddressSpace<'_, '_, P>, report: &mut Report<W>) -> fmt::Result {
    let memory = memory(space, Block::<EnabledFunction<'_, P>, P>::MEMORY);
    let up = memory.as_ref().map_err(Stop::clone).and_then(|memory| {
        let transport = Transport::new(space.function()).map_err(fail)?;
        Block::new(transport, memory).map(|device| (memory, device)).map_err(|error| explain(space, memory, error))
    });
    group(NAME, up, disk::PLAN, report, |(memory, disk), report| {
        DiskCheck::run(space, memory, disk, "virtio-blk", report)
    })
}

fn entropy<P: Platform, W: Write>(space: &AddressSpace<'_, '_, P>, report: &mut Report<W>) -> fmt::Result {
    let memory = memory(space, Entropy::<EnabledFunction<'_, P>, P>::MEMORY);
    let up = memory.as_ref().map_err(Stop::clone).and_then(|memory| {
        let transport = Transport::new(space.function()).map_err(fail)?;
        Entropy::new(transport, memory).map(|device| (memory, device)).map_err(|error| explain(space, memory, error))
    });
    group(NAME, up, entropy::PLAN, report, |(memory, source), report| EntropyCheck::run(space, memory, source, report))
}

/// What a driver shares with its device.
pub(super) fn memory<'s, 'e, 'p, P: Platform>(
    space: &'s AddressSpace<'e, 'p, P>,
    bytes: usize,
) -> Result<Mapped<'s, 'e, 'p, P>, Stop> {
    let start = Places::of(space.aperture()).driver;
    space.buffer(start, bytes, Order::Descending, Protection::ReadWrite)
}

pub(super) fn explain<P: Platform>(
    space: &AddressSpace<'_, '_, P>,
    memory: &Mapped<'_, '_, '_, P>,
    error: DeviceError,
) -> Stop {
    space.explain("bringing up the device", memory.range(), error)
}

/// Reports whether the device came up and, if so, the `plan` results of `run`.
fn group<D, W: Write>(
    name: &str,
    up: Result<D, Stop>,
    plan: usize,
    report: &mut Report<W>,
    run: impl FnOnce(D, &mut Report<&mut W>) -> fmt::Result,
) -> fmt::Result {
    let plan = if up.is_ok() { 1 + plan } else { 1 };
    report.group(name, plan, |report| match up {
        Ok(device) => {
            report.case(BRING_UP, Ok(()))?;
            run(device, report)
        }
        Err(stop) => report.case(BRING_UP, Err(stop)),
    })
}
