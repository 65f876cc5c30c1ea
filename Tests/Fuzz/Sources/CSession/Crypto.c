// The client's cryptography, by OpenSSL.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "CSession.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>

static void must(bool good)
{
	if (!good)
		abort();
}

static uint64_t state = 1;

static int bytes_of_random(unsigned char *bytes, int count)
{
	for (int index = 0; index < count; index++) {
		// xorshift64: it need not be good, but no two values may be the same for long.
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		bytes[index] = (unsigned char)(state >> 24);
	}
	return 1;
}

static int always(void)
{
	return 1;
}

void fuzz_make_random_repeat(void)
{
	static const RAND_METHOD method = {
		.bytes = bytes_of_random, .pseudorand = bytes_of_random, .status = always};

	must(RAND_set_rand_method(&method) == 1);
}

void fuzz_sha256(const uint8_t *bytes, size_t count, uint8_t digest[32])
{
	must(EVP_Digest(bytes, count, digest, NULL, EVP_sha256(), NULL) == 1);
}

void fuzz_sha384(const uint8_t *bytes, size_t count, uint8_t digest[48])
{
	must(EVP_Digest(bytes, count, digest, NULL, EVP_sha384(), NULL) == 1);
}

void fuzz_sha512(const uint8_t *bytes, size_t count, uint8_t digest[64])
{
	must(EVP_Digest(bytes, count, digest, NULL, EVP_sha512(), NULL) == 1);
}

static void public_of(int type, const uint8_t secret[32], uint8_t point[32])
{
	size_t size = 32;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(type, NULL, secret, 32);

	must(key != NULL && EVP_PKEY_get_raw_public_key(key, point, &size) == 1);
	EVP_PKEY_free(key);
}

void fuzz_x25519_public(const uint8_t secret[32], uint8_t point[32])
{
	public_of(EVP_PKEY_X25519, secret, point);
}

void fuzz_ed25519_public(const uint8_t secret[32], uint8_t point[32])
{
	public_of(EVP_PKEY_ED25519, secret, point);
}

bool fuzz_x25519(const uint8_t secret[32], const uint8_t point[32], uint8_t shared[32])
{
	size_t size = 32;
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, 32);
	EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, 32);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
	bool good = peer != NULL && EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1 &&
		EVP_PKEY_derive(context, shared, &size) == 1;

	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	return good;
}

void fuzz_ed25519_sign(const uint8_t secret[32], const uint8_t *bytes, size_t count, uint8_t signature[64])
{
	size_t size = 64;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, 32);
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	must(EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1);
	must(EVP_DigestSign(context, signature, &size, bytes, count) == 1);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
}

bool fuzz_gcm(bool seal, const uint8_t key[32], const uint8_t nonce[12], uint8_t *bytes, size_t count)
{
	int size = 0;
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	bool good;

	must(EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, seal) == 1);
	if (!seal)
		must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, 16, bytes + count) == 1);
	must(EVP_CipherUpdate(context, NULL, &size, bytes - 4, 4) == 1);
	must(EVP_CipherUpdate(context, bytes, &size, bytes, (int)count) == 1);
	good = EVP_CipherFinal_ex(context, bytes + count, &size) == 1;
	if (seal)
		must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, bytes + count) == 1);
	EVP_CIPHER_CTX_free(context);
	return good;
}
