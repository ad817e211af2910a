// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "clp.h"

#include <asm/clp.h>
#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ktap.h"

#define BLOCK 4096
/* Both queries: the request, the handle or group, nothing. */
#define REQUEST 32

#define QUERY_FUNCTION 3
#define QUERY_GROUP 4

#define PCI 2
#define OK 0x0010

static void query(struct clp_response *response, uint16_t command,
		  uint32_t subject)
{
	static uint8_t block[BLOCK] __attribute__((aligned(BLOCK)));
	struct clp_req call = { .lps = PCI, .data_p = (uintptr_t)block };
	uint16_t halves[] = { htobe16(REQUEST), htobe16(command) };
	uint16_t room = htobe16(BLOCK - REQUEST);
	int fd = check_call(open("/dev/clp", O_RDWR));

	subject = htobe32(subject);
	memset(block, 0, sizeof(block));
	memcpy(block, halves, sizeof(halves));
	memcpy(block + 16, &subject, sizeof(subject));
	memcpy(block + REQUEST, &room, sizeof(room));
	check_call(ioctl(fd, CLP_SYNC, &call));
	close(fd);
	memcpy(response->bytes, block + REQUEST, sizeof(response->bytes));
	check_equal(clp_half(response, 2), OK);
}

void clp_query_function(struct clp_response *response, uint32_t handle)
{
	query(response, QUERY_FUNCTION, handle);
}

void clp_query_group(struct clp_response *response, uint8_t group)
{
	query(response, QUERY_GROUP, group);
}

uint16_t clp_half(const struct clp_response *response, size_t offset)
{
	uint16_t value;

	memcpy(&value, response->bytes + offset, sizeof(value));
	return be16toh(value);
}

uint32_t clp_word(const struct clp_response *response, size_t offset)
{
	uint32_t value;

	memcpy(&value, response->bytes + offset, sizeof(value));
	return be32toh(value);
}

uint64_t clp_doubleword(const struct clp_response *response, size_t offset)
{
	uint64_t value;

	memcpy(&value, response->bytes + offset, sizeof(value));
	return be64toh(value);
}
