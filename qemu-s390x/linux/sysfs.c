// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define format_path(path, format)                                             \
	do {                                                                  \
		va_list arguments_;                                           \
		va_start(arguments_, format);                                 \
		vsnprintf(path, sizeof(path), format, arguments_);            \
		va_end(arguments_);                                           \
	} while (0)

ssize_t sysfs_read(char *value, size_t size, const char *path, ...)
{
	char full[SYSFS_PATH];
	size_t length = 0;
	ssize_t got = 0;
	int fd;

	format_path(full, path);
	value[0] = 0;
	fd = open(full, O_RDONLY);
	if (fd < 0)
		return -1;
	while (length < size - 1) {
		got = read(fd, value + length, size - 1 - length);
		if (got <= 0)
			break;
		length += got;
	}
	if (length && value[length - 1] == '\n')
		length--;
	value[length] = 0;
	close(fd);
	return got < 0 ? -1 : (ssize_t)length;
}

int sysfs_write(const char *value, const char *path, ...)
{
	char full[SYSFS_PATH];
	ssize_t done;
	int fd, error;

	format_path(full, path);
	fd = open(full, O_WRONLY);
	if (fd < 0)
		return -1;
	done = write(fd, value, strlen(value));
	error = errno;
	close(fd);
	errno = error;
	return done < 0 ? -1 : 0;
}

int sysfs_link(char *name, size_t size, const char *path, ...)
{
	char full[SYSFS_PATH], target[SYSFS_PATH];
	const char *last;
	ssize_t length;

	format_path(full, path);
	name[0] = 0;
	length = readlink(full, target, sizeof(target) - 1);
	if (length < 0)
		return -1;
	target[length] = 0;
	last = strrchr(target, '/');
	snprintf(name, size, "%s", last ? last + 1 : target);
	return 0;
}

bool sysfs_exists(const char *path, ...)
{
	char full[SYSFS_PATH];

	format_path(full, path);
	return access(full, F_OK) == 0;
}

unsigned int patience(void)
{
	static unsigned int factor;
	char value[16];

	if (!factor)
		factor = kernel_parameter(value, sizeof(value),
					  "zpci.patience") ?
				 atoi(value) :
				 1;
	return factor ?: 1;
}

bool sysfs_wait(bool exists, unsigned int milliseconds, const char *path, ...)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	char full[SYSFS_PATH];

	format_path(full, path);
	milliseconds *= patience();
	for (;;) {
		if ((access(full, F_OK) == 0) == exists)
			return true;
		if (!milliseconds--)
			return false;
		nanosleep(&pause, NULL);
	}
}

bool kernel_parameter(char *value, size_t size, const char *name)
{
	char line[SYSFS_VALUE], *word, *rest = line;
	size_t length = strlen(name);

	value[0] = 0;
	if (sysfs_read(line, sizeof(line), "/proc/cmdline") < 0)
		return false;
	while ((word = strsep(&rest, " \n"))) {
		if (!strncmp(word, name, length) && word[length] == '=') {
			snprintf(value, size, "%s", word + length + 1);
			return true;
		}
	}
	return false;
}
