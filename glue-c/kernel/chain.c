// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capabilities on their way from the Rust object to VFIO. Rust hands over the
 * front of a capability and its entries; VFIO takes it in one piece, and makes
 * its header.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "zpci_chain.h"

static int zpci_chain_append(struct zpci_chain *chain, const void *bytes, size_t size)
{
	size_t capacity;
	void *data;

	if (size > chain->capacity - chain->size) {
		capacity = max3((size_t)256, 2 * chain->capacity, chain->size + size);
		data = kvmalloc(capacity, GFP_KERNEL);
		if (!data)
			return -ENOMEM;
		if (chain->size)
			memcpy(data, chain->data, chain->size);
		kvfree(chain->data);
		chain->data = data;
		chain->capacity = capacity;
	}
	memcpy(chain->data + chain->size, bytes, size);
	chain->size += size;
	return 0;
}

/* Hands on the capability that is whole now, if there is one. */
static int zpci_chain_flush(struct zpci_chain *chain)
{
	int rc = 0;

	if (chain->is_begun)
		rc = chain->add(chain->chain, chain->id, chain->version, chain->data, chain->size);
	chain->is_begun = false;
	chain->size = 0;
	return rc;
}

int zpci_chain_end(struct zpci_chain *chain, int rc)
{
	if (!rc)
		rc = zpci_chain_flush(chain);
	kvfree(chain->data);
	return rc;
}

int zpci_rust_add_capability(void *context, u16 id, u16 version, const void *data, size_t size)
{
	struct zpci_chain *chain = context;
	int rc;

	rc = zpci_chain_flush(chain);
	if (rc)
		return rc;
	chain->is_begun = true;
	chain->id = id;
	chain->version = version;
	return zpci_chain_append(chain, data, size);
}

int zpci_rust_add_entry(void *chain, const void *entry, size_t size)
{
	return zpci_chain_append(chain, entry, size);
}
