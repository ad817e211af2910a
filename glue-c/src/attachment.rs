// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function and its translation, as C keeps them.

use core::ffi::c_void;

use ::clp::FunctionHandle;
use s390_iommu::{Attachment, Change, FirstStep, Iova, IovaRange, Outcome, ReadSide, RefreshError, RegisterError};
use static_assertions::const_assert;

use crate::errno;
use crate::kernel::{self, KernelGate, KernelZpci};
use crate::limits::ForeignLimits;
use crate::range::ForeignRange;
use crate::table::ForeignTable;

/// C: `struct zpci_rust_attachment`, which has room for it; opaque.
pub type ForeignAttachment = Attachment<KernelGate>;

// The C structure has 9 words.
const_assert!(size_of::<ForeignAttachment>() <= 72);
const_assert!(align_of::<ForeignAttachment>() <= 8);

/// C: `struct zpci_rust_outcome`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(C)]
pub struct ForeignOutcome {
    /// Condition code of the last MPCIFC; 0 if none was issued.
    pub cc: u8,
    /// Its status.
    pub status: u8,
}

impl ForeignOutcome {
    fn of(error: RegisterError) -> Self {
        match error {
            RegisterError::Refused { outcome, .. } => Self { cc: outcome.cc as u8, status: outcome.status.0 },
            // What the machine would answer for a handle that is not enabled: not operational.
            RegisterError::NotEnabled(_) => Self { cc: 3, ..Self::default() },
            _ => Self::default(),
        }
    }
}

/// Makes an attachment of a function with `limits` to `table`, or to no table where that is null; nothing is issued.
///
/// At most `aperture_bytes` of the window are used with a table. 0, or -EINVAL if the function cannot use it.
///
/// # Safety
///
/// `attachment` must be valid for writes and `limits` be valid; `table` must be as `zpci_rust_table_init` left it, or
/// null; `gate` must stay a gate of C as long as the attachment is used.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_attachment_init(
    attachment: *mut ForeignAttachment,
    limits: *const ForeignLimits,
    aperture_bytes: u64,
    table: *const ForeignTable,
    gate: *mut c_void,
) -> i32 {
    // SAFETY: by the contract `limits` is valid.
    let Some(limits) = (unsafe { &*limits }).limits() else {
        return errno::EINVAL;
    };
    let gate = KernelGate(gate);
    // SAFETY: by the contract `table` is valid or null.
    let made = match unsafe { table.as_ref() } {
        Some(table) => Attachment::to_table(&limits, aperture_bytes, table, gate),
        None => Attachment::to_storage(&limits, gate),
    };
    match made {
        Ok(made) => {
            // SAFETY: by the contract `attachment` is valid for writes.
            unsafe { attachment.write(made) };
            0
        }
        Err(_) => errno::EINVAL,
    }
}

/// The addresses that the function may use.
///
/// # Safety
///
/// `attachment` must be as `zpci_rust_attachment_init` left it; `aperture` must be valid for writes.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_attachment_aperture(
    attachment: *const ForeignAttachment,
    aperture: *mut ForeignRange,
) {
    // SAFETY: by the contract both are valid.
    unsafe { aperture.write(ForeignRange::of((*attachment).aperture())) };
}

/// Registers the translation for the function with `handle`. May sleep.
///
/// 0, also for a function that is gone or being recovered, which is registered later; -EIO. `outcome` receives what
/// the instruction answered.
///
/// # Safety
///
/// `attachment` must be as `zpci_rust_attachment_init` left it and be on the list of its domain, with a full barrier
/// since; `outcome` must be valid for writes. The table must stay until `zpci_rust_detach` returned 0 or
/// `zpci_rust_disabled` was called, and C answers for what is mapped in it.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_attach(
    attachment: *const ForeignAttachment,
    handle: u32,
    gisa: u32,
    outcome: *mut ForeignOutcome,
) -> i32 {
    // SAFETY: by the contract `attachment` is valid.
    let attachment = unsafe { &*attachment };
    let zpci = KernelZpci::of(attachment.gate(), gisa);
    // SAFETY: C keeps the contract of `attach`.
    let (result, answer) = match unsafe { attachment.attach(&zpci, FunctionHandle(handle)) } {
        Ok(()) => (0, ForeignOutcome::default()),
        Err(error) => (errno::of_registration(error), ForeignOutcome::of(error)),
    };
    // SAFETY: by the contract `outcome` is valid for writes.
    unsafe { outcome.write(answer) };
    result
}

