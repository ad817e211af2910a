// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The zPCI instructions of a kernel, as its image has them.

use std::fs;

use anyhow::{ensure, Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};

use super::kernel::Kernel;

/// An instruction of a kernel, where it will run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Instruction {
    pub(crate) address: u64,
    pub(crate) operands: Operands,
}

/// The instruction, and which general registers have its operands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operands {
    /// CALL LOGICAL PROCESSOR with a block.
    Clp { block: u32 },
    /// MODIFY PCI FUNCTION CONTROLS; the address of the FIB is what `base` has and the displacement.
    Mpcifc { request: u32, base: u32, displacement: i32 },
    /// REFRESH PCI TRANSLATIONS.
    Rpcit { function: u32 },
}

/// The functions of our kernel and of the stock one that have MPCIFC.
const HOLDERS: [&str; 2] = ["zpci_rust_mpcifc", "zpci_mod_fc"];

/// What the functions that may have RPCIT begin with: our kernel has it wherever a refresh begins.
const REFRESHERS: &str = "zpci_";

impl Instruction {
    /// Every CLP of `kernel`, and every MPCIFC and RPCIT of the functions that may have some.
    ///
    /// What merely looks like a CLP, being part of another instruction, does no harm: the guest never stands before it.
    ///
    /// # Errors
    ///
    /// There is no kernel, or none that has a CLP.
    pub(crate) fn of_kernel(kernel: &Kernel) -> Result<Vec<Self>> {
        let (path, offset) = (kernel.executable(), kernel.offset()?);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(bytes.as_slice()).with_context(|| format!("{}", path.display()))?;
        let mut instructions = Vec::new();
        for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
            let (start, data) = (section.address(), section.data()?);
            instructions.extend(Self::of_text(offset.wrapping_add(start), data, Operands::clp));
            for symbol in file.symbols().filter(|symbol| symbol.section_index() == Some(section.index())) {
                let text = symbol.address().checked_sub(start).and_then(|at| {
                    let at = usize::try_from(at).ok()?;
                    data.get(at..at.checked_add(usize::try_from(symbol.size()).ok()?)?)
                });
                if let (Ok(name), Some(text)) = (symbol.name(), text) {
                    let address = offset.wrapping_add(symbol.address());
                    if HOLDERS.contains(&name) {
                        instructions.extend(Self::of_text(address, text, Operands::mpcifc));
                    }
                    if name.starts_with(REFRESHERS) {
                        instructions.extend(Self::of_text(address, text, Operands::rpcit));
                    }
                }
            }
        }
        ensure!(!instructions.is_empty(), "there is no CLP in {}", path.display());
        Ok(instructions)
    }

    /// What is at `address`.
    pub(crate) fn at(instructions: &[Self], address: u64) -> Option<Operands> {
        instructions.iter().find(|instruction| instruction.address == address).map(|instruction| instruction.operands)
    }

    /// Every instruction that `decode` knows in `text`, which starts at `address`.
    fn of_text(address: u64, text: &[u8], decode: fn(&[u8]) -> Option<Operands>) -> impl Iterator<Item = Self> + '_ {
        (0..text.len()).step_by(2).filter_map(move |at| {
            let operands = decode(text.get(at..)?)?;
            Some(Self { address: address + at as u64, operands })
        })
    }
}

impl Operands {
    fn clp(text: &[u8]) -> Option<Self> {
        match *text {
            // The third byte says that there is a block, and whose command it is: the machine's or that of its PCI.
            [0xb9, 0xa0, 0x00 | 0x02, registers, ..] => Some(Self::Clp { block: u32::from(registers & 0xf) }),
            _ => None,
        }
    }

    fn mpcifc(text: &[u8]) -> Option<Self> {
        match *text {
            [0xe3, registers, high, low, top, 0xd0, ..] => Some(Self::Mpcifc {
                request: u32::from(registers >> 4),
                base: u32::from(high >> 4),
                displacement: i32::from(top as i8) << 12 | i32::from(high & 0xf) << 8 | i32::from(low),
            }),
            _ => None,
        }
    }

    fn rpcit(text: &[u8]) -> Option<Self> {
        match *text {
            [0xb9, 0xd3, 0x00, registers, ..] => Some(Self::Rpcit { function: u32::from(registers >> 4) }),
            _ => None,
        }
    }

    /// The length of the instruction in bytes.
    pub(crate) const fn length(self) -> u64 {
        match self {
            Self::Mpcifc { .. } => 6,
            Self::Clp { .. } | Self::Rpcit { .. } => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_with_a_block_are_found_at_even_addresses() {
        let text = [0xb9, 0xa0, 0x02, 0x13, 0x07, 0xb9, 0xa0, 0x00, 0xb9, 0xa0, 0x80, 0x42, 0xb9, 0xa0, 0x00, 0x15];
        let found: Vec<_> = Instruction::of_text(0x1000, &text, Operands::clp).collect();
        let clp = |address, block| Instruction { address, operands: Operands::Clp { block } };
        assert_eq!(found, [clp(0x1000, 3), clp(0x100c, 5)]);
    }

    #[test]
    fn instructions_for_a_function_are_told_apart() {
        let text = [0xe3, 0x40, 0x51, 0x08, 0xff, 0xd0, 0xb9, 0xd3, 0x00, 0x28, 0xe3, 0x40, 0x50, 0x00, 0x00, 0x04];
        let found = |decode| Instruction::of_text(0x2000, &text, decode).collect::<Vec<_>>();
        let instruction = |address, operands| Instruction { address, operands };
        let mpcifc = Operands::Mpcifc { request: 4, base: 5, displacement: 0x108 - 0x1000 };
        assert_eq!(found(Operands::mpcifc), [instruction(0x2000, mpcifc)]);
        assert_eq!(found(Operands::rpcit), [instruction(0x2006, Operands::Rpcit { function: 2 })]);
    }
}
