// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * VFIO and iommufd as modules, which come and go beside a driver that does not:
 * after each time a function is passed through, and is its driver's again.
 */

#include "../modules.h"

#include <stdio.h>
#include <sys/mman.h>

#include "../disk.h"
#include "../nvme.h"
#include "../sysfs.h"
#include "passthrough.h"
#include "suites.h"

#define MEGABYTE (1ull << 20)
#define ROUNDS 3

static const enum vfio_api apis[] = { VFIO_API_TYPE1, VFIO_API_IOMMUFD };

/* A function whose controller reaches what was mapped. */
static void pass_through(enum vfio_api api)
{
	struct iova_range ranges[IOVA_RANGES];
	struct vfio vfio;
	struct nvme nvme;
	void *page;

	vfio_open(&vfio, api, passthrough.address);
	check(vfio_ranges(&vfio, ranges) >= 1);
	page = mmap(NULL, NVME_PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	check(page != MAP_FAILED);
	check_call(vfio_map(&vfio, page, ranges[0].start + MEGABYTE, NVME_PAGE,
			    VFIO_READ_WRITE));
	nvme_start(&nvme, &vfio, ranges[0].start);
	check_equal(nvme_identify(&nvme, ranges[0].start + MEGABYTE),
		    NVME_DONE);
	nvme_stop(&nvme);
	vfio_close(&vfio);
	munmap(page, NVME_PAGE);
}

static void are_loaded(const void *argument)
{
	(void)argument;
	check_that(modules_count, "the kernel has none");
	for (size_t i = 0; i < modules_count; i++) {
		ktap_note("%s", modules[i]);
		check_that(sysfs_exists("/sys/module/%s", modules[i]),
			   "%s is not loaded", modules[i]);
	}
}

static void unload_and_load(const void *argument)
{
	(void)argument;
	check_call(function_bind(passthrough.address, NULL));
	check_call(modules_unload());
	for (size_t i = 0; i < modules_count; i++)
		check_that(!sysfs_exists("/sys/module/%s", modules[i]),
			   "%s is still there", modules[i]);
	check_call(modules_load());
	check_call(function_bind(passthrough.address, "vfio-pci"));
	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++)
		pass_through(apis[i]);
}

static void define(void)
{
	ktap_case(are_loaded, NULL, "loaded");
	passthrough_define("vfio-pci");
	for (unsigned int i = 0; i < ROUNDS; i++)
		ktap_case(unload_and_load, NULL, "unloaded and loaded %u", i);
	passthrough_return();
}

const struct suite modules_suite = { "modules", define };
