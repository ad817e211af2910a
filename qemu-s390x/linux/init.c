// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The first process: mounts what the suites look at, loads the modules of the
 * kernel, runs the suites that its command line names in
 * zpci.run=<suite>,<suite>..., and powers off.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "modules.h"
#include "suites/suites.h"
#include "sysfs.h"

static const struct suite *const known[] = {
	&benchmark_suite,
	&capability_suite,
	&cases_suite,
	&churn_suite,
	&clp_suite,
	&container_suite,
	&disk_suite,
	&domain_suite,
	&dump_suite,
	&enable_suite,
	&firmware_suite,
	&function_suite,
	&hardware_suite,
	&hotplug_suite,
	&instructions_suite,
	&iommufd_suite,
	&join_suite,
	&load_suite,
	&module_suite,
	&modules_suite,
	&nested_suite,
	&network_suite,
	&nvme_suite,
	&perf_suite,
	&reads_suite,
	&rebind_suite,
	&measurement_suite,
	&recovery_suite,
	&selftest_suite,
	&statistics_suite,
	&trace_suite,
	&tracing_suite,
	&type1_suite,
	&vmm_suite,
	&zpci_suite,
};

#define SUITES (sizeof(known) / sizeof(known[0]))

static const struct {
	const char *type, *path;
} mounts[] = {
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "devtmpfs", "/dev" },
	{ "debugfs", "/sys/kernel/debug" },
	{ "tmpfs", "/tmp" },
};

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].path, 0755);
		if (mount(mounts[i].type, mounts[i].path, mounts[i].type, 0,
			  NULL) && errno != EBUSY)
			ktap_note("mount %s: %m", mounts[i].path);
	}
}

static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		return;
	for (int standard = 0; standard < 3; standard++)
		dup2(fd, standard);
	if (fd > 2)
		close(fd);
}

static const struct suite *find_suite(const char *name)
{
	for (size_t i = 0; i < SUITES; i++)
		if (!strcmp(known[i]->name, name))
			return known[i];
	return NULL;
}

static void unknown_suite(const void *argument)
{
	(void)argument;
	check_that(false, "there is no such suite");
}

static void define_unknown(void)
{
	ktap_case(unknown_suite, NULL, "known");
}

static void run_suites(char *names)
{
	struct suite chosen[SUITES];
	unsigned int count = 0;
	char *name;

	while ((name = strsep(&names, ",")) && count < SUITES) {
		const struct suite *suite = find_suite(name);

		if (!*name)
			continue;
		chosen[count++] = suite ? *suite :
					  (struct suite){ name, define_unknown };
	}
	ktap_start(count);
	for (unsigned int i = 0; i < count; i++)
		ktap_run(&chosen[i]);
}

int main(void)
{
	char names[SYSFS_VALUE];
	struct utsname kernel;

	mount_all();
	open_console();
	/* Nobody reads these pipes and terminals. */
	signal(SIGPIPE, SIG_IGN);
	modules_find();
	if (modules_load())
		ktap_note("a module of the kernel cannot be loaded: %m");
	uname(&kernel);
	ktap_data("zpci-kernel", "{\"release\":\"%s\",\"version\":\"%s\"}",
		  kernel.release, kernel.version);
	if (kernel_parameter(names, sizeof(names), "zpci.run"))
		run_suites(names);
	else
		ktap_note("zpci.run= names no suite");
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
