// Compares functions of Sources/CLinux/strings.c, scanf.c and locales.c, which the test calls own_NAME here, with glibc's.
// Prints a line for each difference, and the number of comparisons at the end.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>

void *own_memmove(void *, const void *, size_t);
void *own_memset(void *, int, size_t);
int own_memcmp(const void *, const void *, size_t);
void *own_memchr(const void *, int, size_t);
void *own_memrchr(const void *, int, size_t);
size_t own_strlen(const char *);
size_t own_strnlen(const char *, size_t);
char *own_strchr(const char *, int);
char *own_strrchr(const char *, int);
char *own_strchrnul(const char *, int);
int own_strcmp(const char *, const char *);
int own_strncmp(const char *, const char *, size_t);
int own_strcasecmp(const char *, const char *);
int own_strncasecmp(const char *, const char *, size_t);
char *own_stpncpy(char *, const char *, size_t);
char *own_strncat(char *, const char *, size_t);
size_t own_strspn(const char *, const char *);
size_t own_strcspn(const char *, const char *);
char *own_strpbrk(const char *, const char *);
char *own_strstr(const char *, const char *);
void *own_memmem(const void *, size_t, const void *, size_t);
int own___isoc23_sscanf(const char *, const char *, ...);
int own___isoc23_fscanf(FILE *, const char *, ...);
struct tm *own_gmtime_r(const time_t *, struct tm *);
double own_strtod(const char *, char **);

// printf's part of glibc, which locales.c calls.
void own___printf_buffer_write(void *buffer, const char *text, size_t size);
void own___printf_buffer_write(void *buffer, const char *text, size_t size)
{
	(void)buffer, (void)text, (void)size;
}

static long comparisons;

static void same(int holds, const char *what)
{
	comparisons++;
	if (!holds)
		printf("differs: %s\n", what);
}
#define SAME(what) same(what, #what)

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void memories(void)
{
	static unsigned char one[20000], other[20000], noise[20000];
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (unsigned char)rand();
	for (int i = 0; i < 60000; i++) {
		// All short lengths, and some beyond the one from which the processor's instruction copies.
		size_t size = (size_t)(i % 3 ? rand() % 100 : rand() % 6000), from = 200 + (size_t)(rand() % 64);
		size_t to = i & 1 ? from + (size_t)(rand() % 300) - 150 : 8000 + (size_t)(rand() % 64);
		memcpy(one, noise, sizeof one);
		memcpy(other, noise, sizeof other);
		memmove(one + to, one + from, size);
		SAME(own_memmove(other + to, other + from, size) == other + to && !memcmp(one, other, sizeof one));
		memset(one + to, i, size);
		SAME(own_memset(other + to, i, size) == other + to && !memcmp(one, other, sizeof one));
	}
}

// A text that ends where nothing can be read.
static char *before_the_end(const char *text)
{
	static char *pages[2];
	static int which;
	which = !which;
	if (!pages[which]) {
		pages[which] = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(pages[which] + 4096, 4096, PROT_NONE);
	}
	return strcpy(pages[which] + 4096 - strlen(text) - 1, text);
}

static void random_text(char *text, int most)
{
	int length = rand() % (most + 1);
	for (int i = 0; i < length; i++)
		text[i] = rand() % 20 ? "aAbB-z[@"[rand() % 8] : (char)(128 + rand() % 128);
	text[length] = 0;
}

static void texts(void)
{
	for (int i = 0; i < 200000; i++) {
		char text[32], with[32], one[64], other[64];
		random_text(text, 20);
		random_text(with, rand() % 2 ? 20 : 2);
		if (rand() % 3 == 0)
			memcpy(with, text, strlen(with) < strlen(text) ? strlen(with) : strlen(text));
		char *s = before_the_end(text), *t = before_the_end(with);
		size_t n = strlen(s), m = strlen(t), most = (size_t)(rand() % 24);
		int c = rand() % 10 ? "aAbB-z[@"[rand() % 8] : rand() % 256;
		SAME(own_strlen(s) == n);
		SAME(own_strnlen(s, most) == strnlen(s, most));
		SAME(own_strchr(s, c) == strchr(s, c));
		SAME(own_strrchr(s, c) == strrchr(s, c));
		SAME(own_strchrnul(s, c) == strchrnul(s, c));
		SAME(own_memchr(s, c, n + 1) == memchr(s, c, n + 1));
		SAME(own_memrchr(s, c, n + 1) == memrchr(s, c, n + 1));
		SAME(sign(own_strcmp(s, t)) == sign(strcmp(s, t)));
		SAME(sign(own_strncmp(s, t, most)) == sign(strncmp(s, t, most)));
		SAME(sign(own_strcasecmp(s, t)) == sign(strcasecmp(s, t)));
		SAME(sign(own_strncasecmp(s, t, most)) == sign(strncasecmp(s, t, most)));
		SAME(sign(own_memcmp(s, t, n < m ? n : m)) == sign(memcmp(s, t, n < m ? n : m)));
		SAME(own_strspn(s, t) == strspn(s, t));
		SAME(own_strcspn(s, t) == strcspn(s, t));
		SAME(own_strpbrk(s, t) == strpbrk(s, t));
		SAME(own_strstr(s, t) == strstr(s, t));
		SAME(own_memmem(s, n, t, m) == memmem(s, n, t, m));
		memset(one, 7, sizeof one);
		memset(other, 7, sizeof other);
		SAME(stpncpy(one, s, most) - one == own_stpncpy(other, s, most) - other && !memcmp(one, other, sizeof one));
		one[0] = other[0] = 0;
		strncat(one, s, most);
		SAME(own_strncat(other, s, most) == other && !memcmp(one, other, sizeof one));
	}
}

