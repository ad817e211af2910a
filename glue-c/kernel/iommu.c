// SPDX-License-Identifier: GPL-2.0-only
/*
 * The s390 IOMMU: domains and mappings. Tables and decisions are Rust.
 */
#define pr_fmt(fmt) "zpci: " fmt

#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <asm/pci_dma.h>

#include "../dma-iommu.h"
#include "compat.h"
#include "zpci_domain.h"
#include "zpci_refresh.h"
#include "zpci_shim.h"

u64 zpci_aperture_bytes;
static u32 zpci_aperture_factor = 1;
bool zpci_large_frames;

static bool zpci_capable(struct device *dev, enum iommu_cap cap)
{
	struct zpci_rust_limits limits;

	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return true;
	case IOMMU_CAP_DEFERRED_FLUSH:
		zpci_shim_limits(to_zpci_dev(dev), &limits);
		return zpci_rust_may_defer(&limits);
	default:
		return false;
	}
}

static struct iommu_domain *zpci_domain_alloc_paging(struct device *dev)
{
	struct zpci_rust_limits limits;
	struct zpci_domain *domain;
	int rc;

	domain = kzalloc_obj(*domain);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	zpci_shim_limits(to_zpci_dev(dev), &limits);
	rc = zpci_rust_table_init(&domain->table, zpci_storage_base(), &limits,
				  zpci_aperture_bytes, zpci_large_frames, (__force u32)GFP_KERNEL);
	if (rc) {
		kfree(domain);
		return ERR_PTR(rc);
	}
	domain->quick = SZ_4K;
	spin_lock_init(&domain->lock);
	INIT_LIST_HEAD_RCU(&domain->attachments);
	INIT_WORK(&domain->rest, zpci_free_rest);
	refcount_set(&domain->refs, 1);
	domain->domain.pgsize_bitmap = zpci_large_frames ? SZ_4K | SZ_1M : SZ_4K;
	domain->domain.geometry.force_aperture = true;
	domain->domain.geometry.aperture_end = zpci_rust_table_last(&domain->table);
	return &domain->domain;
}

static void zpci_reserve(struct list_head *list, const struct zpci_rust_range *range,
			 enum iommu_resv_type type)
{
	u64 last = min(range->last, ZPCI_LAST_RESERVED);
	struct iommu_resv_region *region;

	if (range->start > last)
		return;
	region = iommu_alloc_resv_region(range->start, last - range->start + 1, 0, type,
					 GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, list);
}

static void zpci_get_resv_regions(struct device *dev, struct list_head *list)
{
	struct zpci_dev *zdev = to_zpci_dev(dev);
	struct zpci_rust_range reserved[2], interrupts;
	struct zpci_rust_function function;
	struct zpci_rust_limits limits;
	u32 count, i;

	zpci_shim_limits(zdev, &limits);
	count = zpci_rust_reserved(&limits, zpci_aperture_bytes, reserved);
	for (i = 0; i < count; i++)
		zpci_reserve(list, &reserved[i], IOMMU_RESV_RESERVED);
	zpci_shim_describe(zdev, &function);
	if (zpci_rust_interrupts(&function, zpci_aperture_bytes, &interrupts))
		zpci_reserve(list, &interrupts, IOMMU_RESV_MSI);
}

static struct iommu_device *zpci_probe_device(struct device *dev)
{
	struct zpci_dev *zdev;

	if (!dev_is_pci(dev))
		return ERR_PTR(-ENODEV);
	zdev = to_zpci_dev(dev);
	/* A window that no table reaches still serves a function without translation. */
	if (zdev->start_dma > zdev->end_dma)
		return ERR_PTR(-EINVAL);
	if (zdev->tlb_refresh)
		dev->iommu->shadow_on_flush = 1;
	return &zdev->iommu_dev;
}

static void zpci_domain_free(struct iommu_domain *iommu_domain)
{
	struct zpci_domain *domain = to_zpci_domain(iommu_domain);
	u64 last = zpci_rust_table_last(&domain->table), half = last / 2 + 1;
	struct zpci_rust_unmapped unmapped;

	/*
	 * A function whose translation the machine did not end may go on to use
	 * the tables, but what they lead to belongs to others from now on. Of
	 * a range, since ISM is not refreshed for everything.
	 */
	if (refcount_read(&domain->refs) > 1) {
		zpci_rust_unmap(&domain->table, 0, half, &unmapped);
		zpci_rust_unmap(&domain->table, half, half, &unmapped);
		if (zpci_refresh(domain, 0, last, NULL))
			zpci_refresh_all(domain, NULL);
	}
	zpci_domain_put(domain);
}

