// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions come to domains and leave them: what is given up for what, and what
 * is given back when the machine refuses. registration.c has the steps.
 */
#define pr_fmt(fmt) "zpci: " fmt

#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "compat.h"
#include "zpci_domain.h"
#include "zpci_function.h"

/* Whether @domain is the core's own, so that it has what the core and drivers map, or all. */
static bool zpci_is_core(const struct iommu_domain *domain)
{
	return domain->type & (__IOMMU_DOMAIN_DMA_API | __IOMMU_DOMAIN_PT);
}

/*
 * Whether the machine still translates by @domain, storage without tables if NULL,
 * since it did not end that.
 */
static bool zpci_is_stuck_in(const struct zpci_function *function, const struct zpci_domain *domain)
{
	const struct zpci_attachment *attachment;

	list_for_each_entry(attachment, &function->stuck, stuck)
		if (attachment->domain == domain)
			return true;
	return false;
}

/*
 * A user claims the function, or it is reset. The machine may not end what the
 * function has: that of the DMA API reaches nothing any more once its driver is
 * gone, but all of the storage, or what an earlier user has mapped, is not for this
 * user. Where a user comes from another domain the core takes this for impossible
 * to fail.
 */
static int zpci_attach_blocking(struct iommu_domain *domain, struct device *dev ZPCI_OLD_DOMAIN)
{
	struct zpci_dev *zdev = to_zpci_dev(dev);
	struct zpci_function *function = zpci_function(zdev);
	struct zpci_attachment *back;
	struct zpci_domain *had;
	struct iommu_domain *from;
	int rc = 0;

	if (!function)
		return 0;
	guard(mutex)(&function->lock);
	from = zdev->s390_domain;
	had = function->attachment ? function->attachment->domain : NULL;
	if (had)
		refcount_inc(&had->refs);
	zpci_block(function);
	/* Who waits to disable the function ends it. */
	if (!list_empty(&function->stuck) && !atomic_read(&function->wanted) && zpci_is_core(from) &&
	    !(had && zpci_is_stuck_in(function, had))) {
		back = zpci_attachment_new(zdev, had);
		if (!IS_ERR(back)) {
			zpci_give_later(function, back, from);
			pr_warn_ratelimited("FID %08x: is no user's until the machine ended its translation\n",
					    zdev->fid);
			rc = -EBUSY;
		}
	}
	if (had)
		zpci_domain_put(had);
	return rc;
}

/* The function goes, which the core takes for impossible to fail. */
static int zpci_attach_release(struct iommu_domain *domain, struct device *dev ZPCI_OLD_DOMAIN)
{
	struct zpci_function *function = zpci_function(to_zpci_dev(dev));

	if (!function)
		return 0;
	guard(mutex)(&function->lock);
	zpci_block(function);
	return 0;
}

struct iommu_domain zpci_blocking_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = zpci_attach_blocking,
	},
};

struct iommu_domain zpci_release_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = zpci_attach_release,
	},
};

/*
 * Takes the function from the translation that it has, and gives it @attachment,
 * or an error. After one the core takes the function to be where it was, and since
 * Linux 7.3 does not attach it there once more: it has @back, which is to @old,
 * NULL if it had nothing that it can be given again. If @old is @domain the attach
 * is one that the core takes for impossible to fail. What the machine refuses to
 * register, who disables and enables the function registers.
 */
static int zpci_move(struct zpci_function *function, struct zpci_attachment *attachment,
		     struct iommu_domain *domain, struct zpci_attachment *back,
		     struct iommu_domain *old)
{
	bool must = old == domain;
	struct zpci_rust_outcome outcome;
	int rc;

	rc = zpci_block(function) ? zpci_end_stuck(function, &outcome) : -EBUSY;
	if (rc == -EAGAIN) {
		/*
		 * Who recovers the function disables it, which ends what it had,
		 * and registers this. If the attach failed the core would not
		 * come back, and leave the function without a translation for good.
		 */
		zpci_give_later(function, attachment, domain);
		kfree(back);
		return 0;
	}
	if (rc) {
		/* What did not end goes on; if that is what it had, a reset registers it anew. */
		kfree(attachment);
		rc = -EBUSY;
	} else {
		rc = zpci_give(function, attachment, domain, false);
	}
	if (!rc || !back) {
		kfree(back);
		return rc;
	}
	/* Only one translation is registered at a time, and which one that is may be unknown now. */
	if (must || !list_empty(&function->stuck))
		zpci_give_later(function, back, old);
	else if (!zpci_give(function, back, old, true))
		return rc;
	pr_warn_ratelimited("FID %08x: is registered with its domain when it is disabled and enabled\n",
			    function->zdev->fid);
	return must ? 0 : rc;
}

/*
 * Whether the core takes an attach from @old to @domain for one that cannot fail:
 * the function has no driver yet, or comes back from a user or from a reset. If
 * that failed the core would warn and not come again: a driver would do DMA all
 * the same, and a reset register nothing. An attach of a user's domain looks the
 * same whether a user asks for it or a reset is done. Between two domains of the core's own
 * an administrator moves it, which may fail.
 */
static bool zpci_must(const struct iommu_domain *old, const struct iommu_domain *domain)
{
	return zpci_is_core(domain) &&
	       (old->type == IOMMU_DOMAIN_BLOCKED || old->type == IOMMU_DOMAIN_UNMANAGED);
}

/* Gives the function @domain, none if NULL. */
static int zpci_change(struct iommu_domain *iommu_domain, struct zpci_domain *domain,
		       struct zpci_dev *zdev)
{
	struct zpci_function *function = zpci_function(zdev);
	struct zpci_attachment *attachment, *back = NULL;
	struct zpci_domain *had = NULL;
	struct iommu_domain *old;
	int rc;

	if (!function)
		return -ENODEV;
	guard(mutex)(&function->lock);
	old = zdev->s390_domain;
	/* Where the function still is, after an attach that was refused. */
	if (old == iommu_domain)
		return 0;
	attachment = zpci_attachment_new(zdev, domain);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);
	if (function->attachment)
		had = function->attachment->domain;
	if (zpci_must(old, iommu_domain)) {
		old = iommu_domain;
		back = zpci_attachment_new(zdev, domain);
	} else if (function->attachment) {
		back = zpci_attachment_new(zdev, had);
	}
	/* CLP or a parameter says something else since then: there is no way back, but one away. */
	if (IS_ERR(back))
		back = NULL;
	/* The core may have given it up, after an attach that it takes for one that cannot fail. */
	if (had)
		refcount_inc(&had->refs);
	rc = zpci_move(function, attachment, iommu_domain, back, old);
	if (had)
		zpci_domain_put(had);
	return rc;
}

int zpci_attach(struct iommu_domain *domain, struct device *dev ZPCI_OLD_DOMAIN)
{
	return zpci_change(domain, to_zpci_domain(domain), to_zpci_dev(dev));
}

#ifdef ZPCI_HAS_RELAXED_TRANSLATION
static int zpci_attach_identity(struct iommu_domain *domain, struct device *dev ZPCI_OLD_DOMAIN)
{
	return zpci_change(domain, NULL, to_zpci_dev(dev));
}

struct iommu_domain zpci_identity_domain = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &(const struct iommu_domain_ops) {
		.attach_dev = zpci_attach_identity,
	},
};
#endif
