import CLinux
import Glibc
import TestImages
import Testing

/// The steps that libdevmapper's dm_task_set_cookie and dm_udev_wait take, with nobody there to answer.
@Suite struct UdevCookieTests {
    @Test func `an unanswered cookie is waited for no longer than the bound`() async {
        await #expect(processExitsWith: .exitCode(1)) {
            let cookie = Semaphore(key: 0x0D4D)
            linux_bound_udev_cookies(1)
            cookie.change(by: 2)
            cookie.change(by: -1)
            while !cookie.change(by: 0) { guard errno == EINTR else { exit(2) } }
            let answered = linux_unbound_udev_cookies()
            cookie.remove()
            exit(answered)
        }
    }

    @Test func `a semaphore of something else is left alone`() async {
        await #expect(processExitsWith: .exitCode(0)) {
            let other = Semaphore(key: 0x0D4E)
            other.change(by: 1)
            linux_bound_udev_cookies(1)
            while sleep(2) != 0 {}
            let answered = linux_unbound_udev_cookies()
            let isUnchanged = other.change(by: -1)
            other.remove()
            exit(answered == 0 && isUnchanged ? 0 : 1)
        }
    }
}

/// A System V semaphore, whose key's upper half says whose it is.
private struct Semaphore {
    let id: Int32

    init(key: Int32) {
        id = semget(key << 16 | getpid() & 0xffff, 1, 0o600 | IPC_CREAT | IPC_EXCL)
    }

    /// Changes the value, or waits until it is 0, and returns whether that succeeded.
    @discardableResult
    func change(by amount: Int16) -> Bool {
        var operation = sembuf(sem_num: 0, sem_op: amount, sem_flg: amount == 0 ? 0 : Int16(IPC_NOWAIT))
        return semop(id, &operation, 1) == 0
    }

    func remove() {
        _ = try? Workplace().shell("ipcrm -s \(id)")
    }
}
