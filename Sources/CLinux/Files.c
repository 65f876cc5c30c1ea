#include "CLinux.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

int linux_errno(void)
{
	return errno;
}

void *linux_map_failed(void)
{
	return MAP_FAILED;
}

int linux_pipe_cloexec(int ends[2])
{
	return pipe2(ends, O_CLOEXEC);
}

int linux_sealed(const void *bytes, size_t count)
{
	int made = memfd_create("postern", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *next = bytes;

	if (made == -1)
		return -1;
	while (count > 0) {
		ssize_t written = write(made, next, count);

		if (written <= 0)
			break;
		next += written;
		count -= (size_t)written;
	}
	if (count == 0 && fcntl(made, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
		return made;
	close(made);
	return -1;
}

int linux_memory(void)
{
	return memfd_create("postern", MFD_CLOEXEC);
}

int linux_open(const char *path, int flags, unsigned mode)
{
	return open(path, flags | O_CLOEXEC, mode);
}

int linux_openat2(int folder, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve };

	return (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

uint64_t linux_resolve_beneath_no_symlinks(void)
{
	return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
}

uint64_t linux_resolve_in_root(void)
{
	return RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
}

int linux_set_nonblocking(int descriptor)
{
	int flags = fcntl(descriptor, F_GETFL);

	return flags == -1 ? -1 : fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

int64_t linux_source_date(void)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return -1;
	long long date = strtoll(text, &end, 10);
	return *end == '\0' ? date : -1;
}

int linux_block_read_only(int descriptor, int *value)
{
	return ioctl(descriptor, BLKROGET, value);
}

int linux_set_block_read_only(int descriptor, int value)
{
	return ioctl(descriptor, BLKROSET, &value);
}

int linux_lock(int descriptor)
{
	return flock(descriptor, LOCK_EX);
}

int linux_lock_own_folder(const char *path)
{
	struct stat opened, named;
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), code = EPERM;

	if (folder == -1)
		return -1;
	// Who had it locked may have removed it meanwhile, and another one may have its name.
	if (flock(folder, LOCK_EX | LOCK_NB) == -1 || fstat(folder, &opened) == -1 || lstat(path, &named) == -1)
		code = errno;
	else if (opened.st_dev == named.st_dev && opened.st_ino == named.st_ino && opened.st_uid == geteuid() &&
		 (opened.st_mode & 0777) == 0700)
		return folder;
	close(folder);
	errno = code;
	return -1;
}

static int take_stat(int result, const struct stat *found, uint32_t *mode, uint64_t *size, uint64_t *device)
{
	if (result == 0) {
		*mode = found->st_mode;
		*size = (uint64_t)found->st_size;
		*device = found->st_rdev;
	}
	return result;
}

int linux_stat(const char *path, uint32_t *mode, uint64_t *size, uint64_t *device)
{
	struct stat found;

	return take_stat(stat(path, &found), &found, mode, size, device);
}

int linux_fstat(int descriptor, uint32_t *mode, uint64_t *size, uint64_t *device)
{
	struct stat found;

	return take_stat(fstat(descriptor, &found), &found, mode, size, device);
}

int linux_owns(int descriptor)
{
	struct stat found;

	return fstat(descriptor, &found) == 0 && found.st_uid == geteuid();
}

int linux_identity(const char *path, uint64_t *filesystem, uint64_t *inode, uint64_t *device)
{
	struct stat found;

	if (stat(path, &found) == -1)
		return -1;
	*filesystem = found.st_dev;
	*inode = found.st_ino;
	*device = found.st_rdev;
	return 0;
}

const char *linux_entry_name(const struct dirent *entry)
{
	return entry->d_name;
}

int linux_root_in_memory(void)
{
	struct statfs found;

	if (statfs("/", &found) == -1)
		return -1;
	return found.f_type == TMPFS_MAGIC || found.f_type == RAMFS_MAGIC;
}

int linux_percent(void)
{
	unsigned value = 0;

	getrandom(&value, sizeof(value), 0);
	return (int)(value % 100);
}
