/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Names of functions of the kernel, and those of functions that are written in Rust. */
#ifndef GUEST_SYMBOL_H
#define GUEST_SYMBOL_H

#include <stdbool.h>

#define SYMBOL_CRATES 3

/* The crates of the driver, as they are in names: clp, s390-iommu, zpci-glue. */
extern const char *const symbol_crates[SYMBOL_CRATES];

/* Whether `name` is a function of one of the crates, as rustc names them. */
bool symbol_is_of(const char *name, const char *crate);

/* Address of the function of the kernel itself with this name, which has to be there. */
unsigned long long symbol_address(const char *name);

#endif
