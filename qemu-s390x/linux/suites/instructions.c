// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Two functions in one address space. To one of them the machine answers MPCIFC
 * or RPCIT as QEMU never does, at each point where the kernel issues them: the
 * kernel and the neighbour go on, and the function works afterwards. With
 * zpci.busy=rpcit or mpcifc the machine is busy without end.
 */

#include "../answer.h"

#include <errno.h>
#include <linux/vfio_zdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../function.h"
#include "../nvme.h"
#include "../record.h"
#include "../sysfs.h"
#include "suites.h"

#define MEGABYTE (1ull << 20)
/* Whole page tables, so that an unmap gives some back. */
#define RUN (2 * MEGABYTE)
#define RESET_METHOD "/sys/bus/pci/devices/%s/reset_method"
#define TIMEOUT 150

enum point { ATTACH, DETACH, MOVE, RESET, MAP, UNMAP, POINTS };

static const struct {
	const char *name;
	/* What the kernel issues there. */
	bool mpcifc, rpcit;
} points[POINTS] = {
	{ "attach", true, true }, { "detach", true, false },
	{ "move", true, false },  { "reset", true, true },
	{ "map", false, true },
	{ "unmap", false, true },
};

static const struct {
	const char *name;
	struct answer answer;
	/* A function to which this is said does no DMA. */
	bool idle;
} said[] = {
	{ "busy 3 times", { .cc = 2, .count = 3 }, false },
	{ "cc 1 status 4", { false, 1, 4, ANSWER_FOR_EVER }, false },
	{ "cc 1 status 8", { false, 1, 8, ANSWER_FOR_EVER }, true },
	{ "cc 1 status 16", { false, 1, 16, ANSWER_FOR_EVER }, false },
	{ "cc 1 status 24", { false, 1, 24, ANSWER_FOR_EVER }, false },
	{ "cc 1 status 28", { false, 1, 28, ANSWER_FOR_EVER }, false },
	{ "cc 1 status 40", { false, 1, 40, ANSWER_FOR_EVER }, true },
	{ "cc 3", { false, 3, 0, ANSWER_FOR_EVER }, true },
	{ "refused", { false, ANSWER_REFUSED, 0, ANSWER_FOR_EVER }, false },
	{ "busy without end", { false, 2, 0, ANSWER_FOR_EVER }, false },
};

/* Who recovers the function registers it with where it has gone. */
#define RECOVERY 40

/* A translation is registered already, or none is. */
#define REGISTERED 24

#define SAID (sizeof(said) / sizeof(said[0]))
#define WITHOUT_END (SAID - 1)
#define REFUSED (SAID - 2)

struct row {
	bool mpcifc;
	size_t said;
	enum point point;
};

static struct row rows[2 * SAID * POINTS];
static struct function first, second;

static void *new_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	check(memory != MAP_FAILED);
	return memory;
}

/*
 * The same page at all addresses, so that each is a piece of its own for the
 * kernel, wherever its storage is.
 */
static void *new_pieces(size_t size)
{
	int file = check_call(memfd_create("piece", 0));
	char *memory = new_memory(size);

	check_call(ftruncate(file, NVME_PAGE));
	for (size_t at = 0; at < size; at += NVME_PAGE)
		check(mmap(memory + at, NVME_PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED | MAP_POPULATE, file,
			   0) != MAP_FAILED);
	close(file);
	return memory;
}

static uint32_t handle(struct vfio *vfio)
{
	struct vfio_device_info *info = vfio_device_info(vfio);
	const struct vfio_device_info_cap_zpci_base *base =
		(const void *)vfio_device_capability(
			info, VFIO_DEVICE_INFO_CAP_ZPCI_BASE);

	check(base && base->header.version >= 2);
	return base->fh;
}

