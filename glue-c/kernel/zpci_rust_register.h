/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers the translation of a function anew, if it has one: the IOMMU driver does,
 * and knows, or without it the kernel by itself. For pci.h alone, which has what this
 * needs, of kernels that do not ask the driver; each name is as long as what it takes
 * the place of.
 */
#ifdef CONFIG_ZPCI_RUST
#define zpci_root(zdev) true
int zpci_iommu_register_ioat(struct zpci_dev *zdev, u8 *status);
static inline int zpci_register_anew(struct zpci_dev *zdev, u8 dmaas, u64 base, u64 limit,
				     u64 iota, u8 *status)
{
	return zpci_iommu_register_ioat(zdev, status);
}
#else
#define zpci_root(zdev) ((zdev)->dma_table)
#define zpci_register_anew zpci_register_ioat
#endif
