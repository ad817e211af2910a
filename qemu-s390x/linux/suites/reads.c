// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What the first block after the start and reads of several sizes cost on an
 * NVMe controller: instructions and RPCITs. Needs -icount shift=0.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../disk.h"
#include "../sysfs.h"
#include "suites.h"

#define MODULE "/modules/zpci_clock.ko"
#define CLOCK "/sys/kernel/debug/zpci_clock"
#define STATISTICS "/sys/kernel/debug/pci/%s/statistics"

/*
 * Of so many reads, the one that took the fewest instructions had no timer in
 * between, and perhaps was done before the processor had gone idle.
 */
#define READS 256

static struct disk disk;
/* What had been executed when the first block was there. */
static uint64_t started;

static const size_t sizes[] = { 4 << 10, 128 << 10, 1 << 20 };

/* Instructions executed so far. */
static uint64_t executed(void)
{
	char text[64], *rest;
	uint64_t passed, idle;

	check_that(sysfs_read(text, sizeof(text), CLOCK) > 0, "no clock: %m");
	passed = strtoull(text, &rest, 10);
	idle = strtoull(rest, NULL, 10);
	return passed - idle;
}

static uint64_t rpcits(void)
{
	static const char *const names[] = { "Global RPCITs:\t",
					     "Sync Map RPCITs:\t",
					     " Sync RPCITs:\t" };
	char text[SYSFS_VALUE];
	uint64_t sum = 0;

	check_that(sysfs_read(text, sizeof(text), STATISTICS,
			      disk.function.address) > 0, "statistics: %m");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *line = strstr(text, names[i]);

		check_that(line, "no line \"%s\"", names[i]);
		sum += strtoull(line + strlen(names[i]), NULL, 10);
	}
	return sum;
}

static void measured(const char *what, size_t size, uint64_t each,
		     uint64_t count, const char *unit)
{
	ktap_data("zpci-measurement",
		  "{\"what\":\"%s %zu KiB\",\"each\":%llu,\"count\":%llu,"
		  "\"unit\":\"%s\"}",
		  what, size >> 10, (unsigned long long)each,
		  (unsigned long long)count, unit);
}

/* What looking at the clock itself takes. */
static uint64_t fewest_of_nothing(void)
{
	uint64_t fewest = UINT64_MAX;

	for (unsigned int i = 0; i < READS; i++) {
		uint64_t start = executed(), count = executed() - start;

		if (count < fewest)
			fewest = count;
	}
	return fewest;
}

static void reads(const void *argument)
{
	size_t size = *(const size_t *)argument;
	uint64_t fewest = UINT64_MAX, nothing = fewest_of_nothing(), before;
	void *buffer = disk_buffer(size);
	int fd = disk_open(&disk);

	memset(buffer, 0, size);
	before = rpcits();
	for (unsigned int i = 0; i < READS; i++) {
		uint64_t start = executed(), count;

		check_equal(pread(fd, buffer, size, i * size % disk.size),
			    size);
		count = executed() - start - nothing;
		if (count < fewest)
			fewest = count;
	}
	measured("read", size, 1, fewest, "instructions");
	measured("read", size, READS, rpcits() - before, "RPCITs");
}

static void first_block(const void *argument)
{
	(void)argument;
	check_that(started, "no NVMe controller with a disk");
	ktap_data("zpci-measurement",
		  "{\"what\":\"start to first block\",\"each\":1,"
		  "\"count\":%llu,\"unit\":\"instructions\"}",
		  (unsigned long long)started);
}

static void define(void)
{
	struct function functions[FUNCTIONS];
	size_t count = functions_find(functions);
	int fd = open(MODULE, O_RDONLY);

	ktap_case(first_block, NULL, "first block");
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		return;
	for (size_t i = 0; i < count && !started; i++)
		if (functions[i].class == CLASS_NVME &&
		    disk_read(&disk, &functions[i]) &&
		    disk_carries_pattern(&disk))
			started = executed();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ktap_case(reads, &sizes[i], "%zu KiB", sizes[i] >> 10);
}

const struct suite reads_suite = { "reads", define };
