/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capabilities on their way from the Rust object to VFIO.
 */
#ifndef ZPCI_CHAIN_H
#define ZPCI_CHAIN_H

#include <linux/types.h>

/**
 * struct zpci_chain - capability in the making, and who takes it when it is whole
 * @add: takes a capability; 0 or an error, after which it is not called again
 * @chain: for @add
 * @cap: the capability; NULL at first
 * @size: bytes that it has; 0 at first
 * @capacity: bytes that @cap has space for; 0 at first
 */
struct zpci_chain {
	int (*add)(void *chain, void *cap, size_t size);
	void *chain;
	void *cap;
	size_t size;
	size_t capacity;
};

/* Ends a chain that was filled with the result @rc; the first error. */
int zpci_chain_end(struct zpci_chain *chain, int rc);

#endif /* ZPCI_CHAIN_H */
