/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Included before every file of the kernel's tools/testing/selftests/vfio,
 * which is built from the tree as it is.
 */
#ifndef SELFTESTS_PRELUDE_H
#define SELFTESTS_PRELUDE_H

#include <stdlib.h>
#include <unistd.h>

/* Linux 7.2 calls this and defines it nowhere. */
#define calloc_assert(count, size)                                            \
	({                                                                    \
		void *memory_ = calloc(count, size);                          \
		if (!memory_)                                                 \
			abort();                                              \
		memory_;                                                      \
	})

/*
 * A test that fails ends with the function open, and often in error. Closing
 * it resets it; if that comes before the kernel has dealt with the error, the
 * reset waits for more than a minute for a function that does not answer.
 */
static void selftests_let_recover(int status, void *argument)
{
	(void)argument;
	if (status)
		usleep(500000);
}

/* One for all files of a program. */
__attribute__((weak)) int selftests_prepared;

__attribute__((constructor))
static void selftests_prepare(void)
{
	if (!selftests_prepared++)
		on_exit(selftests_let_recover, NULL);
}

#endif
