#include "CLinux.h"
#include "Spawn.h"

int linux_open_terminal(int ends[3])
{
	int unlocked = 0, code;

	ends[1] = ends[2] = -1;
	ends[0] = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (ends[0] == -1)
		return -1;
	ends[1] = fcntl(ends[0], F_DUPFD_CLOEXEC, 3);
	if (ends[1] != -1 && ioctl(ends[0], TIOCSPTLCK, &unlocked) == 0)
		ends[2] = ioctl(ends[0], TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ends[2] != -1)
		return 0;
	code = errno;
	close(ends[0]);
	if (ends[1] != -1)
		close(ends[1]);
	errno = code;
	return -1;
}

int linux_resize_terminal(int master, uint16_t rows, uint16_t columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	return ioctl(master, TIOCSWINSZ, &size);
}

int linux_foreground(int master)
{
	pid_t group;

	return ioctl(master, TIOCGPGRP, &group) == -1 ? -1 : group;
}

int linux_spawn_shell(const char *command, const char *const *environment, const int descriptors[3], int has_terminal)
{
	char *alone[] = { "sh", NULL }, *with_command[] = { "sh", "-c", (char *)command, NULL };
	pid_t child = linux_fork_session();
	struct rlimit files;
	int score;

	if (child != 0)
		return child;
	for (int number = 0; number < 3; number++)
		if (dup2(descriptors[number], number) == -1)
			_exit(127);
	if (has_terminal)
		ioctl(0, TIOCSCTTY, 0);
	linux_close_from(3);
	// The monitor is never ended for want of memory, and may have more descriptors than programs care to look through.
	score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (score != -1 && write(score, "0", 1) == -1)
		close(score);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 1024) {
		files.rlim_cur = 1024;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	umask(022);
	if (chdir("/root") == -1 && chdir("/") == -1)
		_exit(127);
	execve("/bin/sh", command ? with_command : alone, (char *const *)environment);
	_exit(127);
}

void linux_ignore_broken_pipes(void)
{
	signal(SIGPIPE, SIG_IGN);
}

// As many descriptors as go with one frame.
#define MOST 3

long linux_send_with(int socket, const void *bytes, unsigned long count, const int *descriptors, int number)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(MOST * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = count };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room };

	if (number < 1 || number > MOST) {
		errno = EINVAL;
		return -1;
	}
	message.msg_controllen = CMSG_SPACE((unsigned)number * sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN((unsigned)number * sizeof(int));
	memcpy(CMSG_DATA(&control.header), descriptors, (unsigned)number * sizeof(int));
	return sendmsg(socket, &message, MSG_NOSIGNAL);
}

long linux_receive_with(int socket, void *bytes, unsigned long count, int descriptors[3])
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(MOST * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = bytes, .iov_len = count };
	// Not the padding behind it, where another descriptor would fit: the kernel closes those for which there is no room.
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room,
				  .msg_controllen = CMSG_LEN(MOST * sizeof(int)) };
	long got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);

	for (int place = 0; place < MOST; place++)
		descriptors[place] = -1;
	if (got >= 0 && message.msg_controllen >= CMSG_LEN(sizeof(int)) && control.header.cmsg_level == SOL_SOCKET &&
	    control.header.cmsg_type == SCM_RIGHTS && control.header.cmsg_len <= CMSG_LEN(MOST * sizeof(int)))
		memcpy(descriptors, CMSG_DATA(&control.header), control.header.cmsg_len - CMSG_LEN(0));
	return got;
}
