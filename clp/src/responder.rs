// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A responder: answers the CLP of a guest, for the program that runs it (VMM).
//!
//! The VMM intercepts the instruction, copies the block out of guest storage, asks [`Responder::answer`] and copies back
//! what was [written](Done::written). Answers are made of values that the VMM supplies, and of nothing else: a [`GuestFunction`]
//! for each slot, emulated or [`Passthrough`], and [`Groups`] that keep the host's groups apart. Both are checked when
//! they are made, so that every answer can be given.
//!
//! An answer to LIST PCI, QUERY PCI FN, QUERY PCI FNGRP and SLPC is complete at once. SET PCI FN needs the VMM: it gets
//! a [`SetRequest`], enables or disables the function and confirms with the new handle, or refuses.
//!
//! The guest is not trusted. Nothing outside of the bytes that it offered for a response is written, those behind the
//! response stay as they are, and there is no block that the responder does not answer.
//!
//! # Examples
//!
//! ```
//! use clp::responder::{
//!     Answer, Emulated, Groups, GuestTranslation, Responder, Rules, SetAction, Virtualization,
//! };
//! use clp::{ConditionCode, DesignationTypes, FunctionHandle, FunctionId, ListSummary, LogicalProcessor, Uid};
//!
//! let function = Emulated::new(0x1af4, 0x1044, FunctionId(0x20), Uid(0x10));
//! let mut functions = [Some(function.finish(FunctionHandle(0x0002_0000))?)];
//! let mut groups = Groups::<1>::new();
//! let shadowed = GuestTranslation::Shadowed { roots: DesignationTypes(0x40), relaxed_translation: false };
//! let virtualization = Virtualization { translation: shadowed, max_store_block: 128 };
//! groups.add(Emulated::GROUP_ID, &Emulated::GROUP, &virtualization)?;
//! let responder = Responder {
//!     functions: &functions,
//!     groups: groups.as_slice(),
//!     summary: ListSummary { max_functions: 64, uid_checking: true },
//!     characteristics: None,
//!     rules: Rules::HARDWARE,
//! };
//!
//! // The guest enables the function: SET PCI FN, operation 0, one DMA address space, capacity for 32 bytes.
//! let mut block = [0; 64];
//! block[..4].copy_from_slice(&[0x00, 0x20, 0x00, 0x05]);
//! block[16..24].copy_from_slice(&[0x00, 0x02, 0x00, 0x00, 0, 0, 0, 1]);
//! block[32..34].copy_from_slice(&[0x00, 0x20]);
//! let Answer::Set(request) = responder.answer(LogicalProcessor::PCI, &mut block) else { panic!() };
//! assert_eq!((request.slot(), request.action()), (0, SetAction::Enable));
//! let enabled = FunctionHandle(0x8002_0000);
//! if let Some(function) = &mut functions[request.slot()] {
//!     function.handle = enabled;
//! }
//! let done = request.confirm(enabled)?;
//! assert_eq!((done.condition, done.written()), (ConditionCode::Zero, 32..64));
//! assert_eq!(block[32..36], [0x00, 0x20, 0x00, 0x10]);
//! assert_eq!(block[48..52], [0x80, 0x02, 0x00, 0x00]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod buffer;
mod emulated;
mod groups;
mod guest_function;
mod guest_group;
mod list;
mod list_writer;
mod passthrough;
mod rules;
mod set;
mod set_request;
mod virtualization;

pub use answer::{Answer, Done, ImmediateAnswer};
pub use emulated::Emulated;
pub use groups::{Groups, GroupsError};
pub use guest_function::GuestFunction;
pub use guest_group::GuestGroup;
pub use list_writer::ListWriter;
pub use passthrough::{Passthrough, PassthroughError, Place};
pub use rules::Rules;
pub use set_request::{ConfirmError, SetAction, SetRefusal, SetRequest};
pub use virtualization::{GuestTranslation, Virtualization};

use crate::code::{CommandCode, ConditionCode, LogicalProcessor, ResponseCode};
use crate::header::RequestHeader;
use crate::id::FunctionHandle;
use crate::message::{Parts, RequestError};
use crate::value::ListSummary;
use crate::wire::immediate::InstalledProcessors;
use crate::wire::{immediate, query_pci_fn, query_pci_fngrp, slpc};
use buffer::Buffer;
use set_request::Change;
use zerocopy::FromBytes;

/// What the guest may know, and by which rules it is answered.
///
/// It borrows the values as they are at one moment; make one for each intercepted instruction.
#[derive(Clone, Copy, Debug)]
pub struct Responder<'a> {
    /// The functions, each in a slot that it keeps as long as the guest has it; `None` is an empty slot.
    ///
    /// The slot is the resume token of a list. A list that comes in several responses neither repeats nor leaves out a
    /// function that stays in its slot, whatever is plugged and unplugged meanwhile. Handles are all different.
    pub functions: &'a [Option<GuestFunction>],
    /// The groups, in any order: [`Groups::as_slice`].
    pub groups: &'a [Option<GuestGroup>],
    /// What a list says beyond its entries; where `uid_checking` is set the VMM makes sure that the UIDs differ.
    pub summary: ListSummary,
    /// The answer to SLPC, [`Characteristics::encode`](crate::Characteristics::encode); without it, and always as
    /// [`Rules::QEMU`], the command is unknown.
    pub characteristics: Option<slpc::Response>,
    /// How details are answered that differ between machines.
    pub rules: Rules,
}

