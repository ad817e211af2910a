/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * As much of a kernel as the shim needs, for tests that run it on a host.
 *
 * Names and meanings are those of Linux. Wherever it matters whether another
 * processor comes in between, kernel_yield() is called, so that a test can let
 * one in: before a lock that does not sleep, and what is done behind it is one
 * step, at a barrier, and before each step along a list of RCU. Between two of these, what a
 * processor does is seen by no other one, or as if it were part of the next
 * step. A lock of one function's own (dom_lock) is no such point.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rwlock.h"
#include "zpci_rust.h"

typedef int32_t s32;
typedef int64_t s64;
typedef u64 phys_addr_t;
typedef u64 dma_addr_t;
typedef unsigned int gfp_t;

#define __init
/* Decided when the kernel starts, which is a thread of the tests */
#define __ro_after_init		_Thread_local
#define __cold
#define __force
#define __iomem
#define __packed		__attribute__((__packed__))
#undef __always_inline
#define __always_inline		inline __attribute__((__always_inline__))
#define noinline		__attribute__((__noinline__))
#define likely(x)		(x)
#define unlikely(x)		(x)
#define static_assert		_Static_assert
#define module_param_named(name, value, type, perm)	static_assert(sizeof(value), #name)
#define MODULE_PARM_DESC(name, text)	static_assert(sizeof(text), #name)
#define BIT(n)			(1UL << (n))
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define U64_MAX			UINT64_MAX
#define SZ_4K			0x1000UL
#define max_t(type, a, b)	((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define SZ_1M			0x100000UL
#define PAGE_SHIFT		12
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value)	(*(volatile __typeof__(x) *)&(x) = (value))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define check_mul_overflow(a, b, d) __builtin_mul_overflow(a, b, d)

#define IS_ERR(ptr)		((uintptr_t)(ptr) >= (uintptr_t)-4095)
#define PTR_ERR(ptr)		((int)(intptr_t)(ptr))
#define ERR_PTR(error)		((void *)(intptr_t)(error))

/* Where another processor may come in between; implemented by the test */
enum kernel_point {
	KERNEL_LOCK,
	KERNEL_BARRIER,
	KERNEL_LIST,
	KERNEL_RESCHED,
	KERNEL_GATE_LEFT,
};

void kernel_yield(enum kernel_point point);
/* Whether the allocation succeeds */
bool kernel_may_allocate(gfp_t gfp);
void kernel_rcu_read_lock(void);
void kernel_rcu_read_unlock(void);
void kernel_mutex_lock(void *mutex);
void kernel_mutex_unlock(void *mutex);
/* A line for the log, or a note of something that must not happen */
void kernel_log(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

#define pr_info_once(...)		kernel_log(__VA_ARGS__)
#define pr_warn(...)			kernel_log(__VA_ARGS__)
#define pr_warn_ratelimited(...)	kernel_log(__VA_ARGS__)
#define pr_err(...)			kernel_log(__VA_ARGS__)
#define printk_deferred(...)		kernel_log(__VA_ARGS__)
#define KERN_ERR			""
#define KERN_WARNING			""
#ifndef pr_fmt
#define pr_fmt(fmt)			fmt
#endif
#define DEFINE_RATELIMIT_STATE(name, interval, burst)	int name
#define __ratelimit(state)		((void)(state), true)
/* Counts and says whether the condition holds */
bool kernel_warn_on(bool condition);

#define WARN_ON(condition)		kernel_warn_on(condition)
#define WARN_ON_ONCE(condition)		kernel_warn_on(condition)
#define zpci_dbg(level, ...)		((void)(level), kernel_log(__VA_ARGS__))

/* Memory */
#define GFP_KERNEL	0x11u
#define GFP_ATOMIC	0x33u
#define GFP_NOIO	0x22u
#define GFP_NOWAIT	0x44u
#define __GFP_NOWARN	0x100u
#define __GFP_NOFAIL	0x200u

static inline void *kmalloc(size_t size, gfp_t gfp)
{
	return gfp & __GFP_NOFAIL || kernel_may_allocate(gfp) ? malloc(size) : NULL;
}

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	void *memory = kmalloc(size, gfp);

	return memory ? memset(memory, 0, size) : NULL;
}

