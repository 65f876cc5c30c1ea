#define _GNU_SOURCE
#include "CMachine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

int machine_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int machine_terminal(int *master, int *side, unsigned short rows, unsigned short columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (*master == -1) return -1;
    if (unlockpt(*master) == 0) {
        *side = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (*side != -1) return ioctl(*side, TIOCSWINSZ, &size);
    }
    close(*master);
    return -1;
}

int machine_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

static int advertise(const char *link, int managed, const unsigned char *prefix) {
    struct {
        struct nd_router_advert advert;
        struct nd_opt_prefix_info prefix;
    } message = {
        .prefix = {.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION,
                   .nd_opt_pi_len = 4,
                   .nd_opt_pi_prefix_len = 64,
                   .nd_opt_pi_flags_reserved = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO,
                   .nd_opt_pi_valid_time = htonl(3600),
                   .nd_opt_pi_preferred_time = htonl(3600)},
    };
    struct sockaddr_in6 all = {.sin6_family = AF_INET6, .sin6_scope_id = if_nametoindex(link)};
    int hops = 255, made = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);

    if (made == -1) return -1;
    message.advert.nd_ra_type = ND_ROUTER_ADVERT;
    message.advert.nd_ra_curhoplimit = 64;
    message.advert.nd_ra_router_lifetime = htons(1800);
    if (managed) message.advert.nd_ra_flags_reserved = ND_RA_FLAG_MANAGED;
    if (prefix) memcpy(&message.prefix.nd_opt_pi_prefix, prefix, 8);
    inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
    setsockopt(made, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
    size_t size = prefix ? sizeof(message) : sizeof(message.advert);
    ssize_t sent = sendto(made, &message, size, 0, (struct sockaddr *)&all, sizeof(all));
    close(made);
    return sent == (ssize_t)size ? 0 : -1;
}

int machine_advertise(const char *space, const char *link, int managed, const unsigned char *prefix) {
    // Only this thread goes there, and nothing else runs on it meanwhile.
    int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), there = open(space, O_RDONLY | O_CLOEXEC);
    int result = -1;
    if (own != -1 && there != -1 && setns(there, CLONE_NEWNET) == 0) {
        result = advertise(link, managed, prefix);
        if (setns(own, CLONE_NEWNET) == -1) abort();
    }
    if (own != -1) close(own);
    if (there != -1) close(there);
    return result;
}

long machine_call(long number, long a, long b, long c, long d, long e) { return syscall(number, a, b, c, d, e, 0L); }

#ifdef __x86_64__
static int inject(int process, long number, const long arguments[6], const void *bytes, unsigned long count, int pointer) {
    struct user_regs_struct registers;
    long word;

    if (ptrace(PTRACE_GETREGS, process, NULL, &registers) == -1) return -1;
    errno = 0;
    word = ptrace(PTRACE_PEEKTEXT, process, registers.rip - 2, NULL);
    if (errno != 0) return -1;
    // It must wait in a system call, whose instruction is used once more.
    if ((word & 0xffff) != 0x050f) {
        errno = EAGAIN;
        return -1;
    }
    unsigned long long to[6];
    for (int i = 0; i < 6; i++) to[i] = (unsigned long long)arguments[i];
    if (pointer >= 0) {
        // Below what the stack has in use.
        to[pointer] = (registers.rsp - 4096) & ~15ULL;
        for (unsigned long done = 0; done < count; done += sizeof(word)) {
            word = 0;
            memcpy(&word, (const char *)bytes + done, count - done < sizeof(word) ? count - done : sizeof(word));
            if (ptrace(PTRACE_POKEDATA, process, to[pointer] + done, word) == -1) return -1;
        }
    }
    registers.rip -= 2;
    registers.rax = (unsigned long long)number;
    registers.orig_rax = ~0ULL;
    registers.rdi = to[0];
    registers.rsi = to[1];
    registers.rdx = to[2];
    registers.r10 = to[3];
    registers.r8 = to[4];
    registers.r9 = to[5];
    return ptrace(PTRACE_SETREGS, process, NULL, &registers) == -1 ? -1 : 0;
}

int machine_inject(int process, long number, const long arguments[6], const void *bytes, unsigned long count, int pointer) {
    int status, result, code;

    if (ptrace(PTRACE_ATTACH, process, NULL, NULL) == -1) return -1;
    while (waitpid(process, &status, __WALL) == -1)
        if (errno != EINTR) return -1;
    result = inject(process, number, arguments, bytes, count, pointer);
    code = errno;
    ptrace(PTRACE_DETACH, process, NULL, NULL);
    errno = code;
    return result;
}
#else
int machine_inject(int process, long number, const long arguments[6], const void *bytes, unsigned long count, int pointer) {
    errno = ENOSYS;
    return -1;
}
#endif
