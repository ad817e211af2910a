// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The machine answers SET PCI FN as QEMU never does, wherever the kernel enables
 * or disables a function: the kernel says what became of it, and the function
 * works after it was switched off and on.
 */

#include "../answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../function.h"
#include "../record.h"
#include "../sysfs.h"
#include "suites.h"

#define DEVICE "/sys/bus/pci/devices/%s"
#define SLOT "/sys/bus/pci/slots/%s/power"
#define ENABLED 0x80000000u
#define MILLISECONDS 5000

enum point { RESET, RECOVER, POWER, POINTS };

static const char *const points[POINTS] = { "reset", "recover", "power" };

static const char *const operations[] = { "enable", "disable" };

/* Response codes of SET PCI FN, of arch/s390/include/asm/pci_clp.h. */
static const struct {
	const char *name;
	uint16_t code;
	uint8_t count;
} said[] = {
	{ "busy 3 times", 0x0108, 3 },
	{ "busy without end", 0x0108, SET_FOR_EVER },
	{ "unknown handle", 0x0101, SET_FOR_EVER },
	{ "wrong operation", 0x0102, SET_FOR_EVER },
	{ "too many address spaces", 0x0103, SET_FOR_EVER },
	{ "no resources", 0x0104, SET_FOR_EVER },
	{ "done already", 0x0105, SET_FOR_EVER },
	{ "permanent error", 0x0106, SET_FOR_EVER },
	{ "error recovery", 0x0107, SET_FOR_EVER },
	{ "cc 3", 0, SET_FOR_EVER },
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))
#define SAID (sizeof(said) / sizeof(said[0]))

struct row {
	uint8_t operation;
	size_t said;
	enum point point;
};

static struct row rows[OPERATIONS * SAID * POINTS];
static struct function function;
/* The slot is called after the FID, which is gone with the function. */
static char slot[32];

static bool is_there(bool there)
{
	return sysfs_wait(there, MILLISECONDS, DEVICE, function.address);
}

/* Returns 0 or an error number. */
static int operate(enum point point)
{
	switch (point) {
	case RESET:
		return sysfs_write("1", DEVICE "/reset", function.address) ?
			       errno :
			       0;
	case RECOVER:
		return sysfs_write("1", DEVICE "/recover", function.address) ?
			       errno :
			       0;
	default:
		if (sysfs_write("0", SLOT, slot))
			return errno;
		if (!is_there(false))
			return ETIMEDOUT;
		if (sysfs_write("1", SLOT, slot))
			return errno;
		return is_there(true) ? 0 : ETIMEDOUT;
	}
}

/* Whether the kernel has the function, and takes it to be enabled. */
static bool is_enabled(void)
{
	return sysfs_exists(DEVICE, function.address) &&
	       function_attribute(&function, "function_handle") & ENABLED;
}

static void bring_back(int error)
{
	if (!error && is_enabled())
		return;
	/* It may be off already. */
	(void)!sysfs_write("0", SLOT, slot);
	check(is_there(false));
	check_call(sysfs_write("1", SLOT, slot));
	check(is_there(true));
}

static void tell(const struct row *row, const char *when)
{
	char about[128];

	snprintf(about, sizeof(about), "%s %s at %s, %s",
		 operations[row->operation], said[row->said].name,
		 points[row->point], when);
	record_tell(about, 0);
}

static void answered(const void *argument)
{
	const struct row *row = argument;
	struct set_answer answer = { row->operation, said[row->said].code,
				     said[row->said].count };
	unsigned int given;
	char disk[64];
	int error;

	check_call(function_unbind(function.address));
	/* Not one of the function's own, which the kernel would not know of. */
	check_call(sysfs_write("bus", DEVICE "/reset_method",
			       function.address));
	record_forget();
	answer_set_begin(function_attribute(&function, "function_handle"),
			 &answer);
	error = operate(row->point);
	given = answer_end();
	tell(row, "then");
	ktap_data("zpci-enable",
		  "{\"operation\":\"%s\",\"answer\":\"%s\",\"at\":\"%s\","
		  "\"given\":%u,\"error\":\"%s\"}",
		  operations[row->operation], said[row->said].name,
		  points[row->point], given,
		  error ? strerrorname_np(error) : "");
	check(given);
	/* What was refused is an error wherever it is. */
	if (answer.count == SET_FOR_EVER) {
		check_that(error, "%s went well", points[row->point]);
	} else {
		check_equal(given, answer.count);
		check_that(!error, "%s: %s", points[row->point],
			   strerror(error));
		check(is_enabled());
	}

	record_forget();
	bring_back(error);
	check(is_enabled());
	check_call(function_bind(function.address, NULL));
	check(function_disk(function.address, disk, sizeof(disk)));
	/* Its driver says what it has to say by itself, and at last that there is a disk. */
	tell(row, "brought back");
}

static void define(void)
{
	static struct function functions[FUNCTIONS];
	size_t found = functions_find(functions), count = 0;
	char fid[32];

	for (size_t i = 0; i < found; i++)
		if (functions[i].class == CLASS_NVME)
			function = functions[i];
	if (sysfs_read(fid, sizeof(fid), DEVICE "/function_id",
		       function.address) > 2)
		snprintf(slot, sizeof(slot), "%s", fid + 2);
	for (size_t i = 0; i < OPERATIONS * SAID * POINTS; i++) {
		struct row row = { i / (SAID * POINTS), i / POINTS % SAID,
				   i % POINTS };

		rows[count] = row;
		ktap_case(answered, &rows[count++], "%s %s at %s",
			  operations[row.operation], said[row.said].name,
			  points[row.point]);
	}
}

const struct suite enable_suite = { "enable", define };
