/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests of the kernel's IOMMU interface on zPCI functions, whatever drives
 * them. Each is a file of its group's directory in /sys/kernel/debug/zpci_test:
 * reading it runs the test and says "ok", or "not ok" and why.
 */
#ifndef ZPCI_TEST_H
#define ZPCI_TEST_H

#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/seq_file.h>

/* Above the first usable DMA address of QEMU's functions, 4 GiB. */
#define TEST_IOVA 0x110000000UL

/* What a test writes to and works on. */
struct bench {
	struct seq_file *out;
	bool failed;
	/* Functions without a driver, each in an IOMMU group of its own. */
	struct pci_dev *first, *second;
	/* Two pages that nobody else uses. */
	phys_addr_t pages[2];
};

struct zpci_test {
	const char *name;
	void (*run)(struct bench *bench);
};

/* One file each, ended by an element without a name. */
extern const struct zpci_test mapping_tests[];
extern const struct zpci_test memory_tests[];
extern const struct zpci_test attachment_tests[];
extern const struct zpci_test recovery_tests[];
extern const struct zpci_test format_tests[];
extern const struct zpci_test root_tests[];
extern const struct zpci_test race_tests[];
extern const struct zpci_test matrix_tests[];
extern const struct zpci_test matrix_all_tests[];
extern const struct zpci_test measure_tests[];
extern const struct zpci_test measure_domain_tests[];
extern const struct zpci_test measure_levels_tests[];

/* A file "lacking": 1 takes from the second function what it has, 0 gives it back. */
void format_switch(struct bench *bench, struct dentry *directory);

/* Notes why the test has failed. */
__printf(2, 3)
void bench_fail(struct bench *bench, const char *format, ...);

/* A line for people. */
__printf(2, 3)
void bench_note(struct bench *bench, const char *format, ...);

/* A domain for a function, or NULL and the test has failed. */
struct iommu_domain *bench_domain(struct bench *bench, struct pci_dev *pdev);

/*
 * The same with five levels of tables, which QEMU's functions do not know: no
 * function can be attached. Needs s390_iommu_aperture=0.
 */
struct iommu_domain *bench_region_first_domain(struct bench *bench);

/* Attaches a function; returns what the kernel returns. */
int bench_attach(struct iommu_domain *domain, struct pci_dev *pdev);

/* Gives the function its own domain again. */
void bench_detach(struct iommu_domain *domain, struct pci_dev *pdev);

/* REFRESH PCI TRANSLATIONS. Returns the condition code. */
unsigned int bench_refresh(struct pci_dev *pdev, u64 address, u64 length);

/* Disables and enables the function, whatever state it is in. */
void bench_enable_again(struct bench *bench, struct pci_dev *pdev);

/* Ends the test as failed unless the condition holds; for use in a test. */
#define expect(bench, condition, format, ...)				\
	do {								\
		if (!(condition))					\
			bench_fail(bench, format, ##__VA_ARGS__);	\
	} while (0)

/* Whether `iova` leads to `phys`; 0 means to nowhere. */
static inline bool leads_to(struct iommu_domain *domain, unsigned long iova,
			    phys_addr_t phys)
{
	/* The stock driver loses the offset in the page. */
	return (iommu_iova_to_phys(domain, iova) & PAGE_MASK) == phys;
}

#endif
