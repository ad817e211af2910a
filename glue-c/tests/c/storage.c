// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Storage for tables: counted, between guards, and poisoned when freed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "stand_in.h"
#include "state.h"

/* tests/linux/kernel.c: whether this allocation succeeds */
bool kernel_may_allocate(u32 gfp);

#define TABLES		1024
#define FRESH		0xa5
#define FREED		0xee
#define GUARD		0x5a
/* Bytes before and behind a table */
#define GUARDED		256
/* A multiple of the alignment of every table */
#define BASE		0x0000300000000000ULL

struct table {
	u8 *memory;			/* guard, table, guard: parts of that size */
	u32 size;
	bool allocated;
};

static _Thread_local struct {
	struct table tables[TABLES];
	u32 count;
	u32 gfp;
	u32 until_failure;
} storage;

u64 stand_in_base(void)
{
	return BASE;
}

static u64 origin_of(const struct table *table)
{
	return (u64)(uintptr_t)(table->memory + table->size) - BASE;
}

static struct table *find(u64 origin, u32 size)
{
	struct table *table;
	u32 i;

	for (i = 0; i < storage.count; i++) {
		table = &storage.tables[i];
		if (origin_of(table) != origin)
			continue;
		if (!table->allocated)
			stand_in_note("table %#" PRIx64 " was freed", origin);
		else if (table->size != size)
			stand_in_note("table %#" PRIx64 " has %u bytes, not %u", origin, table->size, size);
		else
			return table;
		return NULL;
	}
	stand_in_note("no table at %#" PRIx64, origin);
	return NULL;
}

u64 zpci_rust_allocate(u32 size, u32 gfp)
{
	struct table *table;

	if (size != 2048 && size != 16384) {
		stand_in_note("allocation of %u bytes", size);
		return 0;
	}
	storage.gfp = gfp;
	if (storage.until_failure == 1 || !kernel_may_allocate(gfp))
		return 0;
	if (storage.until_failure)
		storage.until_failure--;
	if (storage.count == TABLES) {
		stand_in_note("more than %d tables", TABLES);
		return 0;
	}
	table = &storage.tables[storage.count];
	table->memory = aligned_alloc(size, 3 * (size_t)size);
	if (!table->memory)
		abort();
	memset(table->memory + size - GUARDED, GUARD, GUARDED);
	memset(table->memory + size, FRESH, size);
	memset(table->memory + 2 * (size_t)size, GUARD, GUARDED);
	table->size = size;
	table->allocated = true;
	storage.count++;
	if (stand_in_current()->table)
		stand_in_current()->table(stand_in_current()->context, origin_of(table), size, true);
	return origin_of(table);
}

void zpci_rust_deallocate(u64 origin, u32 size)
{
	struct table *table = find(origin, size);

	if (!table)
		return;
	if (stand_in_current()->table)
		stand_in_current()->table(stand_in_current()->context, origin, size, false);
	memset(table->memory + size, FREED, size);
	table->allocated = false;
}

u32 stand_in_tables(u32 size)
{
	u32 i, tables = 0;

	for (i = 0; i < storage.count; i++)
		tables += storage.tables[i].allocated && storage.tables[i].size == size;
	return tables;
}

u32 stand_in_gfp(void)
{
	return storage.gfp;
}

void stand_in_fail_allocation(u32 n)
{
	storage.until_failure = n;
}

const void *stand_in_table(u64 origin, u32 size)
{
	struct table *table = find(origin, size);

	return table ? table->memory + size : NULL;
}

const void *stand_in_table_or_null(u64 origin, u32 size)
{
	const struct table *table;
	u32 i;

	for (i = 0; i < storage.count; i++) {
		table = &storage.tables[i];
		if (origin_of(table) == origin && table->allocated && table->size == size)
			return table->memory + size;
	}
	return NULL;
}

static bool is_filled(const u8 *bytes, u32 size, u8 with)
{
	return bytes[0] == with && !memcmp(bytes, bytes + 1, size - 1);
}

void storage_check(void)
{
	const struct table *table;
	u32 i;

	for (i = 0; i < storage.count; i++) {
		table = &storage.tables[i];
		if (!is_filled(table->memory + table->size - GUARDED, GUARDED, GUARD) ||
		    !is_filled(table->memory + 2 * (size_t)table->size, GUARDED, GUARD))
			stand_in_note("written beside table %#" PRIx64, origin_of(table));
		if (!table->allocated && !is_filled(table->memory + table->size, table->size, FREED))
			stand_in_note("written into table %#" PRIx64 " after it was freed", origin_of(table));
	}
}

void storage_reset(void)
{
	u32 i;

	for (i = 0; i < storage.count; i++)
		free(storage.tables[i].memory);
	memset(&storage, 0, sizeof(storage));
}
