#include "CLinux.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/un.h>

int linux_accept(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

// An address as text, for the kernel.
struct numeric {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} address;
	socklen_t length;
};

// A stream socket for the family of `text`, which is read into `place`; -1 with errno, EINVAL when it is no address.
static int numeric_socket(const char *text, uint16_t port, struct numeric *place)
{
	*place = (struct numeric){ 0 };
	if (inet_pton(AF_INET6, text, &place->address.six.sin6_addr) == 1) {
		place->address.six.sin6_family = AF_INET6;
		place->address.six.sin6_port = htons(port);
		place->length = sizeof(place->address.six);
	} else if (inet_pton(AF_INET, text, &place->address.four.sin_addr) == 1) {
		place->address.four.sin_family = AF_INET;
		place->address.four.sin_port = htons(port);
		place->length = sizeof(place->address.four);
	} else {
		errno = EINVAL;
		return -1;
	}
	return socket(place->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

// Closes a socket that could not be used, and keeps the errno that says why.
static int give_up(int made)
{
	int code = errno;

	close(made);
	errno = code;
	return -1;
}

int linux_listen(const char *text, uint16_t port, int dual)
{
	struct numeric place;
	int one = 1, six_only = !dual;
	int made = numeric_socket(text, port, &place);

	if (made == -1)
		return -1;
	int is_six = place.address.any.sa_family == AF_INET6;
	setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(made, is_six ? IPPROTO_IPV6 : IPPROTO_IP, is_six ? IPV6_FREEBIND : IP_FREEBIND, &one, sizeof(one));
	if (is_six)
		setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &six_only, sizeof(six_only));
	if (bind(made, &place.address.any, place.length) == -1 || listen(made, 128) == -1)
		return give_up(made);
	return made;
}

int linux_connect(const char *text, uint16_t port)
{
	struct numeric place;
	int made = numeric_socket(text, port, &place);

	if (made == -1)
		return -1;
	if (connect(made, &place.address.any, place.length) == -1 && errno != EINPROGRESS)
		return give_up(made);
	return made;
}

int linux_connect_error(int descriptor)
{
	int code = 0;
	socklen_t length = sizeof(code);

	return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == -1 ? errno : code;
}

int linux_end(int descriptor, int own, uint8_t address[16], uint16_t *port)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);

	if ((own ? getsockname : getpeername)(descriptor, (struct sockaddr *)&peer, &length) == -1)
		return -1;
	if (peer.ss_family == AF_INET) {
		const struct sockaddr_in *four = (const struct sockaddr_in *)&peer;
		memcpy(address, &four->sin_addr, 4);
		*port = ntohs(four->sin_port);
		return 4;
	}
	if (peer.ss_family != AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&peer;
	*port = ntohs(six->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		memcpy(address, six->sin6_addr.s6_addr + 12, 4);
		return 4;
	}
	memcpy(address, &six->sin6_addr, 16);
	return 16;
}

int linux_set_keepalive(int descriptor, int seconds)
{
	int one = 1, interval = seconds / 4 > 0 ? seconds / 4 : 1, count = 3;
	unsigned limit = (unsigned)seconds * 1000;

	if (setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) == -1 ||
	    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &interval, sizeof(interval)) == -1 ||
	    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval)) == -1 ||
	    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count)) == -1)
		return -1;
	return setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof(limit));
}

int linux_nodelay(int descriptor)
{
	int one = 1;

	return setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

int linux_quickack(int descriptor)
{
	int one = 1;

	return setsockopt(descriptor, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

int linux_send_local(const char *path, const void *bytes, unsigned long count)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	ssize_t sent;
	int saved, descriptor;

	if (length == 0 || length >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = 0;
	descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor == -1)
		return -1;
	sent = sendto(descriptor, bytes, count, MSG_NOSIGNAL, (struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '@' ? 0 : 1)));
	saved = errno;
	close(descriptor);
	errno = saved;
	return sent == -1 ? -1 : 0;
}

const char *linux_notify_socket(void)
{
	return getenv("NOTIFY_SOCKET");
}

void linux_quickack_option(uint64_t *level, uint64_t *name)
{
	*level = IPPROTO_TCP;
	*name = TCP_QUICKACK;
}
