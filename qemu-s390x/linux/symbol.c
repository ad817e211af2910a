// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "symbol.h"

#include <stdio.h>
#include <string.h>

#include "ktap.h"

const char *const symbol_crates[SYMBOL_CRATES] = { "3clp", "s390_iommu",
						   "zpci_glue" };

bool symbol_is_of(const char *name, const char *crate)
{
	return !strncmp(name, "_R", 2) && strstr(name, crate);
}

unsigned long long symbol_address(const char *name)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	unsigned long long address = 0;
	char line[512], found[256];

	check_that(file, "/proc/kallsyms: %m");
	while (fgets(line, sizeof(line), file))
		/* Those of modules follow, with the module behind the name. */
		if (sscanf(line, "%llx %*c %255s", &address, found) == 2 &&
		    !strcmp(found, name))
			break;
		else
			address = 0;
	fclose(file);
	check_that(address, "the kernel has no %s, or does not say where",
		   name);
	return address;
}
