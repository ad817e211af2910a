// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * A function with much that is mapped, to be looked at in a dump. Every page
 * has in it where it is mapped, and what is mapped is told: "# zpci-mapping:".
 * The host waits for "# zpci-dump:", dumps the guest and ends it.
 */

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "passthrough.h"
#include "suites.h"

#define PAGE 4096ull
/* A power of two */
#define PAGES (96ull << 10)
#define LONGEST 128
/* Number of pages from one to the next when they are first touched; odd, so that each has its turn. */
#define STEP 40503

/* At the start of each page, with its address for the device behind it: "zPCIpage". */
#define STAMP 0x7a50434970616765ull

static const uint64_t touched_in = 1ull << 17;

static uint64_t draw(uint64_t end)
{
	static uint64_t state = 0x0123456789abcdef;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % end;
}

/* Storage that is not in a row where its addresses are. */
static char *scattered(void)
{
	char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(memory != MAP_FAILED);
	check_call(madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE));
	for (uint64_t i = 0; i < touched_in; i++) {
		uint64_t page = i * STEP % touched_in;

		if (page < PAGES)
			memory[page * PAGE] = 1;
	}
	return memory;
}

static void map(struct vfio *vfio, char *memory, uint64_t iova, uint64_t pages,
		unsigned int access)
{
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t *stamp = (uint64_t *)(memory + i * PAGE);

		stamp[0] = STAMP;
		stamp[1] = iova + i * PAGE;
	}
	check_call(vfio_map(vfio, memory, iova, pages * PAGE, access));
	ktap_data("zpci-mapping",
		  "{\"iova\":\"%#llx\",\"pages\":%llu,\"write\":%s}",
		  (unsigned long long)iova, (unsigned long long)pages,
		  access & VFIO_WRITE ? "true" : "false");
}

static void record(const void *argument)
{
	struct iova_range ranges[IOVA_RANGES];
	uint64_t iova, last, gap, used = 0;
	char *memory = scattered();
	struct vfio vfio;

	(void)argument;
	vfio_open(&vfio, VFIO_API_TYPE1, passthrough.address);
	check(vfio_ranges(&vfio, ranges) >= 1);
	iova = ranges[0].start;
	last = ranges[0].last;
	/* The gaps are so long that what is mapped is spread over all of it. */
	gap = 2 * ((last - iova) / PAGE - PAGES) / (PAGES / (LONGEST / 2));
	while (used + LONGEST < PAGES && last - iova > 2 * LONGEST * PAGE) {
		uint64_t pages = 1 + draw(LONGEST);

		map(&vfio, memory + used * PAGE, iova, pages,
		    draw(4) ? VFIO_READ_WRITE : VFIO_READ);
		used += pages;
		iova += pages * PAGE + draw(2) * draw(gap) * PAGE;
	}
	/* The last page there is. */
	map(&vfio, memory + used * PAGE, last + 1 - PAGE, 1, VFIO_READ_WRITE);
	ktap_data("zpci-dump", "{\"fid\":\"%#lx\"}",
		  function_attribute(&passthrough, "function_id"));
	/* The host ends this. */
	while (true)
		pause();
}

static void define(void)
{
	passthrough_define("vfio-pci");
	ktap_case(record, NULL, "record");
	ktap_timeout(1000);
}

const struct suite dump_suite = { "dump", define };
