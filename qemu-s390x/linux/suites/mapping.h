/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Mapping and unmapping as user space sees it, the same for both APIs. */
#ifndef GUEST_MAPPING_H
#define GUEST_MAPPING_H

#include "../vfio.h"

/* Adds the cases for the passthrough function. */
void mapping_define(const enum vfio_api *api);

#endif
