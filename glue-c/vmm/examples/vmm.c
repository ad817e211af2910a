/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * A VMM in little: one function, 1 MiB of guest storage, and a guest that enables the function, registers a table and
 * refreshes it. Where a real one calls VFIO, this one keeps books.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "zpci_vmm.h"

#define PAGES 64
#define IOVA 0x100000000ULL
/* A status of MPCIFC and RPCIT, in byte 4 of R1. */
#define INSUFFICIENT_RESOURCE 16

struct vmm {
	uint8_t storage[1 << 20];
	struct zpci_slot slots[4];
	struct zpci_groups groups;
	struct zpci_function function;
	/* What is mapped, a page each. */
	struct zpci_mapping pages[PAGES];
	size_t mapped, limit;
};

static struct vmm vmm;

static void put(uint8_t *to, int bytes, uint64_t value)
{
	for (int i = bytes - 1; i >= 0; i--, value >>= 8)
		to[i] = (uint8_t)value;
}

static uint64_t get(const uint8_t *from, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | from[i];
	return value;
}

static bool read_entry(void *opaque, uint64_t address, uint64_t *value)
{
	struct vmm *v = opaque;

	/* A VMM with several processors loads the doubleword atomically. */
	if (address > sizeof(v->storage) - 8)
		return false;
	*value = get(v->storage + address, 8);
	return true;
}

static bool first_in(void *opaque, uint64_t first, uint64_t last, struct zpci_mapping *found)
{
	struct vmm *v = opaque;
	bool any = false;

	for (size_t i = 0; i < v->mapped; i++) {
		const struct zpci_mapping *page = &v->pages[i];

		if (page->last < first || page->first > last || (any && found->first < page->first))
			continue;
		*found = *page;
		any = true;
	}
	return any;
}

static bool map(void *opaque, const struct zpci_mapping *run)
{
	struct vmm *v = opaque;
	uint64_t pages = (run->last - run->first) / 4096 + 1;

	if (pages > v->limit - v->mapped)
		return false;
	/* Page by page: VFIO cuts no mapping. Here VFIO_IOMMU_MAP_DMA is called, for what is storage of the guest. */
	for (uint64_t offset = 0; offset < pages * 4096; offset += 4096) {
		struct zpci_mapping page = *run;

		page.first = run->first + offset;
		page.last = page.first + 4095;
		page.absolute = run->absolute + offset;
		v->pages[v->mapped++] = page;
	}
	return true;
}

static void unmap(void *opaque, uint64_t first, uint64_t last)
{
	struct vmm *v = opaque;

	for (size_t i = 0; i < v->mapped;)
		if (v->pages[i].first >= first && v->pages[i].last <= last)
			v->pages[i] = v->pages[--v->mapped];
		else
			i++;
}

/* SET PCI FN: the device is opened or reset here. */
static uint8_t set(void *opaque, size_t slot, uint8_t action, uint32_t *handle)
{
	struct vmm *v = opaque;

	*handle = (uint32_t)(0x00010000 | slot) | (action == ZPCI_SET_ENABLE ? 0x80000000 : 0);
	zpci_slot_set_handle(&v->slots[slot], *handle, true);
	if (action == ZPCI_SET_ENABLE) {
		zpci_function_enable(&v->function, *handle);
	} else {
		zpci_function_disable(&v->function, *handle);
		/* Or the device reaches it when the function is enabled again. */
		unmap(v, 0, UINT64_MAX);
	}
	return ZPCI_SET_DONE;
}

static void clp(uint8_t *block, size_t length)
{
	const struct zpci_commands commands = {
		.slots = vmm.slots, .slot_count = 4, .groups = &vmm.groups, .max_functions = 16,
		.uid_checking = true, .rules = ZPCI_RULES_HARDWARE, .opaque = &vmm, .set = set,
	};
	struct zpci_reply reply;

	zpci_clp(&commands, 2, block, length, &reply);
	assert(reply.program_interruption == 0 && reply.condition_code == 0);
	printf("CLP command %d: response 0x%04x, bytes %zu to %zu are copied back\n", block[3], (unsigned)get(block + 34, 2),
	       reply.written, reply.written + reply.written_length);
}

/* A refresh, a few entries at a time; a VMM lets others run in between. */
static void proceed(struct zpci_pending *pending, struct zpci_answer *answer)
{
	const struct zpci_host host = {&vmm, read_entry, first_in, map, unmap};

	while (zpci_rpcit_proceed(&vmm.function, pending, &host, 16, answer))
		;
}

