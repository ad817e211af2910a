// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What C provides: storage, instructions and pauses, as ordinary symbols.

use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::NonNull;

use clp::{Clp, Command, CommandCode, ConditionCode, FunctionHandle, ListEntry, LogicalProcessor};
use s390_iommu::{
    AbsoluteAddress, AllocationFlags, Fib, FunctionControl, Gate, Instruction, IovaRange, Outcome, PhysToVirt, Status,
    TableAllocator, TableSize, Zpci,
};
use zerocopy::big_endian::U32;

/// What C provides, each as `zpci_rust.h` says, with which the kernel's build compares the types.
pub mod provided {
    use core::ffi::c_void;

    #[expect(missing_docs, reason = "the header has them")]
    unsafe extern "C" {
        pub fn zpci_rust_allocate(size: u32, gfp: u32) -> u64;
        pub fn zpci_rust_deallocate(origin: u64, size: u32);
        pub fn zpci_rust_call(processor: u8, block: *mut c_void) -> u8;
        pub fn zpci_rust_immediate(command: u64, result: *mut u64) -> u8;
        pub fn zpci_rust_mpcifc(handle: u32, control: u8, fib: *const c_void, status: *mut u8, again: bool) -> u8;
        pub fn zpci_rust_rpcit(start: u64, length: u64, handle: u32, again: bool) -> u32;
        pub fn zpci_rust_pause_set(busy: u32) -> bool;
        pub fn zpci_rust_wanted(gate: *const c_void) -> bool;
        pub fn zpci_rust_pause_mpcifc(busy: u32) -> bool;
        pub fn zpci_rust_pause_rpcit(busy: u32, slow: bool, last: *mut u64, waited: *mut u64) -> bool;
        pub fn zpci_rust_gate_shared(gate: *mut c_void) -> u64;
        pub fn zpci_rust_gate_shared_end(gate: *mut c_void, flags: u64);
        pub fn zpci_rust_gate_exclusive(gate: *mut c_void) -> u64;
        pub fn zpci_rust_gate_exclusive_end(gate: *mut c_void, flags: u64);
        pub fn zpci_rust_listed(context: *mut c_void, id: u32, handle: u32, configured: bool);
        pub fn zpci_rust_uid_checking(on: bool);
        pub fn zpci_rust_response(command: u16, code: u16, condition: u8);
        pub fn zpci_rust_add_capability(
            chain: *mut c_void,
            id: u16,
            version: u16,
            data: *const c_void,
            size: usize,
        ) -> i32;
        pub fn zpci_rust_add_entry(chain: *mut c_void, entry: *const c_void, size: usize) -> i32;
    }
}

/// Storage from the caches of C.
#[derive(Clone, Copy, Debug)]
pub struct KernelStorage {
    /// What an absolute address differs from a pointer by.
    pub base: u64,
}

// SAFETY: C maps all of storage at `base`, for as long as the kernel runs.
unsafe impl PhysToVirt for KernelStorage {
    #[inline]
    fn phys_to_virt(&self, origin: AbsoluteAddress) -> NonNull<u8> {
        let pointer = core::ptr::with_exposed_provenance_mut(self.base.wrapping_add(origin.get()) as usize);
        // SAFETY: no storage is mapped at the null pointer, which the kernel leaves out of its address space.
        unsafe { NonNull::new_unchecked(pointer) }
    }
}

// SAFETY: C gives storage of that size and alignment from a cache made for it, or 0.
unsafe impl TableAllocator for KernelStorage {
    fn allocate(&self, size: TableSize) -> Option<AbsoluteAddress> {
        self.allocate_with(size, AllocationFlags::NONE)
    }

    /// The flags are `gfp_t`.
    fn allocate_with(&self, size: TableSize, flags: AllocationFlags) -> Option<AbsoluteAddress> {
        // SAFETY: the function takes any size of a table and any flags.
        match unsafe { provided::zpci_rust_allocate(size.bytes() as u32, flags.0) } {
            0 => None,
            origin => Some(AbsoluteAddress::new(origin)),
        }
    }

    unsafe fn deallocate(&self, origin: AbsoluteAddress, size: TableSize) {
        // SAFETY: the caller says that `origin` came from `allocate` with this size and is not used any more.
        unsafe { provided::zpci_rust_deallocate(origin.get(), size.bytes() as u32) }
    }
}

/// The CLP instruction of the machine the kernel runs on.
#[derive(Clone, Copy, Debug)]
pub struct KernelClp;

