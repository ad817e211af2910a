// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "ktap.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sysfs.h"

#define CASES 512
#define NAME 96
#define LINE 8192

enum verdict { PASS, FAIL, SKIP };

struct test_case {
	void (*run)(const void *argument);
	const void *argument;
	unsigned int timeout;
	char name[NAME];
};

/* What a case tells the process that started it. */
struct outcome {
	enum verdict verdict;
	char reason[NAME];
};

static struct test_case cases[CASES];
static unsigned int case_count;
static struct outcome *outcome;
static unsigned int suite_number;
/* In milliseconds, at the end of a case that fails. */
static unsigned int linger;
/* Spaces in front of every line, four for each level. */
static unsigned int indentation;

/* A line goes out in one write, so that no kernel message can split it. */
static void write_line(const char *format, va_list arguments)
{
	char line[LINE];
	int length = indentation;

	memset(line, ' ', indentation);
	length += vsnprintf(line + length, sizeof(line) - length - 1, format,
			    arguments);
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	if (write(STDOUT_FILENO, line, length) < 0)
		_exit(EXIT_FAILURE);
}

__attribute__((format(printf, 1, 2)))
static void print_line(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(format, arguments);
	va_end(arguments);
}

void ktap_note(const char *format, ...)
{
	char text[LINE / 2];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	print_line("# %s", text);
}

void ktap_data(const char *key, const char *format, ...)
{
	char text[LINE - NAME];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	print_line("# %s: %s", key, text);
}

void ktap_linger(unsigned int milliseconds)
{
	linger = milliseconds;
}

void ktap_nested(const char *format, ...)
{
	char text[LINE / 2];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	print_line("%s", text);
}

void ktap_fail(const char *file, int line, const char *format, ...)
{
	const char *name = strrchr(file, '/');
	int error = errno;
	char text[LINE / 2];
	va_list arguments;

	/* The format may hold %m. */
	errno = error;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	print_line("# %s:%d: %s", name ? name + 1 : file, line, text);
	if (outcome)
		outcome->verdict = FAIL;
	usleep(linger * 1000);
	_exit(EXIT_FAILURE);
}

void ktap_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(outcome->reason, sizeof(outcome->reason), format, arguments);
	va_end(arguments);
	outcome->verdict = SKIP;
	_exit(EXIT_SUCCESS);
}

void ktap_case(void (*run)(const void *argument), const void *argument,
	       const char *name, ...)
{
	struct test_case *added = &cases[case_count];
	va_list arguments;

	if (case_count == CASES) {
		print_line("# more than %d cases in one suite", CASES);
		_exit(EXIT_FAILURE);
	}
	case_count++;
	added->run = run;
	added->argument = argument;
	added->timeout = KTAP_TIMEOUT;
	va_start(arguments, name);
	vsnprintf(added->name, sizeof(added->name), name, arguments);
	va_end(arguments);
}

void ktap_timeout(unsigned int seconds)
{
	if (case_count)
		cases[case_count - 1].timeout = seconds;
}

/* Waits for a process; returns what is wrong with its end, if anything. */
static const char *wait_for(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) < 0)
		return strerror(errno);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ?
			       "took too long" :
			       strsignal(WTERMSIG(status));
	return WEXITSTATUS(status) ? "failed" : NULL;
}

static bool run_case(const struct test_case *test)
{
	const char *wrong;
	pid_t child;

	outcome->verdict = PASS;
	child = fork();
	if (child == 0) {
		alarm(test->timeout * patience());
		test->run(test->argument);
		_exit(EXIT_SUCCESS);
	}
	wrong = child < 0 ? strerror(errno) : wait_for(child);
	if (!wrong)
		return true;
	if (outcome->verdict != FAIL)
		print_line("# %s", wrong);
	outcome->verdict = FAIL;
	return false;
}

/* The body of the process of a suite. */
static bool run_suite(const struct suite *suite)
{
	bool passed = true;

	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (outcome == MAP_FAILED)
		return false;
	indentation = 4;
	print_line("KTAP version 1");
	print_line("# Subtest: %s", suite->name);
	suite->define();
	print_line("1..%u", case_count);
	for (unsigned int i = 0; i < case_count; i++) {
		const struct test_case *test = &cases[i];
		bool good;

		indentation = 8;
		good = run_case(test);
		indentation = 4;
		passed &= good;
		if (outcome->verdict == SKIP)
			print_line("ok %u %s # SKIP %s", i + 1, test->name,
				   outcome->reason);
		else
			print_line("%s %u %s", good ? "ok" : "not ok", i + 1,
				   test->name);
	}
	return passed;
}

void ktap_start(unsigned int suites)
{
	print_line("KTAP version 1");
	print_line("1..%u", suites);
}

bool ktap_run(const struct suite *suite)
{
	const char *wrong;
	pid_t child = fork();

	if (child == 0)
		_exit(run_suite(suite) ? EXIT_SUCCESS : EXIT_FAILURE);
	wrong = child < 0 ? strerror(errno) : wait_for(child);
	print_line("%s %u %s", wrong ? "not ok" : "ok", ++suite_number,
		   suite->name);
	return !wrong;
}
