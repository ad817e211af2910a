// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What user space is told, as kernel/container.c asks for it.
 */
#include <stdlib.h>
#include <string.h>

#include "shim.h"

/* What lies behind the room, to see that it is enough */
#define GUARD	64

struct room {
	u8 *bytes;
	size_t size;
};

static struct room room_new(u32 count)
{
	struct room room = { .size = zpci_rust_container_room(count) };

	room.bytes = malloc(room.size + GUARD);
	if (!room.bytes)
		abort();
	memset(room.bytes, 0xa5, room.size + GUARD);
	return room;
}

static void room_free(struct room room)
{
	size_t i;

	for (i = room.size; i < room.size + GUARD; i++)
		if (room.bytes[i] != 0xa5)
			abort();
	free(room.bytes);
}

u64 shim_capabilities(const struct zpci_rust_member *members, u32 count, u64 aperture, u8 *buffer, u64 size)
{
	struct room room = room_new(count);
	u64 needed;

	needed = zpci_rust_container_capabilities(members, count, aperture, room.bytes, buffer, size);
	room_free(room);
	return needed;
}

int shim_join(const struct zpci_rust_member *members, u32 count, u32 joining, u64 aperture,
	      struct zpci_rust_refusal *refusal)
{
	struct room room = room_new(count);
	int rc;

	rc = zpci_rust_container_join(members, count, joining, aperture, room.bytes, refusal);
	room_free(room);
	return rc;
}

u32 shim_hardware_information(const struct zpci_rust_function *function, bool large, u8 *buffer)
{
	memset(buffer, 0xa5, ZPCI_RUST_HARDWARE_SIZE);
	return zpci_rust_hardware_information(function, large, buffer);
}
