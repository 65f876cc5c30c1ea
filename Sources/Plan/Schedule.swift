/// How many key derivations run at once: never more argon2 memory than half of what was free, never more than there
/// are cores, and always at least one.
public struct Schedule: Sendable {
    /// What the machine has to give, as it is when nothing runs.
    public struct Room: Equatable, Sendable {
        /// Memory that can be had without swapping, in KiB (`MemAvailable` of proc(5)).
        public var freeMemory: UInt64
        public var cores: Int

        public init(freeMemory: UInt64, cores: Int) {
            self.freeMemory = freeMemory
            self.cores = cores
        }
    }

    private var running: [(job: Int, memory: UInt32)] = []
    private var room = Room(freeMemory: 0, cores: 1)

    public init() {}

    /// Whether nothing runs, so that the room is to be measured anew.
    public var isIdle: Bool { running.isEmpty }

    /// Whether a derivation of `memory` KiB may start now.
    public func admits(_ memory: UInt32) -> Bool {
        guard !running.isEmpty else { return true }
        let taken = running.reduce(UInt64(memory)) { $0 + UInt64($1.memory) }
        return running.count < room.cores && taken <= room.freeMemory / 2
    }

    public mutating func start(_ job: Int, memory: UInt32, room: Room) {
        if running.isEmpty { self.room = room }
        running.append((job, memory))
    }

    public mutating func end(_ job: Int) {
        running.removeAll { $0.job == job }
    }
}
