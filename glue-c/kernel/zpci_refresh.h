/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refresh: what makes every function of a domain forget old entries. The first
 * step is inline, since a mapping mostly takes no other.
 */
#ifndef ZPCI_REFRESH_H
#define ZPCI_REFRESH_H

#include <linux/rculist.h>

#include "zpci_domain.h"
#include "zpci_rpcit.h"

/* refresh.c: what is left of a refresh after its first step */
int zpci_refresh_more(struct zpci_attachment *attachment, u32 step, u64 start, u64 last);

/* refresh.c: as zpci_refresh(), for all that the functions can address */
int zpci_refresh_all(struct zpci_domain *domain, atomic64_t *counter);

/*
 * The first step of a refresh: 0 if nothing is left to do, or what
 * zpci_rust_mapped() and zpci_rust_unmapped() go on with. The handle is that of
 * the registration, behind the gate: zdev->fh may be of an event that comes late.
 */
static __always_inline u32 zpci_refresh_once(struct zpci_attachment *attachment, u64 start,
					     u64 last)
{
	unsigned long flags;
	u64 step;

	/* With interrupts off: see gate.c. None is taken within an instruction. */
	read_lock_irqsave(&attachment->gate, flags);
	step = zpci_rust_first_step(&attachment->rust, start, last);
	if (likely(step > ZPCI_RUST_STEP_MORE))
		step = zpci_shim_rpcit(start, last - start + 1, step, false);
	read_unlock_irqrestore(&attachment->gate, flags);
	return step;
}

/*
 * Makes every function forget what changed; the first error. An error says that
 * a function may use old entries. Those that are not registered, and those that
 * are gone, are no error. @counter is NULL for those that a driver which
 * never gives tables back, or splits frames, does not issue.
 */
static __always_inline int zpci_refresh(struct zpci_domain *domain, u64 start, u64 last,
					atomic64_t *counter)
{
	struct zpci_attachment *attachment;
	int rc, result = 0;
	u32 step;

	/* The entries, then the list: see zpci_list(). */
	smp_mb();
	if (list_empty(&domain->attachments))
		return 0;
	rcu_read_lock();
	list_for_each_entry_rcu(attachment, &domain->attachments, entry) {
		if (counter)
			atomic64_inc(counter);
		step = zpci_refresh_once(attachment, start, last);
		if (unlikely(step)) {
			rc = zpci_refresh_more(attachment, step, start, last);
			result = result ?: rc;
		}
	}
	rcu_read_unlock();
	return result;
}

#endif /* ZPCI_REFRESH_H */
