/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Content of the disks: the 64-bit big-endian word at byte offset o is
 * o ^ PATTERN_INITIAL until the guest writes it, then o ^ PATTERN_WRITTEN.
 */
#ifndef GUEST_PATTERN_H
#define GUEST_PATTERN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PATTERN_INITIAL 0x5a5043492d504154
#define PATTERN_WRITTEN 0x5a5043492d575249

/*
 * Fills `size` bytes that belong to the disk at `offset`; both are multiples
 * of 8.
 */
void pattern_fill(void *data, size_t size, uint64_t offset, uint64_t pattern);

/*
 * Compares `size` bytes that belong to the disk at `offset`. Returns the byte
 * offset within `data` of the first word that is different, or -1.
 */
ssize_t pattern_compare(const void *data, size_t size, uint64_t offset,
			uint64_t pattern);

/* Like pattern_compare(), but each word may be the initial or the written. */
ssize_t pattern_compare_any(const void *data, size_t size, uint64_t offset);

#endif
