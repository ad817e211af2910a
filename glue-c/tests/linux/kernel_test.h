/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * What a test decides of the kernel in kernel.c. All state belongs to the
 * thread that calls.
 */
#ifndef KERNEL_TEST_H
#define KERNEL_TEST_H

#include "kernel.h"

#define KERNEL_SECTIONS	8
#define KERNEL_FUNCTIONS	128

struct kernel_hooks {
	void *context;
	/* Another processor may come in between */
	void (*yield)(void *context, enum kernel_point point);
	/* The mutex is taken; returns when it may be free */
	void (*wait)(void *context, const void *mutex);
	/* Remembers a section of who runs, or returns the latest that it had */
	u32 (*section)(void *context, u32 section);
	bool (*may_allocate)(void *context);
};

void kernel_reset(const struct kernel_hooks *hooks);
const char *kernel_last_log(void);
/* How many there were since the last call */
u32 kernel_warnings(void);
/* How the last page was allocated */
gfp_t kernel_page_gfp(void);

/* Callbacks that wait; whether the first of them may run; runs it */
u32 kernel_callbacks(void);
bool kernel_grace_period_ended(void);
void kernel_run_callback(void);
/* The same of work that was queued, which may run at any time */
u32 kernel_works(void);
void kernel_run_work(void);
/* Read-side sections that run */
u32 kernel_sections(void);
bool kernel_mutex_is_taken(const void *mutex);

const struct iommu_ops *kernel_iommu_ops(void);

/* Functions that the kernel has, and is to find by their identifiers */
void kernel_knows(struct zpci_dev *zdev, bool knows);
/* What a list has made of functions that it does not have: how many there are; frees those of a list */
u32 kernel_functions_made(void);
void kernel_functions_free(struct list_head *list);
/* How often a function was found and not given back */
u32 kernel_functions_held(void);
void kernel_has_mio(bool mio);
/* Measurement blocks that are neither freed nor given up, and how many were given up to the machine for good */
u32 kernel_blocks(void);
u32 kernel_blocks_given_up(void);
/* clp.c: what it does to find a function */
int kernel_find(u32 fid, u32 *fh, bool *configured);

#endif /* KERNEL_TEST_H */
