// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registration of a function: begun, ended, lost by a reset, and made anew.
 *
 * What a registration and each answer of the machine mean is decided in Rust
 * (s390-iommu/src/attach.rs). This file has the locks and the lists:
 *
 * zpci_function.lock	one change of the translation of a function, or of its
 *			measurement, at a time;
 *			MPCIFC may sleep while it is held, and holds up nobody
 *			but who changes the same function; it is given up for
 *			who disables that
 * zpci_domain.lock	writers of the list of attachments, and the tables that
 *			were taken out; never held over an instruction
 * zpci_attachment.gate	RPCIT against a change of the registration, for one
 *			instruction at a time
 */
#define pr_fmt(fmt) "zpci: " fmt

#include <linux/hashtable.h>
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <asm/pci_dma.h>

#include "compat.h"
#include "zpci_domain.h"
#include "zpci_function.h"
#include "zpci_shim.h"

/* Functions by the address of their struct zpci_dev */
static DEFINE_HASHTABLE(zpci_functions, 6);
static DEFINE_SPINLOCK(zpci_functions_lock);

/* The caller holds @zdev, and so what belongs to it. */
struct zpci_function *zpci_function(struct zpci_dev *zdev)
{
	struct zpci_function *function;

	guard(rcu)();
	hash_for_each_possible_rcu(zpci_functions, function, node, (unsigned long)zdev)
		if (function->zdev == zdev)
			return function;
	return NULL;
}

static void zpci_set_domain(struct zpci_dev *zdev, struct iommu_domain *domain)
{
	unsigned long flags;

	spin_lock_irqsave(&zdev->dom_lock, flags);
	zdev->s390_domain = domain;
	spin_unlock_irqrestore(&zdev->dom_lock, flags);
}

/* An attachment to @domain, or to storage without tables if that is NULL; nothing is issued. */
struct zpci_attachment *zpci_attachment_new(struct zpci_dev *zdev, struct zpci_domain *domain)
{
	struct zpci_attachment *attachment;
	struct zpci_rust_limits limits;
	int rc;

	/*
	 * The core attaches a function where that must not fail, such as to its
	 * own domain when a user is gone, and does not say when it does. It may
	 * be for a reset of the very function that storage would be written to.
	 */
	attachment = kzalloc_obj(*attachment, GFP_NOIO | __GFP_NOFAIL);
	attachment->zdev = zdev;
	attachment->domain = domain;
	rwlock_init(&attachment->gate);
	zpci_shim_limits(zdev, &limits);
	rc = zpci_rust_attachment_init(&attachment->rust, &limits, zpci_aperture_bytes,
				       domain ? &domain->table : NULL, &attachment->gate);
	if (rc) {
		kfree(attachment);
		return ERR_PTR(rc);
	}
	/* Long before anything is queued: only the DMA API has queues, for a driver that is bound later. */
	if (domain && !zpci_rust_may_defer(&limits))
		WRITE_ONCE(domain->quick, 0);
	return attachment;
}

/* From now on who changes a table issues the refresh to the function, once it is registered. */
static void zpci_list(struct zpci_attachment *attachment)
{
	struct zpci_domain *domain = attachment->domain;
	unsigned long flags;

	if (!domain)
		return;
	refcount_inc(&domain->refs);
	spin_lock_irqsave(&domain->lock, flags);
	list_add_rcu(&attachment->entry, &domain->attachments);
	spin_unlock_irqrestore(&domain->lock, flags);
	/*
	 * The list, then MPCIFC: pairs with the barrier between an entry and
	 * the list in zpci_refresh() and zpci_iotlb_sync_map(). Who does not
	 * find the function here changed the entry before the machine may look
	 * at it for this function.
	 */
	smp_mb();
}

/* The function is not registered. */
static void zpci_unlist(struct zpci_attachment *attachment)
{
	struct zpci_domain *domain = attachment->domain;
	unsigned long flags;

	if (domain) {
		spin_lock_irqsave(&domain->lock, flags);
		list_del_rcu(&attachment->entry);
		spin_unlock_irqrestore(&domain->lock, flags);
		zpci_domain_put(domain);
	}
	kfree_rcu(attachment, rcu);
}

/* Whether a busy machine was not asked once more for who waits to disable the function, and goes on with it. */
static bool zpci_given_up(const struct zpci_function *function,
			  const struct zpci_rust_outcome *outcome)
{
	lockdep_assert_held(&function->lock);
	return outcome->cc == ZPCI_CC_BUSY && atomic_read(&function->wanted);
}

