// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "function.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ktap.h"
#include "sysfs.h"

#define DEVICES "/sys/bus/pci/devices"

static unsigned long read_number(const char *address, const char *attribute)
{
	char value[64];

	sysfs_read(value, sizeof(value), DEVICES "/%s/%s", address, attribute);
	return strtoul(value, NULL, 0);
}

bool function_read(struct function *function, const char *address)
{
	char group[32];

	if (!sysfs_exists(DEVICES "/%s", address))
		return false;
	memset(function, 0, sizeof(*function));
	snprintf(function->address, sizeof(function->address), "%s", address);
	function->vendor = read_number(address, "vendor");
	function->device = read_number(address, "device");
	function->class = read_number(address, "class");
	function->group = -1;
	if (!sysfs_link(group, sizeof(group), DEVICES "/%s/iommu_group",
			address))
		function->group = atoi(group);
	return true;
}

unsigned long function_attribute(const struct function *function,
				 const char *name)
{
	char value[64], *end;
	unsigned long number;

	check_that(sysfs_read(value, sizeof(value), DEVICES "/%s/%s",
			      function->address, name) > 0,
		   "%s: %m", name);
	number = strtoul(value, &end, 0);
	check_that(!*end, "%s: \"%s\" is not a number", name, value);
	return number;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct function *first = a, *second = b;

	return strcmp(first->address, second->address);
}

size_t functions_find(struct function *functions)
{
	DIR *directory = opendir(DEVICES);
	struct dirent *entry;
	size_t count = 0;

	if (!directory)
		return 0;
	while (count < FUNCTIONS && (entry = readdir(directory))) {
		if (entry->d_name[0] != '.' &&
		    function_read(&functions[count], entry->d_name))
			count++;
	}
	closedir(directory);
	qsort(functions, count, sizeof(*functions), compare_addresses);
	return count;
}

void function_driver(const char *address, char *name, size_t size)
{
	sysfs_link(name, size, DEVICES "/%s/driver", address);
}

int function_unbind(const char *address)
{
	char driver[64];

	function_driver(address, driver, sizeof(driver));
	if (!driver[0])
		return 0;
	return sysfs_write(address, DEVICES "/%s/driver/unbind", address);
}

int function_bind(const char *address, const char *driver)
{
	char bound[64];

	/* A newline takes the override away. */
	if (sysfs_write(driver ? driver : "\n", DEVICES "/%s/driver_override",
			address) ||
	    function_unbind(address) ||
	    sysfs_write(address, "/sys/bus/pci/drivers_probe"))
		return -1;
	function_driver(address, bound, sizeof(bound));
	if (!bound[0] || (driver && strcmp(bound, driver))) {
		errno = ENODEV;
		return -1;
	}
	return 0;
}

bool function_power_cycle(const char *address)
{
	char fid[32];

	/* The slot is called after the FID, without 0x. */
	return sysfs_read(fid, sizeof(fid), DEVICES "/%s/function_id",
			  address) > 2 &&
	       !sysfs_write("0", "/sys/bus/pci/slots/%s/power", fid + 2) &&
	       sysfs_wait(false, 2000, DEVICES "/%s", address) &&
	       !sysfs_write("1", "/sys/bus/pci/slots/%s/power", fid + 2) &&
	       sysfs_wait(true, 2000, DEVICES "/%s", address);
}

/* Finds <directory>/<prefix>... below a device and stores its name. */
static bool find_child(const char *directory, const char *prefix, char *name,
		       size_t size)
{
	DIR *open_directory = opendir(directory);
	struct dirent *entry;
	bool found = false;

	if (!open_directory)
		return false;
	while (!found && (entry = readdir(open_directory))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(name, size, "%s", entry->d_name);
		found = true;
	}
	closedir(open_directory);
	return found;
}

static bool find_disk(const char *address, char *name, size_t size)
{
	char path[SYSFS_PATH], child[64];

	/* <function>/nvme/nvme0/nvme0n1 */
	snprintf(path, sizeof(path), DEVICES "/%s/nvme", address);
	if (find_child(path, "nvme", child, sizeof(child))) {
		snprintf(path, sizeof(path), DEVICES "/%s/nvme/%s", address,
			 child);
		return find_child(path, "nvme", name, size);
	}
	/* <function>/virtio0/block/vda */
	snprintf(path, sizeof(path), DEVICES "/%s", address);
	if (!find_child(path, "virtio", child, sizeof(child)))
		return false;
	snprintf(path, sizeof(path), DEVICES "/%s/%s/block", address, child);
	return find_child(path, "vd", name, size);
}

/* A disk is in sysfs a moment before it can be opened. */
static bool can_open(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%.48s", name);
	fd = open(path, O_RDONLY);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool function_disk(const char *address, char *name, size_t size)
{
	/* NVMe namespaces are scanned in the background. */
	for (unsigned int tries = 0; tries < 300 * patience(); tries++) {
		if (find_disk(address, name, size) && can_open(name))
			return true;
		usleep(10000);
	}
	return false;
}
