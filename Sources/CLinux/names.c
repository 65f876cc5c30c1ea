// Parts of libssh and libblkid that the agent never calls look up hosts, services, users and interfaces, and match file names.
// Through them a static glibc would bring its resolver, which can load further libraries of the system at run time. Here
// nothing is ever found. Not in the everyday build, where these names would get before the shared libc's.
#ifdef POSTERN_STATIC
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	(void)name, (void)service, (void)hints;
	*found = NULL;
	return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

int getnameinfo(const struct sockaddr *address, socklen_t length, char *host, socklen_t hostLength, char *service,
		socklen_t serviceLength, int flags)
{
	(void)address, (void)length, (void)host, (void)hostLength, (void)service, (void)serviceLength, (void)flags;
	return EAI_FAIL;
}

int getifaddrs(struct ifaddrs **found)
{
	*found = NULL;
	errno = ENOSYS;
	return -1;
}

void freeifaddrs(struct ifaddrs *list)
{
	(void)list;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **found)
{
	(void)name, (void)entry, (void)buffer, (void)size;
	*found = NULL;
	return 0;
}

int getpwuid_r(uid_t user, struct passwd *entry, char *buffer, size_t size, struct passwd **found)
{
	(void)user, (void)entry, (void)buffer, (void)size;
	*found = NULL;
	return 0;
}

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **found)
{
	(void)name, (void)entry, (void)buffer, (void)size;
	*found = NULL;
	return 0;
}

struct passwd *getpwnam(const char *name)
{
	(void)name;
	return NULL;
}

struct passwd *getpwuid(uid_t user)
{
	(void)user;
	return NULL;
}

struct group *getgrgid(gid_t group)
{
	(void)group;
	return NULL;
}

int glob(const char *pattern, int flags, int (*failed)(const char *path, int code), glob_t *found)
{
	(void)pattern, (void)flags, (void)failed;
	found->gl_pathc = 0;
	found->gl_pathv = NULL;
	return GLOB_NOMATCH;
}

void globfree(glob_t *found)
{
	(void)found;
}
#endif