static void zpci_flush_iotlb_all(struct iommu_domain *iommu_domain)
{
	struct zpci_domain *domain = to_zpci_domain(iommu_domain);

	zpci_refresh_all(domain, &domain->ctrs.global_rpcits);
}

static void zpci_iotlb_sync(struct iommu_domain *iommu_domain, struct iommu_iotlb_gather *gather)
{
	struct zpci_domain *domain = to_zpci_domain(iommu_domain);

	/*
	 * Nothing was mapped. The core may have added a range all the same; a
	 * refresh that starts where there is no entry can make a hypervisor
	 * drop what is mapped behind the range.
	 */
	if (!gather->pgsize)
		return;
	/*
	 * Nothing is given back that a function may still use, and no table
	 * spans less than 1 MiB. The DMA API maps the same addresses again and
	 * again, and must not depend on storage each time, as it would in the
	 * middle of writing some of it to a disk.
	 */
	if (!zpci_refresh(domain, gather->start, gather->end, &domain->ctrs.sync_rpcits) &&
	    gather->end - gather->start >= SZ_1M - 1 &&
	    iommu_domain->type == IOMMU_DOMAIN_UNMANAGED)
		zpci_reclaim(domain, gather->start, gather->end);
}

static int zpci_iotlb_sync_map(struct iommu_domain *iommu_domain, unsigned long iova, size_t size)
{
	struct zpci_domain *domain = to_zpci_domain(iommu_domain);
	u64 last = iova + size - 1;
	struct zpci_attachment *attachment;
	int rc, result = 0;
	u32 step;

	/* The entries, then the list: see zpci_list(). */
	smp_mb();
	if (list_empty(&domain->attachments))
		return 0;
	rcu_read_lock();
	list_for_each_entry_rcu(attachment, &domain->attachments, entry) {
		if (attachment->zdev->tlb_refresh)
			atomic64_inc(&domain->ctrs.sync_map_rpcits);
		else if (!zpci_rust_is_stale(&attachment->rust))
			continue;
		step = zpci_refresh_once(attachment, iova, last);
		if (likely(!step))
			continue;
		/*
		 * One that is elsewhere is told for its own sake, as of what is
		 * unmapped: it fails no map of those that are here, and they do
		 * not wait for it for as long.
		 */
		if (READ_ONCE(attachment->elsewhere)) {
			zpci_rust_unmapped(&attachment->rust, iova, last, step);
			continue;
		}
		rc = zpci_rust_mapped(&attachment->rust, iova, last, step);
		/* The success of one function does not make up for the failure of another. */
		result = result ?: rc;
	}
	rcu_read_unlock();
	return result;
}

/* A page as zpci_rust_map_page() takes it, in two instructions where a choice takes four */
static __always_inline u64 zpci_page(phys_addr_t paddr, int prot)
{
	static_assert(ZPCI_RUST_READ_ONLY == IOMMU_WRITE << 8);
	return (paddr | (u64)(prot & IOMMU_WRITE) << 8) ^ ZPCI_RUST_READ_ONLY;
}

static int zpci_map_pages(struct iommu_domain *iommu_domain, unsigned long iova, phys_addr_t paddr,
			  size_t pgsize, size_t pgcount, int prot, gfp_t gfp, size_t *mapped)
{
	struct zpci_domain *domain = to_zpci_domain(iommu_domain);
	size_t size = pgsize * pgcount;
	int rc;

	/* What a BAR is mapped to is no absolute address: the entry would lead to somebody's storage. */
	if (unlikely(prot & IOMMU_MMIO))
		return -EINVAL;
	/* One page comes most often, and mostly there is a table for it. */
	if (likely(size == SZ_4K) &&
	    likely(zpci_rust_map_page(&domain->table, iova, zpci_page(paddr, prot)))) {
		atomic64_inc(&domain->ctrs.mapped_pages);
		*mapped = SZ_4K;
		return 0;
	}
	rc = zpci_rust_map(&domain->table, iova, paddr, size, prot & IOMMU_WRITE, (__force u32)gfp);
	if (rc)
		return rc;
	atomic64_add(size >> PAGE_SHIFT, &domain->ctrs.mapped_pages);
	*mapped = size;
	return 0;
}

/*
 * What is gathered stays one run of addresses that belong to the caller, so
 * that iotlb_sync refreshes nothing else and may reclaim the tables below.
 */
static noinline void zpci_gather_more(struct iommu_domain *domain,
				      struct iommu_iotlb_gather *gather, u64 start, u64 last)
{
	bool before = start && start - 1 == gather->end;
	bool behind = gather->start && gather->start - 1 == last;

