// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "symbol.h"

#include <string.h>

const char *const symbol_crates[SYMBOL_CRATES] = { "3clp", "s390_iommu",
						   "zpci_glue" };

bool symbol_is_of(const char *name, const char *crate)
{
	return !strncmp(name, "_R", 2) && strstr(name, crate);
}
