// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * Functions and domains, by the operations that the shim registers: what the
 * core of the IOMMU layer calls.
 */
#include "kernel.h"
#include "kernel_test.h"
#include "compat.h"
#include "zpci_domain.h"
#include "zpci_function.h"
#include "zpci_shim.h"
#include "shim.h"
#include "stand_in.h"

/* iommu.c */
extern int (*const kernel_zpci_large_frames_setup)(char *text);

/* function.c */
extern int (*const kernel_zpci_directed_init)(void);

/* The numbers that the tests expect */
_Static_assert(EIO == 5 && ENOMEM == 12 && ENODEV == 19 && EINVAL == 22, "errno-base.h");
_Static_assert(EOPNOTSUPP == 95 && EADDRINUSE == 98 && EBUSY == 16, "errno.h");
_Static_assert(GFP_KERNEL == SHIM_GFP_INIT && GFP_ATOMIC == SHIM_GFP_UNMAP, "flags");

struct shim_function *shim_function_new(const struct zpci_rust_function *from)
{
	struct zpci_dev *zdev = calloc(1, sizeof(*zdev));

	if (!zdev)
		abort();
	zdev->fid = from->id;
	zdev->fh = from->handle;
	zdev->gisa = from->gisa;
	zdev->dev.iommu = &zdev->iommu_data;
	zdev->dev.is_pci = true;
	zpci_shim_store(zdev, from);
	sclp.has_dirq = from->directed_interrupts;
	kernel_zpci_directed_init();
	if (zpci_init_iommu(zdev))
		stand_in_note("the function is not taken");
	kernel_knows(zdev, true);
	return (struct shim_function *)zdev;
}

static struct zpci_dev *zdev_of(struct shim_function *function)
{
	return (struct zpci_dev *)function;
}

static const struct iommu_ops *ops(void)
{
	return kernel_iommu_ops();
}

void shim_function_free(struct shim_function *function)
{
	kernel_knows(zdev_of(function), false);
	zpci_destroy_iommu(zdev_of(function));
	free(function);
}

void shim_function_handle(struct shim_function *function, u32 handle)
{
	zdev_of(function)->fh = handle;
}

u32 shim_function_current(const struct shim_function *function)
{
	return ((const struct zpci_dev *)function)->fh;
}

void shim_function_disabled(struct shim_function *function)
{
	struct zpci_function *disabled = zpci_function_lock(zdev_of(function), true);

	zpci_function_disabled(disabled);
	zpci_function_unlock(disabled);
}

void shim_function_wanted(struct shim_function *function, bool wanted)
{
	atomic_t *count = &zpci_function(zdev_of(function))->wanted;

	if (wanted)
		atomic_inc(count);
	else
		atomic_dec(count);
}

bool shim_function_is_wanted(struct shim_function *function)
{
	return atomic_read(&zpci_function(zdev_of(function))->wanted);
}

int shim_function_reset(struct shim_function *function, u8 *status)
{
	return zpci_iommu_register_ioat(zdev_of(function), status);
}

u8 shim_function_clear_error(struct shim_function *function, u8 *status)
{
	struct zpci_dev *zdev = zdev_of(function);
	struct zpci_fib fib = {};

	return zpci_reset_error(zdev, ZPCI_CREATE_REQ(zdev->fh, 0, ZPCI_MOD_FC_RESET_ERROR), &fib,
				status);
}

bool shim_function_blocked(struct shim_function *function)
{
	return zdev_of(function)->s390_domain->type == IOMMU_DOMAIN_BLOCKED;
}

void shim_settings(u64 aperture_bytes, bool large)
{
	zpci_aperture_bytes = aperture_bytes;
	zpci_large_frames = large;
}

bool shim_large_frames(const char *text, bool guest)
{
	kernel_in_guest = guest;
	kernel_zpci_large_frames_setup((char *)text);
	kernel_in_guest = false;
	return zpci_large_frames;
}

void shim_force_floating(bool force)
{
	s390_pci_force_floating = force;
}

void shim_trust_dtsm(bool trust)
{
	zpci_trust_dtsm = trust;
}

void shim_reclaims(bool reclaims)
{
	zpci_reclaims = reclaims;
}

int shim_probe(struct shim_function *function)
{
	struct iommu_device *iommu = ops()->probe_device(&zdev_of(function)->dev);

	return IS_ERR(iommu) ? PTR_ERR(iommu) : 0;
}

bool shim_may_defer(struct shim_function *function)
{
	return ops()->capable(&zdev_of(function)->dev, IOMMU_CAP_DEFERRED_FLUSH);
}

