// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One run: actors that take turns wherever the kernel may let another processor in, and a machine that may fail.

use core::ffi::{c_void, CStr};
use core::ptr;
use std::cell::Cell;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};
use zpci_glue::function::ForeignFunction;

use crate::binding::*;
use crate::chooser::Chooser;
use crate::event::Event;
use crate::hooks::{call, may_allocate, mpcifc, pause, rpcit, section, table, wait, yield_hook};
use crate::machine::{Kind, Machine, ENABLED};
use crate::sample::{QEMU, START};
use crate::scenario::{Deed, Scenario};

/// What a page table covers.
pub(crate) const MIB: u64 = 1 << 20;
/// Where pages are mapped to: this and their own address.
const STORAGE: u64 = 0x70_0000_0000;
const PAGE: u64 = 0x1000;

/// Answers that are no success: condition code and status.
const FAULTS: [(u8, u8); 7] = [(2, 0), (1, 4), (1, 8), (1, 16), (1, 28), (1, 40), (3, 0)];

/// What SET PCI FN returns of a function that is disabled already.
const DISABLED_ALREADY: i32 = 0x0105;

type Actor = Coroutine<(), (), (), DefaultStack>;

/// All that the hooks need; at one place for the time of a run.
pub(crate) struct World<'c> {
    pub(crate) chooser: &'c mut Chooser,
    pub(crate) machine: Machine,
    pub(crate) faults_left: u32,
    /// How many of those that were had are made up for by an actor who waits.
    pub(crate) given_up: u32,
    /// A function answered what may fail a map: it is busy, out of resources, or anything else.
    pub(crate) hard_fault: bool,
    /// The last RPCIT was refused in the error state.
    pub(crate) refused: bool,
    pub(crate) current: Cell<usize>,
    pub(crate) yielders: Vec<*const Yielder<(), ()>>,
    pub(crate) waits_for: Vec<*const c_void>,
    pub(crate) sections: Vec<Vec<u32>>,
    pub(crate) in_callback: bool,
    pub(crate) domain: *mut ForeignDomain,
    /// Null unless somebody moves to it.
    pub(crate) other: *mut ForeignDomain,
    /// That of the core; null unless somebody comes back to it.
    pub(crate) own: *mut ForeignDomain,
    pub(crate) functions: Vec<*mut KernelFunction>,
    /// MiB that are mapped, with what their owner was told.
    pub(crate) mapped: Vec<u64>,
    pub(crate) iota: u64,
    pub(crate) log: Vec<Event>,
}

/// Who runs where no actor does.
pub(crate) const SETUP: usize = usize::MAX;

impl World<'_> {
    /// What an instruction about `handle` is answered with in the place of the machine's answer: condition code and status. With
    /// condition code 3 the function is gone.
    pub(crate) fn fault(&mut self, handle: u32) -> Option<(u8, u8)> {
        if self.faults_left == 0 || self.current.get() == SETUP {
            return None;
        }
        let chosen = self.chooser.choose(FAULTS.len() + 1).checked_sub(1)?;
        self.faults_left -= 1;
        let answer = FAULTS[chosen];
        if answer.0 == 3 {
            self.machine.vanish(handle);
        }
        Some(answer)
    }

    /// The function with this index, if it is registered, was told of all that is mapped, as was every other one.
    fn expect_told_of_all(&mut self, index: usize) {
        if self.machine.is_registered(index) {
            for mib in &self.mapped {
                self.machine.expect_told(page(*mib), self.iota);
            }
        }
    }

    pub(crate) fn sections(&mut self) -> &mut Vec<u32> {
        let index = self.current.get();
        let last = self.sections.len() - 1;
        &mut self.sections[if index == SETUP { last } else { index }]
    }
}

/// The world behind a context.
///
/// # Safety
///
/// `context` must be that of a run that is going on, and no other reference to it be in use.
pub(crate) unsafe fn world<'w>(context: *mut c_void) -> &'w mut World<'w> {
    // SAFETY: by the contract.
    unsafe { &mut *context.cast::<World<'w>>() }
}

