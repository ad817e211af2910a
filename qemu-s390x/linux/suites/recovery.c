// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Errors of a function that VFIO has, as VFIO_DEVICE_FEATURE hands them out:
 * why, where and in which order, and that user space brings the function back.
 * A kernel that has no such feature says so.
 */

#include <endian.h>
#include <errno.h>
#include <linux/vfio_zdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../nvme.h"
#include "../sysfs.h"
#include "passthrough.h"
#include "suites.h"

#define MEGABYTE (1ull << 20)

/* Events that the kernel keeps; further ones are lost. */
#define PENDING 4

/* Codes of QEMU, include/hw/s390x/s390-pci-bus.h. */
#define OUTSIDE_APERTURE 0x02
#define TRANSLATION_PROTECTION 0x04

static const enum vfio_api apis[] = { VFIO_API_TYPE1, VFIO_API_IOMMUFD };

/* A running controller; its queues are at the start of the range. */
struct bench {
	struct vfio vfio;
	struct iova_range range;
	struct nvme nvme;
	int error;
};

static void set_up(struct bench *bench, const enum vfio_api *api)
{
	struct iova_range ranges[IOVA_RANGES];

	vfio_open(&bench->vfio, *api, passthrough.address);
	check(vfio_ranges(&bench->vfio, ranges) >= 1);
	bench->range = ranges[0];
	bench->error = vfio_error_event(&bench->vfio);
	nvme_start(&bench->nvme, &bench->vfio, bench->range.start);
}

static const struct vfio_device_info_cap_zpci_base *
find_base(struct vfio *vfio)
{
	const void *base = vfio_device_capability(
		vfio_device_info(vfio), VFIO_DEVICE_INFO_CAP_ZPCI_BASE);

	check_that(base, "no ZPCI_BASE");
	return base;
}

/* Makes the device write to `iova`, and waits until that is reported. */
static void provoke(struct bench *bench, uint64_t iova)
{
	nvme_identify(&bench->nvme, iova);
	check_that(vfio_wait(bench->error, 5000), "no error was reported");
}

/* Brings the function back, with a controller that runs. */
static void recover(struct bench *bench)
{
	nvme_reset(&bench->nvme);
	nvme_start(&bench->nvme, &bench->vfio, bench->range.start);
}

/* What is big-endian in an event, as in every block of the machine. */
static uint32_t word(const uint8_t *event, size_t offset)
{
	uint32_t value;

	memcpy(&value, event + offset, sizeof(value));
	return be32toh(value);
}

/* Takes the oldest event, and compares it with what was provoked. */
static void expect(struct bench *bench, uint32_t handle, uint16_t code,
		   uint64_t iova)
{
	uint8_t event[ERROR_EVENT + 8];
	char hex[2 * ERROR_EVENT + 1];

	memset(event, 0xa5, sizeof(event));
	check_call(vfio_read_error(&bench->vfio, event));
	for (size_t i = 0; i < ERROR_EVENT; i++)
		snprintf(hex + 2 * i, 3, "%02x", event[i]);
	ktap_data("zpci-error-event",
		  "{\"function\":\"%s\",\"fid\":%lu,\"raw\":\"%s\"}",
		  passthrough.address,
		  function_attribute(&passthrough, "function_id"), hex);
	check_equal(word(event, 0), 0);
	check_equal(word(event, 4), handle);
	check_equal(word(event, 8),
		    function_attribute(&passthrough, "function_id"));
	/* QEMU says nothing of the access. */
	check_equal(word(event, 12), 0);
	check_equal((uint64_t)word(event, 16) << 32 | word(event, 20), iova);
	check_equal(word(event, 24), 0);
	check_equal(word(event, 28), code);
	for (size_t i = ERROR_EVENT; i < sizeof(event); i++)
		check_equal(event[i], 0xa5);
}

static void expect_none(struct bench *bench)
{
	uint8_t event[ERROR_EVENT];

	memset(event, 0xa5, sizeof(event));
	check_errno(vfio_read_error(&bench->vfio, event), ENOMSG);
	for (size_t i = 0; i < sizeof(event); i++)
		check_equal(event[i], 0xa5);
}

/* Of a kernel that keeps no errors. */
static void absent(const void *api)
{
	uint8_t event[ERROR_EVENT];
	struct bench bench;

	set_up(&bench, api);
	check_equal(find_base(&bench.vfio)->header.version,
		    vfio_proposed() ? 4 : 2);
	check_errno(vfio_read_error(&bench.vfio, event), ENOTTY);
	nvme_stop(&bench.nvme);
}

static void described(const void *api)
{
	const struct vfio_device_info_cap_zpci_base *base;
	struct bench bench;

	set_up(&bench, api);
	base = find_base(&bench.vfio);
	check_equal(base->header.version, vfio_proposed() ? 4 : 3);
	/* ccdf_err_length, which older headers do not name. */
	check_equal(*(const uint32_t *)((const char *)base + 36), ERROR_EVENT);
	expect_none(&bench);
	nvme_stop(&bench.nvme);
}

