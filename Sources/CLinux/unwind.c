// The agent is linked without unwind tables (initrd/postern.ld): C, and Swift without a runtime, never unwind. But
// pthread_exit(3) does, and aborts without them; only libargon2 calls it, as the last thing that a thread of its does.
// The linker gives it this in its place (--wrap): the thread returns instead, which comes to the same.
#ifdef POSTERN_STATIC
#include <stdlib.h>

void __wrap_argon2_thread_exit(void);

void __wrap_argon2_thread_exit(void)
{
}

// What glibc would unwind with when a thread is cancelled or exits (see check-link), or for a backtrace. Without tables
// libgcc's could not, either, and would take 32 kB.
void _Unwind_Resume(void *exception);
int _Unwind_ForcedUnwind(void *exception, void *stop, void *argument);
int _Unwind_Backtrace(void *trace, void *argument);
unsigned long _Unwind_GetCFA(void *context);
unsigned long _Unwind_GetIP(void *context);
int __gcc_personality_v0(int version, int actions, unsigned long kind, void *exception, void *context);

void _Unwind_Resume(void *exception)
{
	(void)exception;
	abort();
}

int _Unwind_ForcedUnwind(void *exception, void *stop, void *argument)
{
	(void)exception, (void)stop, (void)argument;
	abort();
}

int _Unwind_Backtrace(void *trace, void *argument)
{
	(void)trace, (void)argument;
	return 5; // _URC_END_OF_STACK
}

unsigned long _Unwind_GetCFA(void *context)
{
	(void)context;
	abort();
}

unsigned long _Unwind_GetIP(void *context)
{
	(void)context;
	abort();
}

int __gcc_personality_v0(int version, int actions, unsigned long kind, void *exception, void *context)
{
	(void)version, (void)actions, (void)kind, (void)exception, (void)context;
	abort();
}
#endif
