// glibc has each of these up to eight times, for eight kinds of processors: 150 kB in a static binary, which chooses at its
// start. One plain kind is enough: the agent copies little, and the ciphers and hashes do not copy. On x86-64 the memory
// functions go 16 bytes at a time, and long copies by the processor's own instruction. Letters are those of ASCII, as in the
// C locale, the only one. Not for arm64, where glibc's are small, nor in the everyday build.
#if defined(POSTERN_STATIC) && defined(__x86_64__)
#include <stddef.h>
#include <stdint.h>

// No header declares them here: FORTIFY_SOURCE would make other functions of them. Nor may the compiler know a loop for one
// of these functions, and call it from itself. They run before there is a stack protector's value.
#pragma clang attribute push(__attribute__((no_builtin, no_stack_protector)), apply_to = function)
#pragma clang diagnostic ignored "-Wmissing-prototypes"
#pragma clang diagnostic ignored "-Wincompatible-library-redeclaration"

typedef uint64_t word __attribute__((aligned(1), may_alias));
typedef uint32_t half __attribute__((aligned(1), may_alias));
typedef uint16_t quarter __attribute__((aligned(1), may_alias));
typedef unsigned char vector __attribute__((vector_size(16), aligned(1), may_alias));

// From here on the processor's instruction is quicker.
enum { LONG = 2048 };

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *d = to;
	const unsigned char *s = from;
	// All is read before anything is written, for the two may overlap.
	if (size <= 16) {
		if (size >= 8) {
			uint64_t first = *(const word *)s, last = *(const word *)(s + size - 8);
			*(word *)d = first;
			*(word *)(d + size - 8) = last;
		} else if (size >= 4) {
			uint32_t first = *(const half *)s, last = *(const half *)(s + size - 4);
			*(half *)d = first;
			*(half *)(d + size - 4) = last;
		} else if (size >= 2) {
			uint16_t first = *(const quarter *)s, last = *(const quarter *)(s + size - 2);
			*(quarter *)d = first;
			*(quarter *)(d + size - 2) = last;
		} else if (size) {
			*d = *s;
		}
		return to;
	}
	vector head = *(const vector *)s, tail = *(const vector *)(s + size - 16);
	if ((uintptr_t)d - (uintptr_t)s >= size) {
		// What this overwrites of the source was read before.
		if (size >= LONG) {
			void *into = d;
			const void *out = s;
			size_t words = size / 8;
			__asm__ volatile("rep movsq" : "+D"(into), "+S"(out), "+c"(words) : : "memory");
		} else {
			*(vector *)d = head;
			for (size_t i = 16; i + 16 < size; i += 16) *(vector *)(d + i) = *(const vector *)(s + i);
		}
		*(vector *)(d + size - 16) = tail;
		return to;
	}
	for (size_t i = size - 16; i > 16; i -= 16) *(vector *)(d + i - 16) = *(const vector *)(s + i - 16);
	*(vector *)d = head;
	*(vector *)(d + size - 16) = tail;
	return to;
}

void *mempcpy(void *to, const void *from, size_t size)
{
	return (char *)memmove(to, from, size) + size;
}

void *memset(void *to, int value, size_t size)
{
	unsigned char *d = to;
	if (size < 16) {
		for (size_t i = 0; i < size; i++) d[i] = (unsigned char)value;
		return to;
	}
	unsigned char byte = (unsigned char)value;
	vector all = {byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte};
	if (size >= LONG) {
		void *into = d;
		size_t words = size / 8;
		__asm__ volatile("rep stosq" : "+D"(into), "+c"(words) : "a"(0x0101010101010101 * byte) : "memory");
	} else {
		for (size_t i = 0; i + 16 < size; i += 16) *(vector *)(d + i) = all;
	}
	*(vector *)(d + size - 16) = all;
	return to;
}

int memcmp(const void *one, const void *other, size_t size)
{
	const unsigned char *a = one, *b = other;
	size_t i = 0;
	while (i + 8 <= size && *(const word *)(a + i) == *(const word *)(b + i)) i += 8;
	for (; i < size; i++)
		if (a[i] != b[i]) return a[i] - b[i];
	return 0;
}

void *memchr(const void *in, int value, size_t size)
{
	const unsigned char *s = in;
	for (; size; s++, size--)
		if (*s == (unsigned char)value) return (void *)s;
	return NULL;
}

void *memrchr(const void *in, int value, size_t size)
{
	const unsigned char *s = in;
	while (size--)
		if (s[size] == (unsigned char)value) return (void *)(s + size);
	return NULL;
}

void *rawmemchr(const void *in, int value)
{
	const unsigned char *s = in;
	while (*s != (unsigned char)value) s++;
	return (void *)s;
}

size_t strlen(const char *s)
{
	const char *end = s;
	while (*end) end++;
	return (size_t)(end - s);
}

size_t strnlen(const char *s, size_t most)
{
	size_t length = 0;
	while (length < most && s[length]) length++;
	return length;
}

char *strchrnul(const char *s, int letter)
{
	while (*s && *s != (char)letter) s++;
	return (char *)s;
}

char *strchr(const char *s, int letter)
{
	s = strchrnul(s, letter);
	return *s == (char)letter ? (char *)s : NULL;
}

char *strrchr(const char *s, int letter)
{
	const char *last = NULL;
	do {
		if (*s == (char)letter) last = s;
	} while (*s++);
	return (char *)last;
}

int strncmp(const char *one, const char *other, size_t most)
{
	const unsigned char *a = (const unsigned char *)one, *b = (const unsigned char *)other;
	for (; most; a++, b++, most--)
		if (*a != *b || !*a) return *a - *b;
	return 0;
}

