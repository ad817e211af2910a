// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The kernel's own self-tests, programs of their own under /selftests. They
 * print TAP; it becomes a level below the case.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sysfs.h"
#include "passthrough.h"
#include "suites.h"

#define DIRECTORY "/selftests"
#define PROGRAMS 16
/* How kselftest says that it cannot run here. */
#define KSFT_SKIP 4

static char programs[PROGRAMS][64];

static void copy_output(FILE *output)
{
	char line[1024];

	while (fgets(line, sizeof(line), output)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "TAP version", 11))
			ktap_nested("KTAP version 1");
		else if (!strncmp(line, "1..", 3) || !strncmp(line, "ok ", 3) ||
			 !strncmp(line, "not ok ", 7))
			ktap_nested("%s", line);
		else if (line[0])
			ktap_note("%s", line[0] == '#' ?
						line + 1 + (line[1] == ' ') :
						line);
	}
}

static void run(const void *argument)
{
	const char *name = argument;
	int status, output[2];
	pid_t child;

	check_that(passthrough.address[0], "no function for the tests");
	check_call(pipe(output));
	child = check_call(fork());
	if (child == 0) {
		char path[128];

		dup2(output[1], STDOUT_FILENO);
		dup2(output[1], STDERR_FILENO);
		close(output[0]);
		close(output[1]);
		snprintf(path, sizeof(path), DIRECTORY "/%s", name);
		execl(path, name, passthrough.address, NULL);
		_exit(127);
	}
	close(output[1]);
	copy_output(fdopen(output[0], "r"));
	check(waitpid(child, &status, 0) == child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP)
		ktap_skip("it says that it cannot run here");
	check_that(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
	check_that(WEXITSTATUS(status) == 0, "exit status %d",
		   WEXITSTATUS(status));
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void define(void)
{
	DIR *directory = opendir(DIRECTORY);
	struct dirent *entry;
	size_t count = 0;

	passthrough_define("vfio-pci");
	while (directory && count < PROGRAMS && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			snprintf(programs[count++], sizeof(programs[0]),
				 "%.63s", entry->d_name);
	if (directory)
		closedir(directory);
	qsort(programs, count, sizeof(programs[0]), compare_names);
	for (size_t i = 0; i < count; i++) {
		ktap_case(run, programs[i], "%s", programs[i]);
		ktap_timeout(120);
	}
	passthrough_return();
}

const struct suite selftest_suite = { "selftest", define };
