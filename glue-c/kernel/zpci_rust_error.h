/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clears the error state of a function without a reset: the IOMMU driver does, unless the
 * function missed something, or without it the kernel by itself. For pci.h alone.
 */
#ifdef CONFIG_ZPCI_RUST
struct zpci_fib;
u8 zpci_reset_error(struct zpci_dev *zdev, u64 req, struct zpci_fib *fib, u8 *status);
#else
#define zpci_reset_error(zdev, req, fib, status) zpci_mod_fc(req, fib, status)
#endif
