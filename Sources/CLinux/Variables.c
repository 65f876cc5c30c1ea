#include "CLinux.h"

#include <linux/fs.h>

// As `linux_mount_detached`: it goes with its last descriptor. All mounts of efivarfs share one superblock, which may not be
// read-only, or another worker's would be.
int linux_mount_variables(int writable)
{
	int attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | (writable ? 0 : MOUNT_ATTR_RDONLY);
	int context = fsopen("efivarfs", FSOPEN_CLOEXEC), mounted = -1;

	if (context == -1)
		return -1;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mounted = fsmount(context, FSMOUNT_CLOEXEC, attributes);
	int code = errno;
	close(context);
	errno = code;
	return mounted;
}

int linux_open_in(int folder, const char *name, int flags, unsigned mode)
{
	return openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
}

int linux_set_immutable(int descriptor, int immutable)
{
	int flags = 0;

	if (ioctl(descriptor, FS_IOC_GETFLAGS, &flags) == -1)
		return -1;
	flags = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	return ioctl(descriptor, FS_IOC_SETFLAGS, &flags);
}
