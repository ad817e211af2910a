// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Measurement that user space begins and ends, and a machine that goes on to write a block until it is told to end.

use core::ffi::c_void;
use std::cell::RefCell;

use zpci_glue::measurement::SAMPLE_SIZE;

use crate::binding::*;
use crate::function::Function;
use crate::sample::QEMU;
use crate::stand_in::StandIn;

const EIO: i32 = -5;
const ENOMEM: i32 = -12;
const EINVAL: i32 = -22;
const ENODATA: i32 = -61;

/// Condition codes.
const ERROR: u8 = 1;
const BUSY: u8 = 2;
const UNKNOWN: u8 = 3;

/// The handle of [`QEMU`]; one of an event that comes late; and one that it gets by a reset.
const HANDLE: u32 = QEMU.handle;
const LATE: u32 = 0x0002_0000;
const OTHER: u32 = 0x8102_0000;

/// MPCIFC that sets what is measured.
const SET_MEASURE: u8 = 10;
/// Where a function information block has the address of the measurement block.
const BLOCK: usize = 64;

/// Pauses after which a busy machine is not asked again.
const PATIENCE: u32 = 5;

/// What the machine was asked for: by which handle, whether to begin, and its answer.
type Request = (u32, bool, u8);

struct Machine {
    kernel_function: *mut KernelFunction,
    /// The handle of the function.
    handle: u32,
    /// The absolute address of what it writes, 0 if nothing.
    writes: u64,
    /// It refuses to end what there is not.
    is_strict: bool,
    /// What it says to whoever ends, and begins, a measurement of the function.
    end: u8,
    begin: u8,
    /// An event comes after so many requests, and brings this handle.
    event: Option<(usize, u32)>,
    requests: Vec<Request>,
    pauses: u32,
    complaint: Option<&'static str>,
}

impl Machine {
    fn measure(&mut self, handle: u32, block: u64) -> u8 {
        let cc = match (handle == self.handle, block) {
            (false, _) => UNKNOWN,
            (true, 0) if self.end != 0 => self.end,
            (true, 0) if self.is_strict && self.writes == 0 => ERROR,
            (true, 0) => 0,
            (true, _) => self.begin,
        };
        if cc == 0 {
            self.writes = block;
        }
        self.requests.push((handle, block != 0, cc));
        assert!(self.requests.len() < 1000, "it is asked for ever");
        if let Some((_, handle)) = self.event.filter(|(after, _)| *after == self.requests.len()) {
            // SAFETY: the function is there as long as the machine is used.
            unsafe { shim_function_handle(self.kernel_function, handle) }
        }
        cc
    }
}

/// # Safety
///
/// `context` must be the machine of a [`Measured`], which nobody else has borrowed.
unsafe fn machine<'m>(context: *mut c_void) -> &'m RefCell<Machine> {
    // SAFETY: by the contract.
    unsafe { &*context.cast::<RefCell<Machine>>() }
}

unsafe extern "C" fn mpcifc(context: *mut c_void, handle: u32, control: u8, fib: *const c_void, status: *mut u8) -> u8 {
    // SAFETY: C hands on the context, and a function information block and a status that are valid.
    unsafe {
        status.write(0);
        let block = fib.byte_add(BLOCK).cast::<u64>().read();
        match control {
            SET_MEASURE => machine(context).borrow_mut().measure(handle, block),
            _ => 0,
        }
    }
}

unsafe extern "C" fn pause(context: *mut c_void, _: u32, busy: u32) -> bool {
    // SAFETY: C hands on the context.
    let mut machine = unsafe { machine(context) }.borrow_mut();
    machine.pauses += 1;
    assert_eq!(machine.pauses, busy, "all of them are counted together");
    busy <= PATIENCE
}

unsafe extern "C" fn table(context: *mut c_void, origin: u64, _: u32, allocated: bool) {
    // SAFETY: C hands on the context.
    let mut machine = unsafe { machine(context) }.borrow_mut();
    if !allocated && machine.writes == origin {
        machine.complaint = Some("a block is freed that the machine writes");
    }
}

