// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function in the error state whose driver asks for no reset. The driver is one
 * of ours, for the time of a test.
 */

#include <linux/completion.h>

#include "zpci_test.h"

#define PATIENCE (10 * HZ)

/* What the driver works on and what happened to it; the tests are run one at a time. */
static struct {
	struct pci_dev *pdev;
	struct iommu_domain *domain;
	phys_addr_t page;	/* to be mapped in error_detected(), or 0 */
	int rc;
	bool bound, reset;
	struct completion resumed;
} recovery;

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	if (pdev != recovery.pdev)
		return -ENODEV;
	recovery.bound = true;
	return 0;
}

static pci_ers_result_t error_detected(struct pci_dev *pdev,
				       pci_channel_state_t state)
{
	if (recovery.page)
		recovery.rc = iommu_map(recovery.domain, TEST_IOVA,
					recovery.page, PAGE_SIZE,
					IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
	return PCI_ERS_RESULT_CAN_RECOVER;
}

static pci_ers_result_t mmio_enabled(struct pci_dev *pdev)
{
	return PCI_ERS_RESULT_RECOVERED;
}

static pci_ers_result_t slot_reset(struct pci_dev *pdev)
{
	recovery.reset = true;
	return PCI_ERS_RESULT_RECOVERED;
}

static void resume(struct pci_dev *pdev)
{
	complete(&recovery.resumed);
}

static const struct pci_error_handlers handlers = {
	.error_detected = error_detected,
	.mmio_enabled = mmio_enabled,
	.slot_reset = slot_reset,
	.resume = resume,
};

static const struct pci_device_id all[] = {
	{ PCI_DEVICE(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};

static struct pci_driver driver = {
	.name = "zpci_test",
	.id_table = all,
	.probe = probe,
	.err_handler = &handlers,
	.driver_managed_dma = true,
};

/* The function is in error and comes back; @page is mapped meanwhile if it is not 0. */
static void recover(struct bench *bench, phys_addr_t page)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);

	if (!domain)
		return;
	recovery.pdev = bench->first;
	recovery.domain = domain;
	recovery.page = page;
	recovery.rc = 0;
	recovery.bound = recovery.reset = false;
	init_completion(&recovery.resumed);
	if (pci_register_driver(&driver)) {
		bench_fail(bench, "no driver");
		iommu_domain_free(domain);
		return;
	}
	expect(bench, recovery.bound, "the driver is not bound");
	expect(bench, !bench_attach(domain, bench->first), "attach");
	/* Outside of its window. */
	bench_refresh(bench->first, 0, PAGE_SIZE);
	if (!wait_for_completion_timeout(&recovery.resumed, PATIENCE)) {
		bench_fail(bench, "it is not brought back");
		bench_enable_again(bench, bench->first);
	}
	bench_note(bench, "map returns %d; %s", recovery.rc,
		   recovery.reset ? "reset" : "cleared");
	bench_detach(domain, bench->first);
	pci_unregister_driver(&driver);
	iommu_domain_free(domain);
}

/* It missed nothing, so that its error state is cleared. */
static void cleared(struct bench *bench)
{
	recover(bench, 0);
	expect(bench, !recovery.reset, "it is reset");
}

/* It cannot be told of what is mapped, so that only a reset makes up for it. */
static void reset_after_a_map(struct bench *bench)
{
	recover(bench, bench->pages[0]);
	expect(bench, !recovery.rc, "a map fails while it is in error");
	expect(bench, recovery.reset, "nobody tells it what was mapped");
}

const struct zpci_test recovery_tests[] = {
	{ "cleared", cleared },
	{ "reset after a map", reset_after_a_map },
	{ }
};
