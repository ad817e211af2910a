// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refresh beyond its first step: what was busy, failed or was missed, and all
 * that the functions of a domain can address.
 */
#define pr_fmt(fmt) "zpci: " fmt

#include <linux/pci.h>
#include <linux/rculist.h>
#include <asm/pci_dma.h>

#include "compat.h"
#include "zpci_refresh.h"
#include "zpci_shim.h"

static noinline __cold int zpci_refresh_failed(struct zpci_attachment *attachment, int rc)
{
	zpci_printk_later(KERN_WARNING,
			  "FID %08x: refresh failed (%d); it is made up for by the next one\n",
			  attachment->zdev->fid, rc);
	return rc;
}

noinline __cold int zpci_refresh_more(struct zpci_attachment *attachment, u32 step, u64 start,
				      u64 last)
{
	int rc = zpci_rust_unmapped(&attachment->rust, start, last, step);

	return rc ? zpci_refresh_failed(attachment, rc) : 0;
}

int zpci_refresh_all(struct zpci_domain *domain, atomic64_t *counter)
{
	struct zpci_attachment *attachment;
	int rc, result = 0;

	/* The entries, then the list: see zpci_list(). */
	smp_mb();
	rcu_read_lock();
	list_for_each_entry_rcu(attachment, &domain->attachments, entry) {
		if (counter)
			atomic64_inc(counter);
		rc = zpci_rust_refresh_all(&attachment->rust);
		/* What was out of resources may have given some back. */
		if (rc == -ENOMEM)
			rc = zpci_rust_refresh_all(&attachment->rust);
		if (rc)
			result = result ?: zpci_refresh_failed(attachment, rc);
	}
	rcu_read_unlock();
	return result;
}