impl Clp for KernelClp {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        // SAFETY: the address is that of a page which is borrowed for the call, and the lengths in it, which say how
        // much the machine reads and stores, end within it.
        condition_code(unsafe { provided::zpci_rust_call(processor.0, command.as_mut_ptr().cast()) })
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        let mut result = 0;
        // SAFETY: `result` is a number that C may write.
        match condition_code(unsafe { provided::zpci_rust_immediate(command, &mut result) }) {
            ConditionCode::Zero => Ok(result),
            other => Err(other),
        }
    }

    /// May sleep.
    fn pause(&self, busy: u32) -> bool {
        // SAFETY: the function takes any number.
        unsafe { provided::zpci_rust_pause_set(busy) }
    }
}

/// The zPCI instructions.
#[derive(Clone, Debug)]
pub struct KernelZpci {
    /// Guest interruption state area designation, for MPCIFC; 0 without interpretation by KVM.
    gisa: u32,
    /// That of the attachment that MPCIFC is for.
    gate: Option<KernelGate>,
    /// The last answer; where that is busy, what comes is the same once more.
    last: Cell<Outcome>,
    /// How often the machine was busy for any of these instructions: their waits have one bound together.
    busy: Cell<u32>,
    /// For RPCIT: whether the machine was busy for too long before, so that little is expected of it.
    slow: bool,
    /// For RPCIT: when the last busy answer came, by a clock of C, or 0 if another answer came since.
    paused: Cell<u64>,
    /// For RPCIT: how long the machine was busy, by the same clock.
    waited: Cell<u64>,
}

impl KernelZpci {
    /// For MPCIFC, of which none was issued before, to the function of the attachment with `gate`; `gisa` is 0 without
    /// interpretation by KVM.
    #[inline]
    pub(crate) const fn of(gate: &KernelGate, gisa: u32) -> Self {
        Self { gisa, gate: Some(*gate), ..Self::to(false) }
    }

    /// For RPCIT; the machine was busy for too long before if it is `slow`.
    #[inline]
    pub(crate) const fn to(slow: bool) -> Self {
        Self {
            gisa: 0,
            gate: None,
            slow,
            last: Cell::new(Outcome::DONE),
            busy: Cell::new(0),
            paused: Cell::new(0),
            waited: Cell::new(0),
        }
    }

    /// The same after an RPCIT that was answered by `answer`; `None` if none was issued.
    pub(crate) const fn answered_before(slow: bool, answer: Option<Outcome>) -> Self {
        let last = match answer {
            Some(answer) => answer,
            None => Outcome::DONE,
        };
        Self { last: Cell::new(last), ..Self::to(slow) }
    }

    /// For RPCIT, where the machine was busy for the time `waited` before, by the clock of C.
    pub(crate) const fn waited(waited: u64) -> Self {
        Self { waited: Cell::new(waited), ..Self::to(false) }
    }

    /// How long the machine was busy for RPCIT, by the clock of C.
    pub(crate) fn wait(&self) -> u64 {
        self.waited.get()
    }

    /// The last answer; condition code 0 if nothing was issued.
    pub(crate) fn last(&self) -> Outcome {
        self.last.get()
    }

    #[inline]
    fn was_busy(&self) -> bool {
        self.last().cc == ConditionCode::Two
    }

    #[inline]
    fn answered(&self, outcome: Outcome) -> Outcome {
        if outcome.cc != ConditionCode::Two {
            self.paused.set(0);
        }
        self.last.set(outcome);
        outcome
    }
}

impl Zpci for KernelZpci {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        let fib = Fib { gisa: U32::new(self.gisa), ..*fib };
        let mut status = 0;
        // SAFETY: the block and the status outlive the call, and C writes the status alone. The caller answers for what
        // the operation does.
        let cc = unsafe {
            provided::zpci_rust_mpcifc(function.0, control.0, (&raw const fib).cast(), &mut status, self.was_busy())
        };
        self.answered(outcome(cc, status))
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        let length = range.size_less_one().wrapping_add(1);
        // SAFETY: the function takes any operands: a machine drops what it need not keep.
        let answer = unsafe { provided::zpci_rust_rpcit(range.start().get(), length, function.0, self.was_busy()) };
        self.answered(rpcit_outcome(answer))
    }

    fn pause(&self, instruction: Instruction, _: u32) -> bool {
        let busy = self.busy.get().saturating_add(1);
        self.busy.set(busy);
        // SAFETY: the functions take any number, and C keeps the two of time.
        unsafe {
            match instruction {
                Instruction::Mpcifc if self.gate.as_ref().is_some_and(is_wanted) => false,
                Instruction::Mpcifc => provided::zpci_rust_pause_mpcifc(busy),
                Instruction::Rpcit => {
                    provided::zpci_rust_pause_rpcit(busy, self.slow, self.paused.as_ptr(), self.waited.as_ptr())
                }
            }
        }
    }
}

