/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* The kernel's log. */
#ifndef GUEST_LOG_H
#define GUEST_LOG_H

#include <stdbool.h>

/* Longest line handled here, in bytes with the final 0. */
#define LOG_LINE 1024

/* Opens the log behind what it says so far. Returns a file descriptor. */
int log_open(void);

/*
 * Stores the text of the next line, without time and newline, followed by a 0,
 * and how urgent it is, from 0 for an emergency to 7 for debugging. Returns
 * false if there is none yet. Lines that were lost meanwhile are a failure.
 */
bool log_next(int log, char text[LOG_LINE], unsigned int *level);

/* Reads all lines that there are. Returns how many of them have `text`. */
unsigned int log_count(int log, const char *text);

#endif
