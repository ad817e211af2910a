/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Several functions in one container of type 1, and what it reports of them. */
#ifndef GUEST_CONTAINER_H
#define GUEST_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vfio_zpci.h>

#include "function.h"

/* What a buffer holds before a call, to see what the call wrote. */
#define POISON 0xa5

/* The group of a function that is bound to vfio-pci, opened. */
int container_group(const struct function *function);

/* Adds a group to a container. Returns 0, or -1 with errno. */
int container_join(int container, int group);
int container_leave(int group);

/* A container of that type (VFIO_TYPE1_IOMMU, ...) with one group. */
int container_open(int type, int group);

/* Size in bytes of the whole answer of VFIO_IOMMU_GET_INFO. */
size_t container_size(int container);

/*
 * The answer in a buffer of `size` bytes that was poisoned, which is followed by
 * as many poisoned bytes again. NULL and errno if the call fails.
 */
uint8_t *container_information(int container, size_t size);

/* Most functions, groups and formats that are looked at. */
#define CONTAINER_ENTRIES 16

/* The capabilities of an answer, by kind; NULL and 0 for what is not in it. */
struct container_capabilities {
	/* In the order of the chain. */
	uint16_t ids[64];
	size_t count;
	const struct vfio_iommu_type1_info_cap_iova_range *ranges;
	const struct vfio_zpci_table_format *formats[CONTAINER_ENTRIES];
	size_t format_count;
	const struct vfio_iommu_type1_info_cap_zpci_msi *msi;
	const struct vfio_iommu_type1_info_cap_zpci_gaps *gaps;
	const struct vfio_zpci_group *groups[CONTAINER_ENTRIES];
	size_t group_count;
	const struct vfio_zpci_function *functions[CONTAINER_ENTRIES];
	size_t function_count;
};

/* Fails the case if the chain is broken. */
void container_read(struct container_capabilities *found, const uint8_t *answer,
		    size_t size);

#endif