	if (!gather->queued && !before && !behind)
		iommu_iotlb_sync(domain, gather);
	iommu_iotlb_gather_add_range(gather, start, last - start + 1);
}

static __always_inline void zpci_gather(struct iommu_domain *domain,
					struct iommu_iotlb_gather *gather, u64 start,
					u64 last)
{
	/* Nothing yet, or a range that the core made up */
	if (likely(!gather->pgsize)) {
		gather->start = start;
		gather->end = last;
	} else {
		zpci_gather_more(domain, gather, start, last);
	}
	/* For zpci_iotlb_sync(): this range is not one that the core made up. */
	gather->pgsize = SZ_4K;
}

/*
 * Unmaps a range that was refused, by pages where it cuts a frame of 1 MiB. All
 * that such a frame covered has to be refreshed, which is not the caller's
 * alone, and before anything of it is used again.
 */
static int zpci_unmap_split(struct zpci_domain *domain, u64 iova, u64 size,
			    struct zpci_rust_unmapped *unmapped)
{
	struct zpci_rust_range split;
	int rc;

	rc = zpci_rust_split(&domain->table, iova, size, &split, (__force u32)GFP_ATOMIC);
	if (split.start <= split.last)
		zpci_refresh(domain, split.start, split.last, NULL);
	return rc ?: zpci_rust_unmap(&domain->table, iova, size, unmapped);
}

/*
 * An unmap that did not simply succeed; the bytes that are not mapped any more.
 * Who unmaps what is not mapped has given it back before, and it may be
 * somebody else's by now.
 */
static noinline __cold size_t zpci_unmap_odd(struct zpci_domain *domain, u64 iova, u64 size,
					     struct zpci_rust_unmapped *unmapped, int rc)
{
	if (rc == -EINVAL)
		rc = zpci_unmap_split(domain, iova, size, unmapped);
	/* Beyond the aperture */
	if (WARN_ON(rc == -EINVAL))
		return 0;
	/* VFIO unmaps all of what it could not map all of, which is for user space to bring about. */
	WARN_ON_ONCE(rc == -ENOENT && domain->domain.type & __IOMMU_DOMAIN_DMA_API);
	return !rc || rc == -ENOENT ? size : 0;
}

static size_t zpci_unmap_pages(struct iommu_domain *iommu_domain, unsigned long iova,
			       size_t pgsize, size_t pgcount, struct iommu_iotlb_gather *gather)
{
	struct zpci_domain *domain = to_zpci_domain(iommu_domain);
	struct zpci_rust_unmapped unmapped;
	size_t size = pgsize * pgcount;
	int rc;

	/* One page comes most often, and mostly it is mapped. */
	if (likely(size == READ_ONCE(domain->quick)) &&
	    likely(zpci_rust_unmap_page(&domain->table, iova))) {
		zpci_gather(iommu_domain, gather, iova, iova + SZ_4K - 1);
		atomic64_inc(&domain->ctrs.unmapped_pages);
		return SZ_4K;
	}
	rc = zpci_rust_unmap(&domain->table, iova, size, &unmapped);
	if (unlikely(rc)) {
		size = zpci_unmap_odd(domain, iova, size, &unmapped, rc);
		if (!unmapped.pages)
			return size;
	}
	zpci_gather(iommu_domain, gather, unmapped.range.start, unmapped.range.last);
	atomic64_add(unmapped.pages, &domain->ctrs.unmapped_pages);
	/*
	 * A flush queue refreshes everything, which a function that cannot wait
	 * does not survive. The core asks for IOMMU_CAP_DEFERRED_FLUSH before it
	 * makes one, but not if an administrator does, by iommu_group/type.
	 */
	if (unlikely(!READ_ONCE(domain->quick)) && gather->queued)
		zpci_refresh(domain, unmapped.range.start, unmapped.range.last,
			     &domain->ctrs.sync_rpcits);
	return size;
}

static phys_addr_t zpci_iova_to_phys(struct iommu_domain *iommu_domain, dma_addr_t iova)
{
	phys_addr_t phys;

	/* The caller need not own the address, so tables may be taken out meanwhile. */
	rcu_read_lock();
	phys = zpci_rust_translate(&to_zpci_domain(iommu_domain)->table, iova);
	rcu_read_unlock();
	return phys;
}

struct zpci_iommu_ctrs *zpci_get_iommu_ctrs(struct zpci_dev *zdev)
{
	lockdep_assert_held(&zdev->dom_lock);
	return zpci_has_tables(zdev->s390_domain) ? &to_zpci_domain(zdev->s390_domain)->ctrs : NULL;
}

