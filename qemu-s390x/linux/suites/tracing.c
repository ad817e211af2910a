// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The kernel's tracers see the driver: its C by ftrace, its Rust by probes. Rust
 * has no places for ftrace in any kernel for s390, however it was compiled. What
 * bpftrace and perf list comes from the same files.
 */

#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "../btf.h"
#include "../disk.h"
#include "../symbol.h"
#include "../sysfs.h"
#include "suites.h"

#define TRACEFS "/sys/kernel/tracing"

/* What the core calls to map, what that calls of Rust, and a probe on that. */
#define OPERATION "zpci_map_pages"
#define EXPORT "zpci_rust_map_page"
#define PROBE "zpci_map"

/* A type of the shim. */
#define STRUCTURE "zpci_attachment"

static struct disk disks[DISKS];

static void need_tracefs(void)
{
	if (mount("tracefs", TRACEFS, "tracefs", 0, NULL) && errno != EBUSY)
		ktap_skip("the kernel traces no functions");
	if (!sysfs_exists(TRACEFS "/available_filter_functions"))
		ktap_skip("the kernel traces no functions");
}

static void functions_are_listed(const void *argument)
{
	unsigned int operations = 0, inner[SYMBOL_CRATES] = { 0 };
	char line[SYSFS_PATH];
	FILE *list;

	(void)argument;
	need_tracefs();
	list = fopen(TRACEFS "/available_filter_functions", "r");
	check_that(list, "available_filter_functions: %m");
	while (fgets(line, sizeof(line), list)) {
		operations += !strncmp(line, OPERATION, strlen(OPERATION));
		for (unsigned int i = 0; i < SYMBOL_CRATES; i++)
			inner[i] += symbol_is_of(line, symbol_crates[i]);
	}
	fclose(list);
	ktap_data("traceable",
		  "{\"operations\": %u, \"clp\": %u, \"s390-iommu\": %u, \"zpci-glue\": %u}",
		  operations, inner[0], inner[1], inner[2]);
	check_equal(operations, 1);
}

/* Makes the driver map and unmap. */
static void work(const struct disk *disk)
{
	struct disk again;

	check(disk_read(&again, &disk->function));
	disk_exercise(&again, 0, 65536, 4, 0);
}

/* The number of lines of the trace that have `word`. */
static unsigned int traced(const char *word)
{
	unsigned int found = 0;
	char line[SYSFS_VALUE];
	FILE *trace = fopen(TRACEFS "/trace", "r");

	check_that(trace, "trace: %m");
	while (fgets(line, sizeof(line), trace)) {
		if (line[0] == '#' || !strstr(line, word))
			continue;
		if (!found++)
			ktap_note("%.*s", (int)strcspn(line, "\n"), line);
	}
	fclose(trace);
	return found;
}

static void calls_are_traced(const void *argument)
{
	unsigned int found;

	need_tracefs();
	check_call(sysfs_write(OPERATION, TRACEFS "/set_ftrace_filter"));
	check_call(sysfs_write("function", TRACEFS "/current_tracer"));
	work(argument);
	found = traced(OPERATION);
	check_call(sysfs_write("nop", TRACEFS "/current_tracer"));
	check_that(found > 0, "no call of " OPERATION " in the trace");
}

static void probe_is_hit(const void *argument)
{
	unsigned int found;

	need_tracefs();
	if (!sysfs_exists(TRACEFS "/kprobe_events"))
		ktap_skip("the kernel has no events of probes");
	if (sysfs_write("p:zpci/" PROBE " " EXPORT, TRACEFS "/kprobe_events")) {
		char reason[SYSFS_VALUE] = "";

		sysfs_read(reason, sizeof(reason), TRACEFS "/error_log");
		check_that(false, "no probe on " EXPORT ": %s", reason);
	}
	check_call(sysfs_write("1", TRACEFS "/events/zpci/" PROBE "/enable"));
	work(argument);
	check_call(sysfs_write("0", TRACEFS "/events/zpci/" PROBE "/enable"));
	found = traced(PROBE);
	check_that(found > 0, "no hit of the probe on " EXPORT);
}

/* What bpftool lists, and programs may be put on: the driver's C, as any other's. */
static void types_are_listed(const void *argument)
{
	unsigned int structures, functions, exports, rust;

	(void)argument;
	if (!sysfs_exists(BTF_FILE))
		ktap_skip("the kernel has no types for BPF (CONFIG_DEBUG_INFO_BTF)");
	structures = btf_count(BTF_KIND_STRUCT, STRUCTURE);
	functions = btf_count(BTF_KIND_FUNC, OPERATION);
	exports = btf_count(BTF_KIND_FUNC, EXPORT);
	rust = btf_count(BTF_KIND_FUNC, "_R");
	ktap_data("btf",
		  "{\"structures\": %u, \"operations\": %u, \"exports\": %u, \"rust\": %u}",
		  structures, functions, exports, rust);
	check_equal(structures, 1);
	check_equal(functions, 1);
	/* Linux leaves out what is written in Rust. */
	check_equal(exports, 0);
	check_equal(rust, 0);
}

static void define(void)
{
	ktap_case(functions_are_listed, NULL, "functions are listed");
	ktap_case(types_are_listed, NULL, "types are listed");
	disks_find(disks);
	ktap_case(calls_are_traced, &disks[0], "calls are traced");
	ktap_case(probe_is_hit, &disks[0], "a probe is hit");
}

const struct suite tracing_suite = { "tracing", define };
