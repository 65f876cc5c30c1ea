#include "CLinux.h"
#include "Spawn.h"

const char *linux_tpm_device(void)
{
	return getenv("SYSTEMD_TPM2_DEVICE");
}

int linux_spawn_host_program(const char *const *arguments, const char *const *environment, int output, int errors)
{
	// Without a terminal it asks nobody; in a group of its own, all that it starts can be ended with it.
	pid_t child = linux_fork_session();
	int nothing;

	if (child != 0)
		return child;
	nothing = open("/dev/null", O_RDONLY);
	if (nothing == -1 || dup2(nothing, STDIN_FILENO) == -1 || dup2(output, STDOUT_FILENO) == -1 ||
	    dup2(errors, STDERR_FILENO) == -1)
		_exit(127);
	linux_close_from(3);
	execve(arguments[0], (char *const *)arguments, (char *const *)environment);
	_exit(127);
}
