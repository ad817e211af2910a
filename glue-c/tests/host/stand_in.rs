// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The kernel and the machine that stand in for the real ones, and what happened to them.

use core::ffi::{c_void, CStr};
use core::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::binding::*;

/// Instructions and pauses; C: `enum stand_in_kind`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub(crate) enum Kind {
    Call,
    Immediate,
    Mpcifc,
    Rpcit,
    PauseSet,
    PauseMpcifc,
    PauseRpcit,
    Listed,
    UidChecking,
    Response,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Call,
        Self::Immediate,
        Self::Mpcifc,
        Self::Rpcit,
        Self::PauseSet,
        Self::PauseMpcifc,
        Self::PauseRpcit,
        Self::Listed,
        Self::UidChecking,
        Self::Response,
    ];
}

/// What Rust asked of C.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    /// A command: the request, and the header of the response as offered.
    Call {
        processor: u8,
        block: Vec<u8>,
    },
    Immediate {
        command: u64,
    },
    Mpcifc {
        handle: u32,
        control: u8,
        fib: Vec<u8>,
    },
    Rpcit {
        handle: u32,
        start: u64,
        length: u64,
    },
    PauseSet(u32),
    PauseMpcifc(u32),
    PauseRpcit(u32),
    /// Where the machine was busy for too long before.
    PauseSlow(u32),
    Listed {
        id: u32,
        handle: u32,
        configured: bool,
    },
    UidChecking(bool),
    /// A command that failed.
    Response {
        command: u16,
        code: u16,
        condition: u8,
    },
}

impl Event {
    fn of(event: &ForeignEvent) -> Self {
        let [first, second, third, _] = event.numbers;
        let bytes = event.bytes[..event.size as usize].to_vec();
        match Kind::ALL[event.kind as usize] {
            Kind::Call => Self::Call { processor: first as u8, block: bytes },
            Kind::Immediate => Self::Immediate { command: first },
            Kind::Mpcifc => Self::Mpcifc { handle: first as u32, control: second as u8, fib: bytes },
            Kind::Rpcit => Self::Rpcit { handle: first as u32, start: second, length: third },
            Kind::PauseSet => Self::PauseSet(first as u32),
            Kind::PauseMpcifc => Self::PauseMpcifc(first as u32),
            Kind::PauseRpcit if second != 0 => Self::PauseSlow(first as u32),
            Kind::PauseRpcit => Self::PauseRpcit(first as u32),
            Kind::Listed => Self::Listed { id: first as u32, handle: second as u32, configured: third != 0 },
            Kind::UidChecking => Self::UidChecking(first != 0),
            Kind::Response => Self::Response { command: first as u16, code: second as u16, condition: third as u8 },
        }
    }
}

/// Parameters, the table of functions and the registered operations of the shim belong to the process, as in a kernel.
static SHIM: Mutex<()> = Mutex::new(());

/// The kernel and the machine of the current thread, which has the shim for itself meanwhile.
///
/// At the end of a test nothing may be allocated any more, every answer must have been asked for, every read-side
/// section must have ended, and nothing may have happened that a real kernel or machine would not have survived.
pub(crate) struct StandIn {
    _shim: MutexGuard<'static, ()>,
    _thread: PhantomData<*const ()>,
}

impl StandIn {
    pub(crate) fn new() -> Self {
        // A test that failed leaves nothing behind: its functions are gone by the time it gives the shim back.
        let shim = SHIM.lock().unwrap_or_else(PoisonError::into_inner);
        let kernel = Self { _shim: shim, _thread: PhantomData };
        // SAFETY: what the thread had of C before is not used any more: a test has one of these.
        unsafe {
            stand_in_reset();
            kernel_reset(core::ptr::null());
        }
        kernel.settings(u64::MAX, false);
        kernel.trust_dtsm(true);
        kernel
    }

    /// Sets the parameters of the kernel: how many bytes of each window are wanted, and whether there are frames of
    /// 1 MiB.
    pub(crate) fn settings(&self, aperture_bytes: u64, large: bool) {
        // SAFETY: the function takes any values; nobody else uses the shim.
        unsafe { shim_settings(aperture_bytes, large) }
    }

