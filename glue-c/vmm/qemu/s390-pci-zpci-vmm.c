/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/*
 * MPCIFC, STPCIFC and RPCIT of QEMU's s390x guests, answered by the library of zpci_vmm.h.
 *
 * QEMU keeps what it has of a function for the device: state, handle, aperture, interrupt routes. Here each answer of the
 * library is carried over into that. What QEMU changes by itself, an error of a DMA or a reset, the library is told before
 * its next answer.
 *
 * Everything here is called with QEMU's big lock held, as the services that it replaces are.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "cpu.h"
#include "hw/s390x/s390-pci-bus.h"
#include "hw/s390x/s390-pci-inst.h"
#include "hw/s390x/s390-pci-kvm.h"
#include "hw/s390x/tod.h"

#include "s390-pci-zpci-vmm.h"

/* Bytes of a FIB. */
#define FIB_SIZE 80

/* Status of MPCIFC */
#define INSUFFICIENT_RESOURCE 16

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

/* The guest gets the event, if there is one. */
static void announce(const struct zpci_answer *answer)
{
    if (answer->has_event) {
        s390_pci_generate_error_event(lduw_be_p(answer->event + 30), ldl_be_p(answer->event + 4),
                                      ldl_be_p(answer->event + 8), ldq_be_p(answer->event + 16),
                                      ldl_be_p(answer->event + 12));
    }
}

static void end(S390CPU *cpu, uint8_t r1, const struct zpci_answer *answer, uintptr_t ra)
{
    if (answer->program_interruption) {
        s390_program_interrupt(&cpu->env, answer->program_interruption, ra);
        return;
    }
    cpu->env.regs[r1] = answer->r1;
    announce(answer);
    setcc(cpu, answer->condition_code);
}

bool s390_pci_zpci_vmm_is_privileged(S390CPU *cpu, uintptr_t ra)
{
    if (cpu->env.psw.mask & PSW_MASK_PSTATE) {
        s390_program_interrupt(&cpu->env, PGM_PRIVILEGED, ra);
        return false;
    }
    return true;
}

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
    if (s390_get_phb()->zpci_vmm_rules == ZPCI_RULES_HARDWARE) {
        memset(pbdev->fmb.counter, 0, sizeof(pbdev->fmb.counter));
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

/* Returns false if the host cannot do it. */
static bool stop_interrupts(S390PCIBusDevice *pbdev)
{
    if (pbdev->interp) {
        return s390_pci_kvm_aif_disable(pbdev) == 0;
    }
    if (pbdev->summary_ind) {
        pci_dereg_irqs(pbdev);
    }
    return true;
}

/* Returns false if the host cannot do it, which is so of interrupts alone. */
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
    if (effect->what & ZPCI_EFFECT_MEASURE) {
        start_measuring(pbdev, effect->fmb);
    }
    if (effect->what & ZPCI_EFFECT_NO_INTERRUPTS) {
        return stop_interrupts(pbdev);
    }
    return !(effect->what & ZPCI_EFFECT_INTERRUPTS) || start_interrupts(cpu, pbdev, effect);
}

/*
 * After an error: the guest was refused its refreshes meanwhile. QEMU's own service does not look at the tables.
 * False if the host can map no more.
 */
static bool refresh_all(S390PCIBusDevice *pbdev, struct zpci_function *function)
{
    struct zpci_host host = s390_pci_zpci_vmm_host(pbdev);
    struct zpci_pending pending;
    struct zpci_answer answer;

    if (s390_get_phb()->zpci_vmm_rules != ZPCI_RULES_HARDWARE || !zpci_function_refresh_all(function, &pending)) {
        return true;
    }
    while (zpci_rpcit_proceed(function, &pending, &host, UINT64_MAX, &answer)) {
    }
    announce(&answer);
    return !answer.condition_code || answer.has_event;
}

int s390_pci_zpci_vmm_mpcifc(S390CPU *cpu, uint8_t r1, uint64_t fiba, uint8_t ar, uintptr_t ra)
{
    uint64_t register1 = cpu->env.regs[r1];
    S390PCIBusDevice *pbdev;
    struct zpci_function *function = NULL;
    struct zpci_answer answer;
    struct zpci_effect effect;
    uint8_t fib[FIB_SIZE] = { 0 };

    if (!s390_pci_zpci_vmm_is_privileged(cpu, ra)) {
        return 0;
    }
    pbdev = s390_pci_find_dev_by_fh(s390_get_phb(), register1 >> 32);
    if (pbdev) {
        function = s390_pci_zpci_vmm_function(pbdev);
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
            /* What KVM cannot do has a status of its own. */
            zpci_mpcifc_take_back(function, pbdev->interp ? ZPCI_MOD_ST_SEQUENCE : ZPCI_MOD_ST_RES_NOT_AVAIL, &answer);
        }
        if ((effect.what & ZPCI_EFFECT_UNBLOCKED) && pbdev->iommu->enabled) {
            /* Blocked it does no DMA; a device of the host has these mappings. They come back with the reset. */
            s390_pci_zpci_vmm_unmap_all(pbdev);
        }
        if ((effect.what & ZPCI_EFFECT_RESET) && !refresh_all(pbdev, function)) {
            zpci_mpcifc_take_back(function, INSUFFICIENT_RESOURCE, &answer);
        }
        take_over_state(pbdev);
    }
    end(cpu, r1, &answer, ra);
    return 0;
}

int s390_pci_zpci_vmm_stpcifc(S390CPU *cpu, uint8_t r1, uint64_t fiba, uint8_t ar, uintptr_t ra)
{
    uint64_t register1 = cpu->env.regs[r1];
    S390PCIBusDevice *pbdev;
    struct zpci_function *function = NULL;
    struct zpci_answer answer;
    uint8_t fib[FIB_SIZE];

    if (!s390_pci_zpci_vmm_is_privileged(cpu, ra)) {
        return 0;
    }
    pbdev = s390_pci_find_dev_by_idx(s390_get_phb(), (register1 >> 32) & FH_MASK_INDEX);
    if (pbdev && pbdev->state != ZPCI_FS_RESERVED && pbdev->state != ZPCI_FS_STANDBY) {
        function = s390_pci_zpci_vmm_function(pbdev);
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
    struct zpci_host host;

    if (!s390_pci_zpci_vmm_is_privileged(cpu, ra)) {
        return 0;
    }
    pbdev = s390_pci_find_dev_by_fh(s390_get_phb(), registers[r1] >> 32);
    if (pbdev) {
        function = s390_pci_zpci_vmm_function(pbdev);
    }
    /* The instruction ends here as under QEMU's own service, so it is done at once. */
    host = s390_pci_zpci_vmm_host(pbdev);
    if (zpci_rpcit(function, registers[r1], r2, registers[r2], registers[(r2 + 1) & 0xf], &pending, &answer)) {
        while (zpci_rpcit_proceed(function, &pending, &host, UINT64_MAX, &answer)) {
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