/// A function as QEMU's are, one that walks tables itself, or ISM.
fn foreign(index: usize, kind: Kind) -> ForeignFunction {
    ForeignFunction {
        id: index as u32,
        uid: index as u32,
        handle: handle(index),
        flags: if kind == Kind::Shadows { ForeignFunction::REFRESH } else { 0 },
        function_type: if kind == Kind::Inspects { 5 } else { QEMU.function_type },
        ..QEMU
    }
}

fn handle(index: usize) -> u32 {
    0x8002_0000 + index as u32
}

/// The first page of a MiB.
pub(crate) fn page(mib: u64) -> u64 {
    START + mib * MIB
}

/// Runs `scenario` once, as `chooser` says; what is wrong with it.
pub(crate) fn run(scenario: &Scenario, chooser: &mut Chooser, stacks: &mut Vec<DefaultStack>) -> Result<(), String> {
    let actors = scenario.actors.len();
    let mut world = World {
        chooser,
        machine: Machine::default(),
        faults_left: scenario.faults,
        given_up: 0,
        hard_fault: false,
        refused: false,
        current: Cell::new(SETUP),
        yielders: vec![ptr::null(); actors],
        waits_for: vec![ptr::null(); actors],
        sections: vec![Vec::new(); actors + 1],
        in_callback: false,
        domain: ptr::null_mut(),
        other: ptr::null_mut(),
        own: ptr::null_mut(),
        functions: Vec::new(),
        mapped: Vec::new(),
        iota: 0,
        log: Vec::new(),
    };
    let context: *mut c_void = (&raw mut world).cast();
    // SAFETY: the context is valid until the hooks are taken away at the end, and everything happens in this thread.
    unsafe {
        stand_in_reset();
        kernel_reset(&KernelHooks { context, yield_: yield_hook, wait, section, may_allocate });
        stand_in_machine(&MachineHooks { context, call, mpcifc, rpcit, pause, table });
        set_up(scenario, context);
        schedule(scenario, context, stacks);
        look_at_functions(scenario, context);
        tear_down(context);
        stand_in_machine(ptr::null());
        kernel_reset(ptr::null());
        let fault = stand_in_fault();
        let world = self::world(context);
        let left = (stand_in_tables(16 << 10), stand_in_tables(2 << 10));
        let fault = (!fault.is_null()).then(|| CStr::from_ptr(fault).to_string_lossy().into_owned());
        let leak = (left != (0, 0)).then(|| format!("{left:?} tables are left"));
        match world.machine.complaint.take().or(fault).or(leak) {
            Some(complaint) => {
                let log: Vec<String> = world.log.iter().map(Event::to_string).collect();
                Err(format!("{complaint}\n{}", log.join("\n")))
            }
            None => Ok(()),
        }
    }
}

/// # Safety
///
/// As for [`world`].
unsafe fn set_up(scenario: &Scenario, context: *mut c_void) {
    // SAFETY: by the contract; what C needs is valid.
    unsafe {
        shim_settings(4 * MIB, false);
        for (index, kind) in scenario.kinds.iter().enumerate() {
            world(context).machine.add(handle(index), *kind);
            let function = shim_function_new(&foreign(index, *kind));
            world(context).functions.push(function);
        }
        let mut rc = 0;
        let domain = shim_domain_new(world(context).functions[0], &mut rc);
        assert_eq!(rc, 0);
        if scenario.actors.iter().copied().flatten().any(|deed| matches!(deed, Deed::Move(_))) {
            let other = shim_domain_new(world(context).functions[0], &mut rc);
            assert_eq!(rc, 0);
            world(context).other = other;
        }
        if scenario.actors.iter().copied().flatten().any(|deed| matches!(deed, Deed::Return(_))) {
            let own = shim_domain_new(world(context).functions[0], &mut rc);
            assert_eq!(rc, 0);
            shim_domain_of_dma_api(own);
            world(context).own = own;
        }
        let world = world(context);
        world.domain = domain;
        world.iota = shim_domain_origin(domain) | 0x804;
        world.machine.probes = (0..4).map(page).collect();
        for mib in scenario.mapped {
            deed(context, Deed::Map(*mib));
        }
        for index in scenario.attached {
            deed(context, Deed::Attach(*index));
        }
        self::world(context).machine.run();
    }
}

