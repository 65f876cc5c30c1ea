#include "CLinux.h"

// A mount that was never attached to any path: nobody else sees it, and it goes with its last descriptor, however this
// process ends.
int linux_mount_detached(const char *type, const char *device, const char *option, const char *value)
{
	int attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int context = fsopen(type, FSOPEN_CLOEXEC), mounted = -1;

	if (context == -1)
		return -1;
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", device, 0) == 0 &&
	    fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) == 0 &&
	    (option == NULL ||
	     fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option, value, 0) == 0) &&
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mounted = fsmount(context, FSMOUNT_CLOEXEC, attributes);
	int code = errno;
	close(context);
	errno = code;
	return mounted;
}
