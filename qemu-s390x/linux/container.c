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

uint8_t *container_information(int container, size_t room)
{
	uint32_t argsz = room;
	/* The kernel reads more than the room if that is next to nothing. */
	uint8_t *bytes = malloc(2 * room + 64);

	check(bytes);
	memset(bytes, POISON, 2 * room + 64);
	memcpy(bytes, &argsz, sizeof(argsz));
	if (!ioctl(container, VFIO_IOMMU_GET_INFO, bytes))
		return bytes;
	free(bytes);
	return NULL;
}

static void read_one(struct container_capabilities *found,
		     const struct vfio_info_cap_header *header)
{
	const void *capability = header;

	check(found->count < sizeof(found->ids) / sizeof(found->ids[0]));
	found->ids[found->count++] = header->id;
	check_equal(header->version, 1);
	switch (header->id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		found->ranges = capability;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_FUNCTION:
		check(found->function_count < 16);
		found->functions[found->function_count++] = capability;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GROUP:
		check(found->group_count < 16);
		found->groups[found->group_count++] = capability;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GAPS:
		found->gaps = capability;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_TABLE_FORMAT:
		found->format = capability;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_MSI:
		found->msi = capability;
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
