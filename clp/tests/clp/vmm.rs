// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A VMM that runs the responder for one guest: the machine that the guest's client talks to.

use clp::responder::{
    Answer, Done, Groups, GuestFunction, GuestTranslation, ImmediateAnswer, Responder, Rules, SetAction, SetRefusal,
    SetRequest, Virtualization,
};
use clp::{
    slpc, Bar, Clp, Command, ConditionCode, DesignationTypes, Function, FunctionGroup, FunctionGroupId, FunctionHandle,
    FunctionId, FunctionType, InstalledProcessors, ListSummary, LogicalProcessor, Uid,
};
use std::cell::{Cell, RefCell};

/// How an instruction ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Condition(ConditionCode),
    OperandException,
}

pub(crate) struct Vmm {
    pub(crate) functions: RefCell<Vec<Option<GuestFunction>>>,
    pub(crate) groups: Groups<8>,
    pub(crate) summary: ListSummary,
    pub(crate) characteristics: Option<slpc::Response>,
    pub(crate) rules: Rules,
    /// Every action so far, with its slot.
    pub(crate) actions: RefCell<Vec<(usize, SetAction)>>,
    /// What the next actions are refused with.
    pub(crate) refusals: RefCell<Vec<SetRefusal>>,
    /// Commands so far.
    pub(crate) calls: Cell<usize>,
    /// Busy answers at which the guest gives up.
    pub(crate) patience: Cell<u32>,
    /// A slot that is emptied after that many commands.
    pub(crate) unplug: Cell<Option<(usize, usize)>>,
}

impl Vmm {
    pub(crate) fn new(rules: Rules, functions: Vec<Option<GuestFunction>>, groups: Groups<8>) -> Self {
        Self {
            functions: RefCell::new(functions),
            groups,
            summary: Rules::QEMU_SUMMARY,
            characteristics: None,
            rules,
            actions: RefCell::default(),
            refusals: RefCell::default(),
            calls: Cell::new(0),
            patience: Cell::new(1),
            unplug: Cell::new(None),
        }
    }

    /// Executes one instruction of the guest.
    pub(crate) fn execute(&self, processor: LogicalProcessor, block: &mut [u8]) -> End {
        self.calls.set(self.calls.get() + 1);
        let functions = self.functions.borrow();
        let answer = self.responder(&functions).answer(processor, block);
        drop(functions);
        let end = match answer {
            Answer::Done(done) => End::Condition(done.condition),
            Answer::OperandException => End::OperandException,
            Answer::Set(request) => End::Condition(self.set(request).condition),
        };
        if let Some((_, slot)) = self.unplug.get().filter(|&(calls, _)| calls == self.calls.get()) {
            self.functions.borrow_mut()[slot] = None;
        }
        end
    }

    fn responder<'a>(&'a self, functions: &'a [Option<GuestFunction>]) -> Responder<'a> {
        Responder {
            functions,
            groups: self.groups.as_slice(),
            summary: self.summary,
            characteristics: self.characteristics,
            rules: self.rules,
        }
    }

    fn set(&self, request: SetRequest<'_>) -> Done {
        self.actions.borrow_mut().push((request.slot(), request.action()));
        if let Some(refusal) = self.refusals.borrow_mut().pop() {
            return request.refuse(refusal);
        }
        let mut functions = self.functions.borrow_mut();
        let function = functions[request.slot()].as_mut().unwrap();
        match request.action() {
            SetAction::Enable => function.handle.0 |= 0x8000_0000,
            SetAction::Disable => function.handle.0 &= 0x7fff_ffff,
            SetAction::EnableMio | SetAction::DisableMio => {}
        }
        request.confirm(function.handle).unwrap()
    }
}

impl Clp for Vmm {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        match self.execute(processor, command.bytes_mut()) {
            End::Condition(condition) => condition,
            End::OperandException => ConditionCode::Three,
        }
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        match self.responder(&self.functions.borrow()).immediate(command) {
            ImmediateAnswer::Installed(InstalledProcessors(mask)) => Ok(mask),
            ImmediateAnswer::Condition(condition) => Err(condition),
            ImmediateAnswer::OperandException => Err(ConditionCode::Three),
        }
    }

    fn pause(&self, busy: u32) -> bool {
        busy < self.patience.get()
    }
}

/// A function that QEMU emulates; BARs by their register and size as a power of two.
pub(crate) fn emulated(id: u32, uid: u32, bars: [(u32, u8); 6]) -> Function {
    Function {
        id: FunctionId(id),
        uid: Uid(uid),
        group: FunctionGroupId(0xff),
        function_type: FunctionType(0),
        is_physical: false,
        vfn: 0,
        pchid: 0,
        port: 0,
        internal_path: [0; 4],
        fidparm: 0,
        rid: None,
        tid: None,
        bars: bars.map(|(register, size_log2)| Bar::new(register.to_le_bytes(), size_log2).unwrap()),
        mio: None,
        start_dma: 0x0000_0001_0000_0000,
        end_dma: 0x01ff_ffff_ffff_ffff,
        fmb_length: 0,
        utility_string: None,
    }
}

pub(crate) const NO_BARS: [(u32, u8); 6] = [(0, 0); 6];

/// The group of the functions that QEMU emulates, 0xff.
pub(crate) const EMULATED_GROUP: FunctionGroup = FunctionGroup {
    max_interrupts: 128,
    max_directed_interrupts: 0,
    max_cpu: 0,
    version: 0,
    relaxed_translation: false,
    frame: false,
    refresh: true,
    designation_types: DesignationTypes(0x40),
    max_store_block: 128,
    measurement_interval_ms: 4000,
    maxfaal: 0,
    dasm: 0,
    msi_address: 0xfe00_0000_0000_0000,
};

/// A VMM that passes everything on.
pub(crate) const NESTED: Virtualization =
    Virtualization { translation: GuestTranslation::Nested, max_store_block: 0x1fff };

/// What a guest of such a VMM is told of a group.
pub(crate) const fn nested(group: FunctionGroup) -> FunctionGroup {
    FunctionGroup { max_directed_interrupts: 0, max_cpu: 0, ..group }
}

/// A guest function with the handle of its slot, disabled.
pub(crate) fn in_slot(slot: u32, vendor: u16, device: u16, function: &Function) -> Option<GuestFunction> {
    Some(GuestFunction::new(vendor, device, FunctionHandle(0x0002_0000 + slot), function).unwrap())
}
