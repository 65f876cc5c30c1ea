internal import Config
internal import ConfigFiles
internal import HostKeys
internal import HostPrograms
internal import Image
internal import Linux

/// Whether the images in `/boot` have the agent, and with it what the machine's files say now.
struct ImagesCheck {
    private let machine: CheckedMachine
    private let boot: BootFolder
    /// When no further image is begun, by `Clock.now()`; `nil` where somebody waits for each.
    private let deadline: Int64?
    /// The machine's volumes.
    private let volumes: [VolumeFacts]
    /// What the machine's own files were found to have, and the images too: it is not said again.
    private let known: CheckReport
    private(set) var report = CheckReport()
    /// The machine's configuration, if its network is looked at as well: with the first image that has the agent.
    private let network: Configuration?
    /// What a login to each agent is tried with; without it none is.
    private let login: LoginMeans?
    private let interruption: Interruption?
    private(set) var lookedAtNetwork = false
    /// What is the same for all images is said of the first one that has the agent.
    private var lookedAtMemory = false

    /// The first may take so long in any case, in seconds.
    private static let time = 25
    /// One alone that somebody waits for, in seconds.
    private static let patience = 300
    /// A login that somebody waits for, in seconds.
    private static let patienceForLogin = 60

    /// - Parameters:
    ///   - machine: whose images they are.
    ///   - known: what was found in the machine's own files.
    ///   - network: the machine's configuration, if its network is looked at as well.
    ///   - volumes: the machine's.
    ///   - login: what a login to the agent of each image is tried with, if it is.
    ///   - deadline: when no further image is begun, by `Clock.now()`, or `nil`.
    ///   - interruption: what ends the program after an image, when nothing of that is left.
    init(
        _ machine: CheckedMachine, known: CheckReport, network: Configuration? = nil, volumes: [VolumeFacts] = [],
        login: LoginMeans? = nil, until deadline: Int64?, _ interruption: Interruption? = nil
    ) {
        self.network = network
        self.login = login
        self.interruption = interruption
        self.machine = machine
        self.known = known
        self.volumes = volumes
        self.deadline = deadline
        boot = BootFolder(beneath: machine.root)
        lookAtFolder()
        lookAtImages()
        noticeNewer()
    }

    private var makesDracut: Bool {
        Rebuilding.command(beneath: machine.root)?.hasPrefix("dracut") ?? false
    }

    private func again(_ version: String) -> String {
        "build the image again"
            + (Rebuilding.command(beneath: machine.root, kernel: version).map { ", with: " + $0 } ?? "")
    }

    private mutating func lookAtFolder() {
        for version in boot.bare {
            report.add(
                "/boot", 0, "Linux \(version) has no image, so nothing asks for a passphrase", remedy: again(version))
        }
        lookAtNext()
        // NixOS keeps its images elsewhere, and a menu that another boot loader has replaced starts nothing.
        guard let first = boot.first, !Files.exists(machine.root + "/etc/NIXOS"),
            !Files.exists(machine.root + "/boot/loader/entries") || Files.exists(machine.root + first)
        else { return }
        if !Files.exists(machine.root + first) {
            report.add(
                first, 0, "the default entry of GRUB's menu names this image, and it is not there",
                remedy: "run: update-grub, or grub2-mkconfig")
        } else if let image = boot.images.first, image.path == first,
            let newer = boot.images.dropFirst().first, BootFolder.isNewer(newer.version, than: image.version)
        {
            report.addNotice(
                first, 0, "the default entry of GRUB's menu starts this image, and \(newer.path) is newer",
                remedy: "run update-grub, or grub2-mkconfig, unless you want that")
        }
    }

    /// What systemd-boot starts.
    private mutating func lookAtNext() {
        guard let next = boot.next else { return }
        guard let image = next.images.last else {
            guard next.isLinux else { return }
            report.add(
                next.file, 0,
                "systemd-boot starts this entry next, and it has no initrd, so nothing asks for a passphrase",
                remedy: "choose another one with: bootctl set-default ID, or " + again(next.version))
            return
        }
        if !Files.exists(machine.root + image) {
            report.add(
                next.file, 0, "systemd-boot starts this entry next, and its image \(printable(image)) is not there",
                remedy: again(next.version))
        }
    }

