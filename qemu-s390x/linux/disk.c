// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ktap.h"
#include "pattern.h"
#include "sysfs.h"

#define PAGE 4096

bool disk_read(struct disk *disk, const struct function *function)
{
	char value[64];

	memset(disk, 0, sizeof(*disk));
	disk->function = *function;
	if (!function_disk(function->address, disk->name, sizeof(disk->name)) ||
	    sysfs_read(value, sizeof(value), "/sys/block/%s/size",
		       disk->name) < 0)
		return false;
	disk->size = strtoull(value, NULL, 10) * 512;
	/* virtio-blk has it at the disk, NVMe at the controller. */
	if (sysfs_read(value, sizeof(value), "/sys/block/%s/serial",
		       disk->name) < 0 &&
	    sysfs_read(value, sizeof(value), "/sys/block/%s/device/serial",
		       disk->name) < 0)
		return false;
	/* NVMe fills its serial number with blanks. */
	value[strcspn(value, " ")] = 0;
	snprintf(disk->serial, sizeof(disk->serial), "%.31s", value);
	return true;
}

bool disk_carries_pattern(const struct disk *disk)
{
	char path[64];
	uint64_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool carries = false;
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", disk->name);
	fd = open(path, O_RDONLY | O_DIRECT);
	if (fd < 0 || page == MAP_FAILED)
		return false;
	if (disk->size >= PAGE && pread(fd, page, PAGE, 0) == PAGE &&
	    pattern_compare_any(page, PAGE, 0) < 0 &&
	    pread(fd, page, PAGE, disk->size - PAGE) == PAGE &&
	    pattern_compare_any(page, PAGE, disk->size - PAGE) < 0)
		carries = true;
	close(fd);
	munmap(page, PAGE);
	return carries;
}

size_t disks_find(struct disk *disks)
{
	struct function functions[FUNCTIONS];
	size_t found = functions_find(functions), count = 0;

	memset(disks, 0, DISKS * sizeof(*disks));
	for (size_t i = 0; i < found && count < DISKS; i++) {
		char driver[32];

		function_driver(functions[i].address, driver, sizeof(driver));
		if (functions[i].class >> 16 == CLASS_STORAGE &&
		    strcmp(driver, "vfio-pci") &&
		    disk_read(&disks[count], &functions[i]) &&
		    disk_carries_pattern(&disks[count]))
			count++;
	}
	if (count < DISKS)
		memset(&disks[count], 0, sizeof(disks[count]));
	return count;
}

int disk_open(const struct disk *disk)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", disk->name);
	return check_call(open(path, O_RDWR | O_DIRECT));
}

void *disk_buffer(size_t size)
{
	void *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check_that(buffer != MAP_FAILED, "no %zu bytes: %m", size);
	return buffer;
}

void disk_announce(const struct disk *disk, uint64_t start, uint64_t length)
{
	ktap_data("zpci-written",
		  "{\"disk\":\"%s\",\"serial\":\"%s\",\"offset\":%llu,"
		  "\"length\":%llu}",
		  disk->name, disk->serial, (unsigned long long)start,
		  (unsigned long long)length);
}

static void read_block(int fd, void *buffer, uint64_t start, size_t block)
{
	ssize_t got;

	/* What the read does not bring cannot look right. */
	memset(buffer, 0xa5, block);
	got = pread(fd, buffer, block, start);
	check_that(got == (ssize_t)block, "read of %zu bytes at %#llx: %zd (%m)",
		   block, (unsigned long long)start, got);
}

static void write_block(int fd, void *buffer, uint64_t start, size_t block)
{
	ssize_t done;

	pattern_fill(buffer, block, start, PATTERN_WRITTEN);
	done = pwrite(fd, buffer, block, start);
	check_that(done == (ssize_t)block,
		   "write of %zu bytes at %#llx: %zd (%m)", block,
		   (unsigned long long)start, done);
}

static void check_block(const void *buffer, uint64_t start, size_t block)
{
	ssize_t wrong = pattern_compare(buffer, block, start, PATTERN_WRITTEN);

	check_that(wrong < 0, "wrong data at %#llx",
		   (unsigned long long)start + wrong);
}

void disk_rewrite(int fd, void *buffer, uint64_t start, size_t block)
{
	write_block(fd, buffer, start, block);
	read_block(fd, buffer, start, block);
	check_block(buffer, start, block);
}

void disk_exercise(const struct disk *disk, uint64_t start, size_t block,
		   size_t blocks, size_t offset)
{
	char *pages = disk_buffer(block + PAGE), *buffer = pages + offset;
	int fd = disk_open(disk);

	check_that(start + block * blocks <= disk->size,
		   "the disk has only %llu bytes",
		   (unsigned long long)disk->size);
	for (size_t i = 0; i < blocks; i++) {
		uint64_t at = start + i * block;
		ssize_t wrong;

		read_block(fd, buffer, at, block);
		wrong = pattern_compare_any(buffer, block, at);
		check_that(wrong < 0, "no pattern at %#llx, nothing written",
			   (unsigned long long)at + wrong);
	}
	disk_announce(disk, start, block * blocks);
	for (size_t i = 0; i < blocks; i++)
		write_block(fd, buffer, start + i * block, block);
	for (size_t i = 0; i < blocks; i++) {
		read_block(fd, buffer, start + i * block, block);
		check_block(buffer, start + i * block, block);
	}
	/* Bytes of the page around the buffer belong to nobody's DMA. */
	for (size_t i = 0; i < offset; i++)
		check_equal(pages[i], 0);
	for (size_t i = offset + block; i < block + PAGE; i++)
		check_equal(pages[i], 0);
	close(fd);
}
