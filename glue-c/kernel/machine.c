// SPDX-License-Identifier: GPL-2.0-only
/*
 * Storage, instructions and pauses for the Rust object.
 */
#define pr_fmt(fmt) "zpci: " fmt

#include <linux/delay.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <asm/asm-extable.h>
#include <asm/clp.h>
#include <asm/pci_clp.h>
#include <asm/pci_dma.h>
#include <asm/pci_insn.h>

#include "compat.h"
#include "zpci_rpcit.h"
#include "zpci_shim.h"

#define ZPCI_SET_RETRIES	100
#define ZPCI_SET_PAUSE_MS	20
#define ZPCI_MPCIFC_RETRIES	30000	/* of 1 ms */
#define ZPCI_RPCIT_RETRIES	1000	/* of 1 us, and for at least */
#define ZPCI_RPCIT_MS		1000	/* or, where it was busy before, */
#define ZPCI_RPCIT_SLOW_MS	10

static struct kmem_cache *zpci_region_cache;
static struct kmem_cache *zpci_page_cache;

/*
 * Entries have absolute addresses. Where these differ from pointers kmemleak
 * does not find the tables below a root, nor the root.
 */
#define ZPCI_TABLE_FLAGS	(IS_ENABLED(CONFIG_RANDOMIZE_IDENTITY_BASE) ? SLAB_NOLEAKTRACE : 0)

static int __init zpci_shim_caches_init(void)
{
	zpci_region_cache = kmem_cache_create("PCI_DMA_region_tables",
					      ZPCI_TABLE_SIZE, ZPCI_TABLE_ALIGN,
					      ZPCI_TABLE_FLAGS, NULL);
	zpci_page_cache = kmem_cache_create("PCI_DMA_page_tables", ZPCI_PT_SIZE,
					    ZPCI_PT_ALIGN, ZPCI_TABLE_FLAGS, NULL);
	/* zpci_rust_allocate() fails where there is no cache */
	return zpci_region_cache && zpci_page_cache ? 0 : -ENOMEM;
}
subsys_initcall(zpci_shim_caches_init);

static struct kmem_cache *zpci_cache(u32 size)
{
	return size == ZPCI_PT_SIZE ? zpci_page_cache : zpci_region_cache;
}

u64 zpci_rust_allocate(u32 size, u32 gfp)
{
	struct kmem_cache *cache = zpci_cache(size);
	void *table = cache ? kmem_cache_alloc(cache, (__force gfp_t)gfp) : NULL;

	return table ? virt_to_phys(table) : 0;
}

void zpci_rust_deallocate(u64 origin, u32 size)
{
	kmem_cache_free(zpci_cache(size), phys_to_virt(origin));
}

/*
 * The selector is part of the instruction. A program check leaves the
 * condition code at 3.
 */
#define ZPCI_CLP(processor, block, cc)						\
	do {									\
		u64 __ignored;							\
										\
		asm volatile("	.insn	rrf,0xb9a00000,%[out],%[in],0,%[lps]\n"	\
			"0:	ipm	%[code]\n"				\
			"	srl	%[code],28\n"				\
			"1:\n"							\
			EX_TABLE(0b, 1b)					\
			: [code] "+&d" (cc), [out] "=&d" (__ignored)		\
			: [in] "a" (block), [lps] "i" (processor)		\
			: "cc", "memory");					\
	} while (0)

u8 zpci_rust_call(u8 processor, void *block)
{
	int cc = 3;

	if (processor == CLP_LPS_BASE)
		ZPCI_CLP(CLP_LPS_BASE, block, cc);
	else if (processor == CLP_LPS_PCI)
		ZPCI_CLP(CLP_LPS_PCI, block, cc);
	return cc;
}

u8 zpci_rust_immediate(u64 command, u64 *result)
{
	u64 mask = 0;
	int cc = 3;

	asm volatile("	.insn	rrf,0xb9a00000,%[mask],%[command],8,0\n"
		"0:	ipm	%[cc]\n"
		"	srl	%[cc],28\n"
		"1:\n"
		EX_TABLE(0b, 1b)
		: [cc] "+&d" (cc), [mask] "+&d" (mask)
		: [command] "a" (command)
		: "cc");
	*result = mask;
	return cc;
}

/* A record for the debug view pci_error, as arch/s390/pci/pci_insn.c makes it */
struct zpci_shim_record {
	u8 instruction;
	u8 cc;
	u8 status;
	u64 first;
	u64 second;
} __packed;

/*
 * The first of several busy answers, what came after them, and what went wrong.
 * Busy answers would soon be all that is left in the ring.
 */
static noinline __cold void zpci_shim_record(u8 instruction, u8 cc, u8 status, u64 first,
					     u64 second, bool again)
{
	struct zpci_shim_record record = {
		.instruction = instruction,
		.cc = cc,
		.status = status,
		.first = first,
		.second = second,
	};

	if (cc == ZPCI_CC_BUSY && again)
		return;
	zpci_err_hex_level(!cc || cc == ZPCI_CC_BUSY ? 1 : 0, &record, sizeof(record));
}

