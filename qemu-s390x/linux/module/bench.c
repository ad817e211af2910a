// SPDX-License-Identifier: GPL-2.0-only

#include "reenable.h"
#include "zpci_test.h"

void bench_note(struct bench *bench, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	seq_vprintf(bench->out, format, arguments);
	va_end(arguments);
	seq_putc(bench->out, '\n');
}

void bench_fail(struct bench *bench, const char *format, ...)
{
	va_list arguments;

	bench->failed = true;
	va_start(arguments, format);
	seq_vprintf(bench->out, format, arguments);
	va_end(arguments);
	seq_putc(bench->out, '\n');
}

struct iommu_domain *bench_domain(struct bench *bench, struct pci_dev *pdev)
{
	struct iommu_domain *domain = iommu_paging_domain_alloc(&pdev->dev);

	if (!IS_ERR(domain))
		return domain;
	bench_fail(bench, "no domain: %ld", PTR_ERR(domain));
	return NULL;
}

int bench_attach(struct iommu_domain *domain, struct pci_dev *pdev)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);
	int rc;

	if (!group)
		return -ENODEV;
	rc = iommu_attach_group(domain, group);
	iommu_group_put(group);
	return rc;
}

void bench_detach(struct iommu_domain *domain, struct pci_dev *pdev)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);

	if (!group)
		return;
	iommu_detach_group(domain, group);
	iommu_group_put(group);
}

void bench_enable_again(struct bench *bench, struct pci_dev *pdev)
{
	struct zpci_dev *zdev = to_zpci(pdev);
	int rc;

	mutex_lock(&zdev->state_lock);
	rc = zpci_disable_device(zdev);
	if (!rc)
		rc = zpci_reenable_device(zdev);
	mutex_unlock(&zdev->state_lock);
	pdev->error_state = pci_channel_io_normal;
	expect(bench, !rc, "the function cannot be enabled again: %d", rc);
}

unsigned int bench_refresh(struct pci_dev *pdev, u64 address, u64 length)
{
	union register_pair range = { .even = address, .odd = length };
	u64 handle = (u64)to_zpci(pdev)->fh << 32;
	unsigned int program_mask;

	asm volatile("	.insn	rre,0xb9d30000,%[handle],%[range]\n"
		     "	ipm	%[mask]\n"
		     : [handle] "+d" (handle), [mask] "=d" (program_mask)
		     : [range] "d" (range.pair)
		     : "cc", "memory");
	return program_mask >> 28;
}
