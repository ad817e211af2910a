/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting instructions by the clock of a machine that takes a nanosecond for
 * each: QEMU with one processor and -icount shift=0.
 */
#ifndef INSTRUCTIONS_H
#define INSTRUCTIONS_H

#include <linux/irqflags.h>
#include <linux/math.h>
#include <asm/timex.h>

/* A nanosecond is 512/125 units of the TOD clock. */
static inline unsigned long instructions_of(unsigned long units)
{
	return DIV_ROUND_CLOSEST(units * 125, 512);
}

/* Instructions between two looks at the clock. */
#define instructions_raw(statement)					\
	({								\
		unsigned long start_, end_, flags_;			\
									\
		local_irq_save(flags_);					\
		start_ = get_tod_clock_fast();				\
		statement;						\
		end_ = get_tod_clock_fast();				\
		local_irq_restore(flags_);				\
		instructions_of(end_ - start_);				\
	})

/* Instructions of one statement, which runs without interrupts. */
#define instructions(statement)						\
	(instructions_raw(statement) - instructions_raw(barrier()))

#endif