/// Tells the function, which was just registered, of some of what is mapped in `table`, from address `*iova` on.
///
/// 0 if that was all, or somebody waits to disable the function after the first step; 1 if there may be more, from the new `*iova` on, where
/// the machine was busy for `*waited` in all. Otherwise nothing is left to do: the next refresh
/// makes up for it, and the result is as for `zpci_rust_unmapped`.
///
/// # Safety
///
/// The first two must be as they were left by their initialisation, `table` being that of the attachment; `iova` and `waited`
/// must be valid for reads and writes. The caller is in an RCU read-side section.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_catch_up(
    attachment: *const ForeignAttachment,
    table: *const ForeignTable,
    iova: *mut u64,
    waited: *mut u64,
) -> i32 {
    // SAFETY: by the contract all are valid.
    let (attachment, table, iova, waited) = unsafe { (&*attachment, &*table, &mut *iova, &mut *waited) };
    // Not before the first step, which takes no time worth mentioning. What is not shown then is an error of the function if it is
    // used before it is disabled, as it would be afterwards.
    if *iova != 0 && kernel::is_wanted(attachment.gate()) {
        attachment.note_missed();
        return 0;
    }
    // SAFETY: C frees tables after a grace period alone, which does not end before the caller's section does.
    let section = unsafe { ReadSide::new() };
    let from = Iova::new(*iova).max(attachment.aperture().start());
    let zpci = KernelZpci::waited(*waited);
    let caught_up = attachment.catch_up_from(&zpci, &table.reader(&section), from);
    *waited = zpci.wait();
    match caught_up {
        Ok(Some(next)) => {
            *iova = next.get();
            1
        }
        result => number(result.map(drop)),
    }
}

/// Ends the translation of the function; where none is registered it is tried for `handle`. May sleep.
///
/// 0, also if there was none or the function is gone. Otherwise it is still registered, so that it stays on the list and the
/// table stays: -EAGAIN if the function is being recovered, which disables it; -EIO.
///
/// # Safety
///
/// `attachment` must be as `zpci_rust_attachment_init` left it; `outcome` must be valid for writes.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_detach(
    attachment: *const ForeignAttachment,
    handle: u32,
    gisa: u32,
    outcome: *mut ForeignOutcome,
) -> i32 {
    // SAFETY: by the contract `attachment` is valid.
    let attachment = unsafe { &*attachment };
    let zpci = KernelZpci::of(attachment.gate(), gisa);
    let (result, answer) = match attachment.detach(&zpci, FunctionHandle(handle)) {
        // An end of what had none, and a function that is gone, are no errors; the answer is told all the same.
        Ok(()) => (0, ForeignOutcome { cc: zpci.last().cc as u8, status: zpci.last().status.0 }),
        Err(error) => (errno::of_end(error), ForeignOutcome::of(error)),
    };
    // SAFETY: by the contract `outcome` is valid for writes.
    unsafe { outcome.write(answer) };
    result
}

/// Takes note that the function was disabled: nothing is registered any more.
///
/// # Safety
///
/// `attachment` must be as `zpci_rust_attachment_init` left it.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_disabled(attachment: *const ForeignAttachment) {
    // SAFETY: by the contract `attachment` is valid.
    unsafe { (*attachment).disabled() }
}

/// Whether the translation is registered, as far as the machine's answers say.
///
/// # Safety
///
/// `attachment` must be as `zpci_rust_attachment_init` left it.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_is_registered(attachment: *const ForeignAttachment) -> bool {
    // SAFETY: by the contract `attachment` is valid.
    unsafe { (*attachment).is_registered() }
}

/// Whether a refresh failed that no later one made up for, so that the function must be told of mappings too.
///
/// # Safety
///
/// `attachment` must be as `zpci_rust_attachment_init` left it.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_is_stale(attachment: *const ForeignAttachment) -> bool {
    // SAFETY: by the contract `attachment` is valid.
    unsafe { (*attachment).is_stale() }
}

