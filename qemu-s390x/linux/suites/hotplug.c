// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Functions that the host takes away and brings back while they are busy. The
 * host waits for "# zpci-hotplug:" lines and acts on them.
 */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../disk.h"
#include "../ktap.h"
#include "../pattern.h"
#include "../sysfs.h"
#include "suites.h"

#define PART (1 << 20)
#define ROUNDS 3

static struct disk disks[DISKS];

static atomic_ulong rounds;

/* Writes and reads until the disk is gone; data that comes is compared. */
static void *keep_busy(void *argument)
{
	const struct disk *disk = argument;
	void *buffer = disk_buffer(65536);
	int fd = disk_open(disk);

	for (uint64_t at = 0;; at = (at + 65536) % PART) {
		pattern_fill(buffer, 65536, at, PATTERN_WRITTEN);
		if (pwrite(fd, buffer, 65536, at) != 65536)
			break;
		memset(buffer, 0xa5, 65536);
		if (pread(fd, buffer, 65536, at) != 65536)
			break;
		check(pattern_compare(buffer, 65536, at, PATTERN_WRITTEN) < 0);
		atomic_fetch_add(&rounds, 1);
	}
	close(fd);
	return NULL;
}

static void ask_host(const char *what, const struct disk *disk)
{
	ktap_data("zpci-hotplug", "{\"do\":\"%s\",\"serial\":\"%s\"}", what,
		  disk->serial);
}

/* zpci.rounds= of the kernel command line. */
static unsigned int round_count(void)
{
	char value[16];

	return kernel_parameter(value, sizeof(value), "zpci.rounds") ?
		       atoi(value) :
		       ROUNDS;
}

static void busy(const void *argument)
{
	const struct disk *disk = argument;
	const char *address = disk->function.address;
	struct disk now = *disk;

	/* What is lost on the way is the pattern anyhow. */
	disk_exercise(disk, 0, PART, 1, 0);
	for (unsigned int i = 0; i < round_count(); i++) {
		struct function function;
		unsigned long before = atomic_load(&rounds);
		pthread_t thread;

		check_equal(pthread_create(&thread, NULL, keep_busy, &now), 0);
		while (atomic_load(&rounds) < before + 8)
			usleep(1000);
		ask_host("unplug", disk);
		check_that(sysfs_wait(false, 10000, "/sys/bus/pci/devices/%s",
				      address), "%s is still there", address);
		pthread_join(thread, NULL);
		ask_host("plug", disk);
		check_that(sysfs_wait(true, 10000, "/sys/bus/pci/devices/%s",
				      address), "%s does not come back",
			   address);
		check(function_read(&function, address));
		check(disk_read(&now, &function));
		check_that(!strcmp(now.serial, disk->serial), "%s is there",
			   now.serial);
		disk_exercise(&now, PART, 65536, 8, 0);
	}
}

static void define(void)
{
	size_t count = disks_find(disks);

	for (size_t i = 0; i < count; i++)
		ktap_case(busy, &disks[i], "%s unplugged while busy",
			  disks[i].name);
}

const struct suite hotplug_suite = { "hotplug", define };
