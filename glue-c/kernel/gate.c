// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate of an attachment, for the Rust object.
 */
#include <linux/jiffies.h>
#include <linux/processor.h>
#include <linux/spinlock.h>

#include "zpci_shim.h"

void zpci_rust_gate_shared(void *gate)
{
	read_lock((rwlock_t *)gate);
}

void zpci_rust_gate_shared_end(void *gate)
{
	read_unlock((rwlock_t *)gate);
}

u64 zpci_rust_gate_exclusive(void *gate)
{
	unsigned long flags, patience = jiffies + HZ;

	/*
	 * Somebody's RPCIT may take its time: wait with interrupts on. Those
	 * that keep coming must not keep this one out, so it gets into line.
	 */
	while (!write_trylock_irqsave((rwlock_t *)gate, flags)) {
		if (time_after(jiffies, patience)) {
			write_lock_irqsave((rwlock_t *)gate, flags);
			break;
		}
		cpu_relax();
	}
	return flags;
}

void zpci_rust_gate_exclusive_end(void *gate, u64 flags)
{
	write_unlock_irqrestore((rwlock_t *)gate, (unsigned long)flags);
}
