/* SPDX-License-Identifier: GPL-2.0-only */
/* The boundary to the cases in Rust: qemu-s390x/linux/cases/src. */
#ifndef ZPCI_CASES_H
#define ZPCI_CASES_H

#include <linux/build_bug.h>
#include <linux/types.h>

/* What a run is given. */
struct zpci_cases {
	/* Handed to zpci_cases_write() with every text. */
	void *out;
	/* Pointer to absolute address 0. */
	u64 base;
	/* Absolute addresses of storage for tables and for what devices reach. */
	u64 tables, frames;
	/* Size of either, in bytes. */
	u64 size;
	/* The function. */
	u32 fid;
	/* Its handle afterwards, 0 if it is not listed. */
	u32 handle;
};

static_assert(sizeof(struct zpci_cases) == 48);
static_assert(offsetof(struct zpci_cases, base) == 8);
static_assert(offsetof(struct zpci_cases, tables) == 16);
static_assert(offsetof(struct zpci_cases, frames) == 24);
static_assert(offsetof(struct zpci_cases, size) == 32);
static_assert(offsetof(struct zpci_cases, fid) == 40);
static_assert(offsetof(struct zpci_cases, handle) == 44);

/* Runs everything on the function, which is disabled and used by nobody. */
void zpci_cases_run(const struct zpci_cases *given);

/*
 * Stores the handle that the function has after a run, and takes what the
 * machine still wants to report of it.
 */
void zpci_cases_end(struct zpci_cases *given);

/* Text, without a 0 at its end. */
void zpci_cases_write(void *out, const u8 *text, size_t length);

/*
 * Runs a function on a new thread and waits for its end. Returns whether the
 * function returned.
 */
bool zpci_cases_apart(void (*run)(void *data), void *data);

/* Ends such a thread. */
void zpci_cases_exit(void) __noreturn;

#endif
