// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/* What CLP said of each function, as sysfs passes it on. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../function.h"
#include "../sysfs.h"
#include "suites.h"

static struct function functions[FUNCTIONS];
static size_t count;

static const char *const attributes[] = {
	"function_id", "function_handle", "pchid", "pfgid", "pft", "vfn",
	"port", "uid", "mio_enabled", "uid_is_unique", "vendor", "device",
	"class", "pfip/segment0", "pfip/segment1", "pfip/segment2",
	"pfip/segment3",
};

static void describe(const void *argument)
{
	const struct function *function = argument;
	unsigned int domain, bus, slot, device_function;
	char json[2048], driver[64], type[64], regions[512];
	unsigned char util[128];
	size_t length = 0;
	ssize_t got;

	function_driver(function->address, driver, sizeof(driver));
	sysfs_read(type, sizeof(type), "/sys/kernel/iommu_groups/%d/type",
		   function->group);
	sysfs_read(regions, sizeof(regions),
		   "/sys/kernel/iommu_groups/%d/reserved_regions",
		   function->group);
	for (char *end = regions; (end = strchr(end, '\n'));)
		*end = ';';
	length += snprintf(json + length, sizeof(json) - length,
			   "{\"function\":\"%s\",\"driver\":\"%s\","
			   "\"group\":%d,\"domain\":\"%s\","
			   "\"reserved\":\"%s\"",
			   function->address, driver, function->group, type,
			   regions);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		length += snprintf(json + length, sizeof(json) - length,
				   ",\"%s\":%lu", attributes[i],
				   function_attribute(function, attributes[i]));
	got = sysfs_read((char *)util, sizeof(util),
			 "/sys/bus/pci/devices/%s/util_string",
			 function->address);
	check_that(got >= 63 && got <= 64, "util_string has %zd bytes", got);
	length += snprintf(json + length, sizeof(json) - length,
			   ",\"util_string\":\"");
	for (int i = 0; i < 64; i++)
		length += snprintf(json + length, sizeof(json) - length,
				   "%02x", i < got ? util[i] : '\n');
	ktap_data("zpci-function", "%s\"}", json);

	/* Bit 0 of the handle says that the function is enabled. */
	check(function_attribute(function, "function_handle") >> 31 == 1);
	check_equal(function_attribute(function, "uid_is_unique"), 1);
	check_that(sscanf(function->address, "%x:%x:%x.%x", &domain, &bus,
			  &slot, &device_function) == 4,
		   "address %s", function->address);
	/* With unique UIDs the UID is the number of the PCI domain. */
	check_equal(domain, function_attribute(function, "uid"));
	check_that(function->group >= 0, "no IOMMU group");
}

static void count_functions(const void *argument)
{
	char expected[16];

	(void)argument;
	check_that(kernel_parameter(expected, sizeof(expected),
				    "zpci.functions"),
		   "zpci.functions= says no number");
	check_equal(count, strtoul(expected, NULL, 0));
}

/* Each function is an IOMMU of its own, called after its FID. */
static void iommu_device(const void *argument)
{
	const struct function *function = argument;
	unsigned long fid = function_attribute(function, "function_id");

	check_that(sysfs_exists("/sys/class/iommu/s390-iommu.%08lx/devices/%s",
				fid, function->address),
		   "s390-iommu.%08lx does not list %s", fid, function->address);
}

static void hotplug_slot(const void *argument)
{
	const struct function *function = argument;
	unsigned long fid = function_attribute(function, "function_id");
	char power[16];

	check(sysfs_read(power, sizeof(power), "/sys/bus/pci/slots/%08lx/power",
			 fid) == 1);
	check_that(!strcmp(power, "1"), "power is %s", power);
}

static void define(void)
{
	count = functions_find(functions);
	ktap_case(count_functions, NULL, "count");
	for (size_t i = 0; i < count; i++) {
		ktap_case(describe, &functions[i], "%s attributes",
			  functions[i].address);
		ktap_case(iommu_device, &functions[i], "%s iommu",
			  functions[i].address);
		ktap_case(hotplug_slot, &functions[i], "%s slot",
			  functions[i].address);
	}
}

const struct suite function_suite = { "function", define };