/// A function that is measured, and its machine.
struct Measured<'k> {
    function: Option<Function<'k>>,
    machine: Box<RefCell<Machine>>,
}

impl<'k> Measured<'k> {
    /// As VFIO has opened it: the kernel began to measure it, and a reset ended that.
    fn new(kernel: &'k StandIn, is_strict: bool) -> Self {
        let measured = Self::with_the_kernel(kernel, is_strict);
        measured.reset(HANDLE);
        measured
    }

    /// The same without the reset.
    fn with_the_kernel(kernel: &'k StandIn, is_strict: bool) -> Self {
        let function = Function::new(kernel, &QEMU);
        let machine = Box::new(RefCell::new(Machine {
            kernel_function: function.pointer(),
            handle: HANDLE,
            writes: 0,
            is_strict,
            end: 0,
            begin: 0,
            event: None,
            requests: Vec::new(),
            pauses: 0,
            complaint: None,
        }));
        let context = (&raw const *machine).cast_mut().cast();
        let measured = Self { function: Some(function), machine };
        // SAFETY: the context is valid until the machine is taken away, when this is dropped.
        unsafe {
            stand_in_machine(&MachineHooks {
                context,
                call: None,
                mpcifc: Some(mpcifc),
                rpcit: None,
                pause: Some(pause),
                table: Some(table),
            });
        }
        assert_eq!(measured.statistics(true), 0);
        measured.requests();
        measured
    }

    fn function(&self) -> &Function<'k> {
        self.function.as_ref().expect("the function")
    }

    fn begin(&self) -> i32 {
        self.machine.borrow_mut().pauses = 0;
        // SAFETY: the function is valid.
        unsafe { shim_function_measure(self.function().pointer(), true) }
    }

    fn end(&self) -> i32 {
        self.machine.borrow_mut().pauses = 0;
        // SAFETY: the function is valid.
        unsafe { shim_function_measure(self.function().pointer(), false) }
    }

    /// Measurement by the kernel itself, as debugfs begins and ends it.
    fn statistics(&self, enable: bool) -> i32 {
        // SAFETY: the function is valid.
        unsafe { shim_function_statistics(self.function().pointer(), enable) }
    }

    fn close(&self) {
        self.machine.borrow_mut().pauses = 0;
        // SAFETY: the function is valid.
        unsafe { shim_function_close(self.function().pointer()) }
    }

    /// The error number, and the loads that are counted.
    fn sample(&self) -> (i32, u64) {
        let mut sample = [0; SAMPLE_SIZE];
        // SAFETY: the function is valid, and the sample has its size.
        let rc = unsafe { shim_function_sample(self.function().pointer(), sample.as_mut_ptr()) };
        (rc, u64::from_ne_bytes(sample[24..32].try_into().expect("8 bytes")))
    }

    /// The machine counts so many loads.
    fn count(&self, loads: u64) {
        let writes = self.machine.borrow().writes;
        assert_ne!(writes, 0, "it is not measured");
        // SAFETY: the function returns a number; what the machine writes is a block that is there, or a complaint ended the test.
        unsafe {
            let block = (writes + stand_in_base()) as *mut u64;
            block.byte_add(16).write_volatile(loads.to_be());
        }
        self.look();
    }

    /// It is disabled and enabled, and has this handle then.
    fn reset(&self, handle: u32) {
        self.reset_by_itself(handle);
        self.function().disabled();
        self.function().set_handle(handle);
    }

    /// The same by the machine, of which the kernel knows nothing.
    fn reset_by_itself(&self, handle: u32) {
        let mut machine = self.machine.borrow_mut();
        machine.writes = 0;
        machine.handle = handle;
    }

    fn is_measured(&self) -> bool {
        self.machine.borrow().writes != 0
    }

    fn requests(&self) -> Vec<Request> {
        core::mem::take(&mut self.machine.borrow_mut().requests)
    }

    /// Blocks that are there, the kernel's own included.
    fn blocks(&self) -> u32 {
        // SAFETY: the function counts.
        unsafe { kernel_blocks() }
    }

    fn look(&self) {
        assert_eq!(self.machine.borrow().complaint, None);
    }
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        self.machine.borrow_mut().pauses = 0;
        // The kernel's own block goes, whatever the machine says.
        self.function().set_handle(LATE);
        self.statistics(false);
        self.function = None;
        // SAFETY: there is no function any more.
        unsafe { stand_in_machine(core::ptr::null()) }
        if !std::thread::panicking() {
            self.look();
        }
    }
}

