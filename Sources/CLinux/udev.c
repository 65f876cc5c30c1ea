// There is no static libudev. libdevmapper asks it one thing only: whether udevd runs, and so whether somebody will
// answer the cookie of an activated volume. libudev's own answer is this file's existence, too.
// Not in the everyday build, where these names would get before the shared libudev's.
#ifdef POSTERN_STATIC
#include <unistd.h>

struct udev;
struct udev_queue;

// Handles that nobody looks into: any address but NULL, which means failure.
static char context, queue;

struct udev *udev_new(void);
struct udev *udev_unref(struct udev *udev);
struct udev_queue *udev_queue_new(struct udev *udev);
struct udev_queue *udev_queue_unref(struct udev_queue *udev_queue);
int udev_queue_get_udev_is_active(struct udev_queue *udev_queue);

struct udev *udev_new(void)
{
	return (struct udev *)&context;
}

struct udev *udev_unref(struct udev *udev)
{
	(void)udev;
	return NULL;
}

struct udev_queue *udev_queue_new(struct udev *udev)
{
	(void)udev;
	return (struct udev_queue *)&queue;
}

struct udev_queue *udev_queue_unref(struct udev_queue *udev_queue)
{
	(void)udev_queue;
	return NULL;
}

int udev_queue_get_udev_is_active(struct udev_queue *udev_queue)
{
	(void)udev_queue;
	return access("/run/udev/control", F_OK) == 0;
}
#endif
