import Foundation
import Machine
import Testing

extension DebianTests {
    /// `postern check --boot` in an installed Debian boots its own kernel and image in QEMU, and unlocks it.
    @Suite struct CheckBootTests {
        private let layer = FileManager.default.temporaryDirectory.appending(path: "postern-layer-\(UUID().uuidString)")

        private static let fixed = "ip=192.168.7.20::192.168.7.1:255.255.255.0::eno7:off"

        /// Brings this machine's QEMU into a tree, whose libraries are other ones.
        private static let bringQEMU = #"""
            lib=$1/usr/local/lib/qemu
            mkdir -p "$lib" "$1/usr/local/bin"
            program=$(command -v qemu-system-x86_64)
            cp "$program" "$lib/"
            ldd "$program" | sed -n 's,^[^/]*\(/[^ ]*\).*,\1,p' | xargs -I {} cp -L {} "$lib/"
            cp /usr/lib/*/qemu/accel-tcg-x86_64.so "$lib/" || true
            cp -rL /usr/share/qemu "$lib/share" 2>/dev/null || true
            cp -rL /usr/share/seabios/. "$lib/share/"
            cat >"$1/usr/local/bin/qemu-system-x86_64" <<'END'
            #!/bin/sh
            lib=/usr/local/lib/qemu
            QEMU_MODULE_DIR=$lib exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$lib/qemu-system-x86_64" -L "$lib/share" "$@"
            END
            chmod 755 "$1/usr/local/bin/qemu-system-x86_64"
            """#

        private static let script = #"""
            kernel=$(ls /lib/modules)
            mkdir -p /boot/grub
            cat >/boot/grub/grub.cfg <<END
            menuentry 'Debian' {
            linux /vmlinuz-$kernel root=/dev/mapper/crypt-root ro quiet $ADDRESS
            initrd /initrd.img-$kernel
            }
            END
            postern check --boot --no-login $KEY && echo passed || echo "ended with $?"
            # What runs in the background of sh ignores INT.
            postern check --boot --no-login $KEY &
            until ls /var/tmp/postern-check.*/boot/console >/dev/null 2>&1; do
                kill -0 $!
                sleep 0.2
            done
            kill -TERM $!
            wait $! && echo passed || echo "ended with $?"
            sed -i 's/ ro / ro postern=off /' /boot/grub/grub.cfg
            postern check --boot --no-login $KEY && echo passed || echo "ended with $?"
            ls /var/tmp
            for process in /proc/[0-9]*; do
                tr '\0\n' '  ' <"$process/cmdline" | grep -E '^([^ ]*/)?(ld-linux|postern|unshare)' || true
            done
            """#

        @Test(arguments: Suite.tested, ["plain", "dracut"])
        func `its own kernel and image boot in QEMU, are logged in to and unlocked`(
            suite: Suite, name: String
        ) async throws {
            defer { try? FileManager.default.removeItem(at: layer) }
            let kernel = try await System.kernel(suite, name)
            let upper = layer.appending(path: "upper")
            let home = upper.appending(path: "root")
            try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: try await System.ownerKeyFile(suite, name), to: home.appending(path: "id"))
            let brought = try await runProgram(["sh", "-euc", Self.bringQEMU, "sh", upper.path])
            #expect(brought.status == 0, "\(brought)")
            // Once with the owner's key and an address in ip=, and once with neither.
            let isOwner = name == "plain"
            let words = ["KEY=\(isOwner ? "-i /root/id" : "")", "ADDRESS=\(isOwner ? Self.fixed : "")"]
            let ran = try await runMachine(
                [Disks.script("inside"), "--over", layer.path, try await System.tree(suite, name)]
                    + ["env"] + words + ["sh", "-euc", "{ \(Self.script)\n} 2>&1"],
                within: .seconds(1800))
            let image = "/boot/initrd.img-\(kernel)"
            let what = "Linux \(kernel) booted in QEMU with this image; after "
            // Notices and the volumes' lines are no concern of --boot.
            let lines = ran.output.split(separator: "\n").map { String($0) }.filter { line in
                !["notice: ", "crypt-root: ", "local: "].contains { line.hasPrefix($0) }
            }
            try #require(lines.count == 7, "\(ran)")
            #expect(lines[0].hasPrefix("proved: \(image): \(what)"), "\(ran)")
            let key =
                isOwner ? "with SHA256:" : "with a new key, which was added to the image's authorized keys for this"
            #expect(lines[0].contains(" s ssh had logged in \(key)"), "\(ran)")
            #expect(lines[0].hasSuffix("had opened the stand-ins of crypt-root, and the boot went on"), "\(ran)")
            #expect(lines[1].contains("no findings") && lines[2] == "passed", "\(ran)")
            #expect(lines[3] == "ended with 130", "\(ran)")
            #expect(lines[4].contains("the kernel command line has postern=off"), "\(ran)")
            #expect(lines[5].hasSuffix(": 1 finding") && lines[6] == "ended with 1", "\(ran)")
        }
    }
}
