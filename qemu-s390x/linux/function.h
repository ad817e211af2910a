/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* The zPCI functions of this machine, as sysfs shows them. */
#ifndef GUEST_FUNCTION_H
#define GUEST_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>

/* Most functions that are looked at. */
#define FUNCTIONS 64

struct function {
	/* "dddd:bb:dd.f", the directory under /sys/bus/pci/devices. */
	char address[16];
	/* Vendor and device number of its configuration space. */
	unsigned int vendor, device;
	/* Class code: 0x010802 is NVMe, 0x020000 Ethernet. */
	unsigned int class;
	/* Number of its IOMMU group, or -1. */
	int group;
};

/* All of the class code, and its first byte alone. */
#define CLASS_NVME 0x010802
#define CLASS_STORAGE 0x01

/*
 * Stores all functions in ascending order of their addresses. Returns their
 * number; the array must have FUNCTIONS elements and stay valid for the cases
 * that point into it.
 */
size_t functions_find(struct function *functions);

/* Reads the function at `address`. Returns false if there is none. */
bool function_read(struct function *function, const char *address);

/* A number that sysfs has of the function. Fails the case without one. */
unsigned long function_attribute(const struct function *function,
				 const char *name);

/* Name of the driver that is bound, or "". */
void function_driver(const char *address, char *name, size_t size);

/*
 * Takes the function from its driver and gives it to `driver`, or with NULL
 * to the one that matches by itself. Returns 0, or -1 with errno.
 */
int function_bind(const char *address, const char *driver);

/* Takes the function from its driver, if it has one. Returns 0 or -1. */
int function_unbind(const char *address);

/*
 * Takes the power of the function's slot away and gives it back, which
 * disables and enables it by CLP. Returns whether it is there again.
 */
bool function_power_cycle(const char *address);

/* Name of the first block device of a function, waiting for it to come up. */
bool function_disk(const char *address, char *name, size_t size);

#endif
