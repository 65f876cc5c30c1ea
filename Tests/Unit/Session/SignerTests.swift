import Foundation
import TestPeers
import Testing
import Wire

@testable import Config

/// What a session that a stranger has taken over gets out of its signer.
extension SessionTests {
    @Suite(.serialized) struct SignerTests {
        /// What the shipped binary greets clients with.
        private static let greeting = Result {
            let bench = try Bench()
            let end = try run("ssh-keyscan", ["-t", "ed25519", "-p", String(bench.monitor.port), "127.0.0.1"])
            // "# 127.0.0.1:2222 SSH-2.0-libssh_0.12.2"
            let words = end.err.split { $0.isWhitespace }
            guard words.count > 2, words[2].hasPrefix("SSH-2.0-") else { throw PeerError.tool("no greeting: \(end)") }
            return String(words[2])
        }
        private let folder: TemporaryFolder
        private let host: [KeyPair]
        private let key: KeyPair

        init() throws {
            folder = try TemporaryFolder()
            host = [try KeyPair(folder, "host"), try KeyPair(folder, "host-rsa", type: "rsa", bits: 2048)]
            key = try KeyPair(folder, "key")
        }

        private func signer(_ keys: [UsableKey]? = nil, maxAuthTries: UInt32 = 20) throws -> AskedSigner {
            try AskedSigner(hostKeys: host, keys: keys ?? [key.usable(index: 7)], maxAuthTries: maxAuthTries)
        }

        @Test func `it tells public halves alone`() throws {
            #expect(try signer().publicKeys == host.map { $0.blob })
        }

        /// A key exchange of this host, as libssh would hash it.
        private func exchange(_ signer: AskedSigner, _ number: UInt8 = 1, hostKey: [UInt8]? = nil) throws -> Exchange {
            Exchange(
                greeting: try SignerTests.greeting.get(), cookie: signer.cookie, hostKey: hostKey ?? host[0].blob,
                number: number)
        }

        @Test func `before the login it signs one hash`() throws {
            let signer = try signer()
            let first = try exchange(signer)
            let signature = try signer.sign(first.bytes)
            #expect(try isValid(signature, over: sha256(first.bytes)))
            #expect(try signer.sign(try exchange(signer, 2).bytes) == [0])
            #expect(try signer.sign(first.bytes, hashSize: 64) == [0])
            #expect(try signer.sign(try exchange(signer, hostKey: host[1].blob).bytes, digest: 4) == [0])
        }

