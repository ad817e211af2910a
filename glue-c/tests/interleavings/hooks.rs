// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What C calls where another processor may come in, something may fail, and a machine answers.

use core::ffi::c_void;

use crate::binding::{shim_function_current, shim_function_is_wanted, SECTIONS};
use crate::event::Event;
use crate::world::{page, world, SETUP};

/// The operation of MPCIFC that clears an error state.
const RESET_ERROR: u8 = 7;

/// C: `KERNEL_BARRIER`.
const BARRIER: u32 = 1;

/// C: `KERNEL_GATE_LEFT`.
const GATE_LEFT: u32 = 4;

pub(crate) unsafe extern "C" fn mpcifc(
    context: *mut c_void,
    handle: u32,
    control: u8,
    fib: *const c_void,
    status: *mut u8,
) -> u8 {
    // It is behind no gate, so that others come in before it.
    if control == RESET_ERROR {
        // SAFETY: C gives the context back.
        unsafe { yield_hook(context, 0) };
    }
    // SAFETY: C gives the context back, a block of 80 bytes and a place for the status.
    unsafe {
        let world = world(context);
        let (cc, found) = match world.fault(handle) {
            Some(answer) => {
                // It is given up for who waits to disable the function, which makes up for it.
                let is_wanted = world
                    .functions
                    .iter()
                    .any(|&function| shim_function_current(function) == handle && shim_function_is_wanted(function));
                world.given_up += u32::from(answer.0 == 2 && is_wanted);
                answer
            }
            None => world.machine.mpcifc(handle, control, &*fib.cast()),
        };
        world.log.push(Event::Mpcifc { handle, control, cc, status: found });
        status.write(found);
        cc
    }
}

pub(crate) unsafe extern "C" fn call(context: *mut c_void, block: *mut c_void) -> u8 {
    // A command takes its time, and so does who looks at the answer.
    // SAFETY: C gives the context back, and a page that nobody else has.
    unsafe {
        yield_hook(context, 0);
        let world = world(context);
        let event = world.machine.call(&mut *block.cast());
        world.log.push(event);
        yield_hook(context, 0);
    }
    0
}

pub(crate) unsafe extern "C" fn rpcit(
    context: *mut c_void,
    handle: u32,
    start: u64,
    length: u64,
    status: *mut u8,
) -> u8 {
    // SAFETY: as in `mpcifc`.
    unsafe {
        let world = world(context);
        let (cc, found) = match world.fault(handle) {
            Some((cc, found)) => {
                if cc != 3 {
                    world.machine.excuse(handle, start, length);
                    world.hard_fault |= cc == 2 || matches!(found, 4 | 16 | 28);
                }
                (cc, found)
            }
            None => world.machine.rpcit(handle, start, length, world.mapped.iter().map(|mib| page(*mib))),
        };
        world.log.push(Event::Rpcit { handle, start, length, cc, status: found });
        status.write(found);
        world.refused = cc == 1 && matches!(found, 8 | 40);
        cc
    }
}

pub(crate) unsafe extern "C" fn pause(context: *mut c_void, _kind: u32, busy: u32) -> bool {
    // SAFETY: C gives the context back.
    let again = unsafe { world(context) }.chooser.choose(2) == 0 && busy < 3;
    // SAFETY: as above; nothing of the world is held here.
    unsafe { yield_hook(context, 0) };
    again
}

pub(crate) unsafe extern "C" fn table(context: *mut c_void, origin: u64, _size: u32, allocated: bool) {
    // SAFETY: C gives the context back.
    let world = unsafe { world(context) };
    if !allocated {
        world.log.push(Event::Freed(origin));
        let callback = world.in_callback;
        world.machine.freed(origin, callback);
    }
}

pub(crate) unsafe extern "C" fn yield_hook(context: *mut c_void, point: u32) {
    // All see all steps in one order here, so that a barrier is nothing to come in at.
    if point == BARRIER {
        return;
    }
    // What RPCIT was refused is taken note of behind the gate; nothing happens there otherwise.
    // SAFETY: C gives the context back.
    if point == GATE_LEFT && !core::mem::take(unsafe { &mut world(context).refused }) {
        return;
    }
    // SAFETY: C gives the context back.
    let yielder = unsafe {
        let world = world(context);
        match world.yielders.get(world.current.get()) {
            Some(yielder) => *yielder,
            None => return,
        }
    };
    // SAFETY: it is that of the actor that runs, on whose stack this is.
    unsafe { (*yielder).suspend(()) };
}

pub(crate) unsafe extern "C" fn wait(context: *mut c_void, mutex: *const c_void) {
    // SAFETY: C gives the context back.
    unsafe {
        let world = world(context);
        let current = world.current.get();
        if current == SETUP {
            world.machine.complain("the setup waits for a mutex");
            return;
        }
        world.waits_for[current] = mutex;
    }
    // SAFETY: as above.
    unsafe { yield_hook(context, 0) };
}

pub(crate) unsafe extern "C" fn section(context: *mut c_void, section: u32) -> u32 {
    // SAFETY: C gives the context back.
    let sections = unsafe { world(context) }.sections();
    if section < SECTIONS {
        sections.push(section);
        section
    } else {
        sections.pop().unwrap_or(SECTIONS)
    }
}

pub(crate) unsafe extern "C" fn may_allocate(context: *mut c_void) -> bool {
    // SAFETY: C gives the context back.
    let world = unsafe { world(context) };
    if world.faults_left == 0 || world.current.get() == SETUP || world.chooser.choose(2) == 0 {
        return true;
    }
    world.faults_left -= 1;
    world.log.push(Event::AllocationFailed);
    false
}
