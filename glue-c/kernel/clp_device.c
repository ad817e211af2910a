// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/clp: queries of user space.
 */
#include <linux/bitops.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/uaccess.h>
#include <asm/clp.h>
#include <uapi/asm/clp.h>

#include "zpci_shim.h"

static int zpci_user_call(u8 processor, void __user *data)
{
	void *block = (void *)__get_free_page(GFP_KERNEL);
	int rc = -EFAULT;

	if (!block)
		return -ENOMEM;
	if (copy_from_user(block, data, PAGE_SIZE))
		goto out;
	rc = zpci_rust_user_call(processor, block);
	if (!rc && copy_to_user(data, block, PAGE_SIZE))
		rc = -EFAULT;
out:
	free_page((unsigned long)block);
	return rc;
}

/* Command 0 asks for one processor, command 1 for the mask of all. */
static int zpci_user_installed(u8 command, u8 processor, void __user *data)
{
	u64 mask;
	unsigned long installed;
	int rc;

	if (command > 1)
		return -EINVAL;
	rc = zpci_rust_user_installed(&mask);
	if (rc)
		return rc;
	installed = mask;
	if (command == 0)
		return put_user(test_bit_inv(processor, &installed), (int __user *)data);
	return put_user(installed, (unsigned long __user *)data);
}

static long zpci_clp_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct clp_req request;
	void __user *data;

	if (cmd != CLP_SYNC)
		return -EINVAL;
	if (copy_from_user(&request, (void __user *)arg, sizeof(request)))
		return -EFAULT;
	if (request.r)
		return -EINVAL;
	data = (void __force __user *)(unsigned long)request.data_p;
	if (request.c)
		return zpci_user_installed(request.cmd, request.lps, data);
	if (request.lps != CLP_LPS_BASE && request.lps != CLP_LPS_PCI)
		return -EINVAL;
	return zpci_user_call(request.lps, data);
}

static const struct file_operations zpci_clp_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = zpci_clp_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice zpci_clp_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "clp",
	.fops = &zpci_clp_fops,
};

builtin_misc_device(zpci_clp_device);
