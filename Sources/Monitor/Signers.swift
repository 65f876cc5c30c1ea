internal import ConfigFiles
internal import Linux
internal import Wire

/// The process with the host keys of one session, and the monitor's end of its socket.
final class SignerRecord {
    let process: StartedProcess
    let endpoint: Endpoint<SignerSetup, SignerReport>
    /// The number of its session, and whose client that has.
    let session: Int
    let peer: String
    let source: [UInt8]
    let slot: UInt32

    init(process: StartedProcess, socket: consuming FileDescriptor, session: SessionRecord) {
        self.process = process
        endpoint = Endpoint(
            socket, largestFrame: Limits.frameFromSession, largestQueue: Limits.queueToSession)
        self.session = session.number
        peer = session.peer
        source = session.source
        slot = session.slot
    }
}

extension Monitor {
    /// A slot whose two UIDs no process has, or `nil`.
    var freeSlot: UInt32? {
        (0..<Role.connections).first { slot in
            !sessions.contains { $0.slot == slot && $0.number != SessionRecord.console }
                && !signers.contains { $0.slot == slot }
        }
    }

    /// Starts the signer of a session that was just started, whose rules it shares.
    ///
    /// `socket` is its end of the one to the session.
    ///
    /// - Throws: `SystemError`
    func startSigner(
        of session: SessionRecord, _ rules: LoginRules, socket: borrowing FileDescriptor
    ) throws(SystemError) {
        let pair = try FileDescriptor.socketPair()
        var descriptors = [pair.second.number, socket.number, keyList.descriptor].filter { $0 >= 0 }
        // Its place is behind that of the authorized keys, also where those are sent.
        if let unsealed { while descriptors.count < 4 { descriptors.append(unsealed.readable.number) } }
        let process = try ChildProcess.spawn(.signer, descriptors: descriptors)
        let signer = SignerRecord(
            process: process, socket: pair.takeFirst(), session: session)
        signers.append(signer)
        if session.givesWay { ChildProcess.giveWay(process, true) }
        let setup = SignerSetup(
            confinement: confinement(as: .signer, session.slot),
            hostKeys: (usesFallbackKey ? configuration.fallbackKeys : configuration.hostKeys).map { $0.content },
            unsealed: unsealed?.lengths ?? [], rules: rules)
        guard case .sent = signer.endpoint.send(setup) else { return ChildProcess.kill(process) }
    }

    /// Takes what the signer of a session has said: it says who logged in before the session does.
    ///
    /// - Returns: the place of the key whose signature it verified, and the user name that was signed.
    func verified(by signer: SignerRecord) -> (key: Int, user: String)? {
        for _ in 0..<Monitor.mostFrames {
            guard case .message(let report) = signer.endpoint.receive() else { break }
            switch report {
            case .authenticated(let key, let user): return (Int(key), user)
            case .log(let level, let line): logStranger(signer.source, level, signer.peer, line)
            }
        }
        return nil
    }

    /// A signer has ended, usually after its session.
    func removeSigner(_ signer: SignerRecord, _ status: Int32) {
        _ = verified(by: signer)
        signers.removeAll { $0 === signer }
        if status > 128, ending == nil {
            logStranger(signer.source, .warning, signer.peer, "its signer was ended by signal \(status - 128)")
        }
    }
}