    /// Sets `s390_iommu_large_frames=` of a kernel that is a guest or not; whether there are frames of 1 MiB then.
    pub(crate) fn large_frames(&self, text: &CStr, guest: bool) -> bool {
        // SAFETY: the text ends with a zero; nobody else uses the shim.
        unsafe { shim_large_frames(text.as_ptr(), guest) }
    }

    /// Sets whether each root may be used that the mask of a function has as 0x80 >> its designation type.
    pub(crate) fn trust_dtsm(&self, trust: bool) {
        // SAFETY: the function takes any value; nobody else uses the shim.
        unsafe { shim_trust_dtsm(trust) }
    }

    /// Sets whether tables are given back.
    pub(crate) fn reclaims(&self, reclaims: bool) {
        // SAFETY: the function takes any value; nobody else uses the shim.
        unsafe { shim_reclaims(reclaims) }
    }

    /// Lets all that waits for a grace period happen.
    pub(crate) fn grace_period(&self) {
        // SAFETY: what waits is in the state that C left it in.
        unsafe { shim_grace_period() }
    }

    /// Lets the grace period of what has waited longest end, and nothing else.
    pub(crate) fn callback(&self) {
        // SAFETY: what waits is in the state that C left it in.
        unsafe {
            assert!(kernel_grace_period_ended(), "nothing waits, or a read-side section goes on");
            kernel_run_callback();
        }
    }

    /// How many callbacks wait for a grace period.
    pub(crate) fn waiting(&self) -> u32 {
        // SAFETY: the function counts.
        unsafe { kernel_callbacks() }
    }

    /// Runs the work that was queued first, which must be the only one.
    pub(crate) fn work(&self) {
        // SAFETY: what waits is in the state that C left it in.
        unsafe {
            assert_eq!(kernel_works(), 1);
            kernel_run_work();
        }
    }

    /// How many pieces of work wait for a worker.
    pub(crate) fn works(&self) -> u32 {
        // SAFETY: the function counts.
        unsafe { kernel_works() }
    }

    /// Runs `test` while no memory is to be had, neither for tables nor for anything else.
    pub(crate) fn without_memory<R>(&self, test: impl FnOnce() -> R) -> R {
        unsafe extern "C" fn none(_: *mut c_void) -> bool {
            false
        }
        let context = core::ptr::null_mut();
        let hooks = KernelHooks { context, yield_: None, wait: None, section: None, may_allocate: Some(none) };
        // A reset forgets what waits.
        self.grace_period();
        // SAFETY: C copies the hooks; no section or mutex is held, and nothing waits.
        unsafe { kernel_reset(&hooks) };
        let result = test();
        self.grace_period();
        // SAFETY: as above.
        unsafe { kernel_reset(core::ptr::null()) };
        result
    }

    /// Runs `test`; another processor does `deed` at the `n`th full barrier.
    pub(crate) fn at_barrier<R>(&self, n: u32, deed: impl FnOnce(), test: impl FnOnce() -> R) -> R {
        /// C: `KERNEL_BARRIER`.
        const BARRIER: u32 = 1;
        struct Other<F> {
            left: u32,
            deed: Option<F>,
        }
        unsafe extern "C" fn come_by<F: FnOnce()>(context: *mut c_void, point: u32) {
            // SAFETY: the context is the structure below, which nobody else uses at the moment.
            let other = unsafe { &mut *context.cast::<Other<F>>() };
            if point == BARRIER && other.deed.is_some() {
                other.left -= 1;
                if other.left == 0 {
                    if let Some(deed) = other.deed.take() {
                        deed();
                    }
                }
            }
        }
        fn hook<F: FnOnce()>(_: &Other<F>) -> unsafe extern "C" fn(*mut c_void, u32) {
            come_by::<F>
        }
        let mut other = Other { left: n, deed: Some(deed) };
        let yield_ = Some(hook(&other));
        let context = (&raw mut other).cast();
        let hooks = KernelHooks { context, yield_, wait: None, section: None, may_allocate: None };
        // A reset forgets what waits.
        self.grace_period();
        // SAFETY: C copies the hooks, and uses the context until the reset below; nothing waits.
        unsafe { kernel_reset(&hooks) };
        let result = test();
        self.grace_period();
        // SAFETY: nothing waits.
        unsafe { kernel_reset(core::ptr::null()) };
        assert!(other.deed.is_none(), "there were not that many barriers");
        result
    }

