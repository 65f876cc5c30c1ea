// The agent has one locale, C, and speaks English; it prints no local time, and no fractions. The libraries' parts that would
// do so bring glibc's readers of locales, translations, character sets and time zones. Here there are none of these. Some of
// the names are glibc's own, by which one part of it calls another.
#ifdef POSTERN_STATIC
// Without FORTIFY_SOURCE, which would make other functions of some of these.
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <locale.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <wchar.h>

// json-c's parser makes C its locale, and afterwards goes back to the one before.
static char theOnly;

locale_t newlocale(int categories, const char *name, locale_t base)
{
	(void)categories, (void)name, (void)base;
	return (locale_t)(void *)&theOnly;
}

locale_t duplocale(locale_t locale)
{
	return locale;
}

void freelocale(locale_t locale)
{
	(void)locale;
}

locale_t uselocale(locale_t locale)
{
	(void)locale;
	return (locale_t)(void *)&theOnly;
}

// glibc's messages, such as strerror(3)'s.
char *dcgettext(const char *domain, const char *text, int category);
char *__dcgettext(const char *domain, const char *text, int category);

char *__dcgettext(const char *domain, const char *text, int category)
{
	(void)domain, (void)category;
	return (char *)(uintptr_t)text;
}

char *dcgettext(const char *domain, const char *text, int category)
{
	return __dcgettext(domain, text, category);
}

// perror(3), warn(3) and their like could print to a stream of wide text.
int __fxprintf(FILE *stream, const char *format, ...);
int __fxprintf_nocancel(FILE *stream, const char *format, ...);
int __vfxprintf(FILE *stream, const char *format, va_list arguments, unsigned int flags);

int __vfxprintf(FILE *stream, const char *format, va_list arguments, unsigned int flags)
{
	(void)flags;
	return vfprintf(stream ? stream : stderr, format, arguments);
}

int __fxprintf(FILE *stream, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int result = __vfxprintf(stream, format, arguments, 0);
	va_end(arguments);
	return result;
}

int __fxprintf_nocancel(FILE *stream, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int result = __vfxprintf(stream, format, arguments, 0);
	va_end(arguments);
	return result;
}

// Days and years since 1970 as in the Gregorian calendar; the year begins in March, so that the day of a leap year is its last.
struct tm *gmtime_r(const time_t *time, struct tm *into)
{
	int64_t days = *time / 86400, rest = *time % 86400;
	if (rest < 0)
		rest += 86400, days--;
	int64_t since = days + 719468, era = (since >= 0 ? since : since - 146096) / 146097;
	int64_t day = since - era * 146097, year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t ofYear = day - (365 * year + year / 4 - year / 100), month = (5 * ofYear + 2) / 153;
	year += era * 400 + (month >= 10);
	if (year - 1900 > INT32_MAX || year - 1900 < INT32_MIN) {
		errno = EOVERFLOW;
		return NULL;
	}
	int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	*into = (struct tm){
		.tm_sec = (int)(rest % 60), .tm_min = (int)(rest / 60 % 60), .tm_hour = (int)(rest / 3600),
		.tm_mday = (int)(ofYear - (153 * month + 2) / 5 + 1), .tm_mon = (int)(month < 10 ? month + 2 : month - 10),
		.tm_year = (int)(year - 1900), .tm_wday = (int)(((days + 4) % 7 + 7) % 7),
		.tm_yday = (int)(month < 10 ? ofYear + 59 + leap : ofYear - 306), .tm_zone = "UTC",
	};
	return into;
}

struct tm *localtime_r(const time_t *time, struct tm *into)
{
	return gmtime_r(time, into);
}

// libssh would print it in front of a message, if it had nobody to give the message to.
size_t strftime(char *into, size_t size, const char *format, const struct tm *time)
{
	(void)format, (void)time;
	if (size)
		*into = 0;
	return 0;
}

// An IPv6 address that a client of libssh connects to, or resolv.conf, may name one.
unsigned int __if_nametoindex(const char *name);

unsigned int __if_nametoindex(const char *name)
{
	(void)name;
	errno = ENODEV;
	return 0;
}

unsigned int if_nametoindex(const char *name)
{
	return __if_nametoindex(name);
}

// A wide letter is a byte of ASCII. No stream has wide text, and none converts its own: glibc fails to open one that shall.
int __gconv_lock;
const void *const __wcsmbs_gconv_fcts_c[6] = {0};
void __wcsmbs_load_conv(void *locale);
void __wcsmbs_clone_conv(void *functions);
int __wcsmbs_named_conv(void *functions, const char *name);
void _nl_cleanup_ctype(void *locale);
void __gconv_release_step(void *step);

void __wcsmbs_load_conv(void *locale)
{
	(void)locale;
	abort();
}

void __wcsmbs_clone_conv(void *functions)
{
	(void)functions;
	abort();
}

int __wcsmbs_named_conv(void *functions, const char *name)
{
	(void)functions, (void)name;
	return 1;
}

