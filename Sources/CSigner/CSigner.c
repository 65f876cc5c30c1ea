// What libssh is made to do in a session.
#include "CSigner.h"

#ifdef POSTERN_STATIC

#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "libssh/priv.h"

#include "libssh/buffer.h"
#include "libssh/pki.h"
#include "libssh/pki_priv.h"
#include "libssh/session.h"

#include "Goodbye.h"

// The linker's --wrap gives libssh's calls of these, by their names, to the functions __wrap_... below.
int __real_ssh_pki_export_privkey_to_pubkey(const ssh_key key, ssh_key *made);
int __real_ssh_make_sessionid(ssh_session session);
int __real_ssh_send_kex(ssh_session session);

// An RSA key of 16384 bits makes 2 KiB.
enum { LARGEST_SIGNATURE = 4096, PATIENCE = 10 * 1000 };

static int signer = -1;
static unsigned char cookie[SIGNER_COOKIE];

void signer_connect(int descriptor)
{
	signer = descriptor;
}

void signer_use(const void *chosen)
{
	memcpy(cookie, chosen, sizeof(cookie));
}

int __wrap_ssh_send_kex(ssh_session session)
{
	if (!session->connected)
		memcpy(session->next_crypto->server_kex.cookie, cookie, sizeof(cookie));
	return __real_ssh_send_kex(session);
}

// The signer answers at once: one that does not is broken, and must not hold up the end of the session.
static int move(void *bytes, size_t count, short direction)
{
	unsigned char *next = bytes;

	while (count > 0) {
		ssize_t moved = direction == POLLOUT ? send(signer, next, count, MSG_NOSIGNAL) : read(signer, next, count);
		struct pollfd wait = { .fd = signer, .events = direction };

		if (moved > 0) {
			next += moved;
			count -= (size_t)moved;
		} else if (moved == 0 || (errno != EAGAIN && errno != EINTR) || poll(&wait, 1, PATIENCE) == 0) {
			return -1;
		}
	}
	return 0;
}

long signer_receive(void *room, size_t size)
{
	uint32_t length;

	if (move(&length, sizeof(length), POLLIN) == -1)
		return -1;
	length = ntohl(length);
	return length > size || move(room, length, POLLIN) == -1 ? -1 : (long)length;
}

// Asks, and frees the question: it may have the key exchange's secret in it.
static long ask(ssh_buffer question, int result, void *room, size_t size)
{
	long answer = -1;

	if (result == SSH_OK && ssh_buffer_get_len(question) - 4 <= SIGNER_LARGEST_QUESTION &&
	    move(ssh_buffer_get(question), ssh_buffer_get_len(question), POLLOUT) == 0)
		answer = signer_receive(room, size);
	SSH_BUFFER_FREE(question);
	// An answer that comes late after all is not to be taken for that to the next question.
	if (answer == -1)
		signer = -1;
	return answer;
}

static ssh_buffer new_question(void)
{
	ssh_buffer made = ssh_buffer_new();

	// It is wiped when it is freed.
	if (made)
		ssh_buffer_set_secure(made);
	return made;
}

// What libssh hashed last for a key exchange, and where it had the hash put.
static struct {
	unsigned char *bytes;
	size_t count;
	const unsigned char *hash;
} exchange;
static int is_exchanging;

static void forget_exchange(void)
{
	if (exchange.bytes)
		explicit_bzero(exchange.bytes, exchange.count);
	free(exchange.bytes);
	memset(&exchange, 0, sizeof(exchange));
}

static void keep(const unsigned char *bytes, size_t count, const unsigned char *hash)
{
	if (!is_exchanging || count == 0 || count > SIGNER_LARGEST_QUESTION)
		return;
	forget_exchange();
	exchange.bytes = malloc(count);
	if (!exchange.bytes)
		return;
	memcpy(exchange.bytes, bytes, count);
	exchange.count = count;
	exchange.hash = hash;
}

#define KEEPING(hash_of)                                                                         \
	int __real_##hash_of(const unsigned char *bytes, size_t count, unsigned char *hash);     \
	int __wrap_##hash_of(const unsigned char *bytes, size_t count, unsigned char *hash);     \
	int __wrap_##hash_of(const unsigned char *bytes, size_t count, unsigned char *hash)      \
	{                                                                                        \
		keep(bytes, count, hash);                                                        \
		return __real_##hash_of(bytes, count, hash);                                     \
	}
KEEPING(sha256)
KEEPING(sha384)
KEEPING(sha512)

