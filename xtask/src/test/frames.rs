// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Whether a kernel finds the callers of a function: each stack frame has the address of the one before where Linux looks
//! for it, and the address to return to.
//!
//! Linux: `struct stack_frame`, `arch/s390/include/asm/stacktrace.h`: the registers from 6 on at 72, so register 14 at
//! 136, and the back chain at 152.

/// Where the frame before is, in a packed frame.
const BACK_CHAIN: u32 = 152;

/// Where register 14 is.
const RETURN_ADDRESS: u32 = 136;

/// Number of the register with the address to return to.
const RETURN_REGISTER: u32 = 14;

/// The frames of a disassembly that a kernel does not find its way through, and how many frames it has.
pub(super) fn broken(listing: &str) -> (usize, Vec<String>) {
    let (mut function, mut frames, mut found) = ("", 0, Vec::new());
    let mut waits = false;
    let mut complain = |function: &str, what: &str, line: &str| {
        found.push(format!("{what} in {function}: {}", line.trim()));
    };
    for line in listing.lines() {
        if let Some(name) = line.split_once(" <").and_then(|(_, name)| name.strip_suffix(">:")) {
            function = name;
        }
        let Some((mnemonic, operands)) = instruction(line) else { continue };
        if std::mem::take(&mut waits) && !(mnemonic == "stg" && operands.ends_with(&format!(",{BACK_CHAIN}(%r15)"))) {
            complain(function, "a frame without a back chain", line);
        }
        match mnemonic {
            "aghi" | "agfi" | "lay" if operands.starts_with("%r15,-") => {
                frames += 1;
                waits = true;
            }
            "stmg" if saved(operands).is_some_and(|(offset, place)| offset != place) => {
                complain(function, "registers that are saved elsewhere", line);
            }
            // A stack of a computed size would need more than is understood here.
            "sgr" | "slgr" | "sgrk" | "slgrk" if operands.starts_with("%r15,") => {
                complain(function, "a frame of a computed size", line);
            }
            _ => {}
        }
    }
    (frames, found)
}

/// Where `stmg` with these operands saves the address to return to, and where it should; `None` if it saves it not, or
/// elsewhere than in the frame of the caller.
fn saved(operands: &str) -> Option<(u32, u32)> {
    let (registers, offset) = operands.strip_suffix("(%r15)")?.rsplit_once(',')?;
    let (first, last) = registers.split_once(',')?;
    let number = |name: &str| name.strip_prefix("%r")?.parse::<u32>().ok();
    let (first, last) = (number(first)?, number(last)?);
    let place = (first..=last).contains(&RETURN_REGISTER).then(|| RETURN_ADDRESS - 8 * (RETURN_REGISTER - first))?;
    Some((offset.parse().ok()?, place))
}

/// Mnemonic and operands of a line of a disassembly, without what the operands lead to.
fn instruction(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split('\t').skip(2);
    let (mnemonic, operands) = (words.next()?, words.next()?);
    Some((mnemonic.trim(), operands.split_whitespace().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_frames_are_good() {
        let listing = "\
0000000000000000 <first>:
   0:\teb df f0 80 00 24 \tstmg\t%r13,%r15,128(%r15)
   6:\tb9 04 00 1f       \tlgr\t%r1,%r15
   a:\ta7 fb ff 48       \taghi\t%r15,-184
   e:\te3 10 f0 98 00 24 \tstg\t%r1,152(%r15)

0000000000000020 <second>:
  20:\teb 67 f0 a8 00 24 \tstmg\t%r6,%r7,168(%r15)
  2a:\te3 f0 f8 48 ff 71 \tlay\t%r15,-1976(%r15)
  2e:\te3 10 f0 98 00 24 \tstg\t%r1,152(%r15)
";
        assert_eq!(broken(listing), (2, vec![]));
    }

    #[test]
    fn other_frames_are_found() {
        let listing = "\
0000000000000000 <first>:
   0:\teb df f0 68 00 24 \tstmg\t%r13,%r15,104(%r15)
   6:\tb9 04 00 1f       \tlgr\t%r1,%r15
   a:\ta7 fb ff 48       \taghi\t%r15,-184
   e:\te3 10 f0 00 00 24 \tstg\t%r1,0(%r15)

0000000000000020 <second>:
  2a:\ta7 fb ff 48       \taghi\t%r15,-184
  2e:\tb9 04 00 1f       \tlgr\t%r1,%r15
  32:\tb9 09 00 f1       \tsgr\t%r15,%r1
";
        let (frames, found) = broken(listing);
        assert_eq!((frames, found.len()), (2, 4), "{found:?}");
        assert!(found[0].starts_with("registers that are saved elsewhere in first: "), "{found:?}");
        assert!(found[1].starts_with("a frame without a back chain in first: "), "{found:?}");
        assert!(found[2].starts_with("a frame without a back chain in second: "), "{found:?}");
        assert!(found[3].starts_with("a frame of a computed size in second: "), "{found:?}");
    }
}
