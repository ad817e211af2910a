// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What happened, in order.
 */
#include <stdlib.h>

#include "stand_in.h"
#include "state.h"

static _Thread_local struct {
	struct stand_in_event *events;
	u32 count;
	u32 room;
	bool seen;			/* by stand_in_events() */
} log;

void stand_in_record(const struct stand_in_event *event)
{
	if (log.seen) {
		log.count = 0;
		log.seen = false;
	}
	if (log.count == log.room) {
		log.room = log.room ? 2 * log.room : 16;
		log.events = realloc(log.events, log.room * sizeof(*log.events));
		if (!log.events)
			abort();
	}
	log.events[log.count++] = *event;
}

u32 stand_in_events(const struct stand_in_event **events)
{
	u32 count = log.seen ? 0 : log.count;

	*events = log.events;
	log.seen = true;
	return count;
}

void events_reset(void)
{
	free(log.events);
	log.events = NULL;
	log.count = 0;
	log.room = 0;
	log.seen = false;
}

void zpci_rust_response(u16 command, u16 code, u8 condition)
{
	stand_in_record(&(struct stand_in_event){
		.kind = STAND_IN_RESPONSE,
		.numbers = { command, code, condition },
	});
}
