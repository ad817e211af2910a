// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The function information block.

/// Function information block (FIB), 80 bytes, the operand of MPCIFC and STPCIFC.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub struct Fib([u8; 80]);
