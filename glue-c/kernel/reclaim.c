// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables that have become empty, and domains: freed when no function and nobody
 * here can look at them any more.
 */
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <asm/pci_dma.h>

#include "compat.h"
#include "zpci_refresh.h"

/*
 * zpci_rust.reclaim: a machine that walks the tables itself has to forget tables
 * by the RPCIT of what they cover, which no machine was at hand to show.
 */
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "zpci_rust."
bool zpci_reclaims = true;
module_param_named(reclaim, zpci_reclaims, bool, 0644);
MODULE_PARM_DESC(reclaim, "Give tables back that an unmap has emptied (default: on)");

/*
 * How many tables are freed without a pause: as many as a page of storage
 * mapped in each MiB of 256 MiB takes. A segment table goes with all below it,
 * so that it may be 2,048 more.
 */
#define ZPCI_TABLES_AT_ONCE	256

static void zpci_grace_over(struct rcu_head *grace);

/*
 * What a domain frees after a grace period: tables, at last itself. There is
 * one such period at a time, and what comes meanwhile waits for the next, so
 * that nothing has to be allocated; tables are their own list.
 *
 * The lock is held. What waits goes with the period that begins now; whether
 * anything does.
 */
static bool zpci_grace_begin(struct zpci_domain *domain)
{
	domain->passing = domain->waiting;
	domain->waiting.list[0] = 0;
	domain->ending = domain->ended;
	/* No function is left that could see them. */
	if (domain->ending && domain->kept.list[0])
		zpci_rust_reclaimed_join(&domain->passing, &domain->kept, zpci_storage_base());
	domain->in_grace = domain->passing.list[0] || domain->ending;
	return domain->in_grace;
}

/*
 * Frees some of what passed, which is the caller's alone until the next grace
 * period begins; whether that was all.
 */
static bool zpci_free_some(struct zpci_domain *domain)
{
	if (domain->passing.list[0] &&
	    !zpci_rust_reclaimed_free(&domain->passing, zpci_storage_base(), ZPCI_TABLES_AT_ONCE))
		return false;
	return !domain->ending || zpci_rust_table_free(&domain->table, ZPCI_TABLES_AT_ONCE);
}

/* All that passed is freed. Nobody has @domain any more if it ends; it must not be used again. */
static void zpci_grace_end(struct zpci_domain *domain)
{
	unsigned long flags;
	bool again;

	if (domain->ending) {
		kfree(domain);
		return;
	}
	spin_lock_irqsave(&domain->lock, flags);
	again = zpci_grace_begin(domain);
	spin_unlock_irqrestore(&domain->lock, flags);
	if (again)
		call_rcu(&domain->grace, zpci_grace_over);
}

/* A domain may have a million tables, and a callback holds its processor up. */
static void zpci_grace_over(struct rcu_head *grace)
{
	struct zpci_domain *domain = container_of(grace, struct zpci_domain, grace);

	if (zpci_free_some(domain))
		zpci_grace_end(domain);
	else
		queue_work(system_dfl_wq, &domain->rest);
}

/* The rest of what passed. */
void zpci_free_rest(struct work_struct *rest)
{
	struct zpci_domain *domain = container_of(rest, struct zpci_domain, rest);

	while (!zpci_free_some(domain))
		cond_resched();
	zpci_grace_end(domain);
}

/* Frees @reclaimed, which no function sees any more, after a grace period. */
static void zpci_free_later(struct zpci_domain *domain, const struct zpci_rust_reclaimed *reclaimed)
{
	unsigned long flags;
	bool begun;

	spin_lock_irqsave(&domain->lock, flags);
	zpci_rust_reclaimed_join(&domain->waiting, reclaimed, zpci_storage_base());
	begun = !domain->in_grace && zpci_grace_begin(domain);
	spin_unlock_irqrestore(&domain->lock, flags);
	if (begun)
		call_rcu(&domain->grace, zpci_grace_over);
}

/* Keeps @reclaimed, which a function may still see. */
static noinline __cold void zpci_keep(struct zpci_domain *domain,
				      const struct zpci_rust_reclaimed *reclaimed)
{
	unsigned long flags;

	spin_lock_irqsave(&domain->lock, flags);
	zpci_rust_reclaimed_join(&domain->kept, reclaimed, zpci_storage_base());
	spin_unlock_irqrestore(&domain->lock, flags);
}

/*
 * The last one to let go of a domain is the core, or a function that could not
 * be deregistered and is disabled now.
 */
void zpci_domain_put(struct zpci_domain *domain)
{
	unsigned long flags;
	bool begun;

	if (!refcount_dec_and_test(&domain->refs))
		return;
	spin_lock_irqsave(&domain->lock, flags);
	domain->ended = true;
	begun = !domain->in_grace && zpci_grace_begin(domain);
	spin_unlock_irqrestore(&domain->lock, flags);
	if (begun)
		call_rcu(&domain->grace, zpci_grace_over);
}

/*
 * Whether a function was lost that may use the tables for ever. After a refresh
 * this also says of a function that was not on the list any more.
 */
static bool zpci_is_pinned(struct zpci_domain *domain)
{
	/* The list, then the mark: pairs with the barrier in zpci_function_remove(). */
	smp_rmb();
	return READ_ONCE(domain->pinned);
}

/*
 * Frees the tables that were kept since a function might still have used them,
 * if every function forgets them now.
 */
static noinline void zpci_free_kept(struct zpci_domain *domain)
{
	struct zpci_rust_reclaimed kept;
	unsigned long flags;

	spin_lock_irqsave(&domain->lock, flags);
	kept = domain->kept;
	domain->kept.list[0] = 0;
	spin_unlock_irqrestore(&domain->lock, flags);
	/* Somebody else has them. */
	if (!kept.list[0])
		return;
	if (zpci_refresh_all(domain, NULL) || zpci_is_pinned(domain))
		zpci_keep(domain, &kept);
	else
		zpci_free_later(domain, &kept);
}

/*
 * Gives back the tables that are empty now. The range was unmapped and
 * refreshed, and belongs to the caller.
 *
 * Freed is what every registered function has forgotten. The list of
 * attachments has every registered function, and the gate of each decides
 * whether it is registered: one that joins meanwhile, or is registered again
 * after a reset, never sees the entries that led to these tables.
 */
noinline void zpci_reclaim(struct zpci_domain *domain, u64 start, u64 last)
{
	struct zpci_rust_reclaimed reclaimed;

	/* No table spans less than an aligned MiB. */
	if (last - start < SZ_1M - 1 + (-start & (SZ_1M - 1)))
		return;
	if (!READ_ONCE(zpci_reclaims) || READ_ONCE(domain->pinned))
		return;
	if (READ_ONCE(domain->kept.list[0]))
		zpci_free_kept(domain);
	zpci_rust_reclaim(&domain->table, start, last, &reclaimed);
	if (!reclaimed.list[0])
		return;
	if (zpci_refresh(domain, reclaimed.span.start, reclaimed.span.last, NULL) ||
	    zpci_is_pinned(domain))
		zpci_keep(domain, &reclaimed);
	else
		zpci_free_later(domain, &reclaimed);
}
