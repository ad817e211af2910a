// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What every function goes through: listed, queried, enabled, registered, refreshed, deregistered, disabled.

use core::fmt::{self, Write};

use clp::{
    Client, ClientError, Enable, Function, FunctionGroup, FunctionHandle, FunctionState, ListEntry, ResponseCode,
};
use s390_iommu::{check_registration, Iota, Iova, IovaRange, Protection, PAGE_SIZE};
use zpci_tests::Stop;

use crate::address_space::AddressSpace;
use crate::dma::Order;
use crate::enabled::EnabledFunction;
use crate::pci::{ClassCode, Configuration, PciFunction};
use crate::platform::Platform;
use crate::report::Report;
use crate::stop::{attempt, fail, skip};

/// A function on its way, and what has become known of it.
#[derive(Debug)]
pub(crate) struct LifeCycle<'p, P: Platform> {
    platform: &'p P,
    /// As it was listed at first, disabled.
    entry: ListEntry,
    /// What CLP told of it.
    pub(crate) function: Option<Function>,
    /// What CLP told of its group.
    pub(crate) group: Option<FunctionGroup>,
    /// What configuration space says it is.
    pub(crate) class: Option<ClassCode>,
    enabled: Option<EnabledFunction<'p, P>>,
}

type Case<'p, P> = (&'static str, fn(&mut LifeCycle<'p, P>) -> Result<(), Stop>);

impl<'p, P: Platform> LifeCycle<'p, P> {
    const CASES: [Case<'p, P>; 10] = [
        ("find", Self::find),
        ("query", Self::query),
        ("query-group", Self::query_group),
        ("enable", Self::enable),
        ("configuration-space", Self::configuration_space),
        ("register-and-deregister", Self::register_and_deregister),
        ("refresh-first-and-last-page", Self::refresh),
        ("aperture-too-long-is-refused", Self::aperture_too_long),
        ("wrong-designation-type-is-refused", Self::wrong_designation_type),
        ("disable", Self::disable),
    ];

    /// The way of the function that was listed as `entry`.
    pub(crate) const fn new(platform: &'p P, entry: ListEntry) -> Self {
        Self { platform, entry, function: None, group: None, class: None, enabled: None }
    }

    /// Goes all the way and reports each step.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub(crate) fn run<W: Write>(&mut self, report: &mut Report<W>) -> fmt::Result {
        report.group("life-cycle", Self::CASES.len(), |report| {
            for (name, case) in Self::CASES {
                let result = if self.entry.configured {
                    attempt(self.platform, || case(self))
                } else {
                    Err(skip("the function is in standby"))
                };
                report.case(name, result)?;
            }
            Ok(())
        })
    }

    /// Others may have enabled and disabled it since it was listed, so its handle may be another one.
    fn find(&mut self) -> Result<(), Stop> {
        let mut block = self.platform.block();
        let found = Client::new(self.platform, &mut block).find(self.entry.id).map_err(fail)?;
        self.entry = found.ok_or_else(|| fail("the function is not listed any more"))?;
        Ok(())
    }

    fn query(&mut self) -> Result<(), Stop> {
        let mut block = self.platform.block();
        let function = Client::new(self.platform, &mut block).query_function(self.entry.handle).map_err(fail)?;
        same("FID of the queried function", function.id, self.entry.id)?;
        self.function = Some(function);
        Ok(())
    }

    fn query_group(&mut self) -> Result<(), Stop> {
        let id = self.function()?.group;
        let mut block = self.platform.block();
        let group = Client::new(self.platform, &mut block).query_function_group(id).map_err(fail)?;
        self.group = Some(group);
        Ok(())
    }

    fn enable(&mut self) -> Result<(), Stop> {
        let (function, group) = (*self.function()?, self.group.ok_or_else(|| skip("its group is not known"))?);
        same("state before", self.entry.state(), FunctionState::Configured)?;
        let before = self.entry.handle;
        let mut block = self.platform.block();
        let mut client = Client::new(self.platform, &mut block);
        let handle = client.enable(before, Enable::PLAIN).map_err(fail)?.handle;
        let enabled = EnabledFunction::new(self.platform, function, group).map_err(fail)?;
        same("handle in the list", enabled.handle(), handle)?;
        self.enabled = Some(enabled);
        self.is_dead(before)?;
        self.state_is("state after enabling", 0x80)
    }

    fn configuration_space(&mut self) -> Result<(), Stop> {
        let configuration = Configuration::new(self.enabled()?);
        let identifiers = configuration.identifiers().map_err(fail)?;
        let class = configuration.class_code().map_err(fail)?;
        same("vendor in configuration space", identifiers.0, self.entry.vendor)?;
        same("device in configuration space", identifiers.1, self.entry.device)?;
        self.class = Some(class);
        Ok(())
    }

    fn register_and_deregister(&mut self) -> Result<(), Stop> {
        let enabled = self.enabled()?;
        let space = AddressSpace::new(enabled)?;
        let controls = enabled.controls().map_err(fail)?;
        same_state("state after registering", controls.state, 0x90)?;
        same("registered aperture", controls.aperture(), Some(space.aperture()))?;
        same("registered anchor", controls.iota(), space.table()?.iota())?;
        space.deregister()?;
        self.state_is("state after deregistering", 0x80)
    }

    fn refresh(&mut self) -> Result<(), Stop> {
        let space = AddressSpace::new(self.enabled()?)?;
        let aperture = space.aperture();
        let last = Iova::new(aperture.last().get() - (PAGE_SIZE - 1));
        let page = PAGE_SIZE as usize;
        let first = space.buffer(aperture.start(), page, Order::Ascending, Protection::ReadWrite)?;
        let last = space.buffer(last, page, Order::Ascending, Protection::ReadOnly)?;
        first.release()?;
        last.release()?;
        self.state_is("state after refreshing", 0x90)
    }

    /// The machine is never asked: it would answer with an exception that ends the program.
    fn aperture_too_long(&mut self) -> Result<(), Stop> {
        let space = AddressSpace::new(self.enabled()?)?;
        let reach = space.limits().window.intersection(space.table()?.span());
        let longer = reach
            .and_then(|reach| reach.last().checked_add(PAGE_SIZE))
            .and_then(|last| IovaRange::new(space.aperture().start(), last).ok())
            .ok_or_else(|| skip("the function and the table reach the end of all addresses"))?;
        match check_registration(space.limits(), longer, space.table()?.iota()) {
            Err(_) => Ok(()),
            Ok(()) => Err(fail(format_args!("registration for {longer} is not refused"))),
        }
    }

    fn wrong_designation_type(&mut self) -> Result<(), Stop> {
        let space = AddressSpace::new(self.enabled()?)?;
        let (limits, iota) = (space.limits(), space.table()?.iota());
        let wrong = (0..8).filter(|designation_type| !limits.designation_types.supports(*designation_type));
        for designation_type in wrong {
            let iota = iota.with_designation_type(designation_type);
            if check_registration(limits, space.aperture(), iota).is_ok() {
                return Err(fail(format_args!("registration with designation type {designation_type} is not refused")));
            }
        }
        Ok(())
    }

    fn disable(&mut self) -> Result<(), Stop> {
        let enabled = self.enabled.take().ok_or_else(|| skip("the function is not enabled"))?;
        let before = enabled.handle();
        enabled.disable().map_err(fail)?;
        self.is_dead(before)?;
        let mut block = self.platform.block();
        let handle = Client::new(self.platform, &mut block).current_handle(self.entry.id).map_err(fail)?;
        same("handle in the list", handle, enabled.handle())?;
        same("enable bit of the handle", handle.is_enabled(), false)?;
        // The machine tells nothing of a disabled function: a block of zeros.
        let controls = enabled.controls().map_err(fail)?;
        same_state("state after disabling", controls.state, 0)?;
        same("anchor after disabling", controls.iota(), Iota::IDENTITY)
    }

    /// An old handle is one that nobody knows.
    fn is_dead(&self, handle: FunctionHandle) -> Result<(), Stop> {
        let mut block = self.platform.block();
        match Client::new(self.platform, &mut block).query_function(handle) {
            Err(ClientError::Call(error)) if error.response_code() == Some(ResponseCode::FUNCTION_HANDLE) => Ok(()),
            Err(error) => Err(fail(format_args!("query by the old handle {handle}: {error}"))),
            Ok(_) => Err(fail(format_args!("the old handle {handle} still is valid"))),
        }
    }

    fn state_is(&self, what: &str, expected: u8) -> Result<(), Stop> {
        same_state(what, self.enabled()?.state().map_err(fail)?, expected)
    }

    fn function(&self) -> Result<&Function, Stop> {
        self.function.as_ref().ok_or_else(|| skip("the function could not be queried"))
    }

    fn enabled(&self) -> Result<&EnabledFunction<'p, P>, Stop> {
        self.enabled.as_ref().ok_or_else(|| skip("the function is not enabled"))
    }
}

/// Fails unless `found` is `expected`.
fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), Stop> {
    if found == expected {
        return Ok(());
    }
    Err(fail(format_args!("{what}: expected {expected:?}, found {found:?}")))
}

/// Fails unless the state byte `found` is `expected`.
fn same_state(what: &str, found: s390_iommu::FunctionState, expected: u8) -> Result<(), Stop> {
    if u8::from(found) == expected {
        return Ok(());
    }
    Err(fail(format_args!("{what}: expected fc {expected:#04x}, found fc {:#04x}", u8::from(found))))
}