/*
 * Ends the registration of @attachment. If the machine does not, the function
 * may go on to use the tables: it stays on the list of the domain, whose tables
 * stay too, until the function is disabled; -EAGAIN if somebody is about to, such
 * as its recovery.
 */
static int zpci_end(struct zpci_function *function, struct zpci_attachment *attachment,
		    struct zpci_rust_outcome *outcome)
{
	struct zpci_dev *zdev = function->zdev;
	int rc;

	rc = zpci_rust_detach(&attachment->rust, READ_ONCE(zdev->fh), zdev->gisa, outcome);
	if (outcome->cc)
		zpci_dbg(3, "unreg ioat fid:%x, cc:%d, status:%d\n", zdev->fid, outcome->cc,
			 outcome->status);
	if (rc)
		return zpci_given_up(function, outcome) ? -EAGAIN : rc;
	zpci_unlist(attachment);
	return 0;
}

/* Tries again to end what the machine did not end before; 0 if nothing is left. */
int zpci_end_stuck(struct zpci_function *function, struct zpci_rust_outcome *outcome)
{
	struct zpci_attachment *attachment, *next;
	int rc;

	list_for_each_entry_safe(attachment, next, &function->stuck, stuck) {
		/* The entry is gone with the attachment. */
		list_del(&attachment->stuck);
		rc = zpci_end(function, attachment, outcome);
		if (rc) {
			list_add(&attachment->stuck, &function->stuck);
			return rc;
		}
	}
	return 0;
}

/* A move that was refused leaves the function where the machine still translates for it. */
static void zpci_note_elsewhere(struct zpci_function *function)
{
	const struct zpci_attachment *here = function->attachment;
	struct zpci_attachment *attachment;

	list_for_each_entry(attachment, &function->stuck, stuck)
		WRITE_ONCE(attachment->elsewhere, !here || here->domain != attachment->domain);
}

static void zpci_stuck(struct zpci_function *function, struct zpci_attachment *attachment)
{
	list_add(&attachment->stuck, &function->stuck);
	WRITE_ONCE(attachment->left, true);
	zpci_note_elsewhere(function);
	pr_warn("FID %08x: the machine did not end the translation; what it reaches is kept until the function is disabled\n",
		function->zdev->fid);
}

bool zpci_block(struct zpci_function *function)
{
	struct zpci_attachment *attachment = function->attachment;
	struct zpci_rust_outcome outcome;

	lockdep_assert_held(&function->lock);
	function->attachment = NULL;
	zpci_note_elsewhere(function);
	zpci_set_domain(function->zdev, &zpci_blocking_domain);
	if (!attachment)
		return true;
	if (!list_empty(&function->stuck)) {
		/* It waits for the end of another one, which MPCIFC would end in its place. */
		zpci_unlist(attachment);
		if (!zpci_end_stuck(function, &outcome))
			return true;
	} else if (!zpci_end(function, attachment, &outcome)) {
		return true;
	} else {
		zpci_stuck(function, attachment);
	}
	return outcome.cc != ZPCI_CC_BUSY || zpci_given_up(function, &outcome);
}

/*
 * What is mapped from now on is refreshed by who maps it; this is for what was
 * mapped before. The addresses belong to others, and how many there are is for
 * user space to say, so that it takes many steps.
 */
static void zpci_catch_up(struct zpci_attachment *attachment)
{
	u64 iova = 0, waited = 0;
	int rc;

	do {
		scoped_guard(rcu)
			rc = zpci_rust_catch_up(&attachment->rust, &attachment->domain->table,
						&iova, &waited);
		cond_resched();
	} while (rc > 0);
	if (rc)
		pr_warn_ratelimited("FID %08x: the machine does not know all that is mapped; made up for by the next refresh\n",
				    attachment->zdev->fid);
}

/* Registers the attachment, which is on its list; the outcome goes into the trace. */
static int zpci_register(struct zpci_function *function, struct zpci_attachment *attachment,
			 struct zpci_rust_outcome *outcome)
{
	struct zpci_dev *zdev = attachment->zdev;
	int rc;

