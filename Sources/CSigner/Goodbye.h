#ifndef GOODBYE_H
#define GOODBYE_H

#include "libssh/libssh.h"

// Tells the client why a key exchange comes to nothing (SSH_MSG_DISCONNECT): libssh alone would only close the connection.
void say_goodbye(ssh_session session, const char *text);

#endif
