// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities on their way from the Rust object to VFIO. Rust hands over the
 * front of a capability and its entries; VFIO takes it in one piece.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "zpci_chain.h"
#include "zpci_rust.h"

static int zpci_chain_append(struct zpci_chain *chain, const void *bytes, size_t size)
{
	size_t capacity;
	void *cap;

	if (size > chain->capacity - chain->size) {
		capacity = max3((size_t)256, 2 * chain->capacity, chain->size + size);
		cap = kvmalloc(capacity, GFP_KERNEL);
		if (!cap)
			return -ENOMEM;
		if (chain->size)
			memcpy(cap, chain->cap, chain->size);
		kvfree(chain->cap);
		chain->cap = cap;
		chain->capacity = capacity;
	}
	memcpy(chain->cap + chain->size, bytes, size);
	chain->size += size;
	return 0;
}

/* Hands on the capability that is whole now, if there is one. */
static int zpci_chain_flush(struct zpci_chain *chain)
{
	int rc = 0;

	if (chain->size)
		rc = chain->add(chain->chain, chain->cap, chain->size);
	chain->size = 0;
	return rc;
}

int zpci_chain_end(struct zpci_chain *chain, int rc)
{
	if (!rc)
		rc = zpci_chain_flush(chain);
	kvfree(chain->cap);
	return rc;
}

int zpci_rust_add_capability(void *chain, const void *cap, size_t size)
{
	int rc;

	rc = zpci_chain_flush(chain);
	if (rc)
		return rc;
	return zpci_chain_append(chain, cap, size);
}

int zpci_rust_add_entry(void *chain, const void *entry, size_t size)
{
	return zpci_chain_append(chain, entry, size);
}
