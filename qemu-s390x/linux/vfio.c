// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "vfio.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/vfio_zpci.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "function.h"
#include "ktap.h"
#include "sysfs.h"

const char *vfio_api_name(enum vfio_api api)
{
	return api == VFIO_API_TYPE1 ? "type1" : "iommufd";
}

static void open_type1(struct vfio *vfio, const char *address)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	struct function function;
	char path[64];

	check(function_read(&function, address) && function.group >= 0);
	snprintf(path, sizeof(path), "/dev/vfio/%d", function.group);
	check(sysfs_wait(true, 1000, "%s", path));
	vfio->iommu = check_call(open("/dev/vfio/vfio", O_RDWR));
	check_equal(ioctl(vfio->iommu, VFIO_GET_API_VERSION), VFIO_API_VERSION);
	check_equal(ioctl(vfio->iommu, VFIO_CHECK_EXTENSION,
			  VFIO_TYPE1v2_IOMMU), 1);
	vfio->group = check_call(open(path, O_RDWR));
	check_call(ioctl(vfio->group, VFIO_GROUP_GET_STATUS, &status));
	check(status.flags & VFIO_GROUP_FLAGS_VIABLE);
	check_call(ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER, &vfio->iommu));
	check_call(ioctl(vfio->iommu, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	vfio->device = check_call(ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD,
					address));
}

static int open_device(const char *address)
{
	char path[SYSFS_PATH];
	struct dirent *entry;
	DIR *directory;
	int fd = -1;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev",
		 address);
	directory = opendir(path);
	check_that(directory, "%s: %m", path);
	while (fd < 0 && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, "vfio", 4))
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%.64s",
			 entry->d_name);
		check(sysfs_wait(true, 1000, "%s", path));
		fd = check_call(open(path, O_RDWR));
	}
	closedir(directory);
	check_that(fd >= 0, "%s has no device file", address);
	return fd;
}

static void open_iommufd(struct vfio *vfio, const char *address)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz =
								sizeof(attach) };

	vfio->device = open_device(address);
	vfio->iommu = check_call(open("/dev/iommu", O_RDWR));
	vfio->group = -1;
	bind.iommufd = vfio->iommu;
	check_call(ioctl(vfio->device, VFIO_DEVICE_BIND_IOMMUFD, &bind));
	vfio->device_id = bind.out_devid;
	check_call(ioctl(vfio->iommu, IOMMU_IOAS_ALLOC, &alloc));
	vfio->ioas = alloc.out_ioas_id;
	attach.pt_id = vfio->ioas;
	check_call(ioctl(vfio->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
}

void vfio_open(struct vfio *vfio, enum vfio_api api, const char *address)
{
	memset(vfio, 0, sizeof(*vfio));
	vfio->api = api;
	/*
	 * Closing resets the function. If it is in error and that comes before
	 * the kernel has dealt with it, the reset waits for more than a minute.
	 */
	ktap_linger(500);
	if (api == VFIO_API_TYPE1)
		open_type1(vfio, address);
	else
		open_iommufd(vfio, address);
}

void vfio_open_beside(struct vfio *vfio, const struct vfio *other,
		      const char *address)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = other->iommu,
	};
	struct function function;
	char path[64];

	*vfio = *other;
	vfio->device = -1;
	if (vfio->api == VFIO_API_TYPE1) {
		check(function_read(&function, address) && function.group >= 0);
		snprintf(path, sizeof(path), "/dev/vfio/%d", function.group);
		check(sysfs_wait(true, 1000, "%s", path));
		vfio->group = check_call(open(path, O_RDWR));
		return;
	}
	vfio->device = open_device(address);
	check_call(ioctl(vfio->device, VFIO_DEVICE_BIND_IOMMUFD, &bind));
	vfio->device_id = bind.out_devid;
}

int vfio_attach(struct vfio *vfio)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = vfio->ioas,
	};

	if (vfio->api == VFIO_API_TYPE1)
		return ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER,
			     &vfio->iommu);
	return ioctl(vfio->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

int vfio_detach(struct vfio *vfio)
{
	struct vfio_device_detach_iommufd_pt detach = { .argsz =
								sizeof(detach) };

	if (vfio->api == VFIO_API_TYPE1)
		return ioctl(vfio->group, VFIO_GROUP_UNSET_CONTAINER);
	return ioctl(vfio->device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach);
}

int vfio_device(struct vfio *vfio, const char *address)
{
	return vfio->device >= 0 ?
		       vfio->device :
		       ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD, address);
}