/// Whether somebody waits to disable the function of the attachment with `gate`.
pub(crate) fn is_wanted(gate: &KernelGate) -> bool {
    // SAFETY: a gate is that of an attachment, which C made.
    unsafe { provided::zpci_rust_wanted(gate.0) }
}

/// A gate of C: a lock for readers and writers that does not sleep.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct KernelGate(pub *mut c_void);

// SAFETY: C takes the lock as a reader or as the writer, and it orders what is done behind it.
unsafe impl Gate for KernelGate {
    #[inline]
    fn shared<R>(&self, issue: impl FnOnce() -> R) -> R {
        // SAFETY: C made the gate, and keeps it as long as the attachment is used.
        let flags = unsafe { provided::zpci_rust_gate_shared(self.0) };
        let result = issue();
        // SAFETY: as above; it was taken by the line above, with these flags.
        unsafe { provided::zpci_rust_gate_shared_end(self.0, flags) };
        result
    }

    fn exclusive<R>(&self, change: impl FnOnce() -> R) -> R {
        // SAFETY: C made the gate, and keeps it as long as the attachment is used.
        let flags = unsafe { provided::zpci_rust_gate_exclusive(self.0) };
        let result = change();
        // SAFETY: as above; it was taken by the line above, with these flags.
        unsafe { provided::zpci_rust_gate_exclusive_end(self.0, flags) };
        result
    }
}

/// Hands a listed function to C.
///
/// # Safety
///
/// `context` must be what C passed with the request for the list.
pub(crate) unsafe fn listed(context: *mut c_void, entry: &ListEntry) {
    // SAFETY: the caller answers for `context`.
    unsafe { provided::zpci_rust_listed(context, entry.id.0, entry.handle.0, entry.configured) }
}

/// Reports to C whether the machine makes sure that UIDs are unique.
pub(crate) fn uid_checking(on: bool) {
    // SAFETY: the function takes any value.
    unsafe { provided::zpci_rust_uid_checking(on) }
}

/// Records a command that was not answered as wanted.
pub(crate) fn record(command: CommandCode, code: u16, condition: ConditionCode) {
    // SAFETY: the function takes any values.
    unsafe { provided::zpci_rust_response(command.0, code, condition as u8) }
}

/// Adds a capability, or its front if entries follow, to a chain of C, which makes its header.
///
/// # Safety
///
/// C must take capabilities with `chain`.
pub(crate) unsafe fn add_capability(chain: *mut c_void, id: u16, version: u16, data: &[u8]) -> Result<(), i32> {
    // SAFETY: the caller answers for `chain`; C copies the bytes.
    match unsafe { provided::zpci_rust_add_capability(chain, id, version, data.as_ptr().cast(), data.len()) } {
        0 => Ok(()),
        error => Err(error),
    }
}

/// Adds an entry to the capability that was added last.
///
/// # Safety
///
/// C must have taken a capability with `chain`.
pub(crate) unsafe fn add_entry(chain: *mut c_void, entry: &[u8]) -> Result<(), i32> {
    // SAFETY: the caller answers for `chain`; C copies the bytes.
    match unsafe { provided::zpci_rust_add_entry(chain, entry.as_ptr().cast(), entry.len()) } {
        0 => Ok(()),
        error => Err(error),
    }
}

/// What C reports of RPCIT.
pub(crate) const fn rpcit_outcome(answer: u32) -> Outcome {
    let [.., status, cc] = answer.to_be_bytes();
    outcome(cc, status)
}

/// What C reports of MPCIFC or RPCIT; a condition code that no machine has is a failure, whatever the status.
///
/// Condition code 3 says that the function is gone, so it must not stand for what is not understood.
#[inline]
const fn outcome(cc: u8, status: u8) -> Outcome {
    match cc {
        0..=3 => Outcome { cc: condition_code(cc), status: Status(status) },
        _ => Outcome { cc: ConditionCode::One, status: Status(0) },
    }
}

const fn condition_code(cc: u8) -> ConditionCode {
    match cc {
        0 => ConditionCode::Zero,
        1 => ConditionCode::One,
        2 => ConditionCode::Two,
        _ => ConditionCode::Three,
    }
}
