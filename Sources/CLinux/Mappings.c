#include "CLinux.h"

#include <linux/dm-ioctl.h>

int linux_find_mapping(const char *name, struct linux_mapping *found)
{
	// More targets than fit are counted, and not looked at.
	union {
		struct dm_ioctl head;
		char bytes[16384];
	} room;
	int control, code;

	memset(&room, 0, sizeof room);
	memset(found, 0, sizeof *found);
	// What every kernel has since 2.6. A table's status, unlike the table, has no keys in it.
	room.head.version[0] = DM_VERSION_MAJOR;
	room.head.data_size = sizeof room;
	room.head.data_start = sizeof room.head;
	room.head.flags = DM_NOFLUSH_FLAG;
	if (strlen(name) >= sizeof room.head.name) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(room.head.name, name);
	control = open("/dev/" DM_DIR "/" DM_CONTROL_NODE, O_RDWR | O_CLOEXEC);
	if (control == -1)
		return -1;
	code = ioctl(control, DM_TABLE_STATUS, &room) == -1 ? errno : 0;
	close(control);
	errno = code;
	if (code != 0)
		return -1;
	memcpy(found->uuid, room.head.uuid, sizeof found->uuid - 1);
	found->is_suspended = (room.head.flags & DM_SUSPEND_FLAG) != 0;
	found->is_leaving = (room.head.flags & DM_DEFERRED_REMOVE) != 0;
	found->targets = room.head.target_count;
	for (uint32_t index = 0, at = room.head.data_start; index < found->targets; index++) {
		const struct dm_target_spec *target = (const void *)(room.bytes + at);

		if (at < sizeof room.head || at > sizeof room - sizeof *target || (room.head.flags & DM_BUFFER_FULL_FLAG))
			break;
		found->crypt += strncmp(target->target_type, "crypt", sizeof target->target_type) == 0;
		found->linear += strncmp(target->target_type, "linear", sizeof target->target_type) == 0;
		if (target->next > sizeof room)
			break;
		at = room.head.data_start + target->next;
	}
	return 0;
}
