/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* The function that suites give to vfio-pci and back to its driver. */
#ifndef GUEST_PASSTHROUGH_H
#define GUEST_PASSTHROUGH_H

#include <stdbool.h>

#include "../function.h"
#include "../vfio.h"

/*
 * The function that zpci.vfio= names on the kernel command line, or else the
 * first NVMe controller. Its address is "" if there is none.
 */
extern struct function passthrough;

/* Finds the function and adds the case that gives it to `driver`. */
void passthrough_define(const char *driver);

/* Adds the case that gives it back and looks whether its driver works. */
void passthrough_return(void);

#endif
