/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * Locks that many may read and one may write, and time, which passes while a
 * processor waits for one. Nothing behind such a lock yields: who finds it
 * taken met somebody of kernel_hold().
 */
#ifndef RWLOCK_H
#define RWLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct rwlock { int taken, readers; } rwlock_t;

#define HZ			100
#define jiffies			kernel_jiffies()
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define cpu_relax()		kernel_relax()

#define rwlock_init(lock)	((void)((lock)->taken = (lock)->readers = 0))
#define read_lock(lock)		kernel_read_lock(lock)
#define read_unlock(lock)	kernel_read_unlock(lock)
#define read_lock_irqsave(lock, flags)		kernel_read_lock_irqsave(lock, &(flags))
#define read_unlock_irqrestore(lock, flags)	kernel_read_unlock_irqrestore(lock, flags)
#define write_trylock_irqsave(lock, flags)	kernel_write_trylock(lock, &(flags))
#define write_lock_irqsave(lock, flags)		kernel_write_lock(lock, &(flags))
#define write_unlock_irqrestore(lock, flags)	kernel_write_unlock(lock, flags)

unsigned long kernel_jiffies(void);
void kernel_relax(void);
void kernel_read_lock(rwlock_t *lock);
void kernel_read_unlock(rwlock_t *lock);
void kernel_read_lock_irqsave(rwlock_t *lock, unsigned long *flags);
void kernel_read_unlock_irqrestore(rwlock_t *lock, unsigned long flags);
bool kernel_write_trylock(rwlock_t *lock, unsigned long *flags);
void kernel_write_lock(rwlock_t *lock, unsigned long *flags);
void kernel_write_unlock(rwlock_t *lock, unsigned long flags);

/* How long a processor has waited, in ticks, since kernel_hold() */
struct kernel_waited {
	uint32_t interruptible;
	uint32_t in_line;	/* with interrupts off */
};

/* For tests. Another processor reads behind the lock for so many ticks */
void kernel_hold(rwlock_t *lock, uint32_t ticks);
struct kernel_waited kernel_waited(void);
bool kernel_interrupts_are_on(void);
void kernel_interrupts(bool on);

#endif /* RWLOCK_H */
