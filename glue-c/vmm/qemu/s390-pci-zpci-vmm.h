/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What QEMU calls in place of its own services for PCI instructions, and what the files behind it share. */

#ifndef HW_S390_PCI_ZPCI_VMM_H
#define HW_S390_PCI_ZPCI_VMM_H

#include "cpu.h"
#include "qemu/interval-tree.h"
#include "hw/s390x/s390-pci-bus.h"

#include "zpci_vmm.h"

/* What a function has beside S390PCIBusDevice, from the first instruction that finds it on. */
typedef struct S390PCIZpciVmm {
    struct zpci_function function;
    /* Its place in the list. */
    size_t slot;
    /* What is mapped: nodes that are disjoint. */
    IntervalTreeRoot mapped;
} S390PCIZpciVmm;

/* The services, with the arguments of QEMU's own. */
int s390_pci_zpci_vmm_clp(S390CPU *cpu, uint8_t r2, uintptr_t ra);
int s390_pci_zpci_vmm_mpcifc(S390CPU *cpu, uint8_t r1, uint64_t fiba, uint8_t ar, uintptr_t ra);
int s390_pci_zpci_vmm_stpcifc(S390CPU *cpu, uint8_t r1, uint64_t fiba, uint8_t ar, uintptr_t ra);
int s390_pci_zpci_vmm_rpcit(S390CPU *cpu, uint8_t r1, uint8_t r2, uintptr_t ra);

/* Where the page at `iova` leads for the device; false if it is not mapped. */
bool s390_pci_zpci_vmm_translate(S390PCIIOMMU *iommu, uint64_t iova, S390IOTLBEntry *entry);

/* Whether the state of the function, enabled or blocked, lets the device at what is mapped. */
bool s390_pci_zpci_vmm_does_dma(const S390PCIIOMMU *iommu);

/* Nothing is mapped any more: translation is not registered. */
void s390_pci_zpci_vmm_unmapped(S390PCIIOMMU *iommu);
/* Forgets all that is mapped, and tells whoever listens. */
void s390_pci_zpci_vmm_unmap_all(S390PCIBusDevice *pbdev);

/* The function goes. */
void s390_pci_zpci_vmm_forget(S390PCIBusDevice *pbdev);

/*
 * Makes what the library has of the function, unless it is there, and tells the library what QEMU changed by itself. NULL if
 * the function has no device, not yet or not any more: no instruction finds it.
 */
struct zpci_function *s390_pci_zpci_vmm_function(S390PCIBusDevice *pbdev);

/* What RPCIT is carried out by. */
struct zpci_host s390_pci_zpci_vmm_host(S390PCIBusDevice *pbdev);

/* Whether the processor may; it gets a program interruption otherwise. */
bool s390_pci_zpci_vmm_is_privileged(S390CPU *cpu, uintptr_t ra);

#endif
