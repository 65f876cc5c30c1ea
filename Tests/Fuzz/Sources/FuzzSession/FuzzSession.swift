import CSession
import Linux
import Peer
import SSH
import Wire

@testable import Session

/// A session process serves a client that keeps to no rule, over a socket pair: the shipped code of Session, SSH and
/// CSigner on the pinned libssh with AddressSanitizer, from the monitor's setup to the end, with the shipped signer.
///
/// The input's first byte chooses what the monitor says and how the client speaks: with its lowest bit the rest goes onto
/// the wire as it is, else it is a `Script` of a client that can log in. Whatever it is, the process ends by itself, says
/// to the monitor nothing that the permit table forbids, and reports no login that nobody signed. Time and randomness are
/// made up, so that an input does the same each time.
///
/// It runs without the sandbox: AddressSanitizer takes more address space than a session may have, and system calls that
/// the filter kills for. Its tests are elsewhere (SessionTests, on the shipped binary).
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    input = Array(UnsafeBufferPointer(start: start, count: count))
    fuzz_isolated(serve, 20)
    return 0
}

@_cdecl("LLVMFuzzerInitialize")
public func initialize(_: UnsafeMutableRawPointer, _: UnsafeMutableRawPointer) -> CInt {
    // What all processes have in common is made once.
    do throws(SSHError) { try Library.initialize() } catch { fatalError(error.description) }
    fuzz_make_random_repeat()
    _ = (Others.rsa, Others.ecdsa)
    // A client that cannot log in would search nothing behind the login, and find nothing: it must open a volume.
    input = usualInput
    fuzz_isolated(
        {
            serve()
            guard current?.monitor.hasOpened == true else { fatalError("the usual client cannot unlock") }
        }, 20)
    input = shellInput
    fuzz_isolated(
        {
            serve()
            guard current?.monitor.hasEchoed == true else { fatalError("the usual client has no shell") }
        }, 20)
    return 0
}

/// Greets, exchanges keys, logs in, opens a channel, and runs `unlock` with a passphrase that opens.
private let usualInput: [UInt8] =
    [0, 1, 0, 2, 3, 4, 0, 12, 0, 13, 0x28, 0, 14, 0, 8] + Array("correct\n".utf8)

/// The same, and types into `shell`.
private let shellInput: [UInt8] =
    [0, 1, 0, 2, 3, 4, 0, 12, 0, 13, 0x28, 8, 14, 0, 5] + Array("echo\n".utf8)

/// Whether to print what goes on, for a look at one input.
let isTraced = fuzz_has("POSTERN_FUZZ_TRACE")

func trace(_ line: @autoclosure () -> String) { if isTraced { print(line()) } }

nonisolated(unsafe) private var input: [UInt8] = []
nonisolated(unsafe) private var current: World?

/// The session process, as SessionProcess runs it, but for its sandbox.
private func serve() {
    do {
        let world = try World(input)
        current = world
        fuzz_direct { milliseconds in current?.waits(Int(milliseconds)) ?? false }
        Sandbox.ignoreBrokenPipes()
        let monitor = SessionProcess.endpoint()
        guard let setup = SessionProcess.receiveSetup(from: monitor) else { fatalError("no setup") }
        try Service(setup, monitor).run()
        // What it said last is judged, too.
        _ = world.monitor.pump()
    } catch { fatalError("\(error)") }
}

/// Everything around the session, which moves when the session waits.
private final class World {
    let client: Client
    let monitor: MonitorEnd
    private let signer: SignerEnd
    private var script: Script?
    private var raw: Taker
    private var stage = 0
    private var waits = 0

    init(_ input: [UInt8]) throws {
        var ends: [Int32] = [-1, -1]
        var control = ends
        var asked = ends
        guard fuzz_socket_pair(&ends), fuzz_socket_pair(&control), fuzz_socket_pair(&asked) else {
            fatalError("no sockets")
        }
        client = Client(ends[1])
        signer = try SignerEnd(FileDescriptor(owning: asked[1]), client: client, choice: input[0])
        monitor = MonitorEnd(FileDescriptor(owning: control[1]), signer: signer, answers: input[0] & 2 == 0)
        raw = Taker(Array(input.dropFirst()))
        if input[0] & 1 == 0 { script = Script(raw) }
        monitor.send(.sessionSetup(try .fuzzed(input[0])))
        fuzz_move(control[0], Role.controlDescriptor)
        fuzz_move(ends[0], Role.peerDescriptor)
        fuzz_move(asked[0], Role.signerDescriptor)
    }

    /// - Returns: whether the session is to look again; otherwise it has waited long enough.
    func waits(_ milliseconds: Int) -> Bool {
        // The session does nothing else until it is answered, or has waited long enough.
        switch signer.pump() {
        case .question: return true
        case .unanswered:
            fuzz_pass_time(Int64(milliseconds))
            return false
        case .nothing: break
        }
        fuzz_pass_time(1)
        let heard = monitor.pump()
        if client.pump() || heard { return true }
        if script?.isMore == true || script == nil && !raw.isAtEnd { return act() }
        return end(milliseconds)
    }

    private func act() -> Bool {
        guard script != nil else {
            client.send(raw: raw.bytes(512))
            return true
        }
        while script?.isMore == true {
            switch script?.step(client) {
            case .more: continue
            case .time(let milliseconds):
                fuzz_pass_time(milliseconds)
                return false
            case .monitor(let what, let channel): monitor.act(what, channel)
            default: break
            }
            return true
        }
        return true
    }

    /// Nothing happens any more: the client stops sending, the session's own deadlines pass, and at last the client is gone.
    private func end(_ milliseconds: Int) -> Bool {
        client.isReading = true
        waits += 1
        switch stage {
        case 0: client.endSending()
        case 1 where milliseconds >= 0 && waits < 8:
            fuzz_pass_time(Int64(milliseconds))
            return false
        case 1: client.close()
        default: fatalError("the client is gone, and the session waits")
        }
        stage += 1
        return true
    }
}
