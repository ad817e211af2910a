/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * A kernel and a machine that stand in for the real ones in tests on a host.
 *
 * All state belongs to the thread that calls, so that tests do not meet.
 */
#ifndef STAND_IN_H
#define STAND_IN_H

#include "zpci_rust.h"

/* Forgets everything and ends all storage */
void stand_in_reset(void);

/* The first thing that a kernel or a machine would not have survived; NULL if there was none */
const char *stand_in_fault(void);
void stand_in_note(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/*
 * Storage: what absolute addresses differ from pointers by; tables of that
 * size that are allocated; the flags of the latest allocation; allocations
 * fail from the n-th on, 0: never.
 */
u64 stand_in_base(void);
u32 stand_in_tables(u32 size);
u32 stand_in_gfp(void);
void stand_in_fail_allocation(u32 n);

/* The table at @origin, or NULL and a fault if there is none of that size */
const void *stand_in_table(u64 origin, u32 size);
/* The same without a fault */
const void *stand_in_table_or_null(u64 origin, u32 size);

/* What happened, in order */
enum stand_in_kind {
	STAND_IN_CALL,			/* processor; request and header of the response */
	STAND_IN_IMMEDIATE,		/* command */
	STAND_IN_MPCIFC,		/* handle, control; FIB */
	STAND_IN_RPCIT,			/* handle, start, length */
	STAND_IN_PAUSE_SET,		/* busy answers */
	STAND_IN_PAUSE_MPCIFC,
	STAND_IN_PAUSE_RPCIT,
	STAND_IN_LISTED,		/* id, handle, configured */
	STAND_IN_UID_CHECKING,		/* on */
	STAND_IN_RESPONSE,		/* command, code, condition */
	STAND_IN_KINDS,
};

struct stand_in_event {
	u64 numbers[4];
	u32 kind;
	u32 size;			/* of what is in bytes */
	u8 bytes[80];
};

void stand_in_record(const struct stand_in_event *event);

/* The events since the call before, until the next event; their number */
u32 stand_in_events(const struct stand_in_event **events);

/*
 * Answers to an instruction, used up in order: condition code and status, and
 * for STAND_IN_CALL the bytes of the response, for STAND_IN_IMMEDIATE those of
 * the result. Then, for MPCIFC and RPCIT, what stand_in_always() set, 0 and 0
 * from the start. A command without an answer is a fault.
 */
void stand_in_answer(u32 kind, u8 cc, u8 status, const void *bytes, u32 size);
void stand_in_always(u32 kind, u8 cc, u8 status);
u32 stand_in_answers_left(void);

/* Pauses of that kind before the answer is not to ask again */
void stand_in_patience(u32 kind, u32 pauses);

/* A machine that answers commands, MPCIFC and RPCIT, and decides on pauses, instead of the script; NULL: the script */
struct stand_in_machine {
	void *context;
	/* A page: the request, and room for the response */
	u8 (*call)(void *context, void *block);
	u8 (*mpcifc)(void *context, u32 handle, u8 control, const void *fib, u8 *status);
	u8 (*rpcit)(void *context, u32 handle, u64 start, u64 length, u8 *status);
	bool (*pause)(void *context, u32 kind, u32 busy);
	/* A table comes, or goes */
	void (*table)(void *context, u64 origin, u32 size, bool allocated);
};

void stand_in_machine(const struct stand_in_machine *machine);
const struct stand_in_machine *stand_in_current(void);

/* Where an access of a device goes that is registered with @iota: absolute address, STAND_IN_REFUSED */
#define STAND_IN_REFUSED	(~0ULL)
u64 stand_in_dma(u64 iota, u64 iova, bool write);

#endif /* STAND_IN_H */
