import Foundation
import TestPeers
import Testing

/// Scripted stage 1 around what the module puts into it, with another root folder, and stand-ins for the agent and for LVM.
final class ScriptedStage {
    private let configuration: Configuration
    private let text: String

    init(_ configuration: Configuration, _ evaluated: Evaluated) throws {
        self.configuration = configuration
        let root = configuration.work.path("")
        // The place of each text, and the names around it, after luksroot.nix of nixpkgs at 0080a812: the network's commands
        // come first; a volume's commands between the definition of its opener and the call.
        let volumes = evaluated.scripted.preOpenCommands.sorted { $0.key < $1.key }.map { name, commands in
            """
            open_normally() {
              echo 'ASKED \(name)'
            }
            \(commands)
            open_normally
            """
        }
        text =
            (["PATH=\(root)bin:/bin:/usr/bin", evaluated.scripted.postCommands] + volumes + ["echo END\n"])
            .joined(separator: "\n")
            .replacing("/etc/postern", with: "\(root)etc/postern").replacing("/run/postern", with: "\(root)run/postern")
            .replacing("/sys/class", with: "\(root)sys/class")
        try configuration.write(text, to: "stage-1")
        try configuration.write("", to: "etc/postern/ssh_host_key_1")
        try configuration.write("#!/bin/sh\necho \"$*\" >>'\(root)lvm'\n", to: "bin/lvm", mode: 0o755)
    }

    /// The commands with which the agent makes mappings, each with its own UUID.
    func maps(_ mappings: [(name: String, uuid: String)]) -> String {
        mappings.enumerated().map { number, mapping in
            "dm=$root/sys/class/block/dm-\(number)/dm; mkdir -p $dm; echo \(mapping.name) >$dm/name; "
                + "echo \(mapping.uuid) >$dm/uuid\n"
        }.joined()
    }

    /// Sets what the agent does; `$root` is the root folder.
    func agent(_ commands: String) throws {
        try configuration.write(
            "#!/bin/sh\nroot='\(configuration.work.path(""))'\n[ \"$*\" != settle ] || { echo >>$root/settled; exit; }\n[ \"$*\" = agent ] || exit 99\n\(commands)\n",
            to: "bin/postern", mode: 0o755)
    }

    func run() throws -> Finished {
        try TestPeers.run("busybox", ["ash", configuration.work.path("stage-1")], timeout: 60)
    }

    /// Whether busybox can read it.
    func syntax() throws -> Finished {
        try TestPeers.run("busybox", ["ash", "-n", configuration.work.path("stage-1")], timeout: 60)
    }
}

/// Scripted stage 1 with the module's commands.
@Suite struct ScriptedTests {
    let configuration: Configuration
    let evaluated: Evaluated
    let stage: ScriptedStage
    private static let volumes = ["crypt-root"] + (1...6).map { "storage-\($0)" }

    init() throws {
        configuration = try Configuration(["nas", "scripted"])
        evaluated = try configuration.evaluated()
        stage = try ScriptedStage(configuration, evaluated)
    }

    @Test func `busybox has nothing to say of the commands`() throws {
        let end = try stage.syntax()
        #expect(end.status == 0 && end.err.isEmpty, "\(end)")
        #expect(try run("busybox", ["ash", "-nc", "if true; then"], timeout: 60).status != 0)
    }

    @Test func `what the agent has opened is not asked for, and host keys are closed to others`() throws {
        try stage.agent(stage.maps(Self.volumes.map { ($0, uuid(of: $0)) }))
        let end = try stage.run()
        #expect(end.status == 0 && end.out == "END\n" && end.err.isEmpty, "\(end)")
        let key = configuration.work.path("etc/postern/ssh_host_key_1")
        let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func `when the agent fails, everything is asked for`() throws {
        try stage.agent("exit 1")
        let end = try stage.run()
        #expect(end.status == 0, "\(end)")
        #expect(
            end.out
                == "postern: the volumes that are not open will be asked for here\n"
                + Self.volumes.map { "ASKED \($0)\n" }.joined() + "END\n")
    }

    @Test func `when the agent was killed after the first volume, the others are asked for`() throws {
        try stage.agent(stage.maps([("crypt-root", uuid(of: "crypt-root"))]) + "kill -9 $$")
        let end = try stage.run()
        #expect(end.status == 0, "\(end)")
        #expect(
            end.out.split(separator: "\n").filter { $0.hasPrefix("ASKED") }
                == Self.volumes.dropFirst().map { "ASKED \($0)" })
        #expect(FileManager.default.fileExists(atPath: configuration.work.path("settled")))
    }

    @Test func `a mapping that has a volume's name and is another's is not taken for it`() throws {
        let other = "CRYPT-LUKS2-00000000000000000000000000000000-storage-1"
        try stage.agent(
            stage.maps([("crypt-root", "LVM-abc"), ("storage-1", other), ("storage-2", uuid(of: "storage-2"))]))
        let end = try stage.run()
        #expect(end.status == 0, "\(end)")
        #expect(
            end.out.split(separator: "\n").filter { $0.hasPrefix("ASKED") }
                == Self.volumes.filter { $0 != "storage-2" }.map { "ASKED \($0)" })
    }

    /// What cryptsetup calls the mapping of a volume of the configuration.
    private func uuid(of volume: String) -> String {
        let device = "\(volume) /dev/disk/by-uuid/"
        let uuid = evaluated.scripted.postCommands.components(separatedBy: device).last?.prefix(36) ?? ""
        return "CRYPT-LUKS2-\(uuid.filter { $0 != "-" })-\(volume)"
    }

    @Test func `while a device is missing, logical volumes are brought up, and not before or afterwards`() throws {
        try stage.agent(
            """
            sleep 2
            [ ! -e $root/lvm ] || exit 5
            echo /dev/vg/root >$root/run/postern/missing
            tries=0
            until [ -s $root/lvm ]; do tries=$((tries + 1)); [ $tries -lt 100 ] || exit 6; sleep 0.1; done
            """)
        let end = try stage.run()
        #expect(!end.out.contains("postern:"), "\(end)")
        #expect(
            FileManager.default.contents(atPath: configuration.work.path("lvm")).map {
                String(decoding: $0, as: UTF8.self)
            }?.hasPrefix("vgchange -ay\n") == true)
        #expect(!FileManager.default.fileExists(atPath: configuration.work.path("run/postern/assemble")))
    }

    @Test func `a volume that a token opens is left to NixOS`() throws {
        let token = try Configuration(
            ["nas", "scripted"],
            with: """
                { boot.initrd.luks.yubikeySupport = true; boot.initrd.luks.devices.crypt-root.yubikey = { slot = 2; };
                  boot.initrd.clevis = { enable = true; devices.storage-1 = { }; }; }
                """
        ).evaluated()
        #expect(token.failed == [])
        #expect(token.scripted.preOpenCommands["crypt-root"] == "")
        #expect(token.scripted.preOpenCommands["storage-1"] == "")
        #expect(token.scripted.preOpenCommands["storage-2"] != "")
        #expect(token.scripted.postCommands.contains("\nVolume crypt-root leave\nVolume storage-1 leave\n"))
    }
}
