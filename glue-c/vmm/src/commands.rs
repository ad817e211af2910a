// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! CLP of a guest.

use core::ffi::c_void;
use core::{fmt, slice};

use ::clp::responder::{
    Answer, Done, GuestFunction, ImmediateAnswer, Responder, Rules, SetAction, SetRefusal, SetRequest,
};
use ::clp::{Characteristics, FunctionHandle, ListSummary, LogicalProcessor};

use crate::function::{ZPCI_RULES_HARDWARE, ZPCI_RULES_QEMU, ZPCI_RULES_QEMU_STEPS};
use crate::groups::{ForeignGroups, Inner};
use crate::slot::ForeignSlot;

/// Enable the function.
pub const ZPCI_SET_ENABLE: u8 = 0;
/// Disable it.
pub const ZPCI_SET_DISABLE: u8 = 1;

/// It is done.
pub const ZPCI_SET_DONE: u8 = 0;
/// The function went away meanwhile.
pub const ZPCI_SET_GONE: u8 = 1;
/// Resources are insufficient.
pub const ZPCI_SET_RESOURCES: u8 = 2;
/// The function is busy; the guest tries again.
pub const ZPCI_SET_BUSY: u8 = 3;
/// The function has a permanent error.
pub const ZPCI_SET_PERMANENT_ERROR: u8 = 4;

/// What SLPC answers of the PCI processor. No public source says what the bits mean.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ForeignCharacteristics {
    /// Installed facilities (`lpif`).
    pub facilities: [u32; 8],
    /// Characteristics (`lpic`).
    pub characteristics: [u32; 8],
    /// Whether there is a bit that makes an address for mapped I/O one for write-back.
    pub has_write_back: bool,
    /// Its position, 0 to 63, bit 0 the most significant.
    pub write_back_position: u8,
}

/// What CLP is answered from.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ForeignCommands {
    /// Slots, each of which a function keeps as long as the guest has it; NULL if there are none.
    pub slots: *mut ForeignSlot,
    /// Number of slots.
    pub slot_count: usize,
    /// Groups.
    pub groups: *const ForeignGroups,
    /// The answer to SLPC, NULL if the command is unknown, which it always is as `ZPCI_RULES_QEMU`, and with characteristics that
    /// no processor has.
    pub characteristics: *const ForeignCharacteristics,
    /// Number of functions that a list says the machine can have.
    pub max_functions: u16,
    /// Whether the UIDs differ, which the VMM sees to.
    pub uid_checking: bool,
    /// `ZPCI_RULES_*`.
    pub rules: u8,
    /// The VMM's own.
    pub opaque: *mut c_void,
    /// Carries out `action` (`ZPCI_SET_ENABLE`, `_DISABLE`) for the function in `slot`: sets the handle that it has then, and
    /// also in the slot; returns `ZPCI_SET_DONE` or why not. It does not touch the block that is being answered.
    pub set: Option<unsafe extern "C" fn(opaque: *mut c_void, slot: usize, action: u8, handle: *mut u32) -> u8>,
}

impl fmt::Debug for ForeignCommands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignCommands").field("slot_count", &self.slot_count).finish_non_exhaustive()
    }
}

/// How CLP ends.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ForeignReply {
    /// First byte of the block to copy back.
    pub written: usize,
    /// Number of bytes to copy back; all others are as they were.
    pub written_length: usize,
    /// Code of a program interruption; 0 if the instruction ends with a condition code.
    pub program_interruption: u16,
    /// Condition code, 0 to 3.
    pub condition_code: u8,
}

/// Answers CLP with a block: a copy of the `length` bytes of guest storage from the address in R2 on, 8192 or as many as there
/// are. `processor` is the selector of the logical processor in the instruction (M4).
///
/// # Safety
///
/// `commands` has as many initialised slots as it says, groups that were initialised, characteristics, and a function that does
/// as it says; nobody else uses them meanwhile. `block` has `length` bytes, which nobody else uses meanwhile: never guest storage
/// itself, where the guest's processors store at any time, nor what the function of `commands` touches. There is storage for the
/// reply. What has no elements, or is not there, may be NULL.
#[no_mangle]
pub unsafe extern "C" fn zpci_clp(
    commands: *const ForeignCommands,
    processor: u8,
    block: *mut u8,
    length: usize,
    reply: *mut ForeignReply,
) {
    // SAFETY: by the contract.
    let (commands, responder) = unsafe { (&*commands, responder(&*commands)) };
    let block = match length {
        0 => &mut [],
        // SAFETY: by the contract.
        _ => unsafe { slice::from_raw_parts_mut(block, length) },
    };
    // The functions are looked at no more when the VMM is asked, which changes them.
    let done = match responder.answer(LogicalProcessor(processor), block) {
        Answer::Done(done) => Some(done),
        Answer::OperandException => None,
        // SAFETY: by the contract.
        Answer::Set(request) => Some(unsafe { set(commands, request) }),
    };
    let answered = match done {
        Some(done) => ForeignReply {
            written: done.written().start,
            written_length: done.written().len(),
            program_interruption: 0,
            condition_code: done.condition as u8,
        },
        None => OPERAND_EXCEPTION,
    };
    // SAFETY: by the contract.
    unsafe { reply.write(answered) };
}