int vfio_reset(struct vfio *vfio, const char *address)
{
	int device = vfio_device(vfio, address), result, error;

	if (device < 0)
		return -1;
	result = ioctl(device, VFIO_DEVICE_RESET);
	error = errno;
	if (device != vfio->device)
		close(device);
	errno = error;
	return result;
}

void vfio_close(struct vfio *vfio)
{
	close(vfio->device);
	if (vfio->group >= 0)
		close(vfio->group);
	close(vfio->iommu);
}

int vfio_map(struct vfio *vfio, void *memory, uint64_t iova, uint64_t size,
	     unsigned int access)
{
	if (vfio->api == VFIO_API_TYPE1) {
		struct vfio_iommu_type1_dma_map map = {
			.argsz = sizeof(map),
			.vaddr = (uintptr_t)memory,
			.iova = iova,
			.size = size,
		};

		if (access & VFIO_READ)
			map.flags |= VFIO_DMA_MAP_FLAG_READ;
		if (access & VFIO_WRITE)
			map.flags |= VFIO_DMA_MAP_FLAG_WRITE;
		return ioctl(vfio->iommu, VFIO_IOMMU_MAP_DMA, &map);
	} else {
		struct iommu_ioas_map map = {
			.size = sizeof(map),
			.flags = IOMMU_IOAS_MAP_FIXED_IOVA,
			.ioas_id = vfio->ioas,
			.user_va = (uintptr_t)memory,
			.length = size,
			.iova = iova,
		};

		if (access & VFIO_READ)
			map.flags |= IOMMU_IOAS_MAP_READABLE;
		if (access & VFIO_WRITE)
			map.flags |= IOMMU_IOAS_MAP_WRITEABLE;
		return ioctl(vfio->iommu, IOMMU_IOAS_MAP, &map);
	}
}

int vfio_unmap(struct vfio *vfio, uint64_t iova, uint64_t size,
	       uint64_t *unmapped)
{
	int result;

	if (vfio->api == VFIO_API_TYPE1) {
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = sizeof(unmap),
			.iova = iova,
			.size = size,
		};

		result = ioctl(vfio->iommu, VFIO_IOMMU_UNMAP_DMA, &unmap);
		*unmapped = unmap.size;
	} else {
		struct iommu_ioas_unmap unmap = {
			.size = sizeof(unmap),
			.ioas_id = vfio->ioas,
			.iova = iova,
			.length = size,
		};

		result = ioctl(vfio->iommu, IOMMU_IOAS_UNMAP, &unmap);
		*unmapped = unmap.length;
	}
	return result;
}

static size_t type1_ranges(struct vfio *vfio, struct iova_range *ranges)
{
	struct vfio_iommu_type1_info *info = vfio_iommu_info(vfio);
	const struct vfio_info_cap_header *header = NULL;
	size_t count = 0;

	while ((header = vfio_capability(info, info->argsz, info->cap_offset,
					 header))) {
		const struct vfio_iommu_type1_info_cap_iova_range *found =
			(const void *)header;

		if (header->id != VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			continue;
		for (; count < found->nr_iovas && count < IOVA_RANGES; count++)
			ranges[count] = (struct iova_range){
				found->iova_ranges[count].start,
				found->iova_ranges[count].end,
			};
	}
	free(info);
	return count;
}

static size_t iommufd_ranges(struct vfio *vfio, struct iova_range *ranges)
{
	struct iommu_iova_range found[IOVA_RANGES];
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.ioas_id = vfio->ioas,
		.num_iovas = IOVA_RANGES,
		.allowed_iovas = (uintptr_t)found,
	};

	check_call(ioctl(vfio->iommu, IOMMU_IOAS_IOVA_RANGES, &query));
	check(query.num_iovas <= IOVA_RANGES);
	for (size_t i = 0; i < query.num_iovas; i++)
		ranges[i] =
			(struct iova_range){ found[i].start, found[i].last };
	return query.num_iovas;
}

size_t vfio_ranges(struct vfio *vfio, struct iova_range *ranges)
{
	return vfio->api == VFIO_API_TYPE1 ? type1_ranges(vfio, ranges) :
					     iommufd_ranges(vfio, ranges);
}

/* Calls with a growing structure until the kernel asks for no more. */
static void *get_info(int fd, unsigned long request, size_t size)
{
	uint32_t *info = NULL;

	for (;;) {
		info = realloc(info, size);
		check(info);
		memset(info, 0, size);
		/* argsz comes first in all of them. */
		info[0] = size;
		check_call(ioctl(fd, request, info));
		if (info[0] <= size)
			return info;
		size = info[0];
	}
}

