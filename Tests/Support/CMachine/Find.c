#include "CMachine.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 8, PAIRS = 1 << 16 };

static unsigned pair(const unsigned char *bytes) { return bytes[0] | (unsigned)bytes[1] << 8; }

static size_t shared(const unsigned char *one, size_t size, const unsigned char *other, size_t length) {
    size_t most = size < length ? size : length, count = 0;
    while (count < most && one[count] == other[count]) count++;
    return count;
}

size_t machine_find(
    const unsigned char *memory, size_t size, const unsigned char *secret, size_t length, struct machine_trace *traces,
    size_t room) {
    size_t found = 0;
    if (size < LEAST || length < LEAST) return 0;
    // The places in the secret, counted from 1, by the pair of bytes that stands there.
    uint32_t *first = calloc(PAIRS, sizeof(*first)), *next = calloc(length + 1, sizeof(*next));
    if (!first || !next) abort();
    for (size_t place = length - LEAST + 1; place > 0; place--) {
        unsigned key = pair(secret + place - 1);
        next[place] = first[key];
        first[key] = (uint32_t)place;
    }
    for (size_t offset = 0; offset + LEAST <= size; offset++) {
        // Most of a machine's memory is zero.
        if (!first[0] && memcmp(memory + offset, "\0\0\0\0\0\0\0", LEAST) == 0) {
            offset += LEAST - 2;
            continue;
        }
        struct machine_trace longest = {0};
        for (uint32_t place = first[pair(memory + offset)]; place; place = next[place]) {
            size_t count = shared(memory + offset, size - offset, secret + place - 1, length - place + 1);
            if (count > longest.length) longest = (struct machine_trace){offset, place - 1, count};
        }
        if (longest.length < LEAST) continue;
        if (found < room) traces[found] = longest;
        found++;
        offset += longest.length - 1;
    }
    free(first);
    free(next);
    return found;
}
