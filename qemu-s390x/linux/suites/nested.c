// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Functions passed through by an unmodified QEMU to a guest in this guest. What
 * the inner guests print is judged by who reads this console; here is judged
 * what QEMU does.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../answer.h"
#include "../clp.h"
#include "../counters.h"
#include "../disk.h"
#include "../inner.h"
#include "../ktap.h"
#include "../program.h"
#include "../sysfs.h"
#include "suites.h"

#define IMAGE "/nested/image"
#define LINUX "/nested/linux"
#define INITRD "/nested/initrd"

/* Every byte of a page that nobody has written to. */
#define UNTOUCHED 0xa5

/* Sizes of inner guests, in MiB. */
#define SMALL 256
#define LARGE 512

/* Seconds. */
#define IMAGE_TIME 240
#define LINUX_TIME 1500

static struct function passed[INNER_FUNCTIONS];
static struct disk disks[INNER_FUNCTIONS];
static size_t count;
static bool iommufd;

static struct inner inner;
static struct inner_machine machine;

struct scenario {
	const char *name;
	void (*run)(const void *argument);
	unsigned int seconds;
	/* What an image is told. */
	const char *load_parameter;
	/* Kernel parameters of a Linux. */
	const char *append;
	/* Of the machine, in MiB; and how many functions it has. */
	unsigned int memory;
	size_t functions;
};

static void prepare(const struct scenario *scenario)
{
	machine = (struct inner_machine){
		.kernel = scenario->append ? LINUX : IMAGE,
		.initrd = scenario->append ? INITRD : NULL,
		.append = scenario->append,
		.load_parameter = scenario->load_parameter,
		.iommufd = iommufd,
		.memory = scenario->memory,
		.count = scenario->functions,
	};
	/* Where QEMU writes what it is told to. */
	check_call(chdir(PROGRAM_DIRECTORY));
	check_that(count >= machine.count, "there are only %zu functions",
		   count);
	for (size_t i = 0; i < machine.count; i++)
		machine.functions[i] = (struct inner_function){
			.address = passed[i].address,
			.name = disks[i].serial,
			.uid = 5 + i,
			.fid = 0x11 + i,
		};
}

/* With each result of an inner Linux, what this kernel has done for it. */
static void count_result(const char *line)
{
	char text[COUNTERS_TEXT];
	struct counters counters;
	struct timespec now;

	if (!machine.append)
		return;
	line += strspn(line, " ");
	if (strncmp(line, "ok ", 3) && strncmp(line, "not ok ", 7))
		return;
	if (!counters_read(&counters, machine.functions[0].address))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	counters_format(text, &counters);
	ktap_data("zpci-counted", "{\"at_ms\":%lld,%s}",
		  now.tv_sec * 1000LL + now.tv_nsec / 1000000, text);
}

/* Plugs and unplugs what the inner guest asks for. */
static void see_request(struct inner *inner, const char *line)
{
	const char *request = strstr(line, "# zpci-hotplug: ");
	char serial[32];

	count_result(line);
	if (!request ||
	    sscanf(strstr(request, "\"serial\":") ?: "",
		   "\"serial\":\"%31[^\"]", serial) != 1)
		return;
	if (strstr(request, "\"unplug\""))
		inner_unplug(inner, serial);
	else
		inner_plug(inner, serial);
}

static void guest(const void *argument)
{
	prepare(argument);
	inner_start(&inner, &machine, see_request);
	inner_finish(&inner);
	check_equal(inner.stops, 0);
}

static void until(const unsigned int *events, unsigned int number)
{
	while (*events < number)
		check_that(inner_step(&inner), "QEMU has ended");
}

/* Runs the guest to its end, resets the machine, and runs it again. */
static void reboot_guest(const void *argument)
{
	prepare(argument);
	machine.stays = true;
	inner_start(&inner, &machine, see_request);
	until(&inner.ends, 1);
	check(inner_execute(&inner, "{\"execute\":\"system_reset\"}"));
	until(&inner.resets, 1);
	check_that(inner_execute(&inner, "{\"execute\":\"cont\"}"), "%s",
		   inner.answer);
	until(&inner.ends, 2);
	inner_quit(&inner);
}

/* What the image says of a page that its device is going to be refused. */
static uint64_t target;
static size_t target_size;

