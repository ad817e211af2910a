// SPDX-License-Identifier: GPL-2.0-only
/* Several processors in the same tables at the same time. */

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>

#include "zpci_test.h"

#define WORKERS 4
/* All of them fit into one page table; neighbours belong to others. */
#define PAGES 48

struct worker {
	struct iommu_domain *domain;
	phys_addr_t phys;
	unsigned int number;
	unsigned long end, rounds, errors;
	struct completion done;
};

/* Its pages are those whose number leaves its own when divided. */
static unsigned long iova(const struct worker *worker, unsigned int page)
{
	return TEST_IOVA + (page * WORKERS + worker->number) * PAGE_SIZE;
}

static int work(void *data)
{
	struct worker *worker = data;

	do {
		for (unsigned int page = 0; page < PAGES; page++)
			if (iommu_map(worker->domain, iova(worker, page),
				      worker->phys, PAGE_SIZE, IOMMU_READ,
				      GFP_KERNEL))
				worker->errors++;
		for (unsigned int page = 0; page < PAGES; page++)
			if (!leads_to(worker->domain, iova(worker, page),
				      worker->phys))
				worker->errors++;
		for (unsigned int page = 0; page < PAGES; page++)
			if (iommu_unmap(worker->domain, iova(worker, page),
					PAGE_SIZE) != PAGE_SIZE)
				worker->errors++;
		for (unsigned int page = 0; page < PAGES; page++)
			if (!leads_to(worker->domain, iova(worker, page), 0))
				worker->errors++;
		worker->rounds++;
		cond_resched();
	} while (time_before(jiffies, worker->end));
	complete(&worker->done);
	return 0;
}

static void run_workers(struct bench *bench, struct iommu_domain *domain)
{
	struct worker workers[WORKERS];
	unsigned long end = jiffies + HZ;

	for (unsigned int i = 0; i < WORKERS; i++) {
		struct task_struct *task;

		workers[i] = (struct worker){ .domain = domain, .number = i,
					      .phys = bench->pages[i % 2],
					      .end = end };
		init_completion(&workers[i].done);
		task = kthread_run(work, &workers[i], "zpci_test/%u", i);
		if (IS_ERR(task)) {
			bench_fail(bench, "no thread");
			complete(&workers[i].done);
		}
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		wait_for_completion(&workers[i].done);
		bench_note(bench, "worker %u: %lu rounds", i,
			   workers[i].rounds);
		expect(bench, !workers[i].errors, "worker %u: %lu errors", i,
		       workers[i].errors);
	}
}

/* Pages of one table come and go, and the table with them. */
static void same_table(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);

	if (!domain)
		return;
	run_workers(bench, domain);
	iommu_domain_free(domain);
}

static void same_table_attached(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);

	if (!domain)
		return;
	expect(bench, !bench_attach(domain, bench->first), "attach");
	expect(bench, !bench_attach(domain, bench->second), "attach");
	run_workers(bench, domain);
	bench_detach(domain, bench->first);
	bench_detach(domain, bench->second);
	iommu_domain_free(domain);
}

const struct zpci_test race_tests[] = {
	{ "four threads in one table", same_table },
	{ "four threads in one table of two functions", same_table_attached },
	{ }
};