u32 shim_reserved(struct shim_function *function, struct zpci_rust_range *ranges, u32 *interrupts)
{
	struct iommu_resv_region *region, *next;
	struct list_head list;
	u32 count = 0;

	INIT_LIST_HEAD(&list);
	*interrupts = 0;
	ops()->get_resv_regions(&zdev_of(function)->dev, &list);
	list_for_each_entry_safe(region, next, &list, list) {
		ranges[count].start = region->start;
		ranges[count++].last = region->start + region->length - 1;
		*interrupts += region->type == IOMMU_RESV_MSI;
		free(region);
	}
	return count;
}

struct shim_domain *shim_domain_new(struct shim_function *function, int *rc)
{
	struct iommu_domain *domain = ops()->domain_alloc_paging(&zdev_of(function)->dev);

	*rc = 0;
	if (IS_ERR(domain)) {
		*rc = PTR_ERR(domain);
		return NULL;
	}
	/* As the core does */
	domain->type = IOMMU_DOMAIN_UNMANAGED;
	domain->ops = ops()->default_domain_ops;
	return (struct shim_domain *)to_zpci_domain(domain);
}

static struct zpci_domain *domain_of(const struct shim_domain *domain)
{
	return (struct zpci_domain *)domain;
}

void shim_domain_of_dma_api(struct shim_domain *domain)
{
	/* The default on s390: what is unmapped is refreshed later */
	domain_of(domain)->domain.type = IOMMU_DOMAIN_DMA_FQ;
}

void shim_domain_free(struct shim_domain *domain)
{
	domain_of(domain)->domain.ops->free(&domain_of(domain)->domain);
}

void shim_grace_period(void)
{
	while (kernel_works() || kernel_grace_period_ended()) {
		if (kernel_works())
			kernel_run_work();
		else
			kernel_run_callback();
	}
}

u8 shim_domain_designation_type(const struct shim_domain *domain)
{
	struct zpci_rust_root root;

	zpci_rust_table_root(&domain_of(domain)->table, &root);
	return root.designation_type;
}

u64 shim_domain_origin(const struct shim_domain *domain)
{
	struct zpci_rust_root root;

	zpci_rust_table_root(&domain_of(domain)->table, &root);
	return root.origin;
}

u64 shim_domain_last(const struct shim_domain *domain)
{
	return domain_of(domain)->domain.geometry.aperture_end;
}

bool shim_domain_keeps(const struct shim_domain *domain)
{
	return domain_of(domain)->kept.list[0];
}

u32 shim_domain_members(struct shim_domain *domain)
{
	struct zpci_attachment *attachment;
	u32 count = 0;

	guard(rcu)();
	zpci_for_each_member(attachment, domain_of(domain))
		count++;
	return count;
}

int shim_attach(struct shim_domain *domain, struct shim_function *function)
{
	struct device *dev = &zdev_of(function)->dev;

	if (!domain)
		return zpci_identity_domain.ops->attach_dev(&zpci_identity_domain, dev, NULL);
	return domain_of(domain)->domain.ops->attach_dev(&domain_of(domain)->domain, dev, NULL);
}

int shim_detach(struct shim_function *function)
{
	struct iommu_domain *domain = ops()->blocked_domain;

	return domain->ops->attach_dev(domain, &zdev_of(function)->dev, NULL);
}

int shim_release(struct shim_function *function)
{
	struct iommu_domain *domain = ops()->release_domain;

	return domain->ops->attach_dev(domain, &zdev_of(function)->dev, NULL);
}

int shim_map(struct shim_domain *domain, u64 iova, u64 origin, u64 size, bool writable)
{
	struct iommu_domain *iommu = &domain_of(domain)->domain;
	size_t mapped = 0;
	int prot = IOMMU_READ | (writable ? IOMMU_WRITE : 0);

	return iommu->ops->map_pages(iommu, iova, origin, 1, size, prot, SHIM_GFP_MAP, &mapped);
}

int shim_map_io(struct shim_domain *domain, u64 iova, u64 origin, u64 size)
{
	struct iommu_domain *iommu = &domain_of(domain)->domain;
	size_t mapped = 0;

	return iommu->ops->map_pages(iommu, iova, origin, 1, size, IOMMU_READ | IOMMU_MMIO,
				     SHIM_GFP_MAP, &mapped);
}

int shim_sync_map(struct shim_domain *domain, u64 iova, u64 size, u32 *everything)
{
	struct zpci_domain *zpci = domain_of(domain);
	s64 before = zpci->ctrs.global_rpcits.counter;
	int rc = zpci->domain.ops->iotlb_sync_map(&zpci->domain, iova, size);

	*everything = (u32)(zpci->ctrs.global_rpcits.counter - before);
	return rc;
}

