/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RPCIT, to be issued with no call between the gate and the instruction.
 */
#ifndef ZPCI_RPCIT_H
#define ZPCI_RPCIT_H

#include "zpci_rust.h"

#ifdef __KERNEL__

#include <linux/compiler.h>
#include <asm/asm-extable.h>

/* In place of a condition code: the instruction ended in a program check. */
#define ZPCI_REFUSED	4

/* machine.c: an answer that is not 0, or the one after a busy answer */
u32 zpci_shim_rpcit_odd(u64 start, u64 length, u32 answer, bool again);

/* As zpci_rust_rpcit() */
static __always_inline u32 zpci_shim_rpcit(u64 start, u64 length, u32 handle, bool again)
{
	union register_pair range = { .even = start, .odd = length };
	u64 function = (u64)handle << 32;
	int cc = ZPCI_REFUSED;

	asm volatile("	.insn	rre,0xb9d30000,%[function],%[range]\n"
		"0:	ipm	%[cc]\n"
		"	srl	%[cc],28\n"
		"1:\n"
		EX_TABLE(0b, 1b)
		: [cc] "+&d" (cc), [function] "+&d" (function)
		: [range] "d" (range.pair)
		: "cc", "memory");
	if (likely(!cc && !again))
		return 0;
	return zpci_shim_rpcit_odd(start, length, (function >> 24 & 0xff) << 8 | cc, again);
}

#else

/* The machine of the tests */
#define zpci_shim_rpcit zpci_rust_rpcit

#endif /* __KERNEL__ */

#endif /* ZPCI_RPCIT_H */