/// Answers CLP without a block: `command` is the value in R2, and `r1` gets that of R1 if the condition code is 0. Nothing is
/// copied back.
///
/// # Safety
///
/// `commands` is as for `zpci_clp()`; there is storage for `r1` and for the reply.
#[no_mangle]
pub unsafe extern "C" fn zpci_clp_immediate(
    commands: *const ForeignCommands,
    command: u64,
    r1: *mut u64,
    reply: *mut ForeignReply,
) {
    // SAFETY: by the contract.
    let answered = match unsafe { responder(&*commands) }.immediate(command) {
        ImmediateAnswer::Installed(processors) => {
            // SAFETY: by the contract.
            unsafe { r1.write(processors.0) };
            ForeignReply::default()
        }
        ImmediateAnswer::Condition(condition) => {
            ForeignReply { condition_code: condition as u8, ..ForeignReply::default() }
        }
        ImmediateAnswer::OperandException => OPERAND_EXCEPTION,
    };
    // SAFETY: by the contract.
    unsafe { reply.write(answered) };
}

const OPERAND_EXCEPTION: ForeignReply =
    ForeignReply { written: 0, written_length: 0, program_interruption: 0x15, condition_code: 0 };

/// What answers from `commands`.
///
/// # Safety
///
/// `commands` has as many initialised slots as it says, groups that were initialised, and characteristics, or NULL; nobody changes
/// them as long as the result is used.
unsafe fn responder(commands: &ForeignCommands) -> Responder<'_> {
    // SAFETY: by the contract.
    let groups = unsafe { commands.groups.cast::<Inner>().as_ref() };
    let functions = match commands.slot_count {
        0 => &[],
        // SAFETY: by the contract; a slot is a function or none, of the same size.
        count => unsafe { slice::from_raw_parts(commands.slots.cast::<Option<GuestFunction>>().cast_const(), count) },
    };
    // SAFETY: by the contract.
    let characteristics = unsafe { commands.characteristics.as_ref() };
    debug_assert!(matches!(commands.rules, ZPCI_RULES_HARDWARE | ZPCI_RULES_QEMU | ZPCI_RULES_QEMU_STEPS));
    Responder {
        functions,
        groups: groups.map_or(&[], |groups| groups.as_slice()),
        summary: ListSummary { max_functions: commands.max_functions, uid_checking: commands.uid_checking },
        characteristics: characteristics.and_then(|given| {
            let write_back_position = given.has_write_back.then_some(given.write_back_position);
            let ForeignCharacteristics { facilities, characteristics, .. } = *given;
            Characteristics { facilities, characteristics, write_back_position }.encode().ok()
        }),
        rules: if commands.rules == ZPCI_RULES_HARDWARE { Rules::HARDWARE } else { Rules::QEMU },
    }
}

/// Has the VMM carry out a SET PCI FN.
///
/// # Safety
///
/// The function of `commands` does as it says.
unsafe fn set(commands: &ForeignCommands, request: SetRequest<'_>) -> Done {
    let action = match request.action() {
        SetAction::Enable => ZPCI_SET_ENABLE,
        SetAction::Disable => ZPCI_SET_DISABLE,
        // No slot has addresses for mapped I/O.
        SetAction::EnableMio | SetAction::DisableMio => return request.refuse(SetRefusal::Resources),
    };
    let Some(set) = commands.set else {
        return request.refuse(SetRefusal::Resources);
    };
    let mut handle = 0;
    // SAFETY: by the contract.
    match unsafe { set(commands.opaque, request.slot(), action, &mut handle) } {
        ZPCI_SET_DONE => request.confirm(FunctionHandle(handle)).unwrap_or_else(|error| error.done),
        ZPCI_SET_GONE => request.refuse(SetRefusal::Gone),
        ZPCI_SET_RESOURCES => request.refuse(SetRefusal::Resources),
        ZPCI_SET_PERMANENT_ERROR => request.refuse(SetRefusal::PermanentError),
        _ => request.refuse(SetRefusal::Busy),
    }
}
