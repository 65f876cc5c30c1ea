#ifndef POSTERN_CMACHINE_H
#define POSTERN_CMACHINE_H

#include <spawn.h>
#include <stddef.h>

// Functions that Swift's Glibc module hides, for it is made without _GNU_SOURCE. Each returns -1 and sets errno.

/// pipe2(ends, O_CLOEXEC).
int machine_pipe(int ends[2]);

/// A new pseudo-terminal: its master and its other side, both closed in programs that are started.
int machine_terminal(int *master, int *side, unsigned short rows, unsigned short columns);

/// posix_spawn_file_actions_addclosefrom_np(actions, first).
int machine_close_from(posix_spawn_file_actions_t *actions, int first);

/// An IPv6 router's advertisement (RFC 4861, section 4.2) on a link of the network namespace at that path, with the M flag
/// or without, and with a prefix of 64 bits for SLAAC unless it is NULL. Needs root.
int machine_advertise(const char *space, const char *link, int managed, const unsigned char *prefix);

/// syscall(2), which is variadic.
long machine_call(long number, long a, long b, long c, long d, long e);

/// Makes another process, which waits in a system call, do another one in its place, as code would that a stranger has
/// brought into it. With `bytes`, the argument of number `pointer` is where they were put; else it is -1. Needs root.
int machine_inject(int process, long number, const long arguments[6], const void *bytes, unsigned long count, int pointer);

/// A part of a secret that lies in a memory: where it begins in each of them, and its length.
struct machine_trace { size_t offset, start, length; };

/// Looks in a memory for the parts of a secret that are at least eight bytes long, each as long as it can be. The first
/// `room` of them go to `traces`. Returns how many there are.
///
/// It is C because Swift without optimisation takes too long for a machine's memory.
size_t machine_find(
    const unsigned char *memory, size_t size, const unsigned char *secret, size_t length, struct machine_trace *traces,
    size_t room);

#endif
