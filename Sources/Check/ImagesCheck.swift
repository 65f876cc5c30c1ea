internal import Config
internal import ConfigFiles
internal import HostKeys
internal import Image
internal import Linux

/// Whether the images in `/boot` have the agent, and with it what the machine's files say now.
struct ImagesCheck {
    private let machine: CheckedMachine
    private let isPatient: Bool
    private let boot: BootFolder
    private let started = Clock.now()
    /// What the machine's own files were found to have, and the images too: it is not said again.
    private let known: CheckReport
    private(set) var report = CheckReport()
    /// The machine's configuration, if its network is looked at as well: with the first image that has the agent.
    private let network: Configuration?
    /// What a login to each agent is tried with; without it none is.
    private let login: LoginMeans?
    private(set) var lookedAtNetwork = false

    /// All images together may take so long unless somebody waits for each, in seconds.
    private static let time = 25
    /// One alone that somebody waits for, in seconds.
    private static let patience = 300
    /// A login that somebody waits for, in seconds.
    private static let patienceForLogin = 60

    /// - Parameters:
    ///   - machine: whose images they are.
    ///   - isPatient: whether all images are looked at, however long it takes.
    ///   - known: what was found in the machine's own files.
    ///   - network: the machine's configuration, if its network is looked at as well.
    ///   - login: what a login to the agent of each image is tried with, if it is.
    ///   - pause: is called after each image, when nothing of it is left.
    init(
        _ machine: CheckedMachine, isPatient: Bool, known: CheckReport, network: Configuration? = nil,
        login: LoginMeans? = nil, pause: () -> Void = {}
    ) {
        self.network = network
        self.login = login
        self.machine = machine
        self.isPatient = isPatient
        self.known = known
        boot = BootFolder(beneath: machine.root)
        lookAtFolder()
        lookAtImages(pause)
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
        if boot.hasUnified {
            report.addNotice(
                "/boot", 0, "images in one file with their kernel (.efi) are not looked at",
                remedy: "unpack the initrd in it, and run: postern check --image FOLDER")
        }
        // NixOS keeps its images elsewhere, and a menu that another boot loader has replaced starts nothing.
        guard let first = boot.first, !Files.exists(machine.root + "/etc/NIXOS"),
            !Files.exists(machine.root + "/boot/loader/entries") || Files.exists(machine.root + first)
        else { return }
        if !Files.exists(machine.root + first) {
            report.add(
                first, 0, "the first entry of GRUB's menu names this image, and it is not there",
                remedy: "run: update-grub, or grub2-mkconfig")
        } else if let image = boot.images.first, image.path == first,
            let newer = boot.images.dropFirst().first, BootFolder.isNewer(newer.version, than: image.version)
        {
            report.addNotice(
                first, 0, "the first entry of GRUB's menu starts this image, and \(newer.path) is newer",
                remedy: "run update-grub, or grub2-mkconfig, unless you want that")
        }
    }

    private mutating func lookAtImages(_ pause: () -> Void) {
        guard !boot.images.isEmpty else {
            let isElsewhere = boot.hasUnified || Files.exists(machine.root + "/etc/NIXOS")
            guard !isElsewhere else {
                report.addNotice(
                    "/boot", 0, "the image of this machine is not looked at",
                    remedy: "unpack it, and run: postern check --image FOLDER")
                return
            }
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
            let left = Int64(ImagesCheck.time * 1000) - (before - started)
            guard isPatient || place == 0 || left > longest else {
                leaveOut(image)
                continue
            }
            look(image, tool, seconds: isPatient ? ImagesCheck.patience : max(Int(left / 1000), 1))
            longest = max(longest, Clock.now() - before)
            pause()
        }
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
            try UnpackedImage.with(machine.root + image.path, tool, seconds: seconds) { tree, folder in
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
        let again = again(image.version)
        guard Files.exists(tree + ImageComparison.settings),
            ["/usr/sbin/postern", "/usr/bin/postern"].contains(where: { Files.exists(tree + $0) })
        else {
            report.add(
                image.path, 0, "the agent is not in the image: Linux \(image.version) asks at the console alone",
                remedy: again)
            return report
        }
        // This first: the comparison changes the tree.
        let check = ImageCheck.look(tree, file: ImageComparison.settings)
        for finding in check.findings where !isKnown(finding, known.findings) {
            let isBuilding = finding.remedy == "build the image again"
            report.add(
                image.path + ":" + finding.file, finding.line, finding.problem,
                remedy: isBuilding ? again : finding.remedy)
        }
        for notice in check.notices where !isKnown(notice, known.notices) {
            report.addNotice(image.path + ":" + notice.file, notice.line, notice.problem, remedy: notice.remedy)
        }
        if let network, !lookedAtNetwork {
            lookedAtNetwork = true
            NetworkCheck.look(machine: machine.root, image: tree, configuration: network, into: &report)
        }
        if let login {
            let left = Int64(ImagesCheck.time) - (Clock.now() - started) / 1000
            let seconds = isPatient ? ImagesCheck.patienceForLogin : min(max(Int(left), 3), LoginCheck.time)
            report.add(
                LoginCheck(
                    tree, folder: folder, image: image.path, again: again, means: login, seconds: seconds
                ).report)
        }
        let comparison = ImageComparison(tree, folder: folder, of: machine, image: image.path, again: again)
        report.add(comparison.report)
        return report
    }

    private func isKnown(_ finding: Finding, _ list: [Finding]) -> Bool {
        list.contains { $0.problem == finding.problem }
    }
}
