// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Rewrites the compiler's assembly for a kernel with expolines: every branch to an address in a register, returns
//! included, becomes one to a thunk of the kernel's, in which the processor does not speculate.
//!
//! Each such branch is in a table, by which the kernel takes the thunks out again where it is told to do without
//! (`nospec_revert()`, `arch/s390/kernel/nospec-branch.c`). It understands BRCL and BRASL; the sections are those that gcc
//! makes with `-mindirect-branch-table`.

use anyhow::{bail, Context, Result};

/// What a thunk is called before the number of its register.
pub(crate) const THUNK: &str = "__s390_indirect_jump_r";

/// The sections with the tables, as the kernel's linker script gathers them.
pub(crate) const TABLES: [&str; 3] = [RETURNS, JUMPS, CALLS];

const RETURNS: &str = ".s390_return_reg";
const JUMPS: &str = ".s390_indirect_jump";
const CALLS: &str = ".s390_indirect_call";

/// Register 14, with the address to return to.
const RETURN: u8 = 14;

/// Conditions of a branch as assemblers write them.
const CONDITIONS: [&str; 20] = [
    "o", "h", "nle", "l", "nhe", "lh", "ne", "e", "nlh", "he", "nl", "le", "nh", "no", "z", "nz", "p", "np", "m", "nm",
];

/// Instructions that compare and branch to an address in a register, without their condition; with a `j` for the `b`
/// they jump to a label.
const COMPARISONS: [&str; 8] = ["crb", "cgrb", "clrb", "clgrb", "cib", "cgib", "clib", "clgib"];

/// Conditions of a comparison, and the opposites.
const OPPOSITES: [(&str, &str); 12] = [
    ("h", "nh"),
    ("l", "nl"),
    ("e", "ne"),
    ("nh", "h"),
    ("nl", "l"),
    ("ne", "e"),
    ("he", "nhe"),
    ("le", "nle"),
    ("lh", "nlh"),
    ("nhe", "he"),
    ("nle", "le"),
    ("nlh", "lh"),
];

/// Further instructions that branch to an address in a register or in storage, and are not expected.
const UNEXPECTED: [&str; 13] =
    ["balr", "bassm", "bsm", "bctr", "bctgr", "bakr", "bal", "bas", "bct", "bctg", "bxh", "bxle", "bi"];

/// Rewrites `assembly` and returns it with the number of branches that were rewritten.
///
/// # Errors
///
/// It has a branch to an address in a register or in storage that is not understood.
pub(crate) fn convert(assembly: &str) -> Result<(String, usize)> {
    let mut output = String::with_capacity(assembly.len().saturating_mul(2));
    let mut count = 0;
    for (number, line) in assembly.lines().enumerate() {
        match branch(line).with_context(|| format!("line {}: {}", number + 1, line.trim()))? {
            None => output.push_str(line),
            Some(Branch { skip, jump, register, table }) => {
                // Of a branch that is conditional by a comparison.
                if let Some(skip) = &skip {
                    output.push_str(&format!("\t{skip},.Lexpoline_not{count}\n"));
                }
                output.push_str(&format!(
                    ".Lexpoline{count}:\n\t{jump}{THUNK}{register}\n\
                     \t.pushsection {table},\"a\",@progbits\n\t.balign 4\n\t.long .Lexpoline{count}-.\n\t.popsection"
                ));
                if skip.is_some() {
                    output.push_str(&format!("\n.Lexpoline_not{count}:"));
                }
                count += 1;
            }
        }
        output.push('\n');
    }
    Ok((output, count))
}

/// What takes the place of a branch.
struct Branch {
    /// A comparison by which the jump is passed over, up to the label behind it.
    skip: Option<String>,
    /// The jump, up to its operand.
    jump: String,
    /// The register with the address.
    register: u8,
    /// The section with the entry.
    table: &'static str,
}

/// Reads a line of assembly; `None` if it has no branch to an address in a register.
fn branch(line: &str) -> Result<Option<Branch>> {
    let mut words = line.split_whitespace();
    let (Some(mnemonic), Some(operands)) = (words.next(), words.next()) else { return Ok(None) };
    let operands: String = operands.chars().chain(words.flat_map(str::chars)).collect();
    let simple = |jump: String, register: u8| {
        let table = if register == RETURN { RETURNS } else { JUMPS };
        Some(Branch { skip: None, jump, register, table })
    };
    // A branch by register 0 goes nowhere: it makes a processor wait for its stores.
    Ok(match mnemonic {
        "br" => match register(&operands)? {
            0 => None,
            number => simple("jg\t".to_owned(), number),
        },
        "bcr" => {
            let (mask, target) = operands.split_once(',').context("operands that are not understood")?;
            match register(target)? {
                0 => None,
                number => simple(format!("brcl\t{mask},"), number),
            }
        }
        "basr" => {
            let (link, target) = operands.split_once(',').context("operands that are not understood")?;
            match register(target)? {
                0 => None,
                number => {
                    let branch = simple(format!("brasl\t{link},"), number);
                    branch.map(|branch| Branch { table: CALLS, ..branch })
                }
            }
        }
        _ if UNEXPECTED.contains(&mnemonic) => bail!("a branch that is not understood"),
        _ => match (condition(mnemonic), comparison(mnemonic)) {
            (Some(condition), _) => match register(&operands)? {
                0 => None,
                number => simple(format!("jg{condition}\t"), number),
            },
            (_, Some((jump, opposite))) => {
                let (compared, target) = operands.rsplit_once(',').context("operands that are not understood")?;
                let target = target.strip_prefix("0(").and_then(|target| target.strip_suffix(')'));
                let number = register(target.context("a branch behind the address in a register")?)?;
                let branch = simple("jg\t".to_owned(), number);
                branch.map(|branch| Branch { skip: Some(format!("{jump}{opposite}\t{compared}")), ..branch })
            }
            _ => None,
        },
    })
}

