// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Lists, queries and enables the functions of a machine.
//!
//! The machine is a fake that a [`Responder`] answers for. On s390x [`Clp::call`] is the instruction itself, as in
//! `zpci-machine`; all that is done with it is the same.

use std::cell::RefCell;

use clp::responder::{Answer, Emulated, Groups, GuestFunction, GuestTranslation, ImmediateAnswer, Responder};
use clp::responder::{Rules, SetAction, Virtualization};
use clp::{
    Block, Client, Clp, Command, ConditionCode, DesignationTypes, Enable, FunctionHandle, FunctionId,
    InstalledProcessors, LogicalProcessor, Uid,
};

struct Machine {
    functions: RefCell<Vec<Option<GuestFunction>>>,
    groups: Groups<1>,
}

impl Machine {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let roots = DesignationTypes(0x40);
        let virtualization = Virtualization {
            translation: GuestTranslation::Shadowed { roots, relaxed_translation: false },
            max_store_block: 128,
        };
        let mut groups = Groups::new();
        groups.add(Emulated::GROUP_ID, &Emulated::GROUP, &virtualization)?;
        let disk = Emulated::new(0x1b36, 0x0010, FunctionId(0x101), Uid(1)).bar(0, 14);
        let network = Emulated::new(0x1af4, 0x1041, FunctionId(0x102), Uid(2)).bar(4, 14);
        let functions =
            [disk.finish(FunctionHandle(0x0002_0000))?, network.finish(FunctionHandle(0x0002_0001))?].map(Some);
        Ok(Self { functions: RefCell::new(functions.into()), groups })
    }

    fn responder<'a>(&'a self, functions: &'a [Option<GuestFunction>]) -> Responder<'a> {
        Responder {
            functions,
            groups: self.groups.as_slice(),
            summary: Rules::QEMU_SUMMARY,
            characteristics: None,
            rules: Rules::HARDWARE,
        }
    }
}

impl Clp for Machine {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        let functions = self.functions.borrow().clone();
        match self.responder(&functions).answer(processor, command.bytes_mut()) {
            Answer::Done(done) => done.condition,
            Answer::OperandException => ConditionCode::Three,
            Answer::Set(request) => {
                let mut functions = self.functions.borrow_mut();
                let Some(function) = functions.get_mut(request.slot()).and_then(Option::as_mut) else {
                    return request.busy().condition;
                };
                match request.action() {
                    SetAction::Enable => function.handle.0 |= FunctionHandle::ENABLED,
                    _ => function.handle.0 &= !FunctionHandle::ENABLED,
                }
                request.confirm(function.handle).map_or_else(|error| error.done.condition, |done| done.condition)
            }
        }
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        match self.responder(&[]).immediate(command) {
            ImmediateAnswer::Installed(InstalledProcessors(mask)) => Ok(mask),
            ImmediateAnswer::Condition(condition) => Err(condition),
            ImmediateAnswer::OperandException => Err(ConditionCode::Three),
        }
    }

    fn pause(&self, busy: u32) -> bool {
        busy < 100
    }
}

// ANCHOR: main
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let machine = Machine::new()?;
    let mut block = Block::zeroed();
    let mut client = Client::new(&machine, &mut block);

    let entries = client.list().collect::<Result<Vec<_>, _>>()?;
    for entry in &entries {
        let function = client.query_listed(entry.id, entry.handle)?;
        let group = client.query_function_group(function.group)?;
        println!(
            "{} {:04x}:{:04x} {:?}, UID {}, up to {} interrupts",
            entry.id,
            entry.vendor,
            entry.device,
            entry.state(),
            function.uid,
            group.max_interrupts
        );
    }
    let enabled = client.enable(entries[0].handle, Enable::default())?;
    println!("enabled: {} became {}", entries[0].handle, enabled.handle);
    println!("the old handle: {}", client.query_function(entries[0].handle).err().ok_or("it still works")?);
    client.disable(enabled.handle)?;
    println!("afterwards: {:?}", client.state(entries[0].id)?);
    Ok(())
}
// ANCHOR_END: main
