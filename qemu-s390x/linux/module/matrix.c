// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which functions may share a domain, over what CLP may say of their formats and
 * windows, in both orders. What it says is put into the kernel's own notes, and
 * the host accepts in place of QEMU whatever is registered. The apertures are a
 * kernel parameter, s390_iommu_aperture=.
 */

#include "zpci_test.h"

static const u8 formats[] = { 0x40, 0x60, 0x70, 0x4c };

/* Last addresses: half a gigabyte, QEMU's, all. */
static const u64 windows[] = { 0x11fffffff, 0x1ffffffffffffff, U64_MAX };

#define KINDS (ARRAY_SIZE(formats) * ARRAY_SIZE(windows))

struct said {
	u8 dtsm;
	u64 last;
};

/* Says `said` of the function, and what was said before in its place. */
static void say(struct pci_dev *pdev, struct said *said)
{
	struct zpci_dev *zdev = to_zpci(pdev);
	struct said before = { zdev->dtsm, zdev->end_dma };

	zdev->dtsm = said->dtsm;
	zdev->end_dma = said->last;
	*said = before;
}

static struct said kind(size_t number)
{
	return (struct said){ formats[number / ARRAY_SIZE(windows)],
			      windows[number % ARRAY_SIZE(windows)] };
}

/* The bit of a format mask for the root of a domain, by what it spans. */
static u8 root(const struct iommu_domain *domain)
{
	u64 last = domain->geometry.aperture_end;

	return last < BIT_ULL(42) ? 0x40 : last < BIT_ULL(53) ? 0x20 : 0x10;
}

struct counts {
	unsigned int accepted, refused, wrong;
};

/* A domain for the first function, to which both come, in one order or the other. */
static void both(struct bench *bench, size_t number, bool reversed,
		 struct counts *counts)
{
	struct said first = kind(number / KINDS), second = kind(number % KINDS);
	u8 dtsm = second.dtsm;
	struct iommu_domain *domain;
	int own = 0, other;

	say(bench->first, &first);
	say(bench->second, &second);
	domain = bench_domain(bench, bench->first);
	if (domain && !reversed)
		own = bench_attach(domain, bench->first);
	other = domain ? bench_attach(domain, bench->second) : -ENOMEM;
	if (domain && reversed)
		own = bench_attach(domain, bench->first);
	say(bench->first, &first);
	say(bench->second, &second);
	counts->accepted += !own + !other;
	counts->refused += !!own + !!other;
	counts->wrong += own || (!other != (domain && dtsm & root(domain)));
	if (other)
		bench_note(bench, "%zu.%zu%s", number / KINDS, number % KINDS,
			   reversed ? "r" : "");
	if (own)
		bench_fail(bench, "%zu refuses its own function", number / KINDS);
	if (!domain)
		return;
	if (!own)
		bench_detach(domain, bench->first);
	if (!other)
		bench_detach(domain, bench->second);
	iommu_domain_free(domain);
}

/* The note of a refused pair has the numbers of its kinds. */
static void pairs(struct bench *bench)
{
	struct counts counts = { };

	for (size_t i = 0; i < KINDS * KINDS; i++) {
		both(bench, i, false, &counts);
		both(bench, i, true, &counts);
		/* A debugger that answers is slow, and RCU has one processor. */
		cond_resched();
	}
	bench_note(bench, "%u attaches accepted, %u refused", counts.accepted,
		   counts.refused);
	expect(bench, !counts.wrong,
	       "%u not as the function takes the root of the domain",
	       counts.wrong);
}

/* With s390_iommu_aperture=0, that is with roots above region-third: a group of its own. */
const struct zpci_test matrix_all_tests[] = {
	{ "pairs", pairs },
	{ }
};

const struct zpci_test matrix_tests[] = {
	{ "pairs", pairs },
	{ }
};
