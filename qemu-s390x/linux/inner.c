// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "inner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"

#define QEMU "/usr/bin/qemu-system-s390x"

/* Called as the property of a device, it would not be unique for a second one. */
#define IOMMUFD "iommufd0"

#define ARGUMENTS 64
#define TEXT 512

/* Milliseconds that QEMU may take for an answer, and to take a device away. */
#define ANSWER 20000
#define DELETION 240000

/* Milliseconds to wait for something to be said. */
#define PAUSE 100

/* The command line while it is made. */
struct words {
	char *words[ARGUMENTS + 1];
	size_t count;
};

__attribute__((format(printf, 2, 3)))
static void add(struct words *words, const char *format, ...)
{
	va_list list;

	check(words->count < ARGUMENTS);
	va_start(list, format);
	check_call(vasprintf(&words->words[words->count++], format, list));
	va_end(list);
}

static void add_function(struct words *words,
			 const struct inner_machine *machine,
			 const struct inner_function *function)
{
	add(words, "-device");
	add(words, "zpci,id=%s-zpci,uid=%u,fid=%u,target=%s", function->name,
	    function->uid, function->fid, function->name);
	add(words, "-device");
	add(words, "vfio-pci,id=%s,host=%s%s", function->name,
	    function->address, machine->iommufd ? ",iommufd=" IOMMUFD : "");
}

static void command_line(struct words *words,
			 const struct inner_machine *machine, int monitor)
{
	static const char *const always[] = {
		QEMU, "-accel", "tcg", "-cpu", "max", "-nodefaults",
		"-display", "none",
		"-chardev", "stdio,id=console,signal=off",
		"-device", "sclpconsole,chardev=console",
		"-mon", "chardev=monitor,mode=control",
	};

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add(words, "%s", always[i]);
	add(words, "-action");
	add(words, "panic=exit-failure%s",
	    machine->stays ? ",shutdown=pause" : "");
	add(words, "-chardev");
	add(words, "socket,id=monitor,fd=%d", monitor);
	add(words, "-machine");
	add(words, "s390-ccw-virtio%s%s",
	    machine->load_parameter ? ",loadparm=" : "",
	    machine->load_parameter ? machine->load_parameter : "");
	add(words, "-m");
	add(words, "%u", machine->memory);
	add(words, "-kernel");
	add(words, "%s", machine->kernel);
	if (machine->initrd) {
		add(words, "-initrd");
		add(words, "%s", machine->initrd);
	}
	if (machine->append) {
		add(words, "-append");
		add(words, "%s", machine->append);
	}
	if (machine->iommufd) {
		add(words, "-object");
		add(words, "iommufd,id=" IOMMUFD);
	}
	for (size_t i = 0; i < machine->count; i++)
		add_function(words, machine, &machine->functions[i]);
}

static void make_pipe(int ends[2])
{
	check_call(pipe2(ends, O_CLOEXEC));
}

