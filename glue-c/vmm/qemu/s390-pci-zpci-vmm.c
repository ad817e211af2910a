/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * CLP, MPCIFC, STPCIFC and RPCIT of QEMU's s390x guests, answered by the library of zpci_vmm.h.
 *
 * QEMU keeps what it has of a function for the device: state, handle, aperture, interrupt routes. Here each answer of the
 * library is carried over into that. What QEMU changes by itself, an error of a DMA or a reset, the library is told before
 * its next answer.
 *
 * Everything here is called with QEMU's big lock held, as the services that it replaces are.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/interval-tree.h"
#include "qemu/timer.h"
#include "cpu.h"
#include "system/dma.h"
#include "hw/qdev-core.h"
#include "hw/pci/pci_device.h"
#include "hw/s390x/s390-pci-bus.h"
#include "hw/s390x/s390-pci-inst.h"
#include "hw/s390x/s390-pci-kvm.h"
#include "hw/s390x/s390-pci-vfio.h"
#include "hw/s390x/tod.h"

#include "s390-pci-zpci-vmm.h"

/* Bytes of a FIB, and of the longest block of CLP. */
#define FIB_SIZE 80
#define CLP_SIZE 8192

/* As QUERY PCI FN has them. */
#define INTERNAL_PATH_SIZE 4
#define UTILITY_STRING_SIZE 64

/* Selector of the PCI processor in a CLP; interception does not hand the field on. */
#define PCI_PROCESSOR 2

/* What a function has beside S390PCIBusDevice, from its first CLP on. */
struct S390PCIZpciVmm {
    struct zpci_function function;
    /* Its place in the list. */
    size_t slot;
    /* What is mapped: nodes of struct mapped, disjoint. */
    IntervalTreeRoot mapped;
};

/* Pages in a row that lead to storage in a row. */
struct mapped {
    IntervalTreeNode node;
    uint64_t absolute;
    uint64_t refresh;
    bool read_only;
};

/* What CLP is answered from. */
static struct {
    struct zpci_slot *slots;
    /* The function in each slot, NULL for none. */
    S390PCIBusDevice **devices;
    size_t count;
    struct zpci_groups groups;
    bool has_groups;
} machine;

/* Mappings */

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

static const struct zpci_host host = {
    .read_entry = read_entry,
    .first_in = first_in,
    .map = map,
    .unmap = unmap,
};

/* Functions */

static void configure(S390PCIBusDevice *pbdev)
{
    struct zpci_function_configuration configuration = {
        .start_dma = pbdev->zpci_fn.sdma,
        .end_dma = pbdev->zpci_fn.edma,
        .id = pbdev->fid,
        .max_interrupts = pbdev->pci_group->zpci_group.i,
        .designation_types = pbdev->pci_group->zpci_group.dtsm,
        .function_type = pbdev->zpci_fn.pft,
        .rules = s390_get_phb()->zpci_vmm_rules,
        .relaxed_translation = pbdev->rtr_avail,
        .has_measurement = true,
    };

    if (!zpci_function_init(&pbdev->zpci_vmm->function, pbdev->fh, &configuration)) {
        error_report("zpci: no function can have the DMA window 0x%" PRIx64 " to 0x%" PRIx64,
                     configuration.start_dma, configuration.end_dma);
        exit(EXIT_FAILURE);
    }
}

/* The first slot without a function. */
static size_t free_slot(void)
{
    size_t slot;

    for (slot = 0; slot < machine.count; slot++) {
        if (!machine.devices[slot]) {
            return slot;
        }
    }
    machine.count = MAX(64, 2 * machine.count);
    machine.slots = g_renew(struct zpci_slot, machine.slots, machine.count);
    machine.devices = g_renew(S390PCIBusDevice *, machine.devices, machine.count);
    for (size_t made = slot; made < machine.count; made++) {
        zpci_slot_clear(&machine.slots[made]);
        machine.devices[made] = NULL;
    }
    return slot;
}

/* Makes what the library has of the function, unless it is there, and tells the library what QEMU changed by itself. */
static struct zpci_function *function_of(S390PCIBusDevice *pbdev)
{
    S390PCIZpciVmm *vmm = pbdev->zpci_vmm;
    uint8_t event[32];

