// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * The functions of the kernel that kernel.h declares. A test decides by hooks
 * when another processor comes in between, what fails, and when a grace period
 * ends.
 */
#include <malloc.h>
#include <stdarg.h>

#include "kernel.h"
#include "kernel_test.h"
#include "stand_in.h"
#include "zpci_rust.h"

bool iommu_dma_forcedac;
bool kernel_in_guest;
_Thread_local struct zpci_sclp sclp;
_Thread_local unsigned int s390_pci_force_floating;
void *high_memory;

static _Thread_local struct kernel_hooks hooks;

/*
 * Read-side sections and callbacks. A callback may run when every section that
 * had begun when it was queued has ended: each section is numbered by its
 * start.
 */
static _Thread_local struct {
	u64 now;			/* counts starts of sections and callbacks */
	u64 running[KERNEL_SECTIONS];	/* when it began, 0: none */
	struct rcu_head *first;
	struct rcu_head **end;
} rcu;

struct workqueue_struct *system_dfl_wq;
/* Work that waits for a worker */
static _Thread_local struct work_struct *works;

static _Thread_local struct { void *mutex; } taken[KERNEL_SECTIONS];

/* What was freed while other processors may come in, until the run ends */
static _Thread_local struct { void **memory; u32 count, capacity; } freed;
static _Thread_local char log_text[256];
static _Thread_local u32 warnings;

void kernel_reset(const struct kernel_hooks *new_hooks)
{
	while (freed.count)
		free(freed.memory[--freed.count]);
	memset(&rcu, 0, sizeof(rcu));
	memset(taken, 0, sizeof(taken));
	works = NULL;
	log_text[0] = 0;
	warnings = 0;
	hooks = new_hooks ? *new_hooks : (struct kernel_hooks){};
}

void kernel_yield(enum kernel_point point)
{
	if (hooks.yield)
		hooks.yield(hooks.context, point);
}

bool kernel_may_allocate(gfp_t gfp)
{
	u32 i;

	/* Who resets a function waits for its lock, and storage may be written to that very function. */
	for (i = 0; i < KERNEL_SECTIONS && gfp == GFP_KERNEL && !hooks.yield; i++) {
		if (taken[i].mutex)
			stand_in_note("storage that is written out is waited for with a mutex taken");
	}
	return !hooks.may_allocate || hooks.may_allocate(hooks.context);
}

void kfree(const void *memory)
{
	void *freed_memory = (void *)memory;

	if (!memory)
		return;
	memset(freed_memory, 0xa5, malloc_usable_size(freed_memory));
	if (!hooks.yield) {
		free(freed_memory);
		return;
	}
	if (freed.count == freed.capacity) {
		freed.capacity = 2 * freed.capacity + 16;
		freed.memory = realloc(freed.memory, freed.capacity * sizeof(*freed.memory));
		if (!freed.memory)
			abort();
	}
	freed.memory[freed.count++] = freed_memory;
}

void kernel_walk(void)
{
	if (!kernel_sections())
		stand_in_note("tables of others are walked outside of a read-side section");
}

void kernel_log(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(log_text, sizeof(log_text), format, arguments);
	va_end(arguments);
}

bool kernel_warn_on(bool condition)
{
	warnings += condition;
	return condition;
}

u32 kernel_warnings(void)
{
	u32 found = warnings;

	warnings = 0;
	return found;
}

const char *kernel_last_log(void)
{
	return log_text;
}

void kernel_rcu_read_lock(void)
{
	u32 i;

	for (i = 0; i < KERNEL_SECTIONS; i++) {
		if (!rcu.running[i]) {
			rcu.running[i] = ++rcu.now;
			if (hooks.section)
				hooks.section(hooks.context, i);
			return;
		}
	}
	stand_in_note("more than %d read-side sections", KERNEL_SECTIONS);
}

void kernel_rcu_read_unlock(void)
{
	u32 section = 0;

	/* Without others the last one that was begun */
	if (hooks.section)
		section = hooks.section(hooks.context, KERNEL_SECTIONS);
	else
		while (section + 1 < KERNEL_SECTIONS && rcu.running[section + 1])
			section++;

	if (section >= KERNEL_SECTIONS || !rcu.running[section])
		stand_in_note("end of a read-side section that was not begun");
	else
		rcu.running[section] = 0;
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	head->next = NULL;
	head->period = ++rcu.now;
	if (!rcu.end)
		rcu.end = &rcu.first;
	*rcu.end = head;
	rcu.end = &head->next;
}

/* As in the kernel: what is queued twice runs once. */
bool queue_work(struct workqueue_struct *queue, struct work_struct *work)
{
	struct work_struct **end = &works;

	(void)queue;
	if (work->pending)
		return false;
	work->pending = true;
	work->next = NULL;
	while (*end)
		end = &(*end)->next;
	*end = work;
	return true;
}

u32 kernel_works(void)
{
	const struct work_struct *work;
	u32 count = 0;

	for (work = works; work; work = work->next)
		count++;
	return count;
}

