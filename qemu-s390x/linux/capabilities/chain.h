/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* The capabilities behind an information structure of VFIO. */
#ifndef CAPABILITIES_CHAIN_H
#define CAPABILITIES_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/vfio.h>

/*
 * Tells the capabilities of an answer of `size` bytes that start at `offset`,
 * as a list. Returns whether the chain is whole.
 */
bool chain_tell(const void *info, size_t size, size_t offset);

#endif
