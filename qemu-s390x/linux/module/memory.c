// SPDX-License-Identifier: GPL-2.0-only
/* What tables cost: who allocates, who gives back, and what if nobody can. */

#include <linux/delay.h>
#include <linux/mm.h>

#include "zpci_test.h"

/* One page in each page table, which spans a megabyte. */
#define STRIDE SZ_1M
#define TABLES 8192UL
#define SPREAD_IOVA BIT(40)

/* Pages that come and go without us. */
#define NOISE 512

static unsigned long free_pages_now(void)
{
	struct sysinfo info;

	/* Storage is given back after grace periods. */
	synchronize_rcu();
	msleep(100);
	si_meminfo(&info);
	return info.freeram;
}

static unsigned long taken(unsigned long before)
{
	unsigned long now = free_pages_now();

	return before > now ? before - now : 0;
}

/*
 * As above; waits up to 10 s for fewer than @enough. Behind a grace period a work
 * item frees what is much, which takes its time in a kernel that checks itself.
 */
static unsigned long left(unsigned long before, unsigned long enough)
{
	unsigned long pages;
	int i;

	for (i = 0; i < 100; i++) {
		pages = taken(before);
		if (pages < enough)
			break;
	}
	return pages;
}

/*
 * Tables that have become empty are given back while the domain lives. What
 * is unmapped spans them: only then does nobody else own a part of them.
 */
static void given_back(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	unsigned long before, mapped, unmapped, i;

	if (!domain)
		return;
	before = free_pages_now();
	for (i = 0; i < TABLES; i++)
		if (iommu_map(domain, SPREAD_IOVA + i * STRIDE, SZ_1M, STRIDE,
			      IOMMU_READ, GFP_KERNEL))
			break;
	expect(bench, i == TABLES, "map of table %lu", i);
	mapped = taken(before);
	while (i--)
		iommu_unmap(domain, SPREAD_IOVA + i * STRIDE, STRIDE);
	unmapped = left(before, mapped / 4 + NOISE);
	bench_note(bench, "%lu tables took %lu pages, and still %lu when empty",
		   TABLES, mapped, unmapped);
	expect(bench, unmapped < mapped / 4 + NOISE, "not given back");
	iommu_domain_free(domain);
	expect(bench, left(before, NOISE) < NOISE,
	       "not given back with the domain");
}

/* Unmapping what was never mapped needs no tables. */
static void unmap_takes_nothing(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	unsigned long before, after;

	if (!domain)
		return;
	before = free_pages_now();
	for (unsigned long i = 0; i < TABLES; i++)
		iommu_unmap(domain, SPREAD_IOVA + i * STRIDE, PAGE_SIZE);
	after = taken(before);
	bench_note(bench, "took %lu pages", after);
	expect(bench, after < NOISE, "unmap has allocated tables");
	iommu_domain_free(domain);
}

/*
 * Without any free storage, unmapping still works: what it says was not
 * unmapped is still mapped, so that nobody reuses what a device may reach.
 */
static void unmap_without_storage(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	unsigned long flags;
	LIST_HEAD(all);
	struct page *page, *next;
	size_t unmapped;

	if (!domain)
		return;
	expect(bench, !iommu_map(domain, SPREAD_IOVA, bench->pages[0],
				 PAGE_SIZE, IOMMU_READ, GFP_KERNEL), "map");
	/* On one processor nobody else can miss the storage meanwhile. */
	local_irq_save(flags);
	while ((page = alloc_page(GFP_ATOMIC | __GFP_NOWARN)))
		list_add(&page->lru, &all);
	unmapped = iommu_unmap(domain, SPREAD_IOVA, TABLES * STRIDE);
	list_for_each_entry_safe(page, next, &all, lru)
		__free_page(page);
	local_irq_restore(flags);
	bench_note(bench, "%zu pages were unmapped", unmapped / PAGE_SIZE);
	expect(bench, leads_to(domain, SPREAD_IOVA,
			       unmapped ? 0 : bench->pages[0]),
	       "the first page is invalid, but not reported as unmapped");
	iommu_domain_free(domain);
}

const struct zpci_test memory_tests[] = {
	{ "empty tables are given back", given_back },
	{ "unmap takes no storage", unmap_takes_nothing },
	{ "unmap without storage", unmap_without_storage },
	{ }
};
