// SPDX-License-Identifier: GPL-2.0-only
/*
 * CLP: listing, querying, enabling and disabling functions.
 */
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <asm/clp.h>
#include <asm/pci_clp.h>
#include <asm/setup.h>

#include "../../../arch/s390/pci/pci_bus.h"
#include "zpci_shim.h"

/* The bit of a handle that zdev_enabled() looks at */
#define ZPCI_FH_ENABLED		0x80000000

bool zpci_unique_uid;

void update_uid_checking(bool new)
{
	if (zpci_unique_uid != new)
		zpci_dbg(3, "uid checking:%d\n", new);

	zpci_unique_uid = new;
}

void zpci_rust_uid_checking(bool on)
{
	update_uid_checking(on);
}

static void *zpci_block_alloc(gfp_t gfp)
{
	return (void *)__get_free_page(gfp);
}

static void zpci_block_free(void *block)
{
	free_page((unsigned long)block);
}

/*
 * Functions that are not known yet go to the list that @context is, each once
 * however often it is listed.
 */
void zpci_rust_listed(void *context, u32 id, u32 handle, bool configured)
{
	struct list_head *scan_list = context;
	struct zpci_dev *zdev;

	list_for_each_entry(zdev, scan_list, entry)
		if (zdev->fid == id)
			return;
	zdev = get_zdev_by_fid(id);
	if (zdev) {
		zpci_zdev_put(zdev);
		return;
	}
	zdev = zpci_create_device(id, handle, configured ? ZPCI_FN_STATE_CONFIGURED :
							   ZPCI_FN_STATE_STANDBY);
	if (!IS_ERR(zdev))
		list_add_tail(&zdev->entry, scan_list);
}

int clp_scan_pci_devices(struct list_head *scan_list)
{
	void *block = zpci_block_alloc(GFP_KERNEL);
	struct zpci_dev *zdev, *next;
	int rc;

	if (!block)
		return -ENOMEM;
	rc = zpci_rust_list(block, scan_list);
	zpci_block_free(block);
	/*
	 * The caller gives up, so nobody would free what was listed before the
	 * list turned out to be broken.
	 */
	if (rc) {
		list_for_each_entry_safe(zdev, next, scan_list, entry) {
			list_del(&zdev->entry);
			kfree(zdev);
		}
	}
	return rc;
}

static int zpci_find(u32 fid, u32 *fh, bool *configured, gfp_t gfp)
{
	void *block = zpci_block_alloc(gfp);
	int rc;

	if (!block)
		return -ENOMEM;
	rc = zpci_rust_find(block, fid, fh, configured);
	zpci_block_free(block);
	return rc;
}

/*
 * zpci_remove_reserved_devices() calls this with zpci_list_lock held, once for
 * each function in standby. zpci_rust_find() bounds what the firmware can make
 * of it. A list of 4096 functions takes 17 commands, or 4096 where the firmware
 * stores one entry at a time; one that does not end takes 261 if its responses
 * are full or empty, and 65536, some 0.7 s, with one entry in each.
 */
int clp_get_state(u32 fid, enum zpci_state *state)
{
	bool configured;
	u32 fh;
	int rc;

	rc = zpci_find(fid, &fh, &configured, GFP_ATOMIC);
	if (rc && rc != -ENODEV)
		return rc;
	if (rc)
		*state = ZPCI_FN_STATE_RESERVED;
	else
		*state = configured ? ZPCI_FN_STATE_CONFIGURED : ZPCI_FN_STATE_STANDBY;
	return 0;
}

int clp_refresh_fh(u32 fid, u32 *fh)
{
	bool configured;
	u32 found;
	int rc;

	rc = zpci_find(fid, &found, &configured, GFP_NOWAIT);
	if (!rc)
		*fh = found;
	return rc;
}

int clp_query_pci_fn(struct zpci_dev *zdev)
{
	struct zpci_rust_function function;
	void *block = zpci_block_alloc(GFP_KERNEL);
	int rc;

	if (!block)
		return -ENOMEM;
	rc = zpci_rust_query(block, zdev->fid, zdev->fh, &function);
	if (!rc)
		zpci_shim_store(zdev, &function);
	zpci_block_free(block);
	return rc;
}

/*
 * A function that could not be enabled may have another handle than @before: that
 * of the function disabled again, or one with the enable bit, so that it counts
 * as enabled until it is disabled. The list knows better than a machine that
 * did not say which handle the function has. A handle that came meanwhile stays.
 */
