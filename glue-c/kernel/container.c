// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space learns: of domains that it maps together, of the IOMMU of a
 * function, and of the function as a device of VFIO.
 */
#define pr_fmt(fmt) "zpci: " fmt

#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/vfio_zpci.h>

#include "compat.h"
#include "zpci_chain.h"
#include "zpci_domain.h"
#include "zpci_shim.h"

static_assert(sizeof(struct iommu_hw_info_zpci) == ZPCI_RUST_HARDWARE_SIZE);

/* zpci_rust.one_format */
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "zpci_rust."
static bool zpci_one_format;
module_param_named(one_format, zpci_one_format, bool, 0644);
MODULE_PARM_DESC(one_format,
		 "Keep functions with another table format out of a container (default: off)");

/* The functions that use some domains, those of the last one from index @joining on */
struct zpci_members {
	struct zpci_rust_member *member;
	u32 capacity;
	u32 count;
	u32 joining;
};

/**
 * zpci_copy_members() - copy the functions that use some domains
 * @members: where to; as many as it has the capacity for, and the count of all
 * @domains: the domains; those of other drivers are left out
 * @count: how many domains
 *
 * Context: Process context.
 */
static void zpci_copy_members(struct zpci_members *members, struct iommu_domain **domains,
			      unsigned int count)
{
	struct zpci_attachment *attachment;
	struct zpci_rust_member *member;
	struct zpci_domain *domain;
	struct zpci_rust_range aperture;
	unsigned int i;

	members->count = 0;
	for (i = 0; i < count; i++) {
		members->joining = members->count;
		if (domains[i]->ops != &zpci_paging_domain_ops)
			continue;
		domain = to_zpci_domain(domains[i]);
		guard(rcu)();
		zpci_for_each_member(attachment, domain) {
			if (members->count++ >= members->capacity)
				continue;
			zpci_rust_attachment_aperture(&attachment->rust, &aperture);
			member = &members->member[members->count - 1];
			zpci_shim_describe(attachment->zdev, &member->function);
			zpci_rust_table_root(&domain->table, &member->root);
			member->start = aperture.start;
			member->last = aperture.last;
		}
	}
}

/**
 * zpci_find_members() - copy the functions that use some domains
 * @members: all zero; to be freed by zpci_free_members(), also after an error
 * @domains: the domains; those of other drivers are left out
 * @count: how many domains
 *
 * What is reported afterwards is of these copies, whatever becomes of the
 * functions.
 *
 * Context: Process context. Functions may join and leave meanwhile; the copies
 * are of those that were there at one time.
 * Return: 0 or -ENOMEM.
 */
static int zpci_find_members(struct zpci_members *members, struct iommu_domain **domains,
			     unsigned int count)
{
	for (;;) {
		zpci_copy_members(members, domains, count);
		if (members->count <= members->capacity)
			return 0;
		kvfree(members->member);
		members->capacity = 0;
		members->member = kvmalloc_array(members->count, sizeof(*members->member),
						 GFP_KERNEL);
		if (!members->member)
			return -ENOMEM;
		members->capacity = members->count;
	}
}

static void zpci_free_members(struct zpci_members *members)
{
	kvfree(members->member);
}

/**
 * zpci_add_info() - report on domains that are mapped together
 * @domains: the domains
 * @count: how many
 * @add: takes one capability after the other
 * @chain: for @add
 *
 * Context: Process context.
 * Return: 0, -ENOMEM, or the first error of @add.
 */
int zpci_add_info(struct iommu_domain **domains, unsigned int count,
		  int (*add)(void *chain, u16 id, u16 version, const void *data, size_t size),
		  void *chain)
{
	struct zpci_chain adding = { .add = add, .chain = chain };
	struct zpci_members members = {};
	int rc;

	rc = zpci_find_members(&members, domains, count);
	if (!rc)
		rc = zpci_chain_end(&adding,
				    zpci_rust_container_capabilities(members.member,
								     members.count,
								     &adding));
	zpci_free_members(&members);
	return rc;
}

static void zpci_log_refusal(const struct zpci_rust_refusal *refusal)
{
	static const char *const reasons[] = {
		[ZPCI_RUST_REFUSED_DESIGNATION_TYPES] = "designation types",
		[ZPCI_RUST_REFUSED_FRAME_SIZES] = "frame sizes",
		[ZPCI_RUST_REFUSED_RELAXED_TRANSLATION] = "relaxed translation",
	};
	const char *reason = "format";

	if (refusal->reason < ARRAY_SIZE(reasons) && reasons[refusal->reason])
		reason = reasons[refusal->reason];
	pr_notice_ratelimited("FID %08x may not join the container: %s %#llx where %#llx are needed\n",
			      refusal->id, reason, refusal->found, refusal->wanted);
}

/**
 * zpci_may_join() - whether a domain may join others that it is mapped with
 * @domains: the domains; the last one is to join the others
 * @count: how many
 *
 * Everything may join, unless the parameter zpci_rust.one_format is set: then
 * what has the format of the tables of the others.
 *
 * Context: Process context.
 * Return: 0, -ENOMEM, or -EINVAL.
 */
int zpci_may_join(struct iommu_domain **domains, unsigned int count)
{
	struct zpci_rust_refusal refusal = {};
	struct zpci_members members = {};
	int rc;

	if (!READ_ONCE(zpci_one_format))
		return 0;
	rc = zpci_find_members(&members, domains, count);
	if (!rc) {
		rc = zpci_rust_container_one_format(members.member, members.count,
						    members.joining, &refusal);
		if (rc)
			zpci_log_refusal(&refusal);
	}
	zpci_free_members(&members);
	return rc;
}

/* No type of the enumeration but for the proposed one: a number of this driver. */
#ifdef CONFIG_ZPCI_RUST_PROPOSED_UAPI
#define ZPCI_HW_INFO_TYPE IOMMU_HW_INFO_TYPE_ZPCI_PROPOSED
#else
#define ZPCI_HW_INFO_TYPE IOMMU_HW_INFO_TYPE_ZPCI
#endif

void *zpci_hw_info(struct device *dev, u32 *length, zpci_hw_info_type *type)
{
	struct zpci_rust_function function;
	void *buffer;

#ifdef ZPCI_HAS_HW_INFO_TYPE
	if (*type != IOMMU_HW_INFO_TYPE_DEFAULT && *type != ZPCI_HW_INFO_TYPE)
		return ERR_PTR(-EOPNOTSUPP);
#endif
	buffer = kzalloc(ZPCI_RUST_HARDWARE_SIZE, GFP_KERNEL);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	zpci_shim_describe(to_zpci_dev(dev), &function);
	*length = zpci_rust_hardware_information(&function, zpci_large_frames, buffer);
	*type = ZPCI_HW_INFO_TYPE;
	return buffer;
}

int zpci_shim_capabilities(struct zpci_dev *zdev,
			   int (*add)(void *chain, u16 id, u16 version, const void *data,
				      size_t size),
			   void *chain)
{
	struct zpci_chain adding = { .add = add, .chain = chain };
	struct zpci_rust_function function;

	zpci_shim_describe(zdev, &function);
	return zpci_chain_end(&adding,
			      zpci_rust_vfio_capabilities(&function, zpci_aperture_bytes,
						  ZPCI_ERROR_EVENT_SIZE,
						  IS_ENABLED(CONFIG_ZPCI_RUST_PROPOSED_UAPI), &adding));
}
EXPORT_SYMBOL_GPL(zpci_shim_capabilities);
