// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "mapping.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "../ktap.h"
#include "passthrough.h"

#define PAGE 4096ull
#define MEGABYTE (1ull << 20)

/* An open function, its first range of addresses and a megabyte to map. */
struct bench {
	struct vfio vfio;
	struct iova_range range;
	char *memory;
};

static void set_up(struct bench *bench, const enum vfio_api *api)
{
	struct iova_range ranges[IOVA_RANGES];

	vfio_open(&bench->vfio, *api, passthrough.address);
	check(vfio_ranges(&bench->vfio, ranges) >= 1);
	bench->range = ranges[0];
	bench->memory = mmap(NULL, MEGABYTE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(bench->memory != MAP_FAILED);
	memset(bench->memory, 0x5a, MEGABYTE);
}

static int map(struct bench *bench, uint64_t iova, uint64_t size)
{
	return vfio_map(&bench->vfio, bench->memory, iova, size,
			VFIO_READ_WRITE);
}

/* Unmaps what is there and expects it to have `expected` bytes. */
static void unmap(struct bench *bench, uint64_t iova, uint64_t size,
		  uint64_t expected)
{
	uint64_t unmapped;

	check_call(vfio_unmap(&bench->vfio, iova, size, &unmapped));
	check_equal(unmapped, expected);
}

static void ranges(const void *api)
{
	struct iova_range found[IOVA_RANGES];
	struct bench bench;
	size_t count;

	set_up(&bench, api);
	count = vfio_ranges(&bench.vfio, found);
	for (size_t i = 0; i < count; i++) {
		ktap_data("zpci-range",
			  "{\"function\":\"%s\",\"api\":\"%s\","
			  "\"start\":\"%#llx\",\"last\":\"%#llx\"}",
			  passthrough.address,
			  vfio_api_name(bench.vfio.api),
			  (unsigned long long)found[i].start,
			  (unsigned long long)found[i].last);
		check(found[i].start % PAGE == 0);
		check((found[i].last + 1) % PAGE == 0);
		check(found[i].start < found[i].last);
		check(i == 0 || found[i - 1].last < found[i].start);
	}
}

/* What may be mapped is exactly what ZPCI_BASE says of the function. */
static void window(const void *api)
{
	const struct vfio_info_cap_header *header;
	struct vfio_device_info *info;
	struct iova_range found[IOVA_RANGES];
	struct bench bench;
	/* start_dma and end_dma directly follow the header. */
	struct iova_range expected;

	set_up(&bench, api);
	info = vfio_device_info(&bench.vfio);
	header = vfio_device_capability(info, 1);
	check_that(header, "no ZPCI_BASE capability");
	memcpy(&expected, header + 1, sizeof(expected));
	check_equal(vfio_ranges(&bench.vfio, found), 1);
	check_equal(found[0].start, expected.start);
	check_equal(found[0].last, expected.last);
}

static void access_modes(const void *api)
{
	struct bench bench;

	set_up(&bench, api);
	for (unsigned int access = VFIO_READ; access <= VFIO_READ_WRITE;
	     access++) {
		check_call(vfio_map(&bench.vfio, bench.memory,
				    bench.range.start, PAGE, access));
		unmap(&bench, bench.range.start, PAGE, PAGE);
		check_call(vfio_map(&bench.vfio, bench.memory,
				    bench.range.start + MEGABYTE, MEGABYTE,
				    access));
		unmap(&bench, bench.range.start + MEGABYTE, MEGABYTE, MEGABYTE);
	}
	check(vfio_map(&bench.vfio, bench.memory, bench.range.start, PAGE, 0) <
	      0);
}

static void borders(const void *api)
{
	struct bench bench;
	uint64_t last_page;

	set_up(&bench, api);
	last_page = bench.range.last - PAGE + 1;
	check_call(map(&bench, bench.range.start, PAGE));
	check_call(map(&bench, last_page, PAGE));
	unmap(&bench, last_page, PAGE, PAGE);
	check_call(map(&bench, bench.range.last - MEGABYTE + 1, MEGABYTE));
	unmap(&bench, bench.range.last - MEGABYTE + 1, MEGABYTE, MEGABYTE);
	unmap(&bench, bench.range.start, PAGE, PAGE);
}

static void outside(const void *api)
{
	struct bench bench;

	set_up(&bench, api);
	check_errno(map(&bench, bench.range.start - PAGE, PAGE), EINVAL);
	check_errno(map(&bench, bench.range.start - PAGE, 2 * PAGE), EINVAL);
	check_errno(map(&bench, 0, PAGE), EINVAL);
	check_errno(map(&bench, bench.range.last + 1, PAGE), EINVAL);
	check_errno(map(&bench, bench.range.last - PAGE + 1, 2 * PAGE), EINVAL);
	check(map(&bench, -PAGE, PAGE) < 0);
	/* Beyond the last byte of all addresses. */
	check(map(&bench, -PAGE, 2 * PAGE) < 0);
}

static void misaligned(const void *api)
{
	struct bench bench;

	set_up(&bench, api);
	check_errno(map(&bench, bench.range.start + 1, PAGE), EINVAL);
	check_errno(map(&bench, bench.range.start + 512, PAGE), EINVAL);
	check_errno(map(&bench, bench.range.start, PAGE - 1), EINVAL);
	check_errno(map(&bench, bench.range.start, PAGE + 512), EINVAL);
	check_errno(map(&bench, bench.range.start, 0), EINVAL);
	check_errno(vfio_map(&bench.vfio, bench.memory + 512,
			     bench.range.start, PAGE, VFIO_READ_WRITE),
		    EINVAL);
}

static void overlap(const void *api)
{
	struct bench bench;
	uint64_t start;

	set_up(&bench, api);
	start = bench.range.start + MEGABYTE;
	check_call(map(&bench, start, 4 * PAGE));
	check_errno(map(&bench, start, PAGE), EEXIST);
	check_errno(map(&bench, start + 3 * PAGE, PAGE), EEXIST);
	check_errno(map(&bench, start - PAGE, 2 * PAGE), EEXIST);
	check_errno(map(&bench, start + 3 * PAGE, 2 * PAGE), EEXIST);
	check_errno(map(&bench, start - PAGE, 6 * PAGE), EEXIST);
	/* The neighbours are free. */
	check_call(map(&bench, start - PAGE, PAGE));
	check_call(map(&bench, start + 4 * PAGE, PAGE));
	unmap(&bench, start - PAGE, 6 * PAGE, 6 * PAGE);
}

static void part(const void *api)
{
	struct bench bench;
	uint64_t start, unmapped;

	set_up(&bench, api);
	start = bench.range.start;
	check_call(map(&bench, start, 4 * PAGE));
	check(vfio_unmap(&bench.vfio, start, PAGE, &unmapped) < 0);
	check(vfio_unmap(&bench.vfio, start + PAGE, PAGE, &unmapped) < 0);
	check(vfio_unmap(&bench.vfio, start + 3 * PAGE, PAGE, &unmapped) < 0);
	unmap(&bench, start, 4 * PAGE, 4 * PAGE);
}

static void nothing(const void *api)
{
	struct bench bench;
	uint64_t unmapped;

	set_up(&bench, api);
	if (bench.vfio.api == VFIO_API_TYPE1)
		unmap(&bench, bench.range.start, PAGE, 0);
	else
		check_errno(vfio_unmap(&bench.vfio, bench.range.start, PAGE,
				       &unmapped), ENOENT);
}

/* A mapping of every page by itself, unmapped as one. */
static void pages(const void *api)
{
	struct bench bench;

	set_up(&bench, api);
	for (uint64_t offset = 0; offset < MEGABYTE; offset += PAGE)
		check_call(vfio_map(&bench.vfio, bench.memory + offset,
				    bench.range.start + offset, PAGE,
				    VFIO_READ_WRITE));
	unmap(&bench, bench.range.start, MEGABYTE, MEGABYTE);
}

/* Across the borders of page tables and segment tables. */
static void table_borders(const void *api)
{
	static const uint64_t borders[] = { 1ull << 20, 1ull << 31 };
	struct bench bench;

	set_up(&bench, api);
	for (size_t i = 0; i < sizeof(borders) / sizeof(borders[0]); i++) {
		uint64_t border = (bench.range.start + borders[i]) &
				  -borders[i];

		if (border <= bench.range.start ||
		    border + 8 * PAGE > bench.range.last)
			continue;
		check_call(map(&bench, border - 8 * PAGE, 16 * PAGE));
		unmap(&bench, border - 8 * PAGE, 16 * PAGE, 16 * PAGE);
	}
}

static void again(const void *api)
{
	struct bench bench;

	set_up(&bench, api);
	for (unsigned int i = 0; i < 50; i++) {
		check_call(map(&bench, bench.range.start, MEGABYTE));
		unmap(&bench, bench.range.start, MEGABYTE, MEGABYTE);
	}
}

/* What is still mapped when everything is closed is nobody's any more. */
static void left_behind(const void *api)
{
	struct bench bench;

	set_up(&bench, api);
	check_call(map(&bench, bench.range.start, MEGABYTE));
	vfio_close(&bench.vfio);
	set_up(&bench, api);
	check_call(map(&bench, bench.range.start, MEGABYTE));
}

void mapping_define(const enum vfio_api *api)
{
	ktap_case(ranges, api, "ranges");
	ktap_case(window, api, "range is the window of the function");
	ktap_case(access_modes, api, "read, write, both");
	ktap_case(borders, api, "first and last page");
	ktap_case(misaligned, api, "misaligned refused");
	ktap_case(overlap, api, "overlap refused");
	ktap_case(part, api, "unmapping a part refused");
	ktap_case(nothing, api, "unmapping nothing");
	ktap_case(pages, api, "page by page");
	ktap_case(table_borders, api, "across tables");
	ktap_case(again, api, "again and again");
	ktap_case(left_behind, api, "left behind");
	/* Last: a kernel that lets it through has the function in error. */
	ktap_case(outside, api, "outside refused");
}
