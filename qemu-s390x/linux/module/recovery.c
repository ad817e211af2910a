// SPDX-License-Identifier: GPL-2.0-only
/*
 * A function in the error state that its driver brings back without a reset. The
 * driver is one of ours, for the time of the test, and maps in error_detected().
 */

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/string.h>

#include "zpci_test.h"

#define PATIENCE (10 * HZ)

/* What the driver works on; the tests are run one at a time. */
static struct {
	struct pci_dev *pdev;
	struct iommu_domain *domain;
	phys_addr_t page;
	int rc;
	struct completion detected, resumed;
} recovery;

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return pdev == recovery.pdev ? pci_enable_device(pdev) : -ENODEV;
}

static void remove(struct pci_dev *pdev)
{
	pci_disable_device(pdev);
}

static pci_ers_result_t error_detected(struct pci_dev *pdev,
				       pci_channel_state_t state)
{
	recovery.rc = iommu_map(recovery.domain, TEST_IOVA, recovery.page,
				PAGE_SIZE, IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);
	complete(&recovery.detected);
	return PCI_ERS_RESULT_CAN_RECOVER;
}

static pci_ers_result_t mmio_enabled(struct pci_dev *pdev)
{
	return PCI_ERS_RESULT_RECOVERED;
}

static void resume(struct pci_dev *pdev)
{
	complete(&recovery.resumed);
}

static const struct pci_error_handlers handlers = {
	.error_detected = error_detected,
	.mmio_enabled = mmio_enabled,
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
	.remove = remove,
	.err_handler = &handlers,
	.driver_managed_dma = true,
};

/* How often all addresses of the function were refreshed, by the kernel's own count. */
static long refreshes_of_all(struct pci_dev *pdev)
{
	static char text[4096];
	char path[80], *line;
	struct file *file;
	ssize_t length;
	loff_t at = 0;
	long count;

	snprintf(path, sizeof(path), "/sys/kernel/debug/pci/%s/statistics",
		 pci_name(pdev));
	file = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	length = kernel_read(file, text, sizeof(text) - 1, &at);
	filp_close(file, NULL);
	if (length < 0)
		return length;
	text[length] = '\0';
	line = strstr(text, "Global RPCITs:");
	return line && sscanf(line, "Global RPCITs: %ld", &count) == 1 ? count :
									  -ENOENT;
}

/* An error of the function: a refresh outside of its window. */
static void provoke(struct pci_dev *pdev)
{
	union register_pair range = { .even = 0, .odd = PAGE_SIZE };
	u64 handle = (u64)to_zpci(pdev)->fh << 32;

	asm volatile("	.insn	rre,0xb9d30000,%[handle],%[range]\n"
		     : [handle] "+d" (handle)
		     : [range] "d" (range.pair)
		     : "cc", "memory");
}

/*
 * What is mapped while the function is in error it cannot be told of. When its
 * error state is cleared somebody has to make up for that.
 */
static void cleared_without_reset(struct bench *bench)
{
	struct iommu_domain *domain = bench_domain(bench, bench->first);
	u32 handle = to_zpci(bench->first)->fh;
	long before, after;

	if (!domain)
		return;
	recovery.pdev = bench->first;
	recovery.domain = domain;
	recovery.page = bench->pages[0];
	init_completion(&recovery.detected);
	init_completion(&recovery.resumed);
	expect(bench, !pci_register_driver(&driver), "no driver");
	expect(bench, !bench_attach(domain, bench->first), "attach");
	before = refreshes_of_all(bench->first);
	expect(bench, before >= 0, "no statistics: %ld", before);

	provoke(bench->first);
	if (wait_for_completion_timeout(&recovery.detected, PATIENCE)) {
		bench_note(bench, "map returns %d", recovery.rc);
		expect(bench, !recovery.rc, "a map fails while it is in error");
	} else {
		bench_fail(bench, "no error was reported");
	}
	expect(bench, wait_for_completion_timeout(&recovery.resumed, PATIENCE),
	       "it is not brought back");
	after = refreshes_of_all(bench->first);
	bench_note(bench, "%ld refreshes of all addresses", after - before);
	expect(bench, after > before, "nobody tells it what was mapped");
	expect(bench, to_zpci(bench->first)->fh == handle, "it was reset");

	bench_detach(domain, bench->first);
	pci_unregister_driver(&driver);
	iommu_domain_free(domain);
}

const struct zpci_test recovery_tests[] = {
	{ "cleared without a reset", cleared_without_reset },
	{ }
};