/*
 * What a machine refuses is not done. Where that ends or refreshes something,
 * the function may go on to use it, so it is no answer of one that is gone.
 */
static noinline __cold int zpci_shim_refused(const char *instruction, u64 first, u64 second,
					     bool is_end)
{
	/* Also behind the gate, which a console that does DMA would have to pass */
	zpci_printk_later(KERN_ERR, "the machine refused %s with operands %#llx %#llx\n",
			  instruction, first, second);
	return is_end ? ZPCI_CC_ERR : ZPCI_CC_INVAL_HANDLE;
}

u8 zpci_rust_mpcifc(u32 handle, u8 control, const void *fib, u8 *status, bool again)
{
	const u64 issued = ZPCI_CREATE_REQ(handle, 0, control);
	u64 request = issued;
	int cc = ZPCI_REFUSED;

	asm volatile("	.insn	rxy,0xe300000000d0,%[request],%[fib]\n"
		"0:	ipm	%[cc]\n"
		"	srl	%[cc],28\n"
		"1:\n"
		EX_TABLE(0b, 1b)
		: [cc] "+&d" (cc), [request] "+&d" (request)
		: [fib] "Q" (*(const struct zpci_fib *)fib)
		: "cc", "memory");
	*status = request >> 24 & 0xff;
	if (cc == ZPCI_REFUSED)
		cc = zpci_shim_refused("MPCIFC", issued, ((const struct zpci_fib *)fib)->iota,
				       control == ZPCI_MOD_FC_DEREG_IOAT ||
				       control == ZPCI_MOD_FC_SET_MEASURE);
	if (cc || again)
		zpci_shim_record('M', cc, *status, issued, 0, again);
	return cc;
}

noinline __cold u32 zpci_shim_rpcit_odd(u64 start, u64 length, u32 answer, bool again)
{
	u8 cc = answer & 0xff, status = answer >> 8;

	if (cc == ZPCI_REFUSED)
		cc = zpci_shim_refused("RPCIT", start, length, true);
	zpci_shim_record('R', cc, status, start, length, again);
	return (u32)status << 8 | cc;
}

u32 zpci_rust_rpcit(u64 start, u64 length, u32 handle, bool again)
{
	return zpci_shim_rpcit(start, length, handle, again);
}

bool zpci_rust_pause_set(u32 busy)
{
	if (busy > ZPCI_SET_RETRIES)
		return false;
	msleep(ZPCI_SET_PAUSE_MS);
	return true;
}

/* A function that is busy for so long is left to its recovery. */
bool zpci_rust_pause_mpcifc(u32 busy)
{
	if (busy > ZPCI_MPCIFC_RETRIES) {
		pr_err_ratelimited("a function did not take MPCIFC for %d s\n",
				   ZPCI_MPCIFC_RETRIES / 1000);
		return false;
	}
	fsleep(USEC_PER_MSEC);
	return true;
}

/*
 * Whoever maps or unmaps waits here, with interrupts off where a flush queue is
 * full. A function that did not take a refresh in time is asked for all of them
 * by the next unmap, and there may be many, which are not to wait as long each.
 * Time alone says little: the machine may not have been asked in it.
 */
bool zpci_rust_pause_rpcit(u32 busy, bool slow, u64 *last, u64 *waited)
{
	u64 now = ktime_get_mono_fast_ns();

	/* The clock may step back a little. */
	if (*last && now > *last)
		*waited += now - *last;
	*last = now;
	if (busy > ZPCI_RPCIT_RETRIES &&
	    *waited > (slow ? ZPCI_RPCIT_SLOW_MS : ZPCI_RPCIT_MS) * NSEC_PER_MSEC) {
		if (!slow)
			zpci_printk_later(KERN_ERR, "a function did not take RPCIT for %d ms\n",
					  ZPCI_RPCIT_MS);
		return false;
	}
	udelay(1);
	return true;
}

void zpci_rust_response(u16 command, u16 code, u8 condition)
{
	struct {
		u32 code;
		s32 condition;
	} __packed record = { code, condition };

	switch (command) {
	case 0x0001:
		zpci_err("SLPC PCI:\n");
		break;
	case CLP_LIST_PCI:
		zpci_err("List PCI FN:\n");
		break;
	case CLP_QUERY_PCI_FN:
		zpci_err("Q PCI FN:\n");
		break;
	case CLP_QUERY_PCI_FNGRP:
		zpci_err("Q PCI FGRP:\n");
		break;
	case CLP_SET_PCI_FN:
		zpci_err("Set PCI FN:\n");
		break;
	}
	zpci_err_hex(&record, sizeof(record));
}

void zpci_rust_panic(void)
{
	panic("zpci: the Rust object met a state that it says cannot be\n");
}
