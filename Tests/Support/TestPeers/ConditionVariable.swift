import Glibc

/// A lock, and what waits for a change of what it guards.
///
/// Not Foundation's `NSCondition`: near the end of its time `wait(until:)` may ask the C library for a moment that is none,
/// and ends the process over the answer.
final class ConditionVariable: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Wakes all that wait. The caller has the lock.
    func broadcast() { pthread_cond_broadcast(condition) }

    /// Waits until `isTrue`, which is asked with the lock held, for `timeout` seconds at most: whether it is true then.
    func wait(timeout: Double, until isTrue: () -> Bool) -> Bool {
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        let nanoseconds = end.tv_nsec + Int(timeout * 1e9)
        end.tv_sec += nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        return withLock {
            while !isTrue() { if pthread_cond_timedwait(condition, mutex, &end) != 0 { return isTrue() } }
            return true
        }
    }
}
