// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * CLP with a fresh page for each command, as kernel/clp.c and kernel/clp_device.c have it.
 */
#include <stdlib.h>
#include <string.h>

#include "shim.h"

#define PAGE	4096

static void *block_new(void)
{
	void *block = aligned_alloc(PAGE, PAGE);

	if (!block)
		abort();
	return memset(block, 0xa5, PAGE);
}

static int block_free(void *block, int rc)
{
	free(block);
	return rc;
}

int shim_list(void *context)
{
	void *block = block_new();

	return block_free(block, zpci_rust_list(block, context));
}

int shim_find(u32 id, u32 *handle, bool *configured)
{
	void *block = block_new();

	return block_free(block, zpci_rust_find(block, id, handle, configured));
}

int shim_query(u32 id, u32 handle, struct zpci_rust_function *function)
{
	void *block = block_new();

	memset(function, 0xa5, sizeof(*function));
	return block_free(block, zpci_rust_query(block, id, handle, function));
}

int shim_enable(u32 handle, u8 spaces, u32 gisa, bool mio, u32 *now)
{
	void *block = block_new();

	return block_free(block, zpci_rust_enable(block, handle, spaces, gisa, mio, now));
}

int shim_disable(u32 handle, u32 *disabled)
{
	void *block = block_new();

	return block_free(block, zpci_rust_disable(block, handle, disabled));
}

int shim_write_back(void)
{
	void *block = block_new();

	return block_free(block, zpci_rust_write_back(block));
}

int shim_user_call(u8 processor, u8 *data)
{
	void *block = block_new();
	int rc;

	memcpy(block, data, PAGE);
	rc = zpci_rust_user_call(processor, block);
	if (!rc)
		memcpy(data, block, PAGE);
	return block_free(block, rc);
}

int shim_user_installed(u64 *installed)
{
	return zpci_rust_user_installed(installed);
}
