// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The walk through the tables that a device's access takes.
 *
 * Formats: arch/s390/include/asm/pci_dma.h of Linux.
 */
#include <inttypes.h>

#include "stand_in.h"

#define CRST		16384
#define PAGE_TABLE	2048

static bool entry_of(u64 origin, u32 size, u64 index, u64 *entry)
{
	const u8 *table = stand_in_table(origin, size);
	u32 i;

	if (!table)
		return false;
	*entry = 0;
	for (i = 0; i < 8; i++)
		*entry = *entry << 8 | table[8 * index + i];
	return true;
}

u64 stand_in_dma(u64 iota, u64 iova, bool write)
{
	u32 type = iota >> 2 & 7;
	u64 origin = iota & ~0xfffULL;
	u64 entry, protection = 0;

	if (!(iota & 0x800) || type < 1 || type > 3 || origin % CRST) {
		stand_in_note("anchor %#" PRIx64, iota);
		return STAND_IN_REFUSED;
	}
	if (type < 3 && iova >> (31 + 11 * type))
		return STAND_IN_REFUSED;
	for (; type; type--) {
		if (!entry_of(origin, CRST, iova >> (20 + 11 * type) & 0x7ff, &entry) || entry & 0x20)
			return STAND_IN_REFUSED;
		/* Full length, no offset, of this table */
		if ((entry & 0xcf) != (3 | type << 2)) {
			stand_in_note("region-table entry %#" PRIx64, entry);
			return STAND_IN_REFUSED;
		}
		protection |= entry & 0x200;
		origin = entry & ~0x3fffULL;
	}
	if (!entry_of(origin, CRST, iova >> 20 & 0x7ff, &entry) || entry & 0x20)
		return STAND_IN_REFUSED;
	if (entry & 0xc) {
		stand_in_note("segment-table entry %#" PRIx64, entry);
		return STAND_IN_REFUSED;
	}
	protection |= entry & 0x200;
	if (entry & 0x400) {
		if (write && protection)
			return STAND_IN_REFUSED;
		return (entry & ~0xfffffULL) | (iova & 0xfffff);
	}
	if (!entry_of(entry & ~0x7ffULL, PAGE_TABLE, iova >> 12 & 0xff, &entry) || entry & 0x400)
		return STAND_IN_REFUSED;
	protection |= entry & 0x200;
	if (write && protection)
		return STAND_IN_REFUSED;
	return (entry & ~0xfffULL) | (iova & 0xfff);
}