/// Blocks that are there, and that were given up to the machine.
fn blocks() -> (u32, u32) {
    // SAFETY: the functions count.
    unsafe { (kernel_blocks(), kernel_blocks_given_up()) }
}

#[test]
fn begun_ended_and_begun_again() {
    let kernel = StandIn::new();
    for is_strict in [false, true] {
        let measured = Measured::new(&kernel, is_strict);
        assert_eq!(measured.sample(), (ENODATA, 0), "what the kernel itself measured is not read");
        assert_eq!((measured.end(), measured.requests()), (0, vec![]), "nothing was begun");
        for _ in 0..2 {
            assert_eq!(measured.begin(), 0);
            assert_eq!(measured.requests(), [(HANDLE, false, u8::from(is_strict)), (HANDLE, true, 0)]);
            measured.count(7);
            assert_eq!(measured.sample(), (0, 7));
            // Anew, with counters of 0.
            assert_eq!((measured.begin(), measured.sample()), (0, (0, 0)));
            assert_eq!(measured.requests(), [(HANDLE, false, 0), (HANDLE, true, 0)]);
            assert_eq!((measured.end(), measured.requests()), (0, vec![(HANDLE, false, 0)]));
            assert!(!measured.is_measured());
            assert_eq!((measured.sample(), measured.blocks()), ((ENODATA, 0), 1));
        }
        assert_eq!((measured.begin(), measured.blocks()), (0, 2));
        measured.close();
        assert!(!measured.is_measured());
        assert_eq!(measured.sample(), (ENODATA, 0));
        // One that is strict refuses the kernel to end what a reset ended.
        assert_eq!(measured.blocks(), u32::from(is_strict));
        assert_eq!(measured.begin(), 0);
    }
}

#[test]
fn a_reset_ends_it_and_it_is_begun_again() {
    let kernel = StandIn::new();
    for (is_strict, handle) in [(false, HANDLE), (true, HANDLE), (false, OTHER), (true, OTHER)] {
        let measured = Measured::new(&kernel, is_strict);
        assert_eq!(measured.begin(), 0);
        measured.count(7);
        measured.reset(handle);
        assert_eq!(measured.sample(), (0, 7), "the last sample stays");
        assert_eq!((measured.begin(), measured.sample()), (0, (0, 0)));
        measured.count(8);
        // It is known that nothing is measured.
        measured.reset(handle);
        measured.requests();
        assert_eq!((measured.end(), measured.requests()), (0, vec![]));
        assert_eq!(measured.begin(), 0);
        measured.reset(handle);
        measured.close();
        assert_eq!(measured.blocks(), u32::from(is_strict));
    }
}

/// The machine disabled and enabled it, and nobody took note.
#[test]
fn a_reset_that_nobody_noted() {
    let kernel = StandIn::new();
    for (is_strict, handle) in [(false, HANDLE), (true, HANDLE), (false, OTHER), (true, OTHER)] {
        let measured = Measured::new(&kernel, is_strict);
        assert_eq!(measured.begin(), 0);
        measured.reset_by_itself(handle);
        measured.function().set_handle(handle);
        // A strict one does not say whether it refuses, or has nothing to end.
        let refuses = is_strict && handle == HANDLE;
        assert_eq!(measured.end(), if refuses { EIO } else { 0 });
        assert_eq!((measured.begin(), measured.sample()), (0, (0, 0)));
        measured.count(9);
        measured.reset_by_itself(handle);
        assert_eq!(measured.begin(), 0);
        assert_eq!(measured.end(), 0);
    }
}

