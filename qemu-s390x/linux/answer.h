/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Answers to MPCIFC, RPCIT and SET PCI FN that the machine does not give. The
 * host gives them (xtask/src/linux/answer.rs); it is asked by QUERY PCI FN, with
 * handles that no function has:
 *
 *	0x40iiiiii	answers go to the function whose handle ends so
 *	0x5Msscnnn	answers begin: M is 1 for MPCIFC and 0 for RPCIT, ss the
 *			status, c the condition code, or 4 for a program check
 *			in place of one, nnn how many there are
 *	0x60000000	answers end; the VFN of the response is their number
 *	0x7onncccc	answers to SET PCI FN begin: o is the operation code, nn
 *			how many there are, cccc the response code, or 0 for
 *			condition code 3
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

/* Answers to SET PCI FN. */
struct set_answer {
	/* SET_ENABLE or SET_DISABLE. */
	uint8_t operation;
	/* The response code; without one there is no response, and cc is 3. */
	uint16_t code;
	/* SET_FOR_EVER is no end. */
	uint8_t count;
};

#define SET_ENABLE 0
#define SET_DISABLE 1

#define SET_FOR_EVER 0xff

/* In place of a handle. */
#define ANSWER_EVERYBODY 0x00ffffff

/* From now on the function with this handle, as it is now or later, gets these. */
void answer_begin(uint32_t handle, const struct answer *answer);

void answer_set_begin(uint32_t handle, const struct set_answer *answer);

/* The machine answers again. Returns how many answers it did not give. */
unsigned int answer_end(void);

#endif
