/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Small files of the kernel: sysfs, procfs, debugfs. */
#ifndef GUEST_SYSFS_H
#define GUEST_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Longest path and longest value handled here, in bytes with the final 0. */
#define SYSFS_PATH 256
#define SYSFS_VALUE 4096

/*
 * Reads a whole file into `value`, without the newline at its end, followed
 * by a 0. Returns its length in bytes, or -1 with errno.
 */
ssize_t sysfs_read(char *value, size_t size, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes `value` in one piece. Returns 0, or -1 with errno. */
int sysfs_write(const char *value, const char *path, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Stores the last component of where a symbolic link points to. Returns 0, or
 * -1 with errno and an empty name.
 */
int sysfs_link(char *name, size_t size, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether a file or directory is there. */
bool sysfs_exists(const char *path, ...) __attribute__((format(printf, 1, 2)));

/* Waits until a path exists (or not). Returns whether it came to that. */
bool sysfs_wait(bool exists, unsigned int milliseconds, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * How much longer than usual everything may take: zpci.patience= on the kernel
 * command line, or 1.
 */
unsigned int patience(void);

/*
 * Value of `name=` on the kernel command line, up to the next blank. Returns
 * false and an empty value if it is not there.
 */
bool kernel_parameter(char *value, size_t size, const char *name);

#endif
