// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "modules.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DIRECTORY "/modules/kernel"

char modules[MODULES][MODULE_NAME];
size_t modules_count;

void modules_find(void)
{
	FILE *order = fopen(DIRECTORY "/order", "r");

	modules_count = 0;
	if (!order)
		return;
	while (modules_count < MODULES &&
	       fgets(modules[modules_count], MODULE_NAME, order)) {
		modules[modules_count][strcspn(modules[modules_count], "\n")] =
			0;
		modules_count++;
	}
	fclose(order);
}

static int load(const char *name)
{
	char path[sizeof(DIRECTORY) + MODULE_NAME + 4];
	int fd, rc;

	snprintf(path, sizeof(path), DIRECTORY "/%.63s.ko", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	rc = syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return rc;
}

int modules_load(void)
{
	for (size_t i = 0; i < modules_count; i++)
		if (load(modules[i]))
			return -1;
	return 0;
}

int modules_unload(void)
{
	for (size_t i = modules_count; i-- > 0;)
		if (syscall(SYS_delete_module, modules[i], O_NONBLOCK))
			return -1;
	return 0;
}