struct vfio_device_info *vfio_device_info(struct vfio *vfio)
{
	return get_info(vfio->device, VFIO_DEVICE_GET_INFO,
			sizeof(struct vfio_device_info));
}

struct vfio_iommu_type1_info *vfio_iommu_info(struct vfio *vfio)
{
	return get_info(vfio->iommu, VFIO_IOMMU_GET_INFO,
			sizeof(struct vfio_iommu_type1_info));
}

const struct vfio_info_cap_header *
vfio_capability(const void *info, size_t size, size_t offset,
		const struct vfio_info_cap_header *previous)
{
	size_t next = previous ? previous->next : offset;

	if (!next)
		return NULL;
	check(next + sizeof(*previous) <= size);
	/*
	 * The kernels that are tested append each capability to those before and
	 * pad it, so the chain ends.
	 */
	check(!previous ||
	      next >= (size_t)((const char *)(previous + 1) - (const char *)info));
	check(next % 8 == 0);
	return (const void *)((const char *)info + next);
}

const struct vfio_info_cap_header *
vfio_device_capability(const struct vfio_device_info *info, uint16_t id)
{
	const struct vfio_info_cap_header *header = NULL;

	while ((header = vfio_capability(info, info->argsz, info->cap_offset,
					 header)))
		if (header->id == id)
			return header;
	return NULL;
}

static uint64_t region_offset(struct vfio *vfio, unsigned int region)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = region };

	check_call(ioctl(vfio->device, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info.offset;
}

uint32_t vfio_read32(struct vfio *vfio, unsigned int region, uint64_t offset)
{
	uint32_t value;

	check_equal(pread(vfio->device, &value, sizeof(value),
			  region_offset(vfio, region) + offset), sizeof(value));
	return le32toh(value);
}

void vfio_write32(struct vfio *vfio, unsigned int region, uint64_t offset,
		  uint32_t value)
{
	value = htole32(value);
	check_equal(pwrite(vfio->device, &value, sizeof(value),
			   region_offset(vfio, region) + offset),
		    sizeof(value));
}

uint16_t vfio_read_config16(struct vfio *vfio, uint64_t offset)
{
	uint64_t base = region_offset(vfio, VFIO_PCI_CONFIG_REGION_INDEX);
	uint16_t value;

	check_equal(pread(vfio->device, &value, sizeof(value), base + offset),
		    sizeof(value));
	return le16toh(value);
}

void vfio_write_config16(struct vfio *vfio, uint64_t offset, uint16_t value)
{
	uint64_t base = region_offset(vfio, VFIO_PCI_CONFIG_REGION_INDEX);

	value = htole16(value);
	check_equal(pwrite(vfio->device, &value, sizeof(value), base + offset),
		    sizeof(value));
}

bool vfio_proposed(void)
{
	char value[8];

	return kernel_parameter(value, sizeof(value), "zpci.proposed");
}

uint32_t vfio_hardware_type(void)
{
	return vfio_proposed() ? IOMMU_HW_INFO_TYPE_ZPCI_PROPOSED :
				 IOMMU_HW_INFO_TYPE_ZPCI;
}

int vfio_error_event(struct vfio *vfio)
{
	char storage[sizeof(struct vfio_irq_set) + sizeof(int)] = { 0 };
	struct vfio_irq_set *set = (struct vfio_irq_set *)storage;
	int event = check_call(eventfd(0, EFD_NONBLOCK));

	set->argsz = sizeof(storage);
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_ERR_IRQ_INDEX;
	set->count = 1;
	memcpy(set->data, &event, sizeof(event));
	check_call(ioctl(vfio->device, VFIO_DEVICE_SET_IRQS, set));
	return event;
}

int vfio_read_error(struct vfio *vfio, void *event)
{
	struct {
		struct vfio_device_feature feature;
		uint64_t data;
	} call = {
		.feature.argsz = sizeof(call),
		.feature.flags = VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_ERROR_EVENT,
		.data = (uintptr_t)event,
	};

	return ioctl(vfio->device, VFIO_DEVICE_FEATURE, &call);
}

bool vfio_wait(int event, unsigned int milliseconds)
{
	struct pollfd poll_event = { .fd = event, .events = POLLIN };
	uint64_t count;

	return poll(&poll_event, 1, milliseconds) == 1 &&
	       read(event, &count, sizeof(count)) == sizeof(count);
}
