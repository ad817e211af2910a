// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/zpci_clock: nanoseconds since the kernel started, and how
 * many of them the first processor had nothing to do. On a machine that takes
 * one for each instruction, the difference is how many were executed.
 */

#include <linux/debugfs.h>
#include <linux/kernel_stat.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <asm/timex.h>

static struct dentry *file;

static int zpci_clock_show(struct seq_file *out, void *unused)
{
	const u64 *spent = kcpustat_cpu(0).cpustat;

	seq_printf(out, "%lu %llu\n", tod_to_ns(get_tod_clock_monotonic()),
		   spent[CPUTIME_IDLE] + spent[CPUTIME_IOWAIT]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(zpci_clock);

static int __init zpci_clock_init(void)
{
	file = debugfs_create_file("zpci_clock", 0400, NULL, NULL,
				   &zpci_clock_fops);
	return 0;
}
module_init(zpci_clock_init);

static void __exit zpci_clock_exit(void)
{
	debugfs_remove(file);
}
module_exit(zpci_clock_exit);

MODULE_DESCRIPTION("How long a machine was busy");
MODULE_LICENSE("GPL");
