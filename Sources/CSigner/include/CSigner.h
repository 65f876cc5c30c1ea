#ifndef CSIGNER_H
#define CSIGNER_H

#include <stddef.h>

/// What libssh does with host keys and signatures, for two processes: the session, where libssh asks the signer in place
/// of doing it, and the signer, which does it. libssh's own headers declare it, so the everyday build has it not.

/// What the session asks. On the wire: a frame as FrameSocket has it, with the kind, and
///     to sign: the signature's digest as libssh numbers it, the bytes of the exchange hash, and what that is the hash of;
///     to verify: two zeros, a signature as a string, and as a string what it is to be over.
enum signer_question {
	SIGNER_SIGN = 1,
	SIGNER_VERIFY = 2,
};

/// The largest question: a request for a login has a user name of any length, a key exchange names of any number. RFC 4253
/// has every packet below 35000 bytes.
enum { SIGNER_LARGEST_QUESTION = 64 << 10 };

/// The session: from now on libssh asks the signer at the other end of `descriptor`.
void signer_connect(int descriptor);

/// The session: waits for the next frame, ten seconds at most. Its length, or -1.
long signer_receive(void *room, size_t size);

/// The session: an ssh_key of a public key, in place of the private one, or NULL.
void *signer_public_key(const void *blob, size_t size);

/// The bytes of a cookie (SSH_MSG_KEXINIT).
enum { SIGNER_COOKIE = 16 };

/// The session: the cookie of its first key exchange.
void signer_use(const void *cookie);

/// The signer: takes what it wants of the system, before it is shut in, and chooses a cookie. -1 when it cannot.
int signer_prepare(int shortest_rsa, void *cookie);

/// The signer: the public half of an ssh_key. Its length, or -1.
long signer_public_half(const void *key, void *room, size_t size);

/// What this libssh greets clients with.
const char *signer_banner(void);

/// The signer: SHA-256, SHA-384 or SHA-512, by the `size` of the hash. 0 when it could.
int signer_hash(const void *bytes, size_t count, void *hash, size_t size);

/// The signer: signs a hash with an ssh_key. The signature's length, or -1.
long signer_sign(const void *key, int digest, const void *hash, size_t count, void *room, size_t size);

/// The signer: whether the key made the signature over the data.
int signer_verify(const void *blob, size_t blob_size, const void *signature, size_t signature_size, const void *data,
		  size_t data_size);

#endif