#define KERNEL_FLAGS(none, flags, ...)	flags
#define kzalloc_obj(object, ...)						\
	kzalloc(sizeof(object), KERNEL_FLAGS(none, ##__VA_ARGS__, GFP_KERNEL))

/* As an address, 0 if there is none */
unsigned long __get_free_page(gfp_t gfp);
void free_page(unsigned long page);

/* Poisons it, and gives it back at the end of a run that lets other processors in */
void kfree(const void *memory);

void *phys_to_virt(u64 address);
u64 virt_to_phys(const void *pointer);
extern void *high_memory;

/* Locks that do not sleep: nothing behind them yields, so they are never found taken */
typedef struct { int taken; } spinlock_t;

#define DEFINE_SPINLOCK(name)	spinlock_t name
#define spin_lock_init(lock)	((void)((lock)->taken = 0))
#define spin_lock_named(lock, name)						\
	do {									\
		if (!strstr(name, "dom_lock"))					\
			kernel_yield(KERNEL_LOCK);				\
		(lock)->taken++;						\
	} while (0)
#define spin_lock(lock)		spin_lock_named(lock, #lock)
#define spin_unlock(lock)	((void)((lock)->taken--))
#define spin_lock_irqsave(lock, flags)		do { (flags) = 0; spin_lock_named(lock, #lock); } while (0)
#define spin_unlock_irqrestore(lock, flags)	do { (void)(flags); spin_unlock(lock); } while (0)
#define smp_mb()		kernel_yield(KERNEL_BARRIER)
/* What is tried in every order is not reordered by anybody else */
#define smp_rmb()		((void)0)
#define smp_wmb()		((void)0)
#define lockdep_assert_held(lock)	((void)(lock))

struct mutex { int dummy; };

#define DEFINE_MUTEX(name)	struct mutex name
#define mutex_init(lock)	((void)((lock)->dummy = 0))
#define mutex_lock(lock)	kernel_mutex_lock(lock)
#define mutex_unlock(lock)	kernel_mutex_unlock(lock)

static inline void guard_mutex_end(struct mutex **lock)
{
	mutex_unlock(*lock);
}

static inline struct mutex *guard_mutex_start(struct mutex *lock)
{
	mutex_lock(lock);
	return lock;
}

static inline void guard_spinlock_end(spinlock_t **lock)
{
	spin_unlock(*lock);
}

static inline spinlock_t *guard_spinlock_start(spinlock_t *lock)
{
	spin_lock(lock);
	return lock;
}

static inline void guard_rcu_end(int *held)
{
	(void)held;
	kernel_rcu_read_unlock();
}

static inline int guard_rcu_start(void)
{
	kernel_rcu_read_lock();
	return 1;
}

#define GUARD_NAME_(line)	guard_##line
#define GUARD_NAME(line)	GUARD_NAME_(line)
#define GUARD_TYPE_mutex	struct mutex *
#define GUARD_TYPE_spinlock	spinlock_t *
#define GUARD_TYPE_rcu		int
#define guard(kind)							\
	__attribute__((__cleanup__(guard_##kind##_end), __unused__))	\
	GUARD_TYPE_##kind GUARD_NAME(__LINE__) = guard_##kind##_start
#define scoped_guard(kind, ...)						\
	for (GUARD_TYPE_##kind scope					\
	     __attribute__((__cleanup__(guard_##kind##_end))) =		\
	     guard_##kind##_start(__VA_ARGS__), *once = (void *)&scope;	\
	     once; once = NULL)

/* RCU */
struct rcu_head {
	void (*func)(struct rcu_head *head);
	struct rcu_head *next;
	u64 period;
};

#define rcu_read_lock()		kernel_rcu_read_lock()
#define rcu_read_unlock()	kernel_rcu_read_unlock()
void kernel_free_rcu(struct rcu_head *head, void *memory);
struct work_struct {
	void (*func)(struct work_struct *work);
	struct work_struct *next;
	bool pending;
};
struct workqueue_struct;
extern struct workqueue_struct *system_dfl_wq;
#define INIT_WORK(work, function)	((void)((work)->func = (function), (work)->pending = false))
bool queue_work(struct workqueue_struct *queue, struct work_struct *work);
#define cond_resched()			kernel_yield(KERNEL_RESCHED)
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
#define kfree_rcu(ptr, member)	kernel_free_rcu(&(ptr)->member, ptr)

/* Walks of addresses that the caller need not own */
void kernel_walk(void);
#define zpci_rust_catch_up(...)		(kernel_walk(), zpci_rust_catch_up(__VA_ARGS__))
#define zpci_rust_translate(...)	(kernel_walk(), zpci_rust_translate(__VA_ARGS__))

/* Lists */
struct list_head { struct list_head *next, *prev; };

#define INIT_LIST_HEAD(list)	((void)((list)->next = (list)->prev = (list)))
#define INIT_LIST_HEAD_RCU	INIT_LIST_HEAD
#define list_empty(list)	((list)->next == (list))

static inline void list_add(struct list_head *entry, struct list_head *list)
{
	entry->next = list->next;
	entry->prev = list;
	list->next->prev = entry;
	list->next = entry;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *list)
{
	list_add(entry, list->prev);
}

/* The entry still leads on, for who stands at it */
static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
}

#define list_add_rcu		list_add
#define list_del_rcu		list_del
#define list_entry(ptr, type, member)	container_of(ptr, type, member)

static inline struct list_head *kernel_next(struct list_head *entry)
{
	kernel_yield(KERNEL_LIST);
	return entry->next;
}

#define list_for_each_entry_rcu(pos, head, member)				\
	for (pos = list_entry(kernel_next(head), __typeof__(*pos), member);	\
	     &pos->member != (head);						\
	     pos = list_entry(kernel_next(&pos->member), __typeof__(*pos), member))
#define list_for_each_entry(pos, head, member)					\
	for (pos = list_entry((head)->next, __typeof__(*pos), member);		\
	     &pos->member != (head);						\
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_entry_safe(pos, next_pos, head, member)			\
	for (pos = list_entry((head)->next, __typeof__(*pos), member),		\
	     next_pos = list_entry(pos->member.next, __typeof__(*pos), member);	\
	     &pos->member != (head);						\
	     pos = next_pos,							\
	     next_pos = list_entry(next_pos->member.next, __typeof__(*pos), member))

struct hlist_node { struct hlist_node *next; };

#define DEFINE_HASHTABLE(name, bits)	struct hlist_node *name
#define hash_add_rcu(table, node_, key)	\
	do { (void)(key); (node_)->next = (table); (table) = (node_); } while (0)

static inline void kernel_hash_del(struct hlist_node **table, struct hlist_node *node)
{
	while (*table && *table != node)
		table = &(*table)->next;
	if (*table)
		*table = node->next;
}

/* The only table of the shim */
#define hash_del_rcu(node_)	kernel_hash_del(&zpci_functions, node_)
#define hash_for_each_possible_rcu(table, pos, member, key)			\
	for (struct hlist_node *at_ = ((void)(key), (table));			\
	     at_ && (pos = container_of(at_, __typeof__(*pos), member), 1);	\
	     at_ = at_->next)

typedef struct { int count; } refcount_t;

#define refcount_set(ref, value)	((void)((ref)->count = (value)))
#define refcount_inc(ref)		((void)((ref)->count++))
#define refcount_dec_and_test(ref)	(--(ref)->count == 0)
#define refcount_read(ref)		((ref)->count)

typedef struct { int counter; } atomic_t;
#define atomic_read(v)		((v)->counter)
#define atomic_inc(v)		((void)((v)->counter++))
#define atomic_dec(v)		((void)((v)->counter--))
typedef struct { s64 counter; } atomic64_t;

#define atomic64_inc(v)		((void)((v)->counter++))
#define atomic64_add(i, v)	((void)((v)->counter += (i)))

/* Devices, functions, domains: the members that the shim uses */
struct device;

struct iommu_device { int dummy; };

struct dev_iommu { unsigned int shadow_on_flush : 1; };

struct device {
	struct dev_iommu *iommu;
	bool is_pci;
};

enum iommu_resv_type { IOMMU_RESV_RESERVED, IOMMU_RESV_MSI };

struct iommu_resv_region {
	struct list_head list;
	phys_addr_t start;
	size_t length;
	int prot;
	enum iommu_resv_type type;
};

struct iommu_resv_region *iommu_alloc_resv_region(phys_addr_t start, size_t length, int prot,
						  enum iommu_resv_type type, gfp_t gfp);

struct iommu_domain_geometry {
	dma_addr_t aperture_start;
	dma_addr_t aperture_end;
	bool force_aperture;
};

#define __IOMMU_DOMAIN_DMA_API	2
#define __IOMMU_DOMAIN_PT	4
#define IOMMU_DOMAIN_BLOCKED	0
#define IOMMU_DOMAIN_IDENTITY	4
#define IOMMU_DOMAIN_DMA	3
#define IOMMU_DOMAIN_DMA_FQ	11
#define IOMMU_DOMAIN_UNMANAGED	1

struct iommu_domain_ops;

struct iommu_domain {
	unsigned int type;
	const struct iommu_domain_ops *ops;
	unsigned long pgsize_bitmap;
	struct iommu_domain_geometry geometry;
};

struct iommu_iotlb_gather {
	unsigned long start;
	unsigned long end;
	size_t pgsize;
	bool queued;
};

void iommu_iotlb_gather_init(struct iommu_iotlb_gather *gather);
void iommu_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather);
void iommu_iotlb_gather_add_range(struct iommu_iotlb_gather *gather, unsigned long iova,
				  size_t size);

enum iommu_cap { IOMMU_CAP_CACHE_COHERENCY, IOMMU_CAP_DEFERRED_FLUSH, IOMMU_CAP_OTHER };
enum iommu_hw_info_type { IOMMU_HW_INFO_TYPE_NONE };

#define IOMMU_READ	1
#define IOMMU_WRITE	2
#define IOMMU_MMIO	16

struct iommu_domain_ops {
	int (*attach_dev)(struct iommu_domain *domain, struct device *dev, struct iommu_domain *old);
	int (*map_pages)(struct iommu_domain *domain, unsigned long iova, phys_addr_t paddr,
			 size_t pgsize, size_t pgcount, int prot, gfp_t gfp, size_t *mapped);
	size_t (*unmap_pages)(struct iommu_domain *domain, unsigned long iova, size_t pgsize,
			      size_t pgcount, struct iommu_iotlb_gather *gather);
	void (*flush_iotlb_all)(struct iommu_domain *domain);
	void (*iotlb_sync)(struct iommu_domain *domain, struct iommu_iotlb_gather *gather);
	int (*iotlb_sync_map)(struct iommu_domain *domain, unsigned long iova, size_t size);
	phys_addr_t (*iova_to_phys)(struct iommu_domain *domain, dma_addr_t iova);
	int (*add_info)(struct iommu_domain **domains, unsigned int count,
			int (*add)(void *chain, u16 id, u16 version, const void *data, size_t size),
			void *chain);
	int (*may_join)(struct iommu_domain **domains, unsigned int count);
	void (*free)(struct iommu_domain *domain);
};

struct iommu_ops {
	void *(*hw_info)(struct device *dev, u32 *length, enum iommu_hw_info_type *type);
	struct iommu_domain *blocked_domain;
	struct iommu_domain *release_domain;
	struct iommu_domain *identity_domain;
	bool (*capable)(struct device *dev, enum iommu_cap cap);
	struct iommu_domain *(*domain_alloc_paging)(struct device *dev);
	struct iommu_device *(*probe_device)(struct device *dev);
	int (*device_group)(struct device *dev);
	void (*get_resv_regions)(struct device *dev, struct list_head *list);
	const struct iommu_domain_ops *default_domain_ops;
};

int generic_device_group(struct device *dev);
int iommu_device_sysfs_add(struct iommu_device *iommu, void *parent, void *groups,
			   const char *format, ...);
void iommu_device_sysfs_remove(struct iommu_device *iommu);
/* Keeps @ops, for the test to call */
int iommu_device_register(struct iommu_device *iommu, const struct iommu_ops *ops, void *device);
void iommu_device_unregister(struct iommu_device *iommu);
static inline void iommu_set_dma_strict(void) {}
extern bool iommu_dma_forcedac;

struct zpci_iommu_ctrs {
	atomic64_t mapped_pages;
	atomic64_t unmapped_pages;
	atomic64_t global_rpcits;
	atomic64_t sync_map_rpcits;
	atomic64_t sync_rpcits;
};

struct zpci_bar_struct {
	void *mio_wb;
	void *mio_wt;
	u32 val;
	u8 size;
};

#define PCI_STD_NUM_BARS	6
#define PCI_SPEED_UNKNOWN	0
#define PCIE_SPEED_5_0GT	1

enum zpci_state {
	ZPCI_FN_STATE_STANDBY,
	ZPCI_FN_STATE_CONFIGURED,
	ZPCI_FN_STATE_RESERVED,
};

struct zpci_fmb {
	u32 format;
	u32 samples;
	u64 last_update;
	u64 counters[4];
	u64 fmt0[4];
} __attribute__((__aligned__(128)));

struct zpci_dev {
	struct list_head entry;
	enum zpci_state state;
	struct device dev;
	struct iommu_device iommu_dev;
	struct dev_iommu iommu_data;
	spinlock_t dom_lock;
	struct iommu_domain *s390_domain;
	struct zpci_fmb *fmb;
	u32 fid;
	u32 fh;
	u32 uid;
	u32 gisa;
	u64 start_dma;
	u64 end_dma;
	u64 dma_mask;
	u64 msi_addr;
	struct zpci_bar_struct bars[PCI_STD_NUM_BARS];
	u16 vfn;
	u16 pchid;
	u16 fmb_length;
	u16 rid;
	u16 tid;
	u16 max_msi;
	u16 maxstbl;
	u16 fmb_update;
	u8 pfgid;
	u8 pft;
	u8 port;
	u8 fidparm;
	u8 dtsm;
	u8 version;
	u8 max_bus_speed;
	u8 pfip[4];
	u8 util_str[64];
	bool is_physfn;
	bool rid_available;
	bool tid_avail;
	bool util_str_avail;
	bool mio_capable;
	bool tlb_refresh;
	bool rtr_avail;
};

static inline struct zpci_dev *to_zpci_dev(struct device *dev)
{
	return container_of(dev, struct zpci_dev, dev);
}

/* arch/s390/pci: functions that the kernel knows, and whether it uses mapped I/O */
struct zpci_dev *get_zdev_by_fid(u32 fid);
void zpci_zdev_put(struct zpci_dev *zdev);
struct zpci_dev *zpci_create_device(u32 fid, u32 fh, enum zpci_state state);
void zpci_update_fh(struct zpci_dev *zdev, u32 fh);
bool zpci_use_mio(struct zpci_dev *zdev);

static inline bool zdev_enabled(struct zpci_dev *zdev)
{
	return zdev->fh & 0x80000000;
}

/* The kernel's own measurement */
int zpci_fmb_enable_device(struct zpci_dev *zdev);
int zpci_fmb_disable_device(struct zpci_dev *zdev);

/* What the shim is to those: CLP */
#define CLP_RC_SETPCIFN_ALRDY	0x0105
int clp_scan_pci_devices(struct list_head *scan_list);
int clp_query_pci_fn(struct zpci_dev *zdev);
int clp_enable_fh(struct zpci_dev *zdev, u32 *fh, u8 nr_dma_as);
int clp_disable_fh(struct zpci_dev *zdev, u32 *fh);
int clp_get_state(u32 fid, enum zpci_state *state);
int clp_refresh_fh(u32 fid, u32 *fh);
int clp_setup_writeback_mio(void);
void update_uid_checking(bool new);
extern bool zpci_unique_uid;
extern _Thread_local unsigned long mio_wb_bit_mask;

#define BITS_PER_LONG	64
#define set_bit_inv(bit, mask)	((void)(*(mask) |= 1UL << (63 - (bit))))

#define dev_is_pci(device)	((device)->is_pci)

struct zpci_sclp { bool has_dirq; };
extern _Thread_local struct zpci_sclp sclp;
extern _Thread_local unsigned int s390_pci_force_floating;

int zpci_init_iommu(struct zpci_dev *zdev);
void zpci_destroy_iommu(struct zpci_dev *zdev);
int zpci_iommu_register_ioat(struct zpci_dev *zdev, u8 *status);

struct zpci_fib {
	u64 words[8];
	u64 fmb_addr;
	u32 reserved;
	u32 gd;
};

#define ZPCI_MOD_FC_RESET_ERROR		7
#define ZPCI_MOD_FC_SET_MEASURE		10
#define ZPCI_CREATE_REQ(handle, space, control) \
	((u64)(handle) << 32 | (u64)(space) << 16 | (control))
u8 zpci_mod_fc(u64 req, struct zpci_fib *fib, u8 *status);
u8 zpci_reset_error(struct zpci_dev *zdev, u64 req, struct zpci_fib *fib, u8 *status);

static inline int kstrtou32(const char *text, unsigned int base, u32 *value)
{
	*value = (u32)strtoul(text, NULL, (int)base);
	return 0;
}

static inline int kstrtobool(const char *text, bool *value)
{
	*value = text[0] == '1';
	return 0;
}

/* Whether the machine is one that KVM or QEMU makes */
extern bool kernel_in_guest;

static inline bool machine_is_kvm(void)
{
	return kernel_in_guest;
}

/* Parameters and initialisation are for the boots; the functions stay used */
#define __setup(name, function)	\
	extern int (*const kernel_##function)(char *text); \
	int (*const kernel_##function)(char *text) = function
#define subsys_initcall(function) \
	extern int (*const kernel_##function)(void); \
	int (*const kernel_##function)(void) = function
#define EXPORT_SYMBOL_GPL(symbol)	extern int kernel_exported

#endif /* KERNEL_H */
