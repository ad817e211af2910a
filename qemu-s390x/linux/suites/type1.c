// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/* VFIO with a type 1 IOMMU. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "mapping.h"
#include "passthrough.h"
#include "suites.h"

static const enum vfio_api api = VFIO_API_TYPE1;

static void extensions(const void *argument)
{
	struct vfio vfio;

	(void)argument;
	vfio_open(&vfio, api, passthrough.address);
	check_equal(ioctl(vfio.iommu, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU),
		    1);
	check_equal(ioctl(vfio.iommu, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU),
		    1);
	check_equal(ioctl(vfio.iommu, VFIO_CHECK_EXTENSION, VFIO_UNMAP_ALL), 1);
	check_equal(ioctl(vfio.iommu, VFIO_CHECK_EXTENSION, VFIO_NOIOMMU_IOMMU),
		    0);
}

static void page_sizes(const void *argument)
{
	struct vfio_iommu_type1_info *info;
	struct vfio vfio;

	(void)argument;
	vfio_open(&vfio, api, passthrough.address);
	info = vfio_iommu_info(&vfio);
	check(info->flags & VFIO_IOMMU_INFO_PGSIZES);
	check(info->iova_pgsizes & 4096);
	check(!(info->iova_pgsizes & 4095));
}

static void unmap_all(const void *argument)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};
	struct iova_range ranges[IOVA_RANGES];
	struct vfio vfio;
	char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argument;
	check(memory != MAP_FAILED);
	vfio_open(&vfio, api, passthrough.address);
	check(vfio_ranges(&vfio, ranges) >= 1);
	for (uint64_t i = 0; i < 8; i++)
		check_call(vfio_map(&vfio, memory, ranges[0].start + (i << 25),
				    1 << 20, VFIO_READ_WRITE));
	check_call(ioctl(vfio.iommu, VFIO_IOMMU_UNMAP_DMA, &unmap));
	check_equal(unmap.size, 8 << 20);
}

/* A function that is in use cannot be opened a second time. */
static void exclusive(const void *argument)
{
	struct vfio vfio;
	char path[64];

	(void)argument;
	vfio_open(&vfio, api, passthrough.address);
	snprintf(path, sizeof(path), "/dev/vfio/%d", passthrough.group);
	check_that(!fopen(path, "r+") && errno == EBUSY, "%s: %m", path);
}

static void define(void)
{
	passthrough_define("vfio-pci");
	ktap_case(extensions, NULL, "extensions");
	ktap_case(page_sizes, NULL, "page sizes");
	ktap_case(exclusive, NULL, "exclusive");
	ktap_case(unmap_all, NULL, "unmap all");
	mapping_define(&api);
	passthrough_return();
}

const struct suite type1_suite = { "type1", define };
