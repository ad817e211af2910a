// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space is told: of domains that it maps together, of the IOMMU of a
 * function, and of the function as a device of VFIO.
 */
#define pr_fmt(fmt) "zpci: " fmt

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/vfio_zpci.h>

#include "compat.h"
#include "zpci_domain.h"
#include "zpci_shim.h"

static_assert(sizeof(struct iommu_hw_info_zpci) == ZPCI_RUST_HARDWARE_SIZE);

/* The functions that use some domains, those of the last one from index @joining on */
struct zpci_members {
	struct zpci_rust_member *member;
	void *room;
	u32 count;
	u32 joining;
};

static u32 zpci_count_attachments(struct zpci_domain *domain)
{
	struct zpci_attachment *attachment;
	u32 count = 0;

	guard(rcu)();
	list_for_each_entry_rcu(attachment, &domain->attachments, entry)
		count++;
	return count;
}

/*
 * What is told afterwards is of these copies, whatever becomes of the
 * functions. Domains of other drivers are left out.
 */
static int zpci_find_members(struct zpci_members *members, struct iommu_domain **domains,
			     unsigned int count)
{
	struct zpci_domain *domain;
	struct zpci_attachment *attachment;
	struct zpci_rust_member *member;
	unsigned int i;
	u32 room = 0;

	for (i = 0; i < count; i++)
		if (domains[i]->ops == &zpci_paging_domain_ops)
			room += zpci_count_attachments(to_zpci_domain(domains[i]));
	if (!room)
		return 0;
	members->member = kvmalloc_array(room, sizeof(*members->member), GFP_KERNEL);
	members->room = kvmalloc(zpci_rust_container_room(room), GFP_KERNEL);
	if (!members->member || !members->room)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		members->joining = members->count;
		if (domains[i]->ops != &zpci_paging_domain_ops)
			continue;
		domain = to_zpci_domain(domains[i]);
		guard(rcu)();
		list_for_each_entry_rcu(attachment, &domain->attachments, entry) {
			/* Who joined since they were counted is left out. */
			if (members->count == room)
				break;
			member = &members->member[members->count++];
			zpci_shim_describe(attachment->zdev, &member->function);
			member->table = domain->table;
		}
	}
	return 0;
}

static int zpci_may_join(const struct zpci_members *members)
{
	static const char *const reasons[] = {
		[ZPCI_RUST_REFUSED_DESIGNATION_TYPES] = "designation types",
		[ZPCI_RUST_REFUSED_FRAME_SIZES] = "frame sizes",
		[ZPCI_RUST_REFUSED_RELAXED_TRANSLATION] = "relaxed translation",
	};
	struct zpci_rust_refusal refusal;
	int rc;

	rc = zpci_rust_container_join(members->member, members->count, members->joining,
				      zpci_aperture_bytes, members->room, &refusal);
	if (!rc)
		return 0;
	if (refusal.reason < ARRAY_SIZE(reasons) && reasons[refusal.reason])
		pr_notice_ratelimited("FID %08x may not join the container: %s %#llx where %#llx are needed\n",
				      refusal.id, reasons[refusal.reason], refusal.found,
				      refusal.wanted);
	else
		pr_notice_ratelimited("FID %08x may not join the container: no address could be mapped\n",
				      refusal.id);
	return rc;
}

static int zpci_add_capabilities(const struct zpci_members *members,
				 int (*add)(void *chain, void *cap, size_t size), void *chain)
{
	struct vfio_info_cap_header *cap;
	u64 size, offset = 0, end;
	void *buffer;
	int rc = 0;

	size = zpci_rust_container_capabilities(members->member, members->count, zpci_aperture_bytes,
						members->room, NULL, 0);
	if (!size)
		return 0;
	buffer = kvzalloc(size, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	zpci_rust_container_capabilities(members->member, members->count, zpci_aperture_bytes,
					 members->room, buffer, size);
	while (!rc && offset < size) {
		cap = buffer + offset;
		end = cap->next ?: size;
		rc = add(chain, cap, end - offset);
		offset = end;
	}
	kvfree(buffer);
	return rc;
}

int zpci_add_info(struct iommu_domain **domains, unsigned int count,
		  int (*add)(void *chain, void *cap, size_t size), void *chain)
{
	struct zpci_members members = {};
	int rc;

	rc = zpci_find_members(&members, domains, count);
	if (!rc)
		rc = add ? zpci_add_capabilities(&members, add, chain) : zpci_may_join(&members);
	kvfree(members.room);
	kvfree(members.member);
	return rc;
}

void *zpci_hw_info(struct device *dev, u32 *length, zpci_hw_info_type *type)
{
	struct zpci_rust_function function;
	void *buffer;

#ifdef ZPCI_HAS_HW_INFO_TYPE
	if (*type != IOMMU_HW_INFO_TYPE_DEFAULT && *type != IOMMU_HW_INFO_TYPE_ZPCI)
		return ERR_PTR(-EOPNOTSUPP);
#endif
	buffer = kzalloc(ZPCI_RUST_HARDWARE_SIZE, GFP_KERNEL);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	zpci_shim_describe(to_zpci_dev(dev), &function);
	*length = zpci_rust_hardware_information(&function, zpci_large_frames, buffer);
	*type = IOMMU_HW_INFO_TYPE_ZPCI;
	return buffer;
}

int zpci_shim_capability(struct zpci_dev *zdev, u32 index, u8 *buffer)
{
	struct zpci_rust_function function;

	zpci_shim_describe(zdev, &function);
	return zpci_rust_vfio_capability(&function, zpci_aperture_bytes, index, buffer);
}
EXPORT_SYMBOL_GPL(zpci_shim_capability);
