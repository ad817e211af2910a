// SPDX-License-Identifier: GPL-2.0-only
/*
 * What CLP reported of a function: between struct zpci_dev and the Rust object.
 */
#include <linux/init.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <asm/sclp.h>

#include "compat.h"
#include "zpci_shim.h"

/* zpci_rust.trust_dtsm */
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "zpci_rust."
bool zpci_trust_dtsm;
module_param_named(trust_dtsm, zpci_trust_dtsm, bool, 0444);
MODULE_PARM_DESC(trust_dtsm,
		 "Use any table that the designation type mask has as 0x80 >> type (default: off)");

/* Interrupts are directed at processors, as arch/s390/pci/pci_irq.c decides */
static __ro_after_init bool zpci_directed;

static int __init zpci_directed_init(void)
{
	zpci_directed = sclp.has_dirq && !s390_pci_force_floating;
	return 0;
}
subsys_initcall(zpci_directed_init);

/* Designation types as bits of the mask: 0x80 >> type */
#define ZPCI_REGION_THIRD	0x40
#define ZPCI_REGION_SECOND	0x20
#define ZPCI_REGION_FIRST	0x10

/*
 * The roots of tables that may be used, of those that the mask has. The driver
 * in C takes region-third tables for granted, the bit 0x08 for region-second
 * tables where those reach far enough, and else either of 0x0c for region-first
 * ones. A higher root is used only if, whatever is to be reached, that driver
 * would use it and the mask has it; unless somebody asks for more.
 */
static u8 zpci_roots(const struct zpci_dev *zdev)
{
	const u8 first = ZPCI_REGION_THIRD | ZPCI_REGION_FIRST;
	const u8 all = first | ZPCI_REGION_SECOND;

	if (zpci_trust_dtsm || (zdev->dtsm & (all | 0x08)) == (all | 0x08))
		return all;
	if ((zdev->dtsm & (first | 0x0c)) == (first | 0x04))
		return first;
	return ZPCI_REGION_THIRD;
}

void zpci_shim_limits(struct zpci_dev *zdev, struct zpci_rust_limits *limits)
{
	*limits = (struct zpci_rust_limits) {
		.start_dma = zdev->start_dma,
		.end_dma = zdev->end_dma,
		.designation_types = zdev->dtsm,
		.function_type = zdev->pft,
		.flags = (zdev->tlb_refresh ? ZPCI_RUST_LIMITS_REFRESH : 0) |
			 (zpci_relaxed_translation(zdev) ?
			  ZPCI_RUST_LIMITS_RELAXED_TRANSLATION : 0),
		.roots = zpci_roots(zdev),
	};
}

void zpci_shim_describe(struct zpci_dev *zdev, struct zpci_rust_function *function)
{
	*function = (struct zpci_rust_function) {
		.start_dma = zdev->start_dma,
		.end_dma = zdev->end_dma,
		.dasm = zdev->dma_mask,
		.msi_address = zdev->msi_addr,
		.id = zdev->fid,
		.uid = zdev->uid,
		.handle = READ_ONCE(zdev->fh),
		.gisa = zdev->gisa,
		.vfn = zdev->vfn,
		.pchid = zdev->pchid,
		.fmb_length = zdev->fmb_length,
		.rid = zdev->rid,
		.tid = zdev->tid,
		.max_interrupts = zdev->max_msi,
		.max_store_block = zdev->maxstbl,
		.measurement_interval = zdev->fmb_update,
		.group = zdev->pfgid,
		.function_type = zdev->pft,
		.port = zdev->port,
		.fidparm = zpci_fidparm(zdev),
		.designation_types = zdev->dtsm,
		.version = zdev->version,
		.directed_interrupts = zpci_directed,
		.flags = (zdev->is_physfn ? ZPCI_RUST_PHYSICAL : 0) |
			 (zdev->rid_available ? ZPCI_RUST_RID : 0) |
			 (zdev->tid_avail ? ZPCI_RUST_TID : 0) |
			 (zdev->util_str_avail ? ZPCI_RUST_UTILITY_STRING : 0) |
			 (zdev->mio_capable ? ZPCI_RUST_MIO : 0) |
			 (zdev->tlb_refresh ? ZPCI_RUST_REFRESH : 0) |
			 (zpci_relaxed_translation(zdev) ? ZPCI_RUST_RELAXED_TRANSLATION : 0),
		.roots = zpci_roots(zdev),
	};
	memcpy(function->internal_path, zdev->pfip, sizeof(function->internal_path));
	memcpy(function->utility_string, zdev->util_str, sizeof(function->utility_string));
}

void zpci_shim_store(struct zpci_dev *zdev, const struct zpci_rust_function *function)
{
	int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++) {
		zdev->bars[i].val = function->bars[i];
		zdev->bars[i].size = function->bar_size_log2[i];
		if (!(function->mio_bars & BIT(i)))
			continue;
		zdev->bars[i].mio_wb = (void __iomem *)function->mio_write_back[i];
		zdev->bars[i].mio_wt = (void __iomem *)function->mio_write_through[i];
	}
	zdev->start_dma = function->start_dma;
	/* Nobody uses the last page of 2^64, and pci_bus.c takes the first address behind. */
	zdev->end_dma = min(function->end_dma, U64_MAX - SZ_4K);
	zdev->dma_mask = function->dasm;
	zdev->msi_addr = function->msi_address;
	zdev->uid = function->uid;
	zdev->vfn = function->vfn;
	zdev->pchid = function->pchid;
	zdev->fmb_length = function->fmb_length;
	zdev->max_msi = function->max_interrupts;
	zdev->maxstbl = function->max_store_block;
	zdev->fmb_update = function->measurement_interval;
	zdev->pfgid = function->group;
	zdev->pft = function->function_type;
	zdev->port = function->port;
	zpci_set_fidparm(zdev, function->fidparm);
	zdev->dtsm = function->designation_types;
	zdev->version = function->version;
	zdev->max_bus_speed = function->version == 1 ? PCIE_SPEED_5_0GT : PCI_SPEED_UNKNOWN;
	zdev->is_physfn = !!(function->flags & ZPCI_RUST_PHYSICAL);
	zdev->rid_available = !!(function->flags & ZPCI_RUST_RID);
	if (zdev->rid_available)
		zdev->rid = function->rid;
	zdev->tid_avail = !!(function->flags & ZPCI_RUST_TID);
	if (zdev->tid_avail)
		zdev->tid = function->tid;
	zdev->util_str_avail = !!(function->flags & ZPCI_RUST_UTILITY_STRING);
	if (zdev->util_str_avail)
		memcpy(zdev->util_str, function->utility_string, sizeof(zdev->util_str));
	zdev->mio_capable = !!(function->flags & ZPCI_RUST_MIO);
	zdev->tlb_refresh = !!(function->flags & ZPCI_RUST_REFRESH);
	zpci_set_relaxed_translation(zdev, !!(function->flags & ZPCI_RUST_RELAXED_TRANSLATION));
	memcpy(zdev->pfip, function->internal_path, sizeof(zdev->pfip));
}