// The formats are those of libcryptsetup, libblkid and libdevmapper, and some beyond.
static void scans(void)
{
	static const char *formats[] = {
		"%d:%d", "%u.%u.%u", "SwapTotal: %lu kB", "%hu.%hu.%hu-%hu", "hmac(%31[^)]s",
		"%x %*s %*u %*s %*x %*d %*d %40s %n", "%31[^-]-%31s", "capi:%143[^(](%143[^)])", "%lu",
		"%*u %*u %u:%u %96s %96s", "%i", "%zd", "%2x%2x", "%c%c", "%3c", "%[a-c]%[]x]", "%%%d", "%d%n", "%hhd", "%llx",
		"integrity:%u:", "%31[^-]",
	};
	static const char *inputs[] = {
		"8:1", "4.39.0", "SwapTotal:   123 kB", "6.12.117-amd64", "hmac(sha256)",
		"1a2b I--Q--- 3 perm 3f010000 0 0 logon    cryptsetup:x", "aes-xts-plain64", "xts(aes)-plain64",
		"capi:xts(aes)-plain64", "18446744073709551615", "18446744073709551616", "-5", "0x1f", "017", "0x",
		"22 1 8:1 / /mnt rw", "", "  ", "-", "abcabc]xx", " % 7", "%7", "-129", "300", "99999999999999999999999",
		"-99999999999999999999", "integrity:28:aead", "+3", "aes-cbc-essiv:sha256", "0xg", "-0x10",
	};
	for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
		for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
			char one[5][256], other[5][256];
			memset(one, 1, sizeof one);
			memset(other, 1, sizeof other);
			int count = sscanf(inputs[i], formats[f], one[0], one[1], one[2], one[3], one[4]);
			int own = own___isoc23_sscanf(inputs[i], formats[f], other[0], other[1], other[2], other[3], other[4]);
			same(own == count && (count < 1 || !memcmp(one, other, sizeof one)), formats[f]);
			if (!*inputs[i])
				continue;
			FILE *stream = fmemopen((void *)(uintptr_t)inputs[i], strlen(inputs[i]), "r");
			memset(other, 1, sizeof other);
			own = own___isoc23_fscanf(stream, formats[f], other[0], other[1], other[2], other[3], other[4]);
			same(own == count && (count < 1 || !memcmp(one, other, sizeof one)), formats[f]);
			fclose(stream);
		}
}

static void times(void)
{
	for (int i = 0; i < 100000; i++) {
		time_t time = ((time_t)rand() << (rand() % 16)) * (rand() % 2 ? 1 : -1);
		struct tm one, other;
		gmtime_r(&time, &one);
		own_gmtime_r(&time, &other);
		SAME(one.tm_sec == other.tm_sec && one.tm_min == other.tm_min && one.tm_hour == other.tm_hour
			&& one.tm_mday == other.tm_mday && one.tm_mon == other.tm_mon && one.tm_year == other.tm_year
			&& one.tm_wday == other.tm_wday && one.tm_yday == other.tm_yday);
	}
}

static void fractions(void)
{
	static const char *inputs[] = {"1", "1.5", "-2.25e3", ".5", ".", "e5", "1e", "1e+", "1e-3", "3.x", "  7", "+", "1e400", "0.1"};
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
		char *end, *own_end;
		double value = strtod(inputs[i], &end), own = own_strtod(inputs[i], &own_end);
		same(own_end == end && (own == value || (own / value > 1 - 1e-14 && own / value < 1 + 1e-14)), inputs[i]);
	}
}

int main(void)
{
	memories();
	texts();
	scans();
	times();
	fractions();
	printf("%ld comparisons\n", comparisons);
	return 0;
}
