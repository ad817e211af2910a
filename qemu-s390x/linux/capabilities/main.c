// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * capabilities [--json] ADDRESS...: what VFIO and iommufd report of the functions
 * at these addresses, which have to be bound to vfio-pci, in one container and
 * one address space.
 */

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/iommufd.h>
#include <linux/vfio_zpci.h>

#include "chain.h"
#include "output.h"

#define MOST 64
#define DEVICES "/sys/bus/pci/devices"

/* Data of iommufd of which only the beginning is known. */
#define HARDWARE 256

static bool whole = true;

static int open_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(EXIT_FAILURE, "%s", path);
	return fd;
}

static void call(int fd, unsigned long request, void *argument,
		 const char *name)
{
	if (ioctl(fd, request, argument) < 0)
		err(EXIT_FAILURE, "%s", name);
}

#define CALL(fd, request, argument) call(fd, request, argument, #request)

static int open_group(const char *address)
{
	char path[256], link[256], *number;
	ssize_t length;

	snprintf(path, sizeof(path), DEVICES "/%s/iommu_group", address);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		err(EXIT_FAILURE, "%s", path);
	link[length] = 0;
	number = strrchr(link, '/');
	snprintf(path, sizeof(path), "/dev/vfio/%.32s",
		 number ? number + 1 : link);
	return open_file(path);
}

static int open_device(const char *address)
{
	struct dirent *entry;
	char path[512];
	DIR *directory;

	snprintf(path, sizeof(path), DEVICES "/%s/vfio-dev", address);
	directory = opendir(path);
	if (!directory)
		err(EXIT_FAILURE, "%s", path);
	while ((entry = readdir(directory)) &&
	       strncmp(entry->d_name, "vfio", 4))
		;
	if (!entry)
		errx(EXIT_FAILURE, "%s has no device file", address);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%.64s", entry->d_name);
	closedir(directory);
	return open_file(path);
}

/* Calls with a buffer of `size` bytes, which are 0 before. */
static struct vfio_iommu_type1_info *get_info(int container, size_t size)
{
	struct vfio_iommu_type1_info *info = calloc(1, size);

	if (!info)
		err(EXIT_FAILURE, "%zu bytes", size);
	info->argsz = size;
	CALL(container, VFIO_IOMMU_GET_INFO, info);
	return info;
}

/* Where the first capability is, 0 for none. */
static size_t first_capability(const struct vfio_iommu_type1_info *info)
{
	return info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;
}

/* Whether the kernel had more to say than the buffer of `size` bytes holds. */
static bool is_short(const struct vfio_iommu_type1_info *info, size_t size)
{
	size_t first = first_capability(info);

	return info->argsz > size ||
	       (chain_has(info, size, first,
			  VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_TABLE_FORMATS) &&
		!chain_has(info, size, first,
			   VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_FUNCTIONS));
}

static void show_container(const char *name, int type, char **addresses)
{
	struct vfio_iommu_type1_info *info = NULL;
	int container = open_file("/dev/vfio/vfio");
	int groups[MOST], count = 0;
	size_t size;

	for (; count < MOST && addresses[count]; count++) {
		groups[count] = open_group(addresses[count]);
		CALL(groups[count], VFIO_GROUP_SET_CONTAINER, &container);
		if (!count && ioctl(container, VFIO_SET_IOMMU, type) < 0)
			err(EXIT_FAILURE, "VFIO_SET_IOMMU");
	}
	/* As often as something grows between two calls. */
	do {
		free(info);
		info = get_info(container, sizeof(*info));
		size = info->argsz;
		free(info);
		info = get_info(container, size);
	} while (is_short(info, size));

	output_open_named(name);
	output_number("argsz", info->argsz);
	output_hex("flags", info->flags);
	if (info->flags & VFIO_IOMMU_INFO_PGSIZES)
		output_hex("iova_pgsizes", info->iova_pgsizes);
	whole &= chain_show(info, size, first_capability(info));
	/* Capabilities that are nowhere. */
	whole &= !(info->flags & VFIO_IOMMU_INFO_CAPS) || info->cap_offset;
	output_close();

	free(info);
	while (count--)
		close(groups[count]);
	close(container);
}

