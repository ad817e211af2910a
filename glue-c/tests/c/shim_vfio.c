// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Capabilities, as kernel/container.c takes them for VFIO.
 */
#include <errno.h>
#include <string.h>

#include "shim.h"

static int append(struct shim_chain *chain, const void *bytes, size_t size)
{
	if (chain->calls++ >= chain->accept || chain->size + size > chain->capacity)
		return -ENOMEM;
	memcpy(chain->buffer + chain->size, bytes, size);
	chain->size += size;
	return 0;
}

int zpci_rust_add_capability(void *context, const void *cap, size_t size)
{
	struct shim_chain *chain = context;
	u32 next;
	int rc;

	while (chain->size % 8)
		chain->buffer[chain->size++] = 0;
	next = SHIM_CHAIN_START + chain->size;
	rc = append(chain, cap, size);
	if (rc)
		return rc;
	if (next != SHIM_CHAIN_START)
		memcpy(chain->buffer + chain->last + 4, &next, sizeof(next));
	chain->last = next - SHIM_CHAIN_START;
	return 0;
}

int zpci_rust_add_entry(void *context, const void *entry, size_t size)
{
	return append(context, entry, size);
}

int shim_vfio_capabilities(const struct zpci_rust_function *function, u64 aperture, struct shim_chain *chain)
{
	return zpci_rust_vfio_capabilities(function, aperture, chain);
}
