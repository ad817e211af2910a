// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The capabilities, as kernel/vfio_pci_zdev_rust.c asks for them.
 */
#include <string.h>

#include "shim.h"

int shim_capability(const struct zpci_rust_function *function, u64 aperture, u32 index, u8 *buffer)
{
	memset(buffer, 0xa5, ZPCI_RUST_CAPABILITY_SIZE);
	return zpci_rust_vfio_capability(function, aperture, index, buffer);
}
