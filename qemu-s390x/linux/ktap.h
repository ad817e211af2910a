/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Test results as the Kernel Test Anything Protocol, version 1
 * (Documentation/dev-tools/ktap.rst of Linux), nested two deep: a suite is a
 * test of the whole run, a case a test of its suite.
 *
 * A case runs in a process of its own. It passes by returning and fails
 * through check(); whatever it opened or mapped is gone when it ends.
 */
#ifndef GUEST_KTAP_H
#define GUEST_KTAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds that a case may take unless it says otherwise. */
#define KTAP_TIMEOUT 30

/* Several cases under one name; define() adds them and does nothing else. */
struct suite {
	const char *name;
	void (*define)(void);
};

/* Writes the header and the plan of the whole run. */
void ktap_start(unsigned int suites);

/* Runs one suite. Returns whether every case passed or was skipped. */
bool ktap_run(const struct suite *suite);

/*
 * Adds a case to the suite that is being defined. Its name is formatted and
 * contains no '#'; `argument` must stay valid as long as the suite.
 */
void ktap_case(void (*run)(const void *argument), const void *argument,
	       const char *name, ...) __attribute__((format(printf, 3, 4)));

/* Gives the case that was added last `seconds` instead of KTAP_TIMEOUT. */
void ktap_timeout(unsigned int seconds);

/*
 * If the case that is running fails, it waits so long before it ends and what
 * it has opened is closed.
 */
void ktap_linger(unsigned int milliseconds);

/* One line for people. */
void ktap_note(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* One line "# <key>: <json>" for programs; the format makes the JSON text. */
void ktap_data(const char *key, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One line of a level below the case: a header, a plan or a result. */
void ktap_nested(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Ends the case as failed. */
void ktap_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4), noreturn));

/* Ends the case as skipped. */
void ktap_skip(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Fails the case, and says what was expected, unless `condition` holds. */
#define check(condition) \
	check_that(condition, "expected %s", #condition)

/* Like check() with a text of its own. */
#define check_that(condition, ...)                                            \
	do {                                                                  \
		if (!(condition))                                             \
			ktap_fail(__FILE__, __LINE__, __VA_ARGS__);           \
	} while (0)

/* Fails the case unless `call` is at least 0; evaluates to its value. */
#define check_call(call)                                                      \
	({                                                                    \
		__typeof__(call) value_ = (call);                             \
		if (value_ < 0)                                               \
			ktap_fail(__FILE__, __LINE__, "%s: %m", #call);       \
		value_;                                                       \
	})

/* Fails the case unless `call` returns -1 with errno `expected`. */
#define check_errno(call, expected)                                           \
	do {                                                                  \
		long value_ = (call);                                         \
		int errno_ = errno;                                           \
		if (value_ != -1 || errno_ != (expected))                     \
			ktap_fail(__FILE__, __LINE__,                         \
				  "%s: expected %s, got %ld (%s)", #call,     \
				  #expected, value_,                          \
				  value_ < 0 ? strerror(errno_) : "success"); \
	} while (0)

/* Fails the case unless both numbers are equal. */
#define check_equal(actual, expected)                                         \
	do {                                                                  \
		uint64_t actual_ = (actual), expected_ = (expected);          \
		if (actual_ != expected_)                                     \
			ktap_fail(__FILE__, __LINE__,                         \
				  "%s: expected %#llx, got %#llx", #actual,   \
				  (unsigned long long)expected_,              \
				  (unsigned long long)actual_);               \
	} while (0)

#endif
