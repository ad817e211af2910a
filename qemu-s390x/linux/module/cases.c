// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cases of the bare-metal image, in the kernel. Each function that the
 * parameter names is a file in /sys/kernel/debug/zpci_cases: reading it takes
 * the function away from Linux, runs everything on it, prints KTAP, and gives
 * the function back.
 */

#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/task_stack.h>
#include <linux/seq_file.h>
#include <asm/ctlreg.h>

#include "cases.h"
#include "reenable.h"

#define MOST 8
/* Storage for tables, and as much for what devices reach; aligned to itself. */
#define STORAGE SZ_4M
/* More than a run prints: a second one would be tried if that did not fit. */
#define TEXT SZ_1M

/* "dddd:bb:dd.f" of functions without a driver. */
static char *functions[MOST];
static int count;
module_param_array(functions, charp, &count, 0444);

static struct pci_dev *pdevs[MOST];
static struct dentry *directory;
/* There is one place for the results in Rust. */
static DEFINE_MUTEX(one_at_a_time);
/* The most that any thread had on its stack, in bytes. */
static size_t deepest;

struct thread {
	void (*run)(void *data);
	void *data;
	/* Not so after a panic. */
	bool returned;
	struct completion *done;
};

/* A new stack is zeros. */
static size_t stack_used(void)
{
	unsigned long *word = end_of_stack(current);

	/* The first is a mark that tells whether the stack was too small. */
	do
		word++;
	while (!*word);
	return THREAD_SIZE - ((void *)word - task_stack_page(current));
}

static int zpci_cases_thread(void *data)
{
	struct thread *thread = data;

	thread->run(thread->data);
	thread->returned = true;
	zpci_cases_exit();
}

void zpci_cases_exit(void)
{
	struct thread *thread = kthread_data(current);

	deepest = max(deepest, stack_used());
	kthread_complete_and_exit(thread->done, 0);
}

bool zpci_cases_apart(void (*run)(void *data), void *data)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct thread thread = { .run = run, .data = data, .done = &done };
	struct task_struct *task = kthread_run(zpci_cases_thread, &thread,
					       "zpci_cases");

	if (IS_ERR(task))
		return false;
	wait_for_completion(&done);
	return thread.returned;
}

void zpci_cases_write(void *out, const u8 *text, size_t length)
{
	seq_write(out, text, length);
	cond_resched();
}

static void run(void *data)
{
	zpci_cases_run(data);
}

static void end(void *data)
{
	zpci_cases_end(data);
}

/*
 * Runs everything on a function that is disabled. The machine's reports of
 * errors wait meanwhile, so that it is the cases that get them, not the kernel.
 */
static void run_cases(struct zpci_cases *given)
{
	deepest = 0;
	system_ctl_clear_bit(14, CR14_CHANNEL_REPORT_SUBMASK_BIT);
	if (!zpci_cases_apart(run, given))
		seq_puts(given->out, "\nBail out! the run did not come to its end\n");
	if (!zpci_cases_apart(end, given))
		seq_puts(given->out, "\nBail out! the function was not found again\n");
	system_ctl_set_bit(14, CR14_CHANNEL_REPORT_SUBMASK_BIT);
	seq_printf(given->out, "# zpci-stack: {\"used\":%zu,\"size\":%lu}\n",
		   deepest, THREAD_SIZE);
}

/* As a hot reset does it, with the cases in the middle. */
static int take_and_run(struct zpci_dev *zdev, struct zpci_cases *given)
{
	int rc;

	lockdep_assert_held(&zdev->state_lock);
	rc = zpci_disable_device(zdev);
	if (rc)
		return rc;
	run_cases(given);
	if (!given->handle)
		return -ENODEV;
	zdev->fh = given->handle;
	/* So after a case that did not come to its end. */
	if (zdev_enabled(zdev)) {
		rc = zpci_disable_device(zdev);
		if (rc)
			return rc;
	}
	return zpci_reenable_device(zdev);
}

/* Nobody binds a driver while the device is locked. */
static int with_function(struct pci_dev *pdev, struct zpci_cases *given)
{
	struct zpci_dev *zdev = to_zpci(pdev);
	int rc = -EBUSY;

	device_lock(&pdev->dev);
	/* Whoever recovers a function takes the two locks the other way round. */
	if (!pdev->dev.driver && mutex_trylock(&zdev->state_lock)) {
		given->fid = zdev->fid;
		pci_save_state(pdev);
		rc = take_and_run(zdev, given);
		pci_restore_state(pdev);
		mutex_unlock(&zdev->state_lock);
	}
	device_unlock(&pdev->dev);
	return rc;
}

static int zpci_cases_show(struct seq_file *out, void *unused)
{
	struct zpci_cases given = {
		.out = out,
		.base = (u64)phys_to_virt(0),
		.size = STORAGE,
	};
	void *tables = alloc_pages_exact(STORAGE, GFP_KERNEL);
	void *frames = alloc_pages_exact(STORAGE, GFP_KERNEL);
	int rc = -ENOMEM;

	if (tables && frames) {
		given.tables = virt_to_phys(tables);
		given.frames = virt_to_phys(frames);
		mutex_lock(&one_at_a_time);
		rc = with_function(out->private, &given);
		mutex_unlock(&one_at_a_time);
	}
	/* Where the end is not known, the function may still reach them. */
	if (rc && rc != -EBUSY && rc != -ENOMEM)
		return rc;
	if (frames)
		free_pages_exact(frames, STORAGE);
	if (tables)
		free_pages_exact(tables, STORAGE);
	return rc;
}

static int zpci_cases_open(struct inode *inode, struct file *file)
{
	return single_open_size(file, zpci_cases_show, inode->i_private, TEXT);
}

static const struct file_operations zpci_cases_fops = {
	.owner = THIS_MODULE,
	.open = zpci_cases_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static struct pci_dev *find(const char *address)
{
	unsigned int domain, bus, slot, function;

	if (sscanf(address, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4)
		return NULL;
	return pci_get_domain_bus_and_slot(domain, bus,
					   PCI_DEVFN(slot, function));
}

static void give_back(void)
{
	for (int i = 0; i < count; i++)
		pci_dev_put(pdevs[i]);
}

static int __init zpci_cases_init(void)
{
	for (int i = 0; i < count; i++) {
		pdevs[i] = find(functions[i]);
		if (!pdevs[i]) {
			pr_err("there is no function %s\n", functions[i]);
			give_back();
			return -ENODEV;
		}
	}
	directory = debugfs_create_dir("zpci_cases", NULL);
	for (int i = 0; i < count; i++)
		debugfs_create_file(pci_name(pdevs[i]), 0400, directory,
				    pdevs[i], &zpci_cases_fops);
	return 0;
}
module_init(zpci_cases_init);

static void __exit zpci_cases_exit_module(void)
{
	debugfs_remove(directory);
	give_back();
}
module_exit(zpci_cases_exit_module);

MODULE_DESCRIPTION("The cases of the zPCI crates in the kernel");
MODULE_LICENSE("GPL");