void kernel_run_work(void)
{
	struct work_struct *work = works;

	if (!work)
		return;
	works = work->next;
	work->pending = false;
	work->func(work);
}

/* What is freed is found by its head, which is in it */
struct freed {
	struct rcu_head head;
	struct rcu_head *member;
	void *memory;
};

static void free_memory(struct rcu_head *head)
{
	struct freed *freed = container_of(head, struct freed, head);

	free(freed->memory);
	free(freed);
}

void kernel_free_rcu(struct rcu_head *head, void *memory)
{
	struct freed *freed = malloc(sizeof(*freed));

	if (!freed)
		abort();
	freed->member = head;
	freed->memory = memory;
	call_rcu(&freed->head, free_memory);
}

u32 kernel_callbacks(void)
{
	const struct rcu_head *head;
	u32 count = 0;

	for (head = rcu.first; head; head = head->next)
		count++;
	return count;
}

bool kernel_grace_period_ended(void)
{
	u32 i;

	if (!rcu.first)
		return false;
	for (i = 0; i < KERNEL_SECTIONS; i++) {
		if (rcu.running[i] && rcu.running[i] < rcu.first->period)
			return false;
	}
	return true;
}

void kernel_run_callback(void)
{
	struct rcu_head *head = rcu.first;

	if (!head)
		return;
	rcu.first = head->next;
	if (!rcu.first)
		rcu.end = &rcu.first;
	head->func(head);
}

u32 kernel_sections(void)
{
	u32 i, count = 0;

	for (i = 0; i < KERNEL_SECTIONS; i++)
		count += !!rcu.running[i];
	return count;
}

bool kernel_mutex_is_taken(const void *mutex)
{
	u32 i;

	for (i = 0; i < KERNEL_SECTIONS; i++) {
		if (taken[i].mutex == mutex)
			return true;
	}
	return false;
}

void kernel_mutex_lock(void *mutex)
{
	u32 i;

	while (kernel_mutex_is_taken(mutex)) {
		if (!hooks.wait) {
			stand_in_note("a mutex is taken twice");
			return;
		}
		hooks.wait(hooks.context, mutex);
	}
	for (i = 0; i < KERNEL_SECTIONS; i++) {
		if (!taken[i].mutex) {
			taken[i].mutex = mutex;
			return;
		}
	}
	stand_in_note("more than %d mutexes", KERNEL_SECTIONS);
}

void kernel_mutex_unlock(void *mutex)
{
	u32 i;

	for (i = 0; i < KERNEL_SECTIONS; i++) {
		if (taken[i].mutex == mutex) {
			taken[i].mutex = NULL;
			return;
		}
	}
	stand_in_note("a mutex is given back that was not taken");
}

void *phys_to_virt(u64 address)
{
	return (void *)(uintptr_t)(address + stand_in_base());
}

u64 virt_to_phys(const void *pointer)
{
	return (u64)(uintptr_t)pointer - stand_in_base();
}

struct iommu_resv_region *iommu_alloc_resv_region(phys_addr_t start, size_t length, int prot,
						  enum iommu_resv_type type, gfp_t gfp)
{
	struct iommu_resv_region *region = kzalloc(sizeof(*region), gfp);

	if (region) {
		region->start = start;
		region->length = length;
		region->prot = prot;
		region->type = type;
	}
	return region;
}

void iommu_iotlb_gather_init(struct iommu_iotlb_gather *gather)
{
	*gather = (struct iommu_iotlb_gather){ .start = (unsigned long)-1 };
}

void iommu_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	if (gather->start < gather->end)
		domain->ops->iotlb_sync(domain, gather);
	iommu_iotlb_gather_init(gather);
}

void iommu_iotlb_gather_add_range(struct iommu_iotlb_gather *gather, unsigned long iova,
				  size_t size)
{
	unsigned long last = iova + size - 1;

	if (gather->start > iova)
		gather->start = iova;
	if (gather->end < last)
		gather->end = last;
}

static const struct iommu_ops *registered_ops;

const struct iommu_ops *kernel_iommu_ops(void)
{
	return registered_ops;
}

int generic_device_group(struct device *dev)
{
	(void)dev;
	return 0;
}

int iommu_device_sysfs_add(struct iommu_device *iommu, void *parent, void *groups,
			   const char *format, ...)
{
	(void)iommu;
	(void)parent;
	(void)groups;
	(void)format;
	return 0;
}

void iommu_device_sysfs_remove(struct iommu_device *iommu)
{
	(void)iommu;
}

int iommu_device_register(struct iommu_device *iommu, const struct iommu_ops *ops, void *device)
{
	(void)iommu;
	(void)device;
	registered_ops = ops;
	return 0;
}

void iommu_device_unregister(struct iommu_device *iommu)
{
	(void)iommu;
}

u8 zpci_mod_fc(u64 req, struct zpci_fib *fib, u8 *status)
{
	u8 cc;

	kernel_yield(KERNEL_LOCK);
	do
		cc = zpci_rust_mpcifc(req >> 32, req & 0xff, fib, status, false);
	while (cc == 2);
	return cc;
}
