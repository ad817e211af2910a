/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Modules of the kernel's own, as far as suites need them and they are not built in. */
#ifndef GUEST_MODULES_H
#define GUEST_MODULES_H

#include <stddef.h>

#define MODULES 32
#define MODULE_NAME 64

/* In the order in which they are loaded. */
extern char modules[MODULES][MODULE_NAME];
extern size_t modules_count;

/* Finds those that came with the initial file system. */
void modules_find(void);

/* Loads all. Returns 0, or -1 with errno at the first that cannot be. */
int modules_load(void);

/* Unloads all, the last first. The same. */
int modules_unload(void);

#endif
