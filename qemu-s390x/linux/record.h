/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What the kernel records of PCI: its two debug views, and its log. */
#ifndef GUEST_RECORD_H
#define GUEST_RECORD_H

/* Passes over everything that was recorded so far. */
void record_forget(void);

/*
 * Says what was recorded since then, without time, processor and caller, as
 * lines `zpci-record` that are about `row`. Returns how often it is recorded that
 * the instruction that starts with `instruction` was busy or done.
 */
unsigned int record_tell(const char *row, unsigned int instruction);

/* The same of the debug views alone, since the start of the kernel. */
void record_tell_views(const char *row);

#endif
