// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * DMA by a real device through mappings of user space: what is mapped is
 * reached, and nothing else is. Who brings a function in error back is said by
 * zpci.recovery=: kernel, user for a reset by user space, or slot for the power
 * of its slot.
 */

#include "../nvme.h"

#include <linux/iommufd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "../disk.h"
#include "../pattern.h"
#include "../sysfs.h"
#include "passthrough.h"
#include "suites.h"

#define RESET_METHOD "/sys/bus/pci/devices/%s/reset_method"
#define MEGABYTE (1ull << 20)
#define PAGES (NVME_TRANSFER / NVME_PAGE)

static const enum vfio_api apis[] = { VFIO_API_TYPE1, VFIO_API_IOMMUFD };

static struct disk disk;
/* Who takes care of functions that VFIO has. */
static enum { RECOVERY_KERNEL, RECOVERY_USER, RECOVERY_SLOT } recovery;

/* A running controller; its queues are at the start of the range. */
struct bench {
	struct vfio vfio;
	struct iova_range range;
	struct nvme nvme;
	int error;
};

static uint8_t *new_pages(size_t size, int fill)
{
	uint8_t *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(pages != MAP_FAILED);
	memset(pages, fill, size);
	return pages;
}

static void set_up(struct bench *bench, const enum vfio_api *api)
{
	struct iova_range ranges[IOVA_RANGES];

	vfio_open(&bench->vfio, *api, passthrough.address);
	check(vfio_ranges(&bench->vfio, ranges) >= 1);
	bench->range = ranges[0];
	bench->error = vfio_error_event(&bench->vfio);
	nvme_start(&bench->nvme, &bench->vfio, bench->range.start);
}

static void map(struct bench *bench, void *memory, uint64_t iova, size_t size,
		unsigned int access)
{
	check_call(vfio_map(&bench->vfio, memory, iova, size, access));
}

static void unmap(struct bench *bench, uint64_t iova, size_t size)
{
	uint64_t unmapped;

	check_call(vfio_unmap(&bench->vfio, iova, size, &unmapped));
	check_equal(unmapped, size);
}

static void check_identity(const uint8_t *page)
{
	/* Vendor, then 20 bytes of serial number. */
	check_equal(page[0] | page[1] << 8, passthrough.vendor);
	check_that(!memcmp(page + 4, disk.serial, strlen(disk.serial)),
		   "serial number is \"%.20s\", not \"%s\"", page + 4,
		   disk.serial);
}

static void check_untouched(const uint8_t *page, size_t size)
{
	for (size_t i = 0; i < size; i++)
		check_that(page[i] == 0xa5, "byte %zu is %#x", i, page[i]);
}

static void identify(const void *api)
{
	uint8_t *page = new_pages(NVME_PAGE, 0xa5);
	struct bench bench;
	uint64_t iova;

	set_up(&bench, api);
	iova = bench.range.start + MEGABYTE;
	map(&bench, page, iova, NVME_PAGE, VFIO_WRITE | VFIO_READ);
	check_equal(nvme_identify(&bench.nvme, iova), NVME_DONE);
	check_identity(page);
	nvme_stop(&bench.nvme);
}

/* The last page that may be mapped. */
static void last_page(const void *api)
{
	uint8_t *page = new_pages(NVME_PAGE, 0xa5);
	struct bench bench;
	uint64_t iova;

	set_up(&bench, api);
	iova = bench.range.last - NVME_PAGE + 1;
	map(&bench, page, iova, NVME_PAGE, VFIO_READ_WRITE);
	check_equal(nvme_identify(&bench.nvme, iova), NVME_DONE);
	check_identity(page);
	nvme_stop(&bench.nvme);
}

/* An address that is given to another page leads to that page alone. */
static void remap(const void *api)
{
	uint8_t *first = new_pages(NVME_PAGE, 0xa5);
	uint8_t *second = new_pages(NVME_PAGE, 0xa5);
	struct bench bench;
	uint64_t iova;

	set_up(&bench, api);
	iova = bench.range.start + MEGABYTE;
	map(&bench, first, iova, NVME_PAGE, VFIO_READ_WRITE);
	check_equal(nvme_identify(&bench.nvme, iova), NVME_DONE);
	check_identity(first);
	unmap(&bench, iova, NVME_PAGE);
	memset(first, 0xa5, NVME_PAGE);
	map(&bench, second, iova, NVME_PAGE, VFIO_READ_WRITE);
	check_equal(nvme_identify(&bench.nvme, iova), NVME_DONE);
	check_identity(second);
	check_untouched(first, NVME_PAGE);
	nvme_stop(&bench.nvme);
}

