// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Everything that VFIO and iommufd say of each function, byte for byte, so
 * that two kernels can be compared, and against what sysfs says.
 */

#include <errno.h>
#include <linux/iommufd.h>
#include <linux/vfio_zdev.h>
#include <linux/vfio_zpci.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../clp.h"
#include "../sysfs.h"
#include "../vfio.h"
#include "passthrough.h"
#include "suites.h"

static struct function functions[FUNCTIONS];

static const char *to_hex(char *text, size_t size, const void *data,
			  size_t length)
{
	const uint8_t *bytes = data;

	text[0] = 0;
	for (size_t i = 0; i < length && 2 * i + 3 <= size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

/*
 * Each capability ends where the next one starts. Those of the driver alone
 * are left out, as by a program that does not know them; and so is where the
 * next one is, which depends on them.
 */
static void dump_chain(const struct function *function, const char *source,
		       const void *info, size_t size, size_t offset)
{
	const struct vfio_info_cap_header *header = NULL;
	char hex[1024];

	while ((header = vfio_capability(info, size, offset, header))) {
		size_t start = (const char *)(header + 1) - (const char *)info;
		size_t end = header->next ? header->next : size;

		if (header->id >= VFIO_ZPCI_FIRST_ID &&
		    header->id <= VFIO_ZPCI_LAST_ID)
			continue;
		ktap_data("zpci-capability",
			  "{\"function\":\"%s\",\"source\":\"%s\",\"id\":%u,"
			  "\"version\":%u,\"raw\":\"%s\"}",
			  function->address, source, header->id,
			  header->version,
			  to_hex(hex, sizeof(hex), header + 1, end - start));
	}
}

static void dump_info(const struct function *function, const char *source,
		      const void *info, size_t size)
{
	char hex[256];

	ktap_data("zpci-info",
		  "{\"function\":\"%s\",\"source\":\"%s\",\"raw\":\"%s\"}",
		  function->address, source,
		  to_hex(hex, sizeof(hex), info, size));
}

/*
 * The proposed versions of base and group against what the machine answers:
 * the UID, whether it is a physical function; bits of the machine, its DTSM.
 */
static void
check_proposed(const struct function *function,
	       const struct vfio_device_info_cap_zpci_base_proposed *base,
	       const struct vfio_device_info_cap_zpci_group_proposed *group)
{
	struct clp_response clp;

	check_equal(base->uid, function_attribute(function, "uid"));
	clp_query_function(&clp,
			   function_attribute(function, "function_handle"));
	check_equal(base->flags,
		    clp.bytes[18] & 0x08 ? VFIO_DEVICE_INFO_ZPCI_BASE_PHYSICAL :
					   0);
	clp_query_group(&clp, function_attribute(function, "pfgid"));
	check_equal(group->machine_flags,
		    (clp.bytes[19] & 0x01 ? VFIO_DEVICE_INFO_ZPCI_GROUP_REFRESH :
					    0) |
			    (clp.bytes[19] & 0x20 ?
				     VFIO_DEVICE_INFO_ZPCI_GROUP_RELAXED :
				     0));
	check_equal(group->dtsm, clp.bytes[24]);
	for (size_t i = 0; i < sizeof(group->reserved2); i++)
		check_equal(group->reserved2[i], 0);
	for (size_t i = 0; i < sizeof(group->reserved3); i++)
		check_equal(group->reserved3[i], 0);
}

static void check_base(const struct function *function,
		       const struct vfio_device_info *info)
{
	const struct vfio_device_info_cap_zpci_base *base =
		(const void *)vfio_device_capability(
			info, VFIO_DEVICE_INFO_CAP_ZPCI_BASE);

	check_that(base, "no ZPCI_BASE");
#ifdef VFIO_DEVICE_FEATURE_ZPCI_ERROR
	check_equal(base->header.version, vfio_proposed() ? 4 : 3);
	check_equal(base->ccdf_err_length, ERROR_EVENT);
#else
	check_equal(base->header.version, vfio_proposed() ? 4 : 2);
#endif
	check_equal(base->pchid, function_attribute(function, "pchid"));
	check_equal(base->vfn, function_attribute(function, "vfn"));
	check_equal(base->pft, function_attribute(function, "pft"));
	check_equal(base->gid, function_attribute(function, "pfgid"));
	check_equal(base->fh, function_attribute(function, "function_handle"));
	check(base->start_dma < base->end_dma);
}

static void check_group(const struct vfio_device_info *info)
{
	const struct vfio_device_info_cap_zpci_group *group =
		(const void *)vfio_device_capability(
			info, VFIO_DEVICE_INFO_CAP_ZPCI_GROUP);

	check_that(group, "no ZPCI_GROUP");
	check_equal(group->header.version, vfio_proposed() ? 3 : 2);
	check_equal(group->reserved, 0);
	check(group->flags & VFIO_DEVICE_INFO_ZPCI_FLAG_REFRESH);
	check(group->noi > 0);
	check(group->maxstbl > 0);
}

static void check_path(const struct function *function,
		       const struct vfio_device_info *info)
{
	const struct vfio_device_info_cap_zpci_pfip *path =
		(const void *)vfio_device_capability(
			info, VFIO_DEVICE_INFO_CAP_ZPCI_PFIP);
	char name[32];

	check_that(path, "no ZPCI_PFIP");
	check_equal(path->header.version, 1);
	check_equal(path->size, 4);
	for (unsigned int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "pfip/segment%u", i);
		check_equal(path->pfip[i], function_attribute(function, name));
	}
}

/* A short buffer gets the right size and nothing more. */
static void check_short(struct vfio *vfio, size_t full)
{
	struct {
		struct vfio_device_info info;
		uint8_t guard[64];
	} short_info;

	memset(&short_info, 0xa5, sizeof(short_info));
	memset(&short_info.info, 0, sizeof(short_info.info));
	short_info.info.argsz = sizeof(short_info.info);
	check_call(ioctl(vfio->device, VFIO_DEVICE_GET_INFO,
			 &short_info.info));
	check_equal(short_info.info.argsz, full);
	check(short_info.info.flags & VFIO_DEVICE_FLAGS_CAPS);
	check_equal(short_info.info.cap_offset, 0);
	for (size_t i = 0; i < sizeof(short_info.guard); i++)
		check_equal(short_info.guard[i], 0xa5);
	short_info.info.argsz = 15;
	check_errno(ioctl(vfio->device, VFIO_DEVICE_GET_INFO,
			  &short_info.info), EINVAL);
}

static void device_information(const struct function *function,
			       enum vfio_api api)
{
	struct vfio_device_info *info;
	char source[32];
	struct vfio vfio;

	vfio_open(&vfio, api, function->address);
	info = vfio_device_info(&vfio);
	snprintf(source, sizeof(source), "%s device", vfio_api_name(api));
	dump_info(function, source, info, sizeof(*info));
	dump_chain(function, source, info, info->argsz, info->cap_offset);
	check(info->flags & VFIO_DEVICE_FLAGS_PCI);
	check_base(function, info);
	check_group(info);
	check_path(function, info);
	if (vfio_proposed())
		check_proposed(function,
			       (const void *)vfio_device_capability(
				       info, VFIO_DEVICE_INFO_CAP_ZPCI_BASE),
			       (const void *)vfio_device_capability(
				       info, VFIO_DEVICE_INFO_CAP_ZPCI_GROUP));
	check_short(&vfio, info->argsz);
	free(info);
	vfio_close(&vfio);
}

static void device_type1(const void *argument)
{
	device_information(argument, VFIO_API_TYPE1);
}

static void device_iommufd(const void *argument)
{
	device_information(argument, VFIO_API_IOMMUFD);
}

static void iommu_type1(const void *argument)
{
	const struct function *function = argument;
	struct vfio_iommu_type1_info *info;
	struct vfio vfio;

	vfio_open(&vfio, VFIO_API_TYPE1, function->address);
	info = vfio_iommu_info(&vfio);
	dump_chain(function, "type1 iommu", info, info->argsz,
		   info->cap_offset);
	/* The length of the chain depends on the functions. */
	info->argsz = 0;
	dump_info(function, "type1 iommu", info, sizeof(*info));
	check(info->flags & VFIO_IOMMU_INFO_PGSIZES);
	check(info->flags & VFIO_IOMMU_INFO_CAPS);
}

static void iommu_iommufd(const void *argument)
{
	const struct function *function = argument;
	struct iova_range ranges[IOVA_RANGES];
	uint8_t data[256];
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)data,
	};
	char hex[1024];
	struct vfio vfio;
	size_t count;

	memset(data, 0xa5, sizeof(data));
	vfio_open(&vfio, VFIO_API_IOMMUFD, function->address);
	count = vfio_ranges(&vfio, ranges);
	dump_info(function, "iommufd ranges", ranges,
		  count * sizeof(ranges[0]));
	info.dev_id = vfio.device_id;
	check_call(ioctl(vfio.iommu, IOMMU_GET_HW_INFO, &info));
	check(info.data_len <= sizeof(data));
	ktap_data("zpci-hw-info",
		  "{\"function\":\"%s\",\"type\":%u,\"capabilities\":%llu,"
		  "\"raw\":\"%s\"}",
		  function->address, info.out_data_type,
		  (unsigned long long)info.out_capabilities,
		  to_hex(hex, sizeof(hex), data, info.data_len));
	/* The kernel clears what it does not fill. */
	for (size_t i = info.data_len; i < sizeof(data); i++)
		check_equal(data[i], 0);
}

static void take(const void *argument)
{
	const struct function *function = argument;

	check_call(function_bind(function->address, "vfio-pci"));
	check(sysfs_wait(true, 1000, "/dev/vfio/%d", function->group));
}

static void give_back(const void *argument)
{
	const struct function *function = argument;

	check_call(function_bind(function->address, NULL));
}

static void define(void)
{
	size_t count = functions_find(functions);

	for (size_t i = 0; i < count; i++) {
		const struct function *function = &functions[i];
		const char *address = function->address;

		ktap_case(take, function, "%s bind", address);
		ktap_case(device_type1, function, "%s device by type1",
			  address);
		ktap_case(device_iommufd, function, "%s device by iommufd",
			  address);
		ktap_case(iommu_type1, function, "%s iommu by type1", address);
		ktap_case(iommu_iommufd, function, "%s iommu by iommufd",
			  address);
		ktap_case(give_back, function, "%s back to its driver",
			  address);
	}
}

const struct suite capability_suite = { "capability", define };
