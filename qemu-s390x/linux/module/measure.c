// SPDX-License-Identifier: GPL-2.0-only
/* What mapping, unmapping and translating cost through the IOMMU core. */

#include <linux/scatterlist.h>

#include "measure.h"

void measure_note(struct bench *bench, unsigned long each, unsigned long count,
		  const char *unit, const char *format, ...)
{
	va_list arguments;

	seq_puts(bench->out, "zpci-measurement: {\"what\":\"");
	va_start(arguments, format);
	seq_vprintf(bench->out, format, arguments);
	va_end(arguments);
	seq_printf(bench->out, "\",\"each\":%lu,\"count\":%lu,\"unit\":\"%s\"}\n",
		   each, count, unit);
}

unsigned long measure_map(struct bench *bench, struct iommu_domain *domain,
			  unsigned long iova, size_t pages)
{
	unsigned long count;
	int rc;

	count = instructions(rc = iommu_map(domain, iova, MEASURE_STORAGE,
					    pages * PAGE_SIZE,
					    IOMMU_READ | IOMMU_WRITE,
					    GFP_ATOMIC));
	expect(bench, !rc, "map of %zu pages: %d", pages, rc);
	return count;
}

unsigned long measure_unmap(struct bench *bench, struct iommu_domain *domain,
			    unsigned long iova, size_t pages)
{
	unsigned long count;
	size_t size;

	count = instructions(size = iommu_unmap(domain, iova,
						pages * PAGE_SIZE));
	expect(bench, size == pages * PAGE_SIZE, "unmap of %zu pages", pages);
	return count;
}

/* Maps and unmaps twice: without tables, and with those that are left. */
static void twice(struct bench *bench, struct iommu_domain *domain,
		  const char *what, unsigned long iova, size_t pages)
{
	unsigned long map[2], unmap[2];

	for (unsigned int i = 0; i < 2; i++) {
		map[i] = measure_map(bench, domain, iova, pages);
		unmap[i] = measure_unmap(bench, domain, iova, pages);
	}
	measure_note(bench, pages, map[0], "instructions",
		     "map %s, no tables", what);
	measure_note(bench, pages, map[1], "instructions", "map %s", what);
	measure_note(bench, pages, unmap[1], "instructions", "unmap %s", what);
}

/* What is mapped in one call, and where: `offset` bytes behind TEST_IOVA. */
static const struct {
	const char *name;
	size_t pages;
	unsigned long offset;
} shapes[] = {
	{ "1 page", 1, 0 },	   { "8 pages", 8, 0 },
	{ "16 pages", 16, 0 },	   { "64 pages", 64, 0 },
	{ "256 pages", 256, 0 },
	/* Neither table becomes empty, so both stay. */
	{ "256 pages in two tables", 256, SZ_1M / 2 },
	{ "512 pages", 512, 0 },   { "2048 pages", 2048, 0 },
};

static void all_shapes(struct bench *bench, bool attached)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct iommu_domain *domain = bench_domain(bench, bench->first);
		char what[64];

		if (!domain)
			return;
		snprintf(what, sizeof(what), "%s%s", shapes[i].name,
			 attached ? ", attached" : "");
		if (attached)
			expect(bench, !bench_attach(domain, bench->first),
			       "attach");
		twice(bench, domain, what, TEST_IOVA + shapes[i].offset,
		      shapes[i].pages);
		if (attached)
			bench_detach(domain, bench->first);
		iommu_domain_free(domain);
	}
}

static void unattached(struct bench *bench)
{
	all_shapes(bench, false);
}

static void attached(struct bench *bench)
{
	all_shapes(bench, true);
}

static void translate(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	unsigned long mapped, not_mapped;
	phys_addr_t phys = 0, nothing = 0;

	if (!domain)
		return;
	measure_map(bench, domain, TEST_IOVA, 1);
	mapped = instructions(phys = iommu_iova_to_phys(domain, TEST_IOVA));
	not_mapped = instructions(nothing = iommu_iova_to_phys(domain,
							       TEST_IOVA +
							       PAGE_SIZE));
	expect(bench, phys == MEASURE_STORAGE && !nothing, "translation");
	measure_note(bench, 1, mapped, "instructions", "iova_to_phys");
	measure_note(bench, 1, not_mapped, "instructions",
		     "iova_to_phys, not mapped");
	iommu_domain_free(domain);
}

/* One page again and again never makes a run of consecutive storage. */
static void scatter_list(struct bench *bench, size_t segments, size_t pages)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	struct page *page = phys_to_page(bench->pages[0]);
	ssize_t size = segments * pages * PAGE_SIZE, mapped = 0;
	struct scatterlist *segment;
	unsigned long map = 0, unmap = 0;
	struct sg_table list;
	unsigned int i;

	if (!domain)
		return;
	if (sg_alloc_table(&list, segments, GFP_KERNEL)) {
		bench_fail(bench, "no scatter list");
		iommu_domain_free(domain);
		return;
	}
	for_each_sgtable_sg(&list, segment, i)
		sg_set_page(segment, page, pages * PAGE_SIZE, 0);
	for (i = 0; i < 2; i++) {
		map = instructions(mapped = iommu_map_sg(domain, TEST_IOVA,
							 list.sgl, segments,
							 IOMMU_READ,
							 GFP_ATOMIC));
		expect(bench, mapped == size, "map_sg: %zd", mapped);
		unmap = measure_unmap(bench, domain, TEST_IOVA,
				      segments * pages);
	}
	measure_note(bench, segments * pages, map, "instructions",
		     "map_sg %zu times %zu pages", segments, pages);
	measure_note(bench, segments * pages, unmap, "instructions",
		     "unmap %zu times %zu pages", segments, pages);
	sg_free_table(&list);
	iommu_domain_free(domain);
}

static void scatter_lists(struct bench *bench)
{
	scatter_list(bench, 16, 1);
	scatter_list(bench, 64, 1);
	scatter_list(bench, 16, 16);
	scatter_list(bench, 64, 16);
}

const struct zpci_test measure_tests[] = {
	{ "unattached", unattached },
	{ "attached", attached },
	{ "translate", translate },
	{ "scatter lists", scatter_lists },
	{ }
};