        @Test func `what is no key exchange of this host is not signed`() throws {
            let signer = try signer()
            func wrong(_ place: Int, _ field: [UInt8]) throws -> [UInt8] {
                var made = try exchange(signer)
                made.fields[place] = field
                return made.bytes
            }
            let right = try exchange(signer).bytes
            let greeting = try SignerTests.greeting.get()
            // A hash, as of another server's session; the start of a file's signature, alone and as a field.
            let file = Array("SSHSIG".utf8) + string("file") + string("") + string("sha256") + string(sha256([1]))
            var all = [[], sha256([1]), [UInt8](repeating: 1, count: 64), file, string(host[0].blob) + string(file)]
            all += [
                right + [0], right + string("more"), Array(right.dropLast()), Array(right.dropLast(36)), [0] + right,
            ]
            for place in 0..<8 { all.append(try wrong(place, [])) }
            let long = Array(("SSH-2.0-" + String(repeating: "x", count: 248)).utf8)
            for text in [Array("SSHSIG-".utf8), long, file] { all.append(try wrong(0, text)) }
            for text in [greeting + "x", String(greeting.dropLast()), "SSH-2.0-OpenSSH_9.2"] {
                all.append(try wrong(1, Array(text.utf8)))
            }
            for place in [2, 3] {
                for wrongInit in [
                    Exchange.keyExchangeInit(type: 21), Exchange.keyExchangeInit(lists: 9),
                    Exchange.keyExchangeInit(lists: 11), Exchange.keyExchangeInit(reserved: 1),
                    Exchange.keyExchangeInit() + [0], [20], file,
                ] { all.append(try wrong(place, wrongInit)) }
            }
            for blob in [key.blob, host[0].blob + [0], Array(host[0].blob.dropLast())] {
                all.append(try wrong(4, blob))
            }
            for bytes in all { #expect(try signer.sign(bytes) == [0], "\(bytes)") }
            // The old question, in which the session chose the hash.
            #expect(try signer.ask([1, 0] + string(host[0].blob) + string(sha256([1]))) == [0])
            for size in [0, 1, 20, 31, 33, 63, 65, 255] as [UInt8] {
                #expect(try signer.sign(right, hashSize: size) == [0], "\(size)")
            }
            // None of it was the one that it signs.
            #expect(try signer.sign(right).count > 64)
        }

        @Test func `a long key exchange is signed`() throws {
            let signer = try signer()
            var long = try exchange(signer)
            long.fields[2] = Exchange.keyExchangeInit(name: String(repeating: "x", count: 3400))
            #expect(long.bytes.count > 34_000)
            #expect(try signer.sign(long.bytes).count > 64)
        }

        /// What the owner once signed to log in elsewhere, or here, opens nothing, whatever a taken-over session knows of it.
        @Test func `a login over another connection is not replayed`() throws {
            let elsewhere = try KeyPair(folder, "elsewhere")
            let before = try signer()
            var openSSH = try exchange(before, hostKey: elsewhere.blob)
            openSSH.fields[1] = Array("SSH-2.0-OpenSSH_9.2".utf8)
            // Another server; another Postern; this one, over another connection.
            for theirs in [openSSH, try exchange(before, hostKey: elsewhere.blob), try exchange(before)] {
                let signer = try signer()
                let data = try signed(signer, session: sha256(theirs.bytes))
                let signature = try sign(data)
                #expect(try signer.sign(theirs.bytes) == [0])
                #expect(try !signer.verify(signature, over: data))
                _ = try signer.sign(try exchange(signer).bytes)
                #expect(try !signer.verify(signature, over: data))
                #expect(signer.login() == nil)
            }
        }

        @Test func `after a login it signs a few at once and not five hundred`() throws {
            let signer = try loggedIn()
            var given = 0
            for number in 0..<500 {
                var next = try exchange(signer)
                next.fields[7] = [1, UInt8(number >> 8), UInt8(number & 255)]
                if try signer.sign(next.bytes).count > 64 { given += 1 }
            }
            // One more for each minute that the test takes.
            #expect((40..<100).contains(given))
        }

        @Test func `it signs with its own keys and without SHA1`() throws {
            func signature(by blob: [UInt8], digest: UInt8) throws -> [UInt8] {
                let signer = try signer()
                return try signer.sign(try exchange(signer, hostKey: blob).bytes, digest: digest)
            }
            for (blob, digest) in [(key.blob, 0), (host[1].blob, 1), (host[0].blob, 4)] as [([UInt8], UInt8)] {
                #expect(try signature(by: blob, digest: digest) == [0])
            }
            #expect(try signature(by: host[1].blob, digest: 4).count > 256)
        }

        /// A signer that has let the owner in.
        private func loggedIn() throws -> AskedSigner {
            let signer = try signer()
            _ = try signer.sign(try exchange(signer).bytes)
            let data = try signed(signer, session: sha256(try exchange(signer).bytes))
            #expect(try signer.verify(try sign(data), over: data))
            #expect(signer.login() != nil)
            return signer
        }

        @Test func `who signed for this session logs in once and rekeys`() throws {
            let signer = try signer()
            _ = try signer.sign(try exchange(signer).bytes)
            let data = try signed(signer)
            let signature = try sign(data)
            #expect(signer.login() == nil)
            #expect(try signer.verify(signature, over: data))
            let login = try #require(signer.login())
            #expect(login == (7, "root"))
            #expect(try !signer.verify(signature, over: data))
            #expect(signer.login() == nil)
            for number in [2, 1] as [UInt8] { #expect(try signer.sign(try exchange(signer, number).bytes).count > 64) }
        }

        @Test func `nobody logs in before a key exchange or with a signature for another session`() throws {
            let signer = try signer()
            let signature = try sign(try signed(signer))
            #expect(try !signer.verify(signature, over: try signed(signer)))
            #expect(
                try !signer.verify(try sign(try signed(signer, session: [])), over: try signed(signer, session: [])))
            _ = try signer.sign(try exchange(signer, 2).bytes)
            #expect(try !signer.verify(signature, over: try signed(signer)))
            #expect(signer.login() == nil)
        }

        @Test func `a key that did not sign cannot be claimed`() throws {
            let signer = try signer()
            _ = try signer.sign(try exchange(signer).bytes)
            let stranger = try KeyPair(folder, "stranger")
            // The stranger's signature, for the authorized key and for the stranger's own.
            #expect(try !signer.verify(try sign(try signed(signer), by: stranger), over: try signed(signer)))
            let own = try signed(signer, blob: stranger.blob)
            #expect(try !signer.verify(try sign(own, by: stranger), over: own))
            #expect(signer.login() == nil)
            // A signature that is right, over anything but such a request.
            for data in [
                try signed(signer, service: "ssh-userauth"), try signed(signer, method: "hostbased"),
                try signed(signer, type: 51), try signed(signer, isSigned: 0),
                try signed(signer, algorithm: "ssh-ed25519-cert-v01@openssh.com"), try signed(signer) + [0],
                Array(try signed(signer).dropLast()),
            ] {
                #expect(try !signer.verify(try sign(data), over: data))
            }
            let bound = "publickey-hostbound-v00@openssh.com"
            let elsewhere = try signed(signer, method: bound, tail: string(host[1].blob))
            #expect(try !signer.verify(try sign(elsewhere), over: elsewhere))
            let here = try signed(signer, method: bound, tail: string(host[0].blob))
            #expect(try signer.verify(try sign(here), over: here))
        }

        @Test func `a key with a refusal is refused here too`() throws {
            let signer = try AskedSigner(
                hostKeys: host, keys: [key.usable(rule: 0)], refusals: ["its expiry-time= has passed"])
            _ = try signer.sign(try exchange(signer).bytes)
            #expect(try !signer.verify(try sign(try signed(signer)), over: try signed(signer)))
        }

        @Test func `it counts the tries`() throws {
            let signer = try signer(maxAuthTries: 2)
            _ = try signer.sign(try exchange(signer).bytes)
            let wrong = try sign(try signed(signer, user: "other"))
            for _ in 0..<2 { #expect(try !signer.verify(wrong, over: try signed(signer))) }
            #expect(try !signer.verify(try sign(try signed(signer)), over: try signed(signer)))
        }

        @Test func `nonsense is refused`() throws {
            let signer = try signer()
            let other = [9, 0, 0] + string("") + string("")
            for question in [
                [0], [1], [1, 0], [1, 0, 32], other, [1, 0, 32, 255, 255, 255, 255], [2, 0, 0, 0, 0, 0],
            ] {
                #expect(try signer.ask(question) == [0])
            }
            #expect(throws: PeerError.self) { try signer.ask([UInt8](repeating: 1, count: 70_000)) }
        }

        /// What a client signs (RFC 4252, section 7).
        private func signed(
            _ signer: AskedSigner, session: [UInt8]? = nil, type: UInt8 = 50, user: String = "root",
            service: String = "ssh-connection",
            method: String = "publickey", isSigned: UInt8 = 1, algorithm: String = "ssh-ed25519",
            blob: [UInt8]? = nil, tail: [UInt8] = []
        ) throws -> [UInt8] {
            string(try session ?? sha256(exchange(signer).bytes)) + [type] + string(user) + string(service)
                + string(method) + [isSigned]
                + string(algorithm) + string(blob ?? key.blob) + tail
        }

        /// Whether the first host key made it: a signature as SSH has it, of an ed25519 key.
        private func isValid(_ signature: [UInt8], over data: [UInt8]) throws -> Bool {
            let program = """
                import base64, paramiko, sys
                key = paramiko.Ed25519Key(data=base64.b64decode(sys.argv[1]))
                signature = paramiko.Message(base64.b64decode(sys.argv[2]))
                print(key.verify_ssh_sig(base64.b64decode(sys.argv[3]), signature))
                """
            let words = [host[0].blob, signature, data].map { Data($0).base64EncodedString() }
            return try run("/usr/bin/python3", ["-c", program] + words).out == "True\n"
        }

        private func sign(_ data: [UInt8], by signer: KeyPair? = nil) throws -> [UInt8] {
            let made = try run(
                "/usr/bin/python3",
                [
                    "-c",
                    """
                    import base64, paramiko, sys
                    key = paramiko.Ed25519Key.from_private_key_file(sys.argv[1])
                    signature = key.sign_ssh_data(base64.b64decode(sys.argv[2]))
                    print(base64.b64encode(signature.asbytes()).decode())
                    """, (signer ?? key).path, Data(data).base64EncodedString(),
                ])
            guard made.status == 0 else { throw PeerError.tool("\(made)") }
            return Array(Data(base64Encoded: made.out.trimmingCharacters(in: .newlines)) ?? Data())
        }
    }
}