/// What a refresh from `start` to `last`, inclusive, takes at first: 0 for nothing at all; [`STEP_MORE`] for more than one
/// instruction, which `zpci_rust_mapped` or `zpci_rust_unmapped` issues behind no gate of the caller's; otherwise, and greater
/// than that, the handle to issue RPCIT of that range with.
///
/// # Safety
///
/// `attachment` must be as `zpci_rust_attachment_init` left it. A full barrier stands between the change at `start` and
/// this call. The caller passed the gate and leaves it when the RPCIT, if there is one, was issued; an answer that is not 0
/// goes to one of the two as well.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_first_step(attachment: *const ForeignAttachment, start: u64, last: u64) -> u64 {
    let Some(range) = pages(start, last) else {
        return STEP_MORE.into();
    };
    // SAFETY: by the contract `attachment` is valid and C does as `first_step` wants it.
    match unsafe { (*attachment).first_step(range) } {
        FirstStep::Nothing => 0,
        // Of a function that is enabled, since that was registered: the first bit is one.
        FirstStep::Issue(function) => function.0.into(),
        FirstStep::More => STEP_MORE.into(),
    }
}

/// C: `ZPCI_RUST_STEP_MORE`; no answer of RPCIT, and no handle of a function that is enabled.
pub const STEP_MORE: u32 = 0x1_0000;

/// Tells the function of what was mapped between `start` and `last`, inclusive, after `step`: the answer to
/// the RPCIT for it, or [`STEP_MORE`].
///
/// 0, also for a function that is gone, in error or being recovered; -EINVAL if this is no range of pages; -ENOMEM if the
/// machine is out of resources; -EIO.
///
/// # Safety
///
/// `attachment` must be as `zpci_rust_attachment_init` left it, and `start` be what the caller mapped and owns.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_mapped(
    attachment: *const ForeignAttachment,
    start: u64,
    last: u64,
    step: u32,
) -> i32 {
    let Some(range) = pages(start, last) else {
        return errno::EINVAL;
    };
    // SAFETY: `zpci_rust_map` deferred a change of the start, whose table its owner has not given back.
    let change = unsafe { Change::resume(range) };
    let answer = answer(step);
    // SAFETY: by the contract `attachment` is valid.
    let attachment = unsafe { &*attachment };
    let zpci = KernelZpci::answered_before(false, answer);
    let result = attachment.go_on_mapped(&zpci, &change, answer);
    // The next function of the list gets the same range.
    let _ = change.defer();
    number(result.map(drop))
}

/// Makes the function forget what changed between `start` and `last`, inclusive, after `step`: the answer to
/// the RPCIT for it, or [`STEP_MORE`].
///
/// 0, also for a function that is gone or not registered; otherwise it may use old entries, and nothing that they lead
/// to may be freed: -EINVAL if this is no range of pages, -ENOMEM if the machine is out of resources, -EIO.
///
/// # Safety
///
/// `attachment` must be as `zpci_rust_attachment_init` left it, and `start` be where an entry changed, as
/// `zpci_rust_unmap` or `zpci_rust_reclaim` reported it to the owner of the range.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_unmapped(
    attachment: *const ForeignAttachment,
    start: u64,
    last: u64,
    step: u32,
) -> i32 {
    let Some(range) = pages(start, last) else {
        return errno::EINVAL;
    };
    // SAFETY: by the contract.
    let change = unsafe { Change::resume(range) };
    let answer = answer(step);
    // SAFETY: by the contract `attachment` is valid.
    let attachment = unsafe { &*attachment };
    let zpci = KernelZpci::answered_before(attachment.was_busy(), answer);
    let result = attachment.go_on_unmapped(&zpci, &change, answer);
    // The next function of the list gets the same range.
    let _ = change.defer();
    number(result)
}

/// The answer to the RPCIT of a first step, if one was issued.
const fn answer(step: u32) -> Option<Outcome> {
    if step == STEP_MORE {
        None
    } else {
        Some(kernel::rpcit_outcome(step))
    }
}

/// Refreshes all that the function can address; results as for `zpci_rust_unmapped`.
///
/// # Safety
///
/// `attachment` must be as `zpci_rust_attachment_init` left it.
#[no_mangle]
pub unsafe extern "C" fn zpci_rust_refresh_all(attachment: *const ForeignAttachment) -> i32 {
    // SAFETY: by the contract `attachment` is valid.
    let attachment = unsafe { &*attachment };
    number(attachment.refresh_all(&KernelZpci::to(attachment.was_busy())))
}

#[inline]
fn pages(start: u64, last: u64) -> Option<IovaRange> {
    IovaRange::new(Iova::new(start), Iova::new(last)).ok()
}

#[inline]
fn number(result: Result<(), RefreshError>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(error) => errno::of_refresh(error),
    }
}
