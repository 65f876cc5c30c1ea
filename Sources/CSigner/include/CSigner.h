#ifndef CSIGNER_H
#define CSIGNER_H

#include <stddef.h>

/// What libssh does with host keys and signatures, for two processes: the session, where libssh asks the signer in place
/// of doing it, and the signer, which does it. libssh's own headers declare it, so the everyday build has it not.

/// What the session asks. On the wire: a frame as FrameSocket has it, with the kind, the digest as libssh numbers it, and
/// two strings: a public key and the hash to be signed with it, or a signature and what it is to be over.
enum signer_question {
	SIGNER_SIGN = 1,
	SIGNER_VERIFY = 2,
};

/// The largest question: a request for a login, which has a user name of any length.
enum { SIGNER_LARGEST_QUESTION = 64 << 10 };

/// The session: from now on libssh asks the signer at the other end of `descriptor`.
void signer_connect(int descriptor);

/// The session: waits for the next frame, ten seconds at most. Its length, or -1.
long signer_receive(void *room, size_t size);

/// The session: an ssh_key of a public key, in place of the private one, or NULL.
void *signer_public_key(const void *blob, size_t size);

/// The signer: takes what it wants of the system, before it is shut in. -1 when there is no memory.
int signer_prepare(int shortest_rsa);

/// The signer: the public half of an ssh_key. Its length, or -1.
long signer_public_half(const void *key, void *room, size_t size);

/// The signer: signs a hash with an ssh_key. The signature's length, or -1.
long signer_sign(const void *key, int digest, const void *hash, size_t count, void *room, size_t size);

/// The signer: whether the key made the signature over the data.
int signer_verify(const void *blob, size_t blob_size, const void *signature, size_t signature_size, const void *data,
		  size_t data_size);

#endif