static struct zpci_answer rpcit(uint64_t r1, uint64_t start, uint64_t length)
{
	struct zpci_pending pending;
	struct zpci_answer answer;

	if (zpci_rpcit(&vmm.function, r1, 2, start, length, &pending, &answer))
		proceed(&pending, &answer);
	printf("RPCIT: cc %d, R1 0x%016llx, %zu pages mapped\n", answer.condition_code, (unsigned long long)answer.r1,
	       vmm.mapped);
	return answer;
}

/* MPCIFC of a guest that leaves the error state: what was unmapped because of the error is mapped again before DMA. */
static void recover(uint64_t r1)
{
	const uint8_t fib[80] = {0};
	struct zpci_answer answer, refreshed;
	struct zpci_effect effect;
	struct zpci_pending pending;

	zpci_mpcifc(&vmm.function, r1, 0x1000, fib, &answer, &effect);
	if ((effect.what & ZPCI_EFFECT_RESET) && zpci_function_refresh_all(&vmm.function, &pending)) {
		proceed(&pending, &refreshed);
		if (refreshed.condition_code == 1 && (refreshed.r1 >> 24 & 0xff) == INSUFFICIENT_RESOURCE)
			zpci_mpcifc_take_back(&vmm.function, INSUFFICIENT_RESOURCE, &answer);
	}
	printf("MPCIFC: cc %d, effect %u, R1 0x%016llx, %zu pages mapped\n", answer.condition_code, effect.what,
	       (unsigned long long)answer.r1, vmm.mapped);
}

static bool store(void *opaque, uint16_t offset, uint64_t value)
{
	put((uint8_t *)opaque + offset, 8, value);
	return true;
}

