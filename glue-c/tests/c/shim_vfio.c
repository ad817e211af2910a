// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
/*
 * What VFIO does with capabilities, and kernel/chain.c and
 * kernel/vfio_iommu_type1_info.h in between.
 */
#include <linux/vfio.h>

#include "kernel_stub.h"
#include "shim.h"
#include "../../kernel/zpci_chain.h"

/* VFIO: drivers/vfio/vfio_main.c */
struct vfio_info_cap {
	struct vfio_info_cap_header *buf;
	size_t size;
};

/* Capabilities before VFIO has no storage for one. */
static u32 info_accept = UINT32_MAX;

void shim_info_accept(u32 accept)
{
	info_accept = accept;
}

static struct vfio_info_cap_header *vfio_info_cap_add(struct vfio_info_cap *caps, size_t size, u16 id, u16 version)
{
	struct vfio_info_cap_header *header, *last;
	size_t padded = (size + 7) / 8 * 8;
	char *buf;

	if (!info_accept) {
		free(caps->buf);
		caps->buf = NULL;
		caps->size = 0;
		return ERR_PTR(-ENOMEM);
	}
	info_accept--;
	buf = realloc(caps->buf, caps->size + padded);
	if (!buf)
		abort();
	header = memset(buf + caps->size, 0, padded);
	header->id = id;
	header->version = version;
	caps->buf = (void *)buf;
	if (caps->size) {
		for (last = caps->buf; last->next; last = (void *)(buf + last->next))
			;
		last->next = caps->size;
	}
	caps->size += padded;
	return header;
}

/* Type 1: drivers/vfio/vfio_iommu_type1.c */
struct iommu_domain;

struct iommu_domain_ops {
	int (*add_info)(struct iommu_domain **domains, unsigned int count,
			int (*add)(void *chain, u16 id, u16 version, const void *data, size_t size),
			void *chain);
	int (*may_join)(struct iommu_domain **domains, unsigned int count);
};

struct iommu_domain {
	const struct iommu_domain_ops *ops;
	const struct zpci_rust_member *members;
	u32 count;
};

struct vfio_domain {
	struct iommu_domain *domain;
	struct list_head next;
};

struct vfio_iommu {
	struct list_head domain_list;
};

#define CONFIG_IOMMU_DOMAIN_INFO
#include "../../kernel/vfio_iommu_type1_info.h"

/* The driver: kernel/container.c, with members that are there. */
static int add_info(struct iommu_domain **domains, unsigned int count,
		    int (*add)(void *chain, u16 id, u16 version, const void *data, size_t size),
		    void *chain)
{
	struct zpci_chain adding = { .add = add, .chain = chain };

	if (count != 1)
		return -EINVAL;
	return zpci_chain_end(&adding, zpci_rust_container_capabilities(domains[0]->members, domains[0]->count,
									&adding));
}

/* Lets an odd number of domains be in a container. */
static int may_join(struct iommu_domain **domains, unsigned int count)
{
	return domains[count - 1] && count % 2 ? 0 : -EINVAL;
}

int shim_may_join(u32 before, bool has_operation)
{
	const struct iommu_domain_ops none = { 0 }, ops = { .may_join = may_join };
	struct iommu_domain domain = { .ops = has_operation ? &ops : &none };
	struct vfio_domain domains[4] = { { .domain = &domain } };
	struct vfio_iommu iommu;
	u32 i;

	iommu.domain_list.next = &iommu.domain_list;
	for (i = 1; i <= before && i < 4; i++) {
		domains[i].domain = &domain;
		domains[i].next.next = iommu.domain_list.next;
		iommu.domain_list.next = &domains[i].next;
	}
	return vfio_may_join(&iommu, &domains[0]);
}

/* As type 1 answers, with two capabilities of its own, of 16 and 32 bytes */
int shim_get_info(const struct zpci_rust_member *members, u32 count, u8 *buffer, u32 argsz)
{
	const struct iommu_domain_ops ops = { .add_info = add_info };
	struct iommu_domain domain = { .ops = &ops, .members = members, .count = count };
	struct vfio_domain only = { .domain = &domain };
	struct vfio_iommu iommu = { .domain_list = { .next = &only.next } };
	const u32 available = 65535;
	/* Older headers have no padding at its end. */
	struct { u32 argsz, flags; u64 pgsizes; u32 cap_offset, pad; } info = { argsz, VFIO_IOMMU_INFO_CAPS, 0, 0, 0 };
	struct vfio_info_cap caps = { 0 };
	struct vfio_info_cap_header *cap;
	int rc;

	only.next.next = &iommu.domain_list;
	memcpy(vfio_info_cap_add(&caps, sizeof(*cap) + sizeof(available), 3, 1) + 1, &available, sizeof(available));
	vfio_info_cap_add(&caps, sizeof(*cap) + 3 * sizeof(u64), 1, 1);
	rc = vfio_add_info(&iommu, &caps, argsz);
	if (rc)
		return rc;
	if (argsz < sizeof(info) + caps.size) {
		info.argsz = sizeof(info) + caps.size;
	} else {
		for (cap = caps.buf; cap->next; cap = (void *)((char *)caps.buf + cap->next - sizeof(info)))
			cap->next += sizeof(info);
		memcpy(buffer + sizeof(info), caps.buf, caps.size);
		info.cap_offset = sizeof(info);
	}
	free(caps.buf);
	memcpy(buffer, &info, argsz < sizeof(info) ? argsz : sizeof(info));
	return 0;
}

/* Takes capabilities until there were as many as accepted. */
static int take(void *context, u16 id, u16 version, const void *data, size_t size)
{
	const struct vfio_info_cap_header header = { .id = id, .version = version };
	struct shim_chain *chain = context;
	u32 next;

	while (chain->size % 8)
		chain->buffer[chain->size++] = 0;
	if (chain->calls++ >= chain->accept || chain->size + sizeof(header) + size > chain->capacity)
		return -ENOMEM;
	next = SHIM_CHAIN_START + chain->size;
	memcpy(chain->buffer + chain->size, &header, sizeof(header));
	memcpy(chain->buffer + chain->size + sizeof(header), data, size);
	chain->size += sizeof(header) + size;
	if (next != SHIM_CHAIN_START)
		memcpy(chain->buffer + chain->last + 4, &next, sizeof(next));
	chain->last = next - SHIM_CHAIN_START;
	return 0;
}

int shim_vfio_capabilities(const struct zpci_rust_function *function, u64 aperture, u32 error_event_size,
			   int proposed, struct shim_chain *chain)
{
	struct zpci_chain adding = { .add = take, .chain = chain };

	return zpci_chain_end(&adding, zpci_rust_vfio_capabilities(function, aperture, error_event_size,
								   proposed, &adding));
}

int shim_container_capabilities(const struct zpci_rust_member *members, u32 count, struct shim_chain *chain)
{
	struct zpci_chain adding = { .add = take, .chain = chain };

	return zpci_chain_end(&adding, zpci_rust_container_capabilities(members, count, &adding));
}
