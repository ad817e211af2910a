// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/* Direct I/O at several block sizes; the host checks the image afterwards. */

#include "../disk.h"

#include <stdio.h>

#include "suites.h"

static struct disk disks[DISKS];

static const struct {
	size_t block, blocks;
	/* Distance of the buffer from a page boundary, in bytes. */
	size_t offset;
} shapes[] = {
	{ 4096, 64, 0 },     { 4096, 16, 512 },   { 16384, 16, 0 },
	{ 65536, 32, 0 },    { 65536, 8, 1536 },  { 262144, 8, 0 },
	{ 1048576, 8, 0 },   { 1048576, 2, 2048 }, { 4194304, 2, 0 },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

struct plan {
	const struct disk *disk;
	size_t shape;
	uint64_t start;
};

static struct plan plans[DISKS * SHAPES];

static void write_and_compare(const void *argument)
{
	const struct plan *plan = argument;

	disk_exercise(plan->disk, plan->start, shapes[plan->shape].block,
		      shapes[plan->shape].blocks, shapes[plan->shape].offset);
}

static void have_disks(const void *argument)
{
	(void)argument;
	check_that(disks[0].name[0], "no disk carries the pattern");
}

static void define(void)
{
	size_t count = disks_find(disks), planned = 0;

	ktap_case(have_disks, NULL, "found");
	for (size_t i = 0; i < count; i++) {
		uint64_t start = 0;

		for (size_t shape = 0; shape < SHAPES; shape++) {
			struct plan *plan = &plans[planned++];

			*plan = (struct plan){ &disks[i], shape, start };
			start += shapes[shape].block * shapes[shape].blocks;
			ktap_case(write_and_compare, plan, "%s %zu+%zu",
				  disks[i].name, shapes[shape].block,
				  shapes[shape].offset);
		}
	}
}

const struct suite disk_suite = { "disk", define };
