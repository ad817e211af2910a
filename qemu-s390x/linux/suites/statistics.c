// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/* The software counters of /sys/kernel/debug/pci/<function>/statistics. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../counters.h"
#include "../disk.h"
#include "../sysfs.h"
#include "suites.h"

static struct disk disks[DISKS];

static void read_counters(struct counters *counters, const char *address)
{
	check_that(counters_read(counters, address), "no statistics of %s",
		   address);
}

static void print_counters(const char *address, const char *when,
			   const struct counters *counters)
{
	char text[COUNTERS_TEXT];

	counters_format(text, counters);
	ktap_data("zpci-statistics", "{\"function\":\"%s\",\"when\":\"%s\",%s}",
		  address, when, text);
}

static bool has_flush_queue(const struct disk *disk)
{
	char type[32];

	sysfs_read(type, sizeof(type), "/sys/kernel/iommu_groups/%d/type",
		   disk->function.group);
	return !strcmp(type, "DMA-FQ");
}

/*
 * Whether the driver of the disk maps requests piece by piece
 * (dma_iova_link()), and the kernel flushes those when it unmaps them, flush
 * queue or not.
 */
static bool is_flushed_at_once(const struct disk *disk)
{
	char links[16];

	kernel_parameter(links, sizeof(links), "zpci.links");
	return disk->function.class == CLASS_NVME && !strcmp(links, "flushed");
}

/* What one write and read of 64 pages must add to the counters. */
static void count_pages(const void *argument)
{
	const struct disk *disk = argument;
	const char *address = disk->function.address;
	struct counters before, after;

	read_counters(&before, address);
	disk_exercise(disk, 0, 65536, 4, 0);
	read_counters(&after, address);
	print_counters(address, "before", &before);
	print_counters(address, "after", &after);
	/* Each page of each block is mapped for the check, write and read. */
	check(after.mapped - before.mapped >= 3 * 64);
	check(after.unmapped - before.unmapped >= 3 * 64);
	/* QEMU wants to see every mapping. */
	check(after.sync_map > before.sync_map);
	if (has_flush_queue(disk) && !is_flushed_at_once(disk))
		check_equal(after.sync - before.sync, 0);
	else
		check(after.sync - before.sync >= 12);
}

/* The queue is emptied a second after something was put into it. */
static void flush_queue(const void *argument)
{
	const struct disk *disk = argument;
	const char *address = disk->function.address;
	struct counters before, after;

	disk_exercise(disk, 0, 4096, 4, 0);
	read_counters(&before, address);
	usleep(1500000);
	read_counters(&after, address);
	print_counters(address, "flushed", &after);
	check(after.global > before.global);
}

/* Measurement switched off and on again starts from 0. */
static void reset(const void *argument)
{
	const struct disk *disk = argument;
	const char *address = disk->function.address;
	struct counters counters;
	char text[SYSFS_VALUE];

	check_call(sysfs_write("0", COUNTERS, address));
	check(sysfs_read(text, sizeof(text), COUNTERS, address) > 0);
	check_that(!strcmp(text, "FMB statistics disabled"), "%s", text);
	check_call(sysfs_write("1", COUNTERS, address));
	read_counters(&counters, address);
	check_equal(counters.mapped, 0);
	check_equal(counters.unmapped, 0);
	check_equal(counters.sync_map, 0);
	check_equal(counters.sync, 0);
	disk_exercise(disk, 0, 4096, 1, 0);
	read_counters(&counters, address);
	check(counters.mapped >= 3);
}

static void define(void)
{
	size_t count = disks_find(disks);

	for (size_t i = 0; i < count; i++) {
		ktap_case(count_pages, &disks[i], "%s pages", disks[i].name);
		if (has_flush_queue(&disks[i]))
			ktap_case(flush_queue, &disks[i], "%s flush queue",
				  disks[i].name);
		ktap_case(reset, &disks[i], "%s reset", disks[i].name);
	}
}

const struct suite statistics_suite = { "statistics", define };
