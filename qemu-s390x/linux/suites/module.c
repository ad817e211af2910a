// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What only the kernel itself can try: the module zpci_test, each of whose
 * tests is a file under debugfs. zpci.module=<group>,<group>... says which. What
 * a test of "matrix" registers is accepted in place of the machine.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../answer.h"
#include "../disk.h"
#include "../function.h"
#include "../sysfs.h"
#include "suites.h"

#define MODULE "/modules/zpci_test.ko"
#define TESTS "/sys/kernel/debug/zpci_test"
#define MOST 64

static struct disk disks[DISKS];
static char tests[MOST][96];

static void load(const void *argument)
{
	char parameters[128];
	int fd = check_call(open(MODULE, O_RDONLY));

	(void)argument;
	check_that(disks[1].name[0], "two functions with disks are needed");
	for (unsigned int i = 0; i < 2; i++)
		check_call(function_unbind(disks[i].function.address));
	snprintf(parameters, sizeof(parameters), "first=%s second=%s",
		 disks[0].function.address, disks[1].function.address);
	check_call(syscall(SYS_finit_module, fd, parameters, 0));
}

/* Whether what the test registers is accepted in place of the machine. */
static bool is_answered(const char *name)
{
	return !strncmp(name, "matrix", 6);
}

/* Each line of the answer but the last is for people. */
static void run(const void *argument)
{
	static const struct answer accepted = { .mpcifc = true,
						.count = ANSWER_FOR_EVER };
	const char *name = argument;
	char answer[SYSFS_VALUE], *rest = answer, *line;
	bool passed = false, answered = is_answered(name);

	if (answered)
		answer_begin(ANSWER_EVERYBODY, &accepted);
	check_that(sysfs_read(answer, sizeof(answer), TESTS "/%s", name) > 0,
		   "%m");
	if (answered)
		check(answer_end());
	while ((line = strsep(&rest, "\n"))) {
		passed = !strcmp(line, "ok");
		if (!passed && strcmp(line, "not ok"))
			ktap_note("%s", line);
	}
	check_that(passed, "the kernel says so");
}

static void unload(const void *argument)
{
	struct disk disk;

	(void)argument;
	check_call(syscall(SYS_delete_module, "zpci_test", O_NONBLOCK));
	for (unsigned int i = 0; i < 2; i++) {
		check_call(function_bind(disks[i].function.address, NULL));
		check(disk_read(&disk, &disks[i].function));
		disk_exercise(&disk, 0, 65536, 4, 0);
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Stores <group>/<test> of each test of a group, in alphabetical order. */
static size_t find_group(const char *group, size_t count)
{
	size_t first = count;
	char path[SYSFS_PATH];
	struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), TESTS "/%.31s", group);
	directory = opendir(path);
	while (directory && count < MOST && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			snprintf(tests[count++], sizeof(tests[0]),
				 "%.31s/%.60s", group, entry->d_name);
	if (directory)
		closedir(directory);
	qsort(tests[first], count - first, sizeof(tests[0]), compare_names);
	return count;
}

/* The names are in the module, which therefore is there before the cases. */
static size_t find_tests(void)
{
	char groups[SYSFS_VALUE], *rest = groups, *group;
	pid_t child = fork();
	size_t count = 0;

	if (child == 0) {
		load(NULL);
		_exit(EXIT_SUCCESS);
	}
	waitpid(child, NULL, 0);
	kernel_parameter(groups, sizeof(groups), "zpci.module");
	while ((group = strsep(&rest, ",")))
		count = find_group(group, count);
	return count;
}

static void loaded(const void *argument)
{
	(void)argument;
	check_that(tests[0][0], "the module was not loaded");
}

static void define(void)
{
	size_t count;

	disks_find(disks);
	count = find_tests();
	ktap_case(loaded, NULL, "loaded");
	for (size_t i = 0; i < count; i++) {
		ktap_case(run, tests[i], "%s", tests[i]);
		/* A debugger answers each of some hundred attaches. */
		if (is_answered(tests[i]))
			ktap_timeout(120);
	}
	ktap_case(unload, NULL, "unloaded");
}

const struct suite module_suite = { "module", define };