/// The condition of `b<condition>r`.
fn condition(mnemonic: &str) -> Option<&str> {
    let condition = mnemonic.strip_prefix('b')?.strip_suffix('r')?;
    CONDITIONS.contains(&condition).then_some(condition)
}

/// What jumps to a label after the comparison of `mnemonic`, and on which opposite condition.
fn comparison(mnemonic: &str) -> Option<(String, &'static str)> {
    COMPARISONS.iter().find_map(|name| {
        let condition = mnemonic.strip_prefix(name)?;
        let (_, opposite) = OPPOSITES.iter().find(|(it, _)| *it == condition)?;
        Some((format!("{}j", name.strip_suffix('b')?), *opposite))
    })
}

fn register(operand: &str) -> Result<u8> {
    let number = operand.strip_prefix("%r").and_then(|number| number.parse().ok());
    number.filter(|number| *number < 16).context("operands that are not understood")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(line: &str) -> String {
        let (text, count) = convert(line).unwrap();
        assert_eq!(count, 1);
        let (jump, rest) = text.split_once("\t.pushsection ").unwrap();
        let (table, rest) = rest.split_once(',').unwrap();
        let rest = rest.strip_prefix("\"a\",@progbits\n\t.balign 4\n\t.long .Lexpoline0-.\n\t.popsection").unwrap();
        format!("{jump}{table}{rest}")
    }

    #[test]
    fn branches_go_to_thunks() {
        let thunk = "__s390_indirect_jump_r";
        for (line, expected) in [
            ("\tbr\t%r14", format!(".Lexpoline0:\n\tjg\t{thunk}14\n.s390_return_reg\n")),
            ("\tbr\t%r1", format!(".Lexpoline0:\n\tjg\t{thunk}1\n.s390_indirect_jump\n")),
            ("\tbner\t%r14", format!(".Lexpoline0:\n\tjgne\t{thunk}14\n.s390_return_reg\n")),
            ("\tbcr\t5, %r14", format!(".Lexpoline0:\n\tbrcl\t5,{thunk}14\n.s390_return_reg\n")),
            ("\tbasr\t%r14, %r3", format!(".Lexpoline0:\n\tbrasl\t%r14,{thunk}3\n.s390_indirect_call\n")),
            (
                "\tcgibe\t%r2, 0, 0(%r14)",
                format!(
                    "\tcgijne\t%r2,0,.Lexpoline_not0\n.Lexpoline0:\n\tjg\t{thunk}14\n.s390_return_reg\n.Lexpoline_not0:\n"
                ),
            ),
            (
                "\tclgrbhe\t%r2, %r3, 0(%r14)",
                format!(
                    "\tclgrjnhe\t%r2,%r3,.Lexpoline_not0\n.Lexpoline0:\n\tjg\t{thunk}14\n.s390_return_reg\n.Lexpoline_not0:\n"
                ),
            ),
        ] {
            assert_eq!(converted(line), expected, "{line}");
        }
    }

    #[test]
    fn everything_else_stays() {
        let text =
            "name:\n\tbcr\t14, %r0\n\tbr\t%r0\n\tbrasl\t%r14, other@PLT\n\tj\t.LBB0_1\n\tcgijlh\t%r2, 0, .LBB0_2\n\
                    \tbrctg\t%r1, .LBB0_3\n\tlgr\t%r2, %r3\n\t.long\t5\n";
        assert_eq!(convert(text).unwrap(), (text.to_owned(), 0));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in ["\tbsm\t%r0, %r1", "\tbctgr\t%r1, %r2", "\tcrbe\t%r1, %r2, 4(%r14)", "\tbr\tname", "\tbi\t0(%r1)"]
        {
            let error = format!("{:#}", convert(line).unwrap_err());
            assert!(error.starts_with("line 1: "), "{error}");
        }
    }

    /// Each branch has an entry of its own.
    #[test]
    fn branches_are_counted() {
        let (text, count) = convert("\tbr\t%r14\n\tcrbe\t%r1, %r2, 0(%r14)\n\tbr\t%r14\n").unwrap();
        assert_eq!(count, 3);
        for label in [".Lexpoline0:", ".Lexpoline1:", ".Lexpoline2:", ".Lexpoline_not1:"] {
            assert_eq!(text.matches(label).count(), 1, "{text}");
        }
        assert!(text.contains("\tcrjne\t%r1,%r2,.Lexpoline_not1\n"));
    }
}