impl Responder<'_> {
    /// Answers one CLP instruction of the guest, in the form with a block.
    ///
    /// `block` is a copy of guest storage from the address in R2 on: 8192 bytes, or as many as there are; a request or a
    /// capacity that goes on behind it is an operand exception. At most the capacity that the guest offers is written, and
    /// the answer says which bytes of it were.
    ///
    /// As [`Rules::HARDWARE`] there is the PCI processor alone, and for any other the condition code is 3. QEMU
    /// does not look at the processor (measured).
    pub fn answer<'b>(&self, processor: LogicalProcessor, block: &'b mut [u8]) -> Answer<'b> {
        if self.rules.only_pci_processor && processor != LogicalProcessor::PCI {
            return Answer::Done(Done::unwritten(ConditionCode::Three));
        }
        let Ok(Parts { request, response }) = Parts::split(block) else {
            return Answer::OperandException;
        };
        let mut buffer = Buffer::new(response, request.len(), self.rules);
        let refusal = match self.carry_out(request, &mut buffer) {
            Ok(None) => return Answer::Done(buffer.done(ConditionCode::Zero)),
            Ok(Some(change)) => return Answer::Set(SetRequest::new(change, buffer)),
            Err(refusal) => refusal,
        };
        buffer.refuse(refusal.code);
        Answer::Done(buffer.done(refusal.condition))
    }

    /// Answers one CLP instruction of the guest, in the form without a block: `command` is the value in R2.
    ///
    /// As [`Rules::HARDWARE`] the one command there is says that the PCI processor is installed, and for any other
    /// the condition code is 3. QEMU takes the value for an address, where the command 1 is an operand exception
    /// (measured).
    pub const fn immediate(&self, command: u64) -> ImmediateAnswer {
        match command {
            _ if !self.rules.has_immediate => ImmediateAnswer::OperandException,
            immediate::INSTALLED_PROCESSORS => {
                ImmediateAnswer::Installed(InstalledProcessors((1 << 63) >> LogicalProcessor::PCI.0))
            }
            _ => ImmediateAnswer::Condition(ConditionCode::Three),
        }
    }

    /// Carries out one command, as far as that is possible without the VMM.
    fn carry_out(&self, request: &[u8], buffer: &mut Buffer<'_>) -> Result<Option<Change>, Refusal> {
        self.rules.check_length(request)?;
        let (header, _) = RequestHeader::read_from_prefix(request).map_err(|_| ResponseCode::LENGTH)?;
        match header.command() {
            CommandCode::LIST_PCI => self.list(request, buffer)?,
            CommandCode::QUERY_PCI_FN => self.query_function(request, buffer)?,
            CommandCode::QUERY_PCI_FNGRP => self.query_function_group(request, buffer)?,
            CommandCode::SET_PCI_FN => return self.set(request, buffer).map(Some),
            CommandCode::STORE_CHARACTERISTICS => self.store_characteristics(request, buffer)?,
            _ => return Err(ResponseCode::COMMAND.into()),
        }
        Ok(None)
    }

    fn query_function(&self, request: &[u8], buffer: &mut Buffer<'_>) -> Result<(), Refusal> {
        let request: query_pci_fn::Request = self.rules.parse(request)?;
        let (_, function) = self.find(FunctionHandle(request.handle.get())).ok_or(ResponseCode::FUNCTION_HANDLE)?;
        let mut response = *function.response();
        self.rules.order_bars(&mut response);
        buffer.store(response)
    }

    fn query_function_group(&self, request: &[u8], buffer: &mut Buffer<'_>) -> Result<(), Refusal> {
        let request: query_pci_fngrp::Request = self.rules.parse(request)?;
        let group = self.groups.iter().flatten().find(|group| group.id().0 == request.group_id);
        buffer.store(*group.ok_or(ResponseCode::FUNCTION_GROUP)?.response())
    }

    fn store_characteristics(&self, request: &[u8], buffer: &mut Buffer<'_>) -> Result<(), Refusal> {
        match self.characteristics {
            Some(response) if self.rules.has_characteristics => {
                let _: slpc::Request = self.rules.parse(request)?;
                buffer.emit(&response)
            }
            _ => Err(ResponseCode::COMMAND.into()),
        }
    }

    /// The function with exactly this handle, and its slot.
    fn find(&self, handle: FunctionHandle) -> Option<(usize, &GuestFunction)> {
        self.functions_from(0).find(|(_, function)| function.handle == handle)
    }

    /// The functions in `first` and the slots behind it, in ascending order.
    fn functions_from(&self, first: usize) -> impl Iterator<Item = (usize, &GuestFunction)> {
        let slots = self.functions.iter().enumerate().skip(first);
        slots.filter_map(|(slot, function)| Some((slot, function.as_ref()?)))
    }
}

/// The answer to a bad request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Refusal {
    condition: ConditionCode,
    code: ResponseCode,
}

impl From<ResponseCode> for Refusal {
    fn from(code: ResponseCode) -> Self {
        Self { condition: ConditionCode::Zero, code }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        error.response_code().into()
    }
}
