// SPDX-License-Identifier: GPL-2.0-only
/* What whole domains cost: large ones, their storage, and their end. */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include "measure.h"

/* An interrupt in between makes one of several runs longer. */
#define RUNS 5

/*
 * What runs after a grace period: between two callbacks of our own, and in the
 * work items that callbacks in between have queued.
 */
struct deferred {
	struct rcu_head before, after;
	unsigned long start;
	struct completion done;
};

static void deferred_before(struct rcu_head *head)
{
	container_of(head, struct deferred, before)->start =
		get_tod_clock_fast();
}

static void deferred_after(struct rcu_head *head)
{
	complete(&container_of(head, struct deferred, after)->done);
}

/* Callbacks of one processor run in the order in which they were queued. */
static void deferred_start(struct deferred *deferred)
{
	init_completion(&deferred->done);
	rcu_barrier();
	call_rcu(&deferred->before, deferred_before);
}

/* With the way back to us, which is what "nothing" takes. */
static unsigned long deferred_finish(struct deferred *deferred)
{
	/* A variable, since the compiler warns of flushing a shared one. */
	struct workqueue_struct *queue = READ_ONCE(system_dfl_wq);

	call_rcu(&deferred->after, deferred_after);
	wait_for_completion(&deferred->done);
	flush_workqueue(queue);
	return instructions_of(get_tod_clock_fast() - deferred->start);
}

/*
 * Pages that slab caches have: each processor notes changes for itself, and
 * adds them to the whole every second. Free pages would tell less, since freed
 * ones wait for the next user in lists of their own.
 */
static long slab_pages_now(void)
{
	rcu_barrier();
	msleep(2 * MSEC_PER_SEC);
	return global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B);
}

/* Pages, not instructions: what the tables of a domain take. */
static void memory(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	long before, mapped, unmapped, freed;

	if (!domain)
		return;
	before = slab_pages_now();
	measure_map(bench, domain, GIGABYTE_IOVA, GIGABYTE_PAGES);
	mapped = slab_pages_now();
	measure_unmap(bench, domain, GIGABYTE_IOVA, GIGABYTE_PAGES);
	unmapped = slab_pages_now();
	iommu_domain_free(domain);
	freed = slab_pages_now();
	measure_note(bench, 1, max(mapped - before, 0L), "pages",
		     "table memory, 1 GiB mapped");
	measure_note(bench, 1, max(unmapped - before, 0L), "pages",
		     "table memory, unmapped");
	measure_note(bench, 1, max(freed - before, 0L), "pages",
		     "table memory, domain freed");
}

static void gigabyte(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	unsigned long map[2], unmap[2], freed = ULONG_MAX;

	if (!domain)
		return;
	for (unsigned int i = 0; i < 2; i++) {
		struct deferred deferred;

		map[i] = measure_map(bench, domain, GIGABYTE_IOVA,
				     GIGABYTE_PAGES);
		deferred_start(&deferred);
		unmap[i] = measure_unmap(bench, domain, GIGABYTE_IOVA,
					 GIGABYTE_PAGES);
		freed = min(freed, deferred_finish(&deferred));
	}
	measure_note(bench, GIGABYTE_PAGES, map[0], "instructions",
		     "map 1 GiB, no tables");
	measure_note(bench, GIGABYTE_PAGES, map[1], "instructions",
		     "map 1 GiB again");
	measure_note(bench, GIGABYTE_PAGES, unmap[1], "instructions",
		     "unmap 1 GiB");
	measure_note(bench, GIGABYTE_PAGES, freed, "instructions",
		     "unmap 1 GiB, after a grace period");
	iommu_domain_free(domain);
}

/* The call and what it leaves for later; `pages` are mapped meanwhile. */
static unsigned long free_of(struct bench *bench, size_t pages)
{
	unsigned long least = ULONG_MAX;

	for (unsigned int i = 0; i < RUNS; i++) {
		struct iommu_domain *domain = bench_domain(bench, bench->first);
		struct deferred deferred;
		unsigned long count;

		if (!domain)
			return 0;
		if (pages)
			measure_map(bench, domain, GIGABYTE_IOVA, pages);
		deferred_start(&deferred);
		count = instructions(iommu_domain_free(domain));
		least = min(least, count + deferred_finish(&deferred));
	}
	return least;
}

static void free_domain(struct bench *bench)
{
	unsigned long nothing = ULONG_MAX;

	for (unsigned int i = 0; i < RUNS; i++) {
		struct deferred deferred;

		deferred_start(&deferred);
		nothing = min(nothing, deferred_finish(&deferred));
	}
	measure_note(bench, 1, nothing, "instructions",
		     "nothing, after a grace period");
	measure_note(bench, 1, free_of(bench, 0), "instructions",
		     "free an empty domain");
	measure_note(bench, 1, free_of(bench, 1), "instructions",
		     "free a domain with 1 page mapped");
	measure_note(bench, GIGABYTE_PAGES, free_of(bench, GIGABYTE_PAGES),
		     "instructions", "free a domain with 1 GiB mapped");
}

/* Both take locks, so interrupts stay on, and the least of several counts. */
static void attach(struct bench *bench)
{
	unsigned long attach = ULONG_MAX, detach = ULONG_MAX;

	for (unsigned int i = 0; i < RUNS; i++) {
		struct iommu_domain *domain = bench_domain(bench, bench->first);
		unsigned long start, middle, between, end;
		int rc;

		if (!domain)
			return;
		start = get_tod_clock_fast();
		rc = bench_attach(domain, bench->first);
		middle = get_tod_clock_fast();
		expect(bench, !rc, "attach: %d", rc);
		between = get_tod_clock_fast();
		bench_detach(domain, bench->first);
		end = get_tod_clock_fast();
		attach = min(attach, instructions_of(middle - start));
		detach = min(detach, instructions_of(end - between));
		iommu_domain_free(domain);
	}
	measure_note(bench, 1, attach, "instructions", "attach");
	measure_note(bench, 1, detach, "instructions", "detach");
}

const struct zpci_test measure_domain_tests[] = {
	{ "attach", attach },
	{ "gigabyte", gigabyte },
	{ "free", free_domain },
	{ "memory", memory },
	{ }
};
