// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The half of a VMM that answers a guest, in Rust, with a real function: the
 * controller reaches what the tables of a guest say, and nothing else.
 */

#include <string.h>

#include "../disk.h"
#include "../program.h"
#include "../sysfs.h"
#include "passthrough.h"
#include "suites.h"

static struct program_run result;
static struct disk disk;

static void run(const void *argument)
{
	const char *how = argument;
	unsigned int count = 0;
	char recovery[16];

	check_that(disk.serial[0], "no disk before the function was taken");
	program_run(&result, 0, "/bin/passthrough", "%s %s",
		    passthrough.address, how);
	program_show(&result);
	program_check(&result);
	/* At one page of the guest, at the other after a refresh, and after a reset. */
	for (const char *at = result.out; (at = strstr(at, disk.serial)); at++)
		count++;
	check_equal(count, 3);
	check(strstr(result.out, "where nothing may be written"));
	/* The features that say more are there where the kernel has them. */
	check_equal(!!strstr(result.out, "\nsample "),
		    sysfs_exists("/sys/module/zpci_rust"));
	check(!strstr(result.out, ": 0 loads"));
	check(strstr(result.out, "\ninterrupts of "));
	check(!strstr(result.out, " vectors: 0\n"));
	check(!strstr(result.out, "interrupts: 0\n"));
	kernel_parameter(recovery, sizeof(recovery), "zpci.recovery");
	check_equal(!!strstr(result.out, "\nthe kernel kept an error: "),
		    !strcmp(recovery, "user"));
	check_equal(!!strstr(result.out, "\nerrors notified: 1\n"),
		    !strcmp(recovery, "user"));
}

static void define(void)
{
	static const char *const how[] = {
		"type1 nowhere",
		"type1 read-only",
		"iommufd nowhere",
		"iommufd read-only",
	};

	passthrough_define("vfio-pci");
	if (passthrough.address[0])
		disk_read(&disk, &passthrough);
	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++)
		ktap_case(run, how[i], "%s", how[i]);
	passthrough_return();
}

const struct suite vmm_suite = { "vmm", define };
