#include "CLinux.h"

#include <sys/prctl.h>

int linux_spawn_host_program(const char *const *arguments, const char *const *environment, int output, int errors)
{
	pid_t parent = getpid(), child = fork();
	int nothing;

	if (child != 0)
		return child;
	linux_default_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	// Without a terminal it asks nobody; in a group of its own, all that it starts can be ended with it.
	if (getppid() != parent || setsid() == -1)
		_exit(127);
	nothing = open("/dev/null", O_RDONLY);
	if (nothing == -1 || dup2(nothing, STDIN_FILENO) == -1 || dup2(output, STDOUT_FILENO) == -1 ||
	    dup2(errors, STDERR_FILENO) == -1)
		_exit(127);
	linux_close_from(3);
	execve(arguments[0], (char *const *)arguments, (char *const *)environment);
	_exit(127);
}
