/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two operations of struct iommu_domain_ops, which includes this in its midst, by
 * one line in place of an empty one, so that no line of iommu.h moves.
 */
#ifdef CONFIG_IOMMU_DOMAIN_INFO
	/*
	 * What user space learns of @count domains that it maps together: @add
	 * takes one capability after the other, with the @data behind its header,
	 * of which it keeps nothing. May sleep.
	 */
	int (*add_info)(struct iommu_domain **domains, unsigned int count,
			int (*add)(void *chain, u16 id, u16 version, const void *data, size_t size),
			void *chain);
	/*
	 * Whether the last of @count domains may join the others; 0 unless the
	 * driver was told to be strict. May sleep.
	 */
	int (*may_join)(struct iommu_domain **domains, unsigned int count);
#endif
