// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "output.h"

#include <stdio.h>

/* Deepest nesting of objects and lists. */
#define DEPTH 8

static bool json;
/* Of what is open: whether it is a list, and whether it has an element. */
static struct {
	bool list, filled;
} open_levels[DEPTH];
static unsigned int depth;

void output_start(bool as_json)
{
	json = as_json;
}

static void indent(void)
{
	/* A list and what is in it are on one level for a person. */
	unsigned int columns = 0;

	for (unsigned int i = 0; i < depth; i++)
		columns += open_levels[i].list ? 0 : 2;
	printf("%*s", (int)columns, "");
}

/* What comes before a value in JSON. */
static void begin(const char *name)
{
	if (depth && open_levels[depth - 1].filled)
		putchar(',');
	if (depth)
		open_levels[depth - 1].filled = true;
	if (depth && !open_levels[depth - 1].list)
		printf("\"%s\":", name);
}

static void enter(bool list)
{
	if (depth < DEPTH) {
		open_levels[depth].list = list;
		open_levels[depth].filled = false;
		depth++;
	}
}

void output_open(const char *name)
{
	if (json) {
		begin(name);
		putchar('{');
	} else {
		indent();
		printf("%s\n", name);
	}
	enter(false);
}

void output_open_named(const char *name)
{
	output_open(name);
	if (json)
		output_text("name", name);
}

void output_close(void)
{
	if (depth)
		depth--;
	if (json)
		printf(depth ? "}" : "}\n");
	else if (!depth)
		putchar('\n');
}

void output_open_list(const char *name)
{
	if (json) {
		begin(name);
		putchar('[');
	}
	enter(true);
}

void output_close_list(void)
{
	if (depth)
		depth--;
	if (json)
		putchar(']');
}

/* The name, in front of a value for a person. */
static void label(const char *name)
{
	indent();
	printf("%-22s ", name);
}

void output_text(const char *name, const char *value)
{
	if (json) {
		begin(name);
		printf("\"%s\"", value);
	} else {
		label(name);
		printf("%s\n", value);
	}
}

void output_number(const char *name, uint64_t value)
{
	if (json) {
		begin(name);
		printf("%llu", (unsigned long long)value);
	} else {
		label(name);
		printf("%llu\n", (unsigned long long)value);
	}
}

void output_hex(const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)value);
	output_text(name, text);
}

void output_bytes(const char *name, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;

	if (json) {
		begin(name);
		putchar('"');
	} else {
		label(name);
	}
	for (size_t i = 0; i < length; i++)
		printf("%02x", byte[i]);
	printf(json ? "\"" : "\n");
}