u64 shim_unmap(struct shim_domain *domain, u64 iova, u64 size, struct zpci_rust_range *changed,
	       u64 *pages)
{
	struct zpci_domain *zpci = domain_of(domain);
	struct iommu_iotlb_gather gather;
	s64 before = zpci->ctrs.unmapped_pages.counter;
	u64 done;

	iommu_iotlb_gather_init(&gather);
	done = zpci->domain.ops->unmap_pages(&zpci->domain, iova, 1, size, &gather);
	changed->start = gather.start > gather.end ? 1 : gather.start;
	changed->last = gather.start > gather.end ? 0 : gather.end;
	*pages = (u64)(zpci->ctrs.unmapped_pages.counter - before);
	return done;
}

u64 shim_unmap_and_sync(struct shim_domain *domain, u64 iova, u64 size)
{
	struct zpci_domain *zpci = domain_of(domain);
	struct iommu_iotlb_gather gather;
	u64 done;

	iommu_iotlb_gather_init(&gather);
	done = zpci->domain.ops->unmap_pages(&zpci->domain, iova, 1, size, &gather);
	iommu_iotlb_gather_add_range(&gather, iova, size);
	iommu_iotlb_sync(&zpci->domain, &gather);
	return done;
}

u64 shim_unmap_queued(struct shim_domain *domain, u64 iova, u64 size)
{
	struct zpci_domain *zpci = domain_of(domain);
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	return zpci->domain.ops->unmap_pages(&zpci->domain, iova, 1, size, &gather);
}

/* The bytes from @iova that the core has unmapped at once: frames of 1 MiB, or pages up to one */
static u64 piece(const struct iommu_domain *domain, u64 iova, u64 size)
{
	u64 before = -iova & (SZ_1M - 1);

	if (!(domain->pgsize_bitmap & SZ_1M) || size < before + SZ_1M)
		return size;
	return before ? before : size & ~(SZ_1M - 1);
}

u64 shim_unmap_by_core(struct shim_domain *domain, u64 iova, u64 size)
{
	struct iommu_domain *iommu = &domain_of(domain)->domain;
	struct iommu_iotlb_gather gather;
	u64 done, unmapped = 0;

	iommu_iotlb_gather_init(&gather);
	while (unmapped < size) {
		done = iommu->ops->unmap_pages(iommu, iova + unmapped, 1,
					       piece(iommu, iova + unmapped, size - unmapped),
					       &gather);
		if (!done)
			break;
		/* drivers/iommu/iommu.c of Linux 7.2 makes sure that there is a sync */
		if (gather.start >= gather.end)
			iommu_iotlb_gather_add_range(&gather, iova + unmapped, size);
		unmapped += done;
	}
	iommu_iotlb_sync(iommu, &gather);
	return unmapped;
}

u32 shim_unmap_twice(struct shim_domain *domain, u64 first, u64 second, u64 size)
{
	struct zpci_domain *zpci = domain_of(domain);
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	zpci->domain.ops->unmap_pages(&zpci->domain, first, 1, size, &gather);
	zpci->domain.ops->unmap_pages(&zpci->domain, second, 1, size, &gather);
	iommu_iotlb_sync(&zpci->domain, &gather);
	return (u32)zpci->ctrs.sync_rpcits.counter;
}

void shim_domain_counters(const struct shim_domain *domain, u64 *global, u64 *sync_map, u64 *sync)
{
	const struct zpci_iommu_ctrs *ctrs = &domain_of(domain)->ctrs;

	*global = (u64)ctrs->global_rpcits.counter;
	*sync_map = (u64)ctrs->sync_map_rpcits.counter;
	*sync = (u64)ctrs->sync_rpcits.counter;
}

void shim_sync(struct shim_domain *domain, u64 start, u64 last)
{
	/* As an unmap left it that found something */
	struct iommu_iotlb_gather gather = { .start = start, .end = last, .pgsize = SZ_4K };

	iommu_iotlb_sync(&domain_of(domain)->domain, &gather);
}

void shim_flush_all(struct shim_domain *domain)
{
	domain_of(domain)->domain.ops->flush_iotlb_all(&domain_of(domain)->domain);
}

u64 shim_translate(const struct shim_domain *domain, u64 iova)
{
	struct iommu_domain *iommu = &domain_of(domain)->domain;

	return iommu->ops->iova_to_phys(iommu, iova);
}

/* container.c needs more of a kernel, and has tests of its own */
int zpci_add_info(struct iommu_domain **domains, unsigned int count,
		  int (*add)(void *chain, u16 id, u16 version, const void *data, size_t size),
		  void *chain)
{
	(void)domains;
	(void)count;
	(void)add;
	(void)chain;
	return 0;
}

void *zpci_hw_info(struct device *dev, u32 *length, zpci_hw_info_type *type)
{
	(void)dev;
	(void)length;
	(void)type;
	return NULL;
}

int zpci_may_join(struct iommu_domain **domains, unsigned int count)
{
	(void)domains;
	(void)count;
	return 0;
}
