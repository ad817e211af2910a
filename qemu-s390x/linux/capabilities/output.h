/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Named values: indented lines for a person, or JSON, an object a line. Values
 * of 64 bits are text in JSON, which has no integers beyond 2^53.
 */
#ifndef CAPABILITIES_OUTPUT_H
#define CAPABILITIES_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once, before everything else. */
void output_start(bool json);

/* An object; as an element of a list, its name is for a person alone. */
void output_open(const char *name);
/* The same, with the name as the value "name" in JSON. */
void output_open_named(const char *name);
void output_close(void);

/* A list of objects. */
void output_open_list(const char *name);
void output_close_list(void);

void output_text(const char *name, const char *value);
void output_number(const char *name, uint64_t value);
void output_hex(const char *name, uint64_t value);
void output_bytes(const char *name, const void *bytes, size_t length);

#endif
