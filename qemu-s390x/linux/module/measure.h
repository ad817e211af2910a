/* SPDX-License-Identifier: GPL-2.0-only */
/* What the measurements have in common. */
#ifndef MEASURE_H
#define MEASURE_H

#include "instructions.h"
#include "zpci_test.h"

/* Where a mapping of 1 GiB fits into the window of QEMU's functions. */
#define GIGABYTE_IOVA SZ_4G
#define GIGABYTE_PAGES (SZ_1G / PAGE_SIZE)

/* Storage that is mapped and that no device is told to use. */
#define MEASURE_STORAGE SZ_256M

/* One figure for the host: `count` units for `each` things. */
__printf(5, 6)
void measure_note(struct bench *bench, unsigned long each, unsigned long count,
		  const char *unit, const char *format, ...);

/* Maps pages from MEASURE_STORAGE on and counts the instructions. */
unsigned long measure_map(struct bench *bench, struct iommu_domain *domain,
			  unsigned long iova, size_t pages);

/* Unmaps them and counts the instructions. */
unsigned long measure_unmap(struct bench *bench, struct iommu_domain *domain,
			    unsigned long iova, size_t pages);

#endif