    if (!vmm) {
        vmm = pbdev->zpci_vmm = g_new0(S390PCIZpciVmm, 1);
        vmm->slot = free_slot();
        machine.devices[vmm->slot] = pbdev;
        configure(pbdev);
    }
    switch (pbdev->state) {
    case ZPCI_FS_ERROR:
        if (zpci_function_state(&vmm->function) != ZPCI_STATE_ERROR) {
            /* The guest has the event already, with the address that the device used. */
            zpci_function_fail(&vmm->function, ERR_EVENT_TPROTE, 0, event);
        }
        break;
    case ZPCI_FS_RESERVED:
    case ZPCI_FS_STANDBY:
    case ZPCI_FS_DISABLED:
        if (zpci_function_state(&vmm->function) != ZPCI_STATE_DISABLED) {
            zpci_function_disable(&vmm->function, pbdev->fh);
        }
        break;
    default:
        break;
    }
    return &vmm->function;
}

void s390_pci_zpci_vmm_forget(S390PCIBusDevice *pbdev)
{
    S390PCIZpciVmm *vmm = pbdev->zpci_vmm;

    if (vmm) {
        zpci_slot_clear(&machine.slots[vmm->slot]);
        machine.devices[vmm->slot] = NULL;
        s390_pci_zpci_vmm_unmapped(pbdev->iommu);
        g_free(vmm);
        pbdev->zpci_vmm = NULL;
    }
}

/* The end of an instruction */

static void take_over_state(S390PCIBusDevice *pbdev)
{
    switch (zpci_function_state(&pbdev->zpci_vmm->function)) {
    case ZPCI_STATE_ENABLED:
        pbdev->state = ZPCI_FS_ENABLED;
        break;
    case ZPCI_STATE_BLOCKED:
        pbdev->state = ZPCI_FS_BLOCKED;
        break;
    case ZPCI_STATE_ERROR:
        pbdev->state = ZPCI_FS_ERROR;
        break;
    default:
        /* QEMU's own: disabled, standby and reserved are one to the library. */
        break;
    }
}

static void end(S390CPU *cpu, uint8_t r1, const struct zpci_answer *answer, uintptr_t ra)
{
    if (answer->program_interruption) {
        s390_program_interrupt(&cpu->env, answer->program_interruption, ra);
        return;
    }
    cpu->env.regs[r1] = answer->r1;
    if (answer->has_event) {
        s390_pci_generate_error_event(lduw_be_p(answer->event + 30), ldl_be_p(answer->event + 4),
                                      ldl_be_p(answer->event + 8), ldq_be_p(answer->event + 16),
                                      ldl_be_p(answer->event + 12));
    }
    setcc(cpu, answer->condition_code);
}

static bool is_privileged(S390CPU *cpu, uintptr_t ra)
{
    if (cpu->env.psw.mask & PSW_MASK_PSTATE) {
        s390_program_interrupt(&cpu->env, PGM_PRIVILEGED, ra);
        return false;
    }
    return true;
}

/* CLP */

static void describe_groups(void)
{
    S390PCIGroup *group;

    zpci_groups_init(&machine.groups);
    QTAILQ_FOREACH(group, &s390_get_phb()->zpci_groups, link) {
        const ClpRspQueryPciGrp *of = &group->zpci_group;
        const struct zpci_group_values values = {
            .dasm = of->dasm,
            .msi_address = of->msia,
            .max_interrupts = of->i,
            .max_store_block = of->maxstbl,
            .measurement_interval_ms = of->mui,
            .version = of->version,
            .designation_types = of->dtsm,
            .refresh = of->fr & CLP_RSP_QPCIG_MASK_REFRESH,
            .relaxed_translation = of->fr & CLP_RSP_QPCIG_MASK_RTR,
        };
        const struct zpci_virtualization virtualization = {
            .roots = of->dtsm,
            .relaxed_translation = values.relaxed_translation,
            .max_store_block = of->maxstbl,
        };
        uint8_t id;

        /* QEMU has chosen identifiers that differ, so the guest's is QEMU's. */
        if (!zpci_groups_add(&machine.groups, group->id, &values, &virtualization, &id) || id != group->id) {
            warn_report("zpci: group 0x%02x cannot be described to the guest", group->id);
        }
    }
}

