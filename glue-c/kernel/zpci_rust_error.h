/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The error state of a function was cleared without a reset: the IOMMU driver makes up for
 * what it could not be told meanwhile, or without it nobody. For pci.h alone.
 */
#ifdef CONFIG_ZPCI_RUST
int zpci_error_cleared(struct zpci_dev *zdev);
#else
#define zpci_error_cleared(zdev) 0
#endif
