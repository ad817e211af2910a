// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The life of a function's translation: what it takes, registered, told of changes, ended.
//!
//! The machine is one that writes down what it is asked. On s390x [`Zpci`] is the instructions, as in `zpci-machine`.

mod heap;

use std::cell::RefCell;

use clp::{responder::Emulated, FunctionHandle, FunctionId, Uid};
use heap::Heap;
use s390_iommu::{
    mapped_to_all, unmapped_from_all, AbsoluteAddress, Attachment, Fib, FrameSizes, FunctionControl, Instruction,
    IovaRange, Limits, OneThread, Outcome, Protection, TranslationTable, Zpci,
};

#[derive(Default)]
struct Machine(RefCell<Vec<String>>);

impl Zpci for Machine {
    unsafe fn mpcifc(&self, function: FunctionHandle, control: FunctionControl, fib: &Fib) -> Outcome {
        let what = match control {
            FunctionControl::REGISTER_IOAT => {
                format!("register {:#x}..={:#x}", fib.first.get(), fib.last.get())
            }
            FunctionControl::DEREGISTER_IOAT => "deregister".to_owned(),
            other => format!("operation {}", other.0),
        };
        self.0.borrow_mut().push(format!("MPCIFC {function} {what}"));
        Outcome::DONE
    }

    fn rpcit(&self, function: FunctionHandle, range: IovaRange) -> Outcome {
        self.0.borrow_mut().push(format!("RPCIT  {function} {range}"));
        Outcome::DONE
    }

    fn pause(&self, _: Instruction, busy: u32) -> bool {
        busy < 1000
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let machine = Machine::default();
    let handle = FunctionHandle(0x8002_0000);

    // What CLP says of the function and its group: here of one as QEMU has them.
    let function = *Emulated::new(0x1b36, 0x0010, FunctionId(1), Uid(1)).values();
    let limits = Limits::new(&function, &Emulated::GROUP).ok_or("no whole page to address")?;

    // 1 GiB of the window, and the shallowest root that reaches it.
    let bytes = 1 << 30;
    let plan = limits.plan(bytes).ok_or("no root reaches the window")?;
    println!("{:?} for {}", plan.root, plan.aperture);
    let table = TranslationTable::new(plan.root, FrameSizes::SMALL, Heap).ok_or("no storage")?;
    let attachment = Attachment::to_table(&limits, bytes, &table, OneThread::new())?;

    // SAFETY: the limits are those of the function, the table is dropped after `detach`, and what is mapped below is
    // storage of nobody: there is no device.
    unsafe { attachment.attach(&machine, handle) }?;

    let page = IovaRange::page(plan.aperture.start());
    let change = table.map(page, AbsoluteAddress::new(0x5_0000), Protection::ReadWrite)?;
    mapped_to_all(change, &machine, [&attachment])?;
    let unmapped = table.unmap(page)?;
    unmapped_from_all(unmapped.change, &machine, [&attachment])?;

    attachment.detach(&machine, handle)?;
    machine.0.borrow().iter().for_each(|line| println!("{line}"));
    Ok(())
}