    /// That systemd-boot starts an older kernel, where nothing else is wrong with it.
    private mutating func noticeNewer() {
        guard let next = boot.next, let started = boot.images.first, started.path == next.images.last,
            !started.version.isEmpty, !report.findings.contains(where: { $0.file.hasPrefix(started.path) }),
            let newer = boot.images.dropFirst().first(where: { BootFolder.isNewer($0.version, than: started.version) })
        else { return }
        report.addNotice(
            next.file, 0, "systemd-boot starts this entry next, and \(newer.path) is newer",
            remedy: "run: bootctl set-default ID, unless you want that")
    }

    private mutating func lookAtImages() {
        guard !isNixOS else { return lookAtNixOS() }
        guard !boot.images.isEmpty else {
            report.add(
                "/boot", 0, "no image is here, so none that has Postern",
                remedy: Rebuilding.command(beneath: machine.root).map { "run: " + $0 } ?? "build one")
            return
        }
        guard let tool = UnpackedImage.Tool(prefersDracut: makesDracut) else {
            report.addNotice(
                "/boot", 0, "no image is looked at, for neither unmkinitramfs nor lsinitrd is here",
                remedy: "unpack one, and run: postern check --image FOLDER")
            return
        }
        var longest: Int64 = 0
        for (place, image) in boot.images.enumerated() {
            let before = Clock.now()
            let left = deadline.map { $0 - before } ?? Int64(ImagesCheck.patience * 1000)
            guard deadline == nil || place == 0 || left > longest else {
                leaveOut(image)
                continue
            }
            // The one that is started first is waited for.
            look(image, tool, seconds: max(Int(left / 1000), place == 0 ? ImagesCheck.time : 1))
            longest = max(longest, Clock.now() - before)
            interruption?.endIfAsked()
        }
    }

    private var isNixOS: Bool { Files.exists(machine.root + "/etc/NIXOS") }

    /// The image that is started next. What is in it comes from Nix, and not from files of this machine.
    private mutating func lookAtNixOS() {
        guard let next = boot.next, let path = next.images.last,
            let image = boot.images.first(where: { $0.path == path }),
            !image.isUnified, let tool = UnpackedImage.Tool.ofNixOS
        else {
            report.addNotice(
                "/boot", 0, "the image of this machine is not looked at",
                remedy: "unpack it, and run: postern check --image FOLDER")
            return
        }
        let newest = machine.root + NixOSImage.newest
        if NixOSImage.isPlain(next), Files.exists(newest),
            let isBuilt = NixOSImage.begins(machine.root + path, with: newest), !isBuilt
        {
            report.add(
                image.path, 0, "the image that is started next is not that of the newest configuration",
                remedy: "run: nixos-rebuild boot, and see with bootctl list that the newest entry is the default")
        }
        let left = deadline.map { Int($0 - Clock.now()) / 1000 } ?? ImagesCheck.patience
        look(image, tool, seconds: max(left, ImagesCheck.time))
        interruption?.endIfAsked()
    }

    private mutating func leaveOut(_ image: BootFolder.Image) {
        report.addNotice(
            image.path, 0, "it was not looked at, for want of time", remedy: "run: postern check --images")
    }

    private mutating func look(_ image: BootFolder.Image, _ tool: UnpackedImage.Tool, seconds: Int) {
        if case .file(let permissions)? = Files.kind(machine.root + image.path), permissions & 0o077 != 0,
            isOwnable(image.path)
        {
            report.addNotice(
                image.path, 0, "others than root may read the image, with the host keys in it",
                remedy: "run: chmod 600 \(image.path)")
        }
        var found = CheckReport()
        do throws(UnpackedImage.Failure) {
            try UnpackedImage.with(
                machine.root + image.path, isUnified: image.isUnified, tool, seconds: seconds, interruption
            ) {
                tree, folder in
                found = findings(tree, folder, image)
            }
        } catch {
            switch error {
            case .tookTooLong: leaveOut(image)
            case .noPlace(let words):
                report.addNotice(
                    image.path, 0, "it was not looked at: \(words)",
                    remedy: "mend that, and run: postern check --images")
            case .failed(let words):
                report.add(
                    image.path, 0, "the image cannot be unpacked: \(words)",
                    remedy: again(image.version) + "; before that, see that /var/tmp has room")
            }
            return
        }
        report.add(found)
    }

