public import ConfigFiles
internal import Linux

/// Whether the next boot's initrd can be reached: its cards, their drivers and firmware, its address and its port.
public enum NetworkCheck {
    /// Looks at the links that carry the default route now, and at what the initrd is told of its network.
    ///
    /// - Parameters:
    ///   - root: prefix of the booted machine's paths; empty but for tests.
    ///   - image: the unpacked image of the next boot. Without one, drivers, firmware and the image's files are left out.
    ///   - configuration: the machine's.
    ///   - report: where findings and notices go.
    public static func look(
        machine root: String, image: String?, configuration: Configuration, into report: inout CheckReport
    ) {
        let links = NetworkLinks(beneath: root)
        let network = InitrdNetwork(beneath: root, image: image)
        let cards = lookAtLinks(links, network, into: &report)
        if let image { CardCheck(root, image: image).look(at: cards, into: &report) }
        lookAtAddresses(links, network, cards, into: &report)
        PortCheck(root, image: image, configuration).look(into: &report)
    }

    /// The names of the cards that carry the default route now, whose drivers and firmware `look` looks for in an image.
    ///
    /// - Parameter root: prefix of the booted machine's paths.
    /// - Returns: the names.
    static func cards(machine root: String) -> [String] {
        let links = NetworkLinks(beneath: root)
        return links.ofDefaultRoute.flatMap { links.path(from: $0) }.filter { $0.kind == .card }.map { $0.name }
    }

    /// - Returns: the names of the physical cards below the default route.
    private static func lookAtLinks(
        _ links: NetworkLinks, _ network: InitrdNetwork, into report: inout CheckReport
    ) -> [String] {
        var cards: [String] = []
        var seen: [String] = []
        let first = links.ofDefaultRoute
        if first.isEmpty {
            report.addNotice(
                "/proc/net/route", 0, "no network card carries a default route now, so none was looked at",
                remedy: "connect the machine as it is at boot, and check again")
        }
        for name in first {
            let path = links.path(from: name)
            let below = path.filter { $0.kind == .card }.map { $0.name }
            for link in path where !seen.contains(link.name) {
                seen.append(link.name)
                add(link, below, network, into: &report)
            }
            for card in below where !cards.contains(card) { cards.append(card) }
        }
        return cards
    }

    private static func add(
        _ link: NetworkLink, _ below: [String], _ network: InitrdNetwork, into report: inout CheckReport
    ) {
        let what = "the \(link.kind.rawValue) \(printable(link.name)) carries the default route"
        let card = below.first ?? "CARD"
        guard !network.makes(link.name) else { return }
        switch link.kind {
        case .card: break
        case .wireless:
            report.add(
                link.name, 0, "\(what), and the initrd joins no wireless network",
                remedy: "connect a cable to a network card")
        case .bridge:
            report.addNotice(
                link.name, 0, "\(what); the initrd has no bridge, and asks DHCP at \(list(below)) itself",
                remedy: "have the DHCP server know that card's MAC address, too, if the address is to be the same")
        case .bond:
            // Most switches take one card of a bond alone.
            report.addNotice(
                link.name, 0, "\(what); the initrd does not make it, and asks DHCP at \(list(below)) itself",
                remedy: "see that the switch takes \(card) alone; "
                    + "with dracut, bond=\(link.name):\(joined(link.lower, ",")) and ip=\(link.name):dhcp "
                    + "on the kernel command line make the bond")
        case .vlan where below.contains(where: { network.names($0) }):
            report.addNotice(
                link.name, 0, "\(what); the initrd does not make it, and is told to take \(list(below)) itself",
                remedy: "see that the switch takes what has no VLAN there")
        case .vlan:
            report.add(
                link.name, 0, "\(what), and the initrd does not make it",
                remedy: "write vlan=\(link.name):\(link.lower.first ?? card) and ip= for \(link.name) "
                    + "on the kernel command line, if the initrd's builder knows them, "
                    + "or make the VLAN the port's untagged one")
        case .other:
            report.addNotice(
                link.name, 0, "\(what), and the initrd does not make it",
                remedy: "see that the initrd is reached at "
                    + (below.isEmpty ? "a network card of this machine" : list(below)) + " itself")
        }
    }

    private static func lookAtAddresses(
        _ links: NetworkLinks, _ network: InitrdNetwork, _ cards: [String], into report: inout CheckReport
    ) {
        let areAllOff = network.addresses.allSatisfy { AddressWord($0.value).isOff }
        let instead = cards.first ?? links.names.first { links[$0].kind == .card }
        for setting in network.addresses {
            let word = AddressWord(setting.value)
            let shown = "ip=\(printable(setting.value))"
            if let problem = word.problem {
                report.add(
                    setting.file, setting.line, "\(shown) is malformed: \(problem)",
                    remedy: "write ip=dhcp or ip=ADDRESS::GATEWAY:MASK::CARD:none")
            } else if word.isOff, areAllOff {
                report.addNotice(
                    setting.file, setting.line,
                    "\(shown) leaves the initrd without an address, unless a router advertises one for IPv6",
                    remedy: "remove it, or write ip=dhcp, if you want to reach the initrd over IPv4")
            }
            if let card = word.card { look(at: card, of: shown, setting, links, network, instead, into: &report) }
        }
        // An `ip=` that names a card comes before DEVICE=.
        guard let device = network.device, network.addresses.allSatisfy({ AddressWord($0.value).card == nil }) else {
            return
        }
        look(
            at: device.value, of: "DEVICE=\(printable(device.value))", device, links, network, instead, into: &report)
    }

    /// Looks whether the initrd will have a link that a setting names.
    private static func look(
        at name: String, of shown: String, _ setting: InitrdNetwork.Setting, _ links: NetworkLinks,
        _ network: InitrdNetwork, _ instead: String?, into report: inout CheckReport
    ) {
        // dracut takes BOOTIF for the card that the firmware booted from.
        guard !network.makes(name), name != "BOOTIF", !links.names.isEmpty else { return }
        let remedy = instead.map { "name the card \($0) there" } ?? "name a card of this machine there"
        guard links.isThere(name) || links.otherNames.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else {
            report.add(
                setting.file, setting.line, "\(shown) names \(printable(name)), and this machine has no such card",
                remedy: remedy)
            return
        }
        guard links.isThere(name) else { return }
        let kind = links[name].kind
        guard kind != .card, kind != .wireless else { return }
        report.add(
            setting.file, setting.line,
            "\(shown) names the \(kind.rawValue) \(printable(name)), which the initrd does not make", remedy: remedy)
    }

    static func list(_ names: [String]) -> String { names.isEmpty ? "its cards" : joined(names, ", ") }

    private static func joined(_ names: [String], _ between: String) -> String {
        var text = ""
        for (place, name) in names.enumerated() { text += (place > 0 ? between : "") + printable(name) }
        return text
    }
}
