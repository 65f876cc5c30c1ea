#include "CGate.h"

#ifdef POSTERN_STATIC

#include "config.h"

#include <errno.h>
#include <poll.h>

#include "libssh/priv.h"
#include "libssh/session.h"
#include "libssh/misc.h"
#include "libssh/poll.h"
#include "libssh/socket.h"

static ssh_socket socket_of(const void *session)
{
	return ((ssh_session)session)->socket;
}

size_t gate_pending(const void *session)
{
	return (size_t)ssh_socket_buffered_write_bytes(socket_of(session));
}

size_t gate_held(const void *session)
{
	return ssh_list_count(((ssh_session)session)->out_queue);
}

void gate_set_reading(void *session, bool reads)
{
	ssh_poll_handle handle;

	// Of a socket that is closed there is no handle, and none is to be made.
	if (!ssh_socket_is_open(socket_of(session)))
		return;
	handle = ssh_socket_get_poll_handle(socket_of(session));
	if (handle && reads)
		ssh_poll_add_events(handle, POLLIN);
	else if (handle)
		ssh_poll_remove_events(handle, POLLIN);
}

// The linker's --wrap gives libssh's calls of its own to this one. That one says the error of whatever call came last, also
// where libssh itself has closed the socket for a reason that it has just said.
void __wrap_ssh_socket_exception_callback(int code, int error, void *user)
{
	ssh_session session = user;

	if (session->session_state != SSH_SESSION_STATE_ERROR)
		ssh_set_error(session, SSH_FATAL, "%s", code == SSH_SOCKET_EXCEPTION_ERROR && error == ETIMEDOUT ?
			"the client is not heard of any more" : "the client left");
	session->session_state = SSH_SESSION_STATE_ERROR;
	session->ssh_connection_callback(session);
}

#else

#pragma clang diagnostic ignored "-Wc2x-extensions"
// The everyday build refuses to serve before it comes to any of these.
size_t gate_pending(const void *) { return 0; }
size_t gate_held(const void *) { return 0; }
void gate_set_reading(void *, bool) {}

#endif
