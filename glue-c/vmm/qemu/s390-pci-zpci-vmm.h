/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* What QEMU calls in place of its own services for PCI instructions: the arguments are those of the services. */

#ifndef HW_S390_PCI_ZPCI_VMM_H
#define HW_S390_PCI_ZPCI_VMM_H

#include "cpu.h"
#include "hw/s390x/s390-pci-bus.h"

#include "zpci_vmm.h"

typedef struct S390PCIZpciVmm S390PCIZpciVmm;

int s390_pci_zpci_vmm_clp(S390CPU *cpu, uint8_t r2, uintptr_t ra);
int s390_pci_zpci_vmm_mpcifc(S390CPU *cpu, uint8_t r1, uint64_t fiba, uint8_t ar, uintptr_t ra);
int s390_pci_zpci_vmm_stpcifc(S390CPU *cpu, uint8_t r1, uint64_t fiba, uint8_t ar, uintptr_t ra);
int s390_pci_zpci_vmm_rpcit(S390CPU *cpu, uint8_t r1, uint8_t r2, uintptr_t ra);

/* Where the page at `iova` leads for the device; false if it is not mapped. */
bool s390_pci_zpci_vmm_translate(S390PCIIOMMU *iommu, uint64_t iova, S390IOTLBEntry *entry);

/* Nothing is mapped any more: translation is not registered. */
void s390_pci_zpci_vmm_unmapped(S390PCIIOMMU *iommu);

/* The function goes. */
void s390_pci_zpci_vmm_forget(S390PCIBusDevice *pbdev);

#endif
