/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What Rust calls; compiled behind the kernel's table code, as one file with it. */

unsigned long zpci_stock_warnings;

struct s390_domain *zpci_stock_new(u8 origin_type)
{
	static struct kmem_cache crst = { ZPCI_TABLE_SIZE }, page = { ZPCI_PT_SIZE };
	struct s390_domain *domain = calloc(1, sizeof(*domain));

	dma_region_table_cache = &crst;
	dma_page_table_cache = &page;
	if (!domain)
		return NULL;
	domain->dma_table = dma_alloc_cpu_table(GFP_KERNEL);
	domain->origin_type = origin_type;
	domain->domain.geometry.aperture_end = max_tbl_size(domain);
	return domain;
}

void zpci_stock_free(struct s390_domain *domain)
{
	dma_cleanup_tables(domain);
	free(domain);
}

u64 zpci_stock_root(const struct s390_domain *domain)
{
	return virt_to_phys(domain->dma_table);
}

size_t zpci_stock_map(struct s390_domain *domain, u64 iova, u64 paddr, size_t pages)
{
	size_t mapped = 0;

	s390_iommu_map_pages(&domain->domain, iova, paddr, SZ_4K, pages, IOMMU_WRITE, GFP_ATOMIC, &mapped);
	return mapped;
}

size_t zpci_stock_unmap(struct s390_domain *domain, u64 iova, size_t pages)
{
	struct iommu_iotlb_gather gather = { ~0UL, 0 };

	return s390_iommu_unmap_pages(&domain->domain, iova, SZ_4K, pages, &gather);
}

u64 zpci_stock_translate(struct s390_domain *domain, u64 iova)
{
	return s390_iommu_iova_to_phys(&domain->domain, iova);
}