    /// The last line of the log.
    pub(crate) fn log(&self) -> String {
        // SAFETY: C returns a string, which is copied before anything else happens.
        unsafe { CStr::from_ptr(kernel_last_log()) }.to_string_lossy().into_owned()
    }

    /// How the last page was allocated.
    pub(crate) fn page_gfp(&self) -> u32 {
        // SAFETY: it belongs to the thread.
        unsafe { kernel_page_gfp() }
    }

    /// How many warnings there were since the last call.
    pub(crate) fn warnings(&self) -> u32 {
        // SAFETY: the counter belongs to the thread.
        unsafe { kernel_warnings() }
    }

    /// Forgets all storage, for a test that leaves some on purpose; nothing of C may be used afterwards.
    pub(crate) fn forget(self) {
        // SAFETY: nothing of C is used after this but what drop does.
        unsafe { stand_in_reset() };
    }

    /// What happened since the last call.
    pub(crate) fn events(&self) -> Vec<Event> {
        let mut events = core::ptr::null();
        // SAFETY: C fills in where its events are; they are read before anything else happens.
        unsafe {
            let count = stand_in_events(&mut events);
            (0..count as usize).map(|index| Event::of(&*events.add(index))).collect()
        }
    }

    /// The next answer to MPCIFC or RPCIT.
    pub(crate) fn answer(&self, kind: Kind, cc: u8, status: u8) {
        // SAFETY: there are no bytes.
        unsafe { stand_in_answer(kind as u32, cc, status, core::ptr::null(), 0) }
    }

    /// The answer to MPCIFC or RPCIT when no other is left.
    pub(crate) fn always(&self, kind: Kind, cc: u8, status: u8) {
        // SAFETY: the function takes any values of the kinds.
        unsafe { stand_in_always(kind as u32, cc, status) }
    }

    /// The next answer to a command.
    pub(crate) fn respond(&self, cc: u8, response: &[u8]) {
        // SAFETY: C copies the bytes.
        unsafe { stand_in_answer(Kind::Call as u32, cc, 0, response.as_ptr().cast(), response.len() as u32) }
    }

    /// The next answer to an immediate command.
    pub(crate) fn result(&self, cc: u8, result: u64) {
        let bytes = result.to_ne_bytes();
        // SAFETY: C copies the bytes.
        unsafe { stand_in_answer(Kind::Immediate as u32, cc, 0, bytes.as_ptr().cast(), 8) }
    }

    /// Answers that nobody has asked for yet.
    pub(crate) fn answers_left(&self) -> u32 {
        // SAFETY: the function reads a number.
        unsafe { stand_in_answers_left() }
    }

    /// Pauses of that kind after which the machine is not asked again.
    pub(crate) fn patience(&self, kind: Kind, pauses: u32) {
        // SAFETY: the function takes any values of the kinds.
        unsafe { stand_in_patience(kind as u32, pauses) }
    }

    /// Number of region and segment tables, and of page tables.
    pub(crate) fn tables(&self) -> (u32, u32) {
        // SAFETY: the function counts.
        unsafe { (stand_in_tables(16 << 10), stand_in_tables(2 << 10)) }
    }

    /// Flags of the latest allocation.
    pub(crate) fn gfp(&self) -> u32 {
        // SAFETY: the function reads a number.
        unsafe { stand_in_gfp() }
    }

    /// Allocations fail from the `n`-th on; 0: none does.
    pub(crate) fn fail_allocation(&self, n: u32) {
        // SAFETY: the function takes any number.
        unsafe { stand_in_fail_allocation(n) }
    }

