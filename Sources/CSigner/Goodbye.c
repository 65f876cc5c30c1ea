#ifdef POSTERN_STATIC

#include "config.h"

#include <stdio.h>

#include "libssh/priv.h"

#include "libssh/buffer.h"
#include "libssh/packet.h"
#include "libssh/session.h"
#include "libssh/socket.h"
#include "libssh/ssh2.h"

#include "Goodbye.h"

int __real_ssh_kex_select_methods(ssh_session session);
int __wrap_ssh_kex_select_methods(ssh_session session);

void say_goodbye(ssh_session session, const char *text)
{
	// A packet may be half made.
	ssh_buffer_reinit(session->out_buffer);
	if (ssh_buffer_pack(session->out_buffer, "bdss", SSH2_MSG_DISCONNECT, SSH2_DISCONNECT_KEY_EXCHANGE_FAILED, text, "") !=
	    SSH_OK)
		return;
	// libssh would keep it until a poll says that the socket takes something, and closes that first.
	ssh_socket_set_write_wontblock(session->socket);
	ssh_packet_send(session);
}

int __wrap_ssh_kex_select_methods(ssh_session session)
{
	static const char *const kinds[SSH_LANG_C_S] = {
		"key exchange method", "host key type", "cipher", "cipher", "MAC", "MAC", "compression", "compression",
	};
	struct ssh_crypto_struct *crypto = session->next_crypto;
	int result = __real_ssh_kex_select_methods(session);
	char text[512];
	int kind = 0;

	while (kind < SSH_LANG_C_S && crypto->kex_methods[kind])
		kind++;
	if (result == SSH_OK || kind == SSH_LANG_C_S)
		return result;
	snprintf(text, sizeof(text), "no matching %s; this server offers %s", kinds[kind], crypto->server_kex.methods[kind]);
	say_goodbye(session, text);
	// libssh's own sentence has its names for them, and lists of any length.
	ssh_set_error(session, SSH_FATAL, "%s; the client offers %.400s", text, crypto->client_kex.methods[kind]);
	return result;
}

#endif
