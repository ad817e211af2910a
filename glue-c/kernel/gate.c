// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate of an attachment, for the Rust object.
 *
 * It is passed with interrupts off, also by readers. On s390 a reader waits
 * behind a writer that waits, unless it is in an interrupt; whoever holds a lock
 * that interrupts take, such as that of a flush queue, would wait for a reader
 * that was interrupted by somebody who wants that lock.
 */
#include <linux/jiffies.h>
#include <linux/processor.h>
#include <linux/spinlock.h>

#include "zpci_shim.h"

u64 zpci_rust_gate_shared(void *gate)
{
	unsigned long flags;

	read_lock_irqsave((rwlock_t *)gate, flags);
	return flags;
}

void zpci_rust_gate_shared_end(void *gate, u64 flags)
{
	read_unlock_irqrestore((rwlock_t *)gate, (unsigned long)flags);
}

u64 zpci_rust_gate_exclusive(void *gate)
{
	unsigned long flags, patience = jiffies + HZ;

	/*
	 * Somebody's RPCIT may take its time: wait with interrupts on. Those
	 * that keep coming must not keep this one out, so it gets into line,
	 * where only those in interrupts pass it.
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
