/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Three functions in the hands of user space: two for a container, one outside. */
#ifndef GUEST_THREE_H
#define GUEST_THREE_H

#include "../container.h"
#include "../function.h"

/* Takes functions away, or lets them have, what they need for a container. */
#define LACKING "/sys/kernel/debug/zpci_test/lacking"

/* Two NVMe controllers, and a function of another kind. */
extern struct function first, second, outside;

/*
 * Finds them and adds the case that binds them to vfio-pci, with the module
 * zpci_test loaded for `first` and `outside`.
 */
void three_define(void);

/* Adds the case that gives them back. */
void three_return(void);

/* A container of that type with the first two. */
int three_open(int type);

/*
 * The whole answer of VFIO_IOMMU_GET_INFO, read, and its size. Fails the case if
 * it reports no function.
 */
uint8_t *three_answer(int container, struct container_capabilities *found,
		      size_t *size);

/* The entry of this function, or NULL. */
const struct vfio_zpci_function *
three_entry(const struct container_capabilities *found,
	   const struct function *function);

#endif
