/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* The capabilities behind an information structure of VFIO. */
#ifndef CAPABILITIES_CHAIN_H
#define CAPABILITIES_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vfio.h>

/* Bytes of a structure up to the end of the offset of its first capability. */
#define CHAIN_FRONT 20

/*
 * Shows the capabilities of an answer of `size` bytes whose first one is at
 * `first`, 0 if there is none, as a list. Offsets may go up and down. Returns
 * whether the chain is whole.
 */
bool chain_show(const void *info, size_t size, size_t first);

/* Whether there is a capability with this identifier. */
bool chain_has(const void *info, size_t size, size_t first, uint16_t id);

#endif
