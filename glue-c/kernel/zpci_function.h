/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A function, its translation and its measurement: what registration.c, attach.c
 * and measurement.c share.
 */
#ifndef ZPCI_FUNCTION_H
#define ZPCI_FUNCTION_H

#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "zpci_domain.h"
#include "zpci_rust.h"

/* What the driver keeps of a function */
struct zpci_function {
	struct zpci_dev *zdev;
	struct mutex lock;
	atomic_t wanted;			/* who waits for the lock to disable it */
	struct zpci_attachment *attachment;	/* NULL if DMA is blocked */
	struct list_head stuck;			/* the machine did not end these */
	struct zpci_fmb *fmb;			/* for user space; NULL if there is none */
	u32 measured;				/* the handle by which it is written; 0: it is not */
	bool sampled;				/* user space began it, and did not end it */
	struct hlist_node node;
	struct rcu_head rcu;
};

struct zpci_function *zpci_function(struct zpci_dev *zdev);

/* Under zpci_function.lock, but for the first */
struct zpci_attachment *zpci_attachment_new(struct zpci_dev *zdev, struct zpci_domain *domain);
int zpci_give(struct zpci_function *function, struct zpci_attachment *attachment,
	      struct iommu_domain *domain, bool anyway);
void zpci_give_later(struct zpci_function *function, struct zpci_attachment *attachment,
		     struct iommu_domain *domain);

/*
 * Ends whatever translation the function has, which cannot fail. Whether to ask
 * again is of use if something is left: not if the machine was busy all the time.
 */
bool zpci_block(struct zpci_function *function);
/* Tries to end what the machine did not end before; 0 if nothing is left, -EAGAIN if somebody is to disable the function */
int zpci_end_stuck(struct zpci_function *function, struct zpci_rust_outcome *outcome);

/* measurement.c: the function is removed */
void zpci_measure_remove(struct zpci_function *function);

#endif /* ZPCI_FUNCTION_H */
