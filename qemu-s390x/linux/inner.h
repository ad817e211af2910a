/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * A QEMU in this guest, which gives functions that vfio-pci has to a guest of
 * its own. What the inner guest prints comes out as "# inner| ...", what QEMU
 * says as "# inner-qemu| ...", and its monitor (QMP) as "# inner-monitor| ...".
 */
#ifndef GUEST_INNER_H
#define GUEST_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes of a line with the 0 behind it; a longer one is cut. */
#define INNER_LINE 4096

/* Most functions that an inner guest has. */
#define INNER_FUNCTIONS 2

/* A function as the inner guest knows it. */
struct inner_function {
	/* Of the function that vfio-pci has, "dddd:bb:dd.f". */
	const char *address;
	/* What the devices are called; the serial number of an NVMe disk. */
	const char *name;
	unsigned int uid, fid;
};

struct inner_machine {
	const char *kernel;
	/* NULL for none of these. */
	const char *initrd, *append, *load_parameter;
	/* By an iommufd, otherwise by type 1. */
	bool iommufd;
	/* When the guest has ended, QEMU waits for what is to come. */
	bool stays;
	/* In MiB. */
	unsigned int memory;
	struct inner_function functions[INNER_FUNCTIONS];
	/* How many there are. */
	size_t count;
};

/* What a file descriptor gave and nobody has looked at; -1 once it has ended. */
struct inner_stream {
	int fd;
	size_t length;
	char bytes[2 * INNER_LINE];
};

struct inner {
	const struct inner_machine *machine;
	pid_t pid;
	struct inner_stream console, messages, monitor;
	/* Gets each line of the console; may be NULL. */
	void (*see)(struct inner *inner, const char *line);
	/* The last answer of the monitor, and how many there were. */
	char answer[INNER_LINE];
	unsigned int answers;
	/* Events: the guest was stopped, was reset, has ended, has failed. */
	unsigned int stops, resets, ends, panics;
	/* Devices that are gone, "/NAME/NAME...". */
	char deleted[256];
	/* How QEMU ended, when it has. */
	bool has_ended;
	int status;
};

/* Starts the machine, which ends with the case. */
void inner_start(struct inner *inner, const struct inner_machine *machine,
		 void (*see)(struct inner *inner, const char *line));

/*
 * Takes the next line, waiting a moment for one. Returns false once QEMU has
 * ended and everything was taken.
 */
bool inner_step(struct inner *inner);

/* Waits for the end of QEMU; fails the case unless it ended well. */
void inner_finish(struct inner *inner);

/* Ends QEMU. */
void inner_quit(struct inner *inner);

/* Executes a QMP command. Returns whether QEMU did; the answer is kept. */
bool inner_execute(struct inner *inner, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Takes a function away, or gives it, and waits until that has happened. */
void inner_unplug(struct inner *inner, const char *name);
void inner_plug(struct inner *inner, const char *name);

#endif
