// SPDX-License-Identifier: GPL-2.0-only
/* What a function can do with, as CLP says it. */

#include <linux/debugfs.h>

#include "zpci_test.h"

/* Last usable DMA address of QEMU's functions, as CLP gives it. */
#define CLP_LAST 0x1ffffffffffffffUL

/* A group whose functions walk region-second tables only */
#define REGION_SECOND_ONLY 0x20

static unsigned long clp_last(struct pci_dev *pdev)
{
	return to_zpci(pdev)->end_dma;
}

/* A domain does not change what CLP said. */
static void clp_is_kept(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);

	if (!domain)
		return;
	expect(bench, clp_last(bench->first) == CLP_LAST,
	       "the last address of the function has become %#lx",
	       clp_last(bench->first));
	iommu_domain_free(domain);
}

/* A function that cannot do with the tables of the domain is refused. */
static void unsuitable_is_refused(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	struct zpci_dev *zdev = to_zpci(bench->second);
	u8 formats = zdev->dtsm;
	int rc;

	if (!domain)
		return;
	zdev->dtsm = REGION_SECOND_ONLY;
	rc = bench_attach(domain, bench->second);
	zdev->dtsm = formats;
	bench_note(bench, "attach returns %d", rc);
	expect(bench, rc == -EINVAL, "not refused");
	if (!rc)
		bench_detach(domain, bench->second);
	/* Nothing is left of the attempt. */
	expect(bench, !bench_attach(domain, bench->second),
	       "refused afterwards, too");
	bench_detach(domain, bench->second);
	iommu_domain_free(domain);
}

/*
 * Whether the second function says that it has no tables but region-second
 * ones. QEMU's functions cannot be registered with these; so meanwhile it also
 * says that it is disabled, and nothing is registered.
 */
static int lacking_set(void *data, u64 lacking)
{
	static u32 handle;
	static u8 formats;
	struct zpci_dev *zdev = to_zpci(((struct bench *)data)->second);

	if (!!lacking == !!handle)
		return 0;
	if (lacking) {
		formats = zdev->dtsm;
		handle = zdev->fh;
		zdev->dtsm = REGION_SECOND_ONLY;
		WRITE_ONCE(zdev->fh, handle & ~BIT(31));
	} else {
		zdev->dtsm = formats;
		WRITE_ONCE(zdev->fh, handle);
		handle = 0;
	}
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(lacking_fops, NULL, lacking_set, "%llu\n");

void format_switch(struct bench *bench, struct dentry *directory)
{
	debugfs_create_file("lacking", 0200, directory, bench, &lacking_fops);
}

const struct zpci_test format_tests[] = {
	{ "what CLP said is kept", clp_is_kept },
	{ "unsuitable format is refused", unsuitable_is_refused },
	{ }
};
