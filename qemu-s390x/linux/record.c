// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "record.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "log.h"
#include "sysfs.h"

#define VIEWS "/sys/kernel/debug/s390dbf"

static const struct {
	const char *name, *file;
} views[] = { { "pci_msg", "sprintf" }, { "pci_error", "hex_ascii" } };

#define VIEWS_COUNT (sizeof(views) / sizeof(views[0]))

/* The one in which instructions are records of bytes. */
#define ERRORS 1

static int log = -1;

void record_forget(void)
{
	for (size_t i = 0; i < VIEWS_COUNT; i++)
		check_call(sysfs_write("-", VIEWS "/%s/flush", views[i].name));
	if (log >= 0)
		close(log);
	log = log_open();
}

static void say(const char *row, const char *where, unsigned int level,
		char *text)
{
	/* A string of JSON. */
	for (char *at = text; *at; at++)
		if (*at == '"' || *at == '\\')
			*at = '\'';
	ktap_data("zpci-record",
		  "{\"row\":\"%s\",\"in\":\"%s\",\"level\":%u,\"text\":\"%s\"}",
		  row, where, level, text);
}

/* Says the records of a view. Returns how many of them are of `instruction`. */
static unsigned int tell_view(const char *row, size_t view,
			      unsigned int instruction)
{
	unsigned int found = 0, level, first, code;
	char path[SYSFS_PATH], line[256];
	FILE *file;
	int text;

	snprintf(path, sizeof(path), VIEWS "/%s/%s", views[view].name,
		 views[view].file);
	file = fopen(path, "r");
	check_that(file, "%s: %m", path);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*u %*s %u %*s %*u %*x %n", &level, &text) !=
		    1)
			continue;
		line[strcspn(line, "\n|")] = 0;
		found += view == ERRORS && level == 1 &&
			 sscanf(line + text, "%2x%2x", &first, &code) == 2 &&
			 first == instruction && (code == 0 || code == 2);
		say(row, views[view].name, level, line + text);
	}
	fclose(file);
	return found;
}

unsigned int record_tell(const char *row, unsigned int instruction)
{
	unsigned int found = 0, level;
	char line[LOG_LINE];

	for (size_t i = 0; i < VIEWS_COUNT; i++)
		found += tell_view(row, i, instruction);
	while (log_next(log, line, &level))
		say(row, "log", level, line);
	return found;
}

void record_tell_views(const char *row)
{
	/* A kernel that gave PCI up has none. */
	for (size_t i = 0; i < VIEWS_COUNT; i++)
		if (sysfs_exists(VIEWS "/%s", views[i].name))
			tell_view(row, i, 0);
}