	rc = zpci_rust_attach(&attachment->rust, READ_ONCE(zdev->fh), zdev->gisa, outcome);
	if (outcome->cc)
		zpci_dbg(3, "reg ioat fid:%x, cc:%d, status:%d\n", zdev->fid, outcome->cc,
			 outcome->status);
	/*
	 * Who waits to disable the function registers it when it is enabled
	 * again. Where somebody else's registration did not end it is a failure.
	 */
	if (rc && !zpci_rust_is_registered(&attachment->rust) && zpci_given_up(function, outcome)) {
		outcome->cc = 0;
		return 0;
	}
	if (rc || outcome->cc || !attachment->domain)
		return rc;
	zpci_catch_up(attachment);
	return 0;
}

/* The function has @attachment, which is on its list. */
static void zpci_has(struct zpci_function *function, struct zpci_attachment *attachment,
		     struct iommu_domain *domain)
{
	function->attachment = attachment;
	zpci_note_elsewhere(function);
	zpci_set_domain(function->zdev, domain);
}

/* Lists @attachment; who disables and enables the function registers it. */
void zpci_give_later(struct zpci_function *function, struct zpci_attachment *attachment,
		     struct iommu_domain *domain)
{
	zpci_list(attachment);
	zpci_has(function, attachment, domain);
}

/*
 * Lists and registers @attachment. After an error the function does not have it, but
 * for @anyway: who disables and enables it registers it then.
 */
int zpci_give(struct zpci_function *function, struct zpci_attachment *attachment,
	      struct iommu_domain *domain, bool anyway)
{
	struct zpci_rust_outcome outcome;
	int rc;

	zpci_list(attachment);
	rc = zpci_register(function, attachment, &outcome);
	if (!rc || anyway)
		zpci_has(function, attachment, domain);
	else if (zpci_rust_is_registered(&attachment->rust))
		zpci_stuck(function, attachment);
	else
		zpci_unlist(attachment);
	return rc;
}

/*
 * The function was disabled and enabled, or reset: registers the translation
 * that it has. Also who recovers the function itself comes here, so that one
 * that is gone or still being recovered is a failure.
 */
int zpci_iommu_register_ioat(struct zpci_dev *zdev, u8 *status)
{
	struct zpci_function *function = zpci_function(zdev);
	struct zpci_rust_outcome outcome;
	int rc;

	if (!function)
		return 0;
	guard(mutex)(&function->lock);
	if (!function->attachment)
		return 0;
	/* What was moved from meanwhile may not have ended. Only one translation is registered at a time. */
	if (!zpci_end_stuck(function, &outcome))
		rc = zpci_register(function, function->attachment, &outcome);
	else if (zpci_given_up(function, &outcome))
		rc = outcome.cc = 0;
	else
		rc = -EIO;
	*status = outcome.status;
	/* A condition code would reach user space as the result of VFIO_DEVICE_RESET. */
	return rc ?: outcome.cc ? -EIO : 0;
}
EXPORT_SYMBOL_GPL(zpci_iommu_register_ioat);

/* Whether the function does not have the translation that it should, or was not told of all that changed. */
static bool zpci_is_behind(const struct zpci_function *function)
{
	const struct zpci_attachment *attachment = function->attachment;

	lockdep_assert_held(&function->lock);
	if (!list_empty(&function->stuck))
		return true;
	return attachment && (!zpci_rust_is_registered(&attachment->rust) ||
			      zpci_rust_is_stale(&attachment->rust));
}

/*
 * Clears the error state of the function by MPCIFC, without a reset. It does
 * DMA from that instruction on, so a function that refused something meanwhile
 * is not cleared: who calls this resets it then, which registers it anew.
 */
u8 zpci_reset_error(struct zpci_dev *zdev, u64 req, struct zpci_fib *fib, u8 *status)
{
	struct zpci_function *function = zpci_function(zdev);
	u32 busy = 0;
	bool behind;
	u8 cc;

	if (!function)
		return zpci_mod_fc(req, fib, status);
	do {
		/*
		 * Not over the pause: nobody is to wait for a busy function. Nor
		 * does this: who refuses has the caller disable it.
		 */
		zpci_function_lock(zdev, true);
		*status = 0;
		behind = zpci_is_behind(function);
		if (behind) {
			zpci_function_unlock(function);
			zpci_dbg(3, "ces fid:%x, not issued: behind\n", zdev->fid);
			return ZPCI_CC_ERR;
		}
		cc = zpci_rust_mpcifc(req >> 32, req, fib, status, busy);
		/*
		 * What changed in between was refused, too. The instruction,
		 * then the note: who was refused takes note and asks once more,
		 * and is refused again only if that came before the instruction.
		 */
		smp_mb();
		behind = !cc && zpci_is_behind(function);
		zpci_function_unlock(function);
		if (behind) {
			zpci_dbg(3, "ces fid:%x, cc:0: behind\n", zdev->fid);
			return ZPCI_CC_ERR;
		}
	} while (cc == ZPCI_CC_BUSY && zpci_rust_pause_mpcifc(++busy));
	return cc;
}

