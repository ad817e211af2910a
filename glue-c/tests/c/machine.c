// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Instructions, answered from a script, and pauses.
 */
#include <stdlib.h>
#include <string.h>

#include "stand_in.h"
#include "state.h"

#define PAGE		4096
#define FIB		80
#define HEADER		16

struct answer {
	u8 cc;
	u8 status;
	u32 kind;
	u32 size;
	u8 *bytes;
};

static _Thread_local struct {
	struct answer *answers;
	u32 count;
	u32 used;
	struct answer always[STAND_IN_KINDS];
	u32 patience[STAND_IN_KINDS];
	u32 pauses[STAND_IN_KINDS];
	/* The same instruction has to come next, after a busy answer */
	bool again[STAND_IN_KINDS];
	/* Busy answers to the last instructions, without another in between */
	u32 row;
	struct stand_in_machine other;
} machine;

void stand_in_machine(const struct stand_in_machine *other)
{
	machine.other = other ? *other : (struct stand_in_machine){};
}

const struct stand_in_machine *stand_in_current(void)
{
	return &machine.other;
}

void stand_in_answer(u32 kind, u8 cc, u8 status, const void *bytes, u32 size)
{
	struct answer *answer;

	machine.answers = realloc(machine.answers, (machine.count + 1) * sizeof(*machine.answers));
	if (!machine.answers)
		abort();
	answer = &machine.answers[machine.count++];
	*answer = (struct answer){ .cc = cc, .status = status, .kind = kind, .size = size };
	if (!size)
		return;
	answer->bytes = malloc(size);
	if (!answer->bytes)
		abort();
	memcpy(answer->bytes, bytes, size);
}

void stand_in_always(u32 kind, u8 cc, u8 status)
{
	machine.always[kind] = (struct answer){ .cc = cc, .status = status, .kind = kind };
}

u32 stand_in_answers_left(void)
{
	return machine.count - machine.used;
}

void stand_in_patience(u32 kind, u32 pauses)
{
	machine.patience[kind] = pauses;
	machine.pauses[kind] = 0;
}

void machine_reset(void)
{
	u32 i;

	for (i = 0; i < machine.count; i++)
		free(machine.answers[i].bytes);
	free(machine.answers);
	memset(&machine, 0, sizeof(machine));
}

/* The next answer, which has to be one to this instruction; NULL when all are used up */
static const struct answer *next_answer(u32 kind)
{
	if (machine.used == machine.count)
		return NULL;
	if (machine.answers[machine.used].kind != kind) {
		stand_in_note("instruction %u where the script has %u", kind, machine.answers[machine.used].kind);
		return NULL;
	}
	return &machine.answers[machine.used++];
}

u8 zpci_rust_call(u8 processor, void *block)
{
	struct stand_in_event event = { .kind = STAND_IN_CALL, .numbers = { processor } };
	u8 *bytes = block;
	u32 request = (u32)bytes[0] << 8 | bytes[1];
	const struct answer *answer;

	if ((uintptr_t)block % PAGE) {
		stand_in_note("block at %p is no page", block);
		return 3;
	}
	if (machine.other.call)
		return machine.other.call(machine.other.context, block);
	if (request > sizeof(event.bytes) - HEADER) {
		stand_in_note("request of %u bytes", request);
		return 3;
	}
	event.size = request + HEADER;
	memcpy(event.bytes, bytes, event.size);
	stand_in_record(&event);
	answer = next_answer(STAND_IN_CALL);
	if (!answer || answer->size > PAGE - request) {
		stand_in_note("no answer to command %u", (u32)bytes[2] << 8 | bytes[3]);
		return 3;
	}
	if (answer->size)
		memcpy(bytes + request, answer->bytes, answer->size);
	return answer->cc;
}

u8 zpci_rust_immediate(u64 command, u64 *result)
{
	const struct answer *answer;

	stand_in_record(&(struct stand_in_event){ .kind = STAND_IN_IMMEDIATE, .numbers = { command } });
	answer = next_answer(STAND_IN_IMMEDIATE);
	if (!answer || answer->size != sizeof(*result)) {
		stand_in_note("no answer to an immediate command");
		return 3;
	}
	memcpy(result, answer->bytes, sizeof(*result));
	return answer->cc;
}

static u8 instruction(const struct stand_in_event *event, u8 *status, bool again)
{
	u32 pause = event->kind == STAND_IN_RPCIT ? STAND_IN_PAUSE_RPCIT : STAND_IN_PAUSE_MPCIFC;
	const struct answer *answer;

	if (again != machine.again[pause])
		stand_in_note("%s taken for %s", again ? "the first" : "once more",
			      again ? "once more" : "the first");
	machine.again[pause] = false;

	stand_in_record(event);
	answer = next_answer(event->kind);
	if (!answer)
		answer = &machine.always[event->kind];
	*status = answer->status;
	machine.row = answer->cc == 2 ? machine.row + 1 : 0;
	return answer->cc;
}

u8 zpci_rust_mpcifc(u32 handle, u8 control, const void *fib, u8 *status, bool again)
{
	struct stand_in_event event = {
		.kind = STAND_IN_MPCIFC,
		.numbers = { handle, control },
		.size = FIB,
	};

	if (machine.other.mpcifc)
		return machine.other.mpcifc(machine.other.context, handle, control, fib, status);
	if ((uintptr_t)fib % 8)
		stand_in_note("function information block at %p is not aligned", fib);
	memcpy(event.bytes, fib, FIB);
	return instruction(&event, status, again);
}

u32 zpci_rust_rpcit(u64 start, u64 length, u32 handle, bool again)
{
	u8 cc, status = 0;

	if (machine.other.rpcit)
		cc = machine.other.rpcit(machine.other.context, handle, start, length, &status);
	else
		cc = instruction(&(struct stand_in_event){
			.kind = STAND_IN_RPCIT,
			.numbers = { handle, start, length },
		}, &status, again);
	return (u32)status << 8 | cc;
}

static bool pause_of(u32 kind, u32 busy, bool slow)
{
	if (machine.other.pause)
		return machine.other.pause(machine.other.context, kind, busy);
	stand_in_record(&(struct stand_in_event){ .kind = kind, .numbers = { busy, slow } });
	machine.again[kind] = machine.pauses[kind]++ < machine.patience[kind];
	if (!machine.again[kind])
		machine.row = 0;
	return machine.again[kind];
}

bool zpci_rust_pause_set(u32 busy)
{
	return pause_of(STAND_IN_PAUSE_SET, busy, false);
}

bool zpci_rust_pause_mpcifc(u32 busy)
{
	return pause_of(STAND_IN_PAUSE_MPCIFC, busy, false);
}

bool zpci_rust_pause_rpcit(u32 busy, bool slow, u64 *last, u64 *waited)
{
	/* Only the first of several in a row has no last one. */
	if (!machine.other.pause && (*last != 0) != (machine.row > 1))
		stand_in_note("pause %u is %s the first of several", busy, *last ? "not" : "");
	/* The clock ticks with each answer. */
	if (*last)
		*waited += 1;
	*last = 1;
	if (*waited >= busy)
		stand_in_note("%llu ticks were waited in %u pauses", (unsigned long long)*waited, busy);
	return pause_of(STAND_IN_PAUSE_RPCIT, busy, slow);
}