/* A function whose controller works and reaches what was mapped. */
static void check_works(struct vfio *vfio, uint64_t iova)
{
	struct nvme nvme;
	uint64_t unmapped;

	nvme_start(&nvme, vfio, iova);
	check_call(vfio_map(vfio, new_memory(NVME_PAGE), iova + MEGABYTE,
			    NVME_PAGE, VFIO_READ_WRITE));
	check_equal(nvme_identify(&nvme, iova + MEGABYTE), NVME_DONE);
	nvme_stop(&nvme);
	check_call(vfio_unmap(vfio, iova + MEGABYTE, NVME_PAGE, &unmapped));
}

static int operate(enum point point, struct vfio *stays, struct vfio *other,
		   uint64_t iova)
{
	uint64_t unmapped;

	switch (point) {
	case ATTACH:
		return vfio_attach(other);
	case DETACH:
		return vfio_detach(other);
	/* As the kernel hands a function on from one owner to the next. */
	case MOVE:
		check_call(vfio_detach(other));
		return vfio_attach(other);
	case RESET:
		return vfio_reset(other, second.address);
	case MAP:
		return vfio_map(stays, new_pieces(RUN), iova + 2 * RUN, RUN,
				VFIO_READ_WRITE);
	default:
		return vfio_unmap(stays, iova, RUN, &unmapped);
	}
}

