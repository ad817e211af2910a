// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/* /dev/clp: what it answers and what it refuses. */

#include <asm/clp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../function.h"
#include "../sysfs.h"
#include "suites.h"

#define BLOCK 4096
#define HEADER 16

/* Command codes. */
#define SLPC 1
#define LIST_PCI 2
#define QUERY_FUNCTION 3
#define QUERY_GROUP 4
#define SET_FUNCTION 5

/* Logical processor selectors. */
#define BASE 0
#define PCI 2

/* Response codes. */
#define OK 0x0010

static struct function functions[FUNCTIONS];

/* The request starts at 0 and the response behind it, at request_length. */
static uint8_t block[BLOCK] __attribute__((aligned(BLOCK)));

static unsigned int half(size_t offset)
{
	return block[offset] << 8 | block[offset + 1];
}

static uint32_t word(size_t offset)
{
	return (uint32_t)half(offset) << 16 | half(offset + 2);
}

static uint64_t doubleword(size_t offset)
{
	return (uint64_t)word(offset) << 32 | word(offset + 4);
}

static void set_half(size_t offset, unsigned int value)
{
	block[offset] = value >> 8;
	block[offset + 1] = value;
}

static void set_word(size_t offset, uint32_t value)
{
	set_half(offset, value >> 16);
	set_half(offset + 2, value);
}

/* Starts a request; `room` bytes are offered for the response. */
static void request(unsigned int command, size_t length, size_t room)
{
	memset(block, 0, sizeof(block));
	set_half(0, length);
	set_half(2, command);
	set_half(length, room);
}

static int open_clp(void)
{
	return check_call(open("/dev/clp", O_RDWR));
}

static int call_clp(int fd, unsigned int processor)
{
	struct clp_req call = { .lps = processor, .data_p = (uintptr_t)block };

	return ioctl(fd, CLP_SYNC, &call);
}

/* Executes the block as it is; the answer must be OK. */
static void execute(size_t request_length)
{
	int fd = open_clp();

	check_call(call_clp(fd, PCI));
	close(fd);
	check_equal(half(request_length + 2), OK);
}

static void dump(const char *command, uint32_t of, size_t length)
{
	char hex[2 * 512 + 1] = "";

	for (size_t i = 0; i < length && i < 512; i++)
		snprintf(hex + 2 * i, 3, "%02x", block[32 + i]);
	ktap_data("zpci-clp",
		  "{\"command\":\"%s\",\"of\":%u,\"response\":\"%s\"}",
		  command, of, hex);
}

static void list(const void *argument)
{
	size_t count = functions_find(functions), entries;

	(void)argument;
	request(LIST_PCI, 32, BLOCK - 32);
	execute(32);
	check_equal(doubleword(32 + HEADER), 0);
	check_equal(block[32 + 31], 16);
	check((half(32) - 32) % 16 == 0);
	entries = (half(32) - 32) / 16;
	dump("list", 0, half(32));
	check_equal(entries, count);
	for (size_t i = 0; i < count; i++) {
		unsigned long fid = function_attribute(&functions[i], "function_id");
		size_t at = 64;

		while (at < 64 + 16 * entries && word(at + 8) != fid)
			at += 16;
		check_that(at < 64 + 16 * entries, "fid %#lx is not listed",
			   fid);
		check_equal(word(at + 12),
			    function_attribute(&functions[i], "function_handle"));
		check_equal(half(at), functions[i].device);
		check_equal(half(at + 2), functions[i].vendor);
		/* Configured. */
		check_equal(word(at + 4) >> 31, 1);
	}
}

static void query_function(const void *argument)
{
	const struct function *function = argument;

	request(QUERY_FUNCTION, 32, 384);
	set_word(HEADER, function_attribute(function, "function_handle"));
	execute(32);
	dump("function", function_attribute(function, "function_id"), 384);
	check_equal(half(32 + 16), function_attribute(function, "vfn"));
	check_equal(block[32 + 19], function_attribute(function, "pfgid"));
	check_equal(word(32 + 20), function_attribute(function, "function_id"));
	check_equal(half(32 + 30), function_attribute(function, "pchid"));
	check_equal(block[32 + 63], function_attribute(function, "pft"));
	check_equal(word(32 + 124), function_attribute(function, "uid"));
	check(doubleword(32 + 64) <= doubleword(32 + 72));
}

static void query_group(const void *argument)
{
	const struct function *function = argument;

	request(QUERY_GROUP, 32, 64);
	block[HEADER + 3] = function_attribute(function, "pfgid");
	execute(32);
	dump("group", function_attribute(function, "pfgid"), 64);
}

/* A handle that no function has. */
static void unknown_handle(const void *argument)
{
	int fd = open_clp();

	(void)argument;
	request(QUERY_FUNCTION, 32, 384);
	set_word(HEADER, 0x7fffffff);
	check_call(call_clp(fd, PCI));
	check_equal(half(32 + 2), 0x0101);
}

/* Changing a function is nobody's business but the kernel's. */
static void set_function(const void *argument)
{
	int fd = open_clp();

	(void)argument;
	request(SET_FUNCTION, 32, 32);
	check_errno(call_clp(fd, PCI), EINVAL);
}

static void processors(const void *argument)
{
	int fd = open_clp();

	(void)argument;
	for (unsigned int processor = 0; processor < 64; processor++) {
		request(LIST_PCI, 32, BLOCK - 32);
		if (processor == PCI)
			check_call(call_clp(fd, processor));
		else
			check_errno(call_clp(fd, processor), EINVAL);
	}
	/* The base processor knows one command. */
	for (unsigned int command = 0; command < 8; command++) {
		request(command, 16, 64);
		if (command == SLPC)
			check_call(call_clp(fd, BASE));
		else
			check_errno(call_clp(fd, BASE), EINVAL);
	}
}

