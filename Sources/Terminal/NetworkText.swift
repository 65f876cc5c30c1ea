public import Wire

/// What the consoles and the log say of the network.
public enum NetworkText {
    /// One fact as a sentence, with what to do about it.
    public static func line(_ fact: NetworkFact) -> String {
        let link = Text.clean(fact.link)
        let detail = Text.clean(fact.detail)
        switch fact.kind {
        case .reachable: return "Reach it with: ssh -p \(fact.number) root@\(detail)"
        case .nearby:
            // The zone is the client's: its own name of the link between the two.
            let isIPv6 = detail.utf8.contains(UInt8(ascii: ":"))
            let zone = isIPv6 ? "%INTERFACE, where INTERFACE is the client's own, such as eth0" : ""
            return "Only from the network segment of \(link): ssh -p \(fact.number) root@\(detail)\(zone)"
        case .noCarrier: return "Network: \(link) has no carrier; is its cable plugged in?"
        case .noAddress:
            return "Network: \(link) has no address yet; neither DHCP nor an IPv6 router has given it one. A fixed one:"
                + " ip=ADDRESS::GATEWAY:NETMASK::\(link):off on the kernel command line"
        case .managedOnly:
            return "Network: the router at \(link) gives IPv6 addresses by DHCPv6 alone, which is not supported;"
                + " have it advertise a prefix for SLAAC, or use IPv4"
        case .conflict: return "Network: another machine has the address \(detail) of \(link); give one of them another"
        case .cannotStart: return "Network: \(link) cannot be brought up: \(detail); is its firmware in the initrd?"
        case .down: return "Network: \(link) is down"
        case .noDriver:
            return "Network: no driver for the card \(detail); add its module to the initrd"
        case .noCard: return "Network: there is no network card, or its bus has no driver; add its module to the initrd"
        case .elsewhere: return "Network: no address is one of ListenAddress (\(detail)); correct it in postern.conf"
        case .notListening: return "Nobody can log in over ssh; the log says why"
        case .more: return "... and \(fact.number) more"
        }
    }
}
