// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions come to domains and leave them: registration of translation.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <asm/pci_dma.h>

#include "compat.h"
#include "zpci_domain.h"
#include "zpci_shim.h"

/* One registration at a time; see zpci_domain.h. */
DEFINE_MUTEX(zpci_registration_lock);

static void zpci_set_domain(struct zpci_dev *zdev, struct iommu_domain *domain)
{
	unsigned long flags;

	spin_lock_irqsave(&zdev->dom_lock, flags);
	zdev->s390_domain = domain;
	spin_unlock_irqrestore(&zdev->dom_lock, flags);
}

/* Ends whatever translation the function has. Cannot fail. */
static void zpci_block(struct zpci_dev *zdev)
{
	struct iommu_domain *old = zdev->s390_domain;
	struct zpci_attachment *attachment;
	struct zpci_domain *domain;
	unsigned long flags;

	lockdep_assert_held(&zpci_registration_lock);
	if (old->type == IOMMU_DOMAIN_BLOCKED)
		return;
	if (zpci_has_tables(old)) {
		domain = to_zpci_domain(old);
		spin_lock_irqsave(&domain->lock, flags);
		list_for_each_entry(attachment, &domain->attachments, entry) {
			if (attachment->zdev == zdev) {
				list_del_rcu(&attachment->entry);
				kfree_rcu(attachment, rcu);
				break;
			}
		}
		spin_unlock_irqrestore(&domain->lock, flags);
	}
	zpci_rust_deregister(zdev->fh, zdev->gisa);
	zdev->dma_table = NULL;
	zpci_set_domain(zdev, &zpci_blocking_domain);
}

static int zpci_attach_blocking(struct iommu_domain *domain, struct device *dev ZPCI_OLD_DOMAIN)
{
	guard(mutex)(&zpci_registration_lock);
	zpci_block(to_zpci_dev(dev));
	return 0;
}

struct iommu_domain zpci_blocking_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = zpci_attach_blocking,
	},
};

/* Registers @table; no translation where that is NULL. */
static int zpci_register(struct zpci_dev *zdev, const struct zpci_rust_function *function,
			 const struct zpci_rust_table *table, u8 answer[2])
{
	int rc;

	rc = zpci_rust_register(function, zpci_aperture, table, answer);
	if (answer[0])
		zpci_dbg(3, "reg ioat fid:%x, cc:%d, status:%d\n", zdev->fid, answer[0],
			 answer[1]);
	return rc;
}

int zpci_attach(struct iommu_domain *iommu_domain, struct device *dev ZPCI_OLD_DOMAIN)
{
	struct zpci_domain *domain = to_zpci_domain(iommu_domain);
	struct zpci_dev *zdev = to_zpci_dev(dev);
	struct zpci_attachment *attachment;
	struct zpci_rust_function function;
	unsigned long flags;
	u8 answer[2];
	int rc;

	guard(mutex)(&zpci_registration_lock);
	/* After an attach that was refused the core goes back to where the function still is. */
	if (zdev->s390_domain == iommu_domain)
		return 0;
	zpci_shim_describe(zdev, &function);
	rc = zpci_rust_can_attach(&function, zpci_aperture, &domain->table);
	if (rc)
		return rc;
	attachment = kzalloc_obj(*attachment);
	if (!attachment)
		return -ENOMEM;
	attachment->zdev = zdev;
	zpci_rust_window(&function, zpci_aperture, attachment->window);

	/* A failure from here on leaves DMA blocked. */
	zpci_block(zdev);
	rc = zpci_register(zdev, &function, &domain->table, answer);
	if (rc) {
		kfree(attachment);
		return rc;
	}
	zdev->dma_table = phys_to_virt(domain->table.origin);
	zpci_set_domain(zdev, iommu_domain);
	spin_lock_irqsave(&domain->lock, flags);
	list_add_rcu(&attachment->entry, &domain->attachments);
	spin_unlock_irqrestore(&domain->lock, flags);

	/*
	 * What is mapped from now on is refreshed by whoever maps it; this is
	 * for what was mapped before.
	 */
	rc = zpci_rust_refresh_attached(&function, zpci_aperture, &domain->table);
	if (rc && !answer[0])
		zpci_block(zdev);
	else
		rc = 0;
	return rc;
}

#ifdef ZPCI_HAS_RELAXED_TRANSLATION
static int zpci_attach_identity(struct iommu_domain *domain, struct device *dev ZPCI_OLD_DOMAIN)
{
	struct zpci_dev *zdev = to_zpci_dev(dev);
	struct zpci_rust_function function;
	u8 answer[2];
	int rc;

	guard(mutex)(&zpci_registration_lock);
	zpci_shim_describe(zdev, &function);
	rc = zpci_rust_can_attach(&function, zpci_aperture, NULL);
	if (rc)
		return rc;

	/* A failure from here on leaves DMA blocked. */
	zpci_block(zdev);
	rc = zpci_register(zdev, &function, NULL, answer);
	if (!rc)
		zpci_set_domain(zdev, domain);
	return rc;
}

struct iommu_domain zpci_identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = zpci_attach_identity,
	},
};
#endif

#ifdef ZPCI_HAS_REGISTER_IOAT
int zpci_iommu_register_ioat(struct zpci_dev *zdev, u8 *status)
{
	const struct zpci_rust_table *table;
	struct zpci_rust_function function;
	struct iommu_domain *domain;
	u8 answer[2] = {};

	guard(mutex)(&zpci_registration_lock);
	domain = zdev->s390_domain;
	if (domain->type == IOMMU_DOMAIN_BLOCKED)
		return 0;
	table = zpci_has_tables(domain) ? &to_zpci_domain(domain)->table : NULL;
	zpci_shim_describe(zdev, &function);
	if (zpci_register(zdev, &function, table, answer) && !answer[0])
		return -EINVAL;
	*status = answer[1];
	/*
	 * A hypervisor that shadows the tables dropped what it knew of them with
	 * the old registration.
	 */
	if (!answer[0] && table)
		return zpci_rust_refresh_attached(&function, zpci_aperture, table);
	return answer[0];
}
#endif