static void arguments(const void *api)
{
	struct {
		struct vfio_device_feature feature;
		uint64_t data;
	} call = { .feature.argsz = sizeof(call) };
	struct bench bench;

	set_up(&bench, api);
	call.feature.flags = VFIO_DEVICE_FEATURE_PROBE |
			     VFIO_DEVICE_FEATURE_GET |
			     VFIO_DEVICE_FEATURE_ERROR_EVENT;
	check_equal(ioctl(bench.vfio.device, VFIO_DEVICE_FEATURE, &call), 0);
	call.feature.flags = VFIO_DEVICE_FEATURE_SET |
			     VFIO_DEVICE_FEATURE_ERROR_EVENT;
	check_errno(ioctl(bench.vfio.device, VFIO_DEVICE_FEATURE, &call),
		    EINVAL);
	call.feature.flags = VFIO_DEVICE_FEATURE_GET |
			     VFIO_DEVICE_FEATURE_ERROR_EVENT;
	/* No buffer. */
	check_errno(ioctl(bench.vfio.device, VFIO_DEVICE_FEATURE, &call),
		    EINVAL);
	/* No place for the address of one. */
	call.feature.argsz = sizeof(call.feature);
	check_errno(ioctl(bench.vfio.device, VFIO_DEVICE_FEATURE, &call),
		    EINVAL);
	nvme_stop(&bench.nvme);
}

static void outside(const void *api)
{
	struct bench bench;
	uint32_t handle;

	set_up(&bench, api);
	handle = find_base(&bench.vfio)->fh;
	provoke(&bench, bench.range.start - NVME_PAGE);
	expect(&bench, handle, OUTSIDE_APERTURE,
	       bench.range.start - NVME_PAGE);
	expect_none(&bench);
	recover(&bench);
	nvme_stop(&bench.nvme);
}

static void never_mapped(const void *api)
{
	struct bench bench;
	uint32_t handle;

	set_up(&bench, api);
	handle = find_base(&bench.vfio)->fh;
	provoke(&bench, bench.range.start + MEGABYTE);
	expect(&bench, handle, TRANSLATION_PROTECTION,
	       bench.range.start + MEGABYTE);
	expect_none(&bench);
	recover(&bench);
	nvme_stop(&bench.nvme);
}

/* The kernel leaves the function alone until user space resets it. */
static void left_alone(const void *api)
{
	struct bench bench;

	set_up(&bench, api);
	provoke(&bench, bench.range.start + MEGABYTE);
	for (unsigned int i = 0; i < 20; i++) {
		check_equal(vfio_read32(&bench.vfio, VFIO_PCI_BAR0_REGION_INDEX,
					0x08), 0xffffffff);
		usleep(10000);
	}
	recover(&bench);
	check(vfio_read32(&bench.vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x08) !=
	      0xffffffff);
	nvme_stop(&bench.nvme);
}

/* The oldest events are kept, in their order, and outlive a reset. */
static void several(const void *api)
{
	uint32_t handles[PENDING + 2];
	struct bench bench;

	set_up(&bench, api);
	for (size_t i = 0; i < PENDING + 2; i++) {
		handles[i] = find_base(&bench.vfio)->fh;
		provoke(&bench, bench.range.start + (i + 1) * MEGABYTE);
		recover(&bench);
	}
	for (size_t i = 0; i < PENDING; i++)
		expect(&bench, handles[i], TRANSLATION_PROTECTION,
		       bench.range.start + (i + 1) * MEGABYTE);
	expect_none(&bench);
	/* There is room again. */
	handles[0] = find_base(&bench.vfio)->fh;
	provoke(&bench, bench.range.start - NVME_PAGE);
	expect(&bench, handles[0], OUTSIDE_APERTURE,
	       bench.range.start - NVME_PAGE);
	expect_none(&bench);
	recover(&bench);
	nvme_stop(&bench.nvme);
}

/* An event that cannot be stored is gone. */
static void bad_buffer(const void *api)
{
	uint8_t *nowhere = mmap(NULL, NVME_PAGE, PROT_READ,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bench bench;

	check(nowhere != MAP_FAILED);
	set_up(&bench, api);
	provoke(&bench, bench.range.start + MEGABYTE);
	check_errno(vfio_read_error(&bench.vfio, nowhere), EFAULT);
	expect_none(&bench);
	recover(&bench);
	nvme_stop(&bench.nvme);
}

/* Who opens the function next learns nothing of the errors before. */
static void forgotten(const void *api)
{
	struct bench bench;

	set_up(&bench, api);
	provoke(&bench, bench.range.start + MEGABYTE);
	recover(&bench);
	nvme_stop(&bench.nvme);
	vfio_close(&bench.vfio);
	set_up(&bench, api);
	expect_none(&bench);
	nvme_stop(&bench.nvme);
}

static void define_api(const enum vfio_api *api, bool by_user)
{
	const char *name = vfio_api_name(*api);

	if (!by_user) {
		ktap_case(absent, api, "%s no errors are kept", name);
		return;
	}
	ktap_case(described, api, "%s described", name);
	ktap_case(arguments, api, "%s arguments", name);
	ktap_case(outside, api, "%s outside", name);
	ktap_case(never_mapped, api, "%s never mapped", name);
	ktap_case(left_alone, api, "%s left alone", name);
	ktap_case(several, api, "%s several", name);
	ktap_case(bad_buffer, api, "%s bad buffer", name);
	ktap_case(forgotten, api, "%s forgotten", name);
}

static void define(void)
{
	char recovery[16];

	kernel_parameter(recovery, sizeof(recovery), "zpci.recovery");
	passthrough_define("vfio-pci");
	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++)
		define_api(&apis[i], !strcmp(recovery, "user"));
	passthrough_return();
}

const struct suite recovery_suite = { "recovery", define };
