// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "container.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ktap.h"
#include "sysfs.h"
#include "vfio.h"

int container_group(const struct function *function)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", function->group);
	check(sysfs_wait(true, 1000, "%s", path));
	return check_call(open(path, O_RDWR));
}

int container_join(int container, int group)
{
	return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
}

int container_leave(int group)
{
	return ioctl(group, VFIO_GROUP_UNSET_CONTAINER);
}

int container_open(int type, int group)
{
	int container = check_call(open("/dev/vfio/vfio", O_RDWR));

	check_call(container_join(container, group));
	check_call(ioctl(container, VFIO_SET_IOMMU, type));
	return container;
}

size_t container_size(int container)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	check_call(ioctl(container, VFIO_IOMMU_GET_INFO, &info));
	return info.argsz;
}

uint8_t *container_information(int container, size_t size)
{
	uint32_t argsz = size;
	/* The kernel reads more than the buffer if that is next to nothing. */
	uint8_t *bytes = malloc(2 * size + 64);

	check(bytes);
	memset(bytes, POISON, 2 * size + 64);
	memcpy(bytes, &argsz, sizeof(argsz));
	if (!ioctl(container, VFIO_IOMMU_GET_INFO, bytes))
		return bytes;
	free(bytes);
	return NULL;
}

/* The front of all capabilities that are an array. */
struct array {
	struct vfio_info_cap_header header;
	uint32_t count;
	uint32_t entry_size;
};

/* Stores where the entries are, which have `least` bytes or more. */
static size_t read_array(const struct vfio_info_cap_header *header,
			 const void **entries, size_t least)
{
	const struct array *array = (const void *)header;

	check(array->count && array->count <= CONTAINER_ENTRIES);
	check_equal(array->entry_size, least);
	for (uint32_t i = 0; i < array->count; i++)
		entries[i] = (const char *)(array + 1) + i * array->entry_size;
	return array->count;
}

#define READ_ARRAY(header, entries)                       \
	read_array(header, (const void **)(entries), sizeof(*(entries)[0]))

static void read_one(struct container_capabilities *found,
		     const struct vfio_info_cap_header *header)
{
	const void *capability = header;

	check(found->count < sizeof(found->ids) / sizeof(found->ids[0]));
	/* Nothing is there twice. */
	for (size_t i = 0; i < found->count; i++)
		check(found->ids[i] != header->id);
	found->ids[found->count++] = header->id;
	check_equal(header->version, 1);
	switch (header->id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		found->ranges = capability;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_TABLE_FORMATS:
		found->format_count = READ_ARRAY(header, found->formats);
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_MSI:
		found->msi = capability;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GAPS:
		found->gaps = capability;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GROUPS:
		found->group_count = READ_ARRAY(header, found->groups);
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_FUNCTIONS:
		found->function_count = READ_ARRAY(header, found->functions);
		break;
	}
}

void container_read(struct container_capabilities *found, const uint8_t *answer,
		    size_t size)
{
	const struct vfio_iommu_type1_info *info = (const void *)answer;
	const struct vfio_info_cap_header *header = NULL;

	memset(found, 0, sizeof(*found));
	check(info->flags & VFIO_IOMMU_INFO_CAPS);
	check_equal(info->cap_offset, sizeof(*info));
	while ((header = vfio_capability(info, size, info->cap_offset, header)))
		read_one(found, header);
}