int __wrap_ssh_make_sessionid(ssh_session session)
{
	int result;

	is_exchanging = 1;
	result = __real_ssh_make_sessionid(session);
	is_exchanging = 0;
	return result;
}

ssh_string __wrap_ssh_srv_pki_do_sign_sessionid(ssh_session session, const ssh_key key, const enum ssh_digest_e digest)
{
	struct ssh_crypto_struct *crypto = session->next_crypto ? session->next_crypto : session->current_crypto;
	unsigned char answer[LARGEST_SIGNATURE];
	ssh_buffer question = new_question();
	ssh_string signature = NULL;
	long length = -1;

	(void)key; // It stands in what was hashed.
	if (question && exchange.hash && exchange.hash == crypto->secret_hash)
		length = ask(question,
			     ssh_buffer_pack(question, "dbbbP", (uint32_t)exchange.count + 3, SIGNER_SIGN, digest,
					     (int)crypto->digest_len, exchange.count, exchange.bytes),
			     answer, sizeof(answer));
	else
		SSH_BUFFER_FREE(question);
	forget_exchange();
	// A refusal is one byte.
	if (length > 1 && (signature = ssh_string_new((size_t)length)))
		ssh_string_fill(signature, answer, (size_t)length);
	else
		say_goodbye(session, "the key exchange was refused: it is one too many, or too large");
	return signature;
}

// The signature as the client sent it. Of an ecdsa-sk one libssh keeps OpenSSL's encoding, which it would write out as it
// is; of other ECDSA ones it turns that back into the client's.
static ssh_string as_sent(ssh_signature signature)
{
	int is_sk_ecdsa = signature->type == SSH_KEYTYPE_SK_ECDSA;
	ssh_string plain = NULL, whole = NULL;
	unsigned char *end;
	size_t length;

	if (is_sk_ecdsa)
		signature->type = SSH_KEYTYPE_ECDSA_P256;
	if (ssh_pki_export_signature_blob(signature, &plain) != SSH_OK)
		plain = NULL;
	if (!is_sk_ecdsa)
		return plain;
	signature->type = SSH_KEYTYPE_SK_ECDSA;
	length = plain ? ssh_string_len(plain) : 0;
	if (plain && (whole = ssh_string_new(length + 5))) {
		uint32_t counter = htonl(signature->sk_counter);

		end = (unsigned char *)ssh_string_data(whole) + length;
		memcpy(ssh_string_data(whole), ssh_string_data(plain), length);
		end[0] = signature->sk_flags;
		memcpy(end + 1, &counter, sizeof(counter));
	}
	SSH_STRING_FREE(plain);
	return whole;
}

int __wrap_ssh_pki_signature_verify(ssh_session session, ssh_signature signature, const ssh_key key,
				    const unsigned char *data, size_t size)
{
	unsigned char answer = 0;
	ssh_string blob = as_sent(signature);
	ssh_buffer question = new_question();
	long length = -1;

	(void)session;
	(void)key; // It stands in the data.
	if (blob && question)
		length = ask(question,
			     ssh_buffer_pack(question, "dbbbSdP", (uint32_t)(3 + 4 + ssh_string_len(blob) + 4 + size),
					     SIGNER_VERIFY, 0, 0, blob, (uint32_t)size, size, data),
			     &answer, sizeof(answer));
	else
		SSH_BUFFER_FREE(question);
	SSH_STRING_FREE(blob);
	return length == 1 && answer == 1 ? SSH_OK : SSH_ERROR;
}

// libssh asks for the public half of what it takes for the private key.
int __wrap_ssh_pki_export_privkey_to_pubkey(const ssh_key key, ssh_key *made)
{
	if (!key || ssh_key_is_private(key))
		return __real_ssh_pki_export_privkey_to_pubkey(key, made);
	*made = ssh_key_dup(key);
	return *made ? SSH_OK : SSH_ERROR;
}

#else

#pragma clang diagnostic ignored "-Wc2x-extensions"
// The everyday build refuses to serve before it comes to any of these.
void signer_connect(int) {}
long signer_receive(void *, size_t) { return -1; }
void *signer_public_key(const void *, size_t) { return NULL; }
void signer_use(const void *) {}
int signer_prepare(int, void *) { return -1; }
long signer_public_half(const void *, void *, size_t) { return -1; }
const char *signer_banner(void) { return ""; }
int signer_hash(const void *, size_t, void *, size_t) { return -1; }
long signer_sign(const void *, int, const void *, size_t, void *, size_t) { return -1; }
int signer_verify(const void *, size_t, const void *, size_t, const void *, size_t) { return 0; }

#endif