static void show_hardware(int iommufd, uint32_t device)
{
	union {
		struct iommu_hw_info_zpci zpci;
		uint8_t bytes[HARDWARE];
	} data = { 0 };
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.dev_id = device,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data,
	};

	CALL(iommufd, IOMMU_GET_HW_INFO, &info);
	output_hex("type", info.out_data_type);
	output_number("data_len", info.data_len);
	output_hex("capabilities", info.out_capabilities);
	if (info.out_data_type != IOMMU_HW_INFO_TYPE_ZPCI)
		return;
	output_hex("flags", data.zpci.flags);
	output_hex("designation_types", data.zpci.designation_types);
	output_hex("dtsm", data.zpci.dtsm);
	output_hex("frame_sizes", data.zpci.frame_sizes);
	if (!(data.zpci.flags & IOMMU_HW_INFO_ZPCI_MSI_WINDOW))
		return;
	output_hex("msi_start", data.zpci.msi_start);
	output_hex("msi_end", data.zpci.msi_end);
}

static void show_ranges(int iommufd, uint32_t ioas)
{
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.ioas_id = ioas,
	};
	struct iommu_iova_range *ranges = NULL;

	/* The first call says how many there are. */
	while (ioctl(iommufd, IOMMU_IOAS_IOVA_RANGES, &query) < 0) {
		if (errno != EMSGSIZE)
			err(EXIT_FAILURE, "IOMMU_IOAS_IOVA_RANGES");
		ranges = realloc(ranges, query.num_iovas * sizeof(*ranges));
		if (!ranges)
			err(EXIT_FAILURE, "%u ranges", query.num_iovas);
		query.allowed_iovas = (uintptr_t)ranges;
	}
	output_open_list("ranges");
	for (uint32_t i = 0; i < query.num_iovas; i++) {
		output_open("range");
		output_hex("start", ranges[i].start);
		output_hex("end", ranges[i].last);
		output_close();
	}
	output_close_list();
	free(ranges);
}

static void show_iommufd(char **addresses)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int iommufd = open_file("/dev/iommu");
	int devices[MOST], count = 0;

	CALL(iommufd, IOMMU_IOAS_ALLOC, &alloc);
	output_open_named("iommufd");
	output_open_list("functions");
	for (; count < MOST && addresses[count]; count++) {
		struct vfio_device_bind_iommufd bind = {
			.argsz = sizeof(bind),
			.iommufd = iommufd,
		};
		struct vfio_device_attach_iommufd_pt attach = {
			.argsz = sizeof(attach),
			.pt_id = alloc.out_ioas_id,
		};

		devices[count] = open_device(addresses[count]);
		CALL(devices[count], VFIO_DEVICE_BIND_IOMMUFD, &bind);
		CALL(devices[count], VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
		output_open("function");
		output_text("address", addresses[count]);
		show_hardware(iommufd, bind.out_devid);
		output_close();
	}
	output_close_list();
	show_ranges(iommufd, alloc.out_ioas_id);
	output_close();
	while (count--)
		close(devices[count]);
	close(iommufd);
}

int main(int count, char **arguments)
{
	bool json = count > 1 && !strcmp(arguments[1], "--json");
	char **addresses = arguments + 1 + json;

	if (!*addresses || **addresses == '-')
		errx(EXIT_FAILURE, "usage: capabilities [--json] ADDRESS...");
	if (addresses + MOST < arguments + count)
		errx(EXIT_FAILURE, "more than %d functions", MOST);
	output_start(json);
	show_container("type1", VFIO_TYPE1_IOMMU, addresses);
	show_container("type1v2", VFIO_TYPE1v2_IOMMU, addresses);
	show_iommufd(addresses);
	if (!whole)
		errx(EXIT_FAILURE, "a chain of capabilities is broken");
	return EXIT_SUCCESS;
}
