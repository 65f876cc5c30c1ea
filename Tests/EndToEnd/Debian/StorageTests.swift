import Machine
import Testing

extension DebianTests {
    /// The key lies on another logical volume. The root has `tpm2-device=auto` and the swap has `swap`, which mean nothing in an image of initramfs-tools.
    @Test(arguments: Suite.tested)
    func `a root on LVM in LUKS, a disk whose key lies on it, and a swap to resume from are opened`(suite: Suite)
        async throws
    {
        var system = System(suite, "lvm", disks: ["lvm", "data", "hibernate"])
        system.root = "/dev/mapper/vg-root"
        try await boot(system, name: "debian-lvm") { machine in
            try await machine.awaitAgent()
            try await unlock(machine)
            let report = try await expectLogin(
                machine, root: "vg-root", open: ["crypt-root", "vg-root", "vg-keys", "data", "hibernate"],
                by: "owner@laptop")
            #expect(report.log.contains { $0.hasPrefix("hibernate: opened by ") && $0.contains("owner@laptop") })
        }
    }

    @Test(arguments: Suite.tested) func `a root in LUKS on a RAID1 with a disk missing is opened`(suite: Suite)
        async throws
    {
        try await boot(System(suite, "md", disks: ["md-2"]), name: "debian-md") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            #expect(try await ssh.status() == 0)
            let report = try await expectLogin(machine, by: "owner@laptop")
            #expect(report["md"].contains("[2/1]"))
        }
    }

    @Test(arguments: Suite.tested)
    func `an array of four encrypted disks is there, with nobody typing but for the root`(suite: Suite) async throws {
        let members: Set = ["storage-1", "storage-2", "storage-3", "storage-4"]
        let system = System(
            suite, "array", disks: ["root", "keys", "storage-1", "storage-2", "storage-3", "storage-4"])
        try await boot(system, name: "debian-array") { machine in
            try await machine.awaitAgent()
            try await unlock(machine)
            let report = try await expectLogin(machine, open: members.union(["crypt-root"]), by: "owner@laptop")
            #expect(report["marker"] == ["all", "members", "hold", "this"])
            #expect(report["md"].contains("[4/4]"))
            for name in members { #expect(report.log.contains { $0.hasPrefix("\(name): opened by ") }) }
        }
    }

    @Test(arguments: Suite.tested)
    func `an array's quorum is there with one disk missing and one locked, with nobody typing but for the root`(
        suite: Suite
    )
        async throws
    {
        let system = System(suite, "array", disks: ["root", "keys", "storage-1", "storage-2", "storage-3-other"])
        try await boot(system, name: "debian-array-quorum") { machine in
            try await machine.awaitAgent()
            try await unlock(machine)
            let report = try await expectLogin(
                machine, open: ["crypt-root", "storage-1", "storage-2"], by: "owner@laptop",
                skipped: ["storage-3", "storage-4"])
            #expect(report["marker"] == ["all", "members", "hold", "this"])
            #expect(report["md"].contains("[4/2]"))
        }
    }
}
