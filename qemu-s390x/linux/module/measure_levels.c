// SPDX-License-Identifier: GPL-2.0-only
/*
 * Five levels of tables beside three. Needs s390_iommu_aperture=0, and what
 * root.c says of formats and of QEMU's functions.
 */

#include "measure.h"

#define HALF_SEGMENT (SZ_1M / 2)

static void count(struct bench *bench, struct iommu_domain *domain,
		  unsigned int levels, unsigned long iova)
{
	static const size_t pages[] = { 1, 256 };
	unsigned long map = 0, unmap = 0, translate;
	phys_addr_t phys = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		for (unsigned int run = 0; run < 2; run++) {
			map = measure_map(bench, domain, iova + HALF_SEGMENT,
					  pages[i]);
			unmap = measure_unmap(bench, domain,
					      iova + HALF_SEGMENT, pages[i]);
		}
		measure_note(bench, pages[i], map, "instructions",
			     "%u levels, map %zu", levels, pages[i]);
		measure_note(bench, pages[i], unmap, "instructions",
			     "%u levels, unmap %zu", levels, pages[i]);
	}
	measure_map(bench, domain, iova, 1);
	translate = instructions(phys = iommu_iova_to_phys(domain, iova));
	expect(bench, phys == MEASURE_STORAGE, "translation");
	measure_note(bench, 1, translate, "instructions",
		     "%u levels, iova_to_phys", levels);
}

static void three(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);

	if (!domain)
		return;
	count(bench, domain, 3, TEST_IOVA);
	iommu_domain_free(domain);
}

static void five(struct bench *bench)
{
	struct iommu_domain *domain = bench_region_first_domain(bench);

	if (!domain)
		return;
	count(bench, domain, 5, 0x1234567800000000UL);
	iommu_domain_free(domain);
}

const struct zpci_test measure_levels_tests[] = {
	{ "three", three },
	{ "five", five },
	{ }
};
