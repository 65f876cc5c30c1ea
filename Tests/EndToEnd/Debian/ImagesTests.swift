import Foundation
import Machine
import Testing

extension DebianTests {
    /// `postern check` in an installed Debian looks into the images that its own programs have built.
    @Suite struct ImagesTests {
        private let layer = FileManager.default.temporaryDirectory.appending(path: "postern-layer-\(UUID().uuidString)")

        @Test(arguments: Suite.tested, [("plain", "update-initramfs -u -k"), ("dracut", "dracut --force --kver")])
        func `a new image has no findings; once the files change, the command that builds it mends it`(
            suite: Suite, system: (name: String, command: String)
        ) async throws {
            defer { try? FileManager.default.removeItem(at: layer) }
            let script = #"""
                check() { postern check >/root/said && echo none || sed -n 's/.*; build the image again, with: //p' /root/said; }
                check
                echo 'MaxAuthTries 3' >>/etc/postern/postern.conf
                check
                eval "$(check)" >/root/log 2>&1 || cat /root/log
                check
                mkdir -p /boot/EFI/systemd /boot/loader/entries /boot/kept /root/empty
                : >/boot/EFI/systemd/systemd-bootx64.efi
                cp "$(ls /boot/vmlinuz-* | head -n 1)" /boot/kept/linux
                (cd /root/empty && find . | cpio --quiet -o -H newc | gzip >/boot/kept/initrd)
                printf 'linux /kept/linux\ninitrd /kept/initrd\n' >/boot/loader/entries/kept.conf
                postern check | grep -o 'and systemd-boot starts it next' || echo none
                rm -r /boot/EFI /boot/loader /boot/kept
                for tool in unmkinitramfs lsinitrd; do
                    real=$(command -v $tool) || continue
                    printf '#!/bin/sh\nkill -INT $PPID\nexec %s "$@"\n' "$real" >/usr/local/bin/$tool
                    chmod +x /usr/local/bin/$tool
                done
                postern check || echo "status $?"
                ls /var/tmp
                """#
            let said = try await runProgram(
                [Disks.script("inside"), "--over", layer.path]
                    + [try await System.tree(suite, system.name), "sh", "-euc", "{ \(script); } 2>&1"],
                within: .seconds(1800))
            let kernel = try await System.kernel(suite, system.name)
            let words = "none\n\(system.command) \(kernel)\nnone\nand systemd-boot starts it next\nstatus 130\n"
            #expect(said.output == words, "\(said)")
        }
    }
}
