/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Disks that carry the pattern, and direct I/O on them. */
#ifndef GUEST_DISK_H
#define GUEST_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "function.h"

#define DISKS 16

struct disk {
	/* The function behind it. */
	struct function function;
	/* "nvme0n1", "vda": below /sys/block and /dev. */
	char name[32];
	/* By which the host knows its image. */
	char serial[32];
	/* In bytes. */
	uint64_t size;
};

/*
 * Stores the disk of every zPCI function that has one whose first and last
 * page carry the pattern, in the order of the functions. Returns their number;
 * the array has DISKS elements.
 */
size_t disks_find(struct disk *disks);

/*
 * Stores the disk of one function, waiting for it to come up, whether or not
 * it carries the pattern. Returns false if there is none.
 */
bool disk_read(struct disk *disk, const struct function *function);

/* Whether the first and the last page of a disk carry the pattern. */
bool disk_carries_pattern(const struct disk *disk);

/*
 * Writes `blocks` blocks of `block` bytes at byte `start` of the disk, reads
 * them back and compares, all without the page cache, from a buffer that lies
 * `offset` bytes behind a page boundary. The range must carry the pattern
 * before. Announces the range to the host. Fails the case otherwise.
 */
void disk_exercise(const struct disk *disk, uint64_t start, size_t block,
		   size_t blocks, size_t offset);

/* The same for one block, without the announcement: for loops. */
void disk_rewrite(int fd, void *buffer, uint64_t start, size_t block);

/* Opens a disk for direct I/O; fails the case if that cannot be done. */
int disk_open(const struct disk *disk);

/* Tells the host that a range holds PATTERN_WRITTEN from now on. */
void disk_announce(const struct disk *disk, uint64_t start, uint64_t length);

/* A buffer for direct I/O, page-aligned; fails the case without storage. */
void *disk_buffer(size_t size);

#endif