    /// Where a device gets to that is registered with `iota`.
    pub(crate) fn dma(&self, iota: u64, iova: u64, write: bool) -> Option<u64> {
        // SAFETY: C looks up every table before it reads it.
        match unsafe { stand_in_dma(iota, iova, write) } {
            u64::MAX => None,
            absolute => Some(absolute),
        }
    }

    /// The first thing that a real kernel or machine would not have survived.
    pub(crate) fn fault(&self) -> Option<String> {
        // SAFETY: C returns a string, which is copied before anything else happens, or null.
        unsafe {
            let fault = stand_in_fault();
            (!fault.is_null()).then(|| CStr::from_ptr(fault).to_string_lossy().into_owned())
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.grace_period();
        if !std::thread::panicking() {
            assert_eq!(self.fault(), None);
            assert_eq!((self.waiting(), self.works()), (0, 0), "callbacks or work are left");
            // SAFETY: the function counts.
            assert_eq!(unsafe { kernel_sections() }, 0, "read-side sections are left");
            assert_eq!(self.tables(), (0, 0), "tables are left");
            assert_eq!(self.answers_left(), 0, "answers are left");
        }
        // SAFETY: nothing of C is used after this.
        unsafe { stand_in_reset() };
    }
}

/// The faults that the other tests rely on being found.
#[cfg(test)]
mod tests {
    use super::*;
    use s390_iommu::{AbsoluteAddress, AllocationFlags, PhysToVirt, TableAllocator, TableSize};
    use zpci_glue::kernel::KernelStorage;

    /// What is noted when a table is used as `misuse` does, which has to give it back or to lose it.
    fn fault_after(misuse: fn(&KernelStorage, AbsoluteAddress)) -> String {
        let kernel = StandIn::new();
        // SAFETY: the function returns a number.
        let storage = KernelStorage { base: unsafe { stand_in_base() } };
        let origin = storage.allocate_with(TableSize::Page, AllocationFlags(0x44)).expect("a table");
        assert_eq!((kernel.gfp(), kernel.tables(), kernel.fault()), (0x44, (0, 1), None));
        misuse(&storage, origin);
        let fault = kernel.fault().expect("a fault");
        kernel.forget();
        fault.replace(&format!("{:#x}", origin.get()), "ORIGIN")
    }

    fn free(storage: &KernelStorage, origin: AbsoluteAddress, size: TableSize) {
        // SAFETY: the stand-in finds out what is wrong with it before it does anything.
        unsafe { storage.deallocate(origin, size) }
    }

    fn write(storage: &KernelStorage, origin: AbsoluteAddress, offset: usize) {
        let table = storage.phys_to_virt(origin);
        // SAFETY: the stand-in keeps storage on either side of a table, and keeps freed tables.
        unsafe { table.add(offset).write(0) }
    }

    #[test]
    fn misuse_of_storage() {
        let freed_twice = fault_after(|storage, origin| {
            free(storage, origin, TableSize::Page);
            free(storage, origin, TableSize::Page);
        });
        assert_eq!(freed_twice, "table ORIGIN was freed");
        let of_another_size = fault_after(|storage, origin| free(storage, origin, TableSize::Crst));
        assert_eq!(of_another_size, "table ORIGIN has 2048 bytes, not 16384");
        let beside = fault_after(|storage, origin| write(storage, origin, 2048));
        assert_eq!(beside, "written beside table ORIGIN");
        let after_it_was_freed = fault_after(|storage, origin| {
            free(storage, origin, TableSize::Page);
            write(storage, origin, 8);
        });
        assert_eq!(after_it_was_freed, "written into table ORIGIN after it was freed");
    }

    #[test]
    fn a_machine_that_has_no_answer() {
        let kernel = StandIn::new();
        // SAFETY: the function takes nothing.
        assert_eq!(unsafe { shim_write_back() }, -5);
        assert_eq!(kernel.fault().as_deref(), Some("no answer to command 1"));
        kernel.forget();
    }
}