struct zpci_function *zpci_function_lock(struct zpci_dev *zdev, bool disable)
{
	struct zpci_function *function = zpci_function(zdev);

	if (!function)
		return NULL;
	if (disable)
		atomic_inc(&function->wanted);
	mutex_lock(&function->lock);
	if (disable)
		atomic_dec(&function->wanted);
	return function;
}

/*
 * Who waits to disable a function that is busy ends that, and often holds
 * zpci_dev.state_lock, for which events of the machine wait.
 */
bool zpci_rust_wanted(const void *gate)
{
	const struct zpci_attachment *attachment = container_of(gate, struct zpci_attachment, gate);
	const struct zpci_function *function = zpci_function(attachment->zdev);

	return function && atomic_read(&function->wanted);
}

void zpci_function_unlock(struct zpci_function *function)
{
	if (function)
		mutex_unlock(&function->lock);
}

bool zpci_function_registered(struct zpci_function *function)
{
	if (!function)
		return false;
	lockdep_assert_held(&function->lock);
	return !list_empty(&function->stuck) ||
	       (function->attachment && zpci_rust_is_registered(&function->attachment->rust));
}

void zpci_function_disabled(struct zpci_function *function)
{
	struct zpci_attachment *attachment, *next;

	if (!function)
		return;
	lockdep_assert_held(&function->lock);
	function->measured = 0;
	if (function->attachment)
		zpci_rust_disabled(&function->attachment->rust);
	list_for_each_entry_safe(attachment, next, &function->stuck, stuck) {
		list_del(&attachment->stuck);
		zpci_rust_disabled(&attachment->rust);
		zpci_unlist(attachment);
	}
}

/*
 * What was given up for who was to disable the function, and cannot, is done
 * after all, as far as the machine does it.
 */
void zpci_function_stays(struct zpci_function *function)
{
	struct zpci_rust_outcome outcome;

	if (!function)
		return;
	lockdep_assert_held(&function->lock);
	if (zpci_end_stuck(function, &outcome) || !function->attachment ||
	    zpci_rust_is_registered(&function->attachment->rust))
		return;
	if (zpci_register(function, function->attachment, &outcome))
		pr_warn("FID %08x: could not be disabled, and has no translation\n",
			function->zdev->fid);
}

int zpci_function_add(struct zpci_dev *zdev)
{
	struct zpci_function *function = kzalloc_obj(*function);

	if (!function)
		return -ENOMEM;
	function->zdev = zdev;
	mutex_init(&function->lock);
	INIT_LIST_HEAD(&function->stuck);
	guard(spinlock)(&zpci_functions_lock);
	hash_add_rcu(zpci_functions, &function->node, (unsigned long)zdev);
	return 0;
}

void zpci_function_remove(struct zpci_dev *zdev)
{
	struct zpci_function *function = zpci_function(zdev);
	struct zpci_attachment *attachment, *next;
	struct zpci_rust_outcome outcome;

	if (!function)
		return;
	zpci_measure_remove(function);
	scoped_guard(mutex, &function->lock) {
		if (zpci_block(function))
			zpci_end_stuck(function, &outcome);
		/* Nobody will know when these end: their tables stay for good. */
		list_for_each_entry_safe(attachment, next, &function->stuck, stuck) {
			list_del(&attachment->stuck);
			if (attachment->domain) {
				WRITE_ONCE(attachment->domain->pinned, true);
				/* The mark, then the list: see zpci_is_pinned(). */
				smp_wmb();
				refcount_inc(&attachment->domain->refs);
			}
			zpci_unlist(attachment);
			pr_err("FID %08x: gone while its translation was registered; the tables are never freed\n",
			       zdev->fid);
		}
	}
	scoped_guard(spinlock, &zpci_functions_lock)
		hash_del_rcu(&function->node);
	kfree_rcu(function, rcu);
}
