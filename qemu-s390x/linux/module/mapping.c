// SPDX-License-Identifier: GPL-2.0-only
/* Mapping and unmapping in a domain that no function is attached to. */

#include <linux/panic.h>

#include "zpci_test.h"

static int map(struct iommu_domain *domain, unsigned long iova,
	       phys_addr_t phys, size_t size)
{
	return iommu_map(domain, iova, phys, size, IOMMU_READ | IOMMU_WRITE,
			 GFP_KERNEL);
}

static void unmap_twice(struct bench *bench, struct iommu_domain *domain)
{
	expect(bench, !map(domain, TEST_IOVA, bench->pages[0], PAGE_SIZE),
	       "map");
	iommu_unmap(domain, TEST_IOVA, PAGE_SIZE);
	expect(bench, !test_taint(TAINT_WARN), "a warning of one unmap");
	iommu_unmap(domain, TEST_IOVA, PAGE_SIZE);
}

/*
 * A driver that unmaps twice may take away what was mapped for somebody else in
 * between, so the kernel warns. It does so once, and nothing has warned before.
 * User space may bring it about in a domain of its own, and is not to stop a
 * kernel that panics at a warning.
 */
static void twice(struct bench *bench)
{
	struct device *dev = &bench->first->dev;
	struct iommu_domain *domain = bench_domain(bench, bench->first);

	if (!domain)
		return;
	unmap_twice(bench, domain);
	expect(bench, !test_taint(TAINT_WARN), "a warning for user space");
	iommu_domain_free(domain);
	/* That of the DMA API, which no driver uses now. */
	domain = iommu_get_domain_for_dev(dev);
	if (!domain || !(domain->type & __IOMMU_DOMAIN_DMA_API)) {
		bench_fail(bench, "no domain of the DMA API");
		return;
	}
	unmap_twice(bench, domain);
	expect(bench, test_taint(TAINT_WARN), "no warning of the second");
}

/* An address is translated to the byte, not to the page around it. */
static void bytes(struct bench *bench)
{
	static const unsigned int offsets[] = { 0, 1, 8, 2048, 4095 };
	struct iommu_domain *domain = bench_domain(bench, bench->first);

	if (!domain)
		return;
	expect(bench, !map(domain, TEST_IOVA, bench->pages[0], PAGE_SIZE),
	       "map");
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		phys_addr_t phys = iommu_iova_to_phys(domain,
						      TEST_IOVA + offsets[i]);

		expect(bench, phys == bench->pages[0] + offsets[i],
		       "offset %u leads to offset %lld", offsets[i],
		       (long long)phys - (long long)bench->pages[0]);
	}
	expect(bench, !iommu_iova_to_phys(domain, TEST_IOVA - 1),
	       "the byte before is mapped");
	expect(bench, !iommu_iova_to_phys(domain, TEST_IOVA + PAGE_SIZE),
	       "the byte behind is mapped");
	iommu_unmap(domain, TEST_IOVA, PAGE_SIZE);
	expect(bench, !iommu_iova_to_phys(domain, TEST_IOVA),
	       "still mapped after unmap");
	iommu_domain_free(domain);
}

/* What is mapped stays mapped as it is; the second one gets an error. */
static void over_live_entry(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	int rc;

	if (!domain)
		return;
	expect(bench, !map(domain, TEST_IOVA, bench->pages[0], PAGE_SIZE),
	       "map");
	rc = map(domain, TEST_IOVA, bench->pages[1], PAGE_SIZE);
	expect(bench, rc, "a second mapping of the same address was accepted");
	expect(bench, leads_to(domain, TEST_IOVA, bench->pages[0]),
	       "the first mapping was overwritten");
	iommu_unmap(domain, TEST_IOVA, PAGE_SIZE);
	iommu_domain_free(domain);
}

