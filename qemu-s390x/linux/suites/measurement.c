// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Measurement of a function that VFIO has: what it counts is what this program
 * did. The stock driver has no such feature.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../sysfs.h"
#include "passthrough.h"
#include "suites.h"

/* glue-c/include/uapi/linux/vfio_zpci.h */
#define MEASURE 0xf399
#define SAMPLE 0xf39a

struct sample {
	uint32_t interval, number;
	uint8_t format, flags, reserved[6];
	uint64_t last_update, loads, stores, block_stores, refreshes;
	uint64_t transfers[4];
};

#define LOADS 100
#define STORES 30

static const enum vfio_api apis[] = { VFIO_API_TYPE1, VFIO_API_IOMMUFD };

static int measure(struct vfio *vfio, uint32_t enable, uint32_t reserved)
{
	struct {
		struct vfio_device_feature feature;
		uint32_t enable, reserved;
	} call = {
		.feature.argsz = sizeof(call),
		.feature.flags = VFIO_DEVICE_FEATURE_SET | MEASURE,
		.enable = enable,
		.reserved = reserved,
	};

	return ioctl(vfio->device, VFIO_DEVICE_FEATURE, &call);
}

static int read_sample(struct vfio *vfio, struct sample *sample)
{
	struct {
		struct vfio_device_feature feature;
		struct sample sample;
	} call = {
		.feature.argsz = sizeof(call),
		.feature.flags = VFIO_DEVICE_FEATURE_GET | SAMPLE,
	};
	int rc = ioctl(vfio->device, VFIO_DEVICE_FEATURE, &call);

	*sample = call.sample;
	return rc;
}

/* The first sample that was taken wholly after this call. */
static void next_sample(struct vfio *vfio, struct sample *sample)
{
	struct sample first;

	check_call(read_sample(vfio, &first));
	for (unsigned int i = 0; i < 1000; i++) {
		check_call(read_sample(vfio, sample));
		if (sample->last_update != first.last_update)
			return;
		usleep(20000);
	}
	check_that(false, "no sample in 20 s, of an interval of %u ms",
		   first.interval);
}

static void counts(const void *api)
{
	struct sample before, after;
	struct vfio vfio;

	vfio_open(&vfio, *(const enum vfio_api *)api, passthrough.address);
	check_call(measure(&vfio, 1, 0));
	next_sample(&vfio, &before);
	for (unsigned int i = 0; i < LOADS; i++)
		vfio_read32(&vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x08);
	/* Interrupts of the controller masked, which they are. */
	for (unsigned int i = 0; i < STORES; i++)
		vfio_write32(&vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x0c, ~0u);
	next_sample(&vfio, &after);
	ktap_data("zpci-measurement",
		  "{\"interval\":%u,\"loads\":%llu,\"stores\":%llu,\"refreshes\":%llu}",
		  after.interval,
		  (unsigned long long)(after.loads - before.loads),
		  (unsigned long long)(after.stores - before.stores),
		  (unsigned long long)(after.refreshes - before.refreshes));
	check_equal(after.format, 0);
	check_equal(after.loads - before.loads, LOADS);
	check_equal(after.stores - before.stores, STORES);
	check_equal(after.block_stores, before.block_stores);
	check(after.number > before.number);
	for (size_t i = 0; i < sizeof(after.reserved); i++)
		check_equal(after.reserved[i], 0);
	vfio_close(&vfio);
}

/* Begun anew it counts from 0; ended there is nothing to read. */
static void begun_and_ended(const void *api)
{
	struct sample sample;
	struct vfio vfio;

	vfio_open(&vfio, *(const enum vfio_api *)api, passthrough.address);
	for (unsigned int i = 0; i < 2; i++) {
		check_call(measure(&vfio, 1, 0));
		check_call(read_sample(&vfio, &sample));
		check_equal(sample.loads, 0);
		vfio_read32(&vfio, VFIO_PCI_BAR0_REGION_INDEX, 0x08);
		next_sample(&vfio, &sample);
		check_equal(sample.loads, 1);
	}
	for (unsigned int i = 0; i < 2; i++) {
		check_call(measure(&vfio, 0, 0));
		check_errno(read_sample(&vfio, &sample), ENODATA);
	}
	check_call(measure(&vfio, 1, 0));
	vfio_close(&vfio);
}

static void arguments(const void *api)
{
	struct {
		struct vfio_device_feature feature;
		struct sample sample;
	} call = { .feature.argsz = sizeof(call) };
	struct vfio vfio;

	vfio_open(&vfio, *(const enum vfio_api *)api, passthrough.address);
	check_errno(measure(&vfio, 2, 0), EINVAL);
	check_errno(measure(&vfio, 1, 1), EINVAL);
	call.feature.flags = VFIO_DEVICE_FEATURE_PROBE |
			     VFIO_DEVICE_FEATURE_GET | SAMPLE;
	check_equal(ioctl(vfio.device, VFIO_DEVICE_FEATURE, &call), 0);
	call.feature.flags = VFIO_DEVICE_FEATURE_SET | SAMPLE;
	check_errno(ioctl(vfio.device, VFIO_DEVICE_FEATURE, &call), EINVAL);
	call.feature.flags = VFIO_DEVICE_FEATURE_GET | MEASURE;
	check_errno(ioctl(vfio.device, VFIO_DEVICE_FEATURE, &call), EINVAL);
	call.feature.flags = VFIO_DEVICE_FEATURE_GET | SAMPLE;
	call.feature.argsz = sizeof(call) - 1;
	check_errno(ioctl(vfio.device, VFIO_DEVICE_FEATURE, &call), EINVAL);
	call.feature.argsz = sizeof(call);
	call.feature.flags = VFIO_DEVICE_FEATURE_GET | 0xf39f;
	check_errno(ioctl(vfio.device, VFIO_DEVICE_FEATURE, &call), ENOTTY);
	vfio_close(&vfio);
}

static void absent(const void *api)
{
	struct sample sample;
	struct vfio vfio;

	vfio_open(&vfio, *(const enum vfio_api *)api, passthrough.address);
	check_errno(measure(&vfio, 1, 0), ENOTTY);
	check_errno(read_sample(&vfio, &sample), ENOTTY);
	vfio_close(&vfio);
}

static void define(void)
{
	passthrough_define("vfio-pci");
	if (sysfs_exists("/sys/module/zpci_rust")) {
		/* The machine takes a sample every four seconds: one interface is enough. */
		ktap_case(counts, &apis[1], "counts");
		ktap_case(begun_and_ended, &apis[0], "begun and ended");
	}
	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++) {
		const char *name = vfio_api_name(apis[i]);

		if (sysfs_exists("/sys/module/zpci_rust"))
			ktap_case(arguments, &apis[i], "%s arguments", name);
		else
			ktap_case(absent, &apis[i], "%s absent", name);
	}
	passthrough_return();
}

const struct suite measurement_suite = { "measurement", define };