int strcmp(const char *one, const char *other)
{
	return strncmp(one, other, SIZE_MAX);
}

static int lower(unsigned char letter)
{
	return letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter;
}

int strncasecmp(const char *one, const char *other, size_t most)
{
	const unsigned char *a = (const unsigned char *)one, *b = (const unsigned char *)other;
	for (; most; a++, b++, most--)
		if (lower(*a) != lower(*b) || !*a) return lower(*a) - lower(*b);
	return 0;
}

int strcasecmp(const char *one, const char *other)
{
	return strncasecmp(one, other, SIZE_MAX);
}

int strncasecmp_l(const char *one, const char *other, size_t most, void *locale)
{
	(void)locale;
	return strncasecmp(one, other, most);
}

int strcasecmp_l(const char *one, const char *other, void *locale)
{
	(void)locale;
	return strncasecmp(one, other, SIZE_MAX);
}

char *stpcpy(char *to, const char *from)
{
	while ((*to = *from)) to++, from++;
	return to;
}

char *strcpy(char *to, const char *from)
{
	stpcpy(to, from);
	return to;
}

char *stpncpy(char *to, const char *from, size_t size)
{
	size_t length = strnlen(from, size);
	memmove(to, from, length);
	memset(to + length, 0, size - length);
	return to + length;
}

char *strncpy(char *to, const char *from, size_t size)
{
	stpncpy(to, from, size);
	return to;
}

char *strcat(char *to, const char *from)
{
	stpcpy(to + strlen(to), from);
	return to;
}

char *strncat(char *to, const char *from, size_t most)
{
	size_t length = strnlen(from, most);
	char *end = to + strlen(to);
	memmove(end, from, length);
	end[length] = 0;
	return to;
}

// How many bytes at the start of the text are among the letters, or are not.
static size_t span(const char *s, const char *letters, int among)
{
	size_t length = 0;
	while (s[length] && (strchr(letters, s[length]) != NULL) == among) length++;
	return length;
}

size_t strspn(const char *s, const char *letters)
{
	return span(s, letters, 1);
}

size_t strcspn(const char *s, const char *letters)
{
	return span(s, letters, 0);
}

char *strpbrk(const char *s, const char *letters)
{
	s += span(s, letters, 0);
	return *s ? (char *)s : NULL;
}

void *memmem(const void *in, size_t size, const void *what, size_t length)
{
	const char *s = in;
	for (; size >= length; s++, size--)
		if (!memcmp(s, what, length)) return (void *)s;
	return NULL;
}

char *strstr(const char *s, const char *what)
{
	return memmem(s, strlen(s), what, strlen(what));
}

// Of wide text the agent has none, but glibc's formats know it.
size_t wcsnlen(const wchar_t *s, size_t most)
{
	size_t length = 0;
	while (length < most && s[length]) length++;
	return length;
}

size_t wcslen(const wchar_t *s)
{
	return wcsnlen(s, SIZE_MAX);
}

wchar_t *wmemchr(const wchar_t *s, wchar_t letter, size_t size)
{
	for (; size; s++, size--)
		if (*s == letter) return (wchar_t *)s;
	return NULL;
}

wchar_t *wcschr(const wchar_t *s, wchar_t letter)
{
	return wmemchr(s, letter, wcslen(s) + 1);
}

wchar_t *wmemset(wchar_t *to, wchar_t letter, size_t size)
{
	for (size_t i = 0; i < size; i++) to[i] = letter;
	return to;
}

#pragma clang attribute pop

// Their other names, by which glibc calls them itself.
#define ALSO(type, name, arguments, of) type name arguments __attribute__((alias(#of)))
ALSO(void *, memcpy, (void *to, const void *from, size_t size), memmove);
ALSO(void *, __mempcpy, (void *to, const void *from, size_t size), mempcpy);
ALSO(int, bcmp, (const void *one, const void *other, size_t size), memcmp);
ALSO(int, __memcmpeq, (const void *one, const void *other, size_t size), memcmp);
ALSO(void *, __memchr, (const void *in, int value, size_t size), memchr);
ALSO(void *, __memrchr, (const void *in, int value, size_t size), memrchr);
ALSO(void *, __rawmemchr, (const void *in, int value), rawmemchr);
ALSO(size_t, __strnlen, (const char *s, size_t most), strnlen);
ALSO(char *, __strchrnul, (const char *s, int letter), strchrnul);
ALSO(char *, index, (const char *s, int letter), strchr);
ALSO(char *, rindex, (const char *s, int letter), strrchr);
ALSO(int, __strncasecmp, (const char *one, const char *other, size_t most), strncasecmp);
ALSO(int, __strcasecmp, (const char *one, const char *other), strcasecmp);
ALSO(int, __strncasecmp_l, (const char *one, const char *other, size_t most, void *locale), strncasecmp_l);
ALSO(int, __strcasecmp_l, (const char *one, const char *other, void *locale), strcasecmp_l);
ALSO(char *, __stpcpy, (char *to, const char *from), stpcpy);
ALSO(char *, __stpncpy, (char *to, const char *from, size_t size), stpncpy);
ALSO(size_t, __wcsnlen, (const wchar_t *s, size_t most), wcsnlen);
ALSO(size_t, __wcslen, (const wchar_t *s), wcslen);
ALSO(wchar_t *, __wcschr, (const wchar_t *s, wchar_t letter), wcschr);
ALSO(wchar_t *, __wmemchr, (const wchar_t *s, wchar_t letter, size_t size), wmemchr);
ALSO(wchar_t *, __wmemset, (wchar_t *to, wchar_t letter, size_t size), wmemset);
#endif
