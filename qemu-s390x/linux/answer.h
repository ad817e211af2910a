/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Answers to MPCIFC and RPCIT that the machine does not give. The host gives
 * them (xtask/src/linux/answer.rs); it is asked by QUERY PCI FN, with handles
 * that no function has:
 *
 *	0x40iiiiii	answers go to the function whose handle ends so
 *	0x5Msscnnn	answers begin: M is 1 for MPCIFC and 0 for RPCIT, ss the
 *			status, c the condition code, or 4 for a program check
 *			in place of one, nnn how many there are
 *	0x60000000	answers end; the VFN of the response is their number
 */
#ifndef GUEST_ANSWER_H
#define GUEST_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

struct answer {
	/* MPCIFC that registers and deregisters tables, otherwise RPCIT. */
	bool mpcifc;
	/* ANSWER_REFUSED in place of a condition code for a program check. */
	uint8_t cc, status;
	/* At most 0xffe. */
	uint16_t count;
};

#define ANSWER_REFUSED 4

/* No end; busy without end goes to every function, the rest to one. */
#define ANSWER_FOR_EVER 0xfff

/* In place of a handle. */
#define ANSWER_EVERYBODY 0x00ffffff

/* From now on the function with this handle, as it is now or later, gets these. */
void answer_begin(uint32_t handle, const struct answer *answer);

/* The machine answers again. Returns how many answers it did not give. */
unsigned int answer_end(void);

#endif
