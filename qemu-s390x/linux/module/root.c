// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables with more levels than QEMU's functions know: their formats are put
 * into the kernel's own notes of what CLP said, and no function is attached.
 * Needs s390_iommu_aperture=0, without which domains are small.
 */

#include "zpci_test.h"

/* Designation types in the mask of a function group: 0x80 >> type. */
#define REGION_THIRD 0x40
#define REGION_SECOND 0x20
#define REGION_FIRST 0x10
/* The bits that Linux 7.2 tests for the latter two instead. */
#define LINUX_REGION_SECOND 0x08
#define LINUX_REGION_FIRST 0x04

#define WITH_REGION_SECOND (REGION_THIRD | REGION_SECOND | LINUX_REGION_SECOND)
#define WITH_REGION_FIRST (WITH_REGION_SECOND | REGION_FIRST | LINUX_REGION_FIRST)

/* A domain whose root is the highest of `formats`. */
static struct iommu_domain *high_domain(struct bench *bench, u8 formats)
{
	struct zpci_dev *zdev = to_zpci(bench->first);
	unsigned long last = zdev->end_dma;
	u8 kept = zdev->dtsm;
	struct iommu_domain *domain;

	zdev->dtsm = formats;
	zdev->end_dma = U64_MAX;
	domain = bench_domain(bench, bench->first);
	zdev->dtsm = kept;
	zdev->end_dma = last;
	return domain;
}

struct iommu_domain *bench_region_first_domain(struct bench *bench)
{
	return high_domain(bench, WITH_REGION_FIRST);
}

static void high_addresses(struct bench *bench, u8 formats,
			   const unsigned long *iovas, size_t count)
{
	struct iommu_domain *domain = high_domain(bench, formats);

	if (!domain)
		return;
	for (size_t i = 0; i < count; i++)
		expect(bench, !iommu_map(domain, iovas[i],
					 bench->pages[i % 2], PAGE_SIZE,
					 IOMMU_READ, GFP_KERNEL),
		       "map at %#lx", iovas[i]);
	for (size_t i = 0; i < count; i++) {
		expect(bench, leads_to(domain, iovas[i], bench->pages[i % 2]),
		       "%#lx", iovas[i]);
		expect(bench, !iommu_iova_to_phys(domain, iovas[i] ^ PAGE_SIZE),
		       "the neighbour of %#lx is mapped", iovas[i]);
	}
	for (size_t i = 0; i < count; i++) {
		expect(bench, iommu_unmap(domain, iovas[i], PAGE_SIZE) ==
			      PAGE_SIZE, "unmap at %#lx", iovas[i]);
		expect(bench, !iommu_iova_to_phys(domain, iovas[i]),
		       "%#lx after unmap", iovas[i]);
	}
	iommu_domain_free(domain);
}

static void region_second(struct bench *bench)
{
	static const unsigned long iovas[] = {
		1UL << 42, (1UL << 43) - 2 * PAGE_SIZE, 0x10012345678000UL,
		(1UL << 53) - PAGE_SIZE,
	};

	high_addresses(bench, WITH_REGION_SECOND, iovas, ARRAY_SIZE(iovas));
}

static void region_first(struct bench *bench)
{
	static const unsigned long iovas[] = {
		1UL << 42, 1UL << 53, 0x123456789abcd000UL, -2 * PAGE_SIZE,
	};

	high_addresses(bench, WITH_REGION_FIRST, iovas, ARRAY_SIZE(iovas));
}

const struct zpci_test root_tests[] = {
	{ "region-second", region_second },
	{ "region-first", region_first },
	{ }
};
