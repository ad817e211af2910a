// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What a kernel or a machine would not have survived.
 */
#include <stdarg.h>
#include <stdio.h>

#include "stand_in.h"
#include "state.h"

static _Thread_local char fault[160];

const char *stand_in_fault(void)
{
	storage_check();
	return fault[0] ? fault : NULL;
}

void stand_in_note(const char *format, ...)
{
	va_list arguments;

	if (fault[0])
		return;
	va_start(arguments, format);
	vsnprintf(fault, sizeof(fault), format, arguments);
	va_end(arguments);
}

void stand_in_reset(void)
{
	storage_reset();
	events_reset();
	machine_reset();
	fault[0] = 0;
}
