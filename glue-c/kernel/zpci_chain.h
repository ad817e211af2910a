/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capabilities on their way from the Rust object to VFIO.
 */
#ifndef ZPCI_CHAIN_H
#define ZPCI_CHAIN_H

#include "zpci_rust.h"

/**
 * struct zpci_chain - capability in the making, and who takes it when it is whole
 * @add: takes a capability; 0 or an error, after which it is not called again
 * @chain: for @add
 * @is_begun: whether there is one; false at first, as all that follows is 0
 * @id: what it is
 * @version: version of it
 * @data: what it says, behind the header that @add makes
 * @size: bytes that it has
 * @capacity: bytes that @data has space for
 */
struct zpci_chain {
	int (*add)(void *chain, u16 id, u16 version, const void *data, size_t size);
	void *chain;
	bool is_begun;
	u16 id;
	u16 version;
	void *data;
	size_t size;
	size_t capacity;
};

/* Ends a chain that was filled with the result @rc; the first error. */
int zpci_chain_end(struct zpci_chain *chain, int rc);

#endif /* ZPCI_CHAIN_H */
