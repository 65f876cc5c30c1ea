#ifndef POSTERN_CMACHINE_H
#define POSTERN_CMACHINE_H

#include <spawn.h>

// Functions that Swift's Glibc module hides, for it is made without _GNU_SOURCE. Each returns -1 and sets errno.

/// pipe2(ends, O_CLOEXEC).
int machine_pipe(int ends[2]);

/// A new pseudo-terminal: its master and its other side, both closed in programs that are started.
int machine_terminal(int *master, int *side, unsigned short rows, unsigned short columns);

/// posix_spawn_file_actions_addclosefrom_np(actions, first).
int machine_close_from(posix_spawn_file_actions_t *actions, int first);

#endif
