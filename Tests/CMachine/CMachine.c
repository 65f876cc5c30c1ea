#define _GNU_SOURCE
#include "CMachine.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
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
