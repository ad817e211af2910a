// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Measurement for user space, and that of the kernel itself. The machine is told
 * of every block that comes and goes.
 */
#include "kernel.h"
#include "kernel_test.h"
#include "shim.h"
#include "stand_in.h"

static void *new_block(size_t size, gfp_t gfp);
static void free_block(const void *block);
static void give_up(const void *block);

#define kzalloc			new_block
#define kfree			free_block
#define kmemleak_ignore		give_up
#include "../../kernel/measurement.c"
#undef kzalloc
#undef kfree
#undef kmemleak_ignore

static _Thread_local struct { u32 there, given_up; } blocks;

static void tell(const void *block, bool comes)
{
	const struct stand_in_machine *machine = stand_in_current();

	if (machine->table)
		machine->table(machine->context, virt_to_phys(block), sizeof(struct zpci_fmb), comes);
}

static void *new_block(size_t size, gfp_t gfp)
{
	void *block = kernel_may_allocate(gfp) ? aligned_alloc(size, size) : NULL;

	if (!block)
		return NULL;
	blocks.there++;
	tell(block, true);
	return memset(block, 0, size);
}

static void free_block(const void *block)
{
	if (!block)
		return;
	blocks.there--;
	tell(block, false);
	free((void *)block);
}

/* It is left to a machine that is no more after the test. */
static void give_up(const void *block)
{
	blocks.there--;
	blocks.given_up++;
	free((void *)block);
}

u32 kernel_blocks(void)
{
	return blocks.there;
}

u32 kernel_blocks_given_up(void)
{
	return blocks.given_up;
}

/* As arch/s390/pci/pci.c has it */
int zpci_fmb_enable_device(struct zpci_dev *zdev)
{
	u64 req = ZPCI_CREATE_REQ(zdev->fh, 0, ZPCI_MOD_FC_SET_MEASURE);
	struct zpci_fib fib = {};
	u8 cc, status;

	if (zdev->fmb || sizeof(*zdev->fmb) < zdev->fmb_length)
		return -EINVAL;
	zdev->fmb = new_block(sizeof(*zdev->fmb), GFP_KERNEL);
	if (!zdev->fmb)
		return -ENOMEM;
	fib.fmb_addr = virt_to_phys(zdev->fmb);
	fib.gd = zdev->gisa;
	cc = zpci_mod_fc(req, &fib, &status);
	if (cc) {
		free_block(zdev->fmb);
		zdev->fmb = NULL;
	}
	return cc ? -EIO : 0;
}

int zpci_fmb_disable_device(struct zpci_dev *zdev)
{
	u64 req = ZPCI_CREATE_REQ(zdev->fh, 0, ZPCI_MOD_FC_SET_MEASURE);
	struct zpci_fib fib = {};
	u8 cc, status;

	if (!zdev->fmb)
		return -EINVAL;
	fib.gd = zdev->gisa;
	cc = zpci_mod_fc(req, &fib, &status);
	if (cc == 3)
		cc = 0;
	if (!cc) {
		free_block(zdev->fmb);
		zdev->fmb = NULL;
	}
	return cc ? -EIO : 0;
}

static struct zpci_dev *zdev_of(struct shim_function *function)
{
	return (struct zpci_dev *)function;
}

int shim_function_statistics(struct shim_function *function, bool enable)
{
	struct zpci_dev *zdev = zdev_of(function);

	return enable ? zpci_fmb_enable_device(zdev) : zpci_fmb_disable_device(zdev);
}

int shim_function_measure(struct shim_function *function, bool enable)
{
	return zpci_shim_measure(zdev_of(function), enable);
}

int shim_function_sample(struct shim_function *function, u8 *sample)
{
	return zpci_shim_sample(zdev_of(function), sample);
}

/* As drivers/vfio/pci/vfio_pci_core.c does, where the reset fails */
void shim_function_close(struct shim_function *function)
{
	zpci_shim_measure_close(zdev_of(function));
	zpci_fmb_disable_device(zdev_of(function));
}
