/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an IOMMU driver reports of the domains of a container. For
 * vfio_iommu_type1.c alone, whose structures come before.
 */
#ifdef CONFIG_IOMMU_DOMAIN_INFO
static int vfio_add_info_cap(void *caps, u16 id, u16 version, const void *data, size_t size)
{
	struct vfio_info_cap_header *header;

	header = vfio_info_cap_add(caps, sizeof(*header) + size, id, version);
	if (IS_ERR(header))
		return PTR_ERR(header);
	memcpy(header + 1, data, size);
	return 0;
}

/*
 * The domains of @iommu, and @joining at the end unless it is NULL. The caller
 * holds the lock of @iommu and frees the array.
 */
static struct iommu_domain **vfio_info_domains(struct vfio_iommu *iommu,
					       struct vfio_domain *joining,
					       unsigned int *count)
{
	struct iommu_domain **domains;
	struct vfio_domain *d;

	domains = kcalloc(list_count_nodes(&iommu->domain_list) + 1, sizeof(*domains),
			  GFP_KERNEL);
	if (!domains)
		return NULL;
	*count = 0;
	list_for_each_entry(d, &iommu->domain_list, next)
		domains[(*count)++] = d->domain;
	if (joining)
		domains[(*count)++] = joining->domain;
	return domains;
}

/*
 * The driver's capabilities are in @caps from offset @own on. Cuts those off, from
 * the end, that a caller has no bytes for who has some for all that came before:
 * what it is answered without this driver, it is answered with it.
 */
static void vfio_cut_info(struct vfio_info_cap *caps, size_t own, size_t size)
{
	struct vfio_info_cap_header *cap = caps->buf, *next;
	void *buf = caps->buf;

	if (caps->size <= size || own > size || !own)
		return;
	for (; cap->next; cap = next) {
		next = buf + cap->next;
		if ((next->next ? next->next : caps->size) > size) {
			caps->size = cap->next;
			cap->next = 0;
			return;
		}
	}
}

/*
 * Adds to @caps what the driver reports, for a caller with a buffer of @argsz
 * bytes. The caller holds the lock of @iommu. After an error @caps is empty.
 */
static int vfio_add_info(struct vfio_iommu *iommu, struct vfio_info_cap *caps, u32 argsz)
{
	struct iommu_domain **domains;
	size_t own = caps->size;
	struct vfio_domain *d;
	unsigned int count;
	int ret = -ENOMEM;

	d = list_first_entry_or_null(&iommu->domain_list, struct vfio_domain, next);
	if (!d || !d->domain->ops->add_info)
		return 0;
	domains = vfio_info_domains(iommu, NULL, &count);
	if (domains)
		ret = d->domain->ops->add_info(domains, count, vfio_add_info_cap, caps);
	kfree(domains);
	if (ret) {
		kfree(caps->buf);
		caps->buf = NULL;
		caps->size = 0;
		return ret;
	}
	if (argsz > sizeof(struct vfio_iommu_type1_info))
		vfio_cut_info(caps, own, argsz - sizeof(struct vfio_iommu_type1_info));
	return 0;
}

/* Whether the driver lets @joining become one of the domains. Locks as above. */
static int vfio_may_join(struct vfio_iommu *iommu, struct vfio_domain *joining)
{
	struct iommu_domain **domains;
	unsigned int count;
	int ret;

	if (!joining->domain->ops->may_join)
		return 0;
	domains = vfio_info_domains(iommu, joining, &count);
	if (!domains)
		return -ENOMEM;
	ret = joining->domain->ops->may_join(domains, count);
	kfree(domains);
	return ret;
}

#define vfio_join_and_replay(iommu, joining) \
	(vfio_may_join(iommu, joining) ?: vfio_iommu_replay(iommu, joining))
#else
#define vfio_add_info(iommu, caps, argsz)	0
#define vfio_join_and_replay(iommu, joining)	vfio_iommu_replay(iommu, joining)
#endif