/* Half a megabyte from the disk, and back into it from read-only memory. */
static void transfer(const void *api)
{
	uint8_t *source = new_pages(NVME_TRANSFER, 0);
	uint8_t *target = new_pages(NVME_TRANSFER, 0xa5);
	uint64_t from[PAGES], to[PAGES], offset = 24 * MEGABYTE;
	struct bench bench;

	set_up(&bench, api);
	check(offset + NVME_TRANSFER <= disk.size);
	nvme_create_io_queues(&bench.nvme);
	for (size_t i = 0; i < PAGES; i++) {
		from[i] = bench.range.start + MEGABYTE + i * NVME_PAGE;
		to[i] = bench.range.start + 2 * MEGABYTE + i * NVME_PAGE;
	}
	map(&bench, source, from[0], NVME_TRANSFER, VFIO_READ);
	map(&bench, target, to[0], NVME_TRANSFER, VFIO_READ_WRITE);
	check_equal(nvme_transfer(&bench.nvme, false, offset, to,
				  NVME_TRANSFER), NVME_DONE);
	check(pattern_compare_any(target, NVME_TRANSFER, offset) < 0);
	disk_announce(&disk, offset, NVME_TRANSFER);
	pattern_fill(source, NVME_TRANSFER, offset, PATTERN_WRITTEN);
	memset(target, 0xa5, NVME_TRANSFER);
	check_equal(nvme_transfer(&bench.nvme, true, offset, from,
				  NVME_TRANSFER), NVME_DONE);
	check_equal(nvme_transfer(&bench.nvme, false, offset, to,
				  NVME_TRANSFER), NVME_DONE);
	check(pattern_compare(target, NVME_TRANSFER, offset,
			      PATTERN_WRITTEN) < 0);
	nvme_stop(&bench.nvme);
}

/* Every page at another end of the range, each table with few entries. */
static void scattered(const void *api)
{
	uint8_t *target = new_pages(NVME_TRANSFER, 0xa5);
	uint64_t to[PAGES], offset = 25 * MEGABYTE, step;
	struct bench bench;

	set_up(&bench, api);
	nvme_create_io_queues(&bench.nvme);
	step = (bench.range.last - bench.range.start) / (PAGES + 2);
	for (size_t i = 0; i < PAGES; i++) {
		to[i] = (bench.range.start + (i + 1) * step) & -NVME_PAGE;
		map(&bench, target + i * NVME_PAGE, to[i], NVME_PAGE,
		    VFIO_READ_WRITE);
	}
	check_equal(nvme_transfer(&bench.nvme, false, offset, to,
				  NVME_TRANSFER), NVME_DONE);
	check(pattern_compare_any(target, NVME_TRANSFER, offset) < 0);
	nvme_stop(&bench.nvme);
}

/* Brings a function in error back, with a controller that runs. */
static void recover(struct bench *bench)
{
	enum vfio_api api = bench->vfio.api;

	if (recovery != RECOVERY_SLOT) {
		if (recovery == RECOVERY_KERNEL)
			nvme_wait(&bench->nvme);
		nvme_reset(&bench->nvme);
		nvme_start(&bench->nvme, &bench->vfio, bench->range.start);
		return;
	}
	vfio_close(&bench->vfio);
	check(function_power_cycle(passthrough.address));
	check_call(function_bind(passthrough.address, "vfio-pci"));
	set_up(bench, &api);
}

/*
 * DMA that must be reported as an error, and that the function works again
 * afterwards. What becomes of the command depends on who is faster: if the
 * kernel has dealt with the error before QEMU writes the completion, that says
 * that all was well.
 */
static void refused(struct bench *bench, uint64_t iova)
{
	uint8_t *page = new_pages(NVME_PAGE, 0xa5);
	uint64_t good = bench->range.start + 4 * MEGABYTE;

	nvme_identify(&bench->nvme, iova);
	check_that(vfio_wait(bench->error, 5000), "no error was reported");
	recover(bench);
	map(bench, page, good, NVME_PAGE, VFIO_READ_WRITE);
	check_equal(nvme_identify(&bench->nvme, good), NVME_DONE);
	check_identity(page);
	nvme_stop(&bench->nvme);
}

static void never_mapped(const void *api)
{
	struct bench bench;

	set_up(&bench, api);
	refused(&bench, bench.range.start + MEGABYTE);
}

/* A translation that the device has used must not outlive its mapping. */
static void no_longer_mapped(const void *api)
{
	uint8_t *page = new_pages(NVME_PAGE, 0xa5);
	struct bench bench;
	uint64_t iova;

	set_up(&bench, api);
	iova = bench.range.start + MEGABYTE;
	map(&bench, page, iova, NVME_PAGE, VFIO_READ_WRITE);
	check_equal(nvme_identify(&bench.nvme, iova), NVME_DONE);
	check_identity(page);
	memset(page, 0xa5, NVME_PAGE);
	unmap(&bench, iova, NVME_PAGE);
	refused(&bench, iova);
	check_untouched(page, NVME_PAGE);
}

