// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/* Drivers come and go, again and again. */

#include <string.h>

#include "../disk.h"
#include "../sysfs.h"
#include "../vfio.h"
#include "passthrough.h"
#include "suites.h"

#define ROUNDS 3

static struct disk disks[DISKS];
static struct function functions[FUNCTIONS];

static void same_driver(const void *argument)
{
	const struct disk *disk = argument;
	struct disk again;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		check_call(function_unbind(disk->function.address));
		check_call(function_bind(disk->function.address, NULL));
		check(disk_read(&again, &disk->function));
		disk_exercise(&again, 0, 65536, 4, 0);
	}
}

static void vfio_between(const void *argument)
{
	const struct disk *disk = argument;
	const char *address = disk->function.address;
	struct disk again;
	struct vfio vfio;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		check_call(function_bind(address, "vfio-pci"));
		vfio_open(&vfio, i % 2 ? VFIO_API_IOMMUFD : VFIO_API_TYPE1,
			  address);
		vfio_close(&vfio);
		check_call(function_bind(address, NULL));
		check(disk_read(&again, &disk->function));
		disk_exercise(&again, 0, 65536, 4, 0);
	}
}

/* Every driver, whatever the function is. */
static void any_driver(const void *argument)
{
	const struct function *function = argument;
	char before[32], after[32];

	function_driver(function->address, before, sizeof(before));
	check_that(before[0], "the function has no driver");
	for (unsigned int i = 0; i < ROUNDS; i++) {
		check_call(function_unbind(function->address));
		check_call(function_bind(function->address, NULL));
	}
	function_driver(function->address, after, sizeof(after));
	check_that(!strcmp(before, after), "%s after %s", after,
		   before);
}

static void slot(const void *argument)
{
	const struct disk *disk = argument;
	const char *address = disk->function.address;
	struct function function;
	struct disk again;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		check(function_power_cycle(address));
		check(function_read(&function, address));
		check(disk_read(&again, &function));
		disk_exercise(&again, 0, 65536, 4, 0);
	}
}

/* Its driver is told of the reset, and goes while it may still be at work on it. */
static void reset(const void *argument)
{
	const struct disk *disk = argument;
	const char *address = disk->function.address;
	struct disk again;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		check_call(sysfs_write("1", "/sys/bus/pci/devices/%s/reset",
				       address));
		check_call(function_unbind(address));
		check_call(function_bind(address, NULL));
		check(disk_read(&again, &disk->function));
		disk_exercise(&again, 0, 65536, 4, 0);
	}
}

/* Disabled and enabled, with the device taken away in between. */
static void recover(const void *argument)
{
	const struct disk *disk = argument;
	const char *address = disk->function.address;
	struct function function;
	struct disk again;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		check_call(sysfs_write("1", "/sys/bus/pci/devices/%s/recover",
				       address));
		check(sysfs_wait(true, 2000, "/sys/bus/pci/devices/%s",
				 address));
		check(function_read(&function, address));
		check(disk_read(&again, &function));
		disk_exercise(&again, 0, 65536, 4, 0);
	}
}

static void define(void)
{
	size_t count = functions_find(functions), with_disk = disks_find(disks);

	for (size_t i = 0; i < count; i++)
		ktap_case(any_driver, &functions[i], "%s its driver",
			  functions[i].address);
	for (size_t i = 0; i < with_disk; i++) {
		ktap_case(same_driver, &disks[i], "%s its driver",
			  disks[i].name);
		ktap_case(vfio_between, &disks[i], "%s vfio-pci",
			  disks[i].name);
		ktap_case(slot, &disks[i], "%s slot power", disks[i].name);
		/* Virtio has no way to be reset once its slot was off. */
		if (!strncmp(disks[i].name, "nvme", 4))
			ktap_case(reset, &disks[i], "%s reset", disks[i].name);
		ktap_case(recover, &disks[i], "%s recover", disks[i].name);
	}
}

const struct suite rebind_suite = { "rebind", define };