/// Lets the actors take turns until all are done.
///
/// # Safety
///
/// As for [`world`].
unsafe fn schedule(scenario: &Scenario, context: *mut c_void, stacks: &mut Vec<DefaultStack>) {
    let mut actors: Vec<Option<Actor>> = scenario
        .actors
        .iter()
        .enumerate()
        .map(|(index, deeds)| {
            let deeds = *deeds;
            let stack = stacks.pop().unwrap_or_else(|| DefaultStack::new(64 << 10).expect("a stack"));
            Some(Coroutine::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
                // SAFETY: the run goes on while an actor does.
                unsafe {
                    world(context).yielders[index] = yielder;
                    for what in deeds {
                        deed(context, *what);
                    }
                }
            }))
        })
        .collect();
    let mut last = None;
    let mut preemptions_left = scenario.preemptions;
    loop {
        let mut ready: Vec<usize> = Vec::new();
        for (index, actor) in actors.iter().enumerate() {
            // SAFETY: by the contract.
            let blocked = unsafe {
                let mutex = world(context).waits_for[index];
                !mutex.is_null() && kernel_mutex_is_taken(mutex)
            };
            if actor.is_some() && !blocked {
                ready.push(index);
            }
        }
        // A callback as soon as it may run is the hardest: what it frees was reachable a moment before.
        // SAFETY: the callbacks are those that the shim queued.
        unsafe {
            while kernel_grace_period_ended() {
                world(context).log.push(Event::Callback);
                world(context).in_callback = true;
                kernel_run_callback();
                world(context).in_callback = false;
            }
        }
        if ready.is_empty() {
            break;
        }
        // Who ran goes on first; to let another one run instead costs a preemption, while there are any.
        if let Some(position) = last.and_then(|last| ready.iter().position(|index| *index == last)) {
            ready.swap(0, position);
            if preemptions_left == 0 {
                ready.truncate(1);
            }
        }
        // SAFETY: by the contract.
        let chosen = unsafe { world(context) }.chooser.choose(ready.len());
        let index = ready[chosen];
        if chosen > 0 && last == Some(ready[0]) {
            preemptions_left -= 1;
        }
        last = Some(index);
        if let Some(mut actor) = actors[index].take() {
            // SAFETY: by the contract; the actor has the world while it runs.
            let result = unsafe {
                world(context).waits_for[index] = ptr::null();
                world(context).current.set(index);
                let result = actor.resume(());
                world(context).current.set(SETUP);
                result
            };
            match result {
                CoroutineResult::Yield(()) => actors[index] = Some(actor),
                CoroutineResult::Return(()) => stacks.push(actor.into_stack()),
            }
        }
        // SAFETY: by the contract.
        let world = unsafe { world(context) };
        world.machine.run();
        if world.machine.complaint.is_some() {
            break;
        }
    }
    if actors.iter().any(Option::is_some) {
        // SAFETY: by the contract.
        unsafe { world(context) }.machine.complain("the actors wait for each other");
        for actor in actors.into_iter().flatten() {
            // What is on its stack is lost with it; the run has failed.
            core::mem::forget(actor);
        }
    }
}

/// Sees that a function which is enabled and has a translation is registered, if nothing failed, unless the kernel left that to
/// nobody; and that the kernel has the handle of each, unless the machine changed it, or said something else, by itself.
///
/// # Safety
///
/// As for [`world`].
unsafe fn look_at_functions(scenario: &Scenario, context: *mut c_void) {
    // SAFETY: by the contract; the functions are valid.
    unsafe {
        let world = world(context);
        if world.faults_left + world.given_up < scenario.faults {
            return;
        }
        for index in 0..world.functions.len() {
            let attached = !shim_function_blocked(world.functions[index]);
            let function = &world.machine.functions[index];
            let (has, is) = (shim_function_current(world.functions[index]), function.current_handle());
            if attached && function.enabled && !function.left_to_others && !world.machine.is_registered(index) {
                world.machine.complain(format!("function {index} is enabled and attached, but not registered"));
            }
            if has != is && !scenario.actors.iter().copied().flatten().any(|deed| deed.is_of_the_machine()) {
                world.machine.complain(format!("the kernel has {has:#x} for {is:#x}"));
            }
        }
    }
}