static unsigned int tell(const struct row *row, const char *when,
			 unsigned int instruction)
{
	char about[128];

	snprintf(about, sizeof(about), "%s %s at %s, %s",
		 row->mpcifc ? "MPCIFC" : "RPCIT", said[row->said].name,
		 points[row->point].name, when);
	return record_tell(about, instruction);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/*
 * Whether a reset alone does not bring the function back: one that failed has
 * disabled it; or what was registered according to the machine, and was not, has
 * had it put into the error state, in which VFIO may leave it.
 */
static bool is_lost(const struct row *row, int error)
{
	return error && (row->point == RESET ||
			 (row->mpcifc && row->point == ATTACH &&
			  said[row->said].answer.status == REGISTERED));
}

/* Gives the function to its driver anew. */
static void bring_back(bool is_lost)
{
	check_call(function_unbind(second.address));
	check(!is_lost || function_power_cycle(second.address));
	check_call(function_bind(second.address, "vfio-pci"));
}

/*
 * Whether the kernel issues the instruction there itself, after a reset, and
 * stops where the machine refuses it.
 */
static bool is_of_kernel(const struct row *row)
{
	char recovery[16];

	kernel_parameter(recovery, sizeof(recovery), "zpci.recovery");
	return row->said == REFUSED && row->point == RESET &&
	       !strcmp(recovery, "slot");
}

/* For people. A reset that failed may return a condition code, on any kernel. */
static const char *became(int result, int error)
{
	if (error)
		return strerrorname_np(error);
	return result ? "condition code" : "done";
}

/*
 * Whether the kernel comes back from the answer: one with neither the driver nor
 * the fixes stops where it is refused, and only the driver waits for an end.
 */
static bool comes_back(const struct row *row, bool driver)
{
	char fixed[16];

	kernel_parameter(fixed, sizeof(fixed), "zpci.fixed");
	return driver || (row->said != WITHOUT_END &&
			  (row->said != REFUSED || *fixed));
}

static void answered(const void *argument)
{
	const struct row *row = argument;
	bool driver = sysfs_exists("/sys/module/zpci_rust");
	struct answer answer = said[row->said].answer;
	struct iova_range ranges[IOVA_RANGES];
	struct vfio stays, other;
	unsigned int given, recorded;
	int result, error;
	double start;
	uint64_t iova;

	if (!comes_back(row, driver))
		ktap_skip("the kernel does not come back");
	check_call(sysfs_write("bus", RESET_METHOD, second.address));
	vfio_open(&stays, VFIO_API_IOMMUFD, first.address);
	vfio_open_beside(&other, &stays, second.address);
	check(vfio_ranges(&stays, ranges) >= 1);
	iova = ranges[0].start + 64 * MEGABYTE;
	check_call(vfio_map(&stays, new_memory(RUN), iova, RUN,
			    VFIO_READ_WRITE));
	if (row->point != ATTACH)
		check_call(vfio_attach(&other));

	answer.mpcifc = row->mpcifc;
	record_forget();
	answer_begin(handle(&other), &answer);
	start = now();
	result = operate(row->point, &stays, &other, iova);
	error = result < 0 ? errno : 0;
	start = now() - start;
	given = answer_end();
	recorded = tell(row, "then", row->mpcifc ? 'M' : 'R');
	ktap_data("zpci-answer",
		  "{\"instruction\":\"%s\",\"answer\":\"%s\",\"at\":\"%s\","
		  "\"given\":%u,\"result\":\"%s\",\"seconds\":%.3f}",
		  row->mpcifc ? "MPCIFC" : "RPCIT", said[row->said].name,
		  points[row->point].name, given,
		  became(result, error), start);
	/* A kernel with the driver issues each of them, the stock one not all. */
	if (row->said != WITHOUT_END && driver)
		check(given);
	if (answer.count != ANSWER_FOR_EVER || row->point == UNMAP ||
	    (row->point == MAP && said[row->said].idle) ||
	    (row->point == MOVE && answer.status == RECOVERY))
		check_that(!error, "%s: %s", points[row->point].name,
			   strerror(error));

	/*
	 * What was refused was not done, so that the function may go on. Of a
	 * translation that did not end only the driver knows.
	 */
	if (row->said == REFUSED && row->point == MAP)
		check_equal(error, EIO);
	if (row->said == REFUSED && row->point == MOVE)
		check_equal(error, driver ? EBUSY : EIO);

	/* That it is busy, once, and that it is not any more. */
	if (answer.cc == 2 && answer.count != ANSWER_FOR_EVER && given)
		check_equal(recorded, 2);

	/* The neighbour, with whatever became of the other one. */
	check_works(&stays, ranges[0].start);
	close(other.device);
	record_forget();
	bring_back(is_lost(row, error));
	tell(row, "brought back", 0);
	vfio_open_beside(&other, &stays, second.address);
	check_call(vfio_attach(&other));
	check_works(&other, ranges[0].start);
	check_works(&stays, ranges[0].start + 4 * MEGABYTE);
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
	check_call(function_bind(first.address, NULL));
	check_call(function_bind(second.address, NULL));
}

static void define(void)
{
	static struct function functions[FUNCTIONS];
	size_t found = functions_find(functions), count = 0;
	char busy[16];

	kernel_parameter(busy, sizeof(busy), "zpci.busy");
	for (size_t i = 0; i < found; i++)
		if (functions[i].class == CLASS_NVME)
			*(first.address[0] ? &second : &first) = functions[i];
	ktap_case(take, NULL, "bind to vfio-pci");
	for (size_t i = 0; i < 2 * SAID * POINTS; i++) {
		struct row row = { i / (SAID * POINTS), i / POINTS % SAID,
				   i % POINTS };

		if (!(row.mpcifc ? points[row.point].mpcifc :
				   points[row.point].rpcit) ||
		    (row.said == WITHOUT_END ?
			     strcmp(busy, row.mpcifc ? "mpcifc" : "rpcit") :
			     *busy) ||
		    is_of_kernel(&row) ||
		    /* It would wait for two ends, each as detach does. */
		    (row.said == WITHOUT_END && row.point == MOVE))
			continue;
		rows[count] = row;
		ktap_case(answered, &rows[count++], "%s %s at %s",
			  row.mpcifc ? "MPCIFC" : "RPCIT", said[row.said].name,
			  points[row.point].name);
		ktap_timeout(TIMEOUT);
	}
	ktap_case(give_back, NULL, "back to their drivers");
}

const struct suite instructions_suite = { "instructions", define };
