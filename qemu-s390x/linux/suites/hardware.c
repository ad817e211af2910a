// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/* What iommufd tells of the IOMMU of a function. All needs a kernel with the driver. */

#include <errno.h>
#include <linux/iommufd.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../clp.h"
#include "../vfio.h"
#include "suites.h"
#include "three.h"

static void hardware(const void *argument)
{
	struct {
		struct iommu_hw_info_zpci zpci;
		uint8_t beyond[32];
	} data;
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data,
	};
	const struct function *function = argument;
	uint8_t bytes[2 * sizeof(data)];
	struct clp_response clp;
	struct vfio vfio;

	memset(&data, POISON, sizeof(data));
	vfio_open(&vfio, VFIO_API_IOMMUFD, function->address);
	info.dev_id = vfio.device_id;
	check_call(ioctl(vfio.iommu, IOMMU_GET_HW_INFO, &info));
	check_equal(info.out_data_type, vfio_hardware_type());
	check_equal(info.data_len, sizeof(data.zpci));
	clp_query_group(&clp, function_attribute(function, "pfgid"));
	check_equal(data.zpci.dtsm, clp.bytes[24]);
	check_equal(data.zpci.designation_types, 1 << 1);
	check_equal(data.zpci.frame_sizes, 4096);
	check_equal(data.zpci.flags,
		    (clp.bytes[19] & 0x20 ? IOMMU_HW_INFO_ZPCI_RELAXED : 0) |
			    (clp.bytes[19] & 1 ? IOMMU_HW_INFO_ZPCI_REFRESH :
						 0) |
			    IOMMU_HW_INFO_ZPCI_MSI_WINDOW);
	check_equal(data.zpci.msi_start, clp_doubleword(&clp, 40));
	check_equal(data.zpci.msi_end, data.zpci.msi_start + 4095);
	check_equal(data.zpci.reserved, 0);
	for (size_t i = 0; i < sizeof(data.beyond); i++)
		check_equal(data.beyond[i], 0);

	for (size_t size = 0; size <= sizeof(data); size++) {
		memset(bytes, POISON, sizeof(bytes));
		info.data_len = size;
		info.data_uptr = (uintptr_t)bytes;
		check_call(ioctl(vfio.iommu, IOMMU_GET_HW_INFO, &info));
		check_equal(info.data_len, sizeof(data.zpci));
		check_that(!memcmp(bytes, &data, size), "%zu bytes", size);
		for (size_t i = size; i < sizeof(bytes); i++)
			check_equal(bytes[i], POISON);
	}
}

/* Whoever wants data of one type gets that, or nothing. */
static void hardware_type(const void *argument)
{
	struct iommu_hw_info info = { .size = sizeof(info) };
	struct vfio vfio;

	(void)argument;
	vfio_open(&vfio, VFIO_API_IOMMUFD, first.address);
	info.dev_id = vfio.device_id;
	/* IOMMU_HW_INFO_FLAG_INPUT_TYPE, which older headers do not have. */
	info.flags = 1;
	info.out_data_type = vfio_hardware_type();
	if (ioctl(vfio.iommu, IOMMU_GET_HW_INFO, &info)) {
		check_equal(errno, EOPNOTSUPP);
		ktap_skip("the kernel has no such flag");
	}
	check_equal(info.out_data_type, vfio_hardware_type());
	info.out_data_type = 1;
	check_errno(ioctl(vfio.iommu, IOMMU_GET_HW_INFO, &info), EOPNOTSUPP);
	/* The other one of the two numbers of this driver. */
	info.out_data_type = IOMMU_HW_INFO_TYPE_ZPCI +
			     IOMMU_HW_INFO_TYPE_ZPCI_PROPOSED -
			     vfio_hardware_type();
	check_errno(ioctl(vfio.iommu, IOMMU_GET_HW_INFO, &info), EOPNOTSUPP);
}

/* Through iommufd and through type 1 the same may be mapped. */
static void same_ranges(const void *argument)
{
	struct container_capabilities found;
	struct iova_range ranges[IOVA_RANGES];
	int container = three_open(VFIO_TYPE1v2_IOMMU);
	struct vfio vfio;
	size_t size;

	(void)argument;
	three_answer(container, &found, &size);
	check_equal(found.ranges->nr_iovas, 1);
	check_equal(found.functions[0]->start_dma,
		    found.functions[1]->start_dma);
	vfio_open(&vfio, VFIO_API_IOMMUFD, outside.address);
	check_equal(vfio_ranges(&vfio, ranges), 1);
	check_equal(ranges[0].start, found.ranges->iova_ranges[0].start);
	check_equal(ranges[0].last, found.ranges->iova_ranges[0].end);
}

static void define(void)
{
	three_define();
	ktap_case(hardware, &first, "zpci hardware information");
	ktap_case(hardware, &outside, "zpci hardware information of another");
	ktap_case(hardware_type, NULL, "zpci type of hardware information");
	ktap_case(same_ranges, NULL, "zpci ranges of type 1");
	three_return();
}

const struct suite hardware_suite = { "hardware", define };
