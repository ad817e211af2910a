// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What user space learns of a container, as kernel/container.c asks for it.
 */
#include <string.h>

#include "shim.h"

int shim_container_one_format(const struct zpci_rust_member *members, u32 count, u32 joining,
			      struct zpci_rust_refusal *refusal)
{
	return zpci_rust_container_one_format(members, count, joining, refusal);
}

u32 shim_hardware_information(const struct zpci_rust_function *function, bool large, u8 *buffer)
{
	memset(buffer, 0xa5, ZPCI_RUST_HARDWARE_SIZE);
	return zpci_rust_hardware_information(function, large, buffer);
}
