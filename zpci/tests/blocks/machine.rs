// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A machine that is asked, and what it answers.

use clp::{Clp, Command, ConditionCode, FunctionHandle, LogicalProcessor};
use zpci::blocks::{inquire, Exchange};
use zpci_tests::fake::{Configuration, Fake, FunctionConfiguration};

/// EBCDIC of PRODNET and a blank.
pub(crate) const PRODNET: [u8; 8] = [0xd7, 0xd9, 0xd6, 0xc4, 0xd5, 0xc5, 0xe3, 0x40];

/// A machine whose response to a command with this code is changed: `change` is handed it, up to the end of the block.
pub(crate) struct Changed<'a> {
    pub(crate) machine: &'a Fake,
    pub(crate) command: u16,
    pub(crate) change: &'a dyn Fn(&mut [u8]),
    /// The condition code of the command.
    pub(crate) condition: ConditionCode,
}

impl<'a> Changed<'a> {
    pub(crate) fn new(machine: &'a Fake, command: u16, change: &'a dyn Fn(&mut [u8])) -> Self {
        Self { machine, command, change, condition: ConditionCode::Zero }
    }
}

impl Clp for Changed<'_> {
    fn call(&self, processor: LogicalProcessor, command: &mut Command<'_>) -> ConditionCode {
        if command.request()[2..4] != self.command.to_be_bytes() {
            return self.machine.call(processor, command);
        }
        if self.condition != ConditionCode::Zero {
            return self.condition;
        }
        let condition = self.machine.call(processor, command);
        let start = command.request_length();
        (self.change)(&mut command.bytes_mut()[start..]);
        condition
    }

    fn immediate(&self, command: u64) -> Result<u64, ConditionCode> {
        self.machine.immediate(command)
    }

    fn pause(&self, busy: u32) -> bool {
        self.machine.pause(busy)
    }
}

/// Two functions in one group, as hardware answers; handles 0x00020000 and 0x00020001.
pub(crate) fn two() -> Fake {
    let mut configuration = Configuration::hardware(true);
    let mut name = [0x40; 64];
    name[..8].copy_from_slice(&PRODNET);
    configuration.functions = vec![
        FunctionConfiguration {
            fid: 0x0000_04d2,
            uid: 0x0a1b,
            pchid: 0x01c3,
            utility_string: Some(name),
            mio: true,
            ..configuration.functions[0].clone()
        },
        FunctionConfiguration {
            fid: 0x0000_04d3,
            uid: 0x0a1c,
            pchid: 0x01c3,
            vfn: 2,
            pfip: [1, 2, 3, 5],
            utility_string: Some(name),
            ..configuration.functions[0].clone()
        },
    ];
    Fake::new(configuration)
}

pub(crate) fn exchanges(machine: &impl Clp) -> Vec<Exchange> {
    exchanges_with(machine, &[])
}

pub(crate) fn exchanges_with(machine: &impl Clp, known: &[FunctionHandle]) -> Vec<Exchange> {
    let mut all = Vec::new();
    let taken: Result<(), ()> = inquire(
        machine,
        || None,
        known,
        |exchange| {
            all.push(exchange);
            Ok(())
        },
    );
    assert_eq!(taken, Ok(()));
    all
}
