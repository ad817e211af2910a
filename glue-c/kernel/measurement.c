// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measurement of functions, for user space.
 *
 * The block is not zdev->fmb, which arch/s390/pci frees as soon as the machine
 * says that it knows no function by zdev->fh: that may be the handle of an event
 * that comes late, and the machine goes on to write. This one has the handle
 * that it was begun with, and is freed when that is known to have ended. The
 * machine writes one of the two, whichever was set last.
 *
 * All of it is under zpci_function.lock, which who disables and enables the
 * function has. A reset ends the measurement: zpci_function_disabled() takes
 * note, also where the function gets the same handle again. Where nobody took
 * note the machine is asked: another handle is unknown to it, and by the same
 * one it ends what there is.
 */
#define pr_fmt(fmt) "zpci: " fmt

#include <linux/io.h>
#include <linux/kmemleak.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <asm/pci_insn.h>

#include "compat.h"
#include "zpci_function.h"
#include "zpci_shim.h"

/* The counters that every format has; QEMU has these and says that there is no block. */
#define ZPCI_FMB_COMMON		offsetof(struct zpci_fmb, fmt0)

/* So kmalloc() aligns it, and it crosses no page. */
static_assert(sizeof(struct zpci_fmb) == __alignof__(struct zpci_fmb));

/* Ends the measurement if @block is NULL; a condition code */
static u8 zpci_set_measure(struct zpci_function *function, u32 handle, struct zpci_fmb *block,
			   bool again)
{
	struct zpci_fib fib = {};
	u8 status;

	if (block)
		fib.fmb_addr = virt_to_phys(block);
	fib.gd = function->zdev->gisa;
	return zpci_rust_mpcifc(handle, ZPCI_MOD_FC_SET_MEASURE, &fib, &status, again);
}

static u8 zpci_unset_measure(struct zpci_function *function, u32 handle, bool again)
{
	u8 cc = zpci_set_measure(function, handle, NULL, again);

	/*
	 * A function has one handle. No other handle than the one that it was
	 * begun with says by being unknown that it ended.
	 */
	if (!cc || (cc == ZPCI_CC_INVAL_HANDLE && handle == function->measured))
		function->measured = 0;
	return cc;
}

static void zpci_drop_block(struct zpci_function *function)
{
	kfree(function->fmb);
	function->fmb = NULL;
	function->sampled = false;
}

/* -EBUSY: the same once more, after a pause */
static int zpci_measure_end(struct zpci_function *function, bool again)
{
	u8 cc;

	if (function->measured) {
		cc = zpci_unset_measure(function, function->measured, again);
		if (function->measured)
			return cc == ZPCI_CC_BUSY ? -EBUSY : -EIO;
	}
	zpci_drop_block(function);
	return 0;
}

static int zpci_measure_begin(struct zpci_function *function, bool again)
{
	u32 handle = READ_ONCE(function->zdev->fh);
	u8 cc;

	if (sizeof(*function->fmb) < function->zdev->fmb_length)
		return -EINVAL;
	if (!function->fmb)
		/* Who resets the function waits for its lock, and storage may be written to that very function. */
		function->fmb = kzalloc_obj(*function->fmb, GFP_NOIO);
	if (!function->fmb)
		return -ENOMEM;
	/* Also what arch/s390/pci began. A machine may refuse to end what there is not. */
	cc = zpci_unset_measure(function, handle, again);
	if (!cc || cc == ZPCI_CC_ERR) {
		memset(function->fmb, 0, sizeof(*function->fmb));
		cc = zpci_set_measure(function, handle, function->fmb, false);
		if (!cc) {
			function->measured = handle;
			function->sampled = true;
			return 0;
		}
	}
	if (!function->measured)
		zpci_drop_block(function);
	return cc == ZPCI_CC_BUSY ? -EBUSY : -EIO;
}

static int zpci_measure(struct zpci_function *function, bool enable)
{
	u32 busy = 0;
	int rc;

	do {
		/* Not over the pause: nobody is to wait for a busy function. */
		guard(mutex)(&function->lock);
		rc = enable ? zpci_measure_begin(function, busy) : zpci_measure_end(function, busy);
		if (rc != -EBUSY)
			return rc;
	} while (zpci_rust_pause_mpcifc(++busy));
	return -EIO;
}

int zpci_shim_measure(struct zpci_dev *zdev, bool enable)
{
	struct zpci_function *function = zpci_function(zdev);

	return function ? zpci_measure(function, enable) : -ENODEV;
}
EXPORT_SYMBOL_GPL(zpci_shim_measure);

void zpci_shim_measure_close(struct zpci_dev *zdev)
{
	struct zpci_function *function = zpci_function(zdev);

	if (!function)
		return;
	if (zpci_measure(function, false))
		pr_warn_ratelimited("FID %08x: the machine did not end the measurement; its block is kept\n",
				    zdev->fid);
	guard(mutex)(&function->lock);
	/* What is kept is not for who opens the function next. */
	function->sampled = false;
}
EXPORT_SYMBOL_GPL(zpci_shim_measure_close);

void zpci_measure_remove(struct zpci_function *function)
{
	if (!zpci_measure(function, false))
		return;
	pr_err("FID %08x: gone while it was measured; the block is never freed\n",
	       function->zdev->fid);
	/* It belongs to the machine, and no pointer leads to it. */
	kmemleak_ignore(function->fmb);
	function->fmb = NULL;
}

int zpci_shim_sample(struct zpci_dev *zdev, u8 *sample)
{
	struct zpci_function *function = zpci_function(zdev);
	u16 length = max_t(u16, zdev->fmb_length, ZPCI_FMB_COMMON);

	if (!function)
		return -ENODEV;
	guard(mutex)(&function->lock);
	if (!function->sampled)
		return -ENODATA;
	return zpci_rust_sample((const u64 *)function->fmb, length, zdev->fmb_update, sample);
}
EXPORT_SYMBOL_GPL(zpci_shim_sample);
