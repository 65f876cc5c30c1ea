#ifndef CGATE_H
#define CGATE_H

#include <stdbool.h>
#include <stddef.h>

/// What libssh's public headers say nothing of, and the gate must know: what waits for the client, and whether more is read
/// from it. `session` is an ssh_session. It also has libssh say "the client left" where that is why a connection ends.

/// Bytes that libssh has for the client and the socket did not take.
size_t gate_pending(const void *session);

/// Packets that libssh holds back until the keys are exchanged anew.
size_t gate_held(const void *session);

/// Whether libssh reads from the client from now on. Its own ssh_handle_packets switches it on again.
void gate_set_reading(void *session, bool reads);

#endif
