internal import CLinux
internal import Config
internal import ConfigFiles
internal import HostKeys
internal import HostPrograms
internal import Image
internal import Linux

/// `postern check --boot`: boots the machine's own kernel and image in QEMU, with a stand-in for each of its volumes, and
/// unlocks them over ssh.
struct BootCheck {
    private let machine: CheckedMachine
    private let means: LoginMeans
    private let interruption: Interruption?
    private(set) var report = CheckReport()

    /// The machine in QEMU may take so long until it is unlocked, in seconds: without KVM it is some twenty times slower.
    private static let time = 300
    /// For the kernel and the agent, and for each byte of the packed image, which is unpacked into memory; in megabytes.
    private static let memory = 640
    private static let memoryForByte = 6

    /// - Parameters:
    ///   - machine: whose kernel and image are booted.
    ///   - means: the private keys that are here.
    ///   - interruption: by which it is ended early.
    init(_ machine: CheckedMachine, _ means: LoginMeans, _ interruption: Interruption?) {
        self.machine = machine
        self.means = means
        self.interruption = interruption
        look()
    }

    private mutating func look() {
        let place = BootFolder(beneath: machine.root)
        guard let image = place.images.first, let kernel = image.isUnified ? "" : kernel(of: image) else {
            report.add("/boot", 0, "no kernel is here with its image, so none was booted", remedy: "leave out --boot")
            return
        }
        guard !image.isUnified else {
            report.add(
                image.path, 0, "this image is one file with its kernel, which is not booted in QEMU",
                remedy: "leave out --boot")
            return
        }
        for (program, package) in [
            (StandInMachine.program, StandInMachine.package), ("cryptsetup", "cryptsetup-bin"),
            ("ssh", "openssh-client"), ("ip", "iproute2"), ("unshare", "util-linux"),
        ] where HostProgram.find(program) == nil {
            report.add(
                "--boot", 0, "nothing was booted, for \(program) is not installed",
                remedy: "on Debian, run: apt install \(package)")
            return
        }
        let makesDracut = Rebuilding.command(beneath: machine.root)?.hasPrefix("dracut") ?? false
        guard let tool = UnpackedImage.Tool(prefersDracut: makesDracut) else {
            report.add(
                "--boot", 0, "nothing was booted, for neither unmkinitramfs nor lsinitrd is here",
                remedy: "install one of them")
            return
        }
        var problem: BootProblem?
        var found = CheckReport()
        do throws(UnpackedImage.Failure) {
            try UnpackedImage.with(
                machine.root + image.path, isUnified: false, tool, seconds: BootCheck.time, interruption
            ) {
                tree, folder in
                do throws(BootProblem) {
                    found = try boot(image, kernel, tree, folder + "/boot", isFirst: place.first == image.path)
                } catch { problem = error }
            }
        } catch { problem = BootProblem(error) }
        report.add(found)
        if let problem {
            let text = "it was not booted in QEMU: \(problem.text)"
            if problem.isNotice {
                report.addNotice(image.path, 0, text, remedy: problem.remedy)
            } else {
                report.add(image.path, 0, text, remedy: problem.remedy)
            }
        }
    }

    private func kernel(of image: BootFolder.Image) -> String? {
        var paths = ["/boot/vmlinuz-" + image.version, "/boot/vmlinux-" + image.version]
        if let slash = image.path.utf8.lastIndex(of: UInt8(ascii: "/")) {
            paths.append(String(decoding: image.path.utf8[..<slash], as: UTF8.self) + "/linux")
        }
        return paths.first { Files.exists(machine.root + $0) }
    }

    private func boot(
        _ image: BootFolder.Image, _ kernel: String, _ tree: String, _ folder: String, isFirst: Bool
    ) throws(BootProblem) -> CheckReport {
        let commandLine = BootedCommandLine(beneath: machine.root, isFirst: isFirst)
        let words = KernelCommandLine(commandLine.bytes)
        guard !words.isOff else {
            throw BootProblem("the kernel command line has postern=off", remedy: "remove that")
        }
        let trial = try BootTrial(tree, folder: folder, image: machine.root + image.path, means: means)
        let links = NetworkLinks(beneath: machine.root)
        let card = links.ofDefaultRoute.flatMap { links.path(from: $0) }.first { $0.kind == .card }?.name
        let told = InitrdNetwork(beneath: machine.root, image: tree, commandLine: commandLine.bytes)
        let network = try StandInNetwork(
            addresses: told.addresses.map { $0.value }, files: told.fixed(on: card), card: card,
            port: words.port ?? trial.port, layers: told.layers)
        // The initrd may call it otherwise than the booted machine does.
        let address = hardwareAddress(of: network.card.flatMap { links.isThere($0) ? $0 : nil } ?? card)
        let memory = memory(for: machine.root + image.path)
        if let problem = BootProblem(memory: memory, free: Machine.freeMemory) { throw problem }
        let qemu = try StandInMachine(
            files: folder, kernel: machine.root + kernel, commandLine: commandLine.inQEMU,
            modules: KernelModules(beneath: tree), disks: trial.standIns.count, network: network.options,
            hardwareAddress: address, memory: memory)
        let started = Clock.now()
        do throws(SystemError) {
            try trial.writeFiles(card: network.card, hardwareAddress: address)
            let result = try trial.run(qemu.words, seconds: BootCheck.time, interruption)
            return judge(trial, result, image, seconds: (Clock.now() - started) / 1000)
        } catch {
            throw BootProblem(error.description, remedy: "mend that, and check again")
        }
    }

