// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The kernel's own dma_map_benchmark on one function: nothing is judged but
 * that mapping works; the times are for whoever compares kernels.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../sysfs.h"
#include "passthrough.h"
#include "suites.h"

#define BENCHMARK "/sys/kernel/debug/dma_map_benchmark"
#define DRIVER "dma_map_benchmark"

/*
 * What goes to the driver and comes back (struct map_benchmark of
 * include/linux/map_benchmark.h, in the user API of newer kernels only). Times
 * are in units of 100 ns.
 */
struct map_benchmark {
	uint64_t map, map_deviation, unmap, unmap_deviation;
	uint32_t threads, seconds;
	int32_t node;
	uint32_t dma_bits, direction;
	/* In ns, what the transfer itself is held to take. */
	uint32_t transfer;
	/* In one mapping. */
	uint32_t pages;
	uint8_t reserved[76];
};

#define DMA_MAP_BENCHMARK _IOWR('d', 1, struct map_benchmark)

/* Directions. */
#define BOTH_WAYS 0
#define TO_DEVICE 1

struct shape {
	unsigned int threads, pages, direction;
};

static const struct shape shapes[] = {
	{ 1, 1, BOTH_WAYS }, { 1, 1, TO_DEVICE },
	{ 1, 16, BOTH_WAYS }, { 4, 1, BOTH_WAYS },
};

static void run(const void *argument)
{
	const struct shape *shape = argument;
	struct map_benchmark benchmark = {
		.threads = shape->threads,
		.seconds = 1,
		.node = -1,
		/* The addresses of the function start at 4 GiB. */
		.dma_bits = 64,
		.direction = shape->direction,
		.pages = shape->pages,
	};
	int fd = check_call(open(BENCHMARK, O_RDWR));
	char type[32];

	sysfs_read(type, sizeof(type), "/sys/kernel/iommu_groups/%d/type",
		   passthrough.group);
	check_call(ioctl(fd, DMA_MAP_BENCHMARK, &benchmark));
	ktap_data("zpci-benchmark",
		  "{\"domain\":\"%s\",\"threads\":%u,\"pages\":%u,"
		  "\"direction\":%u,\"map_100ns\":%llu,\"map_stddev\":%llu,"
		  "\"unmap_100ns\":%llu,\"unmap_stddev\":%llu}",
		  type, shape->threads, shape->pages, shape->direction,
		  (unsigned long long)benchmark.map,
		  (unsigned long long)benchmark.map_deviation,
		  (unsigned long long)benchmark.unmap,
		  (unsigned long long)benchmark.unmap_deviation);
	check(benchmark.map > 0);
	check(benchmark.unmap > 0);
}

/*
 * Deferred flushing keeps addresses for a second: with many pages in one
 * mapping there are none left before it is over.
 */
static bool exhausts_addresses(const struct shape *shape)
{
	char type[32];

	sysfs_read(type, sizeof(type), "/sys/kernel/iommu_groups/%d/type",
		   passthrough.group);
	return !strcmp(type, "DMA-FQ") && shape->pages > 1;
}

static void define(void)
{
	passthrough_define(DRIVER);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (!exhausts_addresses(&shapes[i]))
			ktap_case(run, &shapes[i], "%u threads %u pages direction %u",
				  shapes[i].threads, shapes[i].pages,
				  shapes[i].direction);
	passthrough_return();
}

const struct suite benchmark_suite = { "benchmark", define };
