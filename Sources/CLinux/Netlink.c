#include "CLinux.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

int linux_uevent_socket(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int size = 1 << 20;
	int made = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (made == -1)
		return -1;
	setsockopt(made, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(made, (struct sockaddr *)&address, sizeof(address)) == -1) {
		int code = errno;
		close(made);
		errno = code;
		return -1;
	}
	return made;
}

long linux_receive_from_kernel(int descriptor, void *buffer, unsigned long size)
{
	struct sockaddr_nl sender;

	for (;;) {
		socklen_t length = sizeof(sender);
		ssize_t count = recvfrom(descriptor, buffer, size, 0, (struct sockaddr *)&sender, &length);
		if (count <= 0 || (length == sizeof(sender) && sender.nl_pid == 0))
			return count;
	}
}

static int route_socket(int flags, unsigned groups)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int made = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

	if (made != -1 && bind(made, (struct sockaddr *)&address, sizeof(address)) == -1) {
		int code = errno;
		close(made);
		errno = code;
		return -1;
	}
	return made;
}

int linux_route_socket(void)
{
	return route_socket(SOCK_NONBLOCK, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_IFINFO);
}

struct link_request {
	struct nlmsghdr header;
	struct ifinfomsg link;
};

static int send_request(int descriptor, struct link_request *request)
{
	request->header.nlmsg_len = sizeof(*request);
	request->header.nlmsg_seq = 1;
	return send(descriptor, request, sizeof(*request), 0) == sizeof(*request) ? 0 : -1;
}

int linux_route_dump(int descriptor, int links)
{
	// What lists addresses takes the larger message of links, too.
	struct link_request request = {
		.header = { .nlmsg_type = links ? RTM_GETLINK : RTM_GETADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
	};

	return send_request(descriptor, &request);
}

int linux_link_up(int link)
{
	struct link_request request = {
		.header = { .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.link = { .ifi_index = link, .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer = { .error = { .error = -EPROTO } };
	int made = route_socket(0, 0);

	if (made == -1)
		return -1;
	int code = 0;
	// The answer is there when the request has been taken.
	if (send_request(made, &request) == -1 || linux_receive_from_kernel(made, &answer, sizeof(answer)) == -1)
		code = errno;
	else
		code = answer.header.nlmsg_type == NLMSG_ERROR ? -answer.error.error : EPROTO;
	close(made);
	errno = code;
	return code == 0 ? 0 : -1;
}
