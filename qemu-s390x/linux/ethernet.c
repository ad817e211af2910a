// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "ethernet.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"
#include "sysfs.h"

/* Of QEMU's user network. */
#define OWN_IP 0x0a00020f
#define GATEWAY_IP 0x0a000202

#define FRAME 1514
#define IDENTIFIER 0x7a70

/* Offsets within a frame. */
#define IP 14
#define ICMP (IP + 20)
#define PAYLOAD (ICMP + 8)

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static unsigned int get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* The Internet checksum. */
static unsigned int checksum(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += get16(data + i);
	if (size & 1)
		sum += data[size - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* Different for every byte of every request. */
static uint8_t payload_byte(unsigned int sequence, size_t index)
{
	return sequence * 31 + index * 7 + (index >> 8);
}

/*
 * Stores the PCI function behind an interface: its device, or the parent of
 * that with virtio_net, which sits on a virtio device.
 */
static bool find_function(struct interface *interface)
{
	static const char *const devices[] = {
		"/sys/class/net/%s/device",
		"/sys/class/net/%s/device/..",
	};

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		char path[SYSFS_PATH], full[PATH_MAX], *last;

		snprintf(path, sizeof(path), devices[i], interface->name);
		if (!realpath(path, full))
			return false;
		last = strrchr(full, '/') + 1;
		if (sysfs_exists("/sys/bus/pci/devices/%s", last)) {
			snprintf(interface->address,
				 sizeof(interface->address), "%.15s", last);
			return true;
		}
	}
	return false;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct interface *first = a, *second = b;

	return strcmp(first->address, second->address);
}

size_t interfaces_find(struct interface *interfaces)
{
	DIR *directory = opendir("/sys/class/net");
	struct dirent *entry;
	size_t count = 0;

	if (!directory)
		return 0;
	while (count < INTERFACES && (entry = readdir(directory))) {
		struct interface *found = &interfaces[count];

		memset(found, 0, sizeof(*found));
		snprintf(found->name, sizeof(found->name), "%.15s",
			 entry->d_name);
		sysfs_link(found->driver, sizeof(found->driver),
			   "/sys/class/net/%s/device/driver", found->name);
		if (found->name[0] != '.' && find_function(found))
			count++;
	}
	closedir(directory);
	if (count < INTERFACES)
		memset(&interfaces[count], 0, sizeof(interfaces[count]));
	qsort(interfaces, count, sizeof(*interfaces), compare_addresses);
	return count;
}

static void set_up(int fd, const char *name)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	check_call(ioctl(fd, SIOCGIFFLAGS, &request));
	request.ifr_flags |= IFF_UP;
	check_call(ioctl(fd, SIOCSIFFLAGS, &request));
	for (unsigned int tries = 0; tries < 800; tries++) {
		check_call(ioctl(fd, SIOCGIFFLAGS, &request));
		if (request.ifr_flags & IFF_RUNNING)
			return;
		usleep(10000);
	}
	check_that(false, "%s has no carrier", name);
}

static void send_frame(struct link *link, const uint8_t *frame, size_t size)
{
	ssize_t sent;

	do {
		sent = send(link->socket, frame, size, 0);
	} while (sent < 0 && errno == ENOBUFS);
	check_that(sent == (ssize_t)size, "send of %zu bytes: %zd (%m)", size,
		   sent);
}

/* Receives a frame to us of one type, or returns 0 after half a second. */
static size_t receive_frame(struct link *link, uint8_t *frame,
			    unsigned int type)
{
	for (;;) {
		ssize_t got = recv(link->socket, frame, FRAME, 0);

		if (got < 0 && errno == EAGAIN)
			return 0;
		check_that(got >= 0, "recv: %m");
		if (got >= IP && get16(frame + 12) == type &&
		    !memcmp(frame, link->own, 6))
			return got;
	}
}

/* Who has the gateway's address? */
static bool ask_gateway(struct link *link)
{
	uint8_t frame[60] = { 0 }, reply[FRAME];
	uint8_t *arp = frame + IP;
	size_t got;

	memset(frame, 0xff, 6);
	memcpy(frame + 6, link->own, 6);
	put16(frame + 12, ETH_P_ARP);
	put16(arp, ARPHRD_ETHER);
	put16(arp + 2, ETH_P_IP);
	arp[4] = 6;
	arp[5] = 4;
	put16(arp + 6, ARPOP_REQUEST);
	memcpy(arp + 8, link->own, 6);
	put32(arp + 14, OWN_IP);
	put32(arp + 24, GATEWAY_IP);
	send_frame(link, frame, sizeof(frame));
	while ((got = receive_frame(link, reply, ETH_P_ARP))) {
		arp = reply + IP;
		if (got < IP + 28 || get16(arp + 6) != ARPOP_REPLY ||
		    get32(arp + 14) != GATEWAY_IP)
			continue;
		memcpy(link->gateway, arp + 8, 6);
		return true;
	}
	return false;
}