/// The event has the handle from before a reset.
#[test]
fn an_event_that_comes_late_has_no_block_freed() {
    let kernel = StandIn::new();
    for is_closed in [false, true] {
        let measured = Measured::new(&kernel, false);
        assert_eq!(measured.begin(), 0);
        measured.function().set_handle(LATE);
        measured.requests();
        if is_closed {
            measured.close();
            assert_eq!(measured.requests(), [(HANDLE, false, 0), (LATE, false, UNKNOWN)], "ours, and the kernel's");
        } else {
            assert_eq!((measured.end(), measured.requests()), (0, vec![(HANDLE, false, 0)]));
        }
        assert!(!measured.is_measured());
        assert_eq!(measured.blocks(), u32::from(!is_closed));
    }
    // With it nothing is begun, and what there is goes on.
    let measured = Measured::new(&kernel, false);
    for _ in 0..2 {
        measured.function().set_handle(LATE);
        assert_eq!((measured.begin(), measured.sample()), (EIO, (ENODATA, 0)));
        assert_eq!(measured.blocks(), 1);
        measured.function().set_handle(HANDLE);
        assert_eq!(measured.begin(), 0);
        measured.function().set_handle(LATE);
        assert_eq!(measured.begin(), EIO);
        measured.count(7);
        assert_eq!((measured.sample(), measured.end()), ((0, 7), 0));
    }
}

#[test]
fn an_event_at_any_time_has_no_block_freed() {
    let kernel = StandIn::new();
    for is_strict in [false, true] {
        for after in 1..=8 {
            let measured = Measured::with_the_kernel(&kernel, is_strict);
            measured.machine.borrow_mut().event = Some((after, LATE));
            for _ in 0..2 {
                if measured.begin() == 0 {
                    measured.count(7);
                    assert_eq!(measured.sample(), (0, 7));
                }
                assert_eq!((measured.end(), measured.sample()), (0, (ENODATA, 0)));
            }
            let _ = measured.begin();
            measured.close();
            assert!(!measured.is_measured(), "{after}");
        }
    }
}

/// The kernel itself measures, before and after: the machine writes one block, and each frees its own.
#[test]
fn the_kernel_itself_measures() {
    let kernel = StandIn::new();
    for late in [false, true] {
        let measured = Measured::with_the_kernel(&kernel, false);
        assert_eq!(measured.begin(), 0);
        measured.count(7);
        assert_eq!((measured.statistics(false), measured.sample()), (0, (0, 7)));
        assert_eq!((measured.statistics(true), measured.blocks()), (0, 2));
        if late {
            measured.function().set_handle(LATE);
        }
        assert_eq!((measured.end(), measured.blocks()), (0, 1));
        assert!(!measured.is_measured());
        measured.close();
        assert_eq!(measured.blocks(), 0);
    }
}

#[test]
fn a_busy_machine_is_waited_for_within_a_bound() {
    let kernel = StandIn::new();
    let measured = Measured::new(&kernel, false);
    measured.machine.borrow_mut().end = BUSY;
    assert_eq!((measured.begin(), measured.sample(), measured.blocks()), (EIO, (ENODATA, 0), 1));
    assert_eq!(measured.machine.borrow().pauses, PATIENCE + 1);
    measured.machine.borrow_mut().end = 0;
    measured.machine.borrow_mut().begin = BUSY;
    assert_eq!((measured.begin(), measured.sample(), measured.blocks()), (EIO, (ENODATA, 0), 1));
    assert_eq!(measured.machine.borrow().pauses, PATIENCE + 1);
    measured.machine.borrow_mut().begin = 0;
    assert_eq!(measured.begin(), 0);
    measured.machine.borrow_mut().end = BUSY;
    // It goes on.
    assert_eq!(measured.end(), EIO);
    assert_eq!(measured.machine.borrow().pauses, PATIENCE + 1);
    measured.count(7);
    assert_eq!(measured.sample(), (0, 7));
    measured.machine.borrow_mut().end = 0;
    assert_eq!((measured.end(), measured.sample()), (0, (ENODATA, 0)));
}

