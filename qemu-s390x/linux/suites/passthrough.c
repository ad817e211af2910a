// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "passthrough.h"

#include "../disk.h"
#include "../ktap.h"
#include "../sysfs.h"

struct function passthrough;

static void take(const void *argument)
{
	const char *driver = argument;

	check_that(passthrough.address[0], "no NVMe controller");
	check_call(function_bind(passthrough.address, driver));
}

static void give_back(const void *argument)
{
	struct disk disk;

	(void)argument;
	check_call(function_bind(passthrough.address, NULL));
	if (passthrough.class != CLASS_NVME)
		return;
	check(disk_read(&disk, &passthrough));
	disk_exercise(&disk, 0, 65536, 4, 0);
}

void passthrough_define(const char *driver)
{
	static struct function functions[FUNCTIONS];
	char address[16];

	if (kernel_parameter(address, sizeof(address), "zpci.vfio")) {
		if (!function_read(&passthrough, address))
			ktap_note("zpci.vfio=: there is no %s", address);
	} else {
		size_t count = functions_find(functions);

		for (size_t i = count; i-- > 0;)
			if (functions[i].class == CLASS_NVME)
				passthrough = functions[i];
	}
	ktap_case(take, driver, "bind to %s", driver);
}

void passthrough_return(void)
{
	ktap_case(give_back, NULL, "back to its driver");
}
