/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What RPCIT has mapped for the functions of QEMU's s390x guests, and where the device finds it. */

#include "qemu/osdep.h"
#include "exec/target_page.h"
#include "qemu/bswap.h"
#include "qemu/interval-tree.h"
#include "system/dma.h"
#include "hw/s390x/s390-pci-bus.h"

#include "s390-pci-zpci-vmm.h"

/* Pages in a row that lead to storage in a row. */
struct mapped {
    IntervalTreeNode node;
    uint64_t absolute;
    uint64_t refresh;
    bool read_only;
};

static void notify(S390PCIIOMMU *iommu, IOMMUNotifierFlag type, uint64_t first, uint64_t mask, uint64_t absolute,
                   IOMMUAccessFlags access)
{
    IOMMUTLBEvent event = {
        .type = type,
        .entry = {
            .target_as = &address_space_memory,
            .iova = first,
            .translated_addr = absolute,
            .addr_mask = mask,
            .perm = access,
        },
    };

    memory_region_notify_iommu(&iommu->iommu_mr, 0, event);
}

static bool is_listened_to(const S390PCIIOMMU *iommu)
{
    return iommu->iommu_mr.iommu_notify_flags != IOMMU_NOTIFIER_NONE;
}

static void insert(S390PCIZpciVmm *vmm, uint64_t first, uint64_t last, uint64_t absolute, const struct mapped *like)
{
    struct mapped *made = g_new0(struct mapped, 1);

    made->node.start = first;
    made->node.last = last;
    made->absolute = absolute;
    made->refresh = like->refresh;
    made->read_only = like->read_only;
    interval_tree_insert(&made->node, &vmm->mapped);
}

static bool read_entry(void *opaque, uint64_t address, uint64_t *value)
{
    MemTxResult result;

    *value = address_space_ldq_be(&address_space_memory, address, MEMTXATTRS_UNSPECIFIED, &result);
    return result == MEMTX_OK;
}

static bool first_in(void *opaque, uint64_t first, uint64_t last, struct zpci_mapping *found)
{
    S390PCIBusDevice *pbdev = opaque;
    IntervalTreeNode *node = interval_tree_iter_first(&pbdev->zpci_vmm->mapped, first, last);
    const struct mapped *mapped;

    if (!node) {
        return false;
    }
    mapped = container_of(node, struct mapped, node);
    *found = (struct zpci_mapping) {
        .first = node->start,
        .last = node->last,
        .absolute = mapped->absolute,
        .refresh = mapped->refresh,
        .read_only = mapped->read_only,
    };
    return true;
}

static bool map(void *opaque, const struct zpci_mapping *mapping)
{
    S390PCIBusDevice *pbdev = opaque;
    S390PCIIOMMU *iommu = pbdev->iommu;
    const struct mapped like = { .refresh = mapping->refresh, .read_only = mapping->read_only };
    uint64_t size = mapping->last - mapping->first + 1, offset;

    if (iommu->dma_limit) {
        if (iommu->dma_limit->avail < size / TARGET_PAGE_SIZE) {
            return false;
        }
        iommu->dma_limit->avail -= size / TARGET_PAGE_SIZE;
    }
    insert(pbdev->zpci_vmm, mapping->first, mapping->last, mapping->absolute, &like);
    if (is_listened_to(iommu)) {
        /* Page by page: VFIO takes no part of a mapping away. */
        for (offset = 0; offset < size; offset += TARGET_PAGE_SIZE) {
            notify(iommu, IOMMU_NOTIFIER_MAP, mapping->first + offset, ~TARGET_PAGE_MASK, mapping->absolute + offset,
                   mapping->read_only ? IOMMU_RO : IOMMU_RW);
        }
    }
    return true;
}

/* Forgets what is mapped from `first` to `last`, and tells whoever listens. */
static void unmap(void *opaque, uint64_t first, uint64_t last)
{
    S390PCIBusDevice *pbdev = opaque;
    S390PCIZpciVmm *vmm = pbdev->zpci_vmm;
    S390PCIIOMMU *iommu = pbdev->iommu;
    IntervalTreeNode *node;

    while ((node = interval_tree_iter_first(&vmm->mapped, first, last))) {
        struct mapped *old = container_of(node, struct mapped, node);
        uint64_t from = MAX(first, node->start), to = MIN(last, node->last), at;

        interval_tree_remove(node, &vmm->mapped);
        if (node->start < from) {
            insert(vmm, node->start, from - 1, old->absolute, old);
        }
        if (to < node->last) {
            insert(vmm, to + 1, node->last, old->absolute + (to + 1 - node->start), old);
        }
        g_free(old);
        if (iommu->dma_limit) {
            iommu->dma_limit->avail += (to - from + 1) / TARGET_PAGE_SIZE;
        }
        if (is_listened_to(iommu)) {
            /* As few events as powers of two make; the range never ends at 2^64. */
            for (at = from; at <= to;) {
                uint64_t mask = dma_aligned_pow2_mask(at, to, 64);

                notify(iommu, IOMMU_NOTIFIER_UNMAP, at, mask, 0, IOMMU_NONE);
                at += mask + 1;
            }
        }
    }
}

void s390_pci_zpci_vmm_unmap_all(S390PCIBusDevice *pbdev)
{
    unmap(pbdev, 0, UINT64_MAX);
}

void s390_pci_zpci_vmm_unmapped(S390PCIIOMMU *iommu)
{
    S390PCIZpciVmm *vmm = iommu->pbdev->zpci_vmm;
    IntervalTreeNode *node;

    if (!vmm) {
        return;
    }
    /* The region is taken away as a whole, of which who listens is told. */
    while ((node = interval_tree_iter_first(&vmm->mapped, 0, UINT64_MAX))) {
        if (iommu->dma_limit) {
            iommu->dma_limit->avail += (node->last - node->start + 1) / TARGET_PAGE_SIZE;
        }
        interval_tree_remove(node, &vmm->mapped);
        g_free(container_of(node, struct mapped, node));
    }
}

bool s390_pci_zpci_vmm_translate(S390PCIIOMMU *iommu, uint64_t iova, S390IOTLBEntry *entry)
{
    S390PCIZpciVmm *vmm = iommu->pbdev->zpci_vmm;
    const struct mapped *mapped;
    IntervalTreeNode *node;

    node = vmm ? interval_tree_iter_first(&vmm->mapped, iova, iova) : NULL;
    if (!node) {
        return false;
    }
    mapped = container_of(node, struct mapped, node);
    *entry = (S390IOTLBEntry) {
        .iova = iova,
        .translated_addr = mapped->absolute + (iova - node->start),
        .len = TARGET_PAGE_SIZE,
        .perm = mapped->read_only ? IOMMU_RO : IOMMU_RW,
    };
    return true;
}

bool s390_pci_zpci_vmm_does_dma(const S390PCIIOMMU *iommu)
{
    return iommu->pbdev->state != ZPCI_FS_BLOCKED || s390_get_phb()->zpci_vmm_rules != ZPCI_RULES_HARDWARE;
}

struct zpci_host s390_pci_zpci_vmm_host(S390PCIBusDevice *pbdev)
{
    return (struct zpci_host) {
        .opaque = pbdev,
        .read_entry = read_entry,
        .first_in = first_in,
        .map = map,
        .unmap = unmap,
    };
}
