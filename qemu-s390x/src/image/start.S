// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

// From the first instruction to Rust, and from a program check to Rust and back.
//
// QEMU enters an image given with -kernel in ESA/390 mode, on the one processor that is not stopped.

        .section .text.start, "ax", @progbits
        .globl  start
        .type   start, @function
start:
        // All processors into z/Architecture mode: SIGP order 0x12 to processor 0, parameter 2 in register 1.
        lhi     %r1, 2
        lhi     %r2, 0
        sigp    %r0, %r2, 0x12
        sam64

        // A new PSW for each class of interruption, from restart (0x1a0) to input/output (0x1f0): all end in a
        // disabled wait but the program check.
        larl    %r1, unexpected_psw
        mvc     0x1a0(16, %r0), 0(%r1)
        mvc     0x1b0(16, %r0), 0(%r1)
        mvc     0x1c0(16, %r0), 0(%r1)
        mvc     0x1e0(16, %r0), 0(%r1)
        mvc     0x1f0(16, %r0), 0(%r1)
        larl    %r1, program_check_psw
        mvc     0x1d0(16, %r0), 0(%r1)

        larl    %r1, bss_start
        larl    %r2, bss_end
0:      clgr    %r1, %r2
        jhe     1f
        xc      0(16, %r1), 0(%r1)
        aghi    %r1, 16
        j       0b

        // A stack with the 160 bytes that every callee may save its registers in.
1:      larl    %r15, stack_end
        aghi    %r15, -160
        brasl   %r14, image
        .size   start, . - start

// The registers are kept at 0x400, which the architecture leaves to the program. The handler gets a stack of its own,
// since the program's may be what is broken, and returns only if the program is to go on at the PSW at 0x150.
        .type   program_check_entry, @function
program_check_entry:
        stmg    %r0, %r15, 0x400(%r0)
        larl    %r15, program_check_stack_end
        aghi    %r15, -160
        brasl   %r14, program_check
        lmg     %r0, %r15, 0x400(%r0)
        lpswe   0x150(%r0)
        .size   program_check_entry, . - program_check_entry

        .section .rodata
        .balign 16
program_check_psw:
        .quad   0x0000000180000000, program_check_entry
unexpected_psw:
        .quad   0x0002000180000000, 0xbad

        .section .bss
        .balign 16
program_check_stack:
        .space  32768
program_check_stack_end:
