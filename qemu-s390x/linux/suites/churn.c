// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * One function stays in an address space, in which two threads map and unmap
 * without a pause; a second function comes, is reset now and then, and goes.
 * Lasts zpci.seconds= by the API that zpci.api= names; with zpci.dma=1 the first
 * function does DMA meanwhile.
 */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../function.h"
#include "../log.h"
#include "../nvme.h"
#include "../sysfs.h"
#include "suites.h"

#define SECONDS 20
#define MEGABYTE (1ull << 20)
/* Several page tables, which an unmap empties. */
#define RUN (6 * MEGABYTE)
#define MAPPERS 2
/* Attaches between two resets. */
#define ATTACHES 16
#define RESET_METHOD "/sys/bus/pci/devices/%s/reset_method"
#define ERRORS 134

enum operation { ATTACH, DETACH, RESET, MAP, UNMAP, TRANSFER, OPERATIONS };

static const char *const names[OPERATIONS] = { "attach", "detach", "reset",
					       "map",	 "unmap",  "transfer" };

static struct function first, second;
static unsigned int seconds = SECONDS;

static atomic_bool stop;
static atomic_ulong done[OPERATIONS], refused[OPERATIONS][ERRORS];

struct mapper {
	pthread_t thread;
	struct vfio *vfio;
	uint64_t iova;
};

static bool count(enum operation operation, int result)
{
	if (result >= 0)
		atomic_fetch_add(&done[operation], 1);
	else
		atomic_fetch_add(&refused[operation][errno % ERRORS], 1);
	return result >= 0;
}

static unsigned long all_refused(enum operation operation)
{
	unsigned long sum = 0;

	for (unsigned int error = 0; error < ERRORS; error++)
		sum += atomic_load(&refused[operation][error]);
	return sum;
}

static void *new_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	check(memory != MAP_FAILED);
	return memory;
}

static void *map_and_unmap(void *argument)
{
	struct mapper *mapper = argument;
	void *memory = new_memory(RUN);
	uint64_t unmapped;

	while (!atomic_load(&stop))
		if (count(MAP, vfio_map(mapper->vfio, memory, mapper->iova, RUN,
					VFIO_READ_WRITE)))
			count(UNMAP, vfio_unmap(mapper->vfio, mapper->iova, RUN,
						&unmapped));
	return NULL;
}

/* By the controller itself, and by taking the whole function away, in turns. */
static void reset(struct vfio *vfio)
{
	static unsigned int resets;

	/* A function in error has no method. */
	if (sysfs_write(resets++ % 2 ? "bus" : "flr", RESET_METHOD,
			second.address))
		count(RESET, -1);
	else
		count(RESET, vfio_reset(vfio, second.address));
}

static void *come_and_go(void *argument)
{
	struct vfio *vfio = argument;

	while (!atomic_load(&stop)) {
		if (!count(ATTACH, vfio_attach(vfio)))
			continue;
		if (atomic_load(&done[ATTACH]) % ATTACHES == 0)
			reset(vfio);
		count(DETACH, vfio_detach(vfio));
	}
	return NULL;
}

/* Reads from the disk into memory that stays mapped. */
static void *transfer(void *argument)
{
	struct nvme *nvme = argument;
	uint64_t addresses[16], iova = nvme->iova + MEGABYTE;

	check_call(vfio_map(nvme->vfio, new_memory(MEGABYTE), iova, MEGABYTE,
			    VFIO_READ_WRITE));
	for (unsigned int i = 0; i < 16; i++)
		addresses[i] = iova + i * NVME_PAGE;
	nvme_create_io_queues(nvme);
	while (!atomic_load(&stop) && !all_refused(TRANSFER)) {
		errno = EIO;
		count(TRANSFER, nvme_transfer(nvme, false, 0, addresses,
					      16 * NVME_PAGE) == NVME_DONE ?
					0 :
					-1);
	}
	return NULL;
}

/* How many errors of functions the kernel has told of behind where `log` is. */
static unsigned int read_events(int log)
{
	return log_count(log, "reports an error");
}

static void report(enum operation operation)
{
	char errors[256] = "";
	int length = 0;

	for (int error = 0; error < ERRORS; error++) {
		unsigned long times = atomic_load(&refused[operation][error]);
		const char *name = strerrorname_np(error);

		if (times && length < (int)sizeof(errors) - 64)
			length += snprintf(errors + length,
					   sizeof(errors) - length,
					   "%s\"%s\":%lu", length ? "," : "",
					   name ? name : "?", times);
	}
	ktap_data("zpci-churn",
		  "{\"operation\":\"%s\",\"done\":%lu,\"refused\":{%s}}",
		  names[operation], atomic_load(&done[operation]), errors);
}

/* A controller that works is no function in error. */
static void check_works(struct vfio *vfio, const char *address, uint64_t iova)
{
	struct nvme nvme;

	vfio->device = vfio_device(vfio, address);
	check_that(vfio_read_config16(vfio, 0) != 0xffff,
		   "%s does not answer", address);
	nvme_start(&nvme, vfio, iova);
	check_call(vfio_map(vfio, new_memory(NVME_PAGE), iova + MEGABYTE,
			    NVME_PAGE, VFIO_READ_WRITE));
	check_that(nvme_identify(&nvme, iova + MEGABYTE) == NVME_DONE,
		   "%s does not work", address);
	nvme_stop(&nvme);
}

static void churn(const void *argument)
{
	const enum vfio_api *api = argument;
	int log = log_open();
	struct mapper mappers[MAPPERS];
	struct iova_range ranges[IOVA_RANGES];
	struct vfio stays, comes;
	pthread_t comer, reader;
	char dma[16];
	struct nvme nvme;
	unsigned int events = 0;
	uint64_t iova;

	kernel_parameter(dma, sizeof(dma), "zpci.dma");
	vfio_open(&stays, *api, first.address);
	vfio_open_beside(&comes, &stays, second.address);
	check(vfio_ranges(&stays, ranges) >= 1);
	iova = ranges[0].start;
	if (atoi(dma)) {
		nvme_start(&nvme, &stays, iova);
		check(!pthread_create(&reader, NULL, transfer, &nvme));
	}
	for (unsigned int i = 0; i < MAPPERS; i++) {
		mappers[i].vfio = &stays;
		mappers[i].iova = iova + 64 * MEGABYTE + i * 2 * RUN;
		check(!pthread_create(&mappers[i].thread, NULL, map_and_unmap,
				      &mappers[i]));
	}
	check(!pthread_create(&comer, NULL, come_and_go, &comes));
	for (time_t end = time(NULL) + seconds; time(NULL) < end;) {
		usleep(100000);
		events += read_events(log);
	}
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < MAPPERS; i++)
		pthread_join(mappers[i].thread, NULL);
	pthread_join(comer, NULL);
	if (atoi(dma)) {
		pthread_join(reader, NULL);
		if (!all_refused(TRANSFER))
			nvme_stop(&nvme);
	}
	usleep(500000);
	events += read_events(log);
	for (enum operation i = 0; i < OPERATIONS; i++)
		report(i);
	ktap_data("zpci-churn-events", "{\"seconds\":%u,\"events\":%u}",
		  seconds, events);
	/* How often the stock driver loses the race is a matter of luck. */
	if (!sysfs_exists("/sys/module/zpci_rust"))
		ktap_skip("counted and not judged without the driver");
	check_equal(events, 0);
	for (enum operation i = 0; i < OPERATIONS; i++)
		check_that(!all_refused(i), "%s was refused %lu times",
			   names[i], all_refused(i));
	check_works(&stays, first.address, iova + 32 * MEGABYTE);
	check_call(vfio_attach(&comes));
	check_works(&comes, second.address, iova + 48 * MEGABYTE);
}

static void take(const void *argument)
{
	(void)argument;
	check_that(second.address[0], "two NVMe controllers are needed");
	check_call(function_bind(first.address, "vfio-pci"));
	check_call(function_bind(second.address, "vfio-pci"));
}

static void give_back(const void *argument)
{
	(void)argument;
	check_call(sysfs_write("default", RESET_METHOD, second.address));
	check_call(function_bind(first.address, NULL));
	check_call(function_bind(second.address, NULL));
}

static void define(void)
{
	static const enum vfio_api apis[] = { VFIO_API_TYPE1,
					      VFIO_API_IOMMUFD };
	static struct function functions[FUNCTIONS];
	size_t found = functions_find(functions);
	char value[16];

	for (size_t i = 0; i < found; i++)
		if (functions[i].class == CLASS_NVME)
			*(first.address[0] ? &second : &first) = functions[i];
	if (kernel_parameter(value, sizeof(value), "zpci.seconds"))
		seconds = atoi(value);
	kernel_parameter(value, sizeof(value), "zpci.api");
	ktap_case(take, NULL, "bind to vfio-pci");
	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++) {
		if (*value && strcmp(value, vfio_api_name(apis[i])))
			continue;
		ktap_case(churn, &apis[i], "%s", vfio_api_name(apis[i]));
		ktap_timeout(seconds + 120);
	}
	ktap_case(give_back, NULL, "back to their drivers");
}

const struct suite churn_suite = { "churn", define };