static void see_target(struct inner *inner, const char *line)
{
	const char *fact = strstr(line, "zpci-target: ");
	const char *absolute = fact ? strstr(fact, "\"absolute\":\"0x") : NULL;
	const char *bytes = fact ? strstr(fact, "\"bytes\":") : NULL;

	(void)inner;
	if (!absolute || !bytes)
		return;
	target = strtoull(absolute + strlen("\"absolute\":\""), NULL, 16);
	target_size = strtoul(bytes + strlen("\"bytes\":"), NULL, 10);
}

static void check_untouched(struct inner *inner)
{
	static const char path[] = "target";
	unsigned char *bytes = malloc(target_size);
	int fd;

	check(bytes);
	check_that(inner_execute(inner,
				 "{\"execute\":\"pmemsave\",\"arguments\":"
				 "{\"val\":%llu,\"size\":%zu,"
				 "\"filename\":\"%s\"}}",
				 (unsigned long long)target, target_size,
				 path),
		   "%s", inner->answer);
	fd = check_call(open(path, O_RDONLY));
	check(read(fd, bytes, target_size) == (ssize_t)target_size);
	close(fd);
	for (size_t i = 0; i < target_size; i++)
		check_that(bytes[i] == UNTOUCHED,
			   "byte %zu of the page was written: %#x", i,
			   bytes[i]);
}

/*
 * The device is refused one access. QEMU then stops the guest; one that told
 * the guest instead would let the image come to its end.
 */
static void refusal(const void *argument)
{
	prepare(argument);
	inner_start(&inner, &machine, see_target);
	while (!inner.stops && !inner.panics && inner_step(&inner))
		;
	check_that(target_size, "the image did not come to the access");
	if (!inner.stops || inner.panics) {
		inner_finish(&inner);
		ktap_data("zpci-refused", "{\"told\":\"the guest\"}");
		return;
	}
	check(inner_execute(&inner, "{\"execute\":\"query-status\"}"));
	check_that(strstr(inner.answer, "\"internal-error\""),
		   "the guest was stopped: %s", inner.answer);
	check_untouched(&inner);
	ktap_data("zpci-refused", "{\"told\":\"nobody\"}");
	inner_quit(&inner);
}

/*
 * The last address that this kernel lets the function use: the one before the
 * second region that nothing may be mapped in.
 */
static unsigned long long aperture_end(const struct function *function)
{
	unsigned long long start;
	char regions[512], *second;

	check(sysfs_read(regions, sizeof(regions),
			 "/sys/kernel/iommu_groups/%d/reserved_regions",
			 function->group) > 0);
	second = strchr(regions, '\n');
	check_that(second && sscanf(second, "%llx", &start) == 1,
		   "no upper region: %s", regions);
	return start - 1;
}

/* What the machine answers here; the inner guest prints the same of its own. */
static void values(const void *argument)
{
	const struct function *function = argument;
	struct clp_response response, group;
	char sizes[64] = "";

	clp_query_function(&response,
			   function_attribute(function, "function_handle"));
	clp_query_group(&group, response.bytes[19]);
	for (size_t i = 0, length = 0; i < 6; i++)
		length += snprintf(sizes + length, sizeof(sizes) - length,
				   "%s%u", i ? "," : "",
				   response.bytes[24 + i]);
	ktap_data("zpci-outer",
		  "{\"fid\":%u,\"uid\":%u,\"vfn\":%u,\"group\":%u,"
		  "\"pchid\":%u,\"bar_sizes_log2\":[%s],"
		  "\"port\":%u,\"function_type\":%u,"
		  "\"start_dma\":\"0x%016llx\",\"end_dma\":\"0x%016llx\","
		  "\"aperture_end\":\"0x%016llx\","
		  "\"function_group\":{\"maximum_interrupts\":%u,"
		  "\"version\":%u,\"relaxed_translation\":%s,"
		  "\"refresh\":%s,\"maximum_store_block\":%u,"
		  "\"measurement_interval_ms\":%u,"
		  "\"designation_types\":%u,"
		  "\"dma_address_space_mask\":\"0x%016llx\","
		  "\"msi_address\":\"0x%016llx\"}}",
		  clp_word(&response, 20), clp_word(&response, 124),
		  clp_half(&response, 16), response.bytes[19],
		  clp_half(&response, 30), sizes, response.bytes[61] & 0xf,
		  response.bytes[63],
		  (unsigned long long)clp_doubleword(&response, 64),
		  (unsigned long long)clp_doubleword(&response, 72),
		  aperture_end(function),
		  clp_half(&group, 16) & 0xfff, group.bytes[18],
		  group.bytes[19] & 0x20 ? "true" : "false",
		  group.bytes[19] & 0x01 ? "true" : "false",
		  clp_half(&group, 20) & 0x1fff, clp_half(&group, 22),
		  group.bytes[24],
		  (unsigned long long)clp_doubleword(&group, 32),
		  (unsigned long long)clp_doubleword(&group, 40));
}

