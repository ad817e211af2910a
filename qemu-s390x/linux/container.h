/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Several functions in one container of type 1, and what is told of them. */
#ifndef GUEST_CONTAINER_H
#define GUEST_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vfio_zpci.h>

#include "function.h"

/* What storage has before a call, to tell what the call wrote. */
#define POISON 0xa5

/* The group of a function that is bound to vfio-pci, opened. */
int container_group(const struct function *function);

/* Adds a group to a container. Returns 0, or -1 with errno. */
int container_join(int container, int group);
int container_leave(int group);

/* A container of that type (VFIO_TYPE1_IOMMU, ...) with one group. */
int container_open(int type, int group);

/* How many bytes the answer of VFIO_IOMMU_GET_INFO takes. */
size_t container_size(int container);

/*
 * The answer in `room` bytes of storage that was poisoned, which is followed
 * by as many poisoned bytes again. NULL and errno if the call fails.
 */
uint8_t *container_information(int container, size_t room);

/* The capabilities of a whole answer, by kind. */
struct container_capabilities {
	/* In the order of the chain. */
	uint16_t ids[64];
	size_t count;
	const struct vfio_iommu_type1_info_cap_iova_range *ranges;
	const struct vfio_iommu_type1_info_cap_zpci_function *functions[16];
	size_t function_count;
	const struct vfio_iommu_type1_info_cap_zpci_group *groups[16];
	size_t group_count;
	const struct vfio_iommu_type1_info_cap_zpci_gaps *gaps;
	const struct vfio_iommu_type1_info_cap_zpci_table_format *format;
	const struct vfio_iommu_type1_info_cap_zpci_msi *msi;
};

/* Fails the case if the chain is broken. */
void container_read(struct container_capabilities *found, const uint8_t *answer,
		    size_t size);

#endif
