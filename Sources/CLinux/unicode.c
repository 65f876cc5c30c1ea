// Swift compares strings after it has normalized them, so that an accent counts the same as a letter of its own and as a
// mark behind a letter, and has tables of 38 kB for that. To the kernel, device-mapper and crypttab a name is its bytes. In the
// agent strings are equal when all their scalars are: these stand for the toolchain's libswiftUnicodeDataTables.
// Swift's sources declare them in stdlib/public/SwiftShims/swift/shims/UnicodeData.h.
#ifdef POSTERN_STATIC
#include <stdbool.h>
#include <stdint.h>

extern const uint8_t *const _swift_stdlib_nfd_decompositions;
uint16_t _swift_stdlib_getNormData(uint32_t scalar);
uint32_t _swift_stdlib_getDecompositionEntry(uint32_t scalar);
uint32_t _swift_stdlib_getComposition(uint32_t first, uint32_t second);
uint8_t _swift_stdlib_getGraphemeBreakProperty(uint32_t scalar);
bool _swift_stdlib_isExtendedPictographic(uint32_t scalar);
bool _swift_stdlib_isInCB_Consonant(uint32_t scalar);

static const uint8_t nothing[1];
const uint8_t *const _swift_stdlib_nfd_decompositions = nothing;

// Combining class 0, and normalized already.
uint16_t _swift_stdlib_getNormData(uint32_t scalar)
{
	(void)scalar;
	return 0;
}

// There is none.
uint32_t _swift_stdlib_getDecompositionEntry(uint32_t scalar)
{
	(void)scalar;
	return 0;
}

uint32_t _swift_stdlib_getComposition(uint32_t first, uint32_t second)
{
	(void)first, (void)second;
	return UINT32_MAX;
}

// "Any": each scalar is a character of its own.
uint8_t _swift_stdlib_getGraphemeBreakProperty(uint32_t scalar)
{
	(void)scalar;
	return 0xff;
}

bool _swift_stdlib_isExtendedPictographic(uint32_t scalar)
{
	(void)scalar;
	return false;
}

bool _swift_stdlib_isInCB_Consonant(uint32_t scalar)
{
	(void)scalar;
	return false;
}
#endif