static void describe(S390PCIBusDevice *pbdev)
{
    const ClpRspQueryPci *of = &pbdev->zpci_fn;
    PCIDevice *device = pbdev->pdev;
    struct zpci_slot *slot;
    struct zpci_function_values values = {
        .start_dma = of->sdma,
        .end_dma = of->edma,
        .id = of->fid,
        .uid = of->uid,
        .vendor = pci_get_word(device->config + PCI_VENDOR_ID),
        .device = pci_get_word(device->config + PCI_DEVICE_ID),
        .pchid = of->pchid,
        .fmb_length = 4 * of->fmbl,
        .group = of->pfgid,
        .function_type = of->pft,
        .has_utility_string = of->flags & CLP_RSP_QPCI_MASK_UTIL,
    };

    QEMU_BUILD_BUG_ON(sizeof(values.internal_path) != INTERNAL_PATH_SIZE || CLP_PFIP_NR_SEGMENTS != INTERNAL_PATH_SIZE);
    QEMU_BUILD_BUG_ON(sizeof(values.utility_string) != UTILITY_STRING_SIZE || CLP_UTIL_STR_LEN != UTILITY_STRING_SIZE);
    memcpy(values.internal_path, of->pfip, INTERNAL_PATH_SIZE);
    memcpy(values.utility_string, of->util_str, UTILITY_STRING_SIZE);
    for (int bar = 0; bar < PCI_BAR_COUNT; bar++) {
        uint64_t size = device->io_regions[bar].size;

        memcpy(values.bars[bar], device->config + PCI_BASE_ADDRESS_0 + 4 * bar, 4);
        values.bar_size_log2[bar] = size ? ctz64(size) : 0;
    }
    function_of(pbdev);
    slot = &machine.slots[pbdev->zpci_vmm->slot];
    if (!zpci_slot_init(slot, pbdev->fh, &values)) {
        warn_report("zpci: function 0x%08x cannot be described to the guest", pbdev->fid);
        return;
    }
    zpci_slot_set_handle(slot, pbdev->fh, pbdev->state != ZPCI_FS_STANDBY);
}

static uint8_t set(void *opaque, size_t slot, uint8_t action, uint32_t *handle)
{
    S390PCIBusDevice *pbdev = machine.devices[slot];
    struct zpci_function *function = function_of(pbdev);

    if (action == ZPCI_SET_DISABLE) {
        device_cold_reset(DEVICE(pbdev));
        pbdev->fh &= ~FH_MASK_ENABLE;
        pbdev->state = ZPCI_FS_DISABLED;
        zpci_function_disable(function, pbdev->fh);
    } else {
        /* A part of the handle may have changed while the function was disabled, as by a reset of the host's. */
        if (pbdev->interp && (!s390_pci_get_host_fh(pbdev, &pbdev->fh) || !(pbdev->fh & FH_MASK_ENABLE))) {
            return ZPCI_SET_GONE;
        }
        pbdev->fh |= FH_MASK_ENABLE;
        pbdev->state = ZPCI_FS_ENABLED;
        zpci_function_enable(function, pbdev->fh);
    }
    zpci_slot_set_handle(&machine.slots[slot], pbdev->fh, true);
    *handle = pbdev->fh;
    return ZPCI_SET_DONE;
}

/* Reads as much of the block as its lengths say; 0 after an access exception. */
static size_t read_block(S390CPU *cpu, uint64_t address, uint8_t r2, uint8_t *block, uintptr_t ra)
{
    const size_t header = sizeof(ClpReqHdr);
    size_t length = header;

    for (int step = 0; step < 3; step++) {
        size_t request, wanted;

        if (s390_cpu_virt_mem_read(cpu, address, r2, block, length)) {
            s390_cpu_virt_mem_handle_exc(cpu, ra);
            return 0;
        }
        request = lduw_be_p(block);
        wanted = request + header;
        if (step == 1) {
            wanted = request + lduw_be_p(block + request);
        }
        /* What is too long or too short is the library's to refuse. */
        if (wanted <= length || wanted > CLP_SIZE) {
            break;
        }
        length = wanted;
    }
    return length;
}

int s390_pci_zpci_vmm_clp(S390CPU *cpu, uint8_t r2, uintptr_t ra)
{
    struct zpci_commands commands;
    struct zpci_reply reply;
    S390PCIBusDevice *pbdev;
    uint64_t address = cpu->env.regs[r2];
    uint8_t block[CLP_SIZE];
    size_t length;

    if (!is_privileged(cpu, ra)) {
        return 0;
    }
    length = read_block(cpu, address, r2, block, ra);
    if (!length) {
        return 0;
    }
    describe_groups();
    QTAILQ_FOREACH(pbdev, &s390_get_phb()->zpci_devs, link) {
        if (pbdev->state != ZPCI_FS_RESERVED && pbdev->pdev) {
            describe(pbdev);
        }
    }
    commands = (struct zpci_commands) {
        .slots = machine.slots,
        .slot_count = machine.count,
        .groups = &machine.groups,
        .max_functions = PCI_MAX_FUNCTIONS,
        .uid_checking = true,
        .rules = s390_get_phb()->zpci_vmm_rules,
        .set = set,
    };
    zpci_clp(&commands, PCI_PROCESSOR, block, length, &reply);
    if (reply.program_interruption) {
        s390_program_interrupt(&cpu->env, reply.program_interruption, ra);
        return 0;
    }
    if (reply.written_length &&
        s390_cpu_virt_mem_write(cpu, address + reply.written, r2, block + reply.written, reply.written_length)) {
        s390_cpu_virt_mem_handle_exc(cpu, ra);
        return 0;
    }
    setcc(cpu, reply.condition_code);
    return 0;
}