const struct iommu_domain_ops zpci_paging_domain_ops = {
	.attach_dev = zpci_attach,
	.map_pages = zpci_map_pages,
	.unmap_pages = zpci_unmap_pages,
	.flush_iotlb_all = zpci_flush_iotlb_all,
	.iotlb_sync = zpci_iotlb_sync,
	.iotlb_sync_map = zpci_iotlb_sync_map,
	.iova_to_phys = zpci_iova_to_phys,
	.add_info = zpci_add_info,
	.may_join = zpci_may_join,
	.free = zpci_domain_free,
};

#define ZPCI_IOMMU_OPS							\
	.hw_info = zpci_hw_info,					\
	.blocked_domain = &zpci_blocking_domain,			\
	.release_domain = &zpci_release_domain,				\
	.capable = zpci_capable,					\
	.domain_alloc_paging = zpci_domain_alloc_paging,		\
	.probe_device = zpci_probe_device,				\
	.device_group = generic_device_group,				\
	.get_resv_regions = zpci_get_resv_regions,			\
	.default_domain_ops = &zpci_paging_domain_ops

static const struct iommu_ops zpci_iommu_ops = {
	ZPCI_IOMMU_OPS,
};

#ifdef ZPCI_HAS_RELAXED_TRANSLATION
static const struct iommu_ops zpci_relaxed_iommu_ops = {
	.identity_domain = &zpci_identity_domain,
	ZPCI_IOMMU_OPS,
};
#else
#define zpci_relaxed_iommu_ops zpci_iommu_ops
#endif

int zpci_init_iommu(struct zpci_dev *zdev)
{
	int rc;

	/* DMA is blocked from the start; functions that are never probed stay so. */
	spin_lock_init(&zdev->dom_lock);
	zdev->s390_domain = &zpci_blocking_domain;

	rc = zpci_function_add(zdev);
	if (rc)
		return rc;
	/* Not on a machine without functions */
	pr_info_once("CLP, IOMMU and VFIO capabilities by the Rust crates\n");
	rc = iommu_device_sysfs_add(&zdev->iommu_dev, NULL, NULL, "s390-iommu.%08x", zdev->fid);
	if (rc)
		goto out_function;
	rc = iommu_device_register(&zdev->iommu_dev,
				   zpci_relaxed_translation(zdev) ? &zpci_relaxed_iommu_ops :
								    &zpci_iommu_ops, NULL);
	if (rc)
		goto out_sysfs;
	return 0;

out_sysfs:
	iommu_device_sysfs_remove(&zdev->iommu_dev);
out_function:
	zpci_function_remove(zdev);
	return rc;
}

void zpci_destroy_iommu(struct zpci_dev *zdev)
{
	iommu_device_unregister(&zdev->iommu_dev);
	iommu_device_sysfs_remove(&zdev->iommu_dev);
	zpci_function_remove(zdev);
}

static int __init zpci_iommu_setup(char *str)
{
	if (!strcmp(str, "strict")) {
		pr_warn("s390_iommu=strict deprecated; use iommu.strict=1 instead\n");
		iommu_set_dma_strict();
	}
	return 1;
}

__setup("s390_iommu=", zpci_iommu_setup);

static int __init zpci_aperture_setup(char *str)
{
	if (kstrtou32(str, 10, &zpci_aperture_factor))
		zpci_aperture_factor = 1;
	return 1;
}

__setup("s390_iommu_aperture=", zpci_aperture_setup);

/*
 * No public source says how a machine announces frames of 1 MiB, so somebody
 * has to know that it has them. For a guest it is the VMM that has them, and
 * QEMU 10.0 leaves such a frame mapped for a function of its host when the
 * guest has made it invalid.
 */
static int __init zpci_large_frames_setup(char *str)
{
	bool force = !strcmp(str, "force");

	zpci_large_frames = force;
	if (!force && kstrtobool(str, &zpci_large_frames))
		zpci_large_frames = false;
	if (zpci_large_frames && !force && zpci_is_guest()) {
		pr_warn("s390_iommu_large_frames=%s is ignored in a guest, whose VMM may leave such frames mapped; say force\n",
			str);
		zpci_large_frames = false;
	}
	return 1;
}

__setup("s390_iommu_large_frames=", zpci_large_frames_setup);

static int __init zpci_iommu_init(void)
{
	u64 storage = virt_to_phys(high_memory);

	iommu_dma_forcedac = true;
	if (!zpci_aperture_factor ||
	    check_mul_overflow(storage, (u64)zpci_aperture_factor, &zpci_aperture_bytes))
		zpci_aperture_bytes = U64_MAX;
	return 0;
}
subsys_initcall(zpci_iommu_init);
