// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The locks of rwlock.h. All state belongs to the thread that calls.
 */
#include "kernel.h"
#include "stand_in.h"

/* In what is saved of interrupts beside whether they are off */
#define SAVED	0x7f0ul

static _Thread_local bool interrupts_off;
static _Thread_local unsigned long now;
static _Thread_local struct { rwlock_t *lock; u32 ticks; } other;
static _Thread_local struct kernel_waited waited;

unsigned long kernel_jiffies(void)
{
	return now;
}

static void tick(u32 *wait)
{
	now++;
	++*wait;
	if (other.lock && !--other.ticks) {
		other.lock->readers--;
		other.lock = NULL;
	}
}

void kernel_relax(void)
{
	tick(interrupts_off ? &waited.in_line : &waited.interruptible);
}

void kernel_hold(rwlock_t *lock, u32 ticks)
{
	lock->readers++;
	other.lock = lock;
	other.ticks = ticks;
	waited = (struct kernel_waited){};
}

struct kernel_waited kernel_waited(void)
{
	return waited;
}

bool kernel_interrupts_are_on(void)
{
	return !interrupts_off;
}

void kernel_interrupts(bool on)
{
	interrupts_off = !on;
}

static void pass(rwlock_t *lock)
{
	if (lock->taken)
		stand_in_note("a gate is passed while it is closed");
	/* Who interrupts it may wait for somebody who waits for it. */
	if (!interrupts_off)
		stand_in_note("a gate is passed with interrupts on");
	lock->readers++;
}

void kernel_read_lock(rwlock_t *lock)
{
	kernel_yield(KERNEL_LOCK);
	pass(lock);
}

void kernel_read_unlock(rwlock_t *lock)
{
	if (!lock->readers--)
		stand_in_note("a gate is left that was not passed");
	kernel_yield(KERNEL_GATE_LEFT);
}

void kernel_read_lock_irqsave(rwlock_t *lock, unsigned long *flags)
{
	kernel_yield(KERNEL_LOCK);
	*flags = SAVED | interrupts_off;
	interrupts_off = true;
	pass(lock);
}

void kernel_read_unlock_irqrestore(rwlock_t *lock, unsigned long flags)
{
	if ((flags & ~1ul) != SAVED)
		stand_in_note("a gate is left with other flags");
	interrupts_off = flags & 1;
	kernel_read_unlock(lock);
}

static bool is_held(const rwlock_t *lock)
{
	return other.lock == lock;
}

/* Interrupts are off from when it has begun to wait */
static void take(rwlock_t *lock, unsigned long *flags)
{
	*flags = SAVED | interrupts_off;
	interrupts_off = true;
	while (is_held(lock))
		kernel_relax();
	if (lock->taken++ || lock->readers)
		stand_in_note("a gate is closed twice, or while somebody passes it");
}

bool kernel_write_trylock(rwlock_t *lock, unsigned long *flags)
{
	kernel_yield(KERNEL_LOCK);
	if (is_held(lock)) {
		/* On a real one, it is off for a moment */
		*flags = 0;
		return false;
	}
	take(lock, flags);
	return true;
}

void kernel_write_lock(rwlock_t *lock, unsigned long *flags)
{
	kernel_yield(KERNEL_LOCK);
	take(lock, flags);
}

void kernel_write_unlock(rwlock_t *lock, unsigned long flags)
{
	if ((flags & ~1ul) != SAVED)
		stand_in_note("a gate is opened with other flags");
	lock->taken--;
	interrupts_off = flags & 1;
}
