/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * ICMP echo through one network function and QEMU's user network, whose
 * gateway answers by itself, with frames made and read here: what comes back
 * has been through the function's DMA twice.
 */
#ifndef GUEST_ETHERNET_H
#define GUEST_ETHERNET_H

#include <stddef.h>
#include <stdint.h>

#define INTERFACES 8

/* Most bytes behind the ICMP header of a frame of 1514 bytes. */
#define ECHO_PAYLOAD 1472

struct interface {
	/* "eth0", below /sys/class/net. */
	char name[16];
	/* The zPCI function behind it. */
	char address[16];
	char driver[32];
};

/* An interface that is up, and the gateway it has found. */
struct link {
	int socket;
	uint8_t own[6], gateway[6];
	uint16_t sequence;
};

/*
 * Stores the interfaces of zPCI functions, in the order of the functions.
 * Returns their number; the array has INTERFACES elements.
 */
size_t interfaces_find(struct interface *interfaces);

/*
 * Sets the interface up, waits for its carrier and asks for the gateway's
 * address. Fails the case if one of these does not come.
 */
void link_open(struct link *link, const struct interface *interface);

void link_close(struct link *link);

/*
 * Sends `count` echo requests with `payload` bytes each, all before the first
 * reply is read, and compares every byte of every reply. At most 64 at once.
 */
void link_echo(struct link *link, size_t payload, unsigned int count);

#endif
