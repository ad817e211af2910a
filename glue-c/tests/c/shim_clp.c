// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * CLP by kernel/clp.c; and what it and kernel/clp_device.c use, with a fresh page for each command.
 */
#include "kernel.h"
#include "kernel_test.h"
#include "shim.h"
#include "zpci_shim.h"
#include "stand_in.h"

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

int shim_list(u32 *found, u32 capacity, u32 *count)
{
	struct zpci_dev *zdev;
	struct list_head list;
	int rc;

	INIT_LIST_HEAD(&list);
	rc = clp_scan_pci_devices(&list);
	*count = 0;
	list_for_each_entry(zdev, &list, entry) {
		if (*count < capacity) {
			found[3 * *count] = zdev->fid;
			found[3 * *count + 1] = zdev->fh;
			found[3 * *count + 2] = zdev->state;
		}
		++*count;
	}
	kernel_functions_free(&list);
	if (kernel_functions_made())
		stand_in_note("functions are left that are on no list");
	if (kernel_functions_held())
		stand_in_note("functions are held by nobody");
	return rc;
}

int shim_find(u32 id, u32 *handle, bool *configured)
{
	return kernel_find(id, handle, configured);
}

int shim_state(u32 id, u32 *state)
{
	enum zpci_state found = *state;
	int rc = clp_get_state(id, &found);

	*state = found;
	return rc;
}

int shim_current_handle(u32 id, u32 *handle)
{
	return clp_refresh_fh(id, handle);
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

int shim_set_write_back(u64 *mask)
{
	int rc;

	mio_wb_bit_mask = 0;
	rc = clp_setup_writeback_mio();
	*mask = mio_wb_bit_mask;
	return rc;
}

static struct zpci_dev *zdev_of(struct shim_function *function)
{
	return (struct zpci_dev *)function;
}

int shim_function_query(struct shim_function *function, struct zpci_rust_function *now)
{
	int rc = clp_query_pci_fn(zdev_of(function));

	zpci_shim_describe(zdev_of(function), now);
	return rc;
}

/* As arch/s390/pci/pci.c enables and disables functions */
int shim_function_enable(struct shim_function *function, bool mio, u32 *handle)
{
	struct zpci_dev *zdev = zdev_of(function);
	u32 fh = zdev->fh;
	int rc;

	kernel_has_mio(mio);
	rc = clp_enable_fh(zdev, &fh, 1);
	kernel_yield(KERNEL_LOCK);
	if (!rc)
		zpci_update_fh(zdev, fh);
	*handle = zdev->fh;
	return rc;
}

int shim_function_disable(struct shim_function *function, u32 *handle)
{
	struct zpci_dev *zdev = zdev_of(function);
	u32 fh = zdev->fh;
	int rc;

	kernel_yield(KERNEL_LOCK);
	rc = clp_disable_fh(zdev, &fh);
	kernel_yield(KERNEL_LOCK);
	if (rc == CLP_RC_SETPCIFN_ALRDY && !clp_refresh_fh(zdev->fid, &fh))
		zpci_update_fh(zdev, fh);
	if (!rc)
		zpci_update_fh(zdev, fh);
	*handle = zdev->fh;
	return rc;
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
