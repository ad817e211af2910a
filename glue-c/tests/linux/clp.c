// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * CLP as the kernel has it, and the functions that the kernel knows. What CLP
 * tells of functions is noted on the way.
 */
#include "kernel.h"
#include "kernel_test.h"
#include "stand_in.h"

#define PAGE	4096

static void free_device(const void *zdev);

/* The functions of the shim for Rust by other names, since the test has those. */
#define zpci_rust_listed	kernel_listed
#define zpci_rust_uid_checking	kernel_uid_checking
#define kfree			free_device
void zpci_rust_listed(void *context, u32 id, u32 handle, bool configured);
void zpci_rust_uid_checking(bool on);
#include "../../kernel/clp.c"
#undef zpci_rust_listed
#undef zpci_rust_uid_checking
#undef kfree

_Thread_local unsigned long mio_wb_bit_mask;

/* Functions that a list has made and that are still there; those that the kernel had before, and how often they are held */
static _Thread_local struct {
	struct zpci_dev *made[KERNEL_FUNCTIONS];
	struct zpci_dev *known[KERNEL_FUNCTIONS];
	u32 held;
	bool mio;
} functions;

static struct zpci_dev **place(struct zpci_dev **of, const struct zpci_dev *zdev)
{
	u32 i;

	for (i = 0; i < KERNEL_FUNCTIONS; i++)
		if (of[i] == zdev)
			return &of[i];
	if (zdev)
		return NULL;
	stand_in_note("more than %d functions", KERNEL_FUNCTIONS);
	abort();
}

void kernel_knows(struct zpci_dev *zdev, bool knows)
{
	if (knows)
		*place(functions.known, NULL) = zdev;
	else
		*place(functions.known, zdev) = NULL;
}

u32 kernel_functions_made(void)
{
	u32 i, count = 0;

	for (i = 0; i < KERNEL_FUNCTIONS; i++)
		count += !!functions.made[i];
	return count;
}

u32 kernel_functions_held(void)
{
	return functions.held;
}

void kernel_has_mio(bool mio)
{
	functions.mio = mio;
}

bool zpci_use_mio(struct zpci_dev *zdev)
{
	return functions.mio && zdev->mio_capable;
}

static _Thread_local gfp_t page_gfp;

gfp_t kernel_page_gfp(void)
{
	return page_gfp;
}

unsigned long __get_free_page(gfp_t gfp)
{
	void *page = kernel_may_allocate(gfp) ? aligned_alloc(PAGE, PAGE) : NULL;

	page_gfp = gfp;
	return page ? (unsigned long)memset(page, 0xa5, PAGE) : 0;
}

void free_page(unsigned long page)
{
	free((void *)page);
}

struct zpci_dev *get_zdev_by_fid(u32 fid)
{
	u32 i;

	for (i = 0; i < KERNEL_FUNCTIONS; i++) {
		if (functions.known[i] && functions.known[i]->fid == fid) {
			functions.held++;
			return functions.known[i];
		}
	}
	return NULL;
}

void zpci_zdev_put(struct zpci_dev *zdev)
{
	if (!place(functions.known, zdev) || !functions.held--)
		stand_in_note("a function is given back that nobody holds");
}

struct zpci_dev *zpci_create_device(u32 fid, u32 fh, enum zpci_state state)
{
	struct zpci_dev *zdev = kzalloc(sizeof(*zdev), GFP_KERNEL);

	if (!zdev)
		return ERR_PTR(-ENOMEM);
	zdev->fid = fid;
	zdev->fh = fh;
	zdev->state = state;
	*place(functions.made, NULL) = zdev;
	return zdev;
}

static void free_device(const void *zdev)
{
	struct zpci_dev **made = place(functions.made, zdev);

	if (!made) {
		stand_in_note("a function is freed that was not made");
		return;
	}
	*made = NULL;
	kfree(zdev);
}

void kernel_functions_free(struct list_head *list)
{
	struct zpci_dev *zdev, *next;

	list_for_each_entry_safe(zdev, next, list, entry) {
		list_del(&zdev->entry);
		free_device(zdev);
	}
}

void zpci_update_fh(struct zpci_dev *zdev, u32 fh)
{
	if (fh)
		WRITE_ONCE(zdev->fh, fh);
}

int kernel_find(u32 fid, u32 *fh, bool *configured)
{
	return zpci_find(fid, fh, configured, GFP_KERNEL);
}

void zpci_rust_listed(void *context, u32 id, u32 handle, bool configured)
{
	stand_in_record(&(struct stand_in_event){
		.kind = STAND_IN_LISTED,
		.numbers = { id, handle, configured },
	});
	kernel_listed(context, id, handle, configured);
}

void zpci_rust_uid_checking(bool on)
{
	stand_in_record(&(struct stand_in_event){ .kind = STAND_IN_UID_CHECKING, .numbers = { on } });
	kernel_uid_checking(on);
}
