#include "CLinux.h"

#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

int linux_set_not_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int linux_set_no_new_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int linux_overwrite_freed_memory(void)
{
	return mallopt(M_PERTURB, 0xA5);
}

int linux_shut_into(const char *folder)
{
	return chroot(folder) == -1 ? -1 : chdir("/");
}

int linux_become(uint32_t user, uint32_t group)
{
	if (setgroups(0, NULL) == -1 || setresgid(group, group, group) == -1)
		return -1;
	return setresuid(user, user, user);
}

void linux_drop_bounding_set(void)
{
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == -1)
			return;
}

int linux_keep_capabilities(uint64_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (!(kept >> capability & 1))
			prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	if (syscall(SYS_capget, &header, sets) == -1)
		return -1;
	for (int half = 0; half < 2; half++) {
		sets[half].permitted &= (uint32_t)(kept >> half * 32);
		sets[half].effective = sets[half].permitted;
		sets[half].inheritable = 0;
	}
	return (int)syscall(SYS_capset, &header, sets);
}

int linux_drop_capabilities(void)
{
	return linux_keep_capabilities(0);
}

int linux_private_mounts(void)
{
	if (unshare(CLONE_NEWNS) == -1)
		return -1;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int limit(int resource, uint64_t value)
{
	struct rlimit both = { value, value };

	return setrlimit(resource, &both);
}

int linux_limit_address_space(uint64_t bytes, uint64_t most)
{
	struct rlimit both = { bytes, most };

	return setrlimit(RLIMIT_AS, &both);
}

int linux_raise_address_space(int process)
{
	struct rlimit both;

	if (prlimit(process, RLIMIT_AS, NULL, &both) == -1)
		return -1;
	both.rlim_cur = both.rlim_max;
	return prlimit(process, RLIMIT_AS, &both, NULL);
}

int linux_limit_open_files(uint64_t count)
{
	return limit(RLIMIT_NOFILE, count);
}

void linux_raise_open_files(void)
{
	struct rlimit both;

	if (getrlimit(RLIMIT_NOFILE, &both) == 0) {
		both.rlim_cur = both.rlim_max;
		setrlimit(RLIMIT_NOFILE, &both);
	}
}

int linux_limit_processes(uint64_t count)
{
	return limit(RLIMIT_NPROC, count);
}

int linux_limit_file_size(uint64_t bytes)
{
	return limit(RLIMIT_FSIZE, bytes);
}

int linux_limit_core(uint64_t bytes)
{
	return limit(RLIMIT_CORE, bytes);
}

void linux_allow_locked_memory(uint64_t bytes)
{
	struct rlimit both;

	// Beyond the hard limit takes a capability that root in a container lacks.
	if (limit(RLIMIT_MEMLOCK, bytes) == -1 && getrlimit(RLIMIT_MEMLOCK, &both) == 0 && both.rlim_max < bytes)
		limit(RLIMIT_MEMLOCK, both.rlim_max);
}
