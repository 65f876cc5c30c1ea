// What the signer does, for the Swift around it.
#include "CSigner.h"

#ifdef POSTERN_STATIC

#include "config.h"

#include "libssh/priv.h"

#include "libssh/pki.h"
#include "libssh/pki_priv.h"
#include "libssh/session.h"

int __real_ssh_pki_signature_verify(ssh_session session, ssh_signature signature, const ssh_key key,
				    const unsigned char *data, size_t size);
int __real_sha256(const unsigned char *bytes, size_t count, unsigned char *hash);
int __real_sha384(const unsigned char *bytes, size_t count, unsigned char *hash);
int __real_sha512(const unsigned char *bytes, size_t count, unsigned char *hash);

static ssh_string string(const void *bytes, size_t size)
{
	ssh_string made = ssh_string_new(size);

	if (made)
		ssh_string_fill(made, bytes, size);
	return made;
}

void *signer_public_key(const void *blob, size_t size)
{
	ssh_string text = string(blob, size);
	ssh_key key = NULL;

	if (text && ssh_pki_import_pubkey_blob(text, &key) != SSH_OK)
		key = NULL;
	SSH_STRING_FREE(text);
	return key;
}

// It connects nowhere: libssh wants the limits of one.
static ssh_session limits;

int signer_prepare(int shortest_rsa, void *chosen)
{
	limits = ssh_new();
	if (!limits || !ssh_get_random(chosen, SIGNER_COOKIE, 1))
		return -1;
	limits->opts.rsa_min_size = shortest_rsa;
	return 0;
}

static long take(ssh_string from, void *room, size_t size)
{
	size_t length = from ? ssh_string_len(from) : 0;

	if (length == 0 || length > size)
		return -1;
	memcpy(room, ssh_string_data(from), length);
	return (long)length;
}

long signer_public_half(const void *key, void *room, size_t size)
{
	ssh_string blob = NULL;
	long length = -1;

	if (ssh_pki_export_pubkey_blob((ssh_key)key, &blob) == SSH_OK)
		length = take(blob, room, size);
	SSH_STRING_FREE(blob);
	return length;
}

const char *signer_banner(void)
{
	return CLIENT_BANNER_SSH2;
}

int signer_hash(const void *bytes, size_t count, void *hash, size_t size)
{
	switch (size) {
	case SHA256_DIGEST_LEN: return __real_sha256(bytes, count, hash);
	case SHA384_DIGEST_LEN: return __real_sha384(bytes, count, hash);
	case SHA512_DIGEST_LEN: return __real_sha512(bytes, count, hash);
	default: return SSH_ERROR;
	}
}

long signer_sign(const void *key, int digest, const void *hash, size_t count, void *room, size_t size)
{
	ssh_signature signature = NULL;
	ssh_string blob = NULL;
	long length = -1;

	// SHA-1 is offered to nobody.
	if (digest != SSH_DIGEST_SHA1)
		signature = pki_do_sign((ssh_key)key, hash, count, (enum ssh_digest_e)digest);
	if (signature && ssh_pki_export_signature_blob(signature, &blob) == SSH_OK)
		length = take(blob, room, size);
	SSH_STRING_FREE(blob);
	SSH_SIGNATURE_FREE(signature);
	return length;
}

int signer_verify(const void *blob, size_t blob_size, const void *signature, size_t signature_size, const void *data,
		  size_t data_size)
{
	ssh_key key = signer_public_key(blob, blob_size);
	ssh_string text = string(signature, signature_size);
	ssh_signature made = NULL;
	int valid = key && text && ssh_pki_import_signature_blob(text, key, &made) == SSH_OK &&
		__real_ssh_pki_signature_verify(limits, made, key, data, data_size) == SSH_OK;

	SSH_SIGNATURE_FREE(made);
	SSH_STRING_FREE(text);
	SSH_KEY_FREE(key);
	return valid;
}

#endif
