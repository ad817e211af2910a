// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

#include "program.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"

#define ARGUMENTS 12
#define LINE 512

static int output(const char *path)
{
	return check_call(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600));
}

static void read_back(int fd, char *text, size_t size)
{
	ssize_t length = check_call(pread(fd, text, size, 0));

	check_that((size_t)length < size, "the program prints too much");
	text[length] = 0;
	close(fd);
}

void program_run(struct program_run *run, uid_t user, const char *program,
		 const char *arguments, ...)
{
	char *words[ARGUMENTS + 2] = { (char *)program }, line[LINE];
	char *rest = line;
	int status, out, err;
	va_list list;
	pid_t child;

	va_start(list, arguments);
	vsnprintf(line, sizeof(line), arguments, list);
	va_end(list);
	for (unsigned int count = 1; (words[count] = strsep(&rest, " "));)
		check(++count <= ARGUMENTS);
	check_call(chdir(PROGRAM_DIRECTORY));
	out = output("out");
	err = output("err");
	child = check_call(fork());
	if (child == 0) {
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		if (user && setuid(user))
			_exit(126);
		execv(program, words);
		_exit(127);
	}
	check(waitpid(child, &status, 0) == child);
	check_that(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
	run->status = WEXITSTATUS(status);
	read_back(out, run->out, sizeof(run->out));
	read_back(err, run->err, sizeof(run->err));
}

void program_check(const struct program_run *run)
{
	check_that(run->status == 0 && !run->err[0], "exit status %d: %.200s",
		   run->status, run->err);
}

void program_show(const struct program_run *run)
{
	for (const char *line = run->out; *line;) {
		int length = strcspn(line, "\n");

		if (length)
			ktap_note("%.*s", length, line);
		line += length + (line[length] == '\n');
	}
}
