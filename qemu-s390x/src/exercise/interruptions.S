// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

// From I/O and machine-check interruptions to Rust and back to what was interrupted.
//
// Neither interrupts the other: the new PSWs take no interruption. So one stack does for both, and each keeps the registers at
// a place of its own, among those that the architecture leaves to the program.

        .section .text.interruptions, "ax", @progbits
        .type   io_entry, @function
        .globl  io_entry
io_entry:
        stmg    %r0, %r15, 0x480(%r0)
        larl    %r15, interruption_stack_end
        aghi    %r15, -160
        brasl   %r14, io_interruption
        lmg     %r0, %r15, 0x480(%r0)
        lpswe   0x170(%r0)
        .size   io_entry, . - io_entry

        .type   machine_check_entry, @function
        .globl  machine_check_entry
machine_check_entry:
        stmg    %r0, %r15, 0x500(%r0)
        larl    %r15, interruption_stack_end
        aghi    %r15, -160
        brasl   %r14, machine_check_interruption
        lmg     %r0, %r15, 0x500(%r0)
        lpswe   0x160(%r0)
        .size   machine_check_entry, . - machine_check_entry

        .section .bss
        .balign 16
interruption_stack:
        .space  8192
interruption_stack_end:
