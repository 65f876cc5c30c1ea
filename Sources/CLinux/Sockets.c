#include "CLinux.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/un.h>

int linux_accept(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int linux_listen(const char *text, uint16_t port, int dual)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	int is_six = inet_pton(AF_INET6, text, &six.sin6_addr) == 1;
	int one = 1, six_only = !dual;

	if (!is_six && inet_pton(AF_INET, text, &four.sin_addr) != 1) {
		errno = EINVAL;
		return -1;
	}
	int made = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made == -1)
		return -1;
	setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(made, is_six ? IPPROTO_IPV6 : IPPROTO_IP, is_six ? IPV6_FREEBIND : IP_FREEBIND, &one, sizeof(one));
	if (is_six)
		setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &six_only, sizeof(six_only));
	if (bind(made, is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four, is_six ? sizeof(six) : sizeof(four)) == -1 ||
	    listen(made, 128) == -1) {
		int code = errno;
		close(made);
		errno = code;
		return -1;
	}
	return made;
}

int linux_peer(int descriptor, uint8_t address[16], uint16_t *port)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);

	if (getpeername(descriptor, (struct sockaddr *)&peer, &length) == -1)
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