static void commands(const void *argument)
{
	int fd = open_clp();

	(void)argument;
	request(0, 32, 64);
	check_errno(call_clp(fd, PCI), EINVAL);
	for (unsigned int command = 5; command < 64; command++) {
		request(command, 32, 64);
		check_errno(call_clp(fd, PCI), EINVAL);
	}
	request(0xffff, 32, 64);
	check_errno(call_clp(fd, PCI), EINVAL);
}

/* The length of each request is fixed. */
static void request_lengths(const void *argument)
{
	static const unsigned int wrong[] = { 0, 8, 16, 24, 40, 64, 0xffff };
	int fd = open_clp();

	(void)argument;
	for (unsigned int command = LIST_PCI; command <= QUERY_GROUP; command++)
		for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
			request(command, 32, 64);
			set_half(0, wrong[i]);
			check_errno(call_clp(fd, PCI), EINVAL);
		}
	request(SLPC, 32, 64);
	check_errno(call_clp(fd, PCI), EINVAL);
}

/* The response must fit into the block behind the request. */
static void response_lengths(const void *argument)
{
	int fd = open_clp();

	(void)argument;
	for (unsigned int command = LIST_PCI; command <= QUERY_GROUP;
	     command++) {
		request(command, 32, BLOCK - 32 + 8);
		check_errno(call_clp(fd, PCI), EINVAL);
		request(command, 32, 0xffff);
		check_errno(call_clp(fd, PCI), EINVAL);
	}
	request(SLPC, 16, BLOCK - 16 + 8);
	check_errno(call_clp(fd, PCI), EINVAL);
	check_errno(call_clp(fd, BASE), EINVAL);
	/* Too short for a header: the machine does not even execute it. */
	request(LIST_PCI, 32, 0);
	check_errno(call_clp(fd, PCI), EOPNOTSUPP);
	request(LIST_PCI, 32, 20);
	check_errno(call_clp(fd, PCI), EOPNOTSUPP);
}

/* Reserved fields are refused here before the machine sees them. */
static void reserved_fields(const void *argument)
{
	static const struct {
		unsigned int command;
		size_t offset;
	} fields[] = {
		{ LIST_PCI, 4 },	   { LIST_PCI, 7 },
		{ LIST_PCI, 8 },	   { LIST_PCI, 15 },
		{ LIST_PCI, 24 },	   { LIST_PCI, 31 },
		{ QUERY_FUNCTION, 20 },	   { QUERY_FUNCTION, 23 },
		{ QUERY_FUNCTION, 24 },	   { QUERY_FUNCTION, 31 },
		{ QUERY_GROUP, 16 },	   { QUERY_GROUP, 18 },
		{ QUERY_GROUP, 20 },	   { QUERY_GROUP, 31 },
	};
	int fd = open_clp();

	(void)argument;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		request(fields[i].command, 32, 64);
		block[fields[i].offset] = 1;
		check_errno(call_clp(fd, PCI), EINVAL);
	}
}

static void other_ioctls(const void *argument)
{
	struct clp_req call = { .r = 1, .lps = PCI,
				.data_p = (uintptr_t)block };
	int fd = open_clp();

	(void)argument;
	request(LIST_PCI, 32, BLOCK - 32);
	check_errno(ioctl(fd, CLP_SYNC, &call), EINVAL);
	call.r = 0;
	check_errno(ioctl(fd, _IOWR(CLP_IOCTL_MAGIC, 0xc2, struct clp_req),
			  &call), EINVAL);
	check_errno(ioctl(fd, CLP_SYNC, NULL), EFAULT);
	call.data_p = 0;
	check_errno(ioctl(fd, CLP_SYNC, &call), EFAULT);
	call.data_p = (uintptr_t)block;
	check_call(ioctl(fd, CLP_SYNC, &call));
}

/* QEMU has no immediate commands: the call ends in a program check. */
static void immediate(const void *argument)
{
	uint64_t mask = 0xa5a5a5a5a5a5a5a5;
	struct clp_req call = { .c = 1, .cmd = 1, .data_p = (uintptr_t)&mask };
	int fd = open_clp();

	(void)argument;
	check_errno(ioctl(fd, CLP_SYNC, &call), EINVAL);
	call.cmd = 0;
	check_errno(ioctl(fd, CLP_SYNC, &call), EINVAL);
	call.cmd = 2;
	check_errno(ioctl(fd, CLP_SYNC, &call), EINVAL);
	check_equal(mask, 0xa5a5a5a5a5a5a5a5);
}

static void define(void)
{
	size_t count = functions_find(functions);

	ktap_case(list, NULL, "list");
	for (size_t i = 0; i < count; i++)
		ktap_case(query_function, &functions[i], "function %s",
			  functions[i].address);
	if (count)
		ktap_case(query_group, &functions[0], "group");
	ktap_case(unknown_handle, NULL, "unknown handle");
	ktap_case(set_function, NULL, "set function refused");
	ktap_case(processors, NULL, "logical processors");
	ktap_case(commands, NULL, "unknown commands refused");
	ktap_case(request_lengths, NULL, "request lengths");
	ktap_case(response_lengths, NULL, "response lengths");
	ktap_case(reserved_fields, NULL, "reserved fields");
	ktap_case(other_ioctls, NULL, "other ioctls");
	ktap_case(immediate, NULL, "immediate commands");
}

const struct suite clp_suite = { "clp", define };
