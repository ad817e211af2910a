// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/zpci_trace: "warn", "sleep" and "reliable" take the address
 * of a function, whose capabilities the driver then hands to the module. Below
 * the object of the driver, the first one warns, the second one sleeps for as
 * long as nobody kills the program that wrote, and the last one, which is there
 * with walk=, walks the stack as live patching does.
 */

#define pr_fmt(fmt) "zpci_trace: " fmt

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/stacktrace.h>

/* drivers/iommu/zpci-rust/zpci_shim.h of a kernel with the driver. */
int zpci_shim_capabilities(struct zpci_dev *zdev,
			   int (*add)(void *chain, u16 id, u16 version,
				      const void *data, size_t size),
			   void *chain);

static unsigned long walk;
module_param(walk, ulong, 0);
MODULE_PARM_DESC(walk,
		 "Address of arch_stack_walk_reliable(), which is not exported");

static struct dentry *directory;

static int zpci_trace_warn(void *chain, u16 id, u16 version, const void *data,
			   size_t size)
{
	WARN(true, "zpci_trace\n");
	return -EINTR;
}

static int zpci_trace_sleep(void *chain, u16 id, u16 version, const void *data,
			    size_t size)
{
	while (!fatal_signal_pending(current))
		msleep_interruptible(1000);
	return -EINTR;
}

static bool zpci_trace_entry(void *cookie, unsigned long address)
{
	pr_info("%pS\n", (void *)address);
	return true;
}

static int zpci_trace_reliable(void *chain, u16 id, u16 version,
			       const void *data, size_t size)
{
	typeof(&arch_stack_walk_reliable) walk_reliable = (void *)walk;

	pr_info("walked: %d\n", walk_reliable(zpci_trace_entry, NULL, current));
	return -EINTR;
}

static ssize_t zpci_trace_write(struct file *file, const char __user *buffer,
				size_t count, loff_t *position)
{
	int (*add)(void *chain, u16 id, u16 version, const void *data,
		   size_t size) = file_inode(file)->i_private;
	typeof(&zpci_shim_capabilities) capabilities;
	unsigned int domain, bus, slot, function;
	struct pci_dev *pdev;
	char address[32] = "";
	int rc;

	if (count >= sizeof(address))
		return -EINVAL;
	if (copy_from_user(address, buffer, count))
		return -EFAULT;
	if (sscanf(address, "%x:%x:%x.%x", &domain, &bus, &slot, &function) !=
	    4)
		return -EINVAL;
	pdev = pci_get_domain_bus_and_slot(domain, bus,
					   PCI_DEVFN(slot, function));
	if (!pdev)
		return -ENODEV;
	/* By name, since other kernels do not have it. */
	capabilities = symbol_get(zpci_shim_capabilities);
	rc = capabilities ? capabilities(to_zpci(pdev), add, NULL) : -ENOSYS;
	if (capabilities)
		symbol_put(zpci_shim_capabilities);
	pci_dev_put(pdev);
	return rc ?: count;
}

static const struct file_operations zpci_trace_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = zpci_trace_write,
};

static int __init zpci_trace_init(void)
{
	directory = debugfs_create_dir("zpci_trace", NULL);
	debugfs_create_file("warn", 0200, directory, zpci_trace_warn,
			    &zpci_trace_fops);
	debugfs_create_file("sleep", 0200, directory, zpci_trace_sleep,
			    &zpci_trace_fops);
	if (walk)
		debugfs_create_file("reliable", 0200, directory,
				    zpci_trace_reliable, &zpci_trace_fops);
	return 0;
}
module_init(zpci_trace_init);

static void __exit zpci_trace_exit(void)
{
	debugfs_remove(directory);
}
module_exit(zpci_trace_exit);

MODULE_DESCRIPTION("Back traces through the zPCI driver");
MODULE_LICENSE("GPL");