/* MPCIFC */

static bool store_measured(void *opaque, uint16_t offset, uint64_t value)
{
    S390PCIBusDevice *pbdev = opaque;
    MemTxResult result;

    address_space_stq_be(&address_space_memory, pbdev->fmb_addr + offset, value, MEMTXATTRS_UNSPECIFIED, &result);
    return result == MEMTX_OK;
}

static void measure(void *opaque)
{
    S390PCIBusDevice *pbdev = opaque;
    const struct zpci_measured measured = {
        .sample = pbdev->fmb.sample++,
        .time_before = pbdev->fmb.last_update,
        .time = time2tod(qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL)) << 1,
        .loads = pbdev->fmb.counter[ZPCI_FMB_CNT_LD],
        .stores = pbdev->fmb.counter[ZPCI_FMB_CNT_ST],
        .block_stores = pbdev->fmb.counter[ZPCI_FMB_CNT_STB],
        .refreshes = pbdev->fmb.counter[ZPCI_FMB_CNT_RPCIT],
    };

    pbdev->fmb.last_update = measured.time;
    if (!zpci_measurement_write(&measured, sizeof(ZpciFmb), pbdev, store_measured)) {
        s390_pci_generate_error_event(ERR_EVENT_FMBA, pbdev->fh, pbdev->fid, pbdev->fmb_addr, 0);
        fmb_timer_free(pbdev);
        return;
    }
    timer_mod(pbdev->fmb_timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + pbdev->pci_group->zpci_group.mui);
}

static void start_measuring(S390PCIBusDevice *pbdev, uint64_t address)
{
    if (!address) {
        fmb_timer_free(pbdev);
        return;
    }
    if (!pbdev->fmb_timer) {
        pbdev->fmb_timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, measure, pbdev);
    }
    pbdev->fmb_addr = address;
    timer_mod(pbdev->fmb_timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + pbdev->pci_group->zpci_group.mui);
}

/* Returns false if the guest's vectors cannot be reached. */
static bool start_interrupts(S390CPU *cpu, S390PCIBusDevice *pbdev, const struct zpci_effect *effect)
{
    ZpciFib fib = { 0 };

    stl_be_p(&fib.data, effect->interrupt_word);
    stq_be_p(&fib.aibv, effect->aibv);
    stq_be_p(&fib.aisb, effect->aisb);
    if (pbdev->interp) {
        return s390_pci_kvm_aif_enable(pbdev, &fib, pbdev->forwarding_assist) == 0;
    }
    return s390_pci_reg_irqs(&cpu->env, pbdev, fib) == 0;
}

static void stop_interrupts(S390PCIBusDevice *pbdev)
{
    if (pbdev->interp) {
        s390_pci_kvm_aif_disable(pbdev);
    } else if (pbdev->summary_ind) {
        pci_dereg_irqs(pbdev);
    }
}

/* Returns false if the host cannot do it. */
static bool carry_out(S390CPU *cpu, S390PCIBusDevice *pbdev, const struct zpci_effect *effect)
{
    S390PCIIOMMU *iommu = pbdev->iommu;

    if (effect->what & ZPCI_EFFECT_DEREGISTERED) {
        pci_dereg_ioat(iommu);
    }
    if (effect->what & ZPCI_EFFECT_REGISTERED) {
        iommu->pba = effect->first;
        iommu->pal = effect->last;
        iommu->g_iota = effect->iota;
        if (effect->iota & ZPCI_IOTA_IOT_ENABLED) {
            s390_pci_iommu_enable(iommu);
        } else {
            s390_pci_iommu_direct_map_enable(iommu);
        }
    }
    if (effect->what & ZPCI_EFFECT_NO_INTERRUPTS) {
        stop_interrupts(pbdev);
    }
    if (effect->what & ZPCI_EFFECT_MEASURE) {
        start_measuring(pbdev, effect->fmb);
    }
    return !(effect->what & ZPCI_EFFECT_INTERRUPTS) || start_interrupts(cpu, pbdev, effect);
}