void inner_start(struct inner *inner, const struct inner_machine *machine,
		 void (*see)(struct inner *inner, const char *line))
{
	int console[2], messages[2], monitor[2];
	struct words words = { .count = 0 };

	memset(inner, 0, sizeof(*inner));
	inner->machine = machine;
	inner->see = see;
	make_pipe(console);
	make_pipe(messages);
	check_call(socketpair(AF_UNIX, SOCK_STREAM, 0, monitor));
	check_call(fcntl(monitor[0], F_SETFD, FD_CLOEXEC));
	command_line(&words, machine, monitor[1]);
	inner->pid = check_call(fork());
	if (inner->pid == 0) {
		alarm(0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		dup2(console[1], STDOUT_FILENO);
		dup2(messages[1], STDERR_FILENO);
		execv(words.words[0], words.words);
		_exit(127);
	}
	close(console[1]);
	close(messages[1]);
	close(monitor[1]);
	inner->console.fd = console[0];
	inner->messages.fd = messages[0];
	inner->monitor.fd = monitor[0];
	check_that(inner_execute(inner, "{\"execute\":\"qmp_capabilities\"}"),
		   "QEMU's monitor says %s", inner->answer);
}

/* What follows `key` in a line of JSON, where it is a text. */
static bool text_of(const char *line, const char *key, char *text, size_t size)
{
	const char *at = strstr(line, key);
	size_t length;

	if (!at)
		return false;
	at += strlen(key);
	at += strspn(at, " :\"");
	length = strcspn(at, "\"");
	if (length >= size)
		return false;
	memcpy(text, at, length);
	text[length] = 0;
	return true;
}

static void take_event(struct inner *inner, const char *name, const char *line)
{
	char device[64];

	inner->stops += !strcmp(name, "STOP");
	inner->resets += !strcmp(name, "RESET");
	inner->ends += !strcmp(name, "SHUTDOWN");
	inner->panics += !strcmp(name, "GUEST_PANICKED");
	if (!strcmp(name, "DEVICE_DELETED") &&
	    text_of(line, "\"device\"", device, sizeof(device))) {
		size_t length = strlen(inner->deleted);

		snprintf(inner->deleted + length,
			 sizeof(inner->deleted) - length, "/%s/", device);
	}
}

static void take_line(struct inner *inner, const struct inner_stream *stream,
		      const char *line)
{
	char name[64];

	if (stream == &inner->console) {
		ktap_note("inner| %s", line);
		if (inner->see)
			inner->see(inner, line);
	} else if (stream == &inner->messages) {
		ktap_note("inner-qemu| %s", line);
	} else {
		ktap_note("inner-monitor| %s", line);
		if (text_of(line, "\"event\"", name, sizeof(name))) {
			take_event(inner, name, line);
		} else if (!strstr(line, "\"QMP\"")) {
			snprintf(inner->answer, sizeof(inner->answer), "%s",
				 line);
			inner->answers++;
		}
	}
}

/* Takes the first line out of the bytes. Returns false if there is none yet. */
static bool next_line(struct inner_stream *stream, char line[INNER_LINE])
{
	char *end = memchr(stream->bytes, '\n', stream->length);
	size_t length = end ? (size_t)(end - stream->bytes) : stream->length;
	size_t taken = length + (end != NULL);

	if (!stream->length ||
	    (!end && stream->fd >= 0 && length < sizeof(stream->bytes)))
		return false;
	if (length > INNER_LINE - 1)
		length = INNER_LINE - 1;
	memcpy(line, stream->bytes, length);
	while (length && line[length - 1] == '\r')
		length--;
	line[length] = 0;
	stream->length -= taken;
	memmove(stream->bytes, stream->bytes + taken, stream->length);
	return true;
}

static void read_more(struct inner_stream *stream)
{
	ssize_t got = read(stream->fd, stream->bytes + stream->length,
			   sizeof(stream->bytes) - stream->length);

	if (got > 0) {
		stream->length += got;
		return;
	}
	close(stream->fd);
	stream->fd = -1;
}

bool inner_step(struct inner *inner)
{
	struct inner_stream *const streams[] = { &inner->console,
						 &inner->messages,
						 &inner->monitor };
	struct pollfd polled[3];
	char line[INNER_LINE];
	bool is_open = false;

	for (size_t i = 0; i < 3; i++) {
		/* Taken before it is looked at, which may lead back here. */
		if (next_line(streams[i], line)) {
			take_line(inner, streams[i], line);
			return true;
		}
		polled[i] = (struct pollfd){ streams[i]->fd, POLLIN, 0 };
		is_open |= streams[i]->fd >= 0;
	}
	if (!is_open) {
		if (!inner->has_ended)
			check(waitpid(inner->pid, &inner->status, 0) ==
			      inner->pid);
		inner->has_ended = true;
		return false;
	}
	check_call(poll(polled, 3, PAUSE));
	for (size_t i = 0; i < 3; i++)
		if (polled[i].revents)
			read_more(streams[i]);
	return true;
}

/* On a clock that only goes forward. */
static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void inner_finish(struct inner *inner)
{
	while (inner_step(inner))
		;
	check_that(WIFEXITED(inner->status), "QEMU was ended by signal %d",
		   WTERMSIG(inner->status));
	check_that(WEXITSTATUS(inner->status) == 0, "QEMU ended with %d",
		   WEXITSTATUS(inner->status));
}

void inner_quit(struct inner *inner)
{
	check(inner_execute(inner, "{\"execute\":\"quit\"}"));
	inner_finish(inner);
}

bool inner_execute(struct inner *inner, const char *format, ...)
{
	unsigned int before = inner->answers;
	char command[TEXT];
	va_list list;
	int64_t end;
	int length;

	va_start(list, format);
	length = vsnprintf(command, sizeof(command) - 1, format, list);
	va_end(list);
	check(length < (int)sizeof(command) - 1);
	command[length] = '\n';
	command[length + 1] = 0;
	check_that(write(inner->monitor.fd, command, length + 1) == length + 1,
		   "QEMU's monitor takes no commands: %m");
	end = milliseconds() + ANSWER;
	while (inner->answers == before)
		check_that(milliseconds() < end && inner_step(inner),
			   "no answer to %.*s", length, command);
	return strstr(inner->answer, "\"return\"") != NULL;
}

static const struct inner_function *function_called(struct inner *inner,
						    const char *name)
{
	for (size_t i = 0; i < inner->machine->count; i++)
		if (!strcmp(inner->machine->functions[i].name, name))
			return &inner->machine->functions[i];
	check_that(false, "there is no function %s", name);
	return NULL;
}

void inner_unplug(struct inner *inner, const char *name)
{
	int64_t end = milliseconds() + DELETION;
	char deleted[72];

	snprintf(deleted, sizeof(deleted), "/%s/", name);
	inner->deleted[0] = 0;
	check_that(inner_execute(inner, "{\"execute\":\"device_del\","
					"\"arguments\":{\"id\":\"%s\"}}",
				 name),
		   "%s", inner->answer);
	while (!strstr(inner->deleted, deleted))
		check_that(milliseconds() < end && inner_step(inner),
			   "%s was not unplugged", name);
}

/* A device whose predecessor may take a moment to go away completely. */
static void plug(struct inner *inner, const char *arguments)
{
	int64_t end = milliseconds() + DELETION;

	while (!inner_execute(inner,
			      "{\"execute\":\"device_add\",\"arguments\":{%s}}",
			      arguments))
		check_that(milliseconds() < end && inner_step(inner), "%s",
			   inner->answer);
}

void inner_plug(struct inner *inner, const char *name)
{
	const struct inner_function *function = function_called(inner, name);
	char arguments[TEXT / 2];

	snprintf(arguments, sizeof(arguments),
		 "\"driver\":\"zpci\",\"id\":\"%s-zpci\",\"uid\":%u,"
		 "\"fid\":%u,\"target\":\"%s\"",
		 name, function->uid, function->fid, name);
	plug(inner, arguments);
	snprintf(arguments, sizeof(arguments),
		 "\"driver\":\"vfio-pci\",\"id\":\"%s\",\"host\":\"%s\"%s",
		 name, function->address,
		 inner->machine->iommufd ? ",\"iommufd\":\"" IOMMUFD "\"" : "");
	plug(inner, arguments);
}
