/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domains with tables and the functions that use them: what iommu.c, attach.c
 * and container.c share.
 */
#ifndef ZPCI_DOMAIN_H
#define ZPCI_DOMAIN_H

#include <linux/iommu.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <asm/pci_dma.h>

#include "zpci_rust.h"

/* A domain with tables */
struct zpci_domain {
	struct iommu_domain domain;
	struct zpci_rust_table table;
	struct zpci_iommu_ctrs ctrs;
	struct list_head attachments;	/* RCU */
	struct llist_head kept;		/* reclaimed tables that a function may still see */
	spinlock_t lock;		/* writers of attachments */
	struct rcu_head rcu;
};

/* A function that uses a domain with tables */
struct zpci_attachment {
	struct list_head entry;
	struct zpci_dev *zdev;
	u64 window[2];
	struct rcu_head rcu;
};

static inline struct zpci_domain *to_zpci_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct zpci_domain, domain);
}

static inline bool zpci_has_tables(struct iommu_domain *domain)
{
	return domain->type != IOMMU_DOMAIN_BLOCKED && domain->type != IOMMU_DOMAIN_IDENTITY;
}

/* iommu.c: how many bytes of a function's window are wanted; whether to use frames of 1 MiB */
extern u64 zpci_aperture;
extern bool zpci_large_frames;
extern const struct iommu_domain_ops zpci_paging_domain_ops;

/*
 * attach.c: one registration at a time, so that the one in force is that of
 * zdev->s390_domain; functions neither join nor leave a domain meanwhile.
 * MPCIFC may sleep.
 */
extern struct mutex zpci_registration_lock;
extern struct iommu_domain zpci_blocking_domain;
extern struct iommu_domain zpci_identity_domain;
int zpci_attach(struct iommu_domain *domain, struct device *dev ZPCI_OLD_DOMAIN);

/* container.c: operations of domains that are mapped together, and of the IOMMU of a function */
int zpci_add_info(struct iommu_domain **domains, unsigned int count,
		  int (*add)(void *chain, void *cap, size_t size), void *chain);
int zpci_may_join(struct iommu_domain **domains, unsigned int count);
void *zpci_hw_info(struct device *dev, u32 *length, zpci_hw_info_type *type);

#endif /* ZPCI_DOMAIN_H */
