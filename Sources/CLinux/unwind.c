// The agent is linked without unwind tables (initrd/postern.ld): C, and Swift without a runtime, never unwind. But
// pthread_exit(3) does, and aborts without them; only libargon2 calls it, as the last thing that a thread of its does.
// The linker gives it this in its place (--wrap): the thread returns instead, which comes to the same.
#ifdef POSTERN_STATIC
void __wrap_argon2_thread_exit(void);

void __wrap_argon2_thread_exit(void)
{
}
#endif
