// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/* Every network function talks with the gateway of QEMU's user network. */

#include <stdio.h>
#include <stdlib.h>

#include "../ethernet.h"
#include "../sysfs.h"
#include "suites.h"

static struct interface interfaces[INTERFACES];

static unsigned long long counter(const struct interface *interface,
				  const char *name)
{
	char value[32];

	check(sysfs_read(value, sizeof(value),
			 "/sys/class/net/%s/statistics/%s", interface->name,
			 name) > 0);
	return strtoull(value, NULL, 10);
}

/* Payloads of every length around the borders of pages and words. */
static void lengths(const void *argument)
{
	static const size_t payloads[] = { 0,	1,   2,	  3,   7,    8,	  17,
					   18,	19,  63,  64,  65,   255, 256,
					   511, 513, 999, 1000, 1024, 1471,
					   1472 };
	const struct interface *interface = argument;
	struct link link;

	link_open(&link, interface);
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
		link_echo(&link, payloads[i], 1);
	link_close(&link);
}

static void bulk(const void *argument)
{
	const struct interface *interface = argument;
	unsigned long long sent = counter(interface, "tx_packets");
	struct link link;

	link_open(&link, interface);
	for (unsigned int i = 0; i < 32; i++)
		link_echo(&link, ECHO_PAYLOAD, 16);
	link_close(&link);
	check(counter(interface, "tx_packets") - sent >= 512);
	check_equal(counter(interface, "rx_errors"), 0);
	check_equal(counter(interface, "tx_errors"), 0);
}

static void have_interfaces(const void *argument)
{
	(void)argument;
	check_that(interfaces[0].name[0], "no network function");
}

static void define(void)
{
	size_t count = interfaces_find(interfaces);

	ktap_case(have_interfaces, NULL, "found");
	for (size_t i = 0; i < count; i++) {
		ktap_case(lengths, &interfaces[i], "%s %s lengths",
			  interfaces[i].driver, interfaces[i].address);
		ktap_case(bulk, &interfaces[i], "%s %s bulk",
			  interfaces[i].driver, interfaces[i].address);
	}
}

const struct suite network_suite = { "network", define };
