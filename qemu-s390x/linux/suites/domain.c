// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The default domain of each function: the type and the last usable address
 * that this boot must have (zpci.domain=, zpci.last=), and changing the type
 * while the machine runs.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../disk.h"
#include "../function.h"
#include "../sysfs.h"
#include "suites.h"

#define GROUP "/sys/kernel/iommu_groups/%d/"

static struct function functions[FUNCTIONS];
static struct disk disks[DISKS];

static void read_type(const struct function *function, char *type, size_t size)
{
	check_that(sysfs_read(type, size, GROUP "type", function->group) > 0,
		   "type of group %d: %m", function->group);
}

static void check_type(const struct function *function, const char *expected)
{
	char type[32];

	read_type(function, type, sizeof(type));
	check_that(!strcmp(type, expected), "type is %s, expected %s", type,
		   expected);
}

static void boot_type(const void *argument)
{
	const struct function *function = argument;
	char expected[32];

	check_that(kernel_parameter(expected, sizeof(expected), "zpci.domain"),
		   "zpci.domain= says no type");
	check_type(function, expected);
}

/*
 * One region below the first usable address, one above the last; nothing may
 * be mapped there.
 */
static void reserved_regions(const void *argument)
{
	const struct function *function = argument;
	unsigned long long start, last;
	char regions[512], expected[32], *second;

	check_that(kernel_parameter(expected, sizeof(expected), "zpci.last"),
		   "zpci.last= says no address");
	check(sysfs_read(regions, sizeof(regions), GROUP "reserved_regions",
			 function->group) > 0);
	check(sscanf(regions, "%llx %llx reserved", &start, &last) == 2);
	check_equal(start, 0);
	check_equal(last, 0xffffffff);
	second = strchr(regions, '\n');
	check_that(second, "no upper region: %s", regions);
	check(sscanf(second, "%llx %llx reserved", &start, &last) == 2);
	check_equal(start, strtoull(expected, NULL, 0) + 1);
	/* What the tables of a region-third root can span. */
	check(last >= (1ull << 42) - 1);
}

/* From the flush queue to strict takes the driver away, the way back not. */
static void switch_type(const void *argument)
{
	const struct disk *disk = argument;
	const struct function *function = &disk->function;
	struct disk again;
	char type[32];

	read_type(function, type, sizeof(type));
	check_that(!strcmp(type, "DMA-FQ") || !strcmp(type, "DMA"),
		   "type is %s", type);
	check_call(function_unbind(function->address));
	check_call(sysfs_write("DMA", GROUP "type", function->group));
	check_type(function, "DMA");
	check_call(function_bind(function->address, NULL));
	check(disk_read(&again, function));
	disk_exercise(&again, 0, 65536, 4, 0);
	/* Function types without a flush queue would stay at DMA. */
	check_call(sysfs_write("DMA-FQ", GROUP "type", function->group));
	check_type(function, "DMA-FQ");
	disk_exercise(&again, 0, 65536, 4, 0);
	if (!strcmp(type, "DMA")) {
		check_call(function_unbind(function->address));
		check_call(sysfs_write("DMA", GROUP "type", function->group));
		check_call(function_bind(function->address, NULL));
	}
	check_type(function, type);
}

/* QEMU's emulated functions must translate: no identity domain. */
static void identity_refused(const void *argument)
{
	const struct disk *disk = argument;
	const struct function *function = &disk->function;
	struct disk again;
	char type[32];

	read_type(function, type, sizeof(type));
	check_call(function_unbind(function->address));
	check_that(sysfs_write("identity", GROUP "type", function->group) < 0,
		   "the function was given an identity domain");
	check_type(function, type);
	check_call(function_bind(function->address, NULL));
	check(disk_read(&again, function));
	disk_exercise(&again, 0, 4096, 1, 0);
}

static void define(void)
{
	size_t count = functions_find(functions), with_disk = disks_find(disks);

	for (size_t i = 0; i < count; i++) {
		ktap_case(boot_type, &functions[i], "%s type",
			  functions[i].address);
		ktap_case(reserved_regions, &functions[i], "%s reserved",
			  functions[i].address);
	}
	for (size_t i = 0; i < with_disk; i++) {
		ktap_case(switch_type, &disks[i], "%s switch", disks[i].name);
		ktap_case(identity_refused, &disks[i], "%s identity refused",
			  disks[i].name);
	}
}

const struct suite domain_suite = { "domain", define };