/* A range that runs into a mapping leaves nothing behind in front of it. */
static void all_or_nothing(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	int rc;

	if (!domain)
		return;
	expect(bench, !map(domain, TEST_IOVA + 3 * PAGE_SIZE, bench->pages[0],
			   PAGE_SIZE), "map");
	rc = map(domain, TEST_IOVA, bench->pages[1], 4 * PAGE_SIZE);
	expect(bench, rc, "a range over a mapping was accepted");
	for (unsigned int i = 0; i < 3; i++)
		expect(bench,
		       !iommu_iova_to_phys(domain, TEST_IOVA + i * PAGE_SIZE),
		       "page %u was left mapped", i);
	expect(bench, leads_to(domain, TEST_IOVA + 3 * PAGE_SIZE,
			       bench->pages[0]), "the mapping was overwritten");
	iommu_unmap(domain, TEST_IOVA + 3 * PAGE_SIZE, PAGE_SIZE);
	iommu_domain_free(domain);
}

/*
 * What is reported as unmapped is unmapped, and the rest is as it was, also
 * with a hole in the middle.
 */
static void hole(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	size_t unmapped;

	if (!domain)
		return;
	for (unsigned int i = 0; i < 4; i++)
		if (i != 2)
			expect(bench, !map(domain, TEST_IOVA + i * PAGE_SIZE,
					   bench->pages[0], PAGE_SIZE), "map");
	unmapped = iommu_unmap(domain, TEST_IOVA, 4 * PAGE_SIZE);
	bench_note(bench, "%zu of 4 pages were unmapped",
		   unmapped / PAGE_SIZE);
	for (unsigned int i = 0; i < 4; i++) {
		phys_addr_t expected =
			i < unmapped / PAGE_SIZE || i == 2 ? 0 :
							     bench->pages[0];

		expect(bench, leads_to(domain, TEST_IOVA + i * PAGE_SIZE,
				       expected), "page %u", i);
	}
	iommu_unmap(domain, TEST_IOVA + 3 * PAGE_SIZE, PAGE_SIZE);
	iommu_domain_free(domain);
}

/* Sizes around those of page, segment and region tables. */
static void sizes(struct bench *bench)
{
	static const size_t pages[] = { 1, 2, 255, 256, 257, 511, 512, 513,
					2048, 65536 };
	struct iommu_domain *domain = bench_domain(bench, bench->first);

	if (!domain)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		/* Ends just behind a border of all tables. */
		unsigned long start = 0x180000000UL - pages[i] / 2 * PAGE_SIZE;
		size_t size = pages[i] * PAGE_SIZE;

		/* Nothing reads these addresses: no function is attached. */
		if (map(domain, start, SZ_1G, size)) {
			bench_fail(bench, "map of %zu pages", pages[i]);
			break;
		}
		for (size_t page = 0; page < pages[i]; page += 1 + page / 16)
			expect(bench, leads_to(domain, start + page * PAGE_SIZE,
					       SZ_1G + page * PAGE_SIZE),
			       "page %zu of %zu", page, pages[i]);
		expect(bench, !iommu_iova_to_phys(domain, start - 1),
		       "before %zu pages", pages[i]);
		expect(bench, !iommu_iova_to_phys(domain, start + size),
		       "behind %zu pages", pages[i]);
		expect(bench, iommu_unmap(domain, start, size) == size,
		       "unmap of %zu pages", pages[i]);
		for (size_t page = 0; page < pages[i]; page += 1 + page / 16)
			expect(bench,
			       !iommu_iova_to_phys(domain,
						   start + page * PAGE_SIZE),
			       "page %zu of %zu after unmap", page, pages[i]);
	}
	iommu_domain_free(domain);
}

const struct zpci_test mapping_tests[] = {
	{ "unmap twice", twice },
	{ "translate to the byte", bytes },
	{ "map over a live entry", over_live_entry },
	{ "map all or nothing", all_or_nothing },
	{ "unmap with a hole", hole },
	{ "sizes", sizes },
	{ }
};
