// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"

int log_open(void)
{
	int log = check_call(open("/dev/kmsg", O_RDONLY | O_NONBLOCK));

	check_call(lseek(log, 0, SEEK_END));
	return log;
}

bool log_next(int log, char text[LOG_LINE], unsigned int *level)
{
	/* One line: its priority, other numbers, a semicolon and the text; then what it is about. */
	char record[8192], *start;
	ssize_t length;

	length = read(log, record, sizeof(record) - 1);
	if (length < 0 && errno == EAGAIN)
		return false;
	/* EPIPE: lines that nobody has read are gone. */
	check_that(length > 0, "/dev/kmsg: %m");
	record[length] = 0;
	check(sscanf(record, "%u", level) == 1);
	*level %= 8;
	start = strchr(record, ';');
	check(start);
	start++;
	start[strcspn(start, "\n")] = 0;
	snprintf(text, LOG_LINE, "%s", start);
	return true;
}

unsigned int log_count(int log, const char *text)
{
	unsigned int level, count = 0;
	char line[LOG_LINE];

	while (log_next(log, line, &level))
		count += strstr(line, text) != NULL;
	return count;
}
