// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The list of cases that also runs on the host and in the bare-metal image,
 * here in the kernel: the module zpci_cases, which has a file for each function
 * that it may take away from Linux for a while. What it prints is KTAP, a level
 * below the case.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../disk.h"
#include "../function.h"
#include "../sysfs.h"
#include "suites.h"

#define MODULE "/modules/zpci_cases.ko"
#define LISTS "/sys/kernel/debug/zpci_cases"
/* Seconds for all cases on one function, with everything in a kernel on that slows it. */
#define TIMEOUT 300

#define VIRTIO_VENDOR 0x1af4
#define ENTROPY_DEVICE 0x1044

static struct disk disks[DISKS];
static size_t disk_count;
/* Those that the cases have a driver for. */
static struct function functions[FUNCTIONS];
static size_t function_count;

static void load(const void *argument)
{
	char parameters[512] = "functions=";
	int fd = check_call(open(MODULE, O_RDONLY));

	(void)argument;
	check_that(function_count, "no function for the cases");
	for (size_t i = 0; i < function_count; i++) {
		check_call(function_unbind(functions[i].address));
		strcat(parameters, i ? "," : "");
		strcat(parameters, functions[i].address);
	}
	check_call(syscall(SYS_finit_module, fd, parameters, 0));
}

static void run(const void *argument)
{
	const struct function *function = argument;
	bool passed = false, failed = false;
	char path[SYSFS_PATH], line[1024];
	FILE *list;

	snprintf(path, sizeof(path), LISTS "/%s", function->address);
	list = fopen(path, "r");
	check_that(list, "%s: %m", path);
	while (fgets(line, sizeof(line), list)) {
		const char *text = line + strspn(line, " ");

		line[strcspn(line, "\n")] = 0;
		passed |= !strncmp(text, "ok ", 3);
		failed |= !strncmp(text, "not ok ", 7) ||
			  !strncmp(text, "Bail out!", 9);
		if (*text)
			ktap_nested("%s", line);
	}
	check_that(!ferror(list), "%s: %m", path);
	check_that(passed && !failed, "a case failed");
}

/* Linux has its functions again. */
static void unload(const void *argument)
{
	struct disk disk;

	(void)argument;
	check_call(syscall(SYS_delete_module, "zpci_cases", O_NONBLOCK));
	for (size_t i = 0; i < function_count; i++)
		check_call(function_bind(functions[i].address, NULL));
	for (size_t i = 0; i < disk_count; i++) {
		check(disk_read(&disk, &disks[i].function));
		disk_exercise(&disk, 0, 65536, 4, 0);
	}
}

static void define(void)
{
	struct function all[FUNCTIONS];
	size_t count = functions_find(all);

	disk_count = disks_find(disks);
	for (size_t i = 0; i < disk_count; i++)
		functions[function_count++] = disks[i].function;
	for (size_t i = 0; i < count && function_count < FUNCTIONS; i++)
		if (all[i].vendor == VIRTIO_VENDOR &&
		    all[i].device == ENTROPY_DEVICE)
			functions[function_count++] = all[i];
	ktap_case(load, NULL, "loaded");
	for (size_t i = 0; i < function_count; i++) {
		ktap_case(run, &functions[i], "%s", functions[i].address);
		ktap_timeout(TIMEOUT);
	}
	ktap_case(unload, NULL, "unloaded");
}

const struct suite cases_suite = { "cases", define };
