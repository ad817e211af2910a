// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vfio_zpci.h>

#include "chain.h"
#include "output.h"

/* A capability and how many bytes there are of it. */
struct capability {
	const struct vfio_info_cap_header *header;
	size_t size;
};

/* The structure of a capability; NULL if there is less of it. */
#define structure(capability, type)                                           \
	((capability)->size >= sizeof(type) ?                                 \
		 (const type *)(capability)->header : NULL)

static bool tell_ranges(const struct capability *capability)
{
	const struct vfio_iommu_type1_info_cap_iova_range *ranges = structure(
		capability, struct vfio_iommu_type1_info_cap_iova_range);

	if (!ranges || (capability->size - sizeof(*ranges)) /
			       sizeof(ranges->iova_ranges[0]) < ranges->nr_iovas)
		return false;
	output_open_list("ranges");
	for (uint32_t i = 0; i < ranges->nr_iovas; i++) {
		output_open("range");
		output_hex("start", ranges->iova_ranges[i].start);
		output_hex("end", ranges->iova_ranges[i].end);
		output_close();
	}
	output_close_list();
	return true;
}

static bool tell_migration(const struct capability *capability)
{
	const struct vfio_iommu_type1_info_cap_migration *migration = structure(
		capability, struct vfio_iommu_type1_info_cap_migration);

	if (!migration)
		return false;
	output_hex("pgsize_bitmap", migration->pgsize_bitmap);
	output_hex("max_dirty_bitmap_size", migration->max_dirty_bitmap_size);
	return true;
}

static bool tell_dma_available(const struct capability *capability)
{
	const struct vfio_iommu_type1_info_dma_avail *available = structure(
		capability, struct vfio_iommu_type1_info_dma_avail);

	if (available)
		output_number("avail", available->avail);
	return available;
}

static bool tell_function(const struct capability *capability)
{
	const struct vfio_iommu_type1_info_cap_zpci_function *function =
		structure(capability,
			  struct vfio_iommu_type1_info_cap_zpci_function);

	if (!function)
		return false;
	output_hex("fid", function->fid);
	output_hex("uid", function->uid);
	output_hex("start_dma", function->start_dma);
	output_hex("end_dma", function->end_dma);
	output_hex("flags", function->flags);
	output_hex("pchid", function->pchid);
	output_hex("vfn", function->vfn);
	output_number("fmb_length", function->fmb_length);
	output_hex("pft", function->pft);
	output_hex("gid", function->gid);
	output_bytes("pfip", function->pfip, sizeof(function->pfip));
	output_number("port", function->port);
	output_hex("fidparm", function->fidparm);
	if (function->flags & VFIO_ZPCI_FUNCTION_UTIL_STR)
		output_bytes("util_str", function->util_str,
			     sizeof(function->util_str));
	return true;
}

static bool tell_group(const struct capability *capability)
{
	const struct vfio_iommu_type1_info_cap_zpci_group *group = structure(
		capability, struct vfio_iommu_type1_info_cap_zpci_group);

	if (!group)
		return false;
	output_hex("gid", group->gid);
	output_hex("dasm", group->dasm);
	output_hex("msi_addr", group->msi_addr);
	output_hex("flags", group->flags);
	output_number("mui", group->mui);
	output_number("noi", group->noi);
	output_number("maxstbl", group->maxstbl);
	output_number("pci_version", group->version);
	return true;
}

static const void *entry(const struct capability *capability, size_t front,
			 uint32_t count, uint32_t entry_size, size_t least,
			 uint32_t index)
{
	if (entry_size < least ||
	    (capability->size - front) / entry_size < count || index >= count)
		return NULL;
	return (const char *)capability->header + front +
	       (size_t)index * entry_size;
}

