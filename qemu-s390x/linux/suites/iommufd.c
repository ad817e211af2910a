// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/* VFIO with iommufd. */

#include <errno.h>
#include <linux/iommufd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "mapping.h"
#include "passthrough.h"
#include "suites.h"

static const enum vfio_api api = VFIO_API_IOMMUFD;

static char *get_memory(void)
{
	char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(memory != MAP_FAILED);
	return memory;
}

/* The same function has the same addresses, whoever asks. */
static void ranges_of_type1(const void *argument)
{
	struct iova_range type1[IOVA_RANGES], iommufd[IOVA_RANGES];
	struct vfio vfio;
	size_t count;

	(void)argument;
	vfio_open(&vfio, VFIO_API_TYPE1, passthrough.address);
	count = vfio_ranges(&vfio, type1);
	vfio_close(&vfio);
	vfio_open(&vfio, VFIO_API_IOMMUFD, passthrough.address);
	check_equal(vfio_ranges(&vfio, iommufd), count);
	for (size_t i = 0; i < count; i++) {
		check_equal(iommufd[i].start, type1[i].start);
		check_equal(iommufd[i].last, type1[i].last);
	}
}

/* The kernel finds addresses by itself, and only usable ones. */
static void allocated_addresses(const void *argument)
{
	struct iova_range ranges[IOVA_RANGES];
	char *memory = get_memory();
	struct vfio vfio;
	uint64_t unmapped;

	(void)argument;
	vfio_open(&vfio, api, passthrough.address);
	check(vfio_ranges(&vfio, ranges) >= 1);
	for (unsigned int i = 0; i < 8; i++) {
		struct iommu_ioas_map map = {
			.size = sizeof(map),
			.flags = IOMMU_IOAS_MAP_READABLE |
				 IOMMU_IOAS_MAP_WRITEABLE,
			.ioas_id = vfio.ioas,
			.user_va = (uintptr_t)memory,
			.length = 1 << 20,
		};

		check_call(ioctl(vfio.iommu, IOMMU_IOAS_MAP, &map));
		check(map.iova >= ranges[0].start &&
		      map.iova + map.length - 1 <= ranges[0].last);
	}
	check_call(vfio_unmap(&vfio, 0, UINT64_MAX, &unmapped));
	check_equal(unmapped, 8 << 20);
}

/* A second address space takes over the mappings of the first. */
static void copy_and_replace(const void *argument)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz =
								sizeof(attach) };
	struct vfio_device_detach_iommufd_pt detach = { .argsz =
								sizeof(detach) };
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.length = 1 << 20,
	};
	struct iova_range ranges[IOVA_RANGES];
	struct vfio vfio;

	(void)argument;
	vfio_open(&vfio, api, passthrough.address);
	check(vfio_ranges(&vfio, ranges) >= 1);
	check_call(vfio_map(&vfio, get_memory(), ranges[0].start, 1 << 20,
			    VFIO_READ_WRITE));
	check_call(ioctl(vfio.iommu, IOMMU_IOAS_ALLOC, &alloc));
	copy.dst_ioas_id = alloc.out_ioas_id;
	copy.src_ioas_id = vfio.ioas;
	copy.dst_iova = ranges[0].start + (1 << 25);
	copy.src_iova = ranges[0].start;
	check_call(ioctl(vfio.iommu, IOMMU_IOAS_COPY, &copy));
	attach.pt_id = alloc.out_ioas_id;
	check_call(ioctl(vfio.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
	check_call(ioctl(vfio.device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach));
	attach.pt_id = vfio.ioas;
	check_call(ioctl(vfio.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
}

/* A page table of its own, made by hand. */
static void page_table(const void *argument)
{
	struct vfio_device_attach_iommufd_pt attach = { .argsz =
								sizeof(attach) };
	struct iommu_hwpt_alloc alloc = { .size = sizeof(alloc) };
	struct iova_range ranges[IOVA_RANGES];
	struct vfio vfio;

	(void)argument;
	vfio_open(&vfio, api, passthrough.address);
	check(vfio_ranges(&vfio, ranges) >= 1);
	check_call(vfio_map(&vfio, get_memory(), ranges[0].start, 1 << 20,
			    VFIO_READ_WRITE));
	alloc.dev_id = vfio.device_id;
	alloc.pt_id = vfio.ioas;
	check_call(ioctl(vfio.iommu, IOMMU_HWPT_ALLOC, &alloc));
	attach.pt_id = alloc.out_hwpt_id;
	check_call(ioctl(vfio.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
	check_call(vfio_map(&vfio, get_memory(), ranges[0].start + (1 << 25),
			    1 << 20, VFIO_READ_WRITE));
}

/* Unknown flags of a page table are refused. */
static void page_table_flags(const void *argument)
{
	struct vfio vfio;

	(void)argument;
	vfio_open(&vfio, api, passthrough.address);
	for (unsigned int bit = 0; bit < 32; bit++) {
		struct iommu_hwpt_alloc alloc = {
			.size = sizeof(alloc),
			.flags = 1u << bit,
			.dev_id = vfio.device_id,
			.pt_id = vfio.ioas,
		};

		check_errno(ioctl(vfio.iommu, IOMMU_HWPT_ALLOC, &alloc),
			    EOPNOTSUPP);
	}
}

static void define(void)
{
	passthrough_define("vfio-pci");
	ktap_case(ranges_of_type1, NULL, "ranges are those of type 1");
	ktap_case(allocated_addresses, NULL, "allocated addresses");
	ktap_case(copy_and_replace, NULL, "copy and replace");
	ktap_case(page_table, NULL, "page table");
	ktap_case(page_table_flags, NULL, "page table flags");
	mapping_define(&api);
	passthrough_return();
}

const struct suite iommufd_suite = { "iommufd", define };
