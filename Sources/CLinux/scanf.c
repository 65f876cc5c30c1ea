// libcryptsetup, libblkid and libdevmapper read names, numbers and lines of sysfs with sscanf(3) and fscanf(3). glibc's knows
// wide text, locales and floating point, and brings 70 kB; this one knows what their formats have: blanks, text, %d %i %u
// %x %s %c %[ %n %%, with a star, a width, and the size of the integer. Any other conversion ends the scan.
#ifdef POSTERN_STATIC
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// What is read: a text, or a stream.
struct input {
	const unsigned char *text;
	FILE *stream;
	int taken;
};

// The next byte or EOF, which stays the next one until `take`.
static int look(struct input *in)
{
	if (in->text)
		return *in->text ? *in->text : EOF;
	int byte = fgetc(in->stream);
	if (byte != EOF)
		ungetc(byte, in->stream);
	return byte;
}

static void take(struct input *in)
{
	if (in->text)
		in->text++;
	else
		fgetc(in->stream);
	in->taken++;
}

static bool blank(int byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static void skipBlanks(struct input *in)
{
	while (blank(look(in)))
		take(in);
}

static int digit(int byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A' + 10;
	return INT_MAX;
}

// Reads an integer of at most `width` bytes; one too large for 64 bits is the largest.
static bool integer(struct input *in, int base, int width, bool isSigned, uint64_t *value)
{
	bool negative = look(in) == '-', any = false, tooLarge = false;
	uint64_t sum = 0;
	if (width > 0 && (negative || look(in) == '+'))
		take(in), width--;
	if (width > 0 && (base == 0 || base == 16) && look(in) == '0') {
		take(in), width--;
		any = true;
		if (width > 0 && (look(in) | 0x20) == 'x') {
			take(in), width--;
			base = 16;
		} else if (base == 0) {
			base = 8;
		}
	}
	if (base == 0)
		base = 10;
	for (; width > 0 && digit(look(in)) < base; width--) {
		tooLarge |= __builtin_mul_overflow(sum, (uint64_t)base, &sum);
		tooLarge |= __builtin_add_overflow(sum, (uint64_t)digit(look(in)), &sum);
		take(in);
		any = true;
	}
	uint64_t most = !isSigned ? UINT64_MAX : (uint64_t)INT64_MAX + negative;
	if (tooLarge || sum > most)
		*value = isSigned && negative ? (uint64_t)INT64_MIN : most;
	else
		*value = negative ? -sum : sum;
	return any;
}

// `bytes` is the size of the integer that the caller has for it.
static void store(void *into, int bytes, uint64_t value)
{
	switch (bytes) {
	case 1: *(uint8_t *)into = (uint8_t)value; break;
	case 2: *(uint16_t *)into = (uint16_t)value; break;
	case 4: *(uint32_t *)into = (uint32_t)value; break;
	default: *(uint64_t *)into = value;
	}
}

static int scan(struct input *in, const char *format, va_list arguments)
{
	int filled = 0;
	for (const unsigned char *f = (const unsigned char *)format; *f; f++) {
		if (blank(*f)) {
			skipBlanks(in);
			continue;
		}
		if (*f != '%' || *++f == '%') {
			if (*f == '%')
				skipBlanks(in);
			if (look(in) == EOF)
				return filled ? filled : EOF;
			if (look(in) != *f)
				return filled;
			take(in);
			continue;
		}
		bool kept = *f != '*';
		if (!kept)
			f++;
		int width = 0, bytes = sizeof(int);
		for (; *f >= '0' && *f <= '9' && width < INT_MAX / 10 - 1; f++)
			width = width * 10 + (*f - '0');
		for (;; f++) {
			if (*f == 'h')
				bytes /= 2;
			else if (*f == 'l' || *f == 'j' || *f == 'z' || *f == 't' || *f == 'q')
				bytes = sizeof(long);
			else
				break;
		}
		if (*f == 'n') {
			if (kept)
				store(va_arg(arguments, void *), bytes, (uint64_t)in->taken);
			continue;
		}
		if (*f != 'c' && *f != '[')
			skipBlanks(in);
		if (look(in) == EOF)
			return filled ? filled : EOF;
		if (*f == 'd' || *f == 'i' || *f == 'u' || *f == 'x') {
			uint64_t value;
			int base = *f == 'x' ? 16 : *f == 'i' ? 0 : 10;
			if (!integer(in, base, width ? width : INT_MAX, *f == 'd' || *f == 'i', &value))
				return filled;
			if (kept)
				store(va_arg(arguments, void *), bytes, value);
			filled += kept;
			continue;
		}
		// What may be in the text.
		bool among[UCHAR_MAX + 1] = {0};
		bool isText = *f != 'c';
		if (*f == '[') {
			bool except = *++f == '^';
			if (except)
				f++;
			const unsigned char *first = f;
			for (; *f && (*f != ']' || f == first); f++) {
				int low = *f;
				if (f[1] == '-' && f[2] && f[2] != ']')
					f += 2;
				for (int byte = low; byte <= *f; byte++)
					among[byte] = true;
			}
			if (!*f)
				return filled;
			for (int byte = 0; byte <= UCHAR_MAX; byte++)
				among[byte] ^= except;
		} else if (*f == 's' || *f == 'c') {
			for (int byte = 0; byte <= UCHAR_MAX; byte++)
				among[byte] = !isText || !blank(byte);
		} else {
			return filled;
		}
		char *into = kept ? va_arg(arguments, char *) : NULL;
		int wanted = width ? width : isText ? INT_MAX : 1, length = 0;
		for (int byte; length < wanted && (byte = look(in)) != EOF && among[byte]; length++) {
			take(in);
			if (into)
				into[length] = (char)byte;
		}
		if (!length)
			return filled;
		if (into && isText)
			into[length] = 0;
		filled += kept;
	}
	return filled;
}

// The names by which glibc's headers call them in C23, and in C99.
int __isoc23_vsscanf(const char *text, const char *format, va_list arguments);
int __isoc23_vfscanf(FILE *stream, const char *format, va_list arguments);
int __isoc23_sscanf(const char *text, const char *format, ...);
int __isoc99_sscanf(const char *text, const char *format, ...);
int __isoc23_fscanf(FILE *stream, const char *format, ...);

int __isoc23_vsscanf(const char *text, const char *format, va_list arguments)
{
	return scan(&(struct input){.text = (const unsigned char *)text}, format, arguments);
}

int __isoc23_vfscanf(FILE *stream, const char *format, va_list arguments)
{
	return scan(&(struct input){.stream = stream}, format, arguments);
}

int __isoc23_sscanf(const char *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int filled = __isoc23_vsscanf(text, format, arguments);
	va_end(arguments);
	return filled;
}

int __isoc99_sscanf(const char *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int filled = __isoc23_vsscanf(text, format, arguments);
	va_end(arguments);
	return filled;
}

int __isoc23_fscanf(FILE *stream, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int filled = __isoc23_vfscanf(stream, format, arguments);
	va_end(arguments);
	return filled;
}
#endif
