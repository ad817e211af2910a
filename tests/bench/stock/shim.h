/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * What the table code of drivers/iommu/s390-iommu.c needs of a kernel, for a
 * program on a host.
 *
 * Locks and lists are not used by that code. Counters are plain additions: the
 * crates have none, so that interlocked ones would be held against stock.
 */
#ifndef ZPCI_BENCH_SHIM_H
#define ZPCI_BENCH_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef uint64_t dma_addr_t;
typedef uint64_t phys_addr_t;
typedef unsigned int gfp_t;
typedef struct { int unused; } spinlock_t;
typedef struct { long counter; } atomic64_t;

_Static_assert(sizeof(unsigned long) == 8, "a host of 64 bits");

struct list_head { struct list_head *next, *prev; };
struct rcu_head { struct rcu_head *next; };
struct kmem_cache { size_t size; };
struct iommu_domain { struct { dma_addr_t aperture_start, aperture_end; } geometry; };
struct iommu_iotlb_gather { unsigned long start, end; };

#define PAGE_SHIFT		12
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define PAGE_DEFAULT_KEY	0
#define SZ_4K			0x1000
#define EINVAL			22
#define ENOMEM			12
#define GFP_KERNEL		0
#define GFP_ATOMIC		0
#define IOMMU_WRITE		2
#define U64_MAX			UINT64_MAX

#define unlikely(x)		__builtin_expect(!!(x), 0)
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define IS_ALIGNED(x, a)	(((x) & ((__typeof__(x))(a) - 1)) == 0)
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define __ffs(x)		((unsigned long)__builtin_ctzl(x))
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define cmpxchg(p, old, new)	__sync_val_compare_and_swap(p, old, new)
#define atomic64_add(v, a)	((void)((a)->counter += (long)(v)))

/* Warnings are counted; a benchmark that warns measured something else. */
extern unsigned long zpci_stock_warnings;
#define WARN_ON(x) ({ bool warn_ = (x); if (unlikely(warn_)) zpci_stock_warnings++; unlikely(warn_); })
#define WARN_ON_ONCE(x)		WARN_ON(x)
#define WARN_ONCE(x, ...)	WARN_ON(x)

/* The storage that all that is measured allocates from. */
extern void *zpci_bench_allocate(size_t size);
extern void zpci_bench_deallocate(void *table, size_t size);
extern unsigned long zpci_bench_base;

#define phys_to_virt(p)		((void *)((p) + zpci_bench_base))
#define virt_to_phys(v)		((unsigned long)(v) - zpci_bench_base)
#define kmem_cache_alloc(c, gfp) ((void)(gfp), zpci_bench_allocate((c)->size))
#define kmem_cache_free(c, t)	zpci_bench_deallocate(t, (c)->size)

static inline void iommu_iotlb_gather_add_range(struct iommu_iotlb_gather *gather, unsigned long iova, size_t size)
{
	unsigned long end = iova + size - 1;

	if (gather->start > iova)
		gather->start = iova;
	if (gather->end < end)
		gather->end = end;
}

#endif
