#include "CLinux.h"

#include <sys/sem.h>
#include <sys/time.h>

// libdevmapper's DM_COOKIE_MAGIC: the upper half of a cookie, which is its semaphore's key.
#define COOKIE_MAGIC 0x0D4D

static volatile sig_atomic_t answered;

static void answer_cookies(int number)
{
	int code = errno;
	struct sembuf answer = { 0, -1, IPC_NOWAIT };
	struct seminfo info;
	int last = semctl(0, 0, SEM_INFO, &info);

	(void)number;
	for (int index = 0; index <= last; index++) {
		struct semid_ds found;
		int id = semctl(index, 0, SEM_STAT, &found);

		// It is created as 1, raised by the task and lowered by the wait: the value 1, left by this process, means that
		// the wait has begun and udev's answer, which lowers it once more, has not come.
		if (id == -1 || (unsigned)found.sem_perm.__key >> 16 != COOKIE_MAGIC ||
		    semctl(id, 0, GETPID) != getpid() || semctl(id, 0, GETVAL) != 1)
			continue;
		if (semop(id, &answer, 1) == 0)
			answered++;
	}
	errno = code;
}

void linux_bound_udev_cookies(int seconds)
{
	struct sigaction action = { .sa_handler = answer_cookies, .sa_flags = SA_RESTART };
	struct itimerval every = { { seconds, 0 }, { seconds, 0 } };

	answered = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

int linux_unbound_udev_cookies(void)
{
	struct itimerval none = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &none, NULL);
	return answered;
}