    /// A FAT file system has modes of its own, for all files alike.
    private func isOwnable(_ path: String) -> Bool {
        guard case .file(let permissions)? = Files.kind(machine.root + path) else { return false }
        return permissions & 0o111 == 0
    }

    private mutating func findings(_ tree: String, _ folder: String, _ image: BootFolder.Image) -> CheckReport {
        var report = CheckReport()
        if isNixOS, NixOSImage.isScripted(tree) {
            report.addNotice(
                image.path, 0, "it is not looked at, for scripted stage 1 writes the files of Postern at boot",
                remedy: "set boot.initrd.systemd.enable = true, if you want to see them before")
            return report
        }
        let isNamed = !image.version.isEmpty && !isNixOS
        let version = isNamed ? image.version : KernelModules(beneath: tree).versions.first ?? ""
        let again = again(version)
        guard Files.exists(tree + ImageComparison.settings),
            ["/usr/sbin/postern", "/usr/bin/postern"].contains(where: { Files.exists(tree + $0) })
        else {
            report.add(
                image.path, 0,
                "the agent is not in the image: Linux \(version) asks at the console alone\(started(image))",
                remedy: again + choosing(image))
            return report
        }
        // This first: the comparison changes the tree.
        let isFirst = !lookedAtMemory
        lookedAtMemory = true
        let network = isNixOS ? Configuration(file: ImageComparison.settings, beneath: tree) : network
        let cards = network != nil && isFirst ? NetworkCheck.cards(machine: machine.root) : []
        let check = ImageCheck.look(
            tree, file: ImageComparison.settings, hardware: Hardware(sysfs: machine.root + "/sys"), passingOver: cards,
            isStaged: !isNixOS)
        for finding in check.findings where !isKnown(finding, known.findings) {
            let isBuilding = finding.remedy == "build the image again"
            report.add(
                image.path + ":" + finding.file, finding.line, finding.problem,
                remedy: isNixOS
                    ? "correct the machine's configuration, and run: nixos-rebuild boot"
                    : isBuilding ? again : finding.remedy)
        }
        for notice in check.notices where !isKnown(notice, known.notices) {
            report.addNotice(image.path + ":" + notice.file, notice.line, notice.problem, remedy: notice.remedy)
        }
        if isFirst { lookAtMemory(tree, image, into: &report) }
        if let network, isFirst {
            lookedAtNetwork = true
            NetworkCheck.look(machine: machine.root, image: tree, configuration: network, into: &report)
        }
        if let login {
            let left = deadline.map { Int($0 - Clock.now()) / 1000 }
            let seconds = left.map { min(max($0, 3), LoginCheck.time) } ?? ImagesCheck.patienceForLogin
            report.add(
                LoginCheck(
                    tree, folder: folder, image: image.path, again: again, means: login, seconds: seconds,
                    interruption
                ).report)
        }
        guard !isNixOS else { return report }
        let comparison = ImageComparison(tree, folder: folder, of: machine, image: image.path, again: again)
        report.add(comparison.report)
        return report
    }

    /// The kernel unpacks the image into memory, and keeps it there while keys are derived.
    private func lookAtMemory(_ tree: String, _ image: BootFolder.Image, into report: inout CheckReport) {
        guard let program = HostProgram.find("du"),
            let result = try? HostProgram.run([program, "-sk", tree], seconds: 20), result.succeeded,
            let size = UInt64(String(decoding: result.output.prefix { $0 > 0x20 }, as: UTF8.self))
        else { return }
        KeySlotCheck(beneath: machine.root, file: image.path)
            .look(at: image.path, size: size, volumes: volumes, into: &report)
    }

    /// Words for the image that the boot loader starts next, where that is known.
    private func started(_ image: BootFolder.Image) -> String {
        if let next = boot.next, next.images.last == image.path {
            return ", and systemd-boot starts it next" + (next.isUnified ? "" : ", by \(next.file)")
        }
        return boot.first == image.path ? ", and GRUB's default entry starts it" : ""
    }

    /// What else to do about an image that the boot loader starts next.
    private func choosing(_ image: BootFolder.Image) -> String {
        if let next = boot.next, next.images.last == image.path {
            return "; or choose another entry with: bootctl set-default ID"
        }
        return boot.first == image.path ? "; or choose another entry of GRUB's menu" : ""
    }

    private func isKnown(_ finding: Finding, _ list: [Finding]) -> Bool {
        list.contains { $0.problem == finding.problem }
    }
}
