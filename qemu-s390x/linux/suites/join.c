// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/* Functions come to a container and leave it. All needs a kernel with the driver. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../log.h"
#include "../sysfs.h"
#include "../vfio.h"
#include "suites.h"
#include "three.h"

/* What is reported follows from what is attached. */
static void leave(const void *argument)
{
	int group = container_group(&second);
	int container = container_open(VFIO_TYPE1v2_IOMMU,
				       container_group(&first));
	struct container_capabilities found;
	size_t alone, size;
	uint8_t *before, *after;

	(void)argument;
	before = three_answer(container, &found, &alone);
	check_equal(found.function_count, 1);
	check_call(container_join(container, group));
	three_answer(container, &found, &size);
	check_equal(found.function_count, 2);
	check_equal(size, alone + sizeof(*found.functions[0]));
	check_call(container_leave(group));
	after = three_answer(container, &found, &size);
	check_equal(size, alone);
	check(!memcmp(before, after, size));
}

/* Maps a page and unmaps it again. */
static void use(int container)
{
	struct vfio vfio = { .api = VFIO_API_TYPE1, .iommu = container };
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iova_range ranges[IOVA_RANGES];
	uint64_t unmapped;

	check(memory != MAP_FAILED);
	check_equal(vfio_ranges(&vfio, ranges), 1);
	check_call(vfio_map(&vfio, memory, ranges[0].start, 4096,
			    VFIO_READ_WRITE));
	check_call(vfio_unmap(&vfio, ranges[0].start, 4096, &unmapped));
	check_equal(unmapped, 4096);
}

/* Whether the kernel registers tables by itself, and so has one kind of them. */
static bool region_third_only(void)
{
	char recovery[16];

	kernel_parameter(recovery, sizeof(recovery), "zpci.recovery");
	return !strcmp(recovery, "slot");
}

#define ONE_FORMAT "/sys/module/zpci_rust/parameters/one_format"

/*
 * A container with a format that `first` lacks. The format is region-second, of
 * which the machine has none: the module lets a function say otherwise while a
 * container is made for it. Returns -1 if the kernel has one kind of tables.
 */
static int other_container(void)
{
	int container = check_call(open("/dev/vfio/vfio", O_RDWR));
	struct container_capabilities found;
	int result, error;
	size_t size;

	check_call(container_join(container, container_group(&outside)));
	check_call(sysfs_write("1", LACKING));
	result = ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	error = errno;
	check_call(sysfs_write("0", LACKING));
	if (result < 0 && error == EINVAL && region_third_only()) {
		check_call(ioctl(container, VFIO_SET_IOMMU,
				 VFIO_TYPE1v2_IOMMU));
		close(container);
		return -1;
	}
	check_that(!result, "%s", strerror(error));
	three_answer(container, &found, &size);
	check_equal(found.function_count, 1);
	check_equal(found.format_count, 1);
	check_equal(found.formats[0]->designation_types, 1 << 2);
	return container;
}

/* A function that lacks the format of the container brings its own one. */
static void two_formats(const void *argument)
{
	int group = container_group(&first), container = other_container();
	const struct vfio_zpci_function *function;
	struct container_capabilities found;
	uint8_t *before, *after;
	size_t size, again;

	(void)argument;
	if (container < 0) {
		ktap_note("the kernel has one kind of tables");
		return;
	}
	before = three_answer(container, &found, &size);
	check_call(container_join(container, group));
	three_answer(container, &found, &again);
	check_equal(found.function_count, 2);
	check_equal(found.format_count, 2);
	check_equal(found.formats[0]->designation_types |
			    found.formats[1]->designation_types,
		    1 << 1 | 1 << 2);
	function = three_entry(&found, &first);
	check(function && function->format < 2);
	check_equal(found.formats[function->format]->designation_types, 1 << 1);
	function = three_entry(&found, &outside);
	check(function && function->format < 2);
	check_equal(found.formats[function->format]->designation_types, 1 << 2);
	use(container);
	check_call(container_leave(group));
	after = three_answer(container, &found, &again);
	check_equal(again, size);
	check(!memcmp(before, after, size));
}

/* It stays outside if the administrator wants one format. */
static void refused(const void *argument)
{
	int group = container_group(&first), container = other_container();
	struct container_capabilities found;
	uint8_t *before, *after;
	size_t size, again;
	char message[128];
	int result, error, log;

	(void)argument;
	if (container < 0) {
		ktap_note("the kernel has one kind of tables");
		return;
	}
	before = three_answer(container, &found, &size);
	log = log_open();
	check_call(sysfs_write("1", ONE_FORMAT));
	result = container_join(container, group);
	error = errno;
	check_call(sysfs_write("0", ONE_FORMAT));
	check_equal(result, -1);
	check_equal(error, EINVAL);
	snprintf(message, sizeof(message),
		 "FID %08lx may not join the container: designation types "
		 "0x40 where 0x20 are needed",
		 function_attribute(&first, "function_id"));
	check_that(log_count(log, message), "the kernel does not say: %s",
		   message);
	/* Nothing has changed, neither for the container ... */
	after = three_answer(container, &found, &again);
	check_equal(again, size);
	check(!memcmp(before, after, size));
	/* ... nor for the function. */
	use(container_open(VFIO_TYPE1v2_IOMMU, group));
}

struct reader {
	int container;
	volatile bool end;
	unsigned int answers, functions[3];
};

static void *read_always(void *argument)
{
	struct reader *reader = argument;
	struct container_capabilities found;

	while (!reader->end) {
		/* Enough for two, whoever comes meanwhile. */
		size_t size = 4096;
		uint8_t *answer = container_information(reader->container,
							size);

		check_that(answer, "VFIO_IOMMU_GET_INFO: %m");
		container_read(&found, answer, size);
		check(found.function_count >= 1 && found.function_count <= 2);
		check(three_entry(&found, &first));
		check(found.format_count && found.msi && found.gaps &&
		      found.ranges);
		reader->functions[found.function_count]++;
		reader->answers++;
		free(answer);
	}
	return NULL;
}

/* One asks all the time while a function comes and goes. */
static void come_and_go(const void *argument)
{
	int group = container_group(&second);
	struct reader reader = {
		.container = container_open(VFIO_TYPE1v2_IOMMU,
					    container_group(&first)),
	};
	pthread_t thread;

	(void)argument;
	check(!pthread_create(&thread, NULL, read_always, &reader));
	for (unsigned int i = 0; i < 200; i++) {
		check_call(container_join(reader.container, group));
		sched_yield();
		check_call(container_leave(group));
	}
	reader.end = true;
	check(!pthread_join(thread, NULL));
	ktap_note("%u answers, %u with one function, %u with two",
		  reader.answers, reader.functions[1], reader.functions[2]);
	check(reader.answers);
}

static void define(void)
{
	three_define();
	ktap_case(leave, NULL, "zpci function leaves");
	ktap_case(two_formats, NULL, "zpci two formats");
	ktap_case(refused, NULL, "zpci format is refused on request");
	ktap_case(come_and_go, NULL, "zpci functions come and go");
	three_return();
}

const struct suite join_suite = { "join", define };
