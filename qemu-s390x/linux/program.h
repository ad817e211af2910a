/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Programs beside this one, run for what they print. */
#ifndef GUEST_PROGRAM_H
#define GUEST_PROGRAM_H

#include <sys/types.h>

/* Where programs run. */
#define PROGRAM_DIRECTORY "/tmp"

struct program_run {
	/* Exit status. */
	int status;
	/* What was printed, with a 0 behind it. */
	char out[1 << 17], err[1 << 12];
};

/*
 * Runs `program` as `user`, 0 for root, with the words of the formatted text
 * for its arguments. Fails the case if it cannot be run or prints too much.
 */
void program_run(struct program_run *run, uid_t user, const char *program,
		 const char *arguments, ...)
	__attribute__((format(printf, 4, 5)));

/* Fails the case unless the program ended well and complained of nothing. */
void program_check(const struct program_run *run);

/* Prints what the program printed, for people. */
void program_show(const struct program_run *run);

#endif
