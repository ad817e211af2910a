// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Back traces through the object of the driver, by the module zpci_trace: what
 * a warning prints, what a task sleeps in, and what live patching is told.
 * Every caller has to be there, in order, and each of them for certain.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../function.h"
#include "../log.h"
#include "../symbol.h"
#include "../sysfs.h"
#include "suites.h"

#define MODULE "/modules/zpci_trace.ko"
#define FILES "/sys/kernel/debug/zpci_trace/%s"
#define MODULE_SAYS "zpci_trace: "
#define WALKED MODULE_SAYS "walked: "

/* From the inside to the outside; NULL for what is below the object. */
static const char *const callers[] = {
	NULL,
	/* C that the object calls, its export, C that calls it. */
	"zpci_rust_add_capability",
	"zpci_rust_vfio_capabilities",
	"zpci_shim_capabilities",
	"zpci_trace_write",
	"vfs_write",
	"ksys_write",
	"system_call",
};

#define CALLERS (sizeof(callers) / sizeof(callers[0]))

static struct function functions[FUNCTIONS];

/* Whether `line` of a trace is about `function`. */
static bool is_about(const char *line, const char *function)
{
	const char *found = strstr(line, function);

	return found && found > line && strchr(" )", found[-1]) &&
	       found[strlen(function)] == '+';
}

/*
 * A line of a trace; `reached` is how many callers were found before. Whatever
 * comes after the innermost one, which may be there once more for its register
 * 14, has to be certain: the kernel puts what it has only found on the stack into
 * parentheses.
 */
static size_t follow(const char *line, size_t reached, const char *innermost)
{
	const char *wanted = reached < CALLERS ? callers[reached] : NULL;

	ktap_note("%s", line);
	if (reached && !is_about(line, innermost))
		check_that(!strchr(line, '('),
			   "a caller that may be one: %s", line);
	if (!reached)
		wanted = innermost;
	return wanted && is_about(line, wanted) ? reached + 1 : reached;
}

static void check_reached(size_t reached)
{
	check_that(reached == CALLERS, "the trace ends before %s",
		   reached ? callers[reached] : "the callee");
}

static void load(const void *argument)
{
	int fd = check_call(open(MODULE, O_RDONLY));
	char walk[64];

	(void)argument;
	snprintf(walk, sizeof(walk), "walk=%llu",
		 symbol_address("arch_stack_walk_reliable"));
	check_call(syscall(SYS_finit_module, fd, walk, 0));
}

static void warning(const void *argument)
{
	const struct function *function = argument;
	bool tracing = false;
	size_t reached = 0;
	unsigned int level;
	char line[LOG_LINE];
	int log = log_open();

	check_errno(sysfs_write(function->address, FILES, "warn"), EINTR);
	while (log_next(log, line, &level)) {
		if (strstr(line, "Last Breaking-Event-Address"))
			tracing = false;
		if (tracing)
			reached = follow(line, reached, "zpci_trace_warn");
		if (strstr(line, "Call Trace:"))
			tracing = true;
	}
	close(log);
	check_reached(reached);
}

static void sleeper(const void *argument)
{
	char stack[SYSFS_VALUE], *rest = stack, *line;
	const struct function *function = argument;
	pid_t child = check_call(fork());
	size_t reached = 0;

	if (!child) {
		sysfs_write(function->address, FILES, "sleep");
		_exit(EXIT_SUCCESS);
	}
	/* Until it sleeps where it should. */
	for (unsigned int i = 0; i < 200; i++) {
		usleep(10000);
		check(sysfs_read(stack, sizeof(stack), "/proc/%d/stack",
				 child) > 0);
		if (strstr(stack, "zpci_trace_sleep"))
			break;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	while ((line = strsep(&rest, "\n")))
		reached = follow(line, reached, "zpci_trace_sleep");
	check_reached(reached);
}

/* What live patching asks before it changes a function. */
static void reliable(const void *argument)
{
	const struct function *function = argument;
	int log = log_open(), result = 1;
	size_t reached = 0;
	unsigned int level;
	char line[LOG_LINE];

	check_errno(sysfs_write(function->address, FILES, "reliable"), EINTR);
	while (log_next(log, line, &level)) {
		if (!strncmp(line, WALKED, strlen(WALKED)))
			sscanf(line + strlen(WALKED), "%d", &result);
		else if (!strncmp(line, MODULE_SAYS, strlen(MODULE_SAYS)))
			reached = follow(line, reached, "zpci_trace_reliable");
	}
	close(log);
	check_that(!result, "the walk ends with %d", result);
	check_reached(reached);
}

static void unload(const void *argument)
{
	(void)argument;
	check_call(syscall(SYS_delete_module, "zpci_trace", O_NONBLOCK));
}

static void define(void)
{
	size_t count = functions_find(functions);

	ktap_case(load, NULL, "load");
	for (size_t i = 0; i < count; i++) {
		const char *address = functions[i].address;

		ktap_case(warning, &functions[i], "%s warning", address);
		ktap_case(sleeper, &functions[i], "%s sleeper", address);
		ktap_case(reliable, &functions[i], "%s reliable", address);
	}
	ktap_case(unload, NULL, "unload");
}

const struct suite trace_suite = { "trace", define };
