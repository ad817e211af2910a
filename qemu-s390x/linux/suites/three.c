// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "three.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../ktap.h"
#include "../sysfs.h"

#define MODULE "/modules/zpci_test.ko"

struct function first, second, outside;

static void take(const void *argument)
{
	const struct function *functions[] = { &first, &second, &outside };
	char parameters[128];
	int module = check_call(open(MODULE, O_RDONLY));

	(void)argument;
	check_that(second.address[0] && outside.address[0],
		   "two NVMe controllers and another function are needed");
	for (unsigned int i = 0; i < 3; i++)
		check_call(function_unbind(functions[i]->address));
	/* The module wants functions without a driver. */
	snprintf(parameters, sizeof(parameters), "first=%s second=%s",
		 first.address, outside.address);
	check_call(syscall(SYS_finit_module, module, parameters, 0));
	for (unsigned int i = 0; i < 3; i++)
		check_call(function_bind(functions[i]->address, "vfio-pci"));
}

static void give_back(const void *argument)
{
	(void)argument;
	check_call(syscall(SYS_delete_module, "zpci_test", O_NONBLOCK));
	check_call(function_bind(first.address, NULL));
	check_call(function_bind(second.address, NULL));
	check_call(function_bind(outside.address, NULL));
}

int three_open(int type)
{
	int container = container_open(type, container_group(&first));

	check_call(container_join(container, container_group(&second)));
	return container;
}

uint8_t *three_answer(int container,
			     struct container_capabilities *found, size_t *size)
{
	uint8_t *answer;

	*size = container_size(container);
	answer = container_information(container, *size);
	check_that(answer, "VFIO_IOMMU_GET_INFO: %m");
	container_read(found, answer, *size);
	check_that(found->function_count, "no function is reported");
	return answer;
}

const struct vfio_zpci_function *
three_entry(const struct container_capabilities *found,
	const struct function *function)
{
	uint32_t id = function_attribute(function, "function_id");

	for (size_t i = 0; i < found->function_count; i++)
		if (found->functions[i]->fid == id)
			return found->functions[i];
	return NULL;
}

static void find_functions(void)
{
	static struct function functions[FUNCTIONS];
	size_t count = functions_find(functions);

	for (size_t i = 0; i < count; i++) {
		if (functions[i].class != CLASS_NVME)
			outside = functions[i];
		else if (!first.address[0])
			first = functions[i];
		else if (!second.address[0])
			second = functions[i];
	}
}

void three_define(void)
{
	find_functions();
	ktap_case(take, NULL, "bind to vfio-pci");
}

void three_return(void)
{
	ktap_case(give_back, NULL, "back to their drivers");
}