static bool tell_gaps(const struct capability *capability)
{
	const struct vfio_iommu_type1_info_cap_zpci_gaps *gaps = structure(
		capability, struct vfio_iommu_type1_info_cap_zpci_gaps);
	uint32_t i;

	if (!gaps)
		return false;
	output_open_list("gaps");
	for (i = 0; i < gaps->nr_gaps; i++) {
		const struct vfio_zpci_gap *gap =
			entry(capability, sizeof(*gaps), gaps->nr_gaps,
			      gaps->entry_size, sizeof(*gap), i);

		if (!gap)
			break;
		output_open("gap");
		output_hex("start", gap->start);
		output_hex("end", gap->end);
		output_hex("reasons", gap->reasons);
		output_close();
	}
	output_close_list();
	return i == gaps->nr_gaps;
}

static bool tell_format(const struct capability *capability)
{
	const struct vfio_iommu_type1_info_cap_zpci_table_format *format =
		structure(capability,
			  struct vfio_iommu_type1_info_cap_zpci_table_format);

	if (!format)
		return false;
	output_number("format", format->format);
	output_hex("designation_types", format->designation_types);
	output_hex("frame_sizes", format->frame_sizes);
	output_hex("flags", format->flags);
	return true;
}

static bool tell_msi(const struct capability *capability)
{
	const struct vfio_iommu_type1_info_cap_zpci_msi *msi = structure(
		capability, struct vfio_iommu_type1_info_cap_zpci_msi);
	uint32_t i;

	if (!msi)
		return false;
	output_hex("flags", msi->flags);
	output_number("nr_pages", msi->nr_pages);
	output_hex("page_size", msi->page_size);
	output_open_list("windows");
	for (i = 0; i < msi->nr_windows; i++) {
		const struct vfio_zpci_msi_window *window =
			entry(capability, sizeof(*msi), msi->nr_windows,
			      msi->entry_size, sizeof(*window), i);

		if (!window)
			break;
		output_open("window");
		output_hex("start", window->start);
		output_hex("end", window->end);
		output_hex("flags", window->flags);
		output_close();
	}
	output_close_list();
	return i == msi->nr_windows;
}

/* Those of Linux by their exact version, ours by every one. */
static const struct {
	const char *name;
	bool (*tell)(const struct capability *capability);
	uint16_t id;
	bool later;
} kinds[] = {
	{ "iova-ranges", tell_ranges, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
	  false },
	{ "migration", tell_migration, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
	  false },
	{ "dma-available", tell_dma_available, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
	  false },
	{ "function", tell_function, VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_FUNCTION,
	  true },
	{ "group", tell_group, VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GROUP, true },
	{ "gaps", tell_gaps, VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GAPS, true },
	{ "table-format", tell_format,
	  VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_TABLE_FORMAT, true },
	{ "interrupts", tell_msi, VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_MSI, true },
};

static bool tell(const struct capability *capability)
{
	uint16_t id = capability->header->id;
	uint16_t version = capability->header->version;
	bool whole = true;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].id == id && version &&
		    (kinds[i].later || version == 1))
			break;
	output_open_named(i < sizeof(kinds) / sizeof(kinds[0]) ?
				  kinds[i].name : "unknown");
	output_hex("id", id);
	output_number("version", version);
	if (i < sizeof(kinds) / sizeof(kinds[0]))
		whole = kinds[i].tell(capability);
	output_close();
	return whole;
}

bool chain_tell(const void *info, size_t size, size_t offset)
{
	size_t least = 0;
	bool whole = true;

	output_open_list("capabilities");
	while (offset && whole) {
		struct capability capability = {
			.header = (const void *)((const char *)info + offset),
		};
		size_t end;

		/* Offsets only grow, so the chain ends. */
		whole = offset >= least && offset % 8 == 0 &&
			offset + sizeof(*capability.header) <= size;
		if (!whole)
			break;
		least = offset + sizeof(*capability.header);
		end = capability.header->next ? capability.header->next : size;
		whole = end >= least && end <= size;
		if (!whole)
			break;
		capability.size = end - offset;
		whole = tell(&capability);
		offset = capability.header->next;
	}
	output_close_list();
	return whole;
}