static void read_only(const void *api)
{
	uint8_t *page = new_pages(NVME_PAGE, 0xa5);
	struct bench bench;
	uint64_t iova;

	set_up(&bench, api);
	iova = bench.range.start + MEGABYTE;
	map(&bench, page, iova, NVME_PAGE, VFIO_READ);
	refused(&bench, iova);
	check_untouched(page, NVME_PAGE);
}

/* The address below the first one that may be mapped. */
static void outside(const void *api)
{
	struct bench bench;

	set_up(&bench, api);
	refused(&bench, bench.range.start - NVME_PAGE);
}

/* Identifies into a page that was mapped before something happened. */
static void check_survived(struct bench *bench, uint8_t *page, uint64_t iova)
{
	memset(page, 0xa5, NVME_PAGE);
	if (nvme_identify(&bench->nvme, iova) == NVME_DONE) {
		check_identity(page);
		return;
	}
	check_that(vfio_wait(bench->error, 5000), "no error was reported");
	recover(bench);
	check_that(false, "the mapping does not work any more");
}

/*
 * The reset that takes the function away from itself: disabled and enabled by
 * CLP, and its tables registered again, so that mappings survive it.
 */
static void hot_reset(const void *api)
{
	uint8_t *page = new_pages(NVME_PAGE, 0xa5);
	struct bench bench;
	uint64_t iova;

	check_call(sysfs_write("bus", RESET_METHOD, passthrough.address));
	set_up(&bench, api);
	iova = bench.range.start + MEGABYTE;
	map(&bench, page, iova, NVME_PAGE, VFIO_READ_WRITE);
	for (unsigned int i = 0; i < 3; i++) {
		check_survived(&bench, page, iova);
		nvme_reset(&bench.nvme);
		nvme_start(&bench.nvme, &bench.vfio, bench.range.start);
	}
	check_survived(&bench, page, iova);
	nvme_stop(&bench.nvme);
	check_call(sysfs_write("default", RESET_METHOD, passthrough.address));
}

/* A page table that was filled before the function is attached to it. */
static void attached_later(const void *api)
{
	struct vfio_device_attach_iommufd_pt attach = { .argsz =
								sizeof(attach) };
	struct iommu_hwpt_alloc alloc = { .size = sizeof(alloc) };
	uint8_t *page = new_pages(NVME_PAGE, 0xa5);
	struct bench bench;
	uint64_t iova;

	set_up(&bench, api);
	iova = bench.range.start + MEGABYTE;
	map(&bench, page, iova, NVME_PAGE, VFIO_READ_WRITE);
	check_survived(&bench, page, iova);
	alloc.dev_id = bench.vfio.device_id;
	alloc.pt_id = bench.vfio.ioas;
	check_call(ioctl(bench.vfio.iommu, IOMMU_HWPT_ALLOC, &alloc));
	attach.pt_id = alloc.out_hwpt_id;
	check_call(ioctl(bench.vfio.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
			 &attach));
	check_survived(&bench, page, iova);
	nvme_stop(&bench.nvme);
}

static void define_api(const enum vfio_api *api)
{
	const char *name = vfio_api_name(*api);

	ktap_case(identify, api, "%s identify", name);
	ktap_case(last_page, api, "%s last page", name);
	ktap_case(remap, api, "%s remap", name);
	ktap_case(transfer, api, "%s transfer", name);
	ktap_case(scattered, api, "%s scattered", name);
	ktap_case(hot_reset, api, "%s hot reset", name);
	if (*api == VFIO_API_IOMMUFD)
		ktap_case(attached_later, api, "%s attached later", name);
	ktap_case(never_mapped, api, "%s never mapped", name);
	ktap_case(no_longer_mapped, api, "%s no longer mapped", name);
	ktap_case(read_only, api, "%s read only", name);
	ktap_case(outside, api, "%s outside", name);
}

static void define(void)
{
	char who[16];

	passthrough_define("vfio-pci");
	kernel_parameter(who, sizeof(who), "zpci.recovery");
	recovery = !strcmp(who, "slot") ? RECOVERY_SLOT :
		   !strcmp(who, "user") ? RECOVERY_USER :
					  RECOVERY_KERNEL;
	/* Its serial number, as long as it has a driver that knows it. */
	if (passthrough.address[0])
		disk_read(&disk, &passthrough);
	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++)
		define_api(&apis[i]);
	passthrough_return();
}

const struct suite nvme_suite = { "nvme", define };
