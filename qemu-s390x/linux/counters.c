// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "counters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

static bool find(unsigned long long *number, const char *text, const char *name)
{
	const char *line = strstr(text, name);

	if (line)
		*number = strtoull(line + strlen(name), NULL, 10);
	return line;
}

bool counters_read(struct counters *counters, const char *address)
{
	char text[SYSFS_VALUE];

	return sysfs_read(text, sizeof(text), COUNTERS, address) > 0 &&
	       find(&counters->mapped, text, " Mapped pages:\t") &&
	       find(&counters->unmapped, text, "Unmapped pages:\t") &&
	       find(&counters->global, text, "Global RPCITs:\t") &&
	       find(&counters->sync_map, text, "Sync Map RPCITs:\t") &&
	       find(&counters->sync, text, " Sync RPCITs:\t");
}

void counters_format(char text[COUNTERS_TEXT], const struct counters *counters)
{
	snprintf(text, COUNTERS_TEXT,
		 "\"mapped\":%llu,\"unmapped\":%llu,\"global_rpcits\":%llu,"
		 "\"sync_map_rpcits\":%llu,\"sync_rpcits\":%llu",
		 counters->mapped, counters->unmapped, counters->global,
		 counters->sync_map, counters->sync);
}
