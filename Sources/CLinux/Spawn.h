#pragma once

#include <sys/types.h>

/// fork(2), of which the child has the usual signals, is killed when this process ends, and leads a session of its own. The
/// process, 0 in the child, or -1 with errno; a child that cannot be so exits with 127.
pid_t linux_fork_session(void);
