import Foundation
import Machine
import Testing

extension DebianTests {
    /// `postern check` in an installed Debian logs in to the agent out of the image that its own programs have built.
    @Suite struct LoginTests {
        private let layer = FileManager.default.temporaryDirectory.appending(path: "postern-layer-\(UUID().uuidString)")

        private static let script = #"""
            part() { echo "== $1"; shift; "$@" && echo passed || echo "ended with $?"; }
            part key postern check --images -i /root/id
            part nobody postern check --images
            part 'no login' postern check --no-login
            eval "$(ssh-agent)" >/root/log
            ssh-add -q /root/id
            part agent postern check --images
            part json postern check --images --json
            kill "$SSH_AGENT_PID"
            unset SSH_AUTH_SOCK
            ssh-keygen -q -t ed25519 -N '' -f /root/other
            part stranger postern check --images -i /root/other
            cp /root/id /root/locked
            ssh-keygen -q -p -N secret -f /root/locked >/root/log
            part locked postern check --images -i /root/locked
            part rubbish postern check -i /etc/hostname
            part boot postern check --boot --no-login

            # Without building it again.
            cp -a /etc/postern /root/kept
            rm /etc/postern/ssh_host_ed25519_key*
            ssh-keygen -q -t ed25519 -N '' -f /etc/postern/ssh_host_ed25519_key
            part 'host key' postern check --images -i /root/id
            rm -r /etc/postern
            cp -a /root/kept /etc/postern

            sed -i "s/^ssh-/$OPTIONS &/" /etc/postern/authorized_keys
            cat /root/other.pub >>/etc/postern/authorized_keys
            $BUILD >/root/log 2>&1 || cat /root/log
            part options postern check --images -i /root/id
            part both postern check --images

            image=$(echo /boot/initrd.img-*)
            mkdir /root/image
            if command -v lsinitrd >/dev/null; then (cd /root/image && lsinitrd --unpack "$image"); else unmkinitramfs "$image" /root/image; fi
            cd /root/image
            [ ! -d main ] || cd main
            sed -i 's/AAAAC3/AAAA/' etc/postern/authorized_keys
            find . | cpio --quiet -o -H newc | gzip -1 >"$image"
            part damaged postern check --images -i /root/id
            head -c 5000 usr/sbin/postern >/root/short
            cp /root/short usr/sbin/postern
            cp /root/kept/authorized_keys etc/postern/authorized_keys
            find . | cpio --quiet -o -H newc | gzip -1 >"$image"
            part broken postern check --images -i /root/id

            echo '== left'
            ls /var/tmp
            for process in /proc/[0-9]*; do
                tr '\0\n' '  ' <"$process/cmdline" | grep -E '^([^ ]*/)?(postern|ssh|unshare|timeout|chroot) ' || true
            done
            grep /var/tmp /proc/mounts || true
            """#

        @Test(arguments: Suite.tested, ["plain", "dracut"])
        func `ssh logs in to the agent of an image, and what keeps it out is found`(
            suite: Suite, name: String
        ) async throws {
            defer { try? FileManager.default.removeItem(at: layer) }
            let kernel = try await System.kernel(suite, name)
            let home = layer.appending(path: "upper/root")
            try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: try await System.ownerKeyFile(suite, name), to: home.appending(path: "id"))
            let options = #"from="192.0.2.0\/24",command="status --json""#
            let build = name == "plain" ? "update-initramfs -u" : "dracut --force --kver \(kernel)"
            let ran = try await runProgram(
                [Disks.script("inside"), "--over", layer.path, try await System.tree(suite, name)]
                    + ["env", "OPTIONS=\(options)", "BUILD=\(build)", "sh", "-euc", "{ \(Self.script)\n} 2>&1"],
                within: .seconds(1800))
            #expect(ran.status == 0, "\(ran)")
            let parts = Self.parts(ran.output)
            func expect(
                _ part: String, _ status: String, with texts: [String] = [], without: [String] = [],
                sourceLocation: SourceLocation = #_sourceLocation
            ) {
                let text = parts[part] ?? ""
                #expect(text.hasSuffix(status + "\n"), "\(part): \(ran)", sourceLocation: sourceLocation)
                for word in texts { #expect(text.contains(word), "\(part): \(text)", sourceLocation: sourceLocation) }
                for word in without {
                    #expect(!text.contains(word), "\(part): \(text)", sourceLocation: sourceLocation)
                }
            }
            let image = "/boot/initrd.img-\(kernel)"
            let proof = "proved: \(image): ssh knew the host key of its agent and logged in with SHA256:"
            let notMade = "no login was made"
            expect("key", "passed", with: [proof, "(owner@laptop), and was told the status"], without: [notMade])
            expect("nobody", "passed", with: ["its agent knows 1 authorized key, and \(notMade)"], without: ["proved:"])
            expect("no login", "passed", without: ["proved:", notMade])
            expect("agent", "passed", with: [proof], without: [notMade])
            expect("json", "passed", with: [#""proofs":[{"file":"\#(image)","text":"ssh knew"#])
            expect("stranger", "ended with 1", with: ["does not let /root/other in, which is in no line"])
            expect("locked", "passed", with: ["the key wants its passphrase"], without: ["proved:"])
            expect("rubbish", "ended with 1", with: ["/etc/hostname: no login is tried, for this is no key"])
            expect("boot", "ended with 1", with: ["nothing was booted, for qemu-system-x86_64 is not", "apt install"])
            expect("host key", "ended with 1", with: [proof, "the image has another host key of this name"])
            expect("options", "passed", with: [proof, "command= left it no status"])
            expect("both", "passed", with: ["its agent knows 2 authorized keys, and \(notMade)"])
            expect("damaged", "ended with 1", with: ["\(image):/etc/postern/authorized_keys:"], without: ["proved:"])
            expect("broken", "ended with 1", with: ["its agent does not start in a rehearsal"], without: ["proved:"])
            #expect(parts["left"] == "", "\(ran)")
        }

        /// What was printed after each line `== NAME`.
        private static func parts(_ output: String) -> [String: String] {
            var parts: [String: String] = [:]
            var name = ""
            for line in output.split(separator: "\n") {
                if line.hasPrefix("== ") {
                    name = String(line.dropFirst(3))
                    parts[name] = ""
                } else {
                    parts[name, default: ""] += line + "\n"
                }
            }
            return parts
        }
    }
}
