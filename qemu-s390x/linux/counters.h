/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What the kernel counts of the domain that a function is in. */
#ifndef GUEST_COUNTERS_H
#define GUEST_COUNTERS_H

#include <stdbool.h>

/* The file of debugfs for the function with this address. */
#define COUNTERS "/sys/kernel/debug/pci/%s/statistics"

/* Bytes of a text with all of them, with the 0 behind it. */
#define COUNTERS_TEXT 256

/* Pages, and refreshes of all, after a mapping, and after an unmapping. */
struct counters {
	unsigned long long mapped, unmapped, global, sync_map, sync;
};

/*
 * Reads those of the function at `address`. Returns false if the kernel shows
 * none, as of a function without a domain.
 */
bool counters_read(struct counters *counters, const char *address);

/* Writes them as fields of JSON. */
void counters_format(char text[COUNTERS_TEXT], const struct counters *counters);

#endif
