#ifndef CSESSION_H
#define CSESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Runs body in a process of its own, whose coverage comes back to this one. One that crashes or takes more seconds of
/// the processor's time ends this one, too, which libFuzzer takes for a crash.
void fuzz_isolated(void (*body)(void), unsigned seconds);

/// From now on, in this process, time stands still but for fuzz_pass_time, and whoever waits in poll(2) while nothing is
/// there calls waiting with the milliseconds it would wait (-1 for ever). It returns whether to look again; if not, the
/// wait is over with nothing.
void fuzz_direct(bool (*waiting)(int milliseconds));
void fuzz_pass_time(int64_t milliseconds);

/// Makes OpenSSL's random bytes the same in every process that is forked from here.
void fuzz_make_random_repeat(void);

/// Whether the environment has this.
bool fuzz_has(const char *name);

/// Two ends of a stream socket, of which the first keeps little for the other to read.
bool fuzz_socket_pair(int ends[2]);
/// Makes the descriptor number `number` of this process be `from`.
void fuzz_move(int from, int number);
/// Bytes sent without waiting, 0 when there is no room, -1 when the other end is gone.
long fuzz_send(int descriptor, const uint8_t *bytes, size_t count);
/// Bytes received without waiting, 0 when there is nothing, -1 when the other end is gone.
long fuzz_receive(int descriptor, uint8_t *bytes, size_t count);
void fuzz_end_sending(int descriptor);
void fuzz_close(int descriptor);

void fuzz_sha256(const uint8_t *bytes, size_t count, uint8_t digest[32]);
void fuzz_sha384(const uint8_t *bytes, size_t count, uint8_t digest[48]);
void fuzz_sha512(const uint8_t *bytes, size_t count, uint8_t digest[64]);
void fuzz_x25519_public(const uint8_t secret[32], uint8_t point[32]);
/// Whether there is a shared secret with that point.
bool fuzz_x25519(const uint8_t secret[32], const uint8_t point[32], uint8_t shared[32]);
void fuzz_ed25519_public(const uint8_t secret[32], uint8_t point[32]);
void fuzz_ed25519_sign(const uint8_t secret[32], const uint8_t *bytes, size_t count, uint8_t signature[64]);
/// AES-256-GCM over count bytes in place; 4 bytes before them are authenticated, and 16 after them are the tag.
bool fuzz_gcm(bool seal, const uint8_t key[32], const uint8_t nonce[12], uint8_t *bytes, size_t count);

#endif