    /// The machine's own, by which files of udev and networkd may know its card; nobody outside of QEMU sees it.
    private func hardwareAddress(of card: String?) -> String {
        let file = machine.root + "/sys/class/net/" + (card ?? "") + "/address"
        let bytes = card == nil ? [] : (try? Files.read(file, limit: 64)) ?? []
        let text = String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
        return text.utf8.count == 17 ? text : "52:54:00:12:34:56"
    }

    private func memory(for image: String) -> Int {
        var mode: UInt32 = 0
        var size: UInt64 = 0
        var device: UInt64 = 0
        _ = unsafe linux_stat(image, &mode, &size, &device)
        return BootCheck.memory + BootCheck.memoryForByte * Int(min(size, 1 << 30) >> 20)
    }

    // MARK: What became of it

    private func judge(
        _ trial: BootTrial, _ result: HostProgram.Result, _ image: BootFolder.Image, seconds: Int64
    ) -> CheckReport {
        var report = CheckReport()
        let what = "Linux \(image.version) booted in QEMU with this image"
        let opened = NetworkCheck.list(trial.standIns.map { $0.name })
        switch trial.outcome(result) {
        case .notStarted(let words):
            report.add(image.path, 0, "it was not booted in QEMU: \(words)", remedy: "mend that, and check again")
        case .notReached(let words):
            report.add(
                image.path, 0,
                "\(what), and its agent was not reached within \(BootCheck.time) s; the console's last line: \(words)",
                remedy: "boot the machine only where you can reach its console")
        case .ended(let words):
            report.add(
                image.path, 0, "\(what), and QEMU ended before it was unlocked; the console's last line: \(words)",
                remedy: "boot the machine only where you can reach its console")
        case .notLoggedIn(let ssh) where ssh.acceptsKey:
            report.addNotice(
                image.path, 0,
                "\(what), and its agent knows the key, and no login was made: \(ssh.reason)",
                remedy: "name a key with -i that needs nobody at hand")
        case .notLoggedIn(let ssh):
            report.add(
                image.path, 0, "\(what), and ssh could not log in: \(ssh.reason)",
                remedy: "see what postern check says of the login")
        case .answered(0, _):
            report.addProof(
                image.path,
                "\(what); after \(seconds) s ssh had logged in \(trial.key.title), and one passphrase had opened "
                    + "the stand-ins of \(opened), and the boot went on")
        case .answered(let status, _) where (status == 4 || status == 5) && !trial.others.isEmpty:
            report.addNotice(
                image.path, 0,
                "\(what), ssh logged in \(trial.key.title), and the boot waited for "
                    + "\(NetworkCheck.list(trial.others)), which had no stand-in",
                remedy: "name the devices in crypttab by UUID=, if it is to be shown that the boot goes on")
        case .answered(let status, let words):
            report.add(
                image.path, 0, "\(what), ssh logged in, and unlock ended with \(status): \(words)",
                remedy: "see what postern check says of the volumes")
        }
        return report
    }
}

/// Why nothing was booted.
struct BootProblem: Error, Equatable {
    let text: String
    let remedy: String
    /// Whether QEMU lacks something, and the image is not at fault.
    let isNotice: Bool

    init(_ text: String, remedy: String, isNotice: Bool = false) {
        self.text = text
        self.remedy = remedy
        self.isNotice = isNotice
    }

    init(_ failure: UnpackedImage.Failure) {
        let reason =
            switch failure {
            case .tookTooLong: "unpacking took too long"
            case .noPlace(let words), .failed(let words): words
            }
        self.init(
            "it cannot be unpacked: " + reason, remedy: "see that /var/tmp has room, and check again")
    }

    /// - Returns: `nil` where the machine has the memory; `memory` in megabytes, `free` in KiB, or 0 where nobody knows.
    init?(memory: Int, free: UInt64) {
        guard free > 0, free >> 10 < UInt64(memory) else { return nil }
        self.init(
            "QEMU takes \(memory) MiB of memory, and \(free >> 10) MiB are free here",
            remedy: "end other programs, and check again")
    }
}