#[test]
fn a_machine_that_refuses() {
    let kernel = StandIn::new();
    let measured = Measured::new(&kernel, false);
    measured.machine.borrow_mut().begin = ERROR;
    assert_eq!((measured.begin(), measured.sample(), measured.blocks()), (EIO, (ENODATA, 0), 1));
    measured.machine.borrow_mut().begin = 0;
    assert_eq!(measured.begin(), 0);
    measured.machine.borrow_mut().end = ERROR;
    measured.count(7);
    assert_eq!((measured.end(), measured.sample()), (EIO, (0, 7)));
    // It may be begun anew all the same.
    assert_eq!((measured.begin(), measured.sample()), (0, (0, 0)));
    measured.machine.borrow_mut().begin = ERROR;
    assert_eq!(measured.begin(), EIO);
    measured.count(8);
    measured.machine.borrow_mut().end = 0;
    assert_eq!(measured.end(), 0);
}

/// What the machine may write is kept: for who opens it next, and for good if the function is removed.
#[test]
fn an_end_that_is_refused_when_it_is_closed() {
    for refusal in [ERROR, BUSY] {
        let kernel = StandIn::new();
        let given_up = blocks().1;
        let measured = Measured::new(&kernel, false);
        assert_eq!(measured.begin(), 0);
        measured.machine.borrow_mut().end = refusal;
        measured.function().set_handle(LATE);
        measured.close();
        assert!(measured.is_measured());
        assert_eq!((measured.sample(), measured.blocks()), ((ENODATA, 0), 1));
        assert_eq!(kernel.log(), "FID 00000001: the machine did not end the measurement; its block is kept\n");
        // Who is next ends it by closing it, begun anew or not.
        measured.function().set_handle(HANDLE);
        measured.machine.borrow_mut().end = 0;
        measured.close();
        assert!(!measured.is_measured());
        assert_eq!(measured.blocks(), 0);
        assert_eq!(measured.begin(), 0);
        measured.machine.borrow_mut().end = refusal;
        measured.function().set_handle(LATE);
        measured.close();
        drop(measured);
        assert_eq!(blocks(), (0, given_up + 1));
    }
}

#[test]
fn a_function_that_is_gone_is_not_measured() {
    let kernel = StandIn::new();
    for is_closed in [false, true] {
        let measured = Measured::new(&kernel, false);
        assert_eq!(measured.begin(), 0);
        measured.reset_by_itself(0);
        match is_closed {
            true => measured.close(),
            false => assert_eq!((measured.end(), measured.sample()), (0, (ENODATA, 0))),
        }
        assert_eq!(measured.blocks(), u32::from(!is_closed));
        assert_eq!((measured.begin(), measured.sample()), (EIO, (ENODATA, 0)));
    }
}

#[test]
fn without_memory_nothing_is_asked() {
    let kernel = StandIn::new();
    let measured = Measured::new(&kernel, false);
    kernel.without_memory(|| {
        assert_eq!((measured.begin(), measured.end()), (ENOMEM, 0));
        assert_eq!(measured.requests(), []);
    });
    assert_eq!(measured.begin(), 0);
    // To end it, and to begin it anew, takes none.
    kernel.without_memory(|| assert_eq!((measured.begin(), measured.end()), (0, 0)));
}

/// A machine may write more than the kernel knows.
#[test]
fn a_block_that_is_too_long_is_not_measured_into() {
    let kernel = StandIn::new();
    let function = Function::new(&kernel, &zpci_glue::function::ForeignFunction { fmb_length: 129, ..QEMU });
    // SAFETY: the function is valid.
    assert_eq!(unsafe { shim_function_measure(function.pointer(), true) }, EINVAL);
    assert_eq!(kernel.events(), []);
}