int main(void)
{
	const struct zpci_group_values group = {
		.msi_address = 0xfe00000000000000, .max_interrupts = 64, .max_store_block = 4096,
		.measurement_interval_ms = 4000, .version = 1, .designation_types = 0x40,
	};
	const struct zpci_virtualization shadowed = {.roots = 0x40, .max_store_block = 128};
	const struct zpci_function_configuration configuration = {
		.start_dma = IOVA, .end_dma = 0x1ffffffff, .id = 0x21, .max_interrupts = 64, .designation_types = 0x40,
		.has_measurement = true,
	};
	struct zpci_function_values values = {
		.start_dma = IOVA, .end_dma = 0x1ffffffff, .id = 0x21, .uid = 0x11, .vendor = 0x1b36, .device = 0x10,
		.bar_size_log2 = {14}, .bars = {{4}}, .fmb_length = 48,
	};

	vmm.limit = PAGES;
	zpci_groups_init(&vmm.groups);
	assert(zpci_groups_add(&vmm.groups, 7, &group, &shadowed, &values.group));
	for (int i = 0; i < 4; i++)
		zpci_slot_clear(&vmm.slots[i]);
	assert(zpci_slot_init(&vmm.slots[1], 0x00010001, &values));
	assert(zpci_function_init(&vmm.function, 0x00010001, &configuration));

	/* LIST PCI, then SET PCI FN: enable, one DMA address space. */
	uint8_t block[4096] = {0, 32, 0, 2, [33] = 64};
	clp(block, sizeof(block));
	uint32_t handle = (uint32_t)get(block + 76, 4);
	memset(block, 0, sizeof(block));
	memcpy(block, (uint8_t[]){0, 32, 0, 5}, 4);
	put(block + 16, 4, handle);
	block[23] = 1;
	block[33] = 32;
	clp(block, sizeof(block));
	uint64_t r1 = get(block + 48, 4) << 32;

	/* Tables at 0x4000, 0x8000 and 0xc000; pages 0 to 7 lead to storage, the third one is read-only. */
	for (uint64_t at = 0x4000; at < 0xc000; at += 8)
		put(vmm.storage + at, 8, 0x20);
	for (uint64_t at = 0xc000; at < 0xc800; at += 8)
		put(vmm.storage + at, 8, 0x400);
	put(vmm.storage + 0x4000 + 2 * 8, 8, 0x8007);
	put(vmm.storage + 0x8000, 8, 0xc000);
	for (uint64_t page = 0; page < 8; page++)
		put(vmm.storage + 0xc000 + page * 8, 8, 0x10000 + page * 4096 + (page == 2 ? 0x200 : 0));

	struct zpci_answer answer;
	struct zpci_effect effect;
	uint8_t fib[80] = {0};

	put(fib + 16, 8, IOVA);
	put(fib + 24, 8, 0x1ffffffff);
	put(fib + 32, 8, 0x4804);
	zpci_mpcifc(&vmm.function, r1 | 4, 0x1000, fib, &answer, &effect);
	printf("MPCIFC: cc %d, effect %u, 0x%llx to 0x%llx\n", answer.condition_code, effect.what,
	       (unsigned long long)effect.first, (unsigned long long)effect.last);

	/* Four interrupts of subclass 3, by bits at 0x1e000 and a summary bit. */
	memcpy(fib + 40, (uint8_t[]){0x30, 0x04, 0x00, 0x85}, 4);
	put(fib + 48, 8, 0x1e000);
	put(fib + 56, 8, 0x1e040);
	zpci_mpcifc(&vmm.function, r1 | 2, 0x1000, fib, &answer, &effect);
	printf("MPCIFC: cc %d, effect %u, word 0x%x, vector 0x%llx, summary 0x%llx\n", answer.condition_code, effect.what,
	       effect.interrupt_word, (unsigned long long)effect.aibv, (unsigned long long)effect.aisb);

	/* Their end, which the host refuses: the guest is told, and they are registered still. */
	zpci_mpcifc(&vmm.function, r1 | 3, 0x1000, fib, &answer, &effect);
	zpci_mpcifc_take_back(&vmm.function, 4, &answer);
	printf("MPCIFC: cc %d, effect %u, R1 0x%016llx\n", answer.condition_code, effect.what,
	       (unsigned long long)answer.r1);

	rpcit(r1, IOVA, 0x100000000);
	/* The host runs out after one of two new pages: neither is mapped. */
	vmm.limit = 9;
	put(vmm.storage + 0xc000 + 9 * 8, 8, 0x20000);
	put(vmm.storage + 0xc000 + 11 * 8, 8, 0x30000);
	rpcit(r1, IOVA, 0x100000);
	vmm.limit = PAGES;
	rpcit(r1, IOVA, 0x100000);
	/* An entry of the wrong kind: an event, which the guest asks for by CHSC. */
	put(vmm.storage + 0x8000, 8, 0xc004);
	answer = rpcit(r1, IOVA, 0x1000);
	uint8_t chsc[ZPCI_EVENT_INFORMATION_SIZE] = {0, 16, 0, 0x0e, [8] = 0x20};
	assert(answer.has_event && zpci_event_answer(chsc, ZPCI_EVENT_ERROR, answer.event, false));
	printf("event 0x%x of function 0x%08x\n", (unsigned)get(chsc + 110, 2), (unsigned)get(chsc + 88, 4));

	/* Functions changed, which makes an event too; and of interrupts the guest wants a single one. */
	uint8_t event[32];
	zpci_availability_event(handle, 0x21, ZPCI_AVAILABILITY_CHANGED, event);
	assert(zpci_event_answer(chsc, ZPCI_EVENT_AVAILABILITY, event, false));
	printf("event 0x%x of function 0x%08x\n", (unsigned)get(chsc + 110, 2), (unsigned)get(chsc + 88, 4));
	struct zpci_suppression suppression;
	zpci_suppression_init(&suppression);
	assert(zpci_sic(&suppression, 1, 3ULL << 27) == 0);
	for (int i = 0; i < 2; i++)
		printf("interruption of subclass 3: %s\n", zpci_suppression_present(&suppression, 3) ? "presented" : "suppressed");

	assert(zpci_stpcifc(&vmm.function, r1, 0x1000, fib, &answer));
	printf("STPCIFC: state 0x%02x, IOTA 0x%llx, interrupts 0x%x\n", fib[8], (unsigned long long)get(fib + 32, 8),
	       (unsigned)get(fib + 40, 4));

	/*
	 * The device is kept from DMA until the guest has mended its table and resets the error, and finds all as it was. At
	 * first the host can map no more, and the function stays blocked until the guest resets it again.
	 */
	unmap(&vmm, 0, UINT64_MAX);
	put(vmm.storage + 0x8000, 8, 0xc000);
	vmm.limit = 9;
	recover(r1 | 9);
	recover(r1 | 7);
	vmm.limit = PAGES;
	recover(r1 | 7);

	const struct zpci_measured measured = {.sample = 1, .time_before = 2, .time = 4, .loads = 5,
						.refreshes = zpci_function_refreshes(&vmm.function)};
	assert(zpci_measurement_write(&measured, 48, vmm.storage + 0x30000, store));
	printf("measurement: time %u, refreshes %u\n", (unsigned)get(vmm.storage + 0x30008, 8),
	       (unsigned)get(vmm.storage + 0x30028, 8));
	return 0;
}
