// SPDX-License-Identifier: GPL-2.0-only
/* Functions come to domains and leave them. */

#include <linux/delay.h>

#include "zpci_test.h"

static int map(struct iommu_domain *domain, unsigned long iova,
	       phys_addr_t phys)
{
	return iommu_map(domain, iova, phys, PAGE_SIZE,
			 IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
}

/* Mappings made before and after the function came, and after it left. */
static void attach(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);

	if (!domain)
		return;
	expect(bench, !map(domain, TEST_IOVA, bench->pages[0]), "before");
	expect(bench, !bench_attach(domain, bench->first), "attach");
	expect(bench, !map(domain, TEST_IOVA + PAGE_SIZE, bench->pages[1]),
	       "while attached");
	expect(bench, iommu_unmap(domain, TEST_IOVA, PAGE_SIZE) == PAGE_SIZE,
	       "unmap while attached");
	bench_detach(domain, bench->first);
	expect(bench, leads_to(domain, TEST_IOVA + PAGE_SIZE, bench->pages[1]),
	       "after detach");
	iommu_unmap(domain, TEST_IOVA + PAGE_SIZE, PAGE_SIZE);
	iommu_domain_free(domain);
}

/* Two functions in one domain, which outlives the first of them. */
static void shared(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);

	if (!domain)
		return;
	expect(bench, !bench_attach(domain, bench->first), "attach first");
	expect(bench, !bench_attach(domain, bench->second), "attach second");
	expect(bench, !map(domain, TEST_IOVA, bench->pages[0]), "map for both");
	bench_detach(domain, bench->first);
	expect(bench, !map(domain, TEST_IOVA + PAGE_SIZE, bench->pages[1]),
	       "map for the second");
	expect(bench, iommu_unmap(domain, TEST_IOVA, 2 * PAGE_SIZE) ==
		      2 * PAGE_SIZE, "unmap");
	bench_detach(domain, bench->second);
	iommu_domain_free(domain);
}

/*
 * The function gets into the error state by a refresh outside its window, and
 * out of it by being disabled and enabled.
 */
static bool break_function(struct bench *bench, struct pci_dev *pdev)
{
	unsigned int cc;

	bench_refresh(pdev, 0, PAGE_SIZE);
	cc = bench_refresh(pdev, TEST_IOVA, PAGE_SIZE);
	expect(bench, cc == 1, "no error state, cc %u", cc);
	/* The kernel looks at it and leaves it, for it has no driver. */
	msleep(50);
	return cc == 1;
}

/*
 * Two functions need a refresh and one of them is in error: it does no DMA, so
 * the map of the other does not fail for it, in whatever order the kernel goes
 * through them.
 */
static void neighbour_in_error(struct bench *bench)
{
	struct pci_dev *orders[2][2] = {
		{ bench->first, bench->second },
		{ bench->second, bench->first },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(orders); i++) {
		struct iommu_domain *domain = bench_domain(bench, bench->first);

		if (!domain)
			return;
		expect(bench, !bench_attach(domain, orders[i][0]), "attach");
		expect(bench, !bench_attach(domain, orders[i][1]), "attach");
		if (break_function(bench, bench->first)) {
			int rc = map(domain, TEST_IOVA, bench->pages[0]);

			bench_note(bench, "order %u: map returns %d", i, rc);
			expect(bench, !rc, "a map fails for the neighbour");
			expect(bench, !rc == !!iommu_iova_to_phys(domain,
								  TEST_IOVA),
			       "mapped and refused");
		}
		bench_detach(domain, orders[i][0]);
		bench_detach(domain, orders[i][1]);
		bench_enable_again(bench, bench->first);
		iommu_domain_free(domain);
	}
}

/* Stores where the region above the usable addresses starts, or 0. */
static unsigned long upper_region(struct pci_dev *pdev)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);
	struct iommu_resv_region *region;
	unsigned long start = 0;
	LIST_HEAD(regions);

	if (!group)
		return 0;
	iommu_get_group_resv_regions(group, &regions);
	list_for_each_entry(region, &regions, list)
		if (region->start > TEST_IOVA)
			start = region->start;
	iommu_put_resv_regions(&pdev->dev, &regions);
	iommu_group_put(group);
	return start;
}

/* What may be mapped does not depend on what is attached. */
static void reserved_regions(struct bench *bench)
{
	struct iommu_group *group = iommu_group_get(&bench->first->dev);
	struct iommu_domain *domain;
	unsigned long before = upper_region(bench->first);

	expect(bench, before, "no region above the usable addresses");
	if (!group)
		return;
	/* Whoever owns the group finds it blocked. */
	if (iommu_group_claim_dma_owner(group, bench)) {
		bench_fail(bench, "the group is in use");
	} else {
		expect(bench, upper_region(bench->first) == before,
		       "while blocked it starts at %#lx, otherwise at %#lx",
		       upper_region(bench->first), before);
		domain = bench_domain(bench, bench->first);
		if (domain && !iommu_attach_group(domain, group)) {
			expect(bench, upper_region(bench->first) == before,
			       "in a domain it starts at %#lx",
			       upper_region(bench->first));
			iommu_detach_group(domain, group);
		}
		if (domain)
			iommu_domain_free(domain);
		iommu_group_release_dma_owner(group);
	}
	iommu_group_put(group);
}

const struct zpci_test attachment_tests[] = {
	{ "attach and detach", attach },
	{ "two functions", shared },
	{ "neighbour of a function in error", neighbour_in_error },
	{ "reserved regions", reserved_regions },
	{ }
};
