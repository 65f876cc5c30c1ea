#include "CLinux.h"
#include "Spawn.h"

#include <spawn.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>

static void the_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

int linux_process_descriptor(int process)
{
	return (int)syscall(SYS_pidfd_open, process, 0);
}

int linux_realtime_signal(int number)
{
	return SIGRTMIN + number;
}

int linux_leave(int power_off)
{
	sync();
	reboot(power_off ? RB_POWER_OFF : RB_AUTOBOOT);
	return errno;
}

int linux_signal_process(int descriptor, int number)
{
	return (int)syscall(SYS_pidfd_send_signal, descriptor, number, NULL, 0);
}

void linux_close_from(int first)
{
	// Kernels before 5.9 lack it.
	if (close_range((unsigned int)first, ~0U, 0) == -1)
		for (int number = first; number < 1024; number++)
			close(number);
}

void linux_default_signals(void)
{
	sigset_t none;

	// It fails for those that nobody may change, and for the two that are glibc's own.
	for (int number = 1; number <= SIGRTMAX; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int linux_signal_descriptor(void)
{
	sigset_t set;

	the_signals(&set);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int linux_spawn_role(const char *role, const int *descriptors, int count, int error)
{
	char *arguments[] = { "postern", (char *)role, NULL };
	// SWIFT_ROOT keeps a runtime from looking itself up in /proc; the next two keep libcrypto from reading files. Without
	// a cache for each thread, M_PERTURB overwrites freed memory of every size.
	char *environment[] = { "SWIFT_ROOT=/", "OPENSSL_CONF=/dev/null", "OPENSSL_MODULES=/nonexistent",
				"MALLOC_ARENA_MAX=1", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, every;
	pid_t child = -1;
	int high[8], made = 0, code = 0;

	if (count > 7) {
		errno = EINVAL;
		return -1;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	sigfillset(&every);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &every);
	// A Ctrl-C at the terminal that a rehearsal was started from is the monitor's to answer. The console must stay in the
	// terminal's foreground to read it.
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
		(strcmp(role, "console") == 0 ? 0 : POSIX_SPAWN_SETPGROUP));
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	// Sources go above all targets first, so that no dup2 lands on one that is still needed.
	for (int i = 0; i < count + (error >= 0) && code == 0; i++) {
		high[i] = fcntl(i < count ? descriptors[i] : error, F_DUPFD_CLOEXEC, 20);
		if (high[i] == -1)
			code = errno;
		else
			made++;
		if (code == 0)
			code = posix_spawn_file_actions_adddup2(&actions, high[i], i < count ? 3 + i : 2);
	}
	if (error < 0)
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3 + count);
	if (code == 0)
		code = posix_spawn(&child, "/proc/self/exe", &actions, &attributes, arguments, environment);
	for (int i = 0; i < made; i++)
		close(high[i]);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	errno = code;
	return code == 0 ? child : -1;
}

int linux_spawn_program(const char *const *arguments, int output, int error)
{
	char *environment[] = { "PATH=/usr/bin:/bin", NULL };
	pid_t parent = getpid(), child = fork();

	if (child != 0)
		return child;
	// posix_spawn(3) cannot tie a child to its parent. Nothing else runs in this process, so fork(2) does.
	linux_default_signals();
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (getppid() != parent || dup2(output, STDOUT_FILENO) == -1 || (error >= 0 && dup2(error, STDERR_FILENO) == -1))
		_exit(127);
	// Here 0 is /dev/null already, and of the console's process 2, too.
	linux_close_from(3);
	execve(arguments[0], (char *const *)arguments, environment);
	_exit(127);
}

pid_t linux_fork_session(void)
{
	pid_t parent = getpid(), child = fork();

	if (child != 0)
		return child;
	linux_default_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent || setsid() == -1)
		_exit(127);
	return 0;
}

int linux_become_curl(const char *path, int input)
{
	char *arguments[] = { "curl", "-q", "--config", "-", NULL };
	char *environment[] = { NULL };

	// It stands where it was written last.
	if (lseek(input, 0, SEEK_SET) == -1 || dup2(input, STDIN_FILENO) == -1)
		return -1;
	close(input);
	return execve(path, arguments, environment);
}

int linux_set_parent_death_signal(int number)
{
	return prctl(PR_SET_PDEATHSIG, number, 0, 0, 0);
}

void linux_fill_standard_descriptors(void)
{
	int descriptor;

	do
		descriptor = open("/dev/null", O_RDWR);
	while (descriptor >= 0 && descriptor < 3);
	if (descriptor >= 3)
		close(descriptor);
}

int linux_exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int linux_set_nice(int id, int nice)
{
	return setpriority(PRIO_PROCESS, (id_t)id, nice);
}

static int argument_count;
static char **arguments;

// glibc hands main's arguments to constructors too, also in a static program.
__attribute__((constructor)) static void keep_arguments(int argc, char **argv)
{
	argument_count = argc;
	arguments = argv;
}

int linux_argument_count(void)
{
	return argument_count;
}

const char *linux_argument(int index)
{
	return index < argument_count ? arguments[index] : NULL;
}
