/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* CLP of QEMU's s390x guests, and the functions that it tells of. */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "cpu.h"
#include "hw/qdev-core.h"
#include "hw/pci/pci_device.h"
#include "hw/s390x/s390-pci-bus.h"
#include "hw/s390x/s390-pci-vfio.h"

#include "s390-pci-zpci-vmm.h"

/* Bytes of the longest block. */
#define CLP_SIZE 8192

/* As QUERY PCI FN has them. */
#define INTERNAL_PATH_SIZE 4
#define UTILITY_STRING_SIZE 64

/* Selector of the PCI processor in a CLP; interception does not hand the field on. */
#define PCI_PROCESSOR 2

/* What CLP is answered from. */
static struct {
    struct zpci_slot *slots;
    /* The function in each slot, NULL for none. */
    S390PCIBusDevice **devices;
    size_t count;
    struct zpci_groups groups;
} machine;

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
        error_report("zpci: there are no rules %u, or no page from 0x%" PRIx64 " to 0x%" PRIx64,
                     configuration.rules, configuration.start_dma, configuration.end_dma);
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

struct zpci_function *s390_pci_zpci_vmm_function(S390PCIBusDevice *pbdev)
{
    S390PCIZpciVmm *vmm = pbdev->zpci_vmm;
    uint8_t event[32];

    /* Its handle can be guessed, and it has neither a group nor anything to map in. */
    if (!pbdev->pdev) {
        return NULL;
    }
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
    s390_pci_zpci_vmm_function(pbdev);
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
    struct zpci_function *function = s390_pci_zpci_vmm_function(pbdev);

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
    size_t length = header, request = 0;

    for (int step = 0; step < 3; step++) {
        size_t wanted;

        if (s390_cpu_virt_mem_read(cpu, address, r2, block, length)) {
            s390_cpu_virt_mem_handle_exc(cpu, ra);
            return 0;
        }
        /* Looked at once: the guest's other processors may store there meanwhile. */
        if (step == 0) {
            request = lduw_be_p(block);
        }
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

    if (!s390_pci_zpci_vmm_is_privileged(cpu, ra)) {
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
