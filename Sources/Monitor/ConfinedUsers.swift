internal import Linux

/// The users that the confined processes become, of whom there is one for each: no other process has the same, also
/// where one's memory may be looked into by its user.
///
/// 60720 to 61180 is where neither systemd (its table "UIDs and GIDs") nor Debian (base-passwd's README) has anybody, and
/// below 65536, which is as many as a container has.
public enum ConfinedUsers {
    private static let first: UInt32 = 60720
    /// Connections at once.
    static let slots: UInt32 = 230

    static func session(_ slot: UInt32) -> UInt32 { first + 2 * slot }
    static func signer(_ slot: UInt32) -> UInt32 { first + 2 * slot + 1 }
    static let console = first + 2 * slots

    /// What each process is left with, a line each, for `postern -T`.
    public static var listing: [String] {
        [
            "session: a user of \(session(0)) to \(session(slots - 1)), \(Sandbox.summary(.session))",
            "signer: a user of \(signer(0)) to \(signer(slots - 1)), \(Sandbox.summary(.signer))",
            "console: the user \(console), \(Sandbox.summary(.console))",
            "worker: root with the capabilities of its job; system calls, all but: \(SystemCalls.worker.description)",
        ]
    }
}
