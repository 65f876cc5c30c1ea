import CLinux
import Glibc
import Testing

@Suite struct UdevCookieTests {
    /// As libdevmapper's dm_task_set_cookie and dm_udev_wait do it, with nobody there to answer.
    @Test func aCookieThatNobodyAnswersIsWaitedForNoLongerThanTheBound() async {
        await #expect(processExitsWith: .exitCode(1)) {
            let cookie = semget(0x0D4D_0000 | getpid() & 0xffff, 1, 0o600 | IPC_CREAT | IPC_EXCL)
            var raise = sembuf(sem_num: 0, sem_op: 2, sem_flg: 0)
            var lower = sembuf(sem_num: 0, sem_op: -1, sem_flg: Int16(IPC_NOWAIT))
            var untilZero = sembuf(sem_num: 0, sem_op: 0, sem_flg: 0)
            linux_bound_udev_cookies(1)
            semop(cookie, &raise, 1)
            semop(cookie, &lower, 1)
            var result: Int32
            repeat { result = semop(cookie, &untilZero, 1) } while result == -1 && errno == EINTR
            // EIDRM is what libdevmapper takes for an answer.
            let removed = result == -1 && errno == EIDRM
            exit(linux_unbound_udev_cookies() == 1 && removed ? 1 : 0)
        }
    }

    @Test func aSemaphoreOfSomethingElseIsLeftAlone() async {
        await #expect(processExitsWith: .exitCode(1)) {
            let other = semget(0x0D4E_0000 | getpid() & 0xffff, 1, 0o600 | IPC_CREAT | IPC_EXCL)
            var raise = sembuf(sem_num: 0, sem_op: 1, sem_flg: 0)
            semop(other, &raise, 1)
            linux_bound_udev_cookies(1)
            while sleep(2) != 0 {}
            let count = linux_unbound_udev_cookies()
            exit(count == 0 && semop(other, &raise, 1) == 0 ? 1 : 0)
        }
    }
}
