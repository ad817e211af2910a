// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

static bool show_ranges(const struct capability *capability)
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

static bool show_migration(const struct capability *capability)
{
	const struct vfio_iommu_type1_info_cap_migration *migration = structure(
		capability, struct vfio_iommu_type1_info_cap_migration);

	if (!migration)
		return false;
	output_hex("pgsize_bitmap", migration->pgsize_bitmap);
	output_hex("max_dirty_bitmap_size", migration->max_dirty_bitmap_size);
	return true;
}

static bool show_dma_available(const struct capability *capability)
{
	const struct vfio_iommu_type1_info_dma_avail *available = structure(
		capability, struct vfio_iommu_type1_info_dma_avail);

	if (available)
		output_number("avail", available->avail);
	return available;
}

/*
 * The entry at `index`, of `count` that have `entry_size` bytes each and follow
 * the first `front` bytes; NULL if there is less of them.
 */
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

/* The front of a capability that is an array. */
struct array {
	struct vfio_info_cap_header header;
	__u32 count;
	__u32 entry_size;
};

/* Shows each entry, which has `least` bytes or more, as an object in a list. */
static bool show_array(const struct capability *capability, const char *list,
		       const char *name, size_t least,
		       void (*show_entry)(const void *entry))
{
	const struct array *array = structure(capability, struct array);
	uint32_t i;

	if (!array)
		return false;
	output_open_list(list);
	for (i = 0; i < array->count; i++) {
		const void *found = entry(capability, sizeof(*array),
					  array->count, array->entry_size,
					  least, i);

		if (!found)
			break;
		output_open(name);
		show_entry(found);
		output_close();
	}
	output_close_list();
	return i == array->count;
}

static void show_function(const void *entry)
{
	const struct vfio_zpci_function *function = entry;

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
	output_number("format", function->format);
	if (function->flags & VFIO_ZPCI_FUNCTION_UTIL_STR)
		output_bytes("util_str", function->util_str,
			     sizeof(function->util_str));
}

static bool show_functions(const struct capability *capability)
{
	return show_array(capability, "functions", "function",
			  sizeof(struct vfio_zpci_function), show_function);
}

static void show_group(const void *entry)
{
	const struct vfio_zpci_group *group = entry;

	output_hex("gid", group->gid);
	output_hex("dasm", group->dasm);
	output_hex("msi_addr", group->msi_addr);
	output_hex("flags", group->flags);
	output_number("mui", group->mui);
	output_number("noi", group->noi);
	output_number("maxstbl", group->maxstbl);
	output_number("pci_version", group->version);
}

static bool show_groups(const struct capability *capability)
{
	return show_array(capability, "groups", "group",
			  sizeof(struct vfio_zpci_group), show_group);
}

static void show_gap(const void *entry)
{
	const struct vfio_zpci_gap *gap = entry;

	output_hex("start", gap->start);
	output_hex("end", gap->end);
	output_hex("reasons", gap->reasons);
}

static bool show_gaps(const struct capability *capability)
{
	return show_array(capability, "gaps", "gap",
			  sizeof(struct vfio_zpci_gap), show_gap);
}

static void show_format(const void *entry)
{
	const struct vfio_zpci_table_format *format = entry;

	output_number("format", format->format);
	output_hex("designation_types", format->designation_types);
	output_hex("frame_sizes", format->frame_sizes);
	output_hex("flags", format->flags);
}

static bool show_formats(const struct capability *capability)
{
	return show_array(capability, "formats", "format",
			  sizeof(struct vfio_zpci_table_format), show_format);
}

static bool show_msi(const struct capability *capability)
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
	bool (*show)(const struct capability *capability);
	uint16_t id;
	bool later;
} kinds[] = {
	{ "iova-ranges", show_ranges, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
	  false },
	{ "migration", show_migration, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
	  false },
	{ "dma-available", show_dma_available, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
	  false },
	{ "table-formats", show_formats,
	  VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_TABLE_FORMATS, true },
	{ "interrupts", show_msi, VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_MSI, true },
	{ "gaps", show_gaps, VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GAPS, true },
	{ "groups", show_groups, VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_GROUPS, true },
	{ "functions", show_functions,
	  VFIO_IOMMU_TYPE1_INFO_CAP_ZPCI_FUNCTIONS, true },
};

static bool show(const struct capability *capability)
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
		whole = kinds[i].show(capability);
	output_close();
	return whole;
}

/*
 * Reads the header at `offset`. The kernel chooses where a capability starts,
 * which need not be a multiple of its alignment.
 */
static bool read_header(const void *info, size_t size, size_t offset,
			struct vfio_info_cap_header *header)
{
	/* The structure at the front goes on to the offset, which has 4 bytes. */
	if (offset < CHAIN_FRONT || offset > size ||
	    size - offset < sizeof(*header))
		return false;
	memcpy(header, (const char *)info + offset, sizeof(*header));
	return true;
}

/* Where the capability at `offset` ends: where another one starts, or the end. */
static size_t end_of(const void *info, size_t size, size_t first, size_t offset)
{
	struct vfio_info_cap_header header;
	size_t end = size, at = first;

	for (size_t i = 0; at && i < size / sizeof(header); i++) {
		if (at >= offset + sizeof(header) && at < end)
			end = at;
		if (!read_header(info, size, at, &header))
			break;
		at = header.next;
	}
	return end;
}

/* Whether one of the first `count` capabilities has a byte of the header there. */
static bool was_read(const void *info, size_t size, size_t first, size_t count,
		     size_t offset)
{
	struct vfio_info_cap_header header;

	while (count-- && read_header(info, size, first, &header)) {
		if (first < offset + sizeof(header) &&
		    offset < first + sizeof(header))
			return true;
		first = header.next;
	}
	return false;
}

/* Shows the capability at `offset`, from a copy that is aligned. */
static bool show_copy(const void *info, size_t offset, size_t size)
{
	void *copy = malloc(size);
	struct capability capability = { .header = copy, .size = size };
	bool whole = false;

	if (copy) {
		memcpy(copy, (const char *)info + offset, size);
		whole = show(&capability);
	}
	free(copy);
	return whole;
}

bool chain_show(const void *info, size_t size, size_t first)
{
	struct vfio_info_cap_header header;
	size_t offset = first, count;
	bool whole = true;

	output_open_list("capabilities");
	for (count = 0; offset && whole; count++) {
		whole = read_header(info, size, offset, &header) &&
			!was_read(info, size, first, count, offset);
		if (!whole)
			break;
		whole = show_copy(info, offset,
				  end_of(info, size, first, offset) - offset);
		offset = header.next;
	}
	output_close_list();
	return whole;
}

bool chain_has(const void *info, size_t size, size_t first, uint16_t id)
{
	struct vfio_info_cap_header header;
	size_t offset = first;

	for (size_t i = 0; offset && i < size / sizeof(header); i++) {
		if (!read_header(info, size, offset, &header))
			return false;
		if (header.id == id)
			return true;
		offset = header.next;
	}
	return false;
}
