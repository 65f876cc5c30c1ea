internal import Linux

/// The images of the kernels in `/boot`.
struct BootFolder {
    /// An image, with the version of its kernel, which is empty where only the unpacked image tells.
    struct Image: Equatable {
        let version: String
        /// Its path on the machine.
        let path: String
        /// Whether it is one file with its kernel.
        var isUnified = false
    }

    /// What the boot loader starts first where that is known, then those of newer kernels before those of older ones.
    private(set) var images: [Image] = []
    /// The versions of the kernels in `/boot` that have no image there.
    private(set) var bare: [String] = []
    /// The image that the default entry of GRUB's menu names.
    private(set) var first: String?
    /// The entry that systemd-boot starts next, if it starts this machine.
    let next: LoaderEntry?

    /// How Debian, dracut elsewhere and openSUSE call an image.
    private static let names = [("initrd.img-", ""), ("initramfs-", ".img"), ("initrd-", "")]
    /// What is no image to boot from: copies, and those for crashes and rescues.
    private static let ends = [
        ".old", ".bak", ".new", ".tmp", ".dpkg-bak", ".old-dkms", ".dpkg-new", "kdump", "-fallback",
    ]

    /// - Parameter root: a prefix of the paths.
    init(beneath root: String) {
        let menu = LoaderMenu(beneath: root)
        let system = InstalledSystem(beneath: root)
        next = menu.next
        let boot = "/boot"
        var kernels: [String] = []
        for name in Files.names(in: root + boot) {
            for start in ["vmlinuz-", "vmlinux-"] {
                guard let version = BootFolder.middle(of: name, start, ""), !kernels.contains(version) else { continue }
                kernels.append(version)
            }
            for (start, end) in BootFolder.names {
                guard let version = BootFolder.middle(of: name, start, end) else { continue }
                images.append(Image(version: version, path: boot + "/" + name))
                break
            }
        }
        // The Boot Loader Specification's: TOKEN/VERSION/initrd.
        for token in Files.names(in: root + boot) {
            // dracut writes the rescue system once and never again.
            for version in Files.names(in: root + boot + "/" + token)
            where !version.hasPrefix("0-rescue") && Files.exists("\(root)\(boot)/\(token)/\(version)/linux") {
                let folder = "\(boot)/\(token)/\(version)"
                for name in Files.names(in: root + folder) where name.hasPrefix("initr") {
                    images.append(Image(version: version, path: folder + "/" + name))
                }
            }
        }
        // Of a kernel that was removed an image may be left, which nobody starts.
        var found: [Image] = []
        for image in images {
            let isLeft =
                image.path.hasPrefix(boot + "/initr") && !kernels.contains(image.version)
                && !Files.isFolder(root + "/lib/modules/" + image.version)
            if !isLeft { found.append(image) }
        }
        bare = found.isEmpty ? [] : kernels.filter { version in !found.contains { $0.version == version } }
        images = found.filter { $0.path == next?.images.last || BootFolder.isOwn($0, system, menu.entries) }
        first = menu.next == nil ? BootFolder.imageOfGRUB(root) : nil
        // GRUB by itself starts none of these.
        for entry in menu.entries where entry.isUnified && first == nil {
            guard let path = entry.images.last, !images.contains(where: { $0.path == path }) else { continue }
            let image = Image(version: UnifiedImage(root + path)?.kernel ?? "", path: path, isUnified: true)
            found.append(image)
            if entry == next || BootFolder.isOwn(image, system, menu.entries) { images.append(image) }
        }
        // A machine that was cloned has got another ID than its entries say.
        if images.isEmpty { images = found }
        // Elsewhere only what is started next is anybody's concern: NixOS keeps the images of all its generations.
        if let next, let image = next.images.last, !images.contains(where: { $0.path == image }),
            Files.exists(root + image)
        {
            images.append(Image(version: next.version, path: image, isUnified: next.isUnified))
        }
        images.sort { BootFolder.isNewer($0.version, than: $1.version) }
        bare.sort { BootFolder.isNewer($0, than: $1) }
        if let first = next?.images.last ?? first, let place = images.firstIndex(where: { $0.path == first }) {
            images.insert(images.remove(at: place), at: 0)
        }
    }

    /// Whether nothing says that an image is another system's: the entries that start it or, without any, its folder.
    private static func isOwn(_ image: Image, _ system: InstalledSystem, _ entries: [LoaderEntry]) -> Bool {
        let starting = entries.filter { $0.images.contains(image.path) }
        guard starting.isEmpty else {
            return starting.contains { !system.isForeign($0, version: image.version) }
        }
        // /boot/TOKEN/VERSION/initrd
        let parts = image.path.split(separator: "/")
        return parts.count < 4 || !system.isForeign(folder: String(parts[1]))
    }

    /// What stands in a name between its start and its end, if it has these.
    private static func middle(of name: String, _ start: String, _ end: String) -> String? {
        guard name.hasPrefix(start), name.hasSuffix(end), !ends.contains(where: { name.hasSuffix($0 + end) }) else {
            return nil
        }
        let text = name.utf8.dropFirst(start.utf8.count).dropLast(end.utf8.count)
        let version = String(decoding: text, as: UTF8.self)
        return version.isEmpty || version.hasPrefix("0-rescue") ? nil : version
    }

    /// The path of the image that GRUB's default entry names. GRUB may see `/boot` as its root.
    private static func imageOfGRUB(_ root: String) -> String? {
        for folder in ["/boot/grub", "/boot/grub2"] {
            guard let bytes = try? Files.readRegular("\(root)\(folder)/grub.cfg", limit: 1 << 20) else { continue }
            let environment = (try? Files.readRegular("\(root)\(folder)/grubenv", limit: 64 << 10)) ?? []
            guard let path = GRUBMenu(bytes, environment: environment).image,
                let name = path.utf8.split(separator: UInt8(ascii: "/")).last
            else { continue }
            let image = String(decoding: Array(name), as: UTF8.self)
            // Another system's, or one of somebody's own making.
            return names.contains { middle(of: image, $0.0, $0.1) != nil } ? "/boot/" + image : nil
        }
        return nil
    }

    /// Whether a version is later than another one: numbers in it count as numbers.
    static func isNewer(_ version: String, than other: String) -> Bool {
        var one = Array(version.utf8)[...]
        var two = Array(other.utf8)[...]
        while let a = one.first, let b = two.first {
            if isDigit(a), isDigit(b) {
                let (x, y) = (number(&one), number(&two))
                if x != y { return x > y }
            } else {
                if a != b { return a > b }
                one = one.dropFirst()
                two = two.dropFirst()
            }
        }
        return one.count > two.count
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func number(_ text: inout ArraySlice<UInt8>) -> UInt64 {
        var value: UInt64 = 0
        while let digit = text.first, isDigit(digit) {
            value = value &* 10 &+ UInt64(digit & 15)
            text = text.dropFirst()
        }
        return value
    }
}
