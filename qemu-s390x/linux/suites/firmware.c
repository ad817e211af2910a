// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What is left after CLP said something that is not so: a kernel that runs,
 * with no function that it was not told of in earnest. The host tells lies.
 */

#include <stdio.h>
#include <stdlib.h>

#include "../function.h"
#include "../record.h"
#include "../sysfs.h"
#include "suites.h"

static struct function functions[FUNCTIONS];

static void count(const void *argument)
{
	char expected[16], said[64], row[96];

	(void)argument;
	if (kernel_parameter(said, sizeof(said), "zpci.said")) {
		snprintf(row, sizeof(row), "CLP %s at boot, then", said);
		record_tell_views(row);
	}
	check_that(kernel_parameter(expected, sizeof(expected),
				    "zpci.functions"),
		   "zpci.functions= says no number");
	check_equal(functions_find(functions), strtoul(expected, NULL, 0));
}

static void define(void)
{
	ktap_case(count, NULL, "count");
}

const struct suite firmware_suite = { "firmware", define };