static void zpci_not_enabled(struct zpci_dev *zdev, void *block, u32 before, u32 now)
{
	bool configured;
	u32 found;

	if (now == before)
		return;
	if ((now & ZPCI_FH_ENABLED) && !zpci_rust_find(block, zdev->fid, &found, &configured))
		now = found;
	if (READ_ONCE(zdev->fh) == before)
		zpci_update_fh(zdev, now);
}

/*
 * The machine may have disabled the function by itself, which ended its
 * translation, or may be said to have: zdev->fh can be that of an event that
 * comes late. The list knows.
 */
static void zpci_note_disabled(struct zpci_dev *zdev, struct zpci_function *function, void *block)
{
	bool configured;
	u32 found;
	int rc;

	if (!zpci_function_registered(function))
		return;
	rc = zpci_rust_find(block, zdev->fid, &found, &configured);
	if (rc == -ENODEV || (!rc && !(found & ZPCI_FH_ENABLED)))
		zpci_function_disabled(function);
}

/*
 * Others may enable or disable the same function: an event of the machine, a
 * reset, KVM. Nobody registers a translation from what the machine says to what
 * is noted of it, so that the note is of no newer one; and who comes next knows
 * the new handle. The caller's own zpci_update_fh() comes too late for that: it
 * gets 0, which it leaves at that. Storage may be written to the very function
 * that is reset.
 */
int clp_enable_fh(struct zpci_dev *zdev, u32 *fh, u8 nr_dma_as)
{
	void *block = zpci_block_alloc(GFP_NOIO);
	struct zpci_function *function;
	u32 before, now;
	int rc;

	if (!block)
		return -ENOMEM;
	function = zpci_function_lock(zdev, false);
	/* Before it is enabled: it may get the handle again that its translation had. */
	zpci_note_disabled(zdev, function, block);
	before = READ_ONCE(zdev->fh);
	rc = zpci_rust_enable(block, before, nr_dma_as, zdev->gisa, zpci_use_mio(zdev), &now);
	/* No handle of a failure, as ever */
	zpci_dbg(3, "ena fid:%x, fh:%x, rc:%d\n", zdev->fid, rc ? 0 : now, rc);
	if (!rc && zpci_use_mio(zdev))
		zpci_dbg(3, "ena mio fid:%x, fh:%x, rc:%d\n", zdev->fid, now, rc);
	/* What could be enabled was disabled, also where the list did not say so. */
	if (now != before)
		zpci_function_disabled(function);
	if (rc) {
		zpci_not_enabled(zdev, block, before, now);
	} else {
		zpci_update_fh(zdev, now);
		*fh = 0;
	}
	zpci_function_unlock(function);
	zpci_block_free(block);
	return rc;
}

int clp_disable_fh(struct zpci_dev *zdev, u32 *fh)
{
	void *block = zpci_block_alloc(GFP_NOIO);
	struct zpci_function *function;
	u32 now = 0;
	int rc = 0;

	if (!block)
		return -ENOMEM;
	function = zpci_function_lock(zdev, true);
	if (zdev_enabled(zdev)) {
		rc = zpci_rust_disable(block, zdev->fh, &now);
		zpci_dbg(3, "dis fid:%x, fh:%x, rc:%d\n", zdev->fid, rc ? 0 : now, rc);
		if (!rc || rc == CLP_RC_SETPCIFN_ALRDY)
			zpci_function_disabled(function);
		else
			zpci_function_stays(function);
		if (!rc)
			zpci_update_fh(zdev, now);
	} else {
		zpci_note_disabled(zdev, function, block);
	}
	if (!rc)
		*fh = 0;
	zpci_function_unlock(function);
	zpci_block_free(block);
	return rc;
}

int clp_setup_writeback_mio(void)
{
	void *block = zpci_block_alloc(GFP_KERNEL);
	int bit;

	if (!block)
		return -ENOMEM;
	bit = zpci_rust_write_back(block);
	zpci_block_free(block);
	if (bit < 0)
		return bit;
	if (bit < BITS_PER_LONG) {
		set_bit_inv(bit, &mio_wb_bit_mask);
		zpci_dbg(3, "wb bit: %d\n", bit);
	} else {
		zpci_dbg(3, "wb bit: n.a.\n");
	}
	return 0;
}