/// Ends what the scenario left, as the core does: every function is blocked, and the domain is freed.
///
/// # Safety
///
/// As for [`world`].
unsafe fn tear_down(context: *mut c_void) {
    // SAFETY: by the contract; each function and the domain are used for the last time.
    unsafe {
        if world(context).machine.complaint.is_some() {
            return;
        }
        let functions = core::mem::take(&mut world(context).functions);
        for function in &functions {
            let _ = shim_detach(*function);
        }
        world(context).mapped.clear();
        if !world(context).domain.is_null() {
            shim_domain_free(world(context).domain);
        }
        for domain in [world(context).other, world(context).own] {
            if !domain.is_null() {
                shim_domain_free(domain);
            }
        }
        // What could not be ended is disabled, which the machine never refuses here.
        for (index, function) in functions.iter().enumerate() {
            world(context).machine.disable(index);
            shim_function_disabled(*function);
            shim_function_free(*function);
        }
        while kernel_grace_period_ended() {
            world(context).in_callback = true;
            kernel_run_callback();
            world(context).in_callback = false;
        }
        // A callback frees all that one run takes out; the tests of the host queue work.
        assert_eq!(kernel_works(), 0);
    }
}

/// # Safety
///
/// As for [`world`].
unsafe fn deed(context: *mut c_void, what: Deed) {
    // SAFETY: by the contract; the domain and the functions are valid. No reference to the world is held over a call.
    unsafe {
        let (domain, actor) = (world(context).domain, world(context).current.get());
        let function = |index: usize| world(context).functions[index];
        if actor != SETUP {
            world(context).log.push(Event::Began(actor, what));
        }
        match what {
            Deed::Attach(index) => {
                world(context).machine.functions[index].joining = true;
                let rc = shim_attach(domain, function(index));
                let world = world(context);
                world.machine.functions[index].joining = false;
                world.log.push(Event::Returned(actor, what, rc));
                if rc == 0 {
                    world.expect_told_of_all(index);
                }
            }
            Deed::Move(index) => {
                // It may come back, if the machine does not take it there.
                world(context).machine.functions[index].joining = true;
                let rc = shim_attach(world(context).other, function(index));
                let world = world(context);
                world.machine.functions[index].joining = false;
                world.log.push(Event::Returned(actor, what, rc));
                if rc != 0 && !shim_function_blocked(function(index)) {
                    world.expect_told_of_all(index);
                }
            }
            Deed::Return(index) => {
                let rc = shim_attach(world(context).own, function(index));
                let world = world(context);
                world.log.push(Event::Returned(actor, what, rc));
                if rc != 0 {
                    world.machine.complain(format!("an attach that must not fail returned {rc}"));
                }
            }
            // Who claims a function may be refused.
            Deed::Detach(index) => {
                let _ = shim_detach(function(index));
            }
            Deed::Reset(index) | Deed::Recover(index) => {
                let recovers = matches!(what, Deed::Recover(_));
                let mut handle = 0;
                yield_hook(context, 0);
                let mut rc = 0;
                if recovers {
                    world(context).machine.disable(index);
                    yield_hook(context, 0);
                    // The event says so.
                    let now = world(context).machine.functions[index].current_handle();
                    shim_function_handle(function(index), now);
                } else {
                    rc = shim_function_disable(function(index), &mut handle);
                }
                yield_hook(context, 0);
                // Some machines, such as QEMU, give it the handle that it had.
                world(context).machine.functions[index].keeps_handle = recovers;
                if matches!(rc, 0 | DISABLED_ALREADY) {
                    rc = shim_function_enable(function(index), false, &mut handle);
                }
                if rc == 0 {
                    world(context).machine.functions[index].left_to_others = false;
                    yield_hook(context, 0);
                    let mut status = 0;
                    world(context).machine.functions[index].joining = true;
                    rc = shim_function_reset(function(index), &mut status);
                    let machine = &mut world(context).machine.functions[index];
                    machine.joining = false;
                    // With a handle from before nothing is registered.
                    machine.left_to_others |= rc != 0 && machine.late_handle;
                }
                let (world, blocked) = (world(context), shim_function_blocked(function(index)));
                world.log.push(Event::Returned(actor, what, rc));
                if rc == 0 {
                    // Beside others it may have been disabled again.
                    let is_alone = world.waits_for.len() == 1 && world.machine.functions[index].enabled;
                    if is_alone && !blocked && !world.machine.is_registered(index) {
                        world.machine.complain(format!("a reset of function {index} registered nothing"));
                    }
                    world.expect_told_of_all(index);
                }
            }
            Deed::Enable(index) => {
                let mut handle = shim_function_current(function(index));
                yield_hook(context, 0);
                if handle & ENABLED == 0 {
                    let rc = shim_function_enable(function(index), false, &mut handle);
                    let world = world(context);
                    world.log.push(Event::Returned(actor, what, rc));
                    world.machine.functions[index].left_to_others |= rc == 0;
                }
            }
            Deed::LateEvent(index) => {
                yield_hook(context, 0);
                shim_function_handle(function(index), handle(index));
                world(context).machine.functions[index].late_handle = true;
            }
            Deed::Inherit(index) => world(context).machine.inherit(index),
            Deed::Break(index) => {
                let function = &mut world(context).machine.functions[index];
                function.in_error = function.enabled;
                yield_hook(context, 0);
            }
            Deed::Clear(index) => {
                let mut status = 0;
                let cc = shim_function_clear_error(function(index), &mut status);
                let world = world(context);
                world.log.push(Event::Answered(actor, what, cc, status));
                if cc != 0 {
                    return deed(context, Deed::Reset(index));
                }
                if world.machine.is_foreign(index) && !shim_function_blocked(function(index)) {
                    world.machine.complain(format!("function {index} goes on with what another kernel registered"));
                }
                world.machine.cleared(index);
                world.expect_told_of_all(index);
            }
            Deed::Disable(index) => {
                let rc = shim_function_disable(function(index), &mut 0);
                world(context).log.push(Event::Returned(actor, what, rc));
            }
            Deed::Map(mib) => {
                let mut rc = shim_map(domain, page(mib), STORAGE + page(mib), PAGE, true);
                if rc == 0 {
                    let mut everything = 0;
                    rc = shim_sync_map(domain, page(mib), PAGE, &mut everything);
                    let world = world(context);
                    if rc != 0 && !world.hard_fault {
                        world.machine.complain(format!("a map failed with {rc}, for a neighbour"));
                    }
                    world.mapped.push(mib);
                    if rc == 0 {
                        world.machine.expect_told(page(mib), world.iota);
                    }
                }
                world(context).log.push(Event::Returned(actor, what, rc));
            }
            Deed::Unmap(mib) | Deed::UnmapTwo(mib) => {
                let count = if what == Deed::Unmap(mib) { 1 } else { 2 };
                world(context).mapped.retain(|mapped| !(mib..mib + count).contains(mapped));
                let done = shim_unmap_and_sync(domain, page(mib), count * MIB);
                let world = world(context);
                world.log.push(Event::Done(actor, what));
                if done != count * MIB {
                    world.machine.complain(format!("an unmap returned {done:#x}"));
                }
                for mib in mib..mib + count {
                    world.machine.expect_gone(page(mib));
                }
            }
            Deed::UnmapQueued(mib) => {
                world(context).mapped.retain(|mapped| *mapped != mib);
                let done = shim_unmap_queued(domain, page(mib), MIB);
                yield_hook(context, 0);
                shim_flush_all(domain);
                let world = world(context);
                world.log.push(Event::Done(actor, what));
                if done != MIB {
                    world.machine.complain(format!("an unmap returned {done:#x}"));
                }
                world.machine.expect_gone(page(mib));
            }
            Deed::Translate(mib) => {
                let found = shim_translate(domain, page(mib));
                if found != 0 && found != STORAGE + page(mib) {
                    world(context).machine.complain(format!("{:#x} translates to {found:#x}", page(mib)));
                }
            }
            Deed::Flush => shim_flush_all(domain),
            Deed::FreeDomain => {
                world(context).domain = ptr::null_mut();
                world(context).mapped.clear();
                shim_domain_free(domain);
            }
        }
    }
}