void _nl_cleanup_ctype(void *locale)
{
	(void)locale;
}

void __gconv_release_step(void *step)
{
	(void)step;
}

size_t __wcrtomb(char *into, wchar_t letter, mbstate_t *state);
size_t __wcsrtombs(char *into, const wchar_t **from, size_t size, mbstate_t *state);

size_t __wcrtomb(char *into, wchar_t letter, mbstate_t *state)
{
	(void)state;
	if ((unsigned int)letter > 0x7f) {
		errno = EILSEQ;
		return (size_t)-1;
	}
	if (into)
		*into = (char)letter;
	return 1;
}

size_t wcrtomb(char *into, wchar_t letter, mbstate_t *state)
{
	return __wcrtomb(into, letter, state);
}

size_t __wcsrtombs(char *into, const wchar_t **from, size_t size, mbstate_t *state)
{
	const wchar_t *wide = *from;
	for (size_t length = 0; !into || length < size; length++) {
		if (__wcrtomb(into ? into + length : NULL, wide[length], state) == (size_t)-1)
			return (size_t)-1;
		if (into)
			*from = wide[length] ? wide + length + 1 : NULL;
		if (!wide[length])
			return length;
	}
	return size;
}

size_t wcsrtombs(char *into, const wchar_t **from, size_t size, mbstate_t *state)
{
	return __wcsrtombs(into, from, size, state);
}

size_t wcstombs(char *into, const wchar_t *from, size_t size)
{
	return __wcsrtombs(into, &from, size, NULL);
}

size_t mbstowcs(wchar_t *into, const char *from, size_t size)
{
	for (size_t length = 0; !into || length < size; length++) {
		if ((unsigned char)from[length] > 0x7f) {
			errno = EILSEQ;
			return (size_t)-1;
		}
		if (into)
			into[length] = from[length];
		if (!from[length])
			return length;
	}
	return size;
}

size_t __mbrtowc(wchar_t *into, const char *from, size_t size, mbstate_t *state);

size_t __mbrtowc(wchar_t *into, const char *from, size_t size, mbstate_t *state)
{
	(void)state;
	if (!from)
		return 0;
	if (!size)
		return (size_t)-2;
	if ((unsigned char)*from > 0x7f) {
		errno = EILSEQ;
		return (size_t)-1;
	}
	if (into)
		*into = *from;
	return *from != 0;
}

size_t mbrtowc(wchar_t *into, const char *from, size_t size, mbstate_t *state)
{
	return __mbrtowc(into, from, size, state);
}

// Where a thread finds its resolver, which there is none of (names.c); pthread_create(3) sets it.
__thread void *__libc_resp __attribute__((tls_model("initial-exec")));

// json-c reads fractions, which no LUKS header may have: libcryptsetup then refuses the header. The last digits are not those
// that rounding would give.
double strtod(const char *text, char **end)
{
	const char *at = text;
	while (*at == ' ' || (*at >= '\t' && *at <= '\r'))
		at++;
	int negative = *at == '-', exponent = 0, digits = 0;
	double value = 0;
	if (negative || *at == '+')
		at++;
	for (; *at >= '0' && *at <= '9'; at++, digits++)
		value = value * 10 + (*at - '0');
	if (*at == '.' && (digits || (at[1] >= '0' && at[1] <= '9')))
		for (at++; *at >= '0' && *at <= '9'; at++, digits++, exponent--)
			value = value * 10 + (*at - '0');
	const char *behind = at;
	if (digits && (*at == 'e' || *at == 'E')) {
		at++;
		int smaller = *at == '-', power = 0;
		if (smaller || *at == '+')
			at++;
		for (; *at >= '0' && *at <= '9'; at++, behind = at)
			power = power < 9999 ? power * 10 + (*at - '0') : power;
		exponent += smaller ? -power : power;
	}
	for (; exponent > 0 && value > 0 && value < __builtin_inf(); exponent--)
		value *= 10;
	for (; exponent < 0 && value > 0; exponent++)
		value /= 10;
	if (end)
		*end = (char *)(uintptr_t)(digits ? behind : text);
	return negative ? -value : value;
}

// libblkid's sizes with a fraction.
long double strtold(const char *text, char **end)
{
	return strtod(text, end);
}

// printf(3) of a fraction, which nobody asks for, gives a question mark.
void __printf_buffer_write(void *buffer, const char *text, size_t size);
void __printf_fp_l_buffer(void *buffer, locale_t locale, const void *format, const void *const *arguments);
void __printf_fphex_l_buffer(void *buffer, locale_t locale, const void *format, const void *const *arguments);

void __printf_fp_l_buffer(void *buffer, locale_t locale, const void *format, const void *const *arguments)
{
	(void)locale, (void)format, (void)arguments;
	__printf_buffer_write(buffer, "?", 1);
}

void __printf_fphex_l_buffer(void *buffer, locale_t locale, const void *format, const void *const *arguments)
{
	__printf_fp_l_buffer(buffer, locale, format, arguments);
}
#endif
