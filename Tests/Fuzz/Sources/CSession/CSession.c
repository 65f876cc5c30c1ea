// Processes, descriptors and time for the fuzzer of the session.
#include "CSession.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The coverage counters of everything that is instrumented, side by side.
extern uint8_t __start___sancov_cntrs[] __attribute__((weak));
extern uint8_t __stop___sancov_cntrs[] __attribute__((weak));

static uint8_t *shared;

const char *__asan_default_options(void);

// The stacks of allocations cost a fifth of the time. Who looks at a finding runs it with ASAN_OPTIONS=malloc_context_size=30.
const char *__asan_default_options(void)
{
	return "malloc_context_size=2";
}

static size_t counters(void)
{
	return (size_t)(__stop___sancov_cntrs - __start___sancov_cntrs);
}

void fuzz_isolated(void (*body)(void), unsigned seconds)
{
	int status = 0;
	struct rusage usage = {0};
	pid_t parent = getpid();
	pid_t child;

	if (shared == NULL) {
		shared = mmap(NULL, counters(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (shared == MAP_FAILED || counters() == 0)
			abort();
	}
	child = fork();
	if (child < 0) {
		// The machine is out of something, and that is no finding.
		perror("fork");
		_exit(1);
	}
	if (child == 0) {
		// Of the processor's time, for a machine may be busy. What waits for ever libFuzzer's -timeout finds.
		struct rlimit limit = {seconds, seconds};

		signal(SIGXCPU, SIG_DFL);
		setrlimit(RLIMIT_CPU, &limit);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		body();
		memcpy(shared, __start___sancov_cntrs, counters());
		fflush(stdout);
		_exit(0);
	}
	while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR)
		;
	if (status != 0) {
		fprintf(stderr, "fuzz: the session ended with wait status 0x%x%s\n", status,
			WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? ": it spins" : "");
		abort();
	}
	// A session may have 256 MiB. AddressSanitizer takes some 60 for itself, and as much again for each byte in use.
	if (usage.ru_maxrss > 300 << 10) {
		fprintf(stderr, "fuzz: the session took %ld KiB\n", usage.ru_maxrss);
		abort();
	}
	memcpy(__start___sancov_cntrs, shared, counters());
}

// Time and waiting. Linked with --wrap.

static bool (*director)(int);
static int64_t passed;
static unsigned polls;

int __real_poll(struct pollfd *entries, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *entries, nfds_t count, int timeout);
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

void fuzz_direct(bool (*waiting)(int))
{
	director = waiting;
}

void fuzz_pass_time(int64_t milliseconds)
{
	passed += milliseconds;
}

int __wrap_poll(struct pollfd *entries, nfds_t count, int timeout)
{
	if (director == NULL)
		return __real_poll(entries, count, timeout);
	// A loop that never waits for anything new is a finding. An input has some hundred events.
	if (++polls > 100000) {
		fprintf(stderr, "fuzz: the session spins\n");
		abort();
	}
	for (;;) {
		int ready = __real_poll(entries, count, 0);
		if (ready != 0 || timeout == 0)
			return ready;
		if (!director(timeout))
			return 0;
	}
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	if (director == NULL)
		return __real_clock_gettime(clock, time);
	time->tv_sec = 1000000000 + passed / 1000;
	time->tv_nsec = passed % 1000 * 1000000;
	return 0;
}

bool fuzz_has(const char *name)
{
	return getenv(name) != NULL;
}

// Descriptors.

bool fuzz_socket_pair(int ends[2])
{
	// Small, so that a client that does not read is felt soon.
	int size = 16384;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	// Out of the way of the numbers that the session expects.
	for (int end = 0; end < 2; end++) {
		int number = fcntl(ends[end], F_DUPFD_CLOEXEC, 100);

		close(ends[end]);
		ends[end] = number;
		if (number < 0)
			return false;
	}
	return setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0;
}

void fuzz_move(int from, int number)
{
	if (dup2(from, number) < 0)
		abort();
	close(from);
}

long fuzz_send(int descriptor, const uint8_t *bytes, size_t count)
{
	ssize_t sent = send(descriptor, bytes, count, MSG_NOSIGNAL);

	return sent >= 0 ? sent : errno == EAGAIN ? 0 : -1;
}

long fuzz_receive(int descriptor, uint8_t *bytes, size_t count)
{
	ssize_t got = recv(descriptor, bytes, count, 0);

	return got > 0 ? got : got < 0 && errno == EAGAIN ? 0 : -1;
}

void fuzz_end_sending(int descriptor)
{
	shutdown(descriptor, SHUT_WR);
}

void fuzz_close(int descriptor)
{
	close(descriptor);
}
