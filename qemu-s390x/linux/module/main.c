// SPDX-License-Identifier: GPL-2.0-only

#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/module.h>

#include "zpci_test.h"

/* "dddd:bb:dd.f" of two functions without a driver. */
static char *first, *second;
module_param(first, charp, 0444);
module_param(second, charp, 0444);

static const struct {
	const char *name;
	const struct zpci_test *tests;
} groups[] = {
	{ "mapping", mapping_tests },	    { "memory", memory_tests },
	{ "attachment", attachment_tests }, { "recovery", recovery_tests },
	{ "format", format_tests },
	{ "root", root_tests },		    { "race", race_tests },
	{ "matrix", matrix_tests },	    { "matrix-all", matrix_all_tests },
	{ "measure", measure_tests },
	{ "measure-domain", measure_domain_tests },
	{ "measure-levels", measure_levels_tests },
};

static struct bench bench;
static struct dentry *directory;
/* The tests share the functions and the pages. */
static DEFINE_MUTEX(one_at_a_time);

static int zpci_test_show(struct seq_file *out, void *unused)
{
	const struct zpci_test *test = out->private;

	mutex_lock(&one_at_a_time);
	bench.out = out;
	bench.failed = false;
	test->run(&bench);
	seq_puts(out, bench.failed ? "not ok\n" : "ok\n");
	mutex_unlock(&one_at_a_time);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(zpci_test);

static struct pci_dev *find(const char *address)
{
	unsigned int domain, bus, slot, function;

	if (!address || sscanf(address, "%x:%x:%x.%x", &domain, &bus, &slot,
			       &function) != 4)
		return NULL;
	return pci_get_domain_bus_and_slot(domain, bus,
					   PCI_DEVFN(slot, function));
}

static void give_back(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bench.pages); i++)
		if (bench.pages[i])
			free_page((unsigned long)phys_to_virt(bench.pages[i]));
	pci_dev_put(bench.first);
	pci_dev_put(bench.second);
}

static int __init zpci_test_init(void)
{
	bench.first = find(first);
	bench.second = find(second);
	if (!bench.first || !bench.second || bench.first->dev.driver ||
	    bench.second->dev.driver) {
		pr_err("first= and second= must name functions without a driver\n");
		give_back();
		return -ENODEV;
	}
	for (size_t i = 0; i < ARRAY_SIZE(bench.pages); i++) {
		unsigned long page = get_zeroed_page(GFP_KERNEL);

		if (!page) {
			give_back();
			return -ENOMEM;
		}
		bench.pages[i] = virt_to_phys((void *)page);
	}
	directory = debugfs_create_dir("zpci_test", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		struct dentry *group = debugfs_create_dir(groups[i].name,
							  directory);
		const struct zpci_test *test;

		for (test = groups[i].tests; test->name; test++)
			debugfs_create_file(test->name, 0400, group,
					    (void *)test, &zpci_test_fops);
	}
	format_switch(&bench, directory);
	return 0;
}
module_init(zpci_test_init);

static void __exit zpci_test_exit(void)
{
	debugfs_remove(directory);
	give_back();
}
module_exit(zpci_test_exit);

MODULE_DESCRIPTION("Tests of the IOMMU interface on zPCI functions");
MODULE_LICENSE("GPL");