static const struct scenario scenarios[] = {
	{ "image", guest, IMAGE_TIME, "SPARE", NULL, SMALL, 1 },
	{ "read-only", refusal, IMAGE_TIME, "READONLY", NULL, SMALL, 1 },
	{ "unmapped", refusal, IMAGE_TIME, "UNMAPPED", NULL, SMALL, 1 },
	{ "unseen", refusal, IMAGE_TIME, "UNSEEN", NULL, SMALL, 1 },
	{ "frame", refusal, IMAGE_TIME, "FRAME", NULL, SMALL, 1 },
	{ "two", guest, IMAGE_TIME, "SPARE", NULL, SMALL, 2 },
	{ "reboot", reboot_guest, 2 * IMAGE_TIME, "SPARE", NULL, SMALL, 1 },
	{ "linux", guest, LINUX_TIME, NULL,
	  "zpci.run=function,clp,disk zpci.functions=1 zpci.patience=10",
	  LARGE, 1 },
	{ "hotplug", guest, LINUX_TIME, NULL,
	  "zpci.run=hotplug zpci.rounds=1 zpci.patience=10", LARGE, 2 },
	{ "identity", guest, LINUX_TIME, NULL,
	  "iommu.passthrough=1 zpci.run=function,disk zpci.functions=1 "
	  "zpci.patience=10", SMALL, 1 },
	{ "large-frames", guest, LINUX_TIME, NULL,
	  "s390_iommu_large_frames=1 iommu.strict=1 zpci.run=disk "
	  "zpci.patience=10",
	  LARGE, 1 },
	{ "forced-frames", guest, LINUX_TIME, NULL,
	  "s390_iommu_large_frames=force iommu.strict=1 zpci.run=disk "
	  "zpci.patience=10",
	  LARGE, 1 },
};

static void take_functions(const void *argument)
{
	(void)argument;
	check_that(count, "no NVMe controller");
	for (size_t i = 0; i < count; i++) {
		check_that(disks[i].serial[0], "%s has no disk",
			   passed[i].address);
		check_call(function_bind(passed[i].address, "vfio-pci"));
	}
}

static void give_back(const void *argument)
{
	(void)argument;
	for (size_t i = 0; i < count; i++) {
		struct disk disk;

		check_call(function_bind(passed[i].address, NULL));
		check(disk_read(&disk, &passed[i]));
		disk_exercise(&disk, 8 << 20, 65536, 4, 0);
	}
}

/* The host changes what CLP says; it need not wait for more. */
static void end_of_questions(const void *argument)
{
	(void)argument;
	answer_end();
}

static void unknown(const void *argument)
{
	check_that(false, "there is no scenario %s", (const char *)argument);
}

static void define_scenario(const char *name)
{
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (strcmp(scenarios[i].name, name))
			continue;
		ktap_case(scenarios[i].run, &scenarios[i], "%s", name);
		ktap_timeout(scenarios[i].seconds);
		return;
	}
	ktap_case(unknown, name, "%s", name);
}

static void define(void)
{
	static struct function functions[FUNCTIONS];
	static char names[SYSFS_VALUE], api[16];
	size_t found = functions_find(functions);
	char *rest = names, *name;

	for (size_t i = 0; i < found && count < INNER_FUNCTIONS; i++) {
		if (functions[i].class != CLASS_NVME)
			continue;
		passed[count] = functions[i];
		disk_read(&disks[count], &functions[i]);
		count++;
	}
	kernel_parameter(api, sizeof(api), "zpci.api");
	iommufd = !strcmp(api, "iommufd");
	ktap_case(take_functions, NULL, "bind to vfio-pci");
	for (size_t i = 0; i < count; i++)
		ktap_case(values, &passed[i], "%s values", passed[i].address);
	if (kernel_parameter(names, sizeof(names), "zpci.falsified"))
		ktap_case(end_of_questions, NULL, "everything was asked");
	kernel_parameter(names, sizeof(names), "zpci.nested");
	while ((name = strsep(&rest, ",")))
		define_scenario(name);
	ktap_case(give_back, NULL, "back to their drivers");
}

const struct suite nested_suite = { "nested", define };
