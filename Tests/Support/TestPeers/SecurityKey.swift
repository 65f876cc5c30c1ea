import Foundation
import Glibc

/// An ssh agent with one security key in software (PROTOCOL.u2f of OpenSSH), whose signatures have the flags that it is
/// told: OpenSSH's own agent has none without a touch. It speaks the agent's protocol (RFC 9987) at a local socket.
public final class SecurityKeyAgent {
    /// For SSH_AUTH_SOCK.
    public let socket: String
    /// The key's line of authorized_keys, without options.
    public let line: String
    private let program: Program

    /// Makes a key of type `ed25519` or `ecdsa`. `flags` is 1 when somebody touched it, and with 4 somebody proved who
    /// they are.
    public init(_ folder: TemporaryFolder, type: String, flags: Int) throws {
        let path = folder.path("agent-\(type)-\(flags)")
        socket = path
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        let errors = open(path + ".log", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer {
            close(null)
            close(errors)
        }
        program = try Program(
            "/usr/bin/python3", ["-c", SecurityKeyAgent.source, path, type, "\(flags)"],
            descriptors: [null, null, errors])
        let end = Date().addingTimeInterval(60)
        while access(path, F_OK) != 0 {
            guard Date() < end else {
                let text = try? String(contentsOfFile: path + ".log", encoding: .utf8)
                throw PeerError.tool("no agent: \(text ?? "")")
            }
            usleep(5000)
        }
        line = try String(contentsOfFile: path + ".pub", encoding: .utf8)
    }

    deinit { program.signal(SIGKILL) }

    private static let source = """
        import base64, hashlib, os, socket, struct, sys
        from cryptography.hazmat.primitives import hashes, serialization as s
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
        path, kind, flags = sys.argv[1], sys.argv[2], int(sys.argv[3])
        pack = lambda b: struct.pack(">I", len(b)) + b
        mpint = lambda n: pack(n.to_bytes(n.bit_length() // 8 + 1, "big"))
        if kind == "ed25519":
            name, secret = b"sk-ssh-ed25519@openssh.com", ed25519.Ed25519PrivateKey.generate()
            point = pack(secret.public_key().public_bytes(s.Encoding.Raw, s.PublicFormat.Raw))
            sign = secret.sign
        else:
            name, secret = b"sk-ecdsa-sha2-nistp256@openssh.com", ec.generate_private_key(ec.SECP256R1())
            form = s.Encoding.X962, s.PublicFormat.UncompressedPoint
            point = pack(b"nistp256") + pack(secret.public_key().public_bytes(*form))
            def sign(data):
                return b"".join(map(mpint, utils.decode_dss_signature(secret.sign(data, ec.ECDSA(hashes.SHA256())))))
        blob = pack(name) + point + pack(b"ssh:")
        with open(path + ".pub", "w") as file: file.write(f"{name.decode()} {base64.b64encode(blob).decode()} token")
        def answer(request):
            if request[0] == 11: return b"\\x0c" + struct.pack(">I", 1) + pack(blob) + pack(b"token")
            if request[0] != 13: return b"\\x05"
            offset = 5 + struct.unpack(">I", request[1:5])[0]
            length = struct.unpack(">I", request[offset:offset + 4])[0]
            data = request[offset + 4:offset + 4 + length]
            state = bytes([flags]) + struct.pack(">I", 7)
            signed = sign(hashlib.sha256(b"ssh:").digest() + state + hashlib.sha256(data).digest())
            return b"\\x0e" + pack(pack(name) + pack(signed) + state)
        server = socket.socket(socket.AF_UNIX)
        server.bind(path + ".new")
        server.listen(8)
        os.rename(path + ".new", path)
        while True:
            client = server.accept()[0]
            with client, client.makefile("rb") as file:
                while True:
                    head = file.read(4)
                    if len(head) < 4: break
                    client.sendall(pack(answer(file.read(struct.unpack(">I", head)[0]))))
        """
}
