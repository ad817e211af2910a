/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domains with tables and the functions that use them: what iommu.c, refresh.c,
 * reclaim.c, registration.c, attach.c and container.c share.
 */
#ifndef ZPCI_DOMAIN_H
#define ZPCI_DOMAIN_H

#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <asm/pci_dma.h>

#include "compat.h"
#include "zpci_rust.h"

/* A domain with tables */
struct zpci_domain {
	struct iommu_domain domain;
	struct zpci_rust_table table;
	struct zpci_iommu_ctrs ctrs;
	size_t quick;			/* an unmap of so many bytes may end with one store; 0: none */
	struct list_head attachments;	/* RCU */
	spinlock_t lock;		/* writers of attachments; tables that were taken out */
	refcount_t refs;		/* the core's, each attachment's, and of who may go back */
	bool pinned;			/* a function that was lost may use it for ever */
	bool ended;			/* goes with the next grace period */
	bool ending;			/* goes with the grace period that goes on */
	bool in_grace;			/* a grace period goes on for it */
	struct rcu_head grace;		/* that grace period */
	struct work_struct rest;	/* frees what is too much for its callback */
	struct zpci_rust_reclaimed kept;	/* taken out; a function may still see these */
	struct zpci_rust_reclaimed waiting;	/* for the next grace period */
	struct zpci_rust_reclaimed passing;	/* for the grace period that goes on */
};

/*
 * A function and the translation that it has: a domain with tables, or none.
 *
 * It is on the list of its domain before it is registered, and until it is
 * known not to be registered any more. @gate keeps RPCIT and a change of the
 * registration apart, and is held for one instruction at a time.
 */
struct zpci_attachment {
	struct list_head entry;		/* in zpci_domain.attachments */
	struct list_head stuck;		/* in zpci_function.stuck */
	bool left;			/* the function has another or none, and this did not end */
	bool elsewhere;			/* the same, and what it has is not of this domain */
	struct zpci_dev *zdev;
	struct zpci_domain *domain;	/* NULL without tables */
	struct zpci_rust_attachment rust;
	rwlock_t gate;
	struct rcu_head rcu;
};

/* Each function that was given a domain, and has not left it; under RCU */
#define zpci_for_each_member(attachment, domain)				\
	list_for_each_entry_rcu(attachment, &(domain)->attachments, entry)	\
		if (READ_ONCE((attachment)->left)) {} else

static inline struct zpci_domain *to_zpci_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct zpci_domain, domain);
}

static inline bool zpci_has_tables(struct iommu_domain *domain)
{
	return domain->type != IOMMU_DOMAIN_BLOCKED && domain->type != IOMMU_DOMAIN_IDENTITY;
}

/* Where tables are: what is added to the absolute address of one */
static inline u64 zpci_storage_base(void)
{
	return (u64)phys_to_virt(0);
}

/* iommu.c: how many bytes of a function's window are wanted; whether to use frames of 1 MiB */
extern u64 zpci_aperture_bytes;
extern bool zpci_large_frames;
extern const struct iommu_domain_ops zpci_paging_domain_ops;

/* reclaim.c */
extern bool zpci_reclaims;
void zpci_free_rest(struct work_struct *rest);
void zpci_domain_put(struct zpci_domain *domain);
void zpci_reclaim(struct zpci_domain *domain, u64 start, u64 last);

/* attach.c */
extern struct iommu_domain zpci_blocking_domain;
extern struct iommu_domain zpci_release_domain;
extern struct iommu_domain zpci_identity_domain;
int zpci_attach(struct iommu_domain *domain, struct device *dev ZPCI_OLD_DOMAIN);

/* registration.c: what the driver keeps of a function, from its probe to its release */
int zpci_function_add(struct zpci_dev *zdev);
void zpci_function_remove(struct zpci_dev *zdev);

/* container.c: operations of domains that are mapped together, and of the IOMMU of a function */
int zpci_add_info(struct iommu_domain **domains, unsigned int count,
		  int (*add)(void *chain, u16 id, u16 version, const void *data, size_t size),
		  void *chain);
int zpci_may_join(struct iommu_domain **domains, unsigned int count);
void *zpci_hw_info(struct device *dev, u32 *length, zpci_hw_info_type *type);

#endif /* ZPCI_DOMAIN_H */