int s390_pci_zpci_vmm_mpcifc(S390CPU *cpu, uint8_t r1, uint64_t fiba, uint8_t ar, uintptr_t ra)
{
    uint64_t register1 = cpu->env.regs[r1];
    S390PCIBusDevice *pbdev;
    struct zpci_function *function = NULL;
    struct zpci_answer answer;
    struct zpci_effect effect;
    uint8_t fib[FIB_SIZE] = { 0 };

    if (!is_privileged(cpu, ra)) {
        return 0;
    }
    pbdev = s390_pci_find_dev_by_fh(s390_get_phb(), register1 >> 32);
    if (pbdev) {
        function = function_of(pbdev);
    }
    /* What is refused for its registers gets no access exception for its FIB. */
    if (function && zpci_function_state(function) != ZPCI_STATE_DISABLED && !(fiba & 7) &&
        s390_cpu_virt_mem_read(cpu, fiba, ar, fib, sizeof(fib))) {
        s390_cpu_virt_mem_handle_exc(cpu, ra);
        return 0;
    }
    zpci_mpcifc(function, register1, fiba, fib, &answer, &effect);
    if (function) {
        if (!carry_out(cpu, pbdev, &effect)) {
            struct zpci_effect taken_back;
            struct zpci_answer unseen;

            zpci_mpcifc(function, (register1 & ~0xffffULL) | ZPCI_MOD_FC_DEREG_INT, fiba, fib, &unseen, &taken_back);
            answer.condition_code = ZPCI_PCI_LS_ERR;
            answer.r1 = (register1 & ~0xff000000ULL) | ((uint64_t)ZPCI_MOD_ST_RES_NOT_AVAIL << 24);
        }
        take_over_state(pbdev);
    }
    end(cpu, r1, &answer, ra);
    return 0;
}

/* STPCIFC and RPCIT */

int s390_pci_zpci_vmm_stpcifc(S390CPU *cpu, uint8_t r1, uint64_t fiba, uint8_t ar, uintptr_t ra)
{
    uint64_t register1 = cpu->env.regs[r1];
    S390PCIBusDevice *pbdev;
    struct zpci_function *function = NULL;
    struct zpci_answer answer;
    uint8_t fib[FIB_SIZE];

    if (!is_privileged(cpu, ra)) {
        return 0;
    }
    pbdev = s390_pci_find_dev_by_idx(s390_get_phb(), (register1 >> 32) & FH_MASK_INDEX);
    if (pbdev && pbdev->state != ZPCI_FS_RESERVED && pbdev->state != ZPCI_FS_STANDBY) {
        function = function_of(pbdev);
    }
    if (zpci_stpcifc(function, register1, fiba, fib, &answer) &&
        s390_cpu_virt_mem_write(cpu, fiba, ar, fib, sizeof(fib))) {
        s390_cpu_virt_mem_handle_exc(cpu, ra);
        return 0;
    }
    end(cpu, r1, &answer, ra);
    return 0;
}

int s390_pci_zpci_vmm_rpcit(S390CPU *cpu, uint8_t r1, uint8_t r2, uintptr_t ra)
{
    uint64_t *registers = cpu->env.regs;
    S390PCIBusDevice *pbdev;
    struct zpci_function *function = NULL;
    struct zpci_pending pending;
    struct zpci_answer answer;
    struct zpci_host calls = host;

    if (!is_privileged(cpu, ra)) {
        return 0;
    }
    pbdev = s390_pci_find_dev_by_fh(s390_get_phb(), registers[r1] >> 32);
    if (pbdev) {
        function = function_of(pbdev);
    }
    /* The instruction ends here as under QEMU's own service, so it is done at once. */
    calls.opaque = pbdev;
    if (zpci_rpcit(function, registers[r1], r2, registers[r2], registers[(r2 + 1) & 0xf], &pending, &answer)) {
        while (zpci_rpcit_proceed(function, &pending, &calls, UINT64_MAX, &answer)) {
        }
    }
    if (function) {
        if (!answer.program_interruption && !answer.has_event &&
            (answer.condition_code == ZPCI_PCI_LS_OK ||
             (answer.condition_code == ZPCI_PCI_LS_ERR &&
              ((answer.r1 >> 24) & 0xff) == ZPCI_RPCIT_ST_INSUFF_RES))) {
            pbdev->fmb.counter[ZPCI_FMB_CNT_RPCIT]++;
        }
        take_over_state(pbdev);
    }
    end(cpu, r1, &answer, ra);
    return 0;
}