void link_open(struct link *link, const struct interface *interface)
{
	const struct timeval wait = { .tv_usec = 500000 };
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL) };
	struct ifreq request = { 0 };
	unsigned int tries = 0;

	memset(link, 0, sizeof(*link));
	link->socket =
		check_call(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	set_up(link->socket, interface->name);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s",
		 interface->name);
	check_call(ioctl(link->socket, SIOCGIFHWADDR, &request));
	memcpy(link->own, request.ifr_hwaddr.sa_data, 6);
	check_call(ioctl(link->socket, SIOCGIFINDEX, &request));
	address.sll_ifindex = request.ifr_ifindex;
	check_call(bind(link->socket, (struct sockaddr *)&address,
			sizeof(address)));
	check_call(setsockopt(link->socket, SOL_SOCKET, SO_RCVTIMEO, &wait,
			      sizeof(wait)));
	/* The first frames after link-up may be lost. */
	while (!ask_gateway(link))
		check_that(++tries < 8, "the gateway does not answer");
}

void link_close(struct link *link)
{
	close(link->socket);
}

static size_t make_echo(const struct link *link, uint8_t *frame,
			unsigned int sequence, size_t payload)
{
	uint8_t *ip = frame + IP, *icmp = frame + ICMP;

	memset(frame, 0, FRAME);
	memcpy(frame, link->gateway, 6);
	memcpy(frame + 6, link->own, 6);
	put16(frame + 12, ETH_P_IP);
	ip[0] = 0x45;
	put16(ip + 2, 20 + 8 + payload);
	put16(ip + 4, sequence);
	ip[8] = 64;
	ip[9] = IPPROTO_ICMP;
	put32(ip + 12, OWN_IP);
	put32(ip + 16, GATEWAY_IP);
	put16(ip + 10, checksum(ip, 20));
	icmp[0] = 8;
	put16(icmp + 4, IDENTIFIER);
	put16(icmp + 6, sequence);
	for (size_t i = 0; i < payload; i++)
		frame[PAYLOAD + i] = payload_byte(sequence, i);
	put16(icmp + 2, checksum(icmp, 8 + payload));
	return PAYLOAD + payload < 60 ? 60 : PAYLOAD + payload;
}

static bool is_echo_reply(const uint8_t *frame, size_t size)
{
	return size >= PAYLOAD && frame[IP] == 0x45 &&
	       frame[IP + 9] == IPPROTO_ICMP && frame[ICMP] == 0 &&
	       get32(frame + IP + 12) == GATEWAY_IP &&
	       get16(frame + ICMP + 4) == IDENTIFIER;
}

static void check_payload(const uint8_t *frame, unsigned int sequence,
			  size_t payload)
{
	check_equal(get16(frame + IP + 2), 20 + 8 + payload);
	check_equal(checksum(frame + ICMP, 8 + payload), 0);
	for (size_t i = 0; i < payload; i++)
		check_that(frame[PAYLOAD + i] == payload_byte(sequence, i),
			   "wrong byte %zu in reply %u", i, sequence);
}

void link_echo(struct link *link, size_t payload, unsigned int count)
{
	unsigned int first = link->sequence, answered = 0;
	uint8_t frame[FRAME];
	uint64_t seen = 0;

	check(count <= 64 && payload <= ECHO_PAYLOAD);
	for (unsigned int i = 0; i < count; i++)
		send_frame(link, frame,
			   make_echo(link, frame, link->sequence++, payload));
	while (answered < count) {
		size_t got = receive_frame(link, frame, ETH_P_IP);
		uint16_t number;

		check_that(got, "%u of %u requests of %zu bytes answered",
			   answered, count, payload);
		if (!is_echo_reply(frame, got))
			continue;
		number = get16(frame + ICMP + 6) - first;
		check_that(number < count && !(seen & 1ull << number),
			   "reply to request %u was not expected", number);
		check_payload(frame, (uint16_t)(first + number), payload);
		seen |= 1ull << number;
		answered++;
	}
}
