/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an IOMMU driver tells user space of the domains of a container. For
 * vfio_iommu_type1.c alone, whose structures come before.
 */
#ifdef CONFIG_IOMMU_DOMAIN_INFO
static int vfio_add_info_cap(void *caps, void *cap, size_t size)
{
	return vfio_info_add_capability(caps, cap, size);
}

/*
 * Adds it to @caps. Without @caps, whether @joining may become one of the
 * domains. Called with the lock of @iommu held.
 */
static int vfio_add_info(struct vfio_iommu *iommu, struct vfio_domain *joining,
			 struct vfio_info_cap *caps)
{
	struct iommu_domain **domains, *last = NULL;
	unsigned int count = 0;
	struct vfio_domain *d;
	int ret = -ENOMEM;

	list_for_each_entry(d, &iommu->domain_list, next)
		count++;
	domains = kcalloc(count + 1, sizeof(*domains), GFP_KERNEL);
	if (!domains)
		goto out;
	count = 0;
	list_for_each_entry(d, &iommu->domain_list, next) {
		last = d->domain;
		domains[count++] = last;
	}
	if (joining) {
		last = joining->domain;
		domains[count++] = last;
	}

	ret = 0;
	if (last && last->ops->add_info)
		ret = last->ops->add_info(domains, count, caps ? vfio_add_info_cap : NULL, caps);
	kfree(domains);
out:
	/* As when there is no storage for a capability */
	if (ret && caps) {
		kfree(caps->buf);
		caps->buf = NULL;
		caps->size = 0;
	}
	return ret;
}
#else
#define vfio_add_info(iommu, joining, caps)	0
#endif
